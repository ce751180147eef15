"""Trace files: slices that nest, tracks with names, a bounded size."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasheet.bad_input import BadInputError
from mcu_models.emulators.trace_events import EventKind, TraceEvent
from mcu_models.emulators.trace_file import MAX_NAME_CHARACTERS, TraceWriter, trace_file

if TYPE_CHECKING:
    from pathlib import Path

RUN = [
    TraceEvent(0.0, "state", "run 4 MHz"),
    TraceEvent(0.0, "enter", "main"),
    TraceEvent(1e-6, "enter", "work"),
    TraceEvent(2e-6, "exception_enter", "SysTick"),
    TraceEvent(3e-6, "exception_leave", "SysTick"),
    TraceEvent(4e-6, "leave", "work"),
    TraceEvent(5e-6, "uart", 'said "hello"\n\x00é'),
    TraceEvent(6e-6, "state", "stop2"),
]


def test_no_character_is_written_as_a_number() -> None:
    file = io.StringIO()
    writer = TraceWriter(file, "é")
    writer.write(TraceEvent(0.0, "uart", "\x1b[31m é \u2028"))
    writer.finish(0.0)
    assert "\\u" not in file.getvalue()


def written(events: list[TraceEvent], *, end_s: float = 1e-5, max_events: int = 1000) -> dict[str, Any]:
    file = io.StringIO()
    writer = TraceWriter(file, "a.elf on stm32l4a6zg", max_events=max_events)
    for event in events:
        writer.write(event)
    writer.finish(end_s)
    content: dict[str, Any] = json.loads(file.getvalue())
    return content


def slices(content: dict[str, Any]) -> list[tuple[str, float, float, int]]:
    """Pair begins with ends as the format says: by track, last begun first ended."""
    stacks: dict[int, list[dict[str, Any]]] = {}
    found = []
    for event in content["traceEvents"]:
        if event["ph"] == "B":
            stacks.setdefault(event["tid"], []).append(event)
        elif event["ph"] == "E":
            begun = stacks[event["tid"]].pop()
            assert begun["name"] == event["name"]
            assert begun["ts"] <= event["ts"]
            found.append((event["name"], begun["ts"], event["ts"], event["tid"]))
    assert not any(stacks.values())
    return found


def test_slices_begin_and_end_when_things_did() -> None:
    content = written(RUN)
    assert {(name, begin, end) for name, begin, end, _ in slices(content)} == {
        ("main", 0.0, 10.0), ("work", 1.0, 4.0), ("SysTick", 2.0, 3.0), ("run 4 MHz", 0.0, 6.0), ("stop2", 6.0, 10.0)
    }  # fmt: skip
    assert content["otherData"] == {"events": 11, "dropped_events": 0, "complete": True}


def test_every_kind_of_event_has_its_named_track() -> None:
    content = written(RUN)
    names = {e["tid"]: e["args"]["name"] for e in content["traceEvents"] if e["name"] == "thread_name"}
    track_of = {name: names[tid] for name, _, _, tid in slices(content)}
    assert (track_of["main"], track_of["SysTick"], track_of["stop2"]) == ("functions", "exceptions", "power state")
    (said,) = [e for e in content["traceEvents"] if e["ph"] == "i"]
    assert (names[said["tid"]], said["name"], said["s"]) == ("UART", 'said "hello"  é', "t")


def test_what_a_longjmp_skips_ends_with_its_caller() -> None:
    events = [TraceEvent(n * 1e-6, "enter", name) for n, name in enumerate("abc")]
    content = written([*events, TraceEvent(5e-6, "leave", "a"), TraceEvent(6e-6, "leave", "b")])
    assert {(name, end) for name, _, end, _ in slices(content)} == {("a", 5.0), ("b", 5.0), ("c", 5.0)}


def test_a_full_trace_ends_its_slices_and_says_that_it_is_cut() -> None:
    content = written(RUN, max_events=3)
    assert [e["ph"] for e in content["traceEvents"] if e["ph"] != "M"] == [*"BBBEEE", "i"]
    assert content["otherData"] == {"events": 6, "dropped_events": 5, "complete": False}
    assert content["traceEvents"][-1]["name"] == "the trace is full, 5 events are missing"
    assert max(end for _, _, end, _ in slices(content)) == 1.0


def test_the_writer_says_when_it_wants_no_more() -> None:
    writer = TraceWriter(io.StringIO(), "a", max_events=2)
    assert [writer.write(event) for event in RUN[:4]] == [True, False, False, False]
    assert writer.finish(1.0).dropped == 2


@given(
    st.lists(st.tuples(st.floats(0, 1e5), st.sampled_from(get_args(EventKind)), st.text(max_size=3)), max_size=60),
    st.integers(1, 50),
)
def test_any_events_make_a_trace_whose_slices_nest(events: list[tuple[float, Any, str]], room: int) -> None:
    events.sort(key=lambda event: event[0])
    content = written([TraceEvent(*event) for event in events], end_s=1e5, max_events=room)
    slices(content)
    times = [e["ts"] for e in content["traceEvents"] if e["ph"] != "M"]
    assert times == sorted(times)
    # What is open when the trace is full is ended beyond the limit, at most once for each event within.
    assert content["otherData"]["events"] <= 2 * room + 60


def test_long_names_are_cut() -> None:
    content = written([TraceEvent(0.0, "enter", "n" * 5000)])
    assert len(slices(content)[0][0]) == MAX_NAME_CHARACTERS


def test_the_file_appears_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "trace.json"
    with trace_file(path, "a") as writer:
        writer.write(RUN[0])
        assert not path.exists()
        writer.finish(1.0)
    assert json.loads(path.read_text())["otherData"]["complete"] is True
    assert list(tmp_path.iterdir()) == [path]


def test_a_run_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with trace_file(tmp_path / "trace.json", "a") as writer:
            writer.write(RUN[0])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="cannot be written"), trace_file(tmp_path / "no" / "t.json", "a"):
        pass
