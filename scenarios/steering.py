"""One time step of everybody who walks: where to, how fast, and never into anybody or anything.

The model is that of Moussaid, Helbing and Theraulaz 2011 ("How simple rules determine pedestrian behavior and crowd
disasters", PNAS 108(17):6884, arXiv:1105.2152) without its contact forces. Everybody looks along
a fan of directions, sees how far each could be followed until the first collision, others being expected to go on
as they do, and takes the direction whose end is nearest to the goal (their equation 1). The speed leaves a time
`TIME_GAP_S` to whatever is ahead (their equation 2). Instead of contact forces, a step that would bring two bodies
nearer than `separation_m`, at any instant within the step, is shortened or not made.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from scenarios.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

STEP_S = 0.1
"""Step of everybody's motion; a walker covers 0.13 m in it."""

SEPARATION_M = 0.5
"""Two body axes never come nearer than this, one shoulder breadth and a little air, nor than half the sum of their
shoulder breadths, where that is more."""

TIME_GAP_S = 0.3
"""Time kept to what is ahead. The model's authors use 0.5 s; with bodies that never yield, 0.3 s gives the measured
flow through doors."""

YIELD_M = 0.12
"""Kept in addition to those who are nearer to their goal: without it, crowds of hard discs lock before a door."""

ABSENT, STANDS, WALKS = 0, 1, 2
"""States of a slot."""

_ACCELERATION_MPS2 = 4.0
# Full speed within the first step or two: assumed.

_HORIZON_M = 6.0
_FAN_STEP_RAD = math.radians(7.5)
_FAN_STEPS = 17
_RIGHT_FIRST_M2 = 0.02
_WALL_GAP_M = 1e-3
_SHUFFLE_M = 0.04
_TOUCH_M = 1e-9


@compiled
def separation_m(one_radius_m: float, other_radius_m: float) -> float:
    """Return how near two bodies' axes may come; see `SEPARATION_M`."""
    return max(SEPARATION_M, one_radius_m + other_radius_m)


@compiled
def clear_run_m(x_m: float, y_m: float, ux: float, uy: float, limit_m: float, segments_m: NDArray[np.float64]) -> float:
    """Return how far one can go from a point along a unit vector before a segment, `limit_m` at most.

    Args:
        x_m: The point.
        y_m: The point.
        ux: The unit vector.
        uy: The unit vector.
        limit_m: Farther than this is not looked.
        segments_m: (M, 4) x and y of both ends of each segment.
    """
    nearest_m = limit_m
    for index in range(segments_m.shape[0]):
        ax, ay = segments_m[index, 0] - x_m, segments_m[index, 1] - y_m
        ex, ey = segments_m[index, 2] - segments_m[index, 0], segments_m[index, 3] - segments_m[index, 1]
        across = ux * ey - uy * ex
        if abs(across) > 1e-12:
            along_m = (ax * ey - ay * ex) / across
            if -1e-9 <= along_m < nearest_m and -1e-9 <= (ax * uy - ay * ux) / across <= 1 + 1e-9:
                nearest_m = along_m
    return max(nearest_m, 0.0)


@compiled
def is_visible(x_m: float, y_m: float, to_x_m: float, to_y_m: float, segments_m: NDArray[np.float64]) -> bool:
    """Tell whether no segment lies between two points."""
    distance_m = math.hypot(to_x_m - x_m, to_y_m - y_m)
    if distance_m < 1e-9:
        return True
    ux, uy = (to_x_m - x_m) / distance_m, (to_y_m - y_m) / distance_m
    return clear_run_m(x_m, y_m, ux, uy, distance_m, segments_m) >= distance_m


@compiled
def step_walkers(
    order: NDArray[np.int64],
    state: NDArray[np.int8],
    position_m: NDArray[np.float64],
    velocity_mps: NDArray[np.float64],
    radius_m: NDArray[np.float64],
    reach_m: NDArray[np.float64],
    goal_m: NDArray[np.float64],
    speed_mps: NDArray[np.float64],
    stops: NDArray[np.bool_],
    noise: NDArray[np.float64],
    segments_m: NDArray[np.float64],
) -> None:
    """Move everybody in `order` by one step, in this order; changes `position_m` and `velocity_mps`.

    The first to move takes those who have not yet moved as standing still; each later one sees the way that the
    earlier ones have just gone. So to stay is always allowed, and nobody comes too near to anybody in between.

    Args:
        order: (W,) slots of those who walk.
        state: (S,) of each slot.
        position_m: (S, 2) body axes.
        velocity_mps: (S, 2) velocities over the last step.
        radius_m: (S,) half shoulder breadths.
        reach_m: (S,) how far somebody who stands may sway from `position_m`.
        goal_m: (S, 2) where each wants to go.
        speed_mps: (S,) how fast, when nobody is in the way.
        stops: (S,) whether to come to rest at the goal.
        noise: (S,) deviates between -1 and 1, new ones at every step.
        segments_m: (M, 4) borders of the floor on which body axes may be.
    """
    moved_m = np.zeros_like(position_m)
    has_moved = np.zeros(state.shape[0], dtype=np.bool_)
    for slot in order:
        has_moved[slot] = speed_mps[slot] > 0
        x_m, y_m = position_m[slot, 0], position_m[slot, 1]
        to_x_m, to_y_m = goal_m[slot, 0] - x_m, goal_m[slot, 1] - y_m
        distance_m = math.hypot(to_x_m, to_y_m)
        if distance_m < 1e-6 or speed_mps[slot] <= 0:
            velocity_mps[slot] = 0.0
            continue
        dx_m, dy_m = _chosen_step_m(
            slot, state, position_m, velocity_mps, moved_m, has_moved, radius_m, reach_m, goal_m, speed_mps, stops,
            noise, segments_m,
        )  # fmt: skip
        moved_m[slot, 0], moved_m[slot, 1] = dx_m, dy_m
        position_m[slot, 0] += dx_m
        position_m[slot, 1] += dy_m
        velocity_mps[slot, 0], velocity_mps[slot, 1] = dx_m / STEP_S, dy_m / STEP_S


@compiled
def make_steps(
    order: NDArray[np.int64],
    state: NDArray[np.int8],
    position_m: NDArray[np.float64],
    velocity_mps: NDArray[np.float64],
    radius_m: NDArray[np.float64],
    reach_m: NDArray[np.float64],
    goal_m: NDArray[np.float64],
    speed_mps: NDArray[np.float64],
    stops: NDArray[np.bool_],
    noise: NDArray[np.float64],
    proposed_m: NDArray[np.float64],
    segments_m: NDArray[np.float64],
) -> None:
    """Move everybody in `order` to where another engine proposes; who may not go there goes as in `step_walkers`.

    A step may not be made that leads away from the goal, that would bring two bodies too near or, within `YIELD_M`, to
    one who goes first, or that would bring an axis over a border.

    Args:
        order: (W,) slots of those who walk.
        state: (S,) of each slot.
        position_m: (S, 2) body axes.
        velocity_mps: (S, 2) velocities over the last step.
        radius_m: (S,) half shoulder breadths.
        reach_m: (S,) how far somebody who stands may sway from `position_m`.
        goal_m: (S, 2) where each wants to go.
        speed_mps: (S,) how fast, when nobody is in the way.
        stops: (S,) whether to come to rest at the goal.
        noise: (S,) deviates between -1 and 1, new ones at every step.
        proposed_m: (S, 2) where each would be after the step.
        segments_m: (M, 4) borders of the floor on which body axes may be.
    """
    moved_m = np.zeros_like(position_m)
    has_moved = np.zeros(state.shape[0], dtype=np.bool_)
    for slot in order:
        has_moved[slot] = speed_mps[slot] > 0
        distance_m = math.hypot(goal_m[slot, 0] - position_m[slot, 0], goal_m[slot, 1] - position_m[slot, 1])
        if distance_m < 1e-6 or not has_moved[slot]:
            velocity_mps[slot] = 0.0
            continue
        dx_m, dy_m = proposed_m[slot, 0] - position_m[slot, 0], proposed_m[slot, 1] - position_m[slot, 1]
        if not _may_be_made(
            slot, dx_m, dy_m, state, position_m, moved_m, has_moved, radius_m, reach_m, goal_m, segments_m
        ):
            dx_m, dy_m = _chosen_step_m(
                slot, state, position_m, velocity_mps, moved_m, has_moved, radius_m, reach_m, goal_m, speed_mps, stops,
                noise, segments_m,
            )  # fmt: skip
        moved_m[slot, 0], moved_m[slot, 1] = dx_m, dy_m
        position_m[slot, 0] += dx_m
        position_m[slot, 1] += dy_m
        velocity_mps[slot, 0], velocity_mps[slot, 1] = dx_m / STEP_S, dy_m / STEP_S


@compiled
def _may_be_made(
    slot: int,
    dx_m: float,
    dy_m: float,
    state: NDArray[np.int8],
    position_m: NDArray[np.float64],
    moved_m: NDArray[np.float64],
    has_moved: NDArray[np.bool_],
    radius_m: NDArray[np.float64],
    reach_m: NDArray[np.float64],
    goal_m: NDArray[np.float64],
    segments_m: NDArray[np.float64],
) -> bool:
    """Tell whether a proposed step leads towards the goal and keeps clear of everybody and everything."""
    along_m2 = dx_m * (goal_m[slot, 0] - position_m[slot, 0]) + dy_m * (goal_m[slot, 1] - position_m[slot, 1])
    if along_m2 <= 0:
        return False
    needed_m = math.hypot(dx_m, dy_m) + _WALL_GAP_M
    way_rad = math.atan2(dy_m, dx_m)
    open_m = _open_ahead_m(slot, way_rad, needed_m, state, position_m, radius_m, reach_m, has_moved, segments_m)
    return open_m >= needed_m and _keeps_apart(slot, dx_m, dy_m, state, position_m, moved_m, radius_m, reach_m)


@compiled
def _chosen_step_m(
    slot: int,
    state: NDArray[np.int8],
    position_m: NDArray[np.float64],
    velocity_mps: NDArray[np.float64],
    moved_m: NDArray[np.float64],
    has_moved: NDArray[np.bool_],
    radius_m: NDArray[np.float64],
    reach_m: NDArray[np.float64],
    goal_m: NDArray[np.float64],
    speed_mps: NDArray[np.float64],
    stops: NDArray[np.bool_],
    noise: NDArray[np.float64],
    segments_m: NDArray[np.float64],
) -> tuple[float, float]:
    """Return the step of somebody who is not at the goal: the best direction, as fast as what is ahead allows."""
    to_x_m, to_y_m = goal_m[slot, 0] - position_m[slot, 0], goal_m[slot, 1] - position_m[slot, 1]
    distance_m = math.hypot(to_x_m, to_y_m)
    goal_rad = math.atan2(to_y_m, to_x_m)
    horizon_m = min(_HORIZON_M, max(distance_m, 0.3))
    turn_rad = _best_turn_rad(
        slot, goal_rad, horizon_m, state, position_m, velocity_mps, radius_m, reach_m, speed_mps, noise, segments_m
    )
    run_m = _open_ahead_m(
        slot, goal_rad + turn_rad, horizon_m, state, position_m, radius_m, reach_m, has_moved, segments_m
    )
    wanted_mps = speed_mps[slot]
    if run_m < horizon_m:
        wanted_mps = min(wanted_mps, run_m / TIME_GAP_S)
    if stops[slot]:
        wanted_mps = min(wanted_mps, math.sqrt(2 * _ACCELERATION_MPS2 * distance_m), distance_m / STEP_S)
    before_mps = math.hypot(velocity_mps[slot, 0], velocity_mps[slot, 1])
    stride_m = min(wanted_mps, before_mps + _ACCELERATION_MPS2 * STEP_S) * STEP_S
    return _allowed_step_m(
        slot, goal_rad, turn_rad, stride_m, state, position_m, moved_m, radius_m, reach_m, segments_m
    )


@compiled
def _best_turn_rad(
    slot: int,
    goal_rad: float,
    horizon_m: float,
    state: NDArray[np.int8],
    position_m: NDArray[np.float64],
    velocity_mps: NDArray[np.float64],
    radius_m: NDArray[np.float64],
    reach_m: NDArray[np.float64],
    speed_mps: NDArray[np.float64],
    noise: NDArray[np.float64],
    segments_m: NDArray[np.float64],
) -> float:
    """Return the direction, from that of the goal, whose end comes nearest to it."""
    best_rad, best_m2 = 0.0, np.inf
    for index in range(2 * _FAN_STEPS + 1):
        steps = (index + 1) // 2
        turn_rad = steps * _FAN_STEP_RAD * (-1.0 if index % 2 else 1.0)
        if index:
            turn_rad += 0.5 * _FAN_STEP_RAD * noise[slot]
        ux, uy = math.cos(goal_rad + turn_rad), math.sin(goal_rad + turn_rad)
        run_m = clear_run_m(position_m[slot, 0], position_m[slot, 1], ux, uy, horizon_m, segments_m)
        for other in range(state.shape[0]):
            if other != slot and state[other] != ABSENT:
                run_m = min(
                    run_m,
                    _run_until_contact_m(
                        slot, other, ux, uy, speed_mps[slot], position_m, velocity_mps, radius_m, reach_m
                    ),
                )
        if index == 0 and run_m >= horizon_m:
            return 0.0
        end_m2 = horizon_m**2 + run_m**2 - 2 * horizon_m * run_m * math.cos(turn_rad)
        if turn_rad > 0:
            end_m2 += _RIGHT_FIRST_M2
        if end_m2 < best_m2:
            best_rad, best_m2 = turn_rad, end_m2
    return best_rad


@compiled
def _run_until_contact_m(
    slot: int,
    other: int,
    ux: float,
    uy: float,
    speed_mps: float,
    position_m: NDArray[np.float64],
    velocity_mps: NDArray[np.float64],
    radius_m: NDArray[np.float64],
    reach_m: NDArray[np.float64],
) -> float:
    """Return how far `slot` gets along a unit vector before it meets `other`, who goes on as now."""
    rx, ry = position_m[other, 0] - position_m[slot, 0], position_m[other, 1] - position_m[slot, 1]
    vx, vy = speed_mps * ux - velocity_mps[other, 0], speed_mps * uy - velocity_mps[other, 1]
    closing = rx * vx + ry * vy
    if closing <= 0:
        return math.inf
    gap_m2 = rx * rx + ry * ry - (separation_m(radius_m[slot], radius_m[other]) + reach_m[other]) ** 2
    if gap_m2 <= 0:
        return 0.0
    square = vx * vx + vy * vy
    root = closing * closing - square * gap_m2
    if root <= 0:
        return math.inf
    run_m: float = speed_mps * (closing - math.sqrt(root)) / square
    return run_m


@compiled
def _open_ahead_m(
    slot: int,
    way_rad: float,
    horizon_m: float,
    state: NDArray[np.int8],
    position_m: NDArray[np.float64],
    radius_m: NDArray[np.float64],
    reach_m: NDArray[np.float64],
    goes_first: NDArray[np.bool_],
    segments_m: NDArray[np.float64],
) -> float:
    """Return how far the way is open as everybody stands now, `YIELD_M` less behind those who go first."""
    ux, uy = math.cos(way_rad), math.sin(way_rad)
    x_m, y_m = position_m[slot, 0], position_m[slot, 1]
    run_m = clear_run_m(x_m, y_m, ux, uy, horizon_m, segments_m)
    for other in range(state.shape[0]):
        if other == slot or state[other] == ABSENT:
            continue
        rx, ry = position_m[other, 0] - x_m, position_m[other, 1] - y_m
        along_m, across_m = rx * ux + ry * uy, rx * uy - ry * ux
        near_m = separation_m(radius_m[slot], radius_m[other]) + reach_m[other]
        if goes_first[other]:
            near_m += YIELD_M
        if along_m > 0 and abs(across_m) < near_m:
            run_m = min(run_m, max(along_m - math.sqrt(near_m**2 - across_m**2), 0.0))
    return run_m


@compiled
def _allowed_step_m(
    slot: int,
    goal_rad: float,
    turn_rad: float,
    stride_m: float,
    state: NDArray[np.int8],
    position_m: NDArray[np.float64],
    moved_m: NDArray[np.float64],
    radius_m: NDArray[np.float64],
    reach_m: NDArray[np.float64],
    segments_m: NDArray[np.float64],
) -> tuple[float, float]:
    """Return the step to take: along the chosen way, else a shuffle to a side of the goal, else none."""
    way_rad = goal_rad + turn_rad
    for attempt in range(9):
        length_m = stride_m
        if attempt < 4:
            length_m *= 1.0 - 0.25 * attempt
        elif attempt >= 5:
            way_rad = goal_rad + (-1.0 if attempt % 2 else 1.0) * (0.8 if attempt < 7 else 1.5)
            length_m = min(stride_m, _SHUFFLE_M)
        else:
            length_m = min(stride_m, 0.2 * _SHUFFLE_M)
        ux, uy = math.cos(way_rad), math.sin(way_rad)
        length_m = min(
            length_m,
            clear_run_m(position_m[slot, 0], position_m[slot, 1], ux, uy, 1.0, segments_m) - _WALL_GAP_M,
        )
        if length_m > 0 and _keeps_apart(
            slot, length_m * ux, length_m * uy, state, position_m, moved_m, radius_m, reach_m
        ):
            return length_m * ux, length_m * uy
    return 0.0, 0.0


@compiled
def _keeps_apart(
    slot: int,
    dx_m: float,
    dy_m: float,
    state: NDArray[np.int8],
    position_m: NDArray[np.float64],
    moved_m: NDArray[np.float64],
    radius_m: NDArray[np.float64],
    reach_m: NDArray[np.float64],
) -> bool:
    """Tell whether a step keeps the distance to everybody at every instant within it."""
    for other in range(state.shape[0]):
        if other == slot or state[other] == ABSENT:
            continue
        ex, ey = moved_m[other, 0], moved_m[other, 1]
        rx = position_m[other, 0] - ex - position_m[slot, 0]
        ry = position_m[other, 1] - ey - position_m[slot, 1]
        vx, vy = dx_m - ex, dy_m - ey
        square = vx * vx + vy * vy
        share = 0.0 if square == 0 else min(max((rx * vx + ry * vy) / square, 0.0), 1.0)
        nearest_m = math.hypot(rx - share * vx, ry - share * vy)
        if nearest_m < separation_m(radius_m[slot], radius_m[other]) + reach_m[other] - _TOUCH_M:
            return False
    return True
