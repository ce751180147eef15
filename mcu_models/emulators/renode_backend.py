"""A microcontroller emulated by Renode: the whole platform by Renode, its pace by our cycle model.

What firmware sees differs from our own emulator, and from a chip, in this: an access to addresses at which there is
nothing reads 0 and is a problem, but no bus fault; BKPT does nothing; a fault goes to its own handler even where SHCSR
leaves that disabled, instead of becoming a HardFault; characters that are sent to a UART arrive all at once. An awaited
text ends a run up to a quantum late, a fault up to half a second.
"""

from __future__ import annotations

import re
import time
from collections import deque
from typing import TYPE_CHECKING

from datasheet.bad_input import BadInputError
from mcu_models.emulators.connections import Connections, uart_bytes
from mcu_models.emulators.faults import FAULT_NAMES
from mcu_models.emulators.image_fit import require_fit
from mcu_models.emulators.interruption import deferred_interrupt
from mcu_models.emulators.peripherals.gpio import PINS
from mcu_models.emulators.port import GAVE_UP, RunOutcome
from mcu_models.emulators.renode.installation import find_renode
from mcu_models.emulators.renode.machine_script import machine_files, machine_script
from mcu_models.emulators.renode.process import SILENCE_S, RenodeError, RenodeProcess
from mcu_models.emulators.virtual_clock import RECENT_SPANS, PowerState, StateSpan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from mcu_models.boards.board import Board
    from mcu_models.emulators.connections import Transcript
    from mcu_models.emulators.frame_source import Frame, FrameSource
    from mcu_models.emulators.image import FirmwareImage
    from mcu_models.emulators.port import End, I2cDevice, PinEdge, UartLine

__all__ = ["RenodeEmulator", "RenodeError"]

QUANTUM_S = 0.01
"""Renode synchronises its time sources this often. With one core nothing needs it oftener: timers are exact anyway."""
MAX_UNTIL_S = 1e9
"""Renode counts nanoseconds in 64 bits; this is thirty years."""
MAX_PROBLEMS = 1000
"""So many different ones are kept."""
_NS = 1e9
_SHOWN_CHARACTERS = 200
_DONE = re.compile(r"(?:-?[\d.]+ ){7}-?[\d.]+")
_EVENTS = {
    kind: re.compile(form)
    for kind, form in {
        "alive": "",
        "problem": ".*",
        "byte": r"\w+ -?[\d.]+ [\da-f]{2}",
        "pin": r"\w+ \d+ [01] -?[\d.]+",
        "spent": r"\w+ \d+ -?[\d.]+ -?[\d.]+",
        "begin": r"\w+ \d+ [01] -?[\d.]+",
        "write": r"\w+ \d+ [\da-f]{2} -?[\d.]+",
        "read": r"\w+ \d+ \d+ -?[\d.]+ -?[\d.]+",
        "frame": r"\w+ -?[\d.]+",
        "pixels": r"\w+ \d+",
        "end": r"\w+ \d+ -?[\d.]+",
    }.items()
}
"""What Renode sends by itself, as `TwinLink.cs` has it."""


class RenodeEmulator:
    """One microcontroller with one image in a Renode process of its own, from power-on.

    Virtual time is Renode's: instructions at the rate of the core's clock. Devices on I2C buses are the same Python
    objects as for every other backend; each byte is asked of them at its virtual time.

    Args:
        board: What to emulate.
        image: What to run.
        rates: Instructions a second by core clock, in Hz, as `instruction_rates` learns them from the cycle model; at a
            clock that is not named the core executes an instruction a cycle.
        renode: Renode's executable; looked for when left out.
        quantum_s: How often Renode synchronises.

    Raises:
        BadInputError: There is no Renode, or the image does not fit the board.
        RenodeError: Renode does not start.
    """

    def __init__(
        self,
        board: Board,
        image: FirmwareImage,
        *,
        rates: Mapping[int, float] | None = None,
        renode: Path | None = None,
        quantum_s: float = QUANTUM_S,
    ) -> None:
        require_fit(board, image)
        self.board = board
        self.image = image
        self.connections = Connections()
        self.quantum_s = quantum_s
        self._now_s = 0.0
        self._pc = 0
        self._residency_s: dict[PowerState, float] = {}
        self._spans: deque[StateSpan] = deque(maxlen=RECENT_SPANS)
        self._problems: dict[str, None] = {}
        self._heard: list[str] = []
        self._frames: dict[str, Frame] = {}
        self._buses = [name for name, p in board.sheet.peripherals.items() if p.type == "i2c_v2"]
        self._uarts = [name for name, p in board.sheet.peripherals.items() if p.type in ("usart", "lpuart")]
        self._process = RenodeProcess(
            renode or find_renode(),
            machine_files(board, image),
            machine_script(board, image, rates=rates or {}, quantum_s=quantum_s),
        )
        try:
            self._await_answer("the start")
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End Renode."""
        self._process.close()

    # -- what the outside uses -----------------------------------------------------------------------------

    @property
    def now_s(self) -> float:
        """Virtual time since power-on."""
        return self._now_s

    @property
    def problems(self) -> tuple[str, ...]:
        """Renode's warnings and errors, each once."""
        return tuple(self._problems)

    def attach_i2c(self, bus: str, device: I2cDevice) -> None:
        """Put `device` on the I2C bus named `bus`.

        Raises:
            BadInputError: The board has no such bus.
        """
        if bus not in self._buses:
            raise BadInputError(self.board.name, "i2c bus", bus, f"one of {', '.join(self._buses)}")
        is_new = device.address not in self.connections.devices_on(bus)
        self.connections.devices_on(bus)[device.address] = device
        if is_new:
            self._command(f"device {bus.lower()} {device.address}")

    def attach_camera(self, port: str, source: FrameSource) -> None:
        """Let the camera interface named `port`, such as "DCMI", take the frames of `source`.

        Raises:
            BadInputError: The board has no such interface.
        """
        ports = [name for name, p in self.board.sheet.peripherals.items() if p.type == "dcmi"]
        if port not in ports:
            allowed = f"one of {', '.join(ports)}" if ports else "this board has no camera interface"
            raise BadInputError(self.board.name, "camera interface", port, allowed)
        is_new = port not in self.connections.cameras
        self.connections.cameras[port] = source
        if is_new:
            self._command(f"camera {port.lower()}")

    def set_rates(self, rates: Mapping[int, float]) -> None:
        """Let the core execute so many instructions a second at these core clocks from now on; see the class."""
        for clock_hz, rate in sorted(rates.items()):
            self._command(f"rate {clock_hz} {round(rate)}")

    def run(
        self, *, until_s: float, until_text: str | None = None, give_up: Callable[[], bool] | None = None
    ) -> RunOutcome:
        """Run until virtual time `until_s`, or until what a UART sends contains `until_text`.

        With a text to wait for, the run ends within a quantum of the text's last character.

        Args:
            until_s: Virtual time since power-on.
            until_text: What is awaited.
            give_up: Asked now and then; True ends the run.

        Raises:
            RenodeError: Renode has ended or no longer answers.
        """
        self._command(f"await {uart_bytes(until_text).hex() if until_text else '-'}")
        until_s = min(max(until_s, 0.0), MAX_UNTIL_S)
        self._process.send(f"run {round(until_s * _NS)}")
        ending = _Ending(self._process, give_up)
        try:
            answer = self._await_answer("a run", ending.look)
            return self._outcome(answer, until_s, gave_up=ending.asked_s is not None)
        except BaseException:
            # Renode still runs and would answer the next command with what belongs to this one.
            self.close()
            raise

    def on_uart_line(self, listener: Callable[[UartLine], None]) -> None:
        """Call `listener` with every line, at the virtual time at which it is complete."""
        self.connections.listeners.on_line.append(listener)

    def on_pin_edge(self, listener: Callable[[PinEdge], None]) -> None:
        """Call `listener` with every edge of a pin that firmware drives, at its virtual time."""
        self.connections.listeners.on_pin_edge.append(listener)

    def uart_lines(self, port: str | None = None) -> list[UartLine]:
        """Return the complete lines sent so far, of one UART or of all, in order of time."""
        return self.connections.uart_lines(port)

    def uart_text(self, port: str | None = None) -> str:
        """Return all that has been sent so far, line ends included, of one UART or of all, one after the other."""
        return self.connections.uart_text(port)

    def transcript(self, port: str) -> Transcript:
        """Return what one UART has sent so far."""
        return self.connections.transcript(port)

    def send_uart(self, text: str, port: str | None = None) -> None:
        """Let `text` arrive as UTF-8 at the receiver of a UART; without a name, at all that can receive.

        Raises:
            BadInputError: The board has no UART of this name.
        """
        if port is not None and port not in self._uarts:
            raise BadInputError(self.board.name, "uart", port, f"one of {', '.join(self._uarts)}")
        data = uart_bytes(text).hex()
        for name in self._uarts:
            if data and port in (None, name):
                self._command(f"send {name.lower()} {data}")

    def drive_pin(self, port: str, pin: int, *, high: bool) -> None:
        """Let the outside drive a pin, such as pin 13 of "GPIOC".

        Raises:
            BadInputError: The board has no such pin.
        """
        ports = [name for name, sheet in self.board.sheet.peripherals.items() if sheet.type == "gpio"]
        if port not in ports or not 0 <= pin < PINS:
            raise BadInputError(self.board.name, "pin", f"{port} {pin}", f"0 to {PINS - 1} of {', '.join(ports)}")
        self._command(f"drive {port.lower()} {pin} {int(high)}")

    def read_memory(self, address: int, length: int) -> bytes:
        """Return `length` bytes of memory."""
        return bytes.fromhex(self._command(f"memory {address} {length}"))

    @property
    def pc(self) -> int:
        """Address at which the last run ended."""
        return self._pc

    def residency_s(self) -> Mapping[PowerState, float]:
        """Return the seconds spent in each power state since power-on."""
        return dict(self._residency_s)

    def recent_spans(self) -> tuple[StateSpan, ...]:
        """Return the last few stretches of time by power state."""
        return tuple(self._spans)

    # -- what Renode sends ---------------------------------------------------------------------------------

    def _command(self, line: str) -> str:
        """Give a command and return its answer."""
        self._process.send(line)
        with deferred_interrupt():
            return self._await_answer(line.split(maxsplit=1)[0])

    def _await_answer(self, what: str, look: Callable[[], None] | None = None) -> str:
        """Take what Renode sends until it has done what it was told."""
        while True:
            while self._heard:
                kind, _, rest = self._heard.pop(0).partition(" ")
                if kind == "done":
                    return rest
                if kind == "failed":
                    raise RenodeError(f"Renode could not do {what}: {rest}")
                self._take(kind, rest)
            if look is not None:
                look()
            self._heard = self._process.events(look)

    def _take(self, kind: str, rest: str) -> None:
        if kind not in _EVENTS or not _EVENTS[kind].fullmatch(rest):
            raise RenodeError(f"Renode sent what is no event: {kind} {rest}"[:_SHOWN_CHARACTERS])
        if kind == "problem":
            if len(self._problems) < MAX_PROBLEMS:
                self._problems.setdefault(rest)
            return
        words = rest.split()
        if kind == "byte":
            self._pass_to(float(words[1]))
            self.connections.uart_byte(words[0].upper(), int(words[2], 16), self._now_s)
        elif kind == "pin":
            self._pass_to(float(words[3]))
            self.connections.output(words[0].upper(), int(words[1]), high=words[2] == "1", time_s=self._now_s)
        elif kind == "spent":
            self._spend(words[0], int(words[1]), float(words[2]) / _NS, float(words[3]) / _NS)
        elif kind in ("begin", "write", "read", "end"):
            self._serve_bus(kind, words)
        elif kind == "frame":
            self._process.send(f"={self._coming_frame(words[0].upper(), float(words[1]) / _NS)}")
        elif kind == "pixels":
            source = self.connections.cameras[words[0].upper()]
            self._process.send(f"={source.data(self._frames[words[0].upper()]).hex()}")

    def _coming_frame(self, port: str, time_s: float) -> str:
        """Return a camera's next frame as Renode is told of it."""
        frame: Frame | None = self.connections.cameras[port].next_frame(time_s)
        if frame is None:
            return "-"
        self._frames[port] = frame
        times = [f"{time_s * _NS:.3f}" for time_s in (frame.first_row_s, frame.row_s, frame.byte_s)]
        levels = [str(int(level)) for level in (frame.vsync_is_high, frame.href_is_high)]
        begin = f"{frame.begin_s * _NS:.3f}"
        return " ".join([str(frame.index), begin, str(frame.rows), str(frame.row_bytes), *times, *levels])

    def _serve_bus(self, kind: str, words: list[str]) -> None:
        """Hand a question of the bus to the device it is for."""
        device = self.connections.devices_on(words[0].upper())[int(words[1])]
        time_s = float(words[-1]) / _NS
        if kind == "begin":
            self._process.send("=1" if device.begin(time_s, read=words[2] == "1") else "=0")
        elif kind == "write":
            self._process.send("=1" if device.write(time_s, int(words[2], 16)) else "=0")
        elif kind == "read":
            count, step_s = int(words[2]), float(words[3]) / _NS
            data = bytes(device.read(time_s + (index + 1) * step_s) for index in range(count))
            self._process.send(f"={data.hex()}")
        else:
            device.end(time_s)

    def _pass_to(self, time_ns: float) -> None:
        self._now_s = max(self._now_s, time_ns / _NS)

    def _spend(self, mode: str, clock_hz: int, begin_s: float, end_s: float) -> None:
        state = PowerState(mode, clock_hz)
        self._residency_s[state] = self._residency_s.get(state, 0.0) + end_s - begin_s
        if self._spans and self._spans[-1].state == state:
            begin_s = self._spans.pop().begin_s
        self._spans.append(StateSpan(state, begin_s, end_s))

    def _outcome(self, answer: str, until_s: float, *, gave_up: bool) -> RunOutcome:
        if not _DONE.fullmatch(answer):
            raise RenodeError(f"Renode ended a run with what is no outcome: {answer}"[:_SHOWN_CHARACTERS])
        now_ns, instructions, cycles, _, asleep_ns, heard, fault, pc = (float(word) for word in answer.split())
        self._pass_to(now_ns)
        self._pc = int(pc)
        end, detail = self._end(heard=bool(heard), fault=int(fault), gave_up=gave_up)
        if (end, detail) == ("seconds", ""):
            # A time between two of Renode's nanoseconds has come too: who runs until then must not wait for ever.
            self._now_s = max(self._now_s, until_s)
        return RunOutcome(end, int(instructions), int(cycles), self._now_s, asleep_ns / _NS, detail)

    def _end(self, *, heard: bool, fault: int, gave_up: bool) -> tuple[End, str]:
        if gave_up:
            return "seconds", GAVE_UP
        if heard:
            return "until", ""
        if fault in FAULT_NAMES:
            return "fault", f"{FAULT_NAMES[fault]}: its handler does not end, in {self.image.function_at(self._pc)}"
        return "seconds", ""


class _Ending:
    """Ends a run when whoever wants it gives up, and Renode when it does not obey."""

    def __init__(self, process: RenodeProcess, give_up: Callable[[], bool] | None) -> None:
        self._process = process
        self._give_up = give_up
        self.asked_s: float | None = None

    def look(self) -> None:
        """Ask, and send the order."""
        if self.asked_s is not None:
            if time.monotonic() - self.asked_s > SILENCE_S:
                raise RenodeError(f"Renode does not end its run: {SILENCE_S:g} s have passed since it was told to")
        elif self._give_up is not None and self._give_up():
            self.asked_s = time.monotonic()
            self._process.send("stop")
