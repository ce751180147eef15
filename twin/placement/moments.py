"""Moments of many days: short stretches of frames with everybody in the room, before nodes that know their background.

A day's frames resemble each other: who stands somewhere stands there for long. Few moments each from many days say more
of a placement than all moments of a few days, and take less time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from scenarios.room import Scenario
from scenarios.simulation import simulate
from twin.fusion.gateway import learn_gateway
from twin.fusion.watching import Watched, seen_by
from twin.placement.glimpses import Glimpser, answering
from twin.placement.objectives import judge_answers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from scenarios.timeline import Timeline
    from twin.node import Node
    from twin.placement.objectives import Judged, Objective

EVERY_S = 8.0
"""Between moments of a day; people stay at a place for half a minute, and walk through a view in two seconds."""

DIAGONALS = ((1, 1), (-1, -1), (1, -1), (-1, 1))
"""Signs of the axis errors of units, each one standard deviation off either way: together as far off as all units are,
and to no side. An axis a few degrees off sees the floor a hand's breadth beside, which may decide over a seat."""


@dataclass(frozen=True)
class Units:
    """Which units of the sensors hang there.

    Attributes:
        seed: Their patterns and noise, and their axes unless these are chosen.
        number: How many; days are shared out among them.
        has_chosen_axes: Whether their axes are off along the first of `DIAGONALS`; else as units happen to be.
    """

    seed: int
    number: int
    has_chosen_axes: bool

    def glimpser(self, scenario: Scenario, node: Node, place: int, unit: int) -> Glimpser:
        """Return a unit of a node, which hangs as the `place`-th."""
        seed = int(np.random.SeedSequence([self.seed, place, unit]).generate_state(1)[0])
        if not self.has_chosen_axes:
            return Glimpser(scenario, node, seed)
        sd_deg = node.sensor.axis_gap_deg.value / 2
        right, up = DIAGONALS[(unit + place) % self.number]
        return Glimpser(scenario, node, seed, (right * sd_deg, up * sd_deg))


def judge_moments(
    scenario: str, nodes: Sequence[Node], seeds: Sequence[int], seconds: float, objective: Objective, units: Units
) -> list[Judged]:
    """Return how wrong nodes are at moments of many days, for each unit twice, on one half of its days each.

    Where fields overlap, the gateway is learnt from one half of all days and judged on the other, both ways. It knows
    nothing of what was before a moment: it errs more than one that follows people, for all placements alike.

    Args:
        scenario: The plan, as JSON.
        nodes: What hangs in it.
        seeds: Of the days, two at least for each unit.
        seconds: Length of each day.
        objective: What is judged.
        units: Which units of the sensors hang there.

    Raises:
        BadInputError: A node cannot be used, or hangs outside.
    """
    plan = Scenario.model_validate_json(scenario, strict=True)
    frames = max(answering(node.network)[0] for node in nodes)
    halves: tuple[list[Watched], list[Watched]] = ([], [])
    for unit in range(units.number):
        looks = [units.glimpser(plan, node, place, unit) for place, node in enumerate(nodes)]
        own = seeds[unit :: units.number]
        for half, days in zip(halves, (own[0::2], own[1::2]), strict=True):
            rng = np.random.default_rng([units.seed, unit, len(halves[0]), len(halves[1])])
            half.append(_watched(plan, nodes, looks, moments_of(scenario, tuple(days), seconds, frames), frames, rng))
    judged: list[Judged] = []
    for learnt, parts in (halves, halves[::-1]):
        gateway = learn_gateway(learnt, follows=False)
        judged += [judge_answers(part, gateway.fuse_at_once(part.counts), objective) for part in parts]
    return judged


@lru_cache(maxsize=64)
def moments_of(scenario: str, seeds: tuple[int, ...], seconds: float, frames: int) -> Timeline:
    """Return stretches of so many frames each, all behind each other, from days that begin with other people."""
    plan = Scenario.model_validate_json(scenario, strict=True)
    days = [_stretches(simulate(plan, seconds=seconds, seed=seed), frames) for seed in seeds]
    persons = np.cumsum([0, *(len(day.persons) for day in days)])
    index = [
        np.where(day.person_index >= 0, day.person_index + first, -1) for day, first in zip(days, persons, strict=False)
    ]
    return replace(
        days[0],
        time_s=np.concatenate([day.time_s for day in days]),
        person_index=np.concatenate(index).astype(np.int32),
        position_m=np.concatenate([day.position_m for day in days]),
        heading_rad=np.concatenate([day.heading_rad for day in days]),
        speed_mps=np.concatenate([day.speed_mps for day in days]),
        posture=np.concatenate([_posture(day) for day in days]),
        persons=tuple(person for day in days for person in day.persons),
        entered_s=np.concatenate([_entered_s(day) for day in days]),
        events=(),
        drift_k=None,
    )


def _posture(day: Timeline) -> NDArray[np.int8]:
    if day.posture is None:
        raise ValueError("a simulated day states postures")
    return day.posture


def _entered_s(day: Timeline) -> NDArray[np.float64]:
    return np.full(len(day.persons), -1e6) if day.entered_s is None else day.entered_s


def _stretches(day: Timeline, frames: int) -> Timeline:
    """Return the stretches that end every `EVERY_S`, the last one with the day."""
    step = round(EVERY_S / (day.time_s[1] - day.time_s[0]))
    ends = np.arange(len(day.time_s) - 1, frames - 2, -step)[::-1]
    chosen = (ends[:, np.newaxis] + np.arange(1 - frames, 1)).reshape(-1)
    return _frames_of(day, chosen)


def _frames_of(day: Timeline, chosen: NDArray[np.intp] | slice) -> Timeline:
    return replace(
        day,
        time_s=day.time_s[chosen],
        person_index=day.person_index[chosen],
        position_m=day.position_m[chosen],
        heading_rad=day.heading_rad[chosen],
        speed_mps=day.speed_mps[chosen],
        posture=_posture(day)[chosen],
    )


def _watched(
    plan: Scenario,
    nodes: Sequence[Node],
    looks: Sequence[Glimpser],
    moments: Timeline,
    frames: int,
    rng: np.random.Generator,
) -> Watched:
    """Return what nodes answer at each moment, as one recording of its last frames."""
    mounts = tuple(node.mount_in(plan) for node in nodes)
    counts = [look.counts_at(moments, frames, rng) for look in looks]
    now = _frames_of(moments, slice(frames - 1, None, frames))
    return Watched(now, mounts, (), np.stack(counts), seen_by(now, nodes, mounts))
