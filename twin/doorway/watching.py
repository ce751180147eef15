"""Arrays at doors of a scenario, watched on the host: what they tell, and how often they are right."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Final

from scenarios.simulation import simulate
from sensors.sensing import sense
from twin.doorway.accuracy import EventAccuracy, judged
from twin.doorway.events import told_events, true_events
from twin.doorway.hanging import watch
from twin.doorway.several import fused
from twin.host_node import host_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcu_models.networks.library import NetworkEntry
    from scenarios.room import Scenario
    from scenarios.timeline import Timeline
    from sensors.recording import Recording
    from twin.doorway.events import DoorEvent
    from twin.doorway.hanging import Watch
    from twin.node import Node

UNITS_APART: Final = 1_000_000
"""From the seed of one array of a door to that of the next: each is a unit of its own."""


def event_accuracy(scenario: Scenario, nodes: Sequence[Node], *, seconds: float, seed: int) -> EventAccuracy:
    """Return how well nodes tell who passes the doors at which they hang; those at one door tell it together.

    Args:
        scenario: The room and its people.
        nodes: Nodes whose rules count passages, one at least.
        seconds: How long the scenario runs.
        seed: Everything random follows from it; each node is a unit of its own.

    Raises:
        BadInputError: A node counts no passages, or does not fit the scenario.
    """
    timeline = simulate(scenario, seconds=seconds, seed=seed, frame_rate_hz=nodes[0].sensor.fast_frame_rate_hz.value)
    seen = [
        (watch(node, scenario), _sensed(timeline, node, scenario, seed + UNITS_APART * index), node.network)
        for index, node in enumerate(nodes)
    ]
    return watched_accuracy(timeline, seen)


def watched_accuracy(timeline: Timeline, seen: Sequence[tuple[Watch, Recording, NetworkEntry]]) -> EventAccuracy:
    """Return how well arrays tell who passes, from recordings of the timeline that are there already.

    Args:
        timeline: What happened.
        seen: What each array watches (`hanging.watch_at`), what it saw, and its rules; one at least.
    """
    together: EventAccuracy | None = None
    for _, group in groupby(sorted(seen, key=lambda one: one[0].door), key=lambda one: one[0].door):
        arrays = list(group)
        told = fused(doorway_events(rules, recording, where) for where, recording, rules in arrays)
        seconds = float(timeline.time_s[-1] - timeline.time_s[0])
        found = judged(true_events(timeline, arrays[0][0]), told, seconds=seconds)
        together = found if together is None else together + found
    if together is None:
        raise ValueError("no arrays")
    return together


def doorway_events(rules: NetworkEntry, recording: Recording, where: Watch) -> list[DoorEvent]:
    """Return what an array tells of a recording that begins at its power-on.

    Raises:
        BadInputError: The rules cannot be used.
    """
    told = host_count(replace(rules, door_line=where.line), recording.frames)
    return told_events(told, recording.time_s, where)


def _sensed(timeline: Timeline, node: Node, scenario: Scenario, seed: int) -> Recording:
    return sense(timeline, node.mount_in(scenario), node.sensor, profile=node.config.sensor.noise, seed=seed)
