"""A room with its doors, places and people, and what people do in it: come in, take a place, linger, leave."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np
import simpy

from scenarios.crowd import Crowd, Walker
from scenarios.doors import DoorKeeper
from scenarios.engines import make_engine
from scenarios.geometry import INSIDE_M, OUTSIDE_M, Doorway, Floor
from scenarios.people import draw_person, draw_walking_speed_mps
from scenarios.steering import STEP_S
from scenarios.timeline import SITTING, STANDING

if TYPE_CHECKING:
    from collections.abc import Generator

    from scenarios.geometry import Point
    from scenarios.room import Place, Scenario
    from scenarios.timeline import Person

    Process = Generator[simpy.Event, object, None]

WARM_UP_S = 180.0
"""Simulated before the timeline begins, so that it does not always begin with an empty room."""

WARM_UP_TICKS = round(WARM_UP_S / STEP_S)

Kind = Literal["visitor", "staff", "guest"]

_HOUR_TICKS = 3600 / STEP_S
_TRIES_AGAIN_TICKS = 30
_QUEUES_WITHIN_M = 1.4
_OUT_OF_SIGHT_M = 1.4
_LANE_SHARE = 0.9
_STANDING_SHIFT_TICKS, _SITTING_SHIFT_TICKS = 80.0, 600.0
_LOOKS_AT_SOMEBODY = 0.7
_LOOKS_ABOUT_RAD = 0.5


class World:
    """The room, the people in it, and SimPy's clock, one unit of which is a tick of `STEP_S`."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self.scenario = scenario
        self.seed = seed
        self.env = simpy.Environment()
        floor, rng = Floor(scenario), np.random.default_rng([seed, 2])
        self.crowd = Crowd(self.env, floor, make_engine(scenario, floor), scenario.slots, rng)
        self.doors = [
            DoorKeeper(self.env, door, way, index)
            for index, (door, way) in enumerate(zip(scenario.doors, floor.doorways, strict=True))
        ]
        self.free_places = set(range(len(scenario.places)))
        self.own_places: set[int] = set()
        self.present: dict[Kind, int] = {"visitor": 0, "staff": 0, "guest": 0}
        self._drawn = 0

    def run_until(self, tick: int) -> None:
        """Let time pass until everything that happens at `tick` has happened; nothing when it has already."""
        if self.env.now < tick + 1:
            self.env.run(until=tick + 1)

    def tick_at(self, hour: float) -> float:
        """Return the tick at which so many hours have passed since the midnight before the timeline begins."""
        return (hour - self.scenario.start_hour) * _HOUR_TICKS + WARM_UP_TICKS

    def hour_now(self) -> float:
        """Return the hour of the day."""
        return (self.scenario.start_hour + (self.env.now - WARM_UP_TICKS) / _HOUR_TICKS) % 24

    def newcomer(self, person: Person | None = None, speed_mps: float | None = None) -> Walker:
        """Return somebody who is about to come in, new or known from an earlier stay."""
        rng = np.random.default_rng([self.seed, 1, self._drawn])
        self._drawn += 1
        population = self.scenario.population
        return Walker(
            person=person or draw_person(population, self.scenario.room, rng),
            rng=rng,
            speed_mps=speed_mps or draw_walking_speed_mps(population, rng),
        )

    def doors_for(self, direction: Literal["in", "out"]) -> list[int]:
        """Return the doors, lifts apart, that lead in this direction."""
        return [
            index
            for index, door in enumerate(self.scenario.doors)
            if door.lift is None and door.direction in {"both", direction}
        ]

    def some_door(self, doors: list[int], rng: np.random.Generator) -> int:
        """Return one of these doors, by their weights."""
        weights = np.array([self.scenario.doors[index].weight for index in doors])
        return doors[int(rng.choice(len(doors), p=weights / weights.sum()))]

    def wait_until(self, tick: float) -> simpy.Event:
        """Return an event at a tick, or now when it has passed."""
        return self.env.timeout(max(math.ceil(tick) - self.env.now, 0))

    def come_in(self, walker: Walker, door: int) -> Process:
        """Wait for one's turn outside the door and for free floor behind it, and step in."""
        keeper = self.doors[door]
        yield keeper.request("in")
        while (point := self._free_entrance(walker, keeper.way)) is None:
            yield self.env.timeout(1)
        self.crowd.enter(walker, keeper, point)

    def go_out(self, walker: Walker, door: int) -> Process:
        """Walk to the door, wait for one's turn, and leave."""
        keeper = self.doors[door]
        lane_m = self._lane_m(walker, keeper.way, "out")
        yield self.crowd.walk(walker, keeper.way.at(INSIDE_M, lane_m), _QUEUES_WITHIN_M)
        yield keeper.request("out")
        yield self.crowd.walk_out(walker, keeper, keeper.way.at(-_OUT_OF_SIGHT_M, lane_m))

    def take_place(self, zone: str, rng: np.random.Generator, near: int | None = None) -> int | None:
        """Return a free place of a zone, by weight, or the one nearest to another; None when all are taken."""
        places = self.scenario.places
        free = [index for index in self.scenario.places_of(zone) if index in self.free_places]
        if not free:
            return None
        if near is None:
            weights = np.array([places[index].weight for index in free])
            chosen = free[int(rng.choice(len(free), p=weights / weights.sum()))]
        else:
            chosen = min(free, key=lambda index: math.dist(_point(places[index]), _point(places[near])))
        self.free_places.discard(chosen)
        return chosen

    def linger(self, walker: Walker, place: int, until: simpy.Event) -> Process:
        """Go to a place and stand or sit there until something happens; the place is free again then."""
        place = yield from self.go_to_place(walker, place)
        yield from self.stay_at(walker, place, until)

    def go_to_place(self, walker: Walker, place: int) -> Generator[simpy.Event, object, int]:
        """Go to a place one has taken; when others bar the way for long, to the nearest free one like it.

        When there is none, who wanted to stand stays where they are, and who wanted to sit tries again.

        Returns:
            The place that one holds in the end.
        """
        while True:
            is_seat = self.scenario.places[place].posture == "sitting"
            if (yield self.crowd.walk_to_place(walker, self.place_point(place), is_seat=is_seat)):
                return place
            another = self._take_another(walker, place)
            if another is not None:
                place = another
            elif is_seat or self.crowd.is_before_a_door(walker):
                yield self.env.timeout(_TRIES_AGAIN_TICKS)
            else:
                return place

    def _take_another(self, walker: Walker, place: int) -> int | None:
        """Exchange a place for the nearest free one of its zone that one can get to, if there is any."""
        places = self.scenario.places
        like_it = [index for index in self.scenario.places_of(places[place].zone) if index in self.free_places]
        for index in sorted(like_it, key=lambda index: math.dist(_point(places[index]), _point(places[place]))):
            if self.crowd.can_reach(walker, self.place_point(index)):
                self.free_places.discard(index)
                self.free_place(place)
                return index
        return None

    def free_place(self, index: int) -> None:
        """Leave a place to others, unless it is somebody's own."""
        if index not in self.own_places:
            self.free_places.add(index)

    def place_point(self, index: int) -> Point:
        """Return where a place is."""
        return _point(self.scenario.places[index])

    def stay_at(self, walker: Walker, index: int, until: simpy.Event) -> Process:
        """Stand or sit at a place one has come to until something happens; the place is free then.

        Now and then people shift and look elsewhere. Who stands makes room for those who cannot pass otherwise.
        """
        place = self.scenario.places[index]
        posture = SITTING if place.posture == "sitting" else STANDING
        mean_ticks = _SITTING_SHIFT_TICKS if posture == SITTING else _STANDING_SHIFT_TICKS
        self.crowd.settle(walker, posture, self._heading_rad(walker, place))
        while not until.processed:
            before = yield from self._wait_for_a_change(walker, until, mean_ticks, may_be_asked=posture == STANDING)
            if until.processed:
                break
            if before is None:
                self.crowd.shift(walker, self._heading_rad(walker, place))
                continue
            yield self.crowd.make_room(walker, before)
            yield self.crowd.walk_to_place(walker, _point(place), is_seat=False)
            self.crowd.settle(walker, posture, self._heading_rad(walker, place))
        self.free_place(index)

    def _wait_for_a_change(
        self, walker: Walker, until: simpy.Event, mean_ticks: float, *, may_be_asked: bool
    ) -> Generator[simpy.Event, object, Point | None]:
        """Wait until something happens, or a while; return where somebody is who has asked to pass, if so."""
        asked = self.env.event()
        walker.asked = asked if may_be_asked else None
        yield until | asked | self.env.timeout(max(math.ceil(walker.rng.exponential(mean_ticks)), 11))
        walker.asked = None
        before: Point | None = asked.value if asked.processed else None
        return before

    def _heading_rad(self, walker: Walker, place: Place) -> float:
        if place.heading_deg is not None:
            return math.radians(place.heading_deg) + float(walker.rng.normal(0, _LOOKS_ABOUT_RAD / 2))
        seen_rad = self.crowd.direction_of_somebody(walker)
        if seen_rad is not None and walker.rng.random() < _LOOKS_AT_SOMEBODY:
            return seen_rad
        return float(walker.rng.uniform(-math.pi, math.pi))

    def _lane_m(self, walker: Walker, way: Doorway, direction: Literal["in", "out"]) -> float:
        """Return where in the doorway to walk: on the right where people come towards one, else in any lane."""
        widest_m = _LANE_SHARE * way.half_m
        if not way.is_both_ways:
            return float(walker.rng.choice(way.lanes_m))
        nearest_m = way.half_m / 2
        return float(walker.rng.uniform(nearest_m, widest_m)) * (1 if direction == "in" else -1)

    def _free_entrance(self, walker: Walker, way: Doorway) -> Point | None:
        """Return a point outside the door where there is room, and room to walk on."""
        lane_m = self._lane_m(walker, way, "in")
        others_m = [] if way.is_both_ways else [other_m for other_m in way.lanes_m[::-1] if other_m != lane_m]
        for side_m in (lane_m, *others_m):
            point = way.at(-OUTSIDE_M, side_m)
            if self.crowd.has_room_for(walker.person.shoulder_breadth_m / 2, point):
                return point
        return None


def _point(place: Place) -> Point:
    return place.x_m, place.y_m
