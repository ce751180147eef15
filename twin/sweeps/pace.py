"""How long runs take: kept beside the rows, which say nothing of clocks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from twin.sweeps.store import write_bytes

if TYPE_CHECKING:
    from pathlib import Path

FILE: Final = "durations.json"


@dataclass
class Pace:
    """Time that runs took.

    Attributes:
        runs: How many.
        worker_s: Of all of them, each on one worker.
    """

    runs: int = 0
    worker_s: float = 0.0

    def add(self, duration_s: float) -> None:
        """Count a run."""
        self.runs += 1
        self.worker_s += duration_s

    @property
    def mean_s(self) -> float:
        """Of one run; there must be one that is known."""
        return self.worker_s / self.runs

    def left_s(self, runs: int, workers: int) -> float:
        """Return how long further runs will take on so many workers."""
        return self.mean_s * runs / min(workers, max(1, runs))

    def write(self, folder: Path) -> None:
        """Keep it in a sweep's folder.

        Raises:
            BadInputError: It cannot be written.
        """
        write_bytes(folder / FILE, (json.dumps({"runs": self.runs, "worker_s": self.worker_s}) + "\n").encode())


def read_pace(folder: Path) -> Pace:
    """Return what a folder says; of one that says nothing, the pace of no run."""
    try:
        said = json.loads((folder / FILE).read_bytes())
        return Pace(int(said["runs"]), float(said["worker_s"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError, OverflowError):
        return Pace()
