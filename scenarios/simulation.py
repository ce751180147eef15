"""People coming, walking, lingering and leaving: scenarios over time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from scenarios import agenda
from scenarios.sampling import Sampler
from scenarios.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenarios.room import Scenario
    from scenarios.timeline import Timeline


def simulate(scenario: Scenario, *, seconds: float, seed: int, frame_rate_hz: float = 10.0) -> Timeline:
    """Return what happens in `scenario`.

    Args:
        scenario: The room and the people who use it.
        seconds: Length of the timeline; it has round(seconds * frame_rate_hz) frames.
        seed: The same scenario, length and seed give the same timeline.
        frame_rate_hz: Frames per second.

    Returns:
        The timeline from time 0 on, after a warm-up that is cut off.
    """
    chunk_s = max(seconds, 1 / frame_rate_hz) + 1 / frame_rate_hz
    chunks = list(simulate_chunks(scenario, seconds=seconds, seed=seed, frame_rate_hz=frame_rate_hz, chunk_s=chunk_s))
    return chunks[0]


def simulate_chunks(
    scenario: Scenario, *, seconds: float, seed: int, frame_rate_hz: float = 10.0, chunk_s: float = 600.0
) -> Iterator[Timeline]:
    """Yield the timeline of `simulate` piece by piece, for runs that do not fit into memory.

    Args:
        scenario: The room and the people who use it.
        seconds: Length of the whole timeline.
        seed: The same scenario, length and seed give the same people, positions and events, whatever `chunk_s`.
        frame_rate_hz: Frames per second.
        chunk_s: Length of each piece; the last one may be shorter. At least one frame.

    Yields:
        Timelines with absolute times, one after the other; one without frames when `seconds` holds none.
    """
    frames, chunk_frames = round(seconds * frame_rate_hz), max(math.floor(chunk_s * frame_rate_hz), 1)
    world, sampler = World(scenario, seed), Sampler(scenario, frame_rate_hz)
    agenda.start(world)
    for first in range(0, max(frames, 1), chunk_frames):
        end = min(first + chunk_frames, frames)
        world.run_until(sampler.last_tick(end))
        yield sampler.sample(world.crowd.traces, first, end)
