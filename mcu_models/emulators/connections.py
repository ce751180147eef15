"""What is connected to a microcontroller from outside: devices on its I2C buses, and who listens to its UARTs.

It outlives a reset of the chip, as wires do.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcu_models.emulators.port import UartLine

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcu_models.emulators.port import I2cDevice

MAX_LINE_BYTES = 1 << 16
MAX_TEXT_BYTES = 64 << 20
"""What is kept of one UART's output; beyond, the oldest half is dropped."""


@dataclass
class Transcript:
    """What one UART has sent.

    Attributes:
        lines: Complete lines.
        partial: Characters since the last line end.
        text: Every character, line ends included; the newest `MAX_TEXT_BYTES` at most.
        dropped: Bytes dropped from the beginning of `text`.
    """

    lines: list[UartLine] = field(default_factory=list)
    partial: bytearray = field(default_factory=bytearray)
    text: bytearray = field(default_factory=bytearray)
    dropped: int = 0

    def take(self, byte: int, time_s: float) -> UartLine | None:
        """Note a character; return the line that it completes."""
        self.text.append(byte)
        if len(self.text) > MAX_TEXT_BYTES:
            self.dropped += MAX_TEXT_BYTES // 2
            del self.text[: MAX_TEXT_BYTES // 2]
        if byte != ord("\n") and len(self.partial) < MAX_LINE_BYTES:
            self.partial.append(byte)
            return None
        line = UartLine(time_s, self.partial.decode("ascii", errors="replace").rstrip("\r"))
        self.partial.clear()
        self.lines.append(line)
        return line


class Listeners:
    """Who wants to hear of what the chip sends; they belong to the outside and are never copied."""

    def __init__(self) -> None:
        self.on_line: list[Callable[[UartLine], None]] = []
        self.on_byte: list[Callable[[str, float, int], None]] = []

    def __deepcopy__(self, _memo: object) -> Listeners:
        return self


class Connections:
    """Devices by bus, transcripts by UART, and the listeners."""

    def __init__(self) -> None:
        self.devices: dict[str, dict[int, I2cDevice]] = {}
        self.transcripts: dict[str, Transcript] = {}
        self.listeners = Listeners()

    def devices_on(self, bus: str) -> dict[int, I2cDevice]:
        """Return the devices on a bus, by address; what is added to it is attached."""
        return self.devices.setdefault(bus, {})

    def transcript(self, uart: str) -> Transcript:
        """Return what a UART has sent."""
        return self.transcripts.setdefault(uart, Transcript())

    def uart_byte(self, uart: str, byte: int, time_s: float) -> None:
        """Take a character from a UART's transmitter, and tell the listeners."""
        for hear in self.listeners.on_byte:
            hear(uart, time_s, byte)
        line = self.transcript(uart).take(byte, time_s)
        if line is not None:
            for hear_line in self.listeners.on_line:
                hear_line(line)


class AwaitedText:
    """Looks for a text in what any UART sends from now on."""

    def __init__(self, connections: Connections, text: str) -> None:
        self._connections = connections
        self._wanted = text.encode("ascii", errors="replace")
        self._seen = {name: len(t.text) + t.dropped for name, t in connections.transcripts.items()}

    def has_come(self) -> bool:
        """Tell whether the text has come, and remember how far was looked."""
        found = [self._is_in(name, transcript) for name, transcript in self._connections.transcripts.items()]
        return any(found)

    def _is_in(self, name: str, transcript: Transcript) -> bool:
        end = len(transcript.text) + transcript.dropped
        seen = self._seen.get(name, 0)
        if end == seen:
            return False
        found = transcript.text.find(self._wanted, max(0, seen - transcript.dropped))
        # The beginning of the text may have come already: the next look starts with the last few characters.
        self._seen[name] = max(seen, end - len(self._wanted) + 1)
        return found >= 0
