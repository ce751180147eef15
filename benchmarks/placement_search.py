"""How much better places are that a search finds than a regular grid of as many sensors, and how long it takes.

    python benchmarks/placement_search.py --trials 200

Three plans of the library; errors are of days that the search has not seen.
"""

from __future__ import annotations

import argparse
import time

from twin.placement.asking import PlaceOptions, place_request
from twin.placement.plan import load_plan
from twin.placement.search import search
from twin.sweeps.runner import open_runner

PLANS = ("office_floor", "meeting_room", "shop_entrance")


def main() -> None:
    """Print the time of each search, and errors and gains by number of sensors."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--trials", type=int, default=200)
    options.add_argument("--sensors", default="1-4")
    options.add_argument("--workers", type=int, default=2)
    options.add_argument("--plans", nargs="+", default=list(PLANS))
    options.add_argument("--seed", type=int, default=1)
    asked = options.parse_args()
    for name in asked.plans:
        begin = time.perf_counter()
        wanted = PlaceOptions(sensors=asked.sensors, trials=asked.trials, seed=asked.seed)
        space, request = place_request(load_plan(name), wanted)
        with open_runner(workers=asked.workers) as runner:
            found = search(space, request, runner)
        print(f"{name}: {asked.trials} trials in {time.perf_counter() - begin:.0f} s", flush=True)
        for number, best in found.best.items():
            grid = found.grids[number]
            print(
                f"  {number}: {best.error:.3f} +- {best.error_sd_of_mean:.3f} ({best.tried.origin}), "
                f"grid {grid.error:.3f}, better by {1 - best.error / grid.error:.0%}",
                flush=True,
            )
        print(f"  recommended: {len(found.recommended.tried.design)}; {' '.join(found.why.in_words())}", flush=True)


if __name__ == "__main__":
    main()
