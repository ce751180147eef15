"""What is connected to a microcontroller from outside: devices on its buses, listeners to UARTs and pins, disturbances.

It outlives a reset of the chip, as wires do.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, Self

from mcu_models.emulators.port import PinEdge, UartLine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mcu_models.emulators.frame_source import FrameSource
    from mcu_models.emulators.peripherals.base import Chip
    from mcu_models.emulators.port import I2cDevice

MAX_LINE_BYTES = 1 << 16
MAX_TEXT_BYTES = 64 << 20
"""What is kept of the output of all UARTs, and so many characters of their lines; beyond, the oldest half of the one
that sent most is dropped."""
MAX_LINES = 1_000_000
"""Lines that are kept of all UARTs; beyond, the oldest half of the one that sent most is dropped."""
MAX_DISTURBANCES = 10_000
"""So many are listed, the others counted."""


def uart_bytes(text: str) -> bytes:
    """Return the bytes of a text on a wire: UTF-8, and what stands for a bare byte (PEP 383) as that byte."""
    return text.encode("utf-8", errors="surrogateescape")


def uart_text(data: bytes | bytearray) -> str:
    """Return what a reader of UTF-8 sees of bytes on a wire, with U+FFFD for what is none."""
    return data.decode("utf-8", errors="replace")


class Attachment(Protocol):
    """Something outside the chip that acts on it."""

    def plug_in(self, chip: Chip) -> None:
        """Take the chip as it is at power-on or behind a reset, when all its parts are new."""


class Wire(Protocol):
    """What a UART's characters pass through on their way to or from the chip."""

    def carry(self, byte: int, time_s: float) -> int | None:
        """Return what comes out at the other end; None when nothing does."""


@dataclass(frozen=True)
class Disturbance:
    """Something that was done to the chip or its surroundings on purpose.

    Attributes:
        time_s: Virtual time.
        cause: What did it, such as "i2c_nack[0]".
        what: In words.
    """

    time_s: float
    cause: str
    what: str


@dataclass
class DisturbanceLog:
    """Disturbances in the order in which they came about.

    Attributes:
        listed: The first `MAX_DISTURBANCES`.
        count: Of all.
    """

    listed: list[Disturbance] = field(default_factory=list)
    count: int = 0


@dataclass
class Transcript:
    """What one UART has sent.

    Attributes:
        lines: Complete lines; the newest `MAX_LINES` at most.
        partial: Characters since the last line end.
        text: Every character, line ends included; the newest `MAX_TEXT_BYTES` at most.
        dropped: Bytes dropped from the beginning of `text`.
        line_characters: Characters of `lines`.
    """

    lines: list[UartLine] = field(default_factory=list)
    partial: bytearray = field(default_factory=bytearray)
    text: bytearray = field(default_factory=bytearray)
    dropped: int = 0
    line_characters: int = 0

    def take(self, byte: int, time_s: float) -> UartLine | None:
        """Note a character; return the line that it completes."""
        self.text.append(byte)
        if len(self.text) > MAX_TEXT_BYTES:
            self.drop_text(MAX_TEXT_BYTES // 2)
        if byte != ord("\n") and len(self.partial) < MAX_LINE_BYTES:
            self.partial.append(byte)
            return None
        line = UartLine(time_s, self.unfinished)
        self.partial.clear()
        self.lines.append(line)
        self.line_characters += len(line.text)
        if len(self.lines) > MAX_LINES:
            self.drop_lines(MAX_LINES // 2)
        return line

    def drop_text(self, length: int) -> None:
        """Drop so many of the oldest bytes."""
        self.dropped += length
        del self.text[:length]

    def drop_lines(self, number: int) -> None:
        """Drop so many of the oldest lines."""
        self.line_characters -= sum(len(line.text) for line in self.lines[:number])
        del self.lines[:number]

    @property
    def unfinished(self) -> str:
        """The line that has no end yet, as far as it has come."""
        return uart_text(self.partial).rstrip("\r")

    @property
    def sent_bytes(self) -> int:
        """How many have been sent, those included that are no longer kept."""
        return self.dropped + len(self.text)

    def end_of(self, wanted: bytes, begin: int) -> int | None:
        """Return how many bytes had been sent when `wanted` had come, looked for behind the first `begin`."""
        place = self.text.find(wanted, max(begin - self.dropped, 0))
        return None if place < 0 else self.dropped + place + len(wanted)


class Listeners:
    """Who wants to hear what the chip sends and what its pins do; they belong to the outside and are never copied."""

    def __init__(self) -> None:
        self.on_line: list[Callable[[UartLine], None]] = []
        self.on_byte: list[Callable[[str, float, int], None]] = []
        self.on_disturbance: list[Callable[[Disturbance], None]] = []
        self.on_pin_edge: list[Callable[[PinEdge], None]] = []

    def __deepcopy__(self, _memo: object) -> Listeners:
        return self


class Connections:
    """Devices by bus, transcripts by UART, the listeners, and what disturbs.

    Attributes:
        cameras: What sends frames, by the peripheral that takes them.
        sending: Wires that the characters of a UART's transmitter pass, by UART.
        receiving: Wires that characters pass before they reach a UART's receiver, by UART.
        disturbances: What was done on purpose.
    """

    def __init__(self) -> None:
        self.devices: dict[str, dict[int, I2cDevice]] = {}
        self.cameras: dict[str, FrameSource] = {}
        self.transcripts: dict[str, Transcript] = {}
        self.listeners = Listeners()
        self.sending: dict[str, list[Wire]] = {}
        self.receiving: dict[str, list[Wire]] = {}
        self.disturbances = DisturbanceLog()
        self._attachments: list[Attachment] = []
        self._high_outputs: dict[str, int] = {}
        self._awaited = ""
        self._awaited_tails: dict[str, bytes] = {}
        self._chip: Chip | None = None

    def attach(self, attachment: Attachment) -> None:
        """Let something act on the chip from now on."""
        self._attachments.append(attachment)
        if self._chip is not None:
            attachment.plug_in(self._chip)

    def chip_is_new(self, chip: Chip) -> None:
        """Hear that power-on or a reset has made the chip anew."""
        self._chip = chip
        for attachment in self._attachments:
            attachment.plug_in(chip)

    def disturbed(self, disturbance: Disturbance) -> None:
        """Note a disturbance, and tell the listeners."""
        self.disturbances.count += 1
        if len(self.disturbances.listed) < MAX_DISTURBANCES:
            self.disturbances.listed.append(disturbance)
        for hear in self.listeners.on_disturbance:
            hear(disturbance)

    def devices_on(self, bus: str) -> dict[int, I2cDevice]:
        """Return the devices on a bus, by address; what is added to it is attached."""
        return self.devices.setdefault(bus, {})

    def transcript(self, uart: str) -> Transcript:
        """Return what a UART has sent."""
        return self.transcripts.setdefault(uart, Transcript())

    def uart_lines(self, uart: str | None = None) -> list[UartLine]:
        """Return the complete lines sent so far, of one UART or of all, in order of time."""
        transcripts = self.transcripts.items()
        lines = [line for name, transcript in transcripts if uart in (None, name) for line in transcript.lines]
        return sorted(lines, key=lambda line: line.time_s)

    def uart_text(self, uart: str | None = None) -> str:
        """Return all that has been sent so far, line ends included, of one UART or of all, one after the other."""
        return uart_text(b"".join(t.text for name, t in self.transcripts.items() if uart in (None, name)))

    def awaited(self, text: str, on_come: Callable[[], None]) -> AwaitedText:
        """Return who looks for a text; when the last one has looked for the same in vain, it goes on where that ended.

        An empty text is not looked for, and lets the last one be forgotten.
        """
        if text != self._awaited:
            self._awaited, self._awaited_tails = text, {}
        return AwaitedText(self.listeners, text, on_come, self._awaited_tails)

    def uart_byte(self, uart: str, byte: int, time_s: float) -> None:
        """Take a character from a UART's transmitter, and tell the listeners what the wire has left of it."""
        arrived = _carried(self.sending.get(uart, ()), byte, time_s)
        if arrived is None:
            return
        byte = arrived
        for hear in self.listeners.on_byte:
            hear(uart, time_s, byte)
        line = self.transcript(uart).take(byte, time_s)
        if line is not None:
            self._stay_within_limits()
            for hear_line in self.listeners.on_line:
                hear_line(line)

    def _stay_within_limits(self) -> None:
        """Let all transcripts together be no larger than one may be."""
        transcripts = self.transcripts.values()
        if sum(len(one.lines) for one in transcripts) > MAX_LINES:
            longest = max(transcripts, key=lambda one: len(one.lines))
            longest.drop_lines((len(longest.lines) + 1) // 2)
        if sum(one.line_characters for one in transcripts) > MAX_TEXT_BYTES:
            longest = max(transcripts, key=lambda one: one.line_characters)
            longest.drop_lines((len(longest.lines) + 1) // 2)
        if sum(len(one.text) for one in transcripts) > MAX_TEXT_BYTES:
            longest = max(transcripts, key=lambda one: len(one.text))
            longest.drop_text((len(longest.text) + 1) // 2)

    def output(self, port: str, pin: int, *, high: bool, time_s: float) -> None:
        """Take whether one output of a port is high, and tell the listeners if it has changed."""
        others = self._high_outputs.get(port, 0) & ~(1 << pin)
        self.outputs(port, others | high << pin, time_s)

    def outputs(self, port: str, high: int, time_s: float) -> None:
        """Take which outputs of a port are high, a bit for each pin, and tell the listeners what has changed."""
        changed = self._high_outputs.get(port, 0) ^ high
        if not changed:
            return
        self._high_outputs[port] = high
        for pin in range(changed.bit_length()):
            if changed >> pin & 1:
                self._pin_changed(PinEdge(time_s, port, pin, high=bool(high >> pin & 1)))

    def _pin_changed(self, edge: PinEdge) -> None:
        for hear in self.listeners.on_pin_edge:
            hear(edge)

    def arriving(self, uart: str, byte: int, time_s: float) -> int | None:
        """Return what the wire leaves of a character on its way to a UART's receiver; None when it is lost."""
        return _carried(self.receiving.get(uart, ()), byte, time_s)


def _carried(wires: Iterable[Wire], byte: int, time_s: float) -> int | None:
    carried: int | None = byte
    for wire in wires:
        if carried is not None:
            carried = wire.carry(carried, time_s)
    return carried


class AwaitedText:
    """Looks for a text in what any UART sends, while it listens.

    Args:
        listeners: Whom to listen with.
        text: What is awaited.
        on_come: Called when its last character has been sent.
        tails: What each UART has sent last of what may become the text; kept up to date.

    Attributes:
        has_come: Whether it has.
    """

    def __init__(
        self, listeners: Listeners, text: str, on_come: Callable[[], None], tails: dict[str, bytes] | None = None
    ) -> None:
        self._listeners = listeners
        self._wanted = uart_bytes(text)
        self._on_come = on_come
        self._tails = {} if tails is None else tails
        self.has_come = False

    def __enter__(self) -> Self:
        self._listeners.on_byte.append(self._hear)
        return self

    def __exit__(self, *_: object) -> None:
        self._listeners.on_byte.remove(self._hear)

    def _hear(self, uart: str, _time_s: float, byte: int) -> None:
        tail = (self._tails.get(uart, b"") + bytes((byte,)))[-len(self._wanted) :]
        self._tails[uart] = tail
        if tail == self._wanted:
            self.has_come = True
            self._tails.clear()
            self._on_come()
