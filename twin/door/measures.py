"""How well a door was guarded: who was let in wrongly, who was refused wrongly, how long it took, how many got through.

A visitor is judged from reaching the place before the camera on. Rates come with Wilson's interval, counts with the
exact interval of Poisson's distribution; both take visitors as independent, which groups are not quite.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from scenarios.guarded_door import NOBODY
from twin.intervals import poisson, wilson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from scenarios.guarded_door import DoorEvent, EventKind, GuardedDoor
    from twin.door.world import DoorWorld, PinMove

    Seconds = NDArray[np.float64]

COVERAGE: Final = 0.9
"""Confidence of all intervals."""
_HOUR_S: Final = 3600.0
_RESAMPLES: Final = 2000


@dataclass(frozen=True)
class Rate:
    """So many of so many, with the interval that the true share lies in."""

    count: int
    of: int

    @property
    def share(self) -> float | None:
        """The share; None of nobody."""
        return self.count / self.of if self.of else None

    @property
    def bounds(self) -> tuple[float, float] | None:
        """Wilson's interval of the share; None of nobody."""
        return wilson(self.count, self.of, COVERAGE) if self.of else None

    def as_dict(self) -> dict[str, Any]:
        """Return what `result.json` says of it."""
        low, high = self.bounds or (None, None)
        return {"count": self.count, "of": self.of, "share": self.share, "low": low, "high": high}


@dataclass(frozen=True)
class Stay:
    """One visitor before the door.

    Attributes:
        visitor: Who.
        came_s: When they came into sight.
        ready_s: From when on they stood there with a mask worn correctly; None if they never did.
        was_bare: Whether they stood there, or the door opened for them, without.
        is_let_in_bare: Whether the door opened for them while they wore no mask correctly.
        opened_s: When the door opened for them while they wore a mask correctly, on their way or there; None if never.
        entered_s: When they walked in; None if they did not.
        tailgated: Whether they walked in behind somebody else.
        gave_up: Whether they went away.
    """

    visitor: int
    came_s: float
    ready_s: float | None
    was_bare: bool
    is_let_in_bare: bool
    opened_s: float | None
    entered_s: float | None
    tailgated: bool
    gave_up: bool

    @property
    def is_over(self) -> bool:
        """Whether it is known how it ended."""
        return self.gave_up or self.entered_s is not None


@dataclass(frozen=True)
class DoorMeasures:
    """Figures of one run, or of several together.

    Attributes:
        stays: Everybody who reached the door.
        seconds: Length of all runs together.
        openings: How often the pin rose.
        openings_for_nobody: How often it rose while nobody who wears a mask correctly was first in the queue.
        tailgated: How many followed somebody in.
    """

    stays: tuple[Stay, ...]
    seconds: float
    openings: int
    openings_for_nobody: int
    tailgated: int

    @property
    def false_opens(self) -> Rate:
        """Visitors let in wrongly, of those who stood there without a mask worn correctly for a while."""
        bare = [stay for stay in self.stays if stay.was_bare and (stay.is_over or stay.ready_s is not None)]
        return Rate(sum(stay.is_let_in_bare for stay in bare), len(bare))

    @property
    def false_refusals(self) -> Rate:
        """Visitors who gave up, of those who wore a mask correctly."""
        ready = [stay for stay in self.stays if stay.ready_s is not None and stay.is_over]
        return Rate(sum(stay.gave_up for stay in ready), len(ready))

    @property
    def waits_s(self) -> Seconds:
        """From standing there with a mask to the door's opening, of each for whom it did; 0 if it opened on the way."""
        return np.array([max(opened_s - ready_s, 0.0) for _, ready_s, opened_s in self._let_in()])

    @property
    def approaches_s(self) -> Seconds:
        """From coming into sight to the door's opening, of each who wore a mask all along and for whom it opened."""
        return np.array([opened_s - stay.came_s for stay, _, opened_s in self._let_in() if not stay.was_bare])

    def _let_in(self) -> list[tuple[Stay, float, float]]:
        """Return who was let in with a mask, when they were ready, and when the door opened."""
        return [
            (stay, stay.ready_s, stay.opened_s)
            for stay in self.stays
            if stay.opened_s is not None and stay.ready_s is not None
        ]

    @property
    def entered(self) -> int:
        """How many walked in."""
        return sum(stay.entered_s is not None for stay in self.stays)

    def as_dict(self) -> dict[str, Any]:
        """Return what `result.json` says of it."""
        low, high = poisson(self.entered, COVERAGE)
        hours = self.seconds / _HOUR_S
        return {
            "visitors": len(self.stays),
            "seconds": self.seconds,
            "coverage": COVERAGE,
            "false_opens": self.false_opens.as_dict(),
            "false_refusals": self.false_refusals.as_dict(),
            "arrival_to_open_s": waits_summary(self.waits_s),
            "sight_to_open_s": waits_summary(self.approaches_s),
            "throughput_per_hour": {"value": self.entered / hours, "low": low / hours, "high": high / hours},
            "openings": self.openings,
            "openings_for_nobody": self.openings_for_nobody,
            "tailgated": self.tailgated,
        }


def waits_summary(waits_s: Seconds) -> dict[str, Any] | None:
    """Return median, 95th percentile and longest wait, the median with a bootstrapped interval; None of nobody."""
    if not len(waits_s):
        return None
    rng = np.random.default_rng(0)
    medians = np.median(rng.choice(waits_s, (_RESAMPLES, len(waits_s))), axis=1)
    low, high = np.quantile(medians, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    return {
        "median": float(np.median(waits_s)),
        "low": float(low),
        "high": float(high),
        "p95": float(np.quantile(waits_s, 0.95)),
        "longest": float(waits_s.max()),
        "visitors": len(waits_s),
    }


def measured(world: DoorWorld, seconds: float) -> DoorMeasures:
    """Return the figures of a world that has been guarded for so long."""
    opened = [event for event in world.door.events if event.kind == "opened"]
    return DoorMeasures(
        stays=tuple(stays_of(world)),
        seconds=seconds,
        openings=len(opened),
        openings_for_nobody=sum(not _wears_mask(world.door, event.visitor, event.time_s) for event in opened),
        tailgated=sum(event.kind == "tailgated" for event in world.door.events),
    )


def joined(parts: Sequence[DoorMeasures]) -> DoorMeasures:
    """Return the figures of several runs together."""
    return DoorMeasures(
        stays=tuple(stay for part in parts for stay in part.stays),
        seconds=sum(part.seconds for part in parts),
        openings=sum(part.openings for part in parts),
        openings_for_nobody=sum(part.openings_for_nobody for part in parts),
        tailgated=sum(part.tailgated for part in parts),
    )


def stays_of(world: DoorWorld) -> list[Stay]:
    """Return everybody who reached the door, in the order in which they came."""
    by_visitor: dict[int, list[DoorEvent]] = {}
    for event in world.door.events:
        by_visitor.setdefault(event.visitor, []).append(event)
    return [
        _stay(world, visitor, events)
        for visitor, events in sorted(by_visitor.items())
        if visitor != NOBODY and any(event.kind == "reached" for event in events)
    ]


def _stay(world: DoorWorld, visitor: int, events: list[DoorEvent]) -> Stay:
    def when(kind: EventKind) -> float | None:
        return next((event.time_s for event in events if event.kind == kind), None)

    reached_s, corrected_s, entered_s = when("reached"), when("corrected"), when("entered")
    tailgated, gave_up_s = when("tailgated") is not None, when("gave up")
    wears = world.door.visitors[visitor].wearing == "mask"
    ready_s = None if reached_s is None or not wears else max(reached_s, corrected_s or 0.0)
    ends_s = min(time_s for time_s in (entered_s, gave_up_s, world.now_s) if time_s is not None)
    opened = [event.time_s for event in events if event.kind == "opened"]
    is_bare_until_s = ends_s if not wears else corrected_s or -np.inf
    let_in_bare = any(time_s < is_bare_until_s for time_s in opened)
    # Somebody may also walk in because the pin was still high for whoever stood there before.
    let_in_bare |= entered_s is not None and not tailgated and not wears
    opened_s = None
    if ready_s is not None and not tailgated:
        opened_s = _still_open_s(world, opened, corrected_s or 0.0, ready_s)
        opened_s = _first_high_s(world.moves, ready_s, ends_s) if opened_s is None else opened_s
    was_bare = reached_s is not None and (is_bare_until_s > reached_s or let_in_bare)
    came_s = world.door.visitors[visitor].came_s
    return Stay(visitor, came_s, ready_s, was_bare, let_in_bare, opened_s, entered_s, tailgated, gave_up_s is not None)


def _still_open_s(world: DoorWorld, opened: list[float], begin_s: float, end_s: float) -> float | None:
    """Return when the door opened for a visitor on the way, if it has not closed again before they are there."""
    closed = [event.time_s for event in world.door.events if event.kind == "closed"]
    return next(
        (
            time_s
            for time_s in opened
            if begin_s <= time_s <= end_s and not any(time_s < closed_s <= end_s for closed_s in closed)
        ),
        None,
    )


def _first_high_s(moves: Sequence[PinMove], begin_s: float, end_s: float) -> float | None:
    """Return when the pin is high first within a time: its beginning, if it is high already."""
    before = [move for move in moves if move.time_s <= begin_s]
    if before and before[-1].high:
        return begin_s
    return next((move.time_s for move in moves if move.high and begin_s < move.time_s <= end_s), None)


def _wears_mask(door: GuardedDoor, visitor: int, time_s: float) -> bool:
    """Return whether somebody wore a mask correctly then."""
    if visitor == NOBODY or door.visitors[visitor].wearing != "mask":
        return False
    corrected = [event.time_s for event in door.events if (event.kind, event.visitor) == ("corrected", visitor)]
    return not corrected or corrected[0] <= time_s
