"""Kills workers, scheduler and driver of a sweep in turn; the resumed table must equal the uninterrupted one.

python benchmarks/sweep_kills.py --kills 20
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import psutil

from twin.sweeps.store import RUNS, read_runs

SWEEP = """
title = "To be killed"
scenario = "office_doorway"
node = "ceiling_counter"
seconds = 5.0
seeds = [{seeds}]

[grid]
"scenario.room.air_degc" = [20.0, 22.0, 24.0, 26.0]
"node.network" = ["people_c8_p_fc", "people_c16_p_c16_fc_w3"]
"""
LONGEST_S = 3600.0


class Cluster:
    """A scheduler and two workers with their nannies, as processes of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.start()

    def start(self) -> None:
        """Start scheduler and workers at a free port."""
        file = self.folder / "scheduler.json"
        file.unlink(missing_ok=True)
        self.scheduler = _python("distributed.cli.dask_scheduler", "--port", "0", "--scheduler-file", str(file))
        while not file.exists():
            time.sleep(0.1)
        time.sleep(0.5)
        self.address = file.read_text().partition('"address": "')[2].partition('"')[0]
        options = ("--nthreads", "1", "--nworkers", "2", "--local-directory", str(self.folder))
        self.nannies = _python("distributed.cli.dask_worker", self.address, *options)

    def kill_worker(self) -> None:
        """Kill one worker; its nanny starts another one."""
        workers = [p for p in psutil.Process(self.nannies.pid).children() if "spawn_main" in " ".join(p.cmdline())]
        if workers:
            workers[0].kill()

    def kill_scheduler(self) -> None:
        """Kill the scheduler, and start all anew."""
        self.stop()
        self.start()

    def stop(self) -> None:
        """Kill the scheduler first, then the rest."""
        children = psutil.Process(self.nannies.pid).children()
        for process in (self.scheduler, self.nannies):
            process.kill()
            process.wait()
        psutil.wait_procs(children, timeout=10)


def _python(module: str, *options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", module, "--host", "127.0.0.1", "--no-dashboard", *options]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603


def _driver(sweep: Path, out: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "twin", "sweep", str(sweep), "--out", str(out), "--json", *options]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)  # noqa: S603


def _done(out: Path) -> int:
    try:
        return int(read_runs(out).num_rows)
    except ValueError:
        return 0


def kill_in_turn(sweep: Path, out: Path, folder: Path, kills: int, seed: int) -> list[tuple[str, int]]:
    """Play a sweep, killing something at random moments; return what was killed with so many rows done."""
    generator = np.random.default_rng(seed)
    killed: list[tuple[str, int]] = []
    with ExitStack() as stack:
        cluster = Cluster(folder)
        stack.callback(cluster.stop)
        driver = _driver(sweep, out, "--scheduler", cluster.address)
        while len(killed) < kills:
            kind = ("worker", "scheduler", "driver")[len(killed) % 3]
            _wait(driver, out, float(generator.uniform(0.0, 2.0)))
            killed.append((kind, _done(out)))
            print(f"{len(killed):3d} {kind:10s} with {killed[-1][1]} rows done", flush=True)
            if kind == "worker":
                cluster.kill_worker()
            elif kind == "driver":
                driver.kill()
                driver.communicate()
                driver = _driver(sweep, out, "--scheduler", cluster.address)
            else:
                cluster.kill_scheduler()
                said = driver.communicate(timeout=LONGEST_S)[1]
                print(f"    driver: status {driver.returncode}: {said.strip()}")
                driver = _driver(sweep, out, "--scheduler", cluster.address)
        driver.communicate(timeout=LONGEST_S)
        print(f"driver ended with status {driver.returncode}")
    return killed


def _wait(driver: subprocess.Popen[str], out: Path, further_s: float) -> None:
    """Wait for a further row, then a while."""
    before, begin_s = _done(out), time.monotonic()
    while _done(out) == before:
        if driver.poll() is not None:
            sys.exit(f"the driver ended by itself with status {driver.returncode}: give it more runs")
        if time.monotonic() - begin_s > LONGEST_S:
            sys.exit("no row came")
        time.sleep(0.1)
    time.sleep(further_s)


def main() -> None:
    """Print what was killed and whether both tables are the same bytes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=20, help="of each of 8 combinations")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sweep = folder / "sweep.toml"
        sweep.write_text(SWEEP.format(seeds=", ".join(str(n) for n in range(1, options.seeds + 1))))
        killed = kill_in_turn(sweep, folder / "killed", folder, options.kills, options.seed)
        _driver(sweep, folder / "whole").communicate(timeout=LONGEST_S)
        tables = [(folder / which / RUNS).read_bytes() for which in ("killed", "whole")]
        rows = [_done(folder / which) for which in ("killed", "whole")]
    same = "the same bytes" if tables[0] == tables[1] else "DIFFERENT"
    print(f"{len(killed)} kills; {rows[0]} and {rows[1]} rows, {len(tables[0])} bytes of Parquet: {same}")
    sys.exit(tables[0] != tables[1])


if __name__ == "__main__":
    main()
