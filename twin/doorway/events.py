"""People who pass a door: as they did, and as a node tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from mcu_models.people_tracking.answers import from_numbers
from mcu_models.people_tracking.tracker import TOTALS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from scenarios.timeline import Event, Timeline
    from twin.doorway.hanging import Watch

Kind = Literal["enter", "leave"]
KINDS: tuple[Kind, Kind] = ("enter", "leave")


@dataclass(frozen=True)
class DoorEvent:
    """Somebody passed a door.

    Attributes:
        time_s: When they passed the line behind the door; as told by a node, time of the frame that told it.
        kind: The direction.
        door: Name of the door.
        across_m: How far from the door's middle, to the right of those who walk in; nan where nobody knows.
    """

    time_s: float
    kind: Kind
    door: str
    across_m: float = float("nan")


def told_events(told: NDArray[np.int64], time_s: NDArray[np.float64], seen: Watch) -> list[DoorEvent]:
    """Return what a node's answers tell.

    Args:
        told: (N,) answers as numbers (`people_tracking.answers`); -1 where none came.
        time_s: (N,) when the frames were taken.
        seen: What the node watches.
    """
    frames = np.flatnonzero(told >= 0)
    totals = from_numbers(told[frames])
    more = np.diff(totals[:, :2], axis=0, prepend=0) % TOTALS
    events: list[DoorEvent] = []
    for index in np.flatnonzero(more.any(axis=1)):
        across_m = seen.across_m(float(totals[index, 2]))
        for column, kind in enumerate(KINDS):
            one = DoorEvent(float(time_s[frames[index]]), kind, seen.door, across_m)
            events += [one] * int(more[index, column])
    return events


def true_events(timeline: Timeline, seen: Watch) -> list[DoorEvent]:
    """Return who passed the watched door, each when the body's axis passed the line behind it.

    Of those who never came as far, and of those whose way to the line is not in the timeline, it is the time at which
    they appeared in the doorway or vanished from it.
    """
    events = [event for event in timeline.events if event.door in {seen.door, ""}]
    return sorted((_crossed(timeline, event, seen) for event in events), key=lambda event: event.time_s)


def _crossed(timeline: Timeline, event: Event, seen: Watch) -> DoorEvent:
    where = np.argwhere(timeline.person_index == event.person_index)
    position_m = timeline.position_m[where[:, 0], where[:, 1]]
    depth_m = (position_m - np.array(seen.way.middle)) @ np.array(seen.way.inward)
    across_m = (position_m - np.array(seen.way.middle)) @ np.array([seen.way.inward[1], -seen.way.inward[0]])
    inside = np.flatnonzero(depth_m >= seen.line_m)
    if not len(inside):
        return DoorEvent(event.time_s, event.kind, seen.door)
    index = inside[0] if event.kind == "enter" else inside[-1]
    return DoorEvent(float(timeline.time_s[where[index, 0]]), event.kind, seen.door, float(across_m[index]))


def drift(events: Sequence[DoorEvent]) -> int:
    """Return how many more came in than went out."""
    return sum(1 if event.kind == "enter" else -1 for event in events)
