"""Moments of many days: short stretches of frames with everybody in the room, before nodes that know their background.

A day's frames resemble each other: who stands somewhere stands there for long. Few moments each from many days say more
of a placement than all moments of a few days, and take less time.
"""

from __future__ import annotations

from dataclasses import replace
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


def judge_moments(
    scenario: str,
    nodes: Sequence[Node],
    seeds: Sequence[int],
    seconds: float,
    objective: Objective,
    *,
    units_seed: int,
    parts: int = 1,
) -> list[Judged]:
    """Return how wrong nodes are at moments of many days, part by part of each half of the days.

    Where fields overlap, the gateway is learnt from one half of the days and judged on the other, both ways. It knows
    nothing of what was before a moment: it errs more than one that follows people, for all placements alike.

    Args:
        scenario: The plan, as JSON.
        nodes: What hangs in it.
        seeds: Of the days, two at least.
        seconds: Length of each day.
        objective: What is judged.
        units_seed: Which units of the sensors hang there.
        parts: Of each half.

    Raises:
        BadInputError: A node cannot be used, or hangs outside.
    """
    frames = max(answering(node.network)[0] for node in nodes)
    watched = [
        _watched(scenario, nodes, moments_of(scenario, tuple(half), seconds, frames), frames, units_seed)
        for half in (seeds[0::2], seeds[1::2])
    ]
    judged: list[Judged] = []
    for learnt, one in (watched, watched[::-1]):
        answered = learn_gateway([learnt], follows=False).fuse_at_once(one.counts)
        pieces = np.array_split(np.arange(len(answered)), parts)
        judged += [judge_answers(_part_of(one, piece), answered[piece], objective) for piece in pieces]
    return judged


def _part_of(watched: Watched, moments: NDArray[np.intp]) -> Watched:
    """Return some of the moments, one frame each."""
    now = watched.timeline
    timeline = replace(now, time_s=now.time_s[moments], person_index=now.person_index[moments])
    return replace(watched, timeline=timeline, counts=watched.counts[:, moments], seen_by=watched.seen_by[moments])


@lru_cache(maxsize=16)
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
    return replace(
        day,
        time_s=day.time_s[chosen],
        person_index=day.person_index[chosen],
        position_m=day.position_m[chosen],
        heading_rad=day.heading_rad[chosen],
        speed_mps=day.speed_mps[chosen],
        posture=_posture(day)[chosen],
    )


def _watched(scenario: str, nodes: Sequence[Node], moments: Timeline, frames: int, units_seed: int) -> Watched:
    """Return what nodes answer at each moment, as one recording of its last frames."""
    plan = Scenario.model_validate_json(scenario, strict=True)
    mounts = tuple(node.mount_in(plan) for node in nodes)
    counts = []
    for number, node in enumerate(nodes):
        seed = int(np.random.SeedSequence([units_seed, number]).generate_state(1)[0])
        rng = np.random.default_rng([units_seed, number, 1])
        counts.append(Glimpser(plan, node, unit_seed=seed).counts_at(moments, frames, rng))
    ends = slice(frames - 1, None, frames)
    now = replace(
        moments,
        time_s=moments.time_s[ends],
        person_index=moments.person_index[ends],
        position_m=moments.position_m[ends],
        heading_rad=moments.heading_rad[ends],
        speed_mps=moments.speed_mps[ends],
        posture=_posture(moments)[ends],
    )
    return Watched(now, mounts, (), np.stack(counts), seen_by(now, nodes, mounts))
