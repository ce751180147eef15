"""A door that a camera guards: people come, stand before it, are let in or give up; a pin opens it.

The door is driven from outside, in step with whatever looks at the people: run the world to a moment, look at who
stands before the camera, tell it what the pin does, go on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, Literal, Self

import numpy as np
import simpy
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from datasheet.config import Config, find_in_library, read_config

if TYPE_CHECKING:
    from collections.abc import Generator

_LIBRARY: Final = "scenarios.guarded_doors"

Wearing = Literal["none", "mask", "below_nose", "on_chin", "in_hand", "scarf", "hand"]
"""What somebody wears before the face; only "mask" is a mask worn correctly."""
EventKind = Literal["came", "reached", "corrected", "opened", "closed", "entered", "tailgated", "gave up"]

Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(gt=0, le=3600)]
Metres = Annotated[float, Field(gt=0, le=50)]

_SHARES_SUM: Final = 1e-6
_WAIT_STEP_S: Final = 0.05
"""How often somebody who waits looks whether the way is free: three frames of a camera."""
_ARRIVED_M: Final = 1e-6
NOBODY: Final = -1
"""Number of nobody among visitors."""
_WIDE_OPEN: Final = 0.8
"""A door that has opened so far lets people through; assumed."""


class DoorArrivals(Config):
    """How many come, and how many together."""

    per_hour: Annotated[float, Field(gt=0, le=3600)]
    group_share: Share = 0.0
    largest_group: Annotated[int, Field(ge=2, le=10)] = 4


class Behaviour(Config):
    """How people come, stand and wait. Walking speed after Bohannon 1997; the rest is assumed."""

    comes_from_m: Metres
    stands_at_m: Metres
    stands_spread_m: Annotated[float, Field(ge=0, le=1)] = 0.05
    queue_spacing_m: Metres = 0.7
    walks_mps: Annotated[float, Field(gt=0, le=4)] = 1.2
    walks_spread_mps: Annotated[float, Field(ge=0, le=1)] = 0.15
    patience_s: Seconds
    corrects_share: Share = 0.0
    corrects_after_s: Seconds = 5.0
    tailgates_share: Share = 0.0

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.stands_at_m >= self.comes_from_m:
            raise PydanticCustomError(
                "order", "must be less than comes_from_m", {"subkey": "stands_at_m", "found": self.stands_at_m}
            )
        return self


class DoorMotion(Config):
    """How the door moves, and how long somebody takes to walk through."""

    opens_in_s: Seconds
    stays_open_s: Seconds
    closes_in_s: Seconds
    passing_s: Seconds


class GuardedDoorScenario(Config):
    """A guarded door and the people who come to it."""

    name: str
    description: str
    arrivals: DoorArrivals
    wearing: dict[Wearing, Share]
    behaviour: Behaviour
    door: DoorMotion

    @model_validator(mode="after")
    def _check(self) -> Self:
        total = sum(self.wearing.values())
        if abs(total - 1) > _SHARES_SUM:
            raise PydanticCustomError("shares", "must be 1 together", {"subkey": "wearing", "found": total})
        return self


def load_guarded_door(name_or_path: str) -> GuardedDoorScenario:
    """Return a guarded door of the library by name, or of a file of the user's own.

    Raises:
        BadInputError: No such scenario, or its file cannot be used.
    """
    return read_config(find_in_library(name_or_path, _LIBRARY, kind="guarded door"), GuardedDoorScenario)


@dataclass(frozen=True)
class DoorEvent:
    """Something that happened.

    Attributes:
        time_s: When.
        kind: What.
        visitor: Who; -1 where nobody in particular.
    """

    time_s: float
    kind: EventKind
    visitor: int = NOBODY


@dataclass
class Visitor:
    """Somebody who comes to the door.

    Attributes:
        number: Who, from 0 on.
        wearing: What is before the face now.
        came_s: When they came into sight.
        stands_at_m: How near to the camera they stop.
        sideways: Where across the picture they stand, in standard deviations.
        speed_mps: How fast they walk.
        follows: Whether they walk in behind somebody else while the door is open.
        distance_m: From the camera, at `moved_s`.
        target_m: Where they walk to.
        moved_s: When they last changed where they walk to.
        waits_from_s: When they began to wait before the camera; None on the way.
        is_gone: Whether they have left the camera's sight.
    """

    number: int
    wearing: Wearing
    came_s: float
    stands_at_m: float
    sideways: float
    speed_mps: float
    follows: bool
    distance_m: float
    target_m: float
    moved_s: float
    waits_from_s: float | None = None
    is_gone: bool = False

    def distance_at(self, time_s: float) -> float:
        """Return how far from the camera they are."""
        walked_m = self.speed_mps * max(time_s - self.moved_s, 0.0)
        way_m = self.target_m - self.distance_m
        return self.distance_m + float(np.clip(way_m, -walked_m, walked_m))

    def walk_to(self, target_m: float, time_s: float) -> None:
        """Go somewhere else from where they are."""
        self.distance_m, self.moved_s, self.target_m = self.distance_at(time_s), time_s, target_m

    def is_walking(self, time_s: float) -> bool:
        """Return whether they are on their way."""
        return abs(self.distance_at(time_s) - self.target_m) > _ARRIVED_M


@dataclass
class _Leaf:
    """The door's leaf: how far open it is, and what it does."""

    motion: DoorMotion
    opened_s: float = -np.inf
    until_s: float = -np.inf

    def open(self, now_s: float) -> None:
        """Open from wherever it is, and stay open."""
        self.opened_s = now_s - self.openness(now_s) * self.motion.opens_in_s
        self.until_s = np.inf

    def let_go(self, now_s: float) -> None:
        """Open fully, stay so for a while, then close."""
        self.until_s = max(now_s, self.opened_s + self.motion.opens_in_s) + self.motion.stays_open_s

    def openness(self, time_s: float) -> float:
        """Return how far open the door is, 0 to 1."""
        if time_s < self.until_s:
            return float(np.clip((time_s - self.opened_s) / self.motion.opens_in_s, 0.0, 1.0))
        return float(np.clip(1 - (time_s - self.until_s) / self.motion.closes_in_s, 0.0, 1.0))


class GuardedDoor:
    """People before a guarded door, over time.

    Args:
        scenario: Who comes, and how the door moves.
        seed: The same scenario, seed and pin give the same events.
        first_s: When the first visitor comes; None draws that like all others.
    """

    def __init__(self, scenario: GuardedDoorScenario, seed: int, *, first_s: float | None = None) -> None:
        self.scenario = scenario
        self.events: list[DoorEvent] = []
        self.visitors: list[Visitor] = []
        self._queue: list[Visitor] = []
        self._rng = np.random.default_rng(seed)
        self._leaf = _Leaf(scenario.door)
        self._environment = simpy.Environment()
        self._pin_is_high = False
        self._admitted: set[int] = set()
        self._environment.process(self._arrivals(first_s))

    @property
    def now_s(self) -> float:
        """Time of the world."""
        return float(self._environment.now)

    def run_until(self, time_s: float) -> None:
        """Let the world go on to a moment."""
        if time_s > self.now_s:
            self._environment.run(until=time_s)

    def pin(self, *, high: bool) -> None:
        """Tell the door the level of the pin: it opens and stays open while that is high, and closes a while after."""
        if high == self._pin_is_high:
            return
        self._pin_is_high = high
        if not high:
            self._leaf.let_go(self.now_s)
            self._environment.process(self._closing())
            return
        self._leaf.open(self.now_s)
        addressee = next((visitor.number for visitor in self._queue if not visitor.is_gone), NOBODY)
        self._admitted.add(addressee)
        self._tell("opened", addressee)

    def openness(self) -> float:
        """Return how far open the door is now, 0 to 1."""
        return self._leaf.openness(self.now_s)

    def in_sight(self) -> list[Visitor]:
        """Return who is before the camera now, the farthest first."""
        present = [visitor for visitor in self.visitors if not visitor.is_gone]
        return sorted(present, key=lambda visitor: -visitor.distance_at(self.now_s))

    def first(self) -> Visitor | None:
        """Return who stands first before the door now; None while nobody has reached it, or somebody walks through."""
        if not self._queue or self._queue[0].is_gone or self._queue[0].is_walking(self.now_s):
            return None
        return self._queue[0]

    def _tell(self, kind: EventKind, visitor: int = NOBODY) -> None:
        self.events.append(DoorEvent(self.now_s, kind, visitor))

    def _arrivals(self, first_s: float | None) -> Generator[simpy.Event, None, None]:
        coming = self.scenario.arrivals
        while True:
            waited_s = float(self._rng.exponential(3600.0 / coming.per_hour))
            yield self._environment.timeout(waited_s if first_s is None or self.visitors else first_s)
            is_group = self._rng.random() < coming.group_share
            for _ in range(int(self._rng.integers(2, coming.largest_group + 1)) if is_group else 1):
                self._environment.process(self._visit(self._newcomer()))
                yield self._environment.timeout(float(self._rng.uniform(0.3, 1.2)))

    def _newcomer(self) -> Visitor:
        behaviour, wearing = self.scenario.behaviour, self.scenario.wearing
        worn: Wearing = list(wearing)[int(self._rng.choice(len(wearing), p=_normed(wearing)))]
        near_m = behaviour.stands_at_m + behaviour.stands_spread_m * float(self._rng.standard_normal())
        speed = behaviour.walks_mps + behaviour.walks_spread_mps * float(self._rng.standard_normal())
        visitor = Visitor(
            number=len(self.visitors),
            wearing=worn,
            came_s=self.now_s,
            stands_at_m=float(np.clip(near_m, 0.6 * behaviour.stands_at_m, 1.5 * behaviour.stands_at_m)),
            sideways=float(np.clip(self._rng.standard_normal(), -2, 2)),
            speed_mps=max(speed, 0.3),
            follows=bool(self._rng.random() < behaviour.tailgates_share),
            distance_m=behaviour.comes_from_m,
            target_m=behaviour.comes_from_m,
            moved_s=self.now_s,
        )
        self.visitors.append(visitor)
        self._tell("came", visitor.number)
        return visitor

    def _visit(self, visitor: Visitor) -> Generator[simpy.Event, None, None]:
        self._queue.append(visitor)
        if visitor.wearing != "mask" and self._rng.random() < self.scenario.behaviour.corrects_share:
            self._environment.process(self._correction(visitor))
        while True:
            self._step_up(visitor)
            if self._queue[0] is visitor and not visitor.is_walking(self.now_s):
                if visitor.waits_from_s is None:
                    visitor.waits_from_s = self.now_s
                    self._tell("reached", visitor.number)
                if self._may_pass(visitor):
                    yield from self._pass(visitor)
                    return
                # Nobody turns away from a door that opens.
                is_asked_in = self._pin_is_high or visitor.number in self._admitted
                if not is_asked_in and self.now_s - visitor.waits_from_s > self.scenario.behaviour.patience_s:
                    self._tell("gave up", visitor.number)
                    self._leave(visitor)
                    return
            yield self._environment.timeout(_WAIT_STEP_S)

    def _step_up(self, visitor: Visitor) -> None:
        """Walk to the place in the queue that is free."""
        place = self._queue.index(visitor)
        target_m = visitor.stands_at_m + place * self.scenario.behaviour.queue_spacing_m
        target_m = min(target_m, self.scenario.behaviour.comes_from_m)
        if target_m != visitor.target_m:
            visitor.walk_to(target_m, self.now_s)

    def _may_pass(self, visitor: Visitor) -> bool:
        """Return whether the door is open for somebody, or for somebody before whom they follow."""
        if self._leaf.openness(self.now_s) < _WIDE_OPEN:
            return False
        if self._pin_is_high or self._admitted & {visitor.number, NOBODY}:
            self._admitted -= {visitor.number, NOBODY}
            return True
        if visitor.follows:
            self._tell("tailgated", visitor.number)
        return visitor.follows

    def _pass(self, visitor: Visitor) -> Generator[simpy.Event, None, None]:
        self._tell("entered", visitor.number)
        visitor.is_gone = True
        yield self._environment.timeout(self.scenario.door.passing_s)
        self._queue.remove(visitor)

    def _leave(self, visitor: Visitor) -> None:
        visitor.is_gone = True
        self._queue.remove(visitor)

    def _correction(self, visitor: Visitor) -> Generator[simpy.Event, None, None]:
        wait_s = self._rng.exponential(self.scenario.behaviour.corrects_after_s)
        yield self._environment.timeout(float(wait_s))
        if not visitor.is_gone:
            visitor.wearing = "mask"
            # Who has just put it right gives the door another chance.
            visitor.waits_from_s = None if visitor.waits_from_s is None else self.now_s
            self._tell("corrected", visitor.number)

    def _closing(self) -> Generator[simpy.Event, None, None]:
        """Close when the time is up, unless the pin has risen again; who was let in and did not go must ask again."""
        until_s = self._leaf.until_s
        yield self._environment.timeout(until_s - self.now_s)
        if until_s == self._leaf.until_s:
            self._admitted.clear()
            self._tell("closed")


def _normed(wearing: dict[Wearing, float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    shares = np.array(list(wearing.values()))
    return np.asarray(shares / shares.sum())
