"""Why people come and go: visits by the hour, groups, lifts, meetings, and the day of the staff."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING

import numpy as np

from scenarios.people import draw_cold_k
from scenarios.steering import STEP_S
from scenarios.world import WARM_UP_TICKS

if TYPE_CHECKING:
    from collections.abc import Generator

    import simpy

    from scenarios.crowd import Walker
    from scenarios.room import Lift
    from scenarios.visitors import Meeting, Staff
    from scenarios.world import Process, World

_HOUR_TICKS = 3600 / STEP_S
_FOLLOWS_AFTER_TICKS = 2.0 / STEP_S
_SHORTEST_LIFT_S = 15.0
_CAR_WAITS_TICKS = 200
_GUESTS_COME_TICKS = 1800
_STRAGGLES_TICKS = 300
_NOT_WORTH_TICKS = 1200
_LATECOMERS_TICKS = 1200

# Streams of random numbers beside those of the persons (1) and of the steps (2).
_ARRIVALS, _LIFTS, _MEETINGS, _STAFF = 0, 3, 4, 5


def start(world: World) -> None:
    """Let everything begin that the scenario says."""
    board = _LiftBoard(world)
    Visits(world, board).start()
    for index, door in enumerate(world.scenario.doors):
        if door.lift is not None:
            world.env.process(board.serve(index, door.lift))
    staff = world.scenario.staff
    diary = Diary(world)
    if staff is not None:
        for number in range(staff.count):
            world.env.process(Employee(world, staff, diary, number).days())
    for index in range(len(world.scenario.meetings)):
        world.env.process(diary.guests(index))


class Visits:
    """People who come by the hourly rates, alone or in groups."""

    def __init__(self, world: World, board: _LiftBoard) -> None:
        self.world = world
        self.board = board
        self.rng = np.random.default_rng([world.seed, _ARRIVALS])

    def start(self) -> None:
        """Let people come, if any do."""
        if self.world.scenario.arrivals.highest_rate_per_hour:
            self.world.env.process(self._arrivals())

    def _arrivals(self) -> Process:
        """Let groups come at the rate of the hour, by thinning the arrivals of the busiest (Lewis and Shedler 1979)."""
        arrivals, rng = self.world.scenario.arrivals, self.rng
        busiest_per_hour = arrivals.highest_rate_per_hour
        due, is_first = 0.0, True
        while True:
            if not is_first and rng.random() < arrivals.accompanied_ratio:
                due += _FOLLOWS_AFTER_TICKS
                yield self.world.wait_until(due)
            else:
                due += float(rng.exponential(_HOUR_TICKS / busiest_per_hour))
                yield self.world.wait_until(due)
                rate_per_hour = arrivals.rate_per_hour_at(self.world.hour_now())
                if rng.random() * busiest_per_hour >= rate_per_hour:
                    is_first = True
                    continue
            is_first = False
            self.admit(self._group_size())

    def admit(self, size: int, door: int | None = None) -> list[Walker]:
        """Let a group of `size` come in by a door, as many of them as there is room for; return them."""
        world, arrivals = self.world, self.world.scenario.arrivals
        size = min(size, arrivals.capacity - world.present["visitor"])
        door_in = world.some_door(world.doors_for("in"), self.rng) if door is None else door
        group = Group([world.newcomer() for _ in range(max(size, 0))])
        if not group.members:
            return []
        self._plan(group, door_in, is_passing=door is not None)
        world.present["visitor"] += len(group.members)
        for walker in group.members:
            world.env.process(self._visit(walker, group, door_in))
        return group.members

    def _group_size(self) -> int:
        weights = np.array(self.world.scenario.arrivals.group_sizes)
        return 1 if not len(weights) else 1 + int(self.rng.choice(len(weights), p=weights / weights.sum()))

    def _plan(self, group: Group, door_in: int, *, is_passing: bool) -> None:
        """Decide how many places to visit and by which door to leave."""
        arrivals, rng = self.world.scenario.arrivals, group.members[0].rng
        if not is_passing and rng.random() >= arrivals.passing_ratio:
            group.visits = int(rng.geometric(1 / arrivals.visits_mean))
        group.door_out = self._exit_door(door_in, rng, is_passing=not group.visits)
        if self.world.scenario.doors[group.door_out].lift is not None:
            group.visits = 1
        group.chosen = [self.world.env.event() for _ in range(group.visits)]
        group.moves_on = [self.world.env.event() for _ in range(group.visits)]

    def _exit_door(self, door_in: int, rng: np.random.Generator, *, is_passing: bool) -> int:
        doors, exit_door = self.world.scenario.doors, self.world.scenario.arrivals.exit_door
        ways_out = self.world.doors_for("out")
        if exit_door == "same" and door_in in ways_out:
            return door_in
        if doors[door_in].lift is None:
            ways_out = ways_out + [index for index, door in enumerate(doors) if door.lift is not None]
        is_any = exit_door == "any" and not is_passing
        others = [index for index in ways_out if is_any or index != door_in]
        return self.world.some_door(others or ways_out, rng)

    def _visit(self, walker: Walker, group: Group, door_in: int) -> Process:
        """Come in, linger at some places with one's group, leave."""
        world = self.world
        # Chosen before the door, so that nobody stops in the doorway for a leader who is not yet in.
        place = (yield from self._choose(walker, group, 0)) if group.visits else None
        yield from world.come_in(walker, door_in)
        for number in range(group.visits):
            if number:
                place = yield from self._choose(walker, group, number)
            if place is None:
                break
            yield from self._stay(walker, place, group, number)
        yield from world.go_out(walker, group.door_out)
        world.present["visitor"] -= 1

    def _stay(self, walker: Walker, place: int, group: Group, number: int) -> Process:
        """Linger as long as the leader does, who decides when at the place, or until a lift has come."""
        moves_on = group.moves_on[number]
        if walker is group.members[0]:
            called = self._called(group)
            place = yield from self.world.go_to_place(walker, place)
            until = called or self.world.env.timeout(self._stay_ticks(walker))
            yield from self.world.stay_at(walker, place, until)
            moves_on.succeed()
        else:
            yield from self.world.linger(walker, place, moves_on)

    def _called(self, group: Group) -> simpy.Event | None:
        """Return the event of a lift having come, for those who leave by one."""
        is_lift = self.world.scenario.doors[group.door_out].lift is not None
        return self.board.wait_for_a_car(group) if is_lift else None

    def _stay_ticks(self, walker: Walker) -> int:
        arrivals = self.world.scenario.arrivals
        deviate = arrivals.linger_spread * float(walker.rng.standard_normal())
        return math.ceil(arrivals.linger_median_s / STEP_S * math.exp(deviate))

    def _choose(self, walker: Walker, group: Group, number: int) -> Generator[simpy.Event, object, int | None]:
        """Return a place; the leader's choice draws the others to its neighbourhood."""
        if walker is group.members[0]:
            place = self.world.take_place("", walker.rng)
            group.chosen[number].succeed(place)
            return place
        near = yield group.chosen[number]
        return self.world.take_place("", walker.rng, near) if isinstance(near, int) else None


@dataclass
class Group:
    """People who stay together; the first leads.

    Attributes:
        members: The people.
        visits: How many places they visit.
        door_out: By which door they leave.
        chosen: For each visit, the event of the leader having chosen a place; its value is the place or None.
        moves_on: For each visit, the event of the leader moving on.
    """

    members: list[Walker]
    visits: int = 0
    door_out: int = 0
    chosen: list[simpy.Event] = field(default_factory=list)
    moves_on: list[simpy.Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        if len(self.members) > 1:
            for walker in self.members:
                walker.companions = self.members


class _LiftBoard:
    """Those who wait for a lift, and the cars that come."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._waiting: list[tuple[Group, simpy.Event]] = []

    def wait_for_a_car(self, group: Group) -> simpy.Event:
        """Return the event of a car having come for a group; its door is then the group's way out."""
        called = self._world.env.event()
        self._waiting.append((group, called))
        return called

    def serve(self, door: int, lift: Lift) -> Process:
        """Let cars come: first some get out, then those who wait get in."""
        world = self._world
        rng = np.random.default_rng([world.seed, _LIFTS, door])
        visits = Visits(world, self)
        visits.rng = rng
        while True:
            wait_s = max(float(rng.exponential(lift.interval_s)), _SHORTEST_LIFT_S)
            yield world.env.timeout(math.ceil(wait_s / STEP_S))
            for _ in range(int(rng.poisson(lift.alighting_mean))):
                visits.admit(1, door)
            yield world.env.timeout(_CAR_WAITS_TICKS // 10)
            self._call(door, lift.car_capacity)
            yield world.env.timeout(_CAR_WAITS_TICKS)

    def _call(self, door: int, car_capacity: int) -> None:
        free = car_capacity
        while self._waiting and len(self._waiting[0][0].members) <= free:
            group, called = self._waiting.pop(0)
            free -= len(group.members)
            group.door_out = door
            called.succeed()


@dataclass(frozen=True)
class Appointment:
    """Something in an employee's day; a `zone` of None is outside the room."""

    start_tick: float
    end_tick: float
    zone: str | None


class Diary:
    """Who meets whom, and the guests who come to meetings that the staff does not fill."""

    def __init__(self, world: World) -> None:
        self.world = world

    def appointments(self, number: int, day: int) -> list[Appointment]:
        """Return an employee's meetings of a day."""
        meetings = enumerate(self.world.scenario.meetings)
        return [self._span(meeting, day) for index, meeting in meetings if number in self._invited(index, day)]

    def guests(self, index: int) -> Process:
        """Let those come to a meeting, day by day, whom the staff lacks."""
        world, meeting = self.world, self.world.scenario.meetings[index]
        staff = world.scenario.staff
        lacking = meeting.attendees - min(meeting.attendees, staff.count if staff else 0)
        most = max(one.attendees for one in world.scenario.meetings)
        for day in count():
            span = self._span(meeting, day)
            if span.end_tick < world.env.now:
                continue
            yield world.wait_until(span.start_tick - _GUESTS_COME_TICKS)
            for _ in range(min(lacking, most - world.present["guest"])):
                world.present["guest"] += 1
                world.env.process(self._attend(meeting, span))

    def _attend(self, meeting: Meeting, span: Appointment) -> Process:
        """Come, sit, leave."""
        world = self.world
        walker = world.newcomer()
        door = world.some_door(world.doors_for("in"), walker.rng)
        yield world.env.timeout(int(walker.rng.integers(_GUESTS_COME_TICKS)))
        yield from world.come_in(walker, door)
        place = world.take_place(meeting.zone, walker.rng)
        if place is not None:
            end_tick = span.end_tick + float(walker.rng.uniform(0, _STRAGGLES_TICKS))
            yield from world.linger(walker, place, world.wait_until(end_tick))
        ways_out = world.doors_for("out")
        yield from world.go_out(walker, door if door in ways_out else ways_out[0])
        world.present["guest"] -= 1

    def _span(self, meeting: Meeting, day: int) -> Appointment:
        start_tick = self.world.tick_at(24 * day + meeting.start_hour)
        return Appointment(start_tick, start_tick + meeting.minutes * 60 / STEP_S, meeting.zone)

    def _invited(self, index: int, day: int) -> set[int]:
        staff, meeting = self.world.scenario.staff, self.world.scenario.meetings[index]
        rng = np.random.default_rng([self.world.seed, _MEETINGS, index, day])
        everybody = staff.count if staff else 0
        return {int(number) for number in rng.permutation(everybody)[: meeting.attendees]}


class Employee:
    """One of the staff: comes every morning, sits at the own desk but for appointments, leaves in the evening."""

    def __init__(self, world: World, staff: Staff, diary: Diary, number: int) -> None:
        self.world = world
        self.staff = staff
        self.diary = diary
        self.number = number
        self.desk = world.scenario.places_of("desk")[number]
        self.known = world.newcomer()
        world.free_places.discard(self.desk)
        world.own_places.add(self.desk)

    def days(self) -> Process:
        """Live one day after the other."""
        for day in count():
            rng = np.random.default_rng([self.world.seed, _STAFF, self.number, day])
            arrive, leave = (self._tick(hour, day, rng) for hour in (self.staff.arrive_hour, self.staff.leave_hour))
            if leave < self.world.env.now + WARM_UP_TICKS:
                continue
            yield self.world.wait_until(max(arrive, float(rng.uniform(0, _LATECOMERS_TICKS))))
            yield from self._day(self._plan(arrive, leave, day, rng), leave, rng)

    def _tick(self, hour: float, day: int, rng: np.random.Generator) -> float:
        return self.world.tick_at(24 * day + hour + self.staff.spread_minutes / 60 * float(rng.standard_normal()))

    def _plan(self, arrive: float, leave: float, day: int, rng: np.random.Generator) -> list[Appointment]:
        """Return the appointments of a day in order: meetings, lunch, breaks."""
        plan = self.diary.appointments(self.number, day)
        if rng.random() < self.staff.lunch_out_ratio:
            begin = self._tick(self.staff.lunch_hour, day, rng)
            plan.append(Appointment(begin, begin + self.staff.lunch_minutes * 60 / STEP_S, None))
        hours = max(leave - arrive, 0.0) / _HOUR_TICKS
        for _ in range(int(rng.poisson(self.staff.breaks_per_hour * hours))):
            begin = float(rng.uniform(arrive, leave))
            length = self.staff.break_minutes * 60 / STEP_S * float(rng.uniform(0.5, 1.5))
            plan.append(Appointment(begin, begin + length, "break"))
        return sorted(plan, key=lambda item: item.start_tick)

    def _day(self, plan: list[Appointment], leave: float, rng: np.random.Generator) -> Process:
        walker = yield from self._come(rng)
        for item in plan:
            if item.start_tick > leave or item.end_tick < self.world.env.now + _NOT_WORTH_TICKS:
                continue
            yield from self._work_until(walker, item.start_tick)
            place = None if item.zone is None else self.world.take_place(item.zone, walker.rng)
            if place is not None:
                yield from self.world.linger(walker, place, self.world.wait_until(item.end_tick))
            else:
                yield from self._go(walker)
                yield self.world.wait_until(item.end_tick)
                walker = yield from self._come(rng)
        yield from self._work_until(walker, leave)
        yield from self._go(walker)

    def _work_until(self, walker: Walker, tick: float) -> Process:
        """Sit at the desk; who has just sat down there stays for a moment at least."""
        if tick > self.world.env.now:
            yield from self.world.linger(walker, self.desk, self.world.wait_until(tick))

    def _come(self, rng: np.random.Generator) -> Generator[simpy.Event, object, Walker]:
        world = self.world
        population, room = world.scenario.population, world.scenario.room
        cold_k = draw_cold_k(self.known.person.clothing_clo, population, room, rng)
        walker = world.newcomer(replace(self.known.person, cold_k=cold_k), self.known.speed_mps)
        world.present["staff"] += 1
        yield from world.come_in(walker, world.some_door(world.doors_for("in"), rng))
        return walker

    def _go(self, walker: Walker) -> Process:
        yield from self.world.go_out(walker, self.world.some_door(self.world.doors_for("out"), walker.rng))
        self.world.present["staff"] -= 1
