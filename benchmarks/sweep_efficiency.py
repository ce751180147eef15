"""How much faster a sweep is with two workers than with one, and how long a start takes.

    python benchmarks/sweep_efficiency.py --runs 40 --rounds 3

A round plays the same sweep with one worker and with two. A worker's first runs, which load and compile, do not
count. So that the machine itself can be told from the sweep, each round also lets one and then two processes play
runs one behind the other without any scheduler.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from twin.sweeps.driver import plan_of, run_sweep
from twin.sweeps.runner import open_runner
from twin.sweeps.sweep_file import load_sweep

SWEEP = """
title = "To be timed"
scenario = "office_doorway"
node = "ceiling_counter"
seconds = 120.0
seeds = [{seeds}]
"""
WARM_RUNS = 3
"""Of each worker, at its beginning."""

ALONE = """
import sys, time
from twin.sweeps.driver import plan_of
from twin.sweeps.play import play
from twin.sweeps.sweep_file import load_sweep
plan = plan_of(load_sweep(sys.argv[1]))
ids, warm = list(plan.runs), int(sys.argv[2])
for number, run_id in enumerate(ids):
    if number == warm:
        print("ready", flush=True)
        sys.stdin.readline()
        begin_s = time.perf_counter()
    play(plan.job(run_id))
print((len(ids) - warm) / (time.perf_counter() - begin_s))
"""


def sweep_rate_hz(sweep: Path, workers: int) -> float:
    """Return the runs a second of a whole sweep, with Parquet and all, once its workers are warm."""
    times_s: list[float] = []
    plan = plan_of(load_sweep(str(sweep)))
    with tempfile.TemporaryDirectory() as folder:
        run_sweep(plan, Path(folder), workers=workers, progress=lambda _done, _all: times_s.append(time.perf_counter()))
    warm = times_s[1:][WARM_RUNS * workers - 1 :]
    return (len(warm) - 1) / (warm[-1] - warm[0])


def alone_rate_hz(sweep: Path, processes: int) -> float:
    """Return the runs a second of processes that know nothing of each other, all together."""
    command = [sys.executable, "-c", ALONE, str(sweep), str(WARM_RUNS)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    started = [subprocess.Popen(command, text=True, **pipes) for _ in range(processes)]  # type: ignore[call-overload]  # noqa: S603
    for process in started:
        process.stdout.readline()
    for process in started:
        process.stdin.write("\n")
        process.stdin.flush()
    return sum(float(process.communicate()[0]) for process in started)


def start_s(workers: int) -> float:
    """Return how long workers take to be there."""
    begin_s = time.perf_counter()
    with open_runner(workers=workers):
        return time.perf_counter() - begin_s


def main() -> None:
    """Print rates and efficiencies, round by round."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sweep = Path(folder) / "sweep.toml"
        sweep.write_text(SWEEP.format(seeds=", ".join(str(n) for n in range(1, options.runs + 1))))
        for _ in range(options.rounds):
            print(f"load before: {psutil.getloadavg()[0]:.2f}; start of 2 workers {start_s(2):.2f} s")
            for name, rate_hz in (("sweep", sweep_rate_hz), ("without scheduler", alone_rate_hz)):
                one, two = rate_hz(sweep, 1), rate_hz(sweep, 2)
                share = two / (2 * one)
                print(f"{name:18s} {one:.3f} runs/s with 1, {two:.3f} with 2: {share:.3f} of linear", flush=True)


if __name__ == "__main__":
    main()
