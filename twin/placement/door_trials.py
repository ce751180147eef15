"""Designs whose nodes count who comes and goes, judged by the events of every door of the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datasheet.bad_input import BadInputError
from scenarios.room import Scenario
from sensors.sensing import array_of, sense
from twin.doorway.accuracy import EDGE_S
from twin.doorway.hanging import watch
from twin.doorway.watching import watched_accuracy
from twin.placement.design import nodes_of
from twin.placement.objectives import Judged
from twin.placement.trials import day_seed, day_timeline

if TYPE_CHECKING:
    from mcu_models.networks.library import NetworkEntry
    from scenarios.timeline import Timeline
    from sensors.recording import Recording
    from twin.doorway.hanging import Watch
    from twin.node import Node
    from twin.placement.trials import Trial

    Seen = tuple[Watch, Recording, NetworkEntry]


def judge_events(trial: Trial) -> list[Judged]:
    """Return how a design did on each of the trial's days; nodes from which no door's line is in view tell nothing."""
    days, scenario = trial.days, Scenario.model_validate_json(trial.scenario, strict=True)
    seeds = [day_seed(days.seed, days.purpose, day) for day in range(days.number)]
    timelines = [day_timeline(trial.scenario, days.seconds, seed) for seed in seeds]
    looks = [
        look
        for number, node in enumerate(nodes_of(trial.design))
        if (look := _look(scenario, node, timelines, day_seed(days.seed + number, days.purpose, -1))) is not None
    ]
    return [_judged(timeline, [look[day] for look in looks]) for day, timeline in enumerate(timelines)]


def _look(scenario: Scenario, node: Node, timelines: list[Timeline], seed: int) -> list[Seen] | None:
    try:
        where = watch(node, scenario)
    except BadInputError:
        return None
    profile = node.config.sensor.noise
    array = array_of(where.mount, node.sensor, profile=profile, seed=seed)
    seen = [sense(one, where.mount, node.sensor, profile=profile, seed=seed, array=array) for one in timelines]
    return [(where, recording, node.network) for recording in seen]


def _judged(timeline: Timeline, seen: list[Seen]) -> Judged:
    """Return 1 - F1 over all doors; who passes a door that nobody watches is missed."""
    end_s = float(timeline.time_s[-1]) - EDGE_S
    passed = sum(EDGE_S <= event.time_s <= end_s for event in timeline.events)
    if not seen:
        return Judged(1.0 if passed else 0.0, 1.0, 0.0, 0.0, 0.0)
    found = watched_accuracy(timeline, seen)
    watched = {where.door for where, _, _ in seen}
    elsewhere = sum(EDGE_S <= event.time_s <= end_s and event.door not in watched for event in timeline.events)
    passed, told = found.right.of + elsewhere, found.false.of
    error = 1.0 - 2 * found.right.count / (passed + told) if passed + told else 0.0
    missed = 1.0 - found.right.count / passed if passed else 0.0
    return Judged(error, missed, 0.0, found.false.value or 0.0, float(found.drift))
