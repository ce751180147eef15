"""Everybody in the room, moved tick by tick while anybody walks; who stands or sits costs nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from simpy.events import URGENT

from scenarios.bodies import nobody_yet
from scenarios.doors import CLEARED_M, DoorKeeper
from scenarios.motion import Stance, Strides, Trace
from scenarios.paths import NOBODY, PathFinder
from scenarios.steering import ABSENT, SEPARATION_M, STANDS, STEP_S, WALKS, separation_m
from scenarios.timeline import SITTING

if TYPE_CHECKING:
    from collections.abc import Generator

    import simpy
    from numpy.typing import NDArray

    from scenarios.engines import Engine
    from scenarios.geometry import Doorway, Floor, Point
    from scenarios.timeline import Person

_ARRIVED_M = 0.05
_AT_A_TURN_M = 0.05
_PATIENCE_TICKS = 15
_PROGRESS_M = 0.02
_ASIDE_TICKS = 10
_ASIDE_M = 1.5
_LONGEST_ASIDE = 4
_CONTENT_M = 0.1
_MOST_CONTENT_M = 0.5
_MOST_SETBACKS = 6
_SETBACKS_WHEN_SHUT_OUT = 2
_DETOUR_GAP_M = 0.01
_CHAIR_M = 0.45
# From the middle of a chair to the axis of who passes it: half of each, 0.22 m and 0.23 m; assumed.
_SLOW_MPS = 0.3
_ASKS_WITHIN_M = 1.2
_ROOM_IS_MADE_TICKS = 2 * _ASIDE_TICKS
_BEFORE_A_DOOR_M = 1.0
_TURN_RAD = 4.0 * STEP_S
_TURNS_ABOVE_MPS = 0.3
_VANISHED_M = -0.37
_MOUTH_M = 0.33
_IN_LANE_M = 0.02
_STRAIGHT_IN_M = 1.0
_LANE_SHARE = 0.9
_SPLIT_M = -0.2
_STANDING_REACH_M, _SITTING_REACH_M = 0.15, 0.04
_STANDING_SWAY_M, _SITTING_SWAY_M = 0.05, 0.015

ABREAST_M = 0.65
"""Between the axes of two who walk side by side: assumed. That small groups do so, and bend or break the line where it
is crowded, is in Moussaid et al. 2010, PLoS ONE 5(4):e10047, doi:10.1371/journal.pone.0010047."""

_FOLLOWS_WITHIN_M = 5.0
_CATCHES_UP_WITHIN_M = 1.5
_HASTE_RATIO, _WAIT_RATIO = 1.3, 0.6
_LAGS_M = 1.0
_MAKES_WAY_WITHIN_M = 8.0
_TOWARDS_COSINE = -0.5


@dataclass(eq=False)
class Walker:
    """Somebody in the room or on the way to it.

    `companions` are the group, its leader first; the others walk beside the leader. `way` leads around the discs
    `around_m` of those who stood in the way when it was chosen. `setbacks` counts how often patience was lost on it.
    `asked` happens when somebody wants to pass where one stands; its value is where they are.
    """

    person: Person
    rng: np.random.Generator
    speed_mps: float
    slot: int = -1
    heading_rad: float = 0.0
    trace: Trace | None = None
    companions: list[Walker] = field(default_factory=list)
    way: list[Point] = field(default_factory=list)
    arrived: simpy.Event | None = None
    around_m: NDArray[np.float64] = field(default_factory=NOBODY.copy)
    near_enough_m: float = _ARRIVED_M
    most_content_m: float = _MOST_CONTENT_M
    gives_up: bool = False
    setbacks: int = 0
    nearest_m: float = math.inf
    idle_ticks: int = 0
    aside: Point = (0.0, 0.0)
    aside_ticks: int = 0
    asked: simpy.Event | None = None
    entering: DoorKeeper | None = None
    leaving: DoorKeeper | None = None

    @property
    def leader(self) -> Walker | None:
        """Whom to walk beside, None for leaders and those who are alone."""
        return self.companions[0] if self.companions and self.companions[0] is not self else None


class Crowd:
    """Positions of everybody in the room, one slot each, and SimPy's process that moves them."""

    def __init__(
        self, env: simpy.Environment, floor: Floor, engine: Engine, slots: int, rng: np.random.Generator
    ) -> None:
        self.env = env
        self.floor = floor
        self.paths = PathFinder(floor)
        self.traces: list[Trace] = []
        self._rng = rng
        self._bodies = nobody_yet(slots)
        self._engine = engine
        self._walkers: dict[int, Walker] = {}
        self._walking: dict[int, Walker] = {}
        self._wake = env.event()
        env.process(self._run())

    def has_room_for(self, radius_m: float, point: Point) -> bool:
        """Tell whether somebody could appear at a point."""
        near_m = np.maximum(SEPARATION_M, radius_m + self._bodies.radius_m) + self._bodies.reach_m
        apart_m = np.hypot(self._bodies.position_m[:, 0] - point[0], self._bodies.position_m[:, 1] - point[1])
        return bool(((apart_m >= near_m) | (self._bodies.state == ABSENT)).all())

    def enter(self, walker: Walker, keeper: DoorKeeper, point: Point) -> None:
        """Let somebody appear outside a door, walking in; the door is released when they are inside."""
        slot = int(np.flatnonzero(self._bodies.state == ABSENT)[0])
        ix, iy = keeper.way.inward
        walker.slot, walker.heading_rad, walker.entering = slot, math.atan2(iy, ix), keeper
        walker.trace = Trace(walker.person, slot, keeper.index, int(self.env.now))
        self.traces.append(walker.trace)
        self._walkers[slot] = walker
        self._bodies.position_m[slot] = point
        self._bodies.velocity_mps[slot] = walker.speed_mps * ix, walker.speed_mps * iy
        self._bodies.radius_m[slot] = walker.person.shoulder_breadth_m / 2
        self._bodies.reach_m[slot] = 0.0
        self._start_walking(walker)

    def walk(self, walker: Walker, target: Point, near_enough_m: float = _ARRIVED_M) -> simpy.Event:
        """Return an event that happens when somebody has come near enough to `target`."""
        if self._bodies.state[walker.slot] != WALKS:
            self._start_walking(walker)
        self._plan(walker, target)
        walker.near_enough_m, walker.most_content_m, walker.gives_up = near_enough_m, _MOST_CONTENT_M, False
        walker.nearest_m, walker.idle_ticks, walker.aside_ticks, walker.setbacks = math.inf, 0, 0, 0
        self._bodies.stops[walker.slot] = near_enough_m <= _ARRIVED_M
        walker.arrived = self.env.event()
        return walker.arrived

    def walk_to_place(self, walker: Walker, target: Point, *, is_seat: bool) -> simpy.Event:
        """Return an event with the value of whether somebody has come to a place, or else has given it up.

        Who finds somebody too near to a place is content to stand a little aside; a seat is where it is.
        """
        arrived = self.walk(walker, target)
        walker.most_content_m, walker.gives_up = (_ARRIVED_M if is_seat else _MOST_CONTENT_M), True
        return arrived

    def walk_out(self, walker: Walker, keeper: DoorKeeper, outside: Point) -> simpy.Event:
        """Return an event that happens when somebody has left through a door; the door is released then."""
        gone = self.walk(walker, outside, 0.0)
        walker.leaving = keeper
        return gone

    def position(self, walker: Walker) -> Point:
        """Return where somebody is, or the middle of the disc in which they stand or sit."""
        return float(self._bodies.position_m[walker.slot, 0]), float(self._bodies.position_m[walker.slot, 1])

    def settle(self, walker: Walker, posture: int, heading_rad: float) -> None:
        """Stop walking and stand, or sit down, where one is."""
        self._walking.pop(walker.slot, None)
        walker.way, walker.arrived = [], None
        self._bodies.state[walker.slot] = STANDS
        self._bodies.velocity_mps[walker.slot] = 0.0
        self._take_stance(walker, posture, heading_rad, (0.0, 0.0))

    def shift(self, walker: Walker, heading_rad: float) -> None:
        """Change the stance and look elsewhere."""
        stance = _stance(walker)
        x_m, y_m, walker.heading_rad = stance.now(self.env.now)
        offset = (x_m - stance.centre_m[0], y_m - stance.centre_m[1])
        self._take_stance(walker, stance.posture, heading_rad, offset)

    def make_room(self, walker: Walker, before: Point) -> simpy.Event:
        """Let somebody who stands step back from a point, and return an event a little later."""
        self._start_walking(walker)
        self._step_back(walker, before)
        return self.env.timeout(_ROOM_IS_MADE_TICKS)

    def is_before_a_door(self, walker: Walker) -> bool:
        """Tell whether somebody who stays where they are would bar a door."""
        here = self.position(walker)
        return any(
            way.depth_m(here) < _BEFORE_A_DOOR_M and abs(way.rightward_m(here)) < way.half_m + SEPARATION_M
            for way in self.floor.doorways
        )

    def direction_of_somebody(self, walker: Walker) -> float | None:
        """Return where one looks to see one of the others, None when there are none."""
        others = [slot for slot in np.flatnonzero(self._bodies.state != ABSENT) if slot != walker.slot]
        if not others:
            return None
        dx_m, dy_m = (
            self._bodies.position_m[others[int(walker.rng.integers(len(others)))]]
            - self._bodies.position_m[walker.slot]
        )
        return math.atan2(dy_m, dx_m)

    def _take_stance(self, walker: Walker, posture: int, heading_rad: float, offset: Point) -> None:
        sits = posture == SITTING
        reach_m = min(self._room_to_sway_m(walker), _SITTING_REACH_M if sits else _STANDING_REACH_M)
        reach_m = max(reach_m, math.hypot(*offset))
        sway_m = min(_SITTING_SWAY_M if sits else _STANDING_SWAY_M, reach_m / 2)
        radius_m = (reach_m - sway_m) * math.sqrt(walker.rng.random())
        angle_rad = float(walker.rng.uniform(-math.pi, math.pi))
        turn_rad = math.remainder(heading_rad - walker.heading_rad, 2 * math.pi)
        self._bodies.reach_m[walker.slot] = reach_m
        stance = Stance(
            start_tick=int(self.env.now),
            end_tick=np.inf,
            centre_m=self.position(walker),
            from_m=offset,
            to_m=(radius_m * math.cos(angle_rad), radius_m * math.sin(angle_rad)),
            sway_m=sway_m,
            phase_rad=walker.rng.uniform(-math.pi, math.pi, (3, 3)),
            from_rad=walker.heading_rad,
            to_rad=walker.heading_rad + turn_rad,
            posture=posture,
        )
        _trace(walker).begin(stance)

    def _room_to_sway_m(self, walker: Walker) -> float:
        """Return how far somebody may sway without coming too near to anybody or anything."""
        slot, room_m = walker.slot, self.floor.border_distance_m(self.position(walker))
        for other in np.flatnonzero(self._bodies.state != ABSENT):
            if other != slot:
                apart_m = float(np.hypot(*(self._bodies.position_m[other] - self._bodies.position_m[slot])))
                near_m = (
                    separation_m(self._bodies.radius_m[slot], self._bodies.radius_m[other])
                    + self._bodies.reach_m[other]
                )
                room_m = min(room_m, apart_m - near_m)
        return max(room_m, 0.0)

    def _start_walking(self, walker: Walker) -> None:
        slot, trace = walker.slot, _trace(walker)
        if trace.pieces and isinstance(trace.pieces[-1], Stance):
            x_m, y_m, walker.heading_rad = trace.pieces[-1].now(self.env.now)
            self._bodies.position_m[slot] = x_m, y_m
            self._bodies.velocity_mps[slot] = 0.0
        self._bodies.state[slot], self._bodies.reach_m[slot] = WALKS, 0.0
        trace.begin(Strides(int(self.env.now)))
        self._walking[slot] = walker
        self._record(walker)
        if not self._wake.triggered:
            self._wake.succeed()

    def _record(self, walker: Walker) -> None:
        piece = _trace(walker).pieces[-1]
        if isinstance(piece, Strides):
            piece.steps.append((*self.position(walker), walker.heading_rad))

    def _run(self) -> Generator[simpy.Event, object, None]:
        """Move those who walk, tick by tick; sleep while nobody does."""
        while True:
            if not self._walking:
                self._wake = self.env.event()
                yield self._wake
            yield self._next_tick()
            self._move()
            for walker in list(self._walking.values()):
                self._after_step(walker)

    def _next_tick(self) -> simpy.Event:
        """Return an event that comes first in the next tick: who starts to walk in a tick moves in the one after."""
        event = self.env.event()
        event._ok, event._value = True, None  # noqa: SLF001  (as simpy.Timeout does)
        self.env.schedule(event, priority=URGENT, delay=1)
        return event

    def _move(self) -> None:
        for walker in self._walking.values():
            self._set_goal(walker)
        order = sorted(self._walking, key=lambda slot: self._remaining_m(self._walking[slot]))
        noise = self._rng.uniform(-1, 1, len(self._bodies.state))
        self._engine.step(np.array(order, dtype=np.int64), self._bodies, noise)

    def _after_step(self, walker: Walker) -> None:
        """Turn to where one goes, note it, and tell when one has arrived or passed a door."""
        vx, vy = self._bodies.velocity_mps[walker.slot]
        if math.hypot(vx, vy) > _TURNS_ABOVE_MPS:
            turn_rad = math.remainder(math.atan2(vy, vx) - walker.heading_rad, 2 * math.pi)
            walker.heading_rad += min(max(turn_rad, -_TURN_RAD), _TURN_RAD)
        self._record(walker)
        point = self.position(walker)
        if walker.entering is not None and walker.entering.way.depth_m(point) > CLEARED_M:
            walker.entering.release("in")
            walker.entering = None
        if walker.leaving is not None and walker.leaving.way.depth_m(point) <= _VANISHED_M:
            self._leave(walker, walker.leaving)
        elif walker.arrived is not None and self._has_arrived(walker):
            self._end_way(walker, has_arrived=True)

    def _end_way(self, walker: Walker, *, has_arrived: bool) -> None:
        arrived, walker.arrived, walker.way = walker.arrived, None, []
        if arrived is not None:
            arrived.succeed(has_arrived)

    def _leave(self, walker: Walker, keeper: DoorKeeper) -> None:
        trace = _trace(walker)
        trace.leave_tick, trace.door_out = self.env.now, keeper.index
        trace.pieces[-1].end_tick = self.env.now
        self._bodies.state[walker.slot] = ABSENT
        del self._walking[walker.slot], self._walkers[walker.slot]
        keeper.release("out")
        if walker.arrived is not None:
            walker.arrived.succeed()

    def _has_arrived(self, walker: Walker) -> bool:
        if walker.leaving is not None or len(walker.way) != 1:
            return False
        remaining_m = self._remaining_m(walker)
        self._note_progress(walker, remaining_m)
        return remaining_m <= walker.near_enough_m

    def _remaining_m(self, walker: Walker) -> float:
        points = [self.position(walker), *walker.way]
        return sum(math.dist(one, other) for one, other in pairwise(points))

    def _set_goal(self, walker: Walker) -> None:
        """Choose where to steer now: along the way, beside the leader, or aside when nothing else goes."""
        slot, here = walker.slot, self.position(walker)
        entering = walker.entering
        self._bodies.speed_mps[slot] = walker.speed_mps if walker.way or entering is not None else 0.0
        if entering is not None and (not walker.way or entering.way.depth_m(here) < _MOUTH_M):
            self._bodies.goal_m[slot] = entering.way.at(_STRAIGHT_IN_M, entering.way.rightward_m(here))
            return
        if not walker.way:
            self._wait(walker)
            return
        self._pass_corners(walker, here)
        if walker.aside_ticks == 0:
            self._lose_patience(walker)
        if not walker.way:
            self._bodies.speed_mps[slot] = 0.0
            return
        if walker.aside_ticks > 0:
            walker.aside_ticks -= 1
            self._bodies.goal_m[slot] = walker.aside
            return
        self._bodies.goal_m[slot] = walker.way[0]
        if walker.leaving is not None and (len(walker.way) == 1 or not len(walker.around_m)):
            self._bodies.goal_m[slot] = _through(walker.leaving.way, here, walker.way[-1])
        elif walker.companions and not len(walker.around_m):
            self._keep_company(walker, here)

    def _wait(self, walker: Walker) -> None:
        """Stand still until it is one's turn, but go a little aside when asked to."""
        if walker.aside_ticks > 0:
            walker.aside_ticks -= 1
            self._bodies.goal_m[walker.slot], self._bodies.speed_mps[walker.slot] = walker.aside, walker.speed_mps

    def _pass_corners(self, walker: Walker, here: Point) -> None:
        """Forget corners of the way that have been reached, or that one can cut; stop at those around people."""
        while len(walker.way) > 1 and (
            math.dist(here, walker.way[0]) < _AT_A_TURN_M or self.paths.sees(here, walker.way[1], walker.around_m)
        ):
            walker.way.pop(0)
        is_at_its_end = walker.leaving is None and walker.near_enough_m <= _MOST_CONTENT_M
        self._bodies.stops[walker.slot] = is_at_its_end if len(walker.way) == 1 else bool(len(walker.around_m))

    def can_reach(self, walker: Walker, target: Point, *, is_wary: bool = False) -> bool:
        """Tell whether there is a way that leads around all who stand."""
        return self._way(walker, target, is_wary=is_wary)[0]

    def _plan(self, walker: Walker, target: Point, *, is_wary: bool = False) -> bool:
        """Take the shortest way and tell whether it is free, or else the one that would be if nobody were there."""
        is_free, walker.way, walker.around_m = self._way(walker, target, is_wary=is_wary)
        return is_free

    def _way(self, walker: Walker, target: Point, *, is_wary: bool) -> tuple[bool, list[Point], NDArray[np.float64]]:
        """Return whether a way is free, the way, and the discs it leads around: who stands, and who is slow if wary."""
        here = self.position(walker)
        way, people_m = self.paths.path(here, target), self._discs_m(walker, target, is_wary=is_wary)
        chairs_m = self._chairs_m(here, target)
        if self.paths.is_free(here, way, np.vstack([people_m, chairs_m])):
            return True, way, NOBODY
        for discs_m in (np.vstack([people_m, chairs_m]), people_m) if len(chairs_m) else (people_m,):
            detour = self.paths.detour(here, target, discs_m)
            if detour is not None:
                return True, detour, discs_m
        return False, way, NOBODY

    def _chairs_m(self, here: Point, target: Point) -> NDArray[np.float64]:
        """Return (D, 3) x, y and radius of the chairs around which people walk if they can, but for their own."""
        found = [
            (*seat, min(_CHAIR_M, max(min(math.dist(seat, here), math.dist(seat, target)) - _DETOUR_GAP_M, 0.0)))
            for seat in self.floor.seats_m
        ]
        return np.array(found).reshape(-1, 3)

    def _discs_m(self, walker: Walker, target: Point, *, is_wary: bool) -> NDArray[np.float64]:
        """Return (D, 3) x, y and radius of those to walk around; neither where one is nor the target is in them."""
        slot, found = walker.slot, []
        for other in np.flatnonzero(self._bodies.state != ABSENT):
            if other == slot or not (self._is_standing(int(other)) or (is_wary and self._is_slow(int(other)))):
                continue
            x_m, y_m = float(self._bodies.position_m[other, 0]), float(self._bodies.position_m[other, 1])
            near_m = (
                separation_m(self._bodies.radius_m[slot], self._bodies.radius_m[other])
                + self._bodies.reach_m[other]
                + _DETOUR_GAP_M
            )
            within_m = min(math.dist((x_m, y_m), point) for point in (self.position(walker), target))
            found.append((x_m, y_m, min(near_m, max(within_m - _DETOUR_GAP_M, 0.0))))
        return np.array(found).reshape(-1, 3)

    def _is_standing(self, slot: int) -> bool:
        walker = self._walking.get(slot)
        return walker is None or (not walker.way and walker.entering is None)

    def _is_slow(self, slot: int) -> bool:
        return math.hypot(*self._bodies.velocity_mps[slot]) < _SLOW_MPS

    def _lose_patience(self, walker: Walker) -> None:
        """After a while without progress, look for another way; when there is none, make room for a moment."""
        if len(walker.way) > 1 or walker.leaving is not None:
            self._note_progress(walker, self._remaining_m(walker))
        if walker.idle_ticks < _PATIENCE_TICKS:
            return
        target = walker.way[-1]
        walker.setbacks += 1
        walker.nearest_m, walker.idle_ticks, walker.aside_ticks = math.inf, 0, 0
        is_free = self._plan(walker, target, is_wary=True)
        is_shut_out = not is_free and not self._plan(walker, target)
        most_setbacks = _SETBACKS_WHEN_SHUT_OUT if is_shut_out else _MOST_SETBACKS
        if walker.gives_up and walker.entering is None and walker.setbacks >= most_setbacks:
            self._end_way(walker, has_arrived=False)
            return
        walker.near_enough_m = max(min(walker.near_enough_m + _CONTENT_M, walker.most_content_m), walker.near_enough_m)
        self._ask_to_pass(walker)
        if not len(walker.around_m) or not walker.setbacks % 2:
            longest = 1 if walker.leaving is not None else min(walker.setbacks, _LONGEST_ASIDE)
            walker.aside = self._somewhere_aside(walker, float(walker.rng.uniform(-math.pi, math.pi)))
            walker.aside_ticks = int(walker.rng.integers(_ASIDE_TICKS, longest * _ASIDE_TICKS + 1))

    def _ask_to_pass(self, walker: Walker) -> None:
        """Let those nearby make room who stand, or wait for their turn at a door."""
        here = self.position(walker)
        for other in self._walkers.values():
            if other is walker or math.dist(here, self.position(other)) >= _ASKS_WITHIN_M:
                continue
            if other.asked is not None and not other.asked.triggered:
                other.asked.succeed(here)
            elif self._walking.get(other.slot) is other and self._is_standing(other.slot):
                self._step_back(other, here)

    def _step_back(self, walker: Walker, before: Point) -> None:
        """Go away from a point for a moment, more or less straight."""
        if walker.aside_ticks == 0:
            x_m, y_m = self.position(walker)
            angle_rad = math.atan2(y_m - before[1], x_m - before[0]) + float(walker.rng.uniform(-1, 1))
            walker.aside, walker.aside_ticks = self._somewhere_aside(walker, angle_rad), _ASIDE_TICKS

    @staticmethod
    def _note_progress(walker: Walker, remaining_m: float) -> None:
        if walker.aside_ticks > 0:
            return
        walker.idle_ticks = 0 if remaining_m < walker.nearest_m - _PROGRESS_M else walker.idle_ticks + 1
        walker.nearest_m = min(remaining_m, walker.nearest_m)

    def _somewhere_aside(self, walker: Walker, angle_rad: float) -> Point:
        """Return a point in a direction, or in the opposite one, but not out through a door."""
        x_m, y_m = self.position(walker)
        dx_m, dy_m = _ASIDE_M * math.cos(angle_rad), _ASIDE_M * math.sin(angle_rad)
        if any(way.depth_m((x_m + dx_m, y_m + dy_m)) < _MOUTH_M for way in self.floor.doorways):
            dx_m, dy_m = -dx_m, -dy_m
        if any(way.depth_m((x_m + dx_m, y_m + dy_m)) < _MOUTH_M for way in self.floor.doorways):
            dx_m, dy_m = 0.0, 0.0
        return x_m + dx_m, y_m + dy_m

    def _keep_company(self, walker: Walker, here: Point) -> None:
        """Walk beside the leader, as fast as the slowest of the group; the leader waits for those who lag.

        Where others come towards them, each goes on alone.
        """
        slot, leader = walker.slot, walker.leader
        pace_mps = min(one.speed_mps for one in walker.companions)
        self._bodies.speed_mps[slot] = pace_mps
        if self._meets_somebody(walker, here):
            return
        if leader is None:
            if any(self._lags(other, walker) for other in walker.companions[1:]):
                self._bodies.speed_mps[slot] = _WAIT_RATIO * pace_mps
            return
        passes_a_door = leader.leaving is not None or leader.entering is not None
        if passes_a_door or self._walking.get(leader.slot) is not leader:
            return
        beside = self._beside(leader, walker.companions.index(walker), here)
        if math.dist(here, beside) < _FOLLOWS_WITHIN_M and self.paths.sees(here, beside):
            ux, uy = math.cos(leader.heading_rad), math.sin(leader.heading_rad)
            ahead_m = (beside[0] - here[0]) * ux + (beside[1] - here[1]) * uy
            haste = 1.0 + min(max(ahead_m / _CATCHES_UP_WITHIN_M, _WAIT_RATIO - 1), _HASTE_RATIO - 1)
            self._bodies.speed_mps[slot] = haste * pace_mps
            # A stride ahead, so that the goal is never reached while the leader walks.
            self._bodies.goal_m[slot] = beside[0] + ux, beside[1] + uy

    def _meets_somebody(self, walker: Walker, here: Point) -> bool:
        """Tell whether somebody who is not of the group comes towards one."""
        ux, uy = math.cos(walker.heading_rad), math.sin(walker.heading_rad)
        for other in self._walking.values():
            to_x_m, to_y_m = self.position(other)
            ahead_m = (to_x_m - here[0]) * ux + (to_y_m - here[1]) * uy
            comes_towards = math.cos(other.heading_rad - walker.heading_rad) < _TOWARDS_COSINE
            if comes_towards and 0 < ahead_m < _MAKES_WAY_WITHIN_M and other not in walker.companions:
                return True
        return False

    def _beside(self, leader: Walker, rank: int, here: Point) -> Point:
        """Return the place beside the leader of the group's member number `rank`, on whichever side there is room."""
        x_m, y_m = self.position(leader)
        ux, uy = math.cos(leader.heading_rad), math.sin(leader.heading_rad)
        right_m = ABREAST_M * ((rank + 1) // 2) * (1 if rank % 2 else -1)
        sides = [(x_m + side_m * uy, y_m - side_m * ux) for side_m in (right_m, -right_m)]
        return next((side for side in sides if self.paths.sees((x_m, y_m), side)), here)

    def _lags(self, other: Walker, leader: Walker) -> bool:
        if self._walking.get(other.slot) is not other:
            return False
        (x_m, y_m), (to_x_m, to_y_m) = self.position(other), self.position(leader)
        ux, uy = math.cos(leader.heading_rad), math.sin(leader.heading_rad)
        return _LAGS_M < (to_x_m - x_m) * ux + (to_y_m - y_m) * uy < _FOLLOWS_WITHIN_M


def _through(way: Doorway, here: Point, outside: Point) -> Point:
    """Return where to steer through a doorway: straight where one can, else to its nearest edge.

    Where people pass in both directions, each keeps to the lane of `outside`.
    """
    own_m, lane_m = way.rightward_m(here), way.rightward_m(outside)
    widest_m = _LANE_SHARE * way.half_m
    low_m, high_m = (min(-widest_m, lane_m), _SPLIT_M) if way.is_both_ways else (-widest_m, widest_m)
    across_m = min(max(own_m, low_m), high_m)
    if abs(own_m - across_m) > _IN_LANE_M and way.depth_m(here) > 0:
        return way.at(_MOUTH_M, across_m)
    return way.at(way.depth_m(outside), across_m)


def _trace(walker: Walker) -> Trace:
    if walker.trace is None:
        raise RuntimeError("somebody who is not in the room cannot move")
    return walker.trace


def _stance(walker: Walker) -> Stance:
    piece = _trace(walker).pieces[-1]
    if not isinstance(piece, Stance):
        raise RuntimeError("somebody who walks has no stance to shift")  # noqa: TRY004
    return piece
