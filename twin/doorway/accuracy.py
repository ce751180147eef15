"""How often a node is right about who came in and who went out."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from twin.doorway.events import drift
from twin.doorway.pairing import paired
from twin.intervals import wilson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twin.doorway.events import DoorEvent

WITHIN_S: Final = 1.5
"""An event is told right in this time about the passage of the line, in the right direction."""
ALONE_S: Final = 2.0
"""Who passes a door within this time of nobody else, in either direction, passes it one by one; others are a group."""
EDGE_S: Final = 3.0
"""Events so near to the beginning or end of a recording are not judged: half of what belongs to them is not there."""
COVERAGE: Final = 0.9


@dataclass(frozen=True)
class Share:
    """A share of events with its interval, which holds the true share in 90 of 100 cases (Wilson).

    Attributes:
        count: How many.
        of: Of how many.
    """

    count: int
    of: int

    @property
    def value(self) -> float | None:
        """The share; None of nothing."""
        return self.count / self.of if self.of else None

    @property
    def bounds(self) -> tuple[float, float]:
        """The interval; everything of nothing."""
        return wilson(self.count, self.of, COVERAGE) if self.of else (0.0, 1.0)

    @property
    def low(self) -> float:
        """Lower end of the interval."""
        return self.bounds[0]

    @property
    def high(self) -> float:
        """Upper end of the interval."""
        return self.bounds[1]

    def as_dict(self) -> dict[str, float | None]:
        """Return the keys of a share in the result schema."""
        return {"count": self.count, "of": self.of, "share": self.value, "low": self.low, "high": self.high}

    def __add__(self, other: Share) -> Share:
        return Share(self.count + other.count, self.of + other.of)

    def __str__(self) -> str:
        if self.value is None:
            return "none"
        return f"{self.value:.1%} of {self.of} ({self.low:.1%} to {self.high:.1%})"


@dataclass(frozen=True)
class EventAccuracy:
    """What became of the events at one or several doors; the sum of two is that of both.

    Attributes:
        right: Of those who passed, told in time and in the right direction: recall.
        missed: Of those who passed, not told.
        false: Of what was told, nobody passed: one less precision.
        entering: `right` of those who came in.
        leaving: `right` of those who went out.
        one_by_one: `right` of those who passed with nobody else about.
        groups: `right` of all others.
        drift: How many people too many are inside in the end, if ins and outs are added up; negative: too few.
        seconds: How long was watched.
    """

    right: Share
    missed: Share
    false: Share
    entering: Share
    leaving: Share
    one_by_one: Share
    groups: Share
    drift: int
    seconds: float

    @property
    def recall(self) -> float | None:
        """Share of those who passed that was told right."""
        return self.right.value

    @property
    def precision(self) -> float | None:
        """Share of what was told that was right."""
        return None if self.false.value is None else 1.0 - self.false.value

    @property
    def f1(self) -> float | None:
        """Harmonic mean of recall and precision."""
        judged = self.right.of + self.right.count + self.false.count
        return 2 * self.right.count / judged if judged else None

    def as_dict(self) -> dict[str, Any]:
        """Return `events` of the result schema."""
        shares = {name: getattr(self, name).as_dict() for name, one in asdict(self).items() if isinstance(one, dict)}
        whole = {"recall": self.recall, "precision": self.precision, "f1": self.f1}
        return whole | shares | {"drift": self.drift, "seconds": self.seconds, "coverage": COVERAGE}

    def __add__(self, other: EventAccuracy) -> EventAccuracy:
        return EventAccuracy(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))


def judged(truth: Sequence[DoorEvent], told: Sequence[DoorEvent], *, seconds: float) -> EventAccuracy:
    """Return how well events were told.

    Pairs are made of all events; judged are those that are not at the edge of the recording.

    Args:
        truth: Who passed.
        told: What was told.
        seconds: Length of the recording, from 0.
    """
    pairs = paired(truth, told, within_s=WITHIN_S)
    hit = np.isin(np.arange(len(truth)), [index for index, _ in pairs])
    meant = {index for _, index in pairs}
    counts = np.array([EDGE_S <= event.time_s <= seconds - EDGE_S for event in truth], np.bool_)
    alone = _alone(truth)
    came_in = np.array([event.kind == "enter" for event in truth], np.bool_)
    inner = [index for index, event in enumerate(told) if EDGE_S <= event.time_s <= seconds - EDGE_S]
    return EventAccuracy(
        right=_share(hit, counts),
        missed=_share(~hit, counts),
        false=Share(sum(index not in meant for index in inner), len(inner)),
        entering=_share(hit, counts & came_in),
        leaving=_share(hit, counts & ~came_in),
        one_by_one=_share(hit, counts & alone),
        groups=_share(hit, counts & ~alone),
        drift=drift(told) - drift(truth),
        seconds=seconds,
    )


def _share(hit: np.ndarray[Any, np.dtype[np.bool_]], chosen: np.ndarray[Any, np.dtype[np.bool_]]) -> Share:
    return Share(int((hit & chosen).sum()), int(chosen.sum()))


def _alone(events: Sequence[DoorEvent]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Tell who passed a door with nobody else passing it at about the same time."""
    time_s = np.array([event.time_s for event in events])
    near = np.abs(np.subtract.outer(time_s, time_s)) <= ALONE_S
    same = np.array([[one.door == other.door for other in events] for one in events], np.bool_).reshape(near.shape)
    return np.asarray((near & same).sum(axis=1) == 1)
