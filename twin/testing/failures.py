"""What a test of firmware fails with, and what is told of the firmware then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mcu_models.emulators.debug_lines import SourceLines

if TYPE_CHECKING:
    from twin.testing.stimuli import AnyEmulator

LAST_LINES: Final = 10


class FirmwareFailedError(AssertionError):
    """The firmware did not do what a test expects of it; the text says what, and what was seen instead."""


class HostTimeUpError(FirmwareFailedError):
    """A machine has used up its time on the host."""


def where(emulator: AnyEmulator) -> str:
    """Return function and line at which the firmware is."""
    pc = emulator.pc
    line = SourceLines(emulator.image).at(pc)
    return f"{emulator.image.function_at(pc)} at {pc:#010x}" + (f" ({line})" if line else "")


def last_heard(emulator: AnyEmulator, lines: int = LAST_LINES) -> list[str]:
    """Return the last lines that any UART has sent, each with its time, and what has no line end yet."""
    heard = [f"{line.time_s:12.6f} s  {line.text}" for line in emulator.uart_lines()[-lines:]]
    unfinished = [text for one in emulator.connections.transcripts.values() if (text := one.unfinished)]
    return [*heard, *(f"{emulator.now_s:12.6f} s  {text} (no line end yet)" for text in unfinished)]


def story(emulator: AnyEmulator) -> str:
    """Return a few lines on the state of a firmware: time, place, last lines of its UARTs, problems."""
    heard = last_heard(emulator) or ["nothing"]
    text = [
        f"{emulator.image.name} on {emulator.board.name}, {emulator.now_s:.6f} s after power-on, in {where(emulator)}"
    ]
    text += ["UART:", *(f"  {line}" for line in heard)]
    if emulator.problems:
        text += ["what the hardware would not honour:", *(f"  {problem}" for problem in emulator.problems)]
    return "\n".join(text)
