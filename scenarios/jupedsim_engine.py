"""JuPedSim as the crowd engine: where those who walk step next.

The model is JuPedSim's collision-free speed model, version 3, after Tordeux, Chraibi and Seyfried 2016, Traffic and
Granular Flow '15, 225-232, arXiv:1512.05597. The speed leaves a time gap to whoever is ahead. Instead of being pushed
by repulsions, as in versions 1 and 2, people turn away from whoever matters most ahead of them.

JuPedSim computes all steps at once from where everybody was, and looks only ahead. So bodies may overlap, crowds of
them lock before narrow doors, and people end up in walls. Therefore its steps are proposals: who may not make the
one proposed is moved by the built-in steering instead, in `scenarios.steering.make_steps`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import jupedsim
import numpy as np

from scenarios.steering import ABSENT, SEPARATION_M, STEP_S, WALKS, clear_run_m, make_steps

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenarios.bodies import Bodies
    from scenarios.geometry import Floor, Point

TIME_GAP_S = 0.3
"""Time kept to whoever is ahead, as in `scenarios.steering`. JuPedSim's default is 1 s, that of the model's authors;
see docs/scenarios.md for the flow through doors."""

TURNS_AWAY_M = 0.05
"""Scale of how far ahead people turn away from others, JuPedSim's `range_neighbor_repulsion`: half of its default,
with which people turn away from those who queue before a door of 1.0 m rather than queue behind them."""

_STEPS_A_TICK = 10
# Of 0.01 s, as JuPedSim recommends.

_GROWN_M = SEPARATION_M / 2
_LEADS_M = 1.0
_INTO_THE_MARGIN_M = 0.2

_SMALL_M = 1e-3
# Agents are added as small discs and then grown: JuPedSim refuses new ones that touch others.

_IN_PLACE_M = 1e-3
# An agent so near to where somebody is need not be replaced.


class JuPedSimEngine:
    """JuPedSim's collision-free speed model, version 3, on one floor.

    JuPedSim takes the outlines of walls, and keeps discs clear of them by their radius; `Floor.area` is where the axes
    of bodies may be. So it is given that area, grown by the least radius of a body.
    """

    def __init__(self, floor: Floor) -> None:
        self._borders_m = floor.borders_m
        self._area = floor.area.buffer(_GROWN_M, join_style="mitre")
        self._begin()

    def _begin(self) -> None:
        """Begin with nobody."""
        self._agents: dict[int, int] = {}
        self._simulation = jupedsim.Simulation(
            model=jupedsim.CollisionFreeSpeedModelV3(), geometry=self._area, dt=STEP_S / _STEPS_A_TICK
        )
        self._stage_id = self._simulation.add_direct_steering_stage()
        self._journey_id = self._simulation.add_journey(jupedsim.JourneyDescription([self._stage_id]))

    def step(self, order: NDArray[np.int64], bodies: Bodies, noise: NDArray[np.float64]) -> None:
        """Move everybody in `order` by one step; see `scenarios.engines.Engine`."""
        self._retire(bodies)
        for slot in np.flatnonzero(bodies.state != ABSENT).tolist():
            if slot not in self._agents:
                self._add(slot, bodies)
            self._steer(slot, bodies)
        proposed_m = self._proposed_m(order, bodies)
        make_steps(
            order, bodies.state, bodies.position_m, bodies.velocity_mps, bodies.radius_m, bodies.reach_m,
            bodies.goal_m, bodies.speed_mps, bodies.stops, noise, proposed_m, self._borders_m,
        )  # fmt: skip

    def _retire(self, bodies: Bodies) -> None:
        """Remove the agents of those who are no longer where JuPedSim has them.

        JuPedSim removes agents at the beginning of an iteration, and refuses to add others near to them until then. In
        this one all stand still.
        """
        moved = [slot for slot, number in self._agents.items() if not self._is_in_place(slot, number, bodies)]
        for slot in moved:
            self._simulation.mark_agent_for_removal(self._agents.pop(slot))
        if moved:
            for number in self._agents.values():
                self._simulation.agent(number).model.desired_speed = 0.0
            self._simulation.iterate()

    def _is_in_place(self, slot: int, number: int, bodies: Bodies) -> bool:
        is_there = math.dist(self._simulation.agent(number).position, bodies.position_m[slot]) <= _IN_PLACE_M
        return is_there and bool(bodies.state[slot] != ABSENT)

    def _add(self, slot: int, bodies: Bodies) -> None:
        self._agents[slot] = self._simulation.add_agent(
            jupedsim.CollisionFreeSpeedModelV3AgentParameters(
                position=_point(bodies.position_m[slot]),
                time_gap=TIME_GAP_S,
                range_neighbor_repulsion=TURNS_AWAY_M,
                radius=_SMALL_M,
                journey_id=self._journey_id,
                stage_id=self._stage_id,
            )
        )

    def _steer(self, slot: int, bodies: Bodies) -> None:
        """Tell JuPedSim's agent where to go and how fast, and how broad somebody is."""
        agent = self._simulation.agent(self._agents[slot])
        agent.target, agent.model.desired_speed = self._target(slot, bodies)
        agent.model.radius = float(bodies.radius_m[slot] + bodies.reach_m[slot])

    def _target(self, slot: int, bodies: Bodies) -> tuple[Point, float]:
        """Return a point on the floor in the direction of the goal, and how fast to go there.

        The point is never so near that it is reached within the tick: JuPedSim's agents would turn round there.
        """
        (x_m, y_m), (goal_x_m, goal_y_m) = _point(bodies.position_m[slot]), _point(bodies.goal_m[slot])
        distance_m, speed_mps = math.dist((x_m, y_m), (goal_x_m, goal_y_m)), float(bodies.speed_mps[slot])
        if bodies.state[slot] != WALKS or distance_m < 1e-6 or speed_mps <= 0:
            return (x_m, y_m), 0.0
        ux, uy = (goal_x_m - x_m) / distance_m, (goal_y_m - y_m) / distance_m
        leads_m = clear_run_m(x_m, y_m, ux, uy, max(distance_m, _LEADS_M), self._borders_m) + _INTO_THE_MARGIN_M
        if bodies.stops[slot]:
            speed_mps = min(speed_mps, distance_m / STEP_S)
        return (x_m + leads_m * ux, y_m + leads_m * uy), speed_mps

    def _proposed_m(self, order: NDArray[np.int64], bodies: Bodies) -> NDArray[np.float64]:
        """Return (S, 2) where JuPedSim would have everybody in `order` after a tick.

        JuPedSim stops when somebody has left its walkable area. Then the tick ends there, and with everybody
        put back onto the floor it begins anew.
        """
        has_begun_anew = False
        for _ in range(_STEPS_A_TICK):
            try:
                self._simulation.iterate()
            except RuntimeError:
                has_begun_anew = True
                break
        proposed_m = bodies.position_m.copy()
        for slot in order:
            proposed_m[slot] = self._simulation.agent(self._agents[int(slot)]).position
        if has_begun_anew:
            self._begin()
        return proposed_m


def _point(row_m: NDArray[np.float64]) -> Point:
    return float(row_m[0]), float(row_m[1])
