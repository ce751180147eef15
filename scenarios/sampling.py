"""From each person's trace to the frames of a timeline."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from scenarios.timeline import Event, Timeline

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenarios.geometry import Point
    from scenarios.room import Scenario
    from scenarios.timeline import Person


@dataclass
class Trace:
    """One person's way, step by step; `steps` holds (time_s, x_m, y_m, heading_rad)."""

    person: Person
    steps: list[tuple[float, float, float, float]] = field(default_factory=list)

    def add(self, time_s: float, position: Point, heading_rad: float) -> None:
        """Note where the person is; the heading is continuous, it does not wrap."""
        self.steps.append((time_s, *position, heading_rad))


def sample_traces(scenario: Scenario, traces: list[Trace], time_s: NDArray[np.float64]) -> Timeline:
    """Return the timeline at the instants `time_s`, with everybody seen at one of them at least.

    People are numbered in the order in which they come through a door. Those who queue at one door do so later
    than newcomers at another, so this is not always the order of `traces`; and only in this order is a slot
    that is empty when somebody comes in still empty until they leave.
    """
    slots = scenario.arrivals.capacity
    frames = len(time_s)
    index = np.full((frames, slots), -1, dtype=np.int32)
    motion = np.full((frames, slots, 4), np.nan)
    persons: list[Person] = []
    events: list[Event] = []
    for trace in sorted(traces, key=_entry_s):
        steps = np.array(trace.steps).reshape(-1, 4)
        first, last = _frames_within(steps, time_s)
        if first == last:
            continue
        slot = int(np.flatnonzero(index[first] < 0)[0])
        index[first:last, slot] = len(persons)
        motion[first:last, slot] = _motion(steps, time_s[first:last])
        events += _events(steps, time_s, len(persons))
        persons.append(trace.person)
    room = scenario.room
    return Timeline(
        time_s=time_s,
        person_index=index,
        position_m=motion[:, :, :2],
        heading_rad=motion[:, :, 2],
        speed_mps=motion[:, :, 3],
        persons=tuple(persons),
        events=tuple(sorted(events, key=lambda event: event.time_s)),
        air_degc=room.air_degc,
        floor_degc=room.floor_degc,
        wall_degc=room.wall_degc,
        room_size_m=(room.size_x_m, room.size_y_m),
    )


def _entry_s(trace: Trace) -> float:
    """Return when somebody came through the door, infinity for those who still wait outside."""
    return trace.steps[0][0] if trace.steps else math.inf


def _frames_within(steps: NDArray[np.float64], time_s: NDArray[np.float64]) -> tuple[int, int]:
    """Return the range of frames, end exclusive, in which the person is in the room."""
    if len(steps) < 2:
        return 0, 0
    tolerance_s = 1e-6
    first, last = np.searchsorted(time_s, [steps[0, 0] - tolerance_s, steps[-1, 0] - tolerance_s])
    return int(first), int(last)


def _motion(steps: NDArray[np.float64], time_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (frames, 4) x, y, heading in (-pi, pi], speed, linear between steps."""
    step_s = steps[:, 0]
    x_m, y_m, heading_rad = (np.interp(time_s, step_s, steps[:, column]) for column in (1, 2, 3))
    velocity_mps = np.gradient(steps[:, 1:3], step_s, axis=0)
    speed_mps = np.interp(time_s, step_s, np.hypot(velocity_mps[:, 0], velocity_mps[:, 1]))
    wrapped_rad = np.pi - np.mod(np.pi - heading_rad, 2 * np.pi)
    return np.stack([x_m, y_m, wrapped_rad, speed_mps], axis=1)


def _events(steps: NDArray[np.float64], time_s: NDArray[np.float64], person_index: int) -> list[Event]:
    """Return the entry and exit that fall into the timeline."""
    end_s = float(time_s[-1]) if len(time_s) else -math.inf
    marks: list[Event] = []
    if 0 <= steps[0, 0] <= end_s:
        marks.append(Event(float(steps[0, 0]), "enter", person_index))
    if 0 <= steps[-1, 0] <= end_s:
        marks.append(Event(float(steps[-1, 0]), "leave", person_index))
    return marks
