"""Several nodes in one room: what each sees and counts of the same people."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from datasheet.bad_input import BadInputError
from scenarios.simulation import simulate
from sensors.field_of_view import edge_ratio, nominal_field_of_view
from sensors.sensing import array_of, sense_chunks
from twin.host_node import check_sensor, count_recording

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from scenarios.room import Scenario
    from scenarios.timeline import Timeline
    from sensors.mount import Mount
    from sensors.recording import Recording
    from sensors.thermal_array import ThermalArray
    from twin.node import Node

EMPTY_S = 900.0
"""Nodes have looked at the empty room for so long when the people's time begins, as after a night: front ends that
learn a background from power-on take warm furniture for people for minutes."""


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


def watch(scenario: Scenario, nodes: Sequence[Node], *, seconds: float, seed: int) -> Watched:
    """Let nodes watch a scenario, after `EMPTY_S` of the empty room; all at the frame rate of the first one's sensor.

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
    """Let the same units of nodes watch several days, each after `EMPTY_S` of the empty room; arguments as of `watch`.

    Each has the same noise on all days.
    """
    mounts = tuple(node.mount_in(scenario) for node in nodes)
    looks = [
        _looks(node, mount, timelines, _unit_seed(seed, k))
        for k, (node, mount) in enumerate(zip(nodes, mounts, strict=True))
    ]
    days = []
    for timeline, seen in zip(timelines, zip(*looks, strict=True), strict=True):
        recordings, counts = (tuple(look[part] for look in seen) for part in range(2))
        days.append(Watched(timeline, mounts, recordings, np.stack(counts), seen_by(timeline, nodes, mounts)))
    return days


def _unit_seed(seed: int, number: int) -> int:
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])


def _looks(
    node: Node, mount: Mount, timelines: Sequence[Timeline], seed: int
) -> list[tuple[Recording, NDArray[np.int64]]]:
    """Return what one unit of a node sees and counts of each timeline."""
    check_sensor(node.network, (node.sensor.rows, node.sensor.columns))
    if node.network.counts_passages:
        raise BadInputError(node.path, "network", node.config.network, "counts who passes a door, not who is in view")
    array = array_of(mount, node.sensor, profile=node.config.sensor.noise, seed=seed)
    return [_look(node, mount, timeline, seed, array) for timeline in timelines]


def _look(
    node: Node, mount: Mount, timeline: Timeline, seed: int, array: ThermalArray
) -> tuple[Recording, NDArray[np.int64]]:
    rate_hz, profile = node.sensor.fast_frame_rate_hz.value, node.config.sensor.noise
    pieces = [_empty_before(timeline, rate_hz), timeline]
    before, seen = sense_chunks(
        pieces, mount, node.sensor, profile=profile, seed=seed, timeline_rate_hz=rate_hz, array=array
    )
    whole = replace(
        seen,
        time_s=np.concatenate([before.time_s, seen.time_s]),
        frames=np.concatenate([before.frames, seen.frames]),
        count=np.concatenate([before.count, seen.count]),
        thermistor_degc=None,
    )
    return seen, count_recording(node.network, whole)[len(before.time_s) :]


def _empty_before(timeline: Timeline, rate_hz: float) -> Timeline:
    """Return the empty room before a timeline's first frame, as warm as it then is."""
    frames = round(EMPTY_S * rate_hz)
    first_s = float(timeline.time_s[0]) if len(timeline.time_s) else 0.0
    nobody = np.empty((frames, 0))
    drift_k = None if timeline.drift_k is None else np.full(frames, timeline.drift_k[:1].sum())
    return replace(
        timeline,
        time_s=first_s + np.arange(-frames, 0) / rate_hz,
        person_index=nobody.astype(np.int32),
        position_m=np.empty((frames, 0, 2)),
        heading_rad=nobody,
        speed_mps=nobody,
        posture=nobody.astype(np.int8),
        events=(),
        drift_k=drift_k,
    )


def seen_by(timeline: Timeline, nodes: Sequence[Node], mounts: Sequence[Mount]) -> NDArray[np.int64]:
    """Return (N, slots) int64, bit k for node k that has somebody in view; -1 in empty slots."""
    seen = np.where(timeline.person_index >= 0, 0, -1).astype(np.int64)
    for number, (node, mount) in enumerate(zip(nodes, mounts, strict=True)):
        ratio = edge_ratio(timeline, mount, nominal_field_of_view(node.sensor))
        seen[(timeline.person_index >= 0) & (ratio >= 0) & (ratio <= 1)] |= 1 << number
    return seen
