"""How fast people are simulated, and in how much memory.

Run: python benchmarks/scenario_speed.py
"""

from __future__ import annotations

import resource
import time
import tracemalloc

from scenarios.room import load_scenario
from scenarios.simulation import simulate, simulate_chunks

DAY_S = 86_400.0


def main() -> None:
    """Print what was measured."""
    day = load_scenario("open_plan_day")
    simulate(day.model_copy(update={"start_hour": 9.0}), seconds=10, seed=1)  # compiles
    began_s = time.perf_counter()
    frames = sum(len(chunk.time_s) for chunk in simulate_chunks(day, seconds=DAY_S, seed=1))
    taken_s = time.perf_counter() - began_s
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"open_plan_day: {frames} frames in {taken_s:.1f} s, largest memory of the process {peak_mb:.0f} MB")
    tracemalloc.start()
    for _ in simulate_chunks(day.model_copy(update={"start_hour": 9.0}), seconds=3600, seed=1):
        pass
    print(f"one hour of it in chunks: {tracemalloc.get_traced_memory()[1] / 2**20:.0f} MB allocated at most")
    tracemalloc.stop()
    for name in ("office_doorway", "corridor_two_way", "shop_entrance", "lift_lobby", "meeting_room"):
        began_s = time.perf_counter()
        people = len(simulate(load_scenario(name), seconds=3600, seed=1).persons)
        print(f"{name}: one hour, {people} people, in {time.perf_counter() - began_s:.2f} s")


if __name__ == "__main__":
    main()
