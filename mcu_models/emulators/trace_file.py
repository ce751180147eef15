"""Writes what happened as a file for https://ui.perfetto.dev and chrome://tracing.

Trace Event Format, as Perfetto reads it: one JSON object whose "traceEvents" begin (B) and end (E) slices on tracks;
times are microseconds. The file grows while the firmware runs, under a temporary name, and appears under its own when
it is complete. Its size is bounded: behind `max_events` only the end of what is open is written, and the file says so.
"""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from datasheet.bad_input import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcu_models.emulators.trace_events import TraceEvent

MAX_EVENTS = 1_000_000
"""Some 70 MB."""
MAX_NAME_CHARACTERS = 200
_DEEPEST_LEAVE = 200
"""So many calls up a function is looked for that is left."""
_PROCESS = 1
_FUNCTIONS, _EXCEPTIONS, _STATES, _UART, _FAULTS, _PINS = 1, 2, 3, 4, 5, 6
_TRACKS: Final = {
    _FUNCTIONS: "functions", _EXCEPTIONS: "exceptions", _STATES: "power state", _UART: "UART",
    _FAULTS: "injected faults", _PINS: "pins",
}  # fmt: skip
_TRACK_OF: Final = {
    "enter": _FUNCTIONS, "leave": _FUNCTIONS, "exception_enter": _EXCEPTIONS, "exception_leave": _EXCEPTIONS,
    "state": _STATES, "uart": _UART, "fault": _FAULTS,
    "pin": _PINS,
}  # fmt: skip


@dataclass(frozen=True)
class TraceSummary:
    """What a trace file holds.

    Attributes:
        events: Events written.
        dropped: Events that came when it was full.
        last_s: Virtual time of the last event written.
    """

    events: int
    dropped: int
    last_s: float


class TraceWriter:
    """Turns events into the text of a trace file, as they come.

    What was left without having been entered is passed over; what was entered and never left ends with whatever
    encloses it, at the latest with the trace. So slices are always nested properly, as the format asks, whatever a
    firmware does with its stack.
    """

    def __init__(self, file: IO[str], title: str, *, max_events: int = MAX_EVENTS) -> None:
        self._file = file
        self._left = max_events
        self._written = self._dropped = 0
        self._last_s = 0.0
        self._open: dict[int, list[str]] = {track: [] for track in _TRACKS}
        # No "displayTimeUnit": the format means by it how to show times, some versions of Perfetto how to read them.
        file.write('{"traceEvents":[\n')
        self._put({"ph": "M", "pid": _PROCESS, "tid": 0, "name": "process_name", "args": {"name": title}}, first=True)
        for track, name in _TRACKS.items():
            self._put({"ph": "M", "pid": _PROCESS, "tid": track, "name": "thread_name", "args": {"name": name}})
            self._put(
                {"ph": "M", "pid": _PROCESS, "tid": track, "name": "thread_sort_index", "args": {"sort_index": track}}
            )

    def write(self, event: TraceEvent) -> bool:
        """Take the next event; return whether there is room for more."""
        if self._left <= 0:
            self._dropped += 1
            return False
        self._last_s = max(self._last_s, event.time_s)
        track = _TRACK_OF[event.kind]
        if event.kind in ("uart", "fault", "pin"):
            self._event("i", event.time_s, track, event.name)
        elif event.kind == "state":
            self._end_all(track, event.time_s)
            self._begin(track, event.time_s, event.name)
        elif event.kind in ("enter", "exception_enter"):
            self._begin(track, event.time_s, event.name)
        else:
            self._end(track, event.time_s, event.name)
        return self._left > 0

    def finish(self, end_s: float) -> TraceSummary:
        """End what is still open and complete the text; the file has to be closed by whoever opened it.

        Args:
            end_s: Virtual time at the end of the run; a trace that is full ends with its last event.
        """
        end_s = self._last_s if self._dropped else max(end_s, self._last_s)
        for track in _TRACKS:
            self._end_all(track, end_s)
        if self._dropped:
            full = {"name": f"the trace is full, {self._dropped} events are missing", "s": "g"}
            self._put({"ph": "i", "ts": _microseconds(end_s), "pid": _PROCESS, "tid": 0, **full})
        notes = {"events": self._written, "dropped_events": self._dropped, "complete": not self._dropped}
        self._file.write(f'\n],"otherData":{json.dumps(notes)}}}\n')
        return TraceSummary(self._written, self._dropped, end_s)

    def _begin(self, track: int, time_s: float, name: str) -> None:
        self._open[track].append(name)
        self._event("B", time_s, track, name)

    def _end(self, track: int, time_s: float, name: str) -> None:
        if name not in self._open[track][-_DEEPEST_LEAVE:]:
            return
        while self._close_last(track, time_s) != name:
            pass

    def _end_all(self, track: int, time_s: float) -> None:
        while self._open[track]:
            self._close_last(track, time_s)

    def _close_last(self, track: int, time_s: float) -> str:
        name = self._open[track].pop()
        self._event("E", time_s, track, name)
        return name

    def _event(self, phase: str, time_s: float, track: int, name: str) -> None:
        scope = ',"s":"t"' if phase == "i" else ""
        place = f'"ts":{_microseconds(time_s)},"pid":{_PROCESS},"tid":{track}'
        self._file.write(f',\n{{"ph":"{phase}",{place},"name":{_quoted(name)}{scope}}}')
        self._left -= 1
        self._written += 1

    def _describe(self, track: int, name: str, arguments: dict[str, object], *, first: bool = False) -> None:
        self._put({"ph": "M", "pid": _PROCESS, "tid": track, "name": name, "args": arguments}, first=first)

    def _put(self, event: dict[str, object], *, first: bool = False) -> None:
        text = json.dumps(event, separators=(",", ":"), ensure_ascii=False)
        self._file.write(text if first else f",\n{text}")


@lru_cache(maxsize=4096)
def _quoted(name: str) -> str:
    """Return a name as JSON writes it, without escapes by number, which not every version of Perfetto reads.

    A firmware's functions are few and come again and again, hence the cache.
    """
    shown = "".join(character if character.isprintable() else " " for character in name[:MAX_NAME_CHARACTERS])
    return json.dumps(shown, ensure_ascii=False)


def _microseconds(time_s: float) -> float:
    return round(time_s * 1e6, 4)


@contextmanager
def trace_file(path: Path, title: str, *, max_events: int = MAX_EVENTS) -> Iterator[TraceWriter]:
    """Open a trace file for the length of a run; it appears when the block ends well, and not at all when it fails.

    The block calls `finish`.

    Raises:
        BadInputError: It cannot be written there.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".partial-")
    except OSError as error:
        raise BadInputError(path, "", None, f"cannot be written: {error.strerror}") from error
    partial = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            yield TraceWriter(file, title, max_events=max_events)
        partial.chmod(0o644)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
