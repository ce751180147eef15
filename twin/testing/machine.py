"""One firmware image on one emulated board, as a test holds it in its hand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from datasheet.bad_input import BadInputError
from mcu_models.emulators.fault_injection import inject
from mcu_models.emulators.fault_plan import FaultPlan, pin_of, read_fault_plan
from mcu_models.emulators.unicorn_backend import UnicornEmulator
from mcu_models.firmware.image import sizes_of
from twin.testing import spending
from twin.testing.asked import check_gpio, check_span_s, check_uart, check_wanted
from twin.testing.console import Console
from twin.testing.failures import FirmwareFailedError, story
from twin.testing.markers import spans_s, times_of
from twin.testing.one_fault import one_fault
from twin.testing.pins import Pin, PinLog
from twin.testing.playback import Playback
from twin.testing.rehearsal import Rehearsal
from twin.testing.running import Runner
from twin.testing.spending import Moment
from twin.testing.stimuli import stimulus_of

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator, Mapping

    from mcu_models.emulators.backends import BackendName
    from mcu_models.emulators.call_times import CallCycles, CallTimes
    from mcu_models.emulators.port import I2cDevice, RunOutcome, UartLine
    from mcu_models.emulators.snapshot import Snapshot
    from mcu_models.emulators.trace_events import TraceEvent
    from twin.testing.console import Heard
    from twin.testing.stimuli import AnyEmulator, Played, Stimulus

STEP_S: Final = 0.5
"""Frames are played in pieces of so much virtual time."""
EDGE_STEP_S: Final = 1e-2
"""With a backend that cannot stop at an edge, it is looked for so often."""


@dataclass(frozen=True)
class Saved:
    """A state that a machine can go back to.

    Attributes:
        time_s: Virtual time since power-on.
        snapshot: Of the emulator.
        read_until: How far the UARTs had been read.
        playback: What was being played.
    """

    time_s: float
    snapshot: Snapshot
    read_until: Mapping[str, tuple[int, int]]
    playback: Playback | None


class Machine:
    """A microcontroller with an image, at power-on; time passes only while something is waited for.

    Args:
        emulator: The microcontroller.
        host_seconds: Time it may take on the host, all in all.
        functions: Addresses of functions that the image has no symbols for, by a name for each.
        rehearses: Whether a backend without a cycle model learns its pace from one before it runs; see `Rehearsal`.

    Attributes:
        emulator: What lies beneath.
        stimulus: What is played; None before.
    """

    def __init__(
        self,
        emulator: AnyEmulator,
        *,
        host_seconds: float = 300.0,
        functions: Mapping[str, int] | None = None,
        rehearses: bool = True,
    ) -> None:
        self.emulator = emulator
        self.playback: Playback | None = None
        self._pins = PinLog(emulator)
        rehearsal = Rehearsal() if rehearses and not isinstance(emulator, UnicornEmulator) else None
        self._runner = Runner(emulator, host_seconds=host_seconds, rehearsal=rehearsal)
        self._console = Console(emulator, self._runner.run)
        self._calls: CallTimes | None = None
        if isinstance(emulator, UnicornEmulator):
            self._calls = emulator.time_calls(functions)
        self._plans = 0

    @property
    def backend(self) -> BackendName:
        """Name of the emulator."""
        return "unicorn" if isinstance(self.emulator, UnicornEmulator) else "renode"

    # -- time ----------------------------------------------------------------------------------------------

    @property
    def now_s(self) -> float:
        """Virtual time since power-on."""
        return self.emulator.now_s

    def run(self, seconds: float) -> RunOutcome:
        """Let virtual time pass.

        Raises:
            FirmwareFailedError: The firmware crashed, locked up or sleeps for ever.
        """
        __tracebackhide__ = True
        check_span_s("run", "seconds", seconds)
        return self._runner.run(self.now_s + seconds)

    # -- what it sees --------------------------------------------------------------------------------------

    @property
    def stimulus(self) -> Stimulus | None:
        """What is played; None when nothing is."""
        return None if self.playback is None else self.playback.stimulus

    def play(
        self,
        what: Played,
        *,
        seconds: float | None = None,
        seed: int = 1,
        bus: str = "I2C1",
        address: int = 0x69,
        run: bool = True,
    ) -> Playback:
        """Show frames to the firmware, and run until the last of them has been shown.

        Args:
            what: A scenario, a guarded door, a recording or frames, as `stimulus_of` takes them.
            seconds: How much of it.
            seed: Everything random about a scenario follows from it.
            bus: I2C bus of the sensor.
            address: 7-bit address of a thermal array.
            run: Whether to run at once; else the sensor is put on its bus and time stands still.

        Raises:
            BadInputError: It cannot be used, or something is being played already.
            FirmwareFailedError: The firmware crashed, or looked at no frame.
        """
        __tracebackhide__ = True
        if self.playback is not None:
            raise BadInputError("play", "", None, "a machine plays once; give it a list to play one behind the other")
        made = partial(stimulus_of, what, seconds=seconds, seed=seed, bus=bus, address=address)
        stimulus = made()
        stimulus.attach(self.emulator)
        if self._runner.rehearsal is not None:
            self._runner.rehearsal.played(made)
        self.playback = Playback(stimulus, self.emulator)
        if run:
            self.play_on()
        return self.playback

    def play_on(self) -> None:
        """Run until the last frame has been shown.

        Raises:
            FirmwareFailedError: The firmware crashed, or looked at no frame.
        """
        __tracebackhide__ = True
        stimulus = self.stimulus
        if stimulus is None:
            raise BadInputError("play_on", "", None, "nothing is being played")
        while self.now_s < stimulus.end_s:
            self._runner.run(min(self.now_s + STEP_S, stimulus.end_s))
        if stimulus.frame_now < 0:
            raise FirmwareFailedError(f"the firmware looked at no frame\n{story(self.emulator)}")

    def attach(self, bus: str, device: I2cDevice) -> None:
        """Put a device of one's own on an I2C bus."""
        self.emulator.attach_i2c(bus, device)
        if self._runner.rehearsal is not None:
            self._runner.rehearsal.attached(bus, device)

    # -- what it says and does -----------------------------------------------------------------------------

    def expect_uart(self, wanted: str | re.Pattern[str], *, within_s: float = 10.0, port: str | None = None) -> Heard:
        """Run until the firmware has sent something, behind what was expected before.

        Args:
            wanted: A text within a line, or a regular expression for a whole line.
            within_s: Virtual time it may take.
            port: Which UART; None: any.

        Raises:
            FirmwareFailedError: It did not come in time, or the firmware crashed.
            BadInputError: It cannot be looked for, or the board has no such UART.
        """
        __tracebackhide__ = True
        check_wanted("expect_uart", wanted)
        check_span_s("expect_uart", "within_s", within_s)
        check_uart("expect_uart", self.emulator.board, port)
        return self._console.expect(wanted, within_s, port)

    def send_uart(self, text: str, *, port: str | None = None) -> None:
        """Let text arrive at a receiver; without a port at all of them. Line ends are sent as they are given.

        A receiver that firmware has not switched on misses it, as on a board.

        Raises:
            BadInputError: It is no text, or the board has no such UART.
        """
        if not isinstance(text, str):
            raise BadInputError("send_uart", "text", text, "must be a text")
        check_uart("send_uart", self.emulator.board, port)
        self.emulator.send_uart(text, port)
        if self._runner.rehearsal is not None:
            self._runner.rehearsal.sent(text, port)

    def uart_lines(self, port: str | None = None) -> list[UartLine]:
        """Return the complete lines sent so far.

        Raises:
            BadInputError: The board has no such UART.
        """
        check_uart("uart_lines", self.emulator.board, port)
        return self.emulator.uart_lines(port)

    def pin(self, name: str) -> Pin:
        """Return a pin, such as "PA8".

        Raises:
            BadInputError: No pin of the board has such a name.
        """
        __tracebackhide__ = True
        try:
            port, _ = pin_of(name)
        except ValueError as error:
            raise BadInputError("pin", "", name, str(error)) from None
        check_gpio("pin", self.emulator.board, port, name)
        return Pin(name, self._pins, self.emulator, self._run_until_edge)

    def pin_edges(self) -> list[Any]:
        """Return every edge of every pin that firmware drives, in order of time."""
        return list(self._pins.all())

    def _run_until_edge(self, wanted: tuple[str, int, bool], within_s: float) -> float:
        __tracebackhide__ = True
        check_span_s("wait", "within_s", within_s)
        end_s = self.now_s + within_s
        self._pins.want(wanted)
        can_stop = isinstance(self.emulator, UnicornEmulator)
        while self._pins.come is None and self.now_s < end_s:
            until_s = end_s if can_stop else min(self.now_s + EDGE_STEP_S, end_s)
            self._runner.run(until_s, has_come=lambda: self._pins.come is not None)
        if self._pins.come is None:
            level = "high" if wanted[2] else "low"
            pin = f"P{wanted[0][-1]}{wanted[1]}"
            raise FirmwareFailedError(f"{pin} did not go {level} within {within_s:g} s\n{story(self.emulator)}")
        return self._pins.come.time_s

    # -- what it costs -------------------------------------------------------------------------------------

    def moment(self) -> Moment:
        """Return the present, to measure sleep and energy from."""
        return Moment(self.now_s, dict(self.emulator.residency_s()))

    def sleep_fraction(self, since: Moment | None = None) -> float:
        """Return the share of the time for which the core slept, in any mode, since a moment or power-on.

        Raises:
            BadInputError: The moment lies ahead.
        """
        return spending.sleep_fraction(spending.spent_s(self.moment(), since))

    def energy_j(self, since: Moment | None = None) -> float:
        """Return what the microcontroller has taken from its supply since a moment or power-on.

        Typical currents of the board's sheet at its supply voltage; sensors, radio and regulator are not in it.

        Raises:
            BadInputError: The moment lies ahead.
        """
        return spending.energy_j(self.emulator.board, spending.spent_s(self.moment(), since))

    def calls(self, function: str | int) -> CallCycles:
        """Return the cycles of all calls of a function that have ended, callees included.

        Raises:
            BadInputError: The image has no such function, or the backend counts no cycles of functions.
        """
        if self._calls is None:
            raise BadInputError("cycles", "function", function, "calls are timed with the Unicorn backend only")
        return self._calls.of(function)

    def cycles(self, function: str | int) -> int:
        """Return the cycles of the last call of a function that has ended, callees included.

        Args:
            function: Its name, or its address where the image has no symbols.

        Raises:
            FirmwareFailedError: No call has ended yet.
            BadInputError: The image has no such function, or the backend counts no cycles of functions.
        """
        __tracebackhide__ = True
        calls = self.calls(function)
        if not calls.calls:
            raise FirmwareFailedError(f"no call of {function} has ended yet\n{story(self.emulator)}")
        return calls.last

    def call_events(self) -> Iterator[TraceEvent]:
        """Yield the last calls and returns of any function, in order of time."""
        if self._calls is None or not isinstance(self.emulator, UnicornEmulator):
            return iter(())
        return self.emulator.call_events(self._calls)

    def latencies_s(self, from_marker: str, to_marker: str) -> list[float]:
        """Return the times from each of some moments to the first of others behind it, before the next of the former.

        Raises:
            BadInputError: One of them is no marker; see `twin.testing.markers`.
        """
        return spans_s(times_of(self, from_marker), times_of(self, to_marker))

    def latency_s(self, from_marker: str, to_marker: str) -> float:
        """Return the longest of `latencies_s`.

        Raises:
            FirmwareFailedError: One was never followed by the other.
            BadInputError: One of them is no marker.
        """
        __tracebackhide__ = True
        spans = self.latencies_s(from_marker, to_marker)
        if not spans:
            told = f"{to_marker!r} never came behind {from_marker!r}"
            raise FirmwareFailedError(f"{told}\n{story(self.emulator)}")
        return max(spans)

    @property
    def flash_bytes(self) -> int:
        """What the image takes of flash."""
        sizes = sizes_of(self.emulator.image)
        return sizes.flash_code_bytes + sizes.flash_weights_bytes

    @property
    def ram_bytes(self) -> int:
        """What the image takes of RAM before it runs: variables and whatever its linker script sets aside."""
        return sizes_of(self.emulator.image).ram_bytes

    # -- what goes wrong, and going back -------------------------------------------------------------------

    def inject(self, fault: str | FaultPlan | Path, **fields: Any) -> None:
        """Let something go wrong, from now on unless it says when.

        Args:
            fault: A kind of fault, such as "i2c_nack"; or a plan, or the path of one.
            fields: Of that kind; times are virtual seconds since power-on. Without a bus it is the only one with a
                device.

        Raises:
            BadInputError: There is no such fault, or the backend knows no faults.
        """
        if not isinstance(self.emulator, UnicornEmulator):
            raise BadInputError("inject", "", None, "faults are injected with the Unicorn backend only")
        self._plans += 1
        if isinstance(fault, Path):
            inject(self.emulator, read_fault_plan(fault), source=fault)
        elif isinstance(fault, FaultPlan):
            inject(self.emulator, fault)
        else:
            plan = one_fault(fault, fields, now_s=self.now_s, seed=self._plans, buses=self._buses())
            inject(self.emulator, plan, source=f"fault {fault}")

    def _buses(self) -> list[str]:
        return [bus for bus, devices in self.emulator.connections.devices.items() if devices]

    def snapshot(self) -> Saved:
        """Return the state to go back to.

        Raises:
            BadInputError: The backend has no snapshots, or people before a guarded door are being played.
        """
        if not isinstance(self.emulator, UnicornEmulator):
            raise BadInputError("snapshot", "", None, "with the Unicorn backend only")
        return Saved(self.now_s, self.emulator.snapshot(), self._console.places(), self.playback)

    def restore(self, saved: Saved) -> None:
        """Go back; may be done again and again.

        Raises:
            BadInputError: Another machine has made it.
        """
        __tracebackhide__ = True
        assert isinstance(self.emulator, UnicornEmulator)  # noqa: S101 - no other emulator has made one
        try:
            self.emulator.restore(saved.snapshot)
        except ValueError as error:
            raise BadInputError("restore", "", None, str(error)) from None
        self._console.go_back_to(dict(saved.read_until))
        self._pins.forget_after(saved.time_s)
        self.playback = saved.playback
        if self.playback is not None:
            self.playback.forget_after(saved.time_s)
