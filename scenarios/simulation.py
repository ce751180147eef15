"""People coming, walking, lingering and leaving, as SimPy processes on a grid of time steps.

The unit of SimPy's clock is one step of `STEP_S`, so that everybody's position is known at the same
instants and nobody is ever inside anybody at any of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
import simpy

from scenarios.geometry import SEPARATION_M, Doorway, Point, doorway, turned, walkable_floor
from scenarios.people import draw_person, draw_walking_speed_mps
from scenarios.sampling import Trace, sample_traces

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from scenarios.room import Place, Scenario
    from scenarios.timeline import Person, Timeline

    Process = Generator[simpy.Event, object, None]

STEP_S = 0.1
"""Step of everybody's motion; a walker covers 0.13 m in it."""

WARM_UP_S = 180.0
"""Simulated before the timeline begins, so that it does not always begin with an empty room."""

_FOLLOWS_AFTER_S = 2.0
_ARRIVED_M = 0.1
_PATIENCE_STEPS = 15
_PROGRESS_M = 0.02
_ASIDE_STEPS = 10
_CONTENT_M = 0.1
_SHUFFLE_MPS = 0.4
_SWAY_M = 0.025
_SWAY_TIME_S = 1.5
_STANCE_M = 0.12
_STANCE_TIME_S = 8.0
_TURN_RAD_PER_S = 4.0
_SIDESTEPS_RAD = tuple(math.radians(angle) for angle in (0, -25, 25, -50, 50, -80, 80, -115, 115))
"""Ways around others, tried in this order: to the right first, so that two who meet do not dance."""


def simulate(scenario: Scenario, *, seconds: float, seed: int, frame_rate_hz: float = 10.0) -> Timeline:
    """Return what happens in `scenario`.

    Args:
        scenario: The room and the people who use it.
        seconds: Length of the timeline; it has round(seconds * frame_rate_hz) frames.
        seed: The same scenario, length and seed give the same timeline.
        frame_rate_hz: Frames per second.

    Returns:
        The timeline from time 0 on, after a warm-up that is cut off.
    """
    world = _World(scenario, seed)
    world.run(WARM_UP_S + seconds)
    time_s = np.arange(round(seconds * frame_rate_hz), dtype=np.float64) / frame_rate_hz
    return sample_traces(scenario, world.traces, time_s)


@dataclass
class _Walker:
    """Somebody in the room, now."""

    person: Person
    position: Point
    heading_rad: float
    rng: np.random.Generator
    trace: Trace
    walking_speed_mps: float
    doorway: Doorway
    door: simpy.Resource


class _World:
    """The room, the people in it, and SimPy's clock."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self.scenario = scenario
        self.seed = seed
        self.env = simpy.Environment()
        self.floor = walkable_floor(scenario.room, scenario.doors)
        self.doors = [(doorway(door, scenario.room), simpy.Resource(self.env)) for door in scenario.doors]
        self.present: list[_Walker] = []
        self.free_places = list(scenario.places)
        self.traces: list[Trace] = []

    def run(self, seconds: float) -> None:
        self.env.process(self._arrivals(np.random.default_rng([self.seed, 0])))
        self.env.run(until=math.ceil(seconds / STEP_S) + 2)

    def _arrivals(self, rng: np.random.Generator) -> Process:
        """Let people come; who finds the room full goes away.

        After each arrival the next follows by `_FOLLOWS_AFTER_S` (accompanied), or else after an exponential
        time with the mean 3600 s / rate_per_hour: the time a group takes to arrive delays the next group.
        """
        arrivals = self.scenario.arrivals
        if not arrivals.rate_per_hour:
            return
        mean_steps = 3600.0 / arrivals.rate_per_hour / STEP_S
        due = 0.0
        while True:
            is_accompanied = bool(rng.random() < arrivals.accompanied_ratio)
            due += _FOLLOWS_AFTER_S / STEP_S if is_accompanied else float(rng.exponential(mean_steps))
            yield self.env.timeout(max(math.ceil(due) - self.env.now, 0))
            if len(self.present) < arrivals.capacity:
                walker = self._newcomer(rng)
                self.present.append(walker)
                self.env.process(self._visit(walker))

    def _newcomer(self, arrivals_rng: np.random.Generator) -> _Walker:
        rng = np.random.default_rng([self.seed, 1, len(self.traces)])
        through, door = self.doors[int(arrivals_rng.integers(len(self.doors)))]
        person = draw_person(self.scenario.population, rng)
        trace = Trace(person)
        self.traces.append(trace)
        return _Walker(
            person=person,
            position=through.outside,
            heading_rad=_direction(through.outside, through.inside),
            rng=rng,
            trace=trace,
            walking_speed_mps=draw_walking_speed_mps(self.scenario.population, rng),
            doorway=through,
            door=door,
        )

    def _visit(self, walker: _Walker) -> Process:
        """Come in, linger at one place or more, leave."""
        with walker.door.request() as turn:
            yield turn
            self._record(walker)
            yield from self._walk(walker, walker.doorway.inside)
        for _ in range(int(walker.rng.geometric(1 / self.scenario.arrivals.visits_mean))):
            yield from self._stay(walker)
        yield from self._walk(walker, walker.doorway.waiting)
        with walker.door.request() as turn:
            yield turn
            yield from self._walk(walker, walker.doorway.inside)
            yield from self._walk(walker, walker.doorway.outside)
        self.present.remove(walker)

    def _stay(self, walker: _Walker) -> Process:
        """Take a free place, go there, linger, and give it back."""
        place = self._take_place(walker.rng)
        yield from self._walk(walker, (place.x_m, place.y_m))
        yield from self._linger(walker, (place.x_m, place.y_m))
        self.free_places.append(place)

    def _take_place(self, rng: np.random.Generator) -> Place:
        weights = np.array([place.weight for place in self.free_places])
        return self.free_places.pop(int(rng.choice(len(weights), p=weights / weights.sum())))

    def _walk(self, walker: _Walker, target: Point) -> Process:
        """Go to `target`, around others; without progress, step aside for a second and be content with less."""
        aside, aside_steps, near_enough_m = target, 0, _ARRIVED_M
        nearest_m, idle_steps = math.inf, 0
        while (distance_m := math.dist(walker.position, target)) > near_enough_m:
            idle_steps = 0 if distance_m < nearest_m - _PROGRESS_M else idle_steps + 1
            nearest_m = min(distance_m, nearest_m)
            if idle_steps >= _PATIENCE_STEPS:
                aside, aside_steps = self._somewhere_aside(walker), _ASIDE_STEPS
                near_enough_m = min(near_enough_m + _CONTENT_M, SEPARATION_M)
                nearest_m, idle_steps = math.inf, -_ASIDE_STEPS
            goal = aside if aside_steps > 0 else target
            aside_steps -= 1
            self._step(walker, goal, walker.walking_speed_mps, _SIDESTEPS_RAD)
            yield from self._tick(walker)

    def _linger(self, walker: _Walker, place: Point) -> Process:
        """Stand, sway a little, now and then shift and look elsewhere."""
        arrivals = self.scenario.arrivals
        until = self.env.now + arrivals.linger_median_s / STEP_S * math.exp(
            arrivals.linger_spread * float(walker.rng.standard_normal())
        )
        stance, facing_rad = place, walker.heading_rad
        sway = np.zeros(2)
        while self.env.now < until:
            if walker.rng.random() < STEP_S / _STANCE_TIME_S:
                stance = _near(place, _STANCE_M, walker.rng)
                facing_rad = self._somewhere_to_look(walker)
            sway += -sway * STEP_S / _SWAY_TIME_S
            sway += _SWAY_M * math.sqrt(2 * STEP_S / _SWAY_TIME_S) * walker.rng.standard_normal(2)
            target = (stance[0] + float(sway[0]), stance[1] + float(sway[1]))
            self._step(walker, target, _SHUFFLE_MPS, _SIDESTEPS_RAD[:1])
            _turn(walker, facing_rad)
            yield from self._tick(walker)

    def _step(self, walker: _Walker, goal: Point, speed_mps: float, sidesteps_rad: tuple[float, ...]) -> None:
        """Move towards `goal` by one step, or by the first sidestep that is free, or not at all."""
        offset = (goal[0] - walker.position[0], goal[1] - walker.position[1])
        distance_m = math.hypot(*offset)
        if distance_m < 1e-9:
            return
        scale = min(speed_mps * STEP_S, distance_m) / distance_m
        for angle_rad in sidesteps_rad:
            x_m, y_m = turned((offset[0] * scale, offset[1] * scale), angle_rad)
            there = (walker.position[0] + x_m, walker.position[1] + y_m)
            if self._is_free(there, walker):
                walker.position = there
                if speed_mps > _SHUFFLE_MPS:
                    _turn(walker, math.atan2(y_m, x_m))
                return

    def _is_free(self, there: Point, walker: _Walker) -> bool:
        apart = all(math.dist(there, other.position) >= SEPARATION_M for other in self._others(walker))
        return apart and bool(shapely.contains_xy(self.floor, *there))

    def _others(self, walker: _Walker) -> Iterator[_Walker]:
        """Yield everybody else who is in the room, not those still waiting outside the door."""
        return (other for other in self.present if other is not walker and other.trace.steps)

    def _somewhere_aside(self, walker: _Walker) -> Point:
        angle_rad = float(walker.rng.uniform(-math.pi, math.pi))
        return walker.position[0] + 2 * math.cos(angle_rad), walker.position[1] + 2 * math.sin(angle_rad)

    def _somewhere_to_look(self, walker: _Walker) -> float:
        """Return the direction of somebody else, or any."""
        others = list(self._others(walker))
        if others and walker.rng.random() < 0.7:
            return _direction(walker.position, others[int(walker.rng.integers(len(others)))].position)
        return float(walker.rng.uniform(-math.pi, math.pi))

    def _tick(self, walker: _Walker) -> Process:
        yield self.env.timeout(1)
        self._record(walker)

    def _record(self, walker: _Walker) -> None:
        walker.trace.add(self.env.now * STEP_S - WARM_UP_S, walker.position, walker.heading_rad)


def _turn(walker: _Walker, towards_rad: float) -> None:
    difference = math.remainder(towards_rad - walker.heading_rad, math.tau)
    largest = _TURN_RAD_PER_S * STEP_S
    walker.heading_rad += min(max(difference, -largest), largest)


def _direction(start: Point, end: Point) -> float:
    return math.atan2(end[1] - start[1], end[0] - start[0])


def _near(place: Point, sd_m: float, rng: np.random.Generator) -> Point:
    offset = np.clip(rng.standard_normal(2), -1.5, 1.5) * sd_m
    return place[0] + float(offset[0]), place[1] + float(offset[1])
