"""How many times faster than real time the twin runs, on one core: `make benchmark`.

Reference: the wall clock of the scenario itself (600 s of 10 frames/s). Each figure is printed for every repetition;
simulation of people and sensor is part of both levels, and so is reading and writing nothing.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scenarios.room import load_scenario
from twin.node import load_node
from twin.prediction import predict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from twin.prediction import Level


@dataclass(frozen=True)
class Timing:
    """One repetition."""

    level: str
    host_s: float
    factor: float


def measure(level: Level, *, seconds: float, repetitions: int) -> Iterator[Timing]:
    """Yield the timing of each repetition, after a warm-up that loads and compiles everything."""
    scenario, node = load_scenario("office_doorway"), load_node("ceiling_counter")
    predict(scenario, node, seconds=10.0, seed=0, level=level)
    for repetition in range(repetitions):
        begin = time.perf_counter()
        predict(scenario, node, seconds=seconds, seed=1 + repetition, level=level)
        host_s = time.perf_counter() - begin
        yield Timing(level, host_s, seconds / host_s)


def main() -> None:
    """Print the real-time factors of both levels."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--repetitions", type=int, default=3)
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    for level in ("emulated", "host"):
        for timing in measure(level, seconds=options.seconds, repetitions=options.repetitions):
            print(
                f"{timing.level:9s} {timing.host_s:7.2f} s for {options.seconds:g} s: {timing.factor:6.0f} x real time"
            )


if __name__ == "__main__":
    main()
