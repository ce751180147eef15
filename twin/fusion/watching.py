"""Several nodes in one room: what each sees and counts of the same people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from datasheet.bad_input import BadInputError
from scenarios.simulation import simulate
from sensors.field_of_view import edge_ratio, nominal_field_of_view
from sensors.sensing import array_of, sense
from twin.host_node import check_sensor, count_recording

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from scenarios.room import Scenario
    from scenarios.timeline import Timeline
    from sensors.mount import Mount
    from sensors.recording import Recording
    from twin.node import Node

SETTLING_S = 20.0
"""After power-on, front ends learn their background; nodes that have hung for days are judged after so long."""


@dataclass(frozen=True)
class Watched:
    """The same people before several nodes, N frames, K nodes.

    Attributes:
        timeline: The people.
        mounts: Where each node's sensor hung.
        recordings: What each sensor reported; times and frame rate are the timeline's.
        counts: (K, N) int64, what each node answered.
        seen_by: (N, slots) int64, bit k says that node k has the person in view; -1 in empty slots.
    """

    timeline: Timeline
    mounts: tuple[Mount, ...]
    recordings: tuple[Recording, ...]
    counts: NDArray[np.int64]
    seen_by: NDArray[np.int64]

    @property
    def truth(self) -> NDArray[np.int64]:
        """(N,) int64, people in the room."""
        return self.timeline.in_room

    @property
    def in_view(self) -> NDArray[np.int64]:
        """(N,) int64, people whom any node has in view, each once."""
        return np.asarray((self.seen_by > 0).sum(axis=1), np.int64)

    @property
    def settled(self) -> NDArray[np.bool_]:
        """(N,) frames after `SETTLING_S`; all, where the recording is not twice as long."""
        time_s = self.timeline.time_s
        if not len(time_s) or time_s[-1] < 2 * SETTLING_S:
            return np.ones(len(time_s), np.bool_)
        return np.asarray(time_s >= SETTLING_S)


def watch(scenario: Scenario, nodes: Sequence[Node], *, seconds: float, seed: int) -> Watched:
    """Let nodes watch a scenario; all at the frame rate of the first one's sensor.

    Args:
        scenario: The room and its people.
        nodes: What hangs in it; each gets a unit and noise of its own.
        seconds: How long.
        seed: Everything random follows from it.

    Raises:
        BadInputError: A node hangs outside, or its network does not take its sensor's frames.
    """
    timeline = simulate(scenario, seconds=seconds, seed=seed, frame_rate_hz=nodes[0].sensor.fast_frame_rate_hz.value)
    return watch_timeline(scenario, timeline, nodes, seed=seed)


def watch_timeline(scenario: Scenario, timeline: Timeline, nodes: Sequence[Node], *, seed: int) -> Watched:
    """Let nodes watch people whose ways are known already; arguments as of `watch`."""
    return watch_timelines(scenario, [timeline], nodes, seed=seed)[0]


def watch_timelines(
    scenario: Scenario, timelines: Sequence[Timeline], nodes: Sequence[Node], *, seed: int
) -> list[Watched]:
    """Let the same units of nodes watch several days, from power-on each; arguments as of `watch`.

    Each has the same noise on all days.
    """
    mounts = tuple(node.mount_in(scenario) for node in nodes)
    looks = [
        _look(node, mount, timelines, _unit_seed(seed, k))
        for k, (node, mount) in enumerate(zip(nodes, mounts, strict=True))
    ]
    days = []
    for day, timeline in enumerate(timelines):
        recordings = tuple(look[day] for look in looks)
        counts = [count_recording(node.network, one) for node, one in zip(nodes, recordings, strict=True)]
        days.append(Watched(timeline, mounts, recordings, np.stack(counts), _seen_by(timeline, nodes, mounts)))
    return days


def _unit_seed(seed: int, number: int) -> int:
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])


def _look(node: Node, mount: Mount, timelines: Sequence[Timeline], seed: int) -> list[Recording]:
    check_sensor(node.network, (node.sensor.rows, node.sensor.columns))
    if node.network.counts_passages:
        raise BadInputError(node.path, "network", node.config.network, "counts who passes a door, not who is in view")
    profile = node.config.sensor.noise
    array = array_of(mount, node.sensor, profile=profile, seed=seed)
    return [sense(timeline, mount, node.sensor, profile=profile, seed=seed, array=array) for timeline in timelines]


def _seen_by(timeline: Timeline, nodes: Sequence[Node], mounts: Sequence[Mount]) -> NDArray[np.int64]:
    seen = np.where(timeline.person_index >= 0, 0, -1).astype(np.int64)
    for number, (node, mount) in enumerate(zip(nodes, mounts, strict=True)):
        ratio = edge_ratio(timeline, mount, nominal_field_of_view(node.sensor))
        seen[(timeline.person_index >= 0) & (ratio >= 0) & (ratio <= 1)] |= 1 << number
    return seen
