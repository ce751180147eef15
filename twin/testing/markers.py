"""Moments that latencies are measured between, named in words.

"frame"              each frame, when the sensor measures it
"frame 12"           that one
"uart TEXT"          each line with TEXT in it; "uart /REGEX/" for a regular expression
"pin PA8 rises"      each rising edge; "pin PA8 falls"
"call FUNCTION"      each call, of the last some thousand of any function; "return FUNCTION"
"""

from __future__ import annotations

import re
from bisect import bisect_left
from itertools import pairwise
from typing import TYPE_CHECKING

from datasheet.bad_input import BadInputError
from mcu_models.emulators.fault_plan import pin_of

if TYPE_CHECKING:
    from twin.testing.machine import Machine

_FORMS = '"frame [N]", "uart TEXT", "uart /REGEX/", "pin PA8 rises|falls", "call FUNCTION" or "return FUNCTION"'


def times_of(machine: Machine, marker: str) -> list[float]:
    """Return the virtual times of a marker so far, in order.

    Raises:
        BadInputError: It is no marker, or nothing is known of it.
    """
    kind, _, rest = marker.strip().partition(" ")
    rest = rest.strip()
    if kind == "frame" and (not rest or rest.isdecimal()):
        return _frames(machine, int(rest) if rest else None)
    if kind == "uart" and rest:
        return _lines(machine, rest)
    if kind == "pin" and rest.endswith((" rises", " falls")):
        return _edges(machine, *rest.rsplit(" ", 1))
    if kind in ("call", "return") and rest:
        return _calls(machine, rest, "enter" if kind == "call" else "leave")
    raise BadInputError("latency", "marker", marker, f"must be {_FORMS}")


def _frames(machine: Machine, number: int | None) -> list[float]:
    stimulus = machine.stimulus
    if stimulus is None:
        raise BadInputError("latency", "marker", "frame", "nothing has been played")
    numbers = range(stimulus.frame_now + 1) if number is None else (number,)
    return [time_s for one in numbers if (time_s := stimulus.frame_s(one)) <= machine.now_s]


def _lines(machine: Machine, wanted: str) -> list[float]:
    if len(wanted) > 1 and wanted[0] == wanted[-1] == "/":
        try:
            pattern = re.compile(wanted[1:-1])
        except re.error as error:
            raise BadInputError("latency", "marker", f"uart {wanted}", f"is no regular expression: {error}") from None
        return [line.time_s for line in machine.uart_lines() if pattern.search(line.text)]
    return [line.time_s for line in machine.uart_lines() if wanted in line.text]


def _edges(machine: Machine, pin: str, way: str) -> list[float]:
    try:
        pin_of(pin)
    except ValueError as error:
        raise BadInputError("latency", "marker", pin, str(error)) from None
    return [edge.time_s for edge in machine.pin(pin).edges if edge.high == (way == "rises")]


def _calls(machine: Machine, function: str, kind: str) -> list[float]:
    """Return when a function began or ended; what a compiler has added to its name may be left out, as for cycles."""
    machine.calls(function)  # refuses what is no function
    events = [event for event in machine.call_events() if event.kind == kind]
    named = [event.time_s for event in events if event.name == function]
    return named or [event.time_s for event in events if event.name.split(".")[0] == function]


def spans_s(begins_s: list[float], ends_s: list[float]) -> list[float]:
    """Return the time from each beginning to the first end behind it that comes before the next beginning."""
    spans = []
    for begin_s, next_s in pairwise([*begins_s, float("inf")]):
        place = bisect_left(ends_s, begin_s)
        if place < len(ends_s) and ends_s[place] < next_s:
            spans.append(ends_s[place] - begin_s)
    return spans
