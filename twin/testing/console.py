"""Waits for what firmware says on its UARTs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twin.testing.failures import FirmwareFailedError, story

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

    from mcu_models.emulators.connections import Transcript
    from mcu_models.emulators.port import RunOutcome
    from twin.testing.stimuli import AnyEmulator

    Run = Callable[[float, str | None], RunOutcome]

_UNFINISHED_STEP_S = 0.01
"""So often a line without an end, such as a prompt, is looked at ..."""
_STEP_SHARE = 0.01
"""... or so much of the time waited."""


class Heard:
    """What was expected and came.

    Attributes:
        text: The line it came in.
        time_s: Virtual time at which the line's last character had left the chip.
        groups: Groups of the regular expression; empty for a text.
    """

    def __init__(self, text: str, time_s: float, groups: tuple[str, ...]) -> None:
        self.text, self.time_s, self.groups = text, time_s, groups

    def __repr__(self) -> str:
        return f"Heard({self.text!r}, {self.time_s:.6f} s)"


class Console:
    """Finds texts in what is sent, each behind the one found before.

    Args:
        emulator: Whose UARTs.
        run: Runs to a virtual time, or until a text has come.
    """

    def __init__(self, emulator: AnyEmulator, run: Run) -> None:
        self._emulator = emulator
        self._run = run
        self._read_until: dict[str, tuple[int, int]] = {}

    def places(self) -> dict[str, tuple[int, int]]:
        """Return how far each UART has been read: line and character."""
        return dict(self._read_until)

    def go_back_to(self, places: dict[str, tuple[int, int]]) -> None:
        """Read on from where it was then."""
        self._read_until = dict(places)

    def expect(self, wanted: str | re.Pattern[str], within_s: float, port: str | None) -> Heard:
        """Return what came; run until it has.

        Raises:
            FirmwareFailedError: It did not come in time.
        """
        __tracebackhide__ = True
        begin_s = self._emulator.now_s
        end_s = begin_s + within_s
        # A line is only told from its beginning by its end; a plain text may have none behind it.
        awaited = wanted if isinstance(wanted, str) else "\n"
        while (heard := self._find(wanted, port)) is None:
            now_s = self._emulator.now_s
            if now_s >= end_s:
                raise FirmwareFailedError(self._missed(wanted, within_s))
            step_s = max(_UNFINISHED_STEP_S, (now_s - begin_s) * _STEP_SHARE)
            self._run(min(now_s + step_s, end_s), awaited)
        return heard

    def _find(self, wanted: str | re.Pattern[str], port: str | None) -> Heard | None:
        transcripts = self._emulator.connections.transcripts
        for name in sorted(transcripts) if port is None else [port]:
            if name not in transcripts:
                continue
            found = self._find_in(name, transcripts[name], wanted)
            if found is not None:
                return found
        return None

    def _find_in(self, name: str, transcript: Transcript, wanted: str | re.Pattern[str]) -> Heard | None:
        number, begin = self._read_until.get(name, (0, 0))
        lines = transcript.lines
        while number < len(lines):
            found = _search(lines[number].text, begin, wanted)
            if found is not None:
                self._read_until[name] = number, found[0]
                return Heard(lines[number].text, lines[number].time_s, found[1])
            number, begin = number + 1, 0
        self._read_until[name] = number, begin
        # A regular expression could match the beginning of a line that goes on otherwise.
        found = _search(transcript.unfinished, begin, wanted) if isinstance(wanted, str) else None
        if found is None:
            return None
        self._read_until[name] = number, found[0]
        return Heard(transcript.unfinished, self._emulator.now_s, found[1])

    def _missed(self, wanted: str | re.Pattern[str], within_s: float) -> str:
        shown = repr(wanted) if isinstance(wanted, str) else f"a line with {wanted.pattern!r}"
        return f"{shown} did not come within {within_s:g} s\n{story(self._emulator)}"


def _search(line: str, begin: int, wanted: str | re.Pattern[str]) -> tuple[int, tuple[str, ...]] | None:
    """Return where what is wanted ends in a line, and its groups."""
    if isinstance(wanted, str):
        place = line.find(wanted, begin)
        return None if place < 0 else (place + len(wanted), ())
    found = wanted.search(line, begin)
    # An empty match would be found again and again.
    return None if found is None else (max(found.end(), begin + 1), tuple(group or "" for group in found.groups()))
