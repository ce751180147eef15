"""Third-party firmware of MLPerf Tiny, unmodified, on emulated boards: predicted beside measured latency.

Run: python benchmarks/mlperf_tiny_images.py CHECKOUT... [--only TEXT] [--exact-memory]

CHECKOUT is the user's own copy of a repository of results, such as mlcommons/tiny_results_v1.2. For each system that we
have a board of, each task's raw image is driven over its UART as the benchmark's runner drives it (`name%`, the input,
`infer N 0%`), and the time of one inference is held against the throughput in the system's results.txt. "fitted" marks
images that rules of the cycle models were settled with; all others were never looked at for that.
"""

from __future__ import annotations

import argparse
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from datasheet.bad_input import BadInputError
from mcu_models.boards.board import find_board
from mcu_models.emulators.image import read_image_for
from mcu_models.emulators.unicorn_backend import UnicornEmulator

if TYPE_CHECKING:
    from collections.abc import Iterator

BOARDS = {"L4R5ZI": "stm32l4r5zi_dual_bank", "H7A3ZI": "stm32h7a3zi", "F746": "stm32f746zg"}
SINGLE_BANK = (
    "tiny_results_v1.2/STMicroelectronics/NUCLEO_L4R5ZI",
    "tiny_results_v1.3/STMicroelectronics/NUCLEO_L4R5ZI",
)
"""The submissions that say their flash is in one bank; all others are taken as the part is delivered."""
ENDINGS = (".bin", ".hex")
TASKS = {
    "ad": ("ad", "anomaly_detection"),
    "kws": ("kws", "keyword_spotting"),
    "vww": ("vww", "visual_wake_words"),
    "ic": ("ic", "image_classification"),
}
INPUT_BYTES = {"ad": (640, 2560), "kws": (490,), "vww": (27648,), "ic": (3072,)}
"""What each task's input may weigh: anomaly detection takes int8 or float32."""
FITTED = ("tiny_results_v1.2/STMicroelectronics", "tiny_results_v1.1/bosch/NUCLEO_L4R5ZI/ad")
"""Images that had a say in a rule; see `mcu_models.emulators.bare_core`."""
BOOT_S, ANSWER_S, INFER_S = 5.0, 2.0, 30.0
CHUNK_BYTES = 32
LEAST_S = 0.02
"""Inferences are repeated until they take at least so long: what frames them is then small."""
HOST_LATENCY_S = 2e-3
"""What a host needs at least to answer through USB; firmware that polls its receiver counts on it."""
SEED = 1


@dataclass(frozen=True)
class Submission:
    """One image and what was measured with it."""

    name: str
    task: str
    board: str
    image: Path
    measured_s: float

    @property
    def is_fitted(self) -> bool:
        """Whether a rule was settled with it."""
        return self.name.startswith(FITTED)


def submissions(checkout: Path) -> Iterator[Submission]:
    """Yield what a checkout holds for boards that we have, best known first."""
    if not (checkout / "closed").is_dir():
        raise BadInputError(checkout, "", None, "expected a checkout of MLPerf Tiny results, with a folder closed")
    for system in sorted((checkout / "closed").glob("*/code/*")):
        board = next((name for part, name in BOARDS.items() if part in system.name), None)
        for task, folders in TASKS.items() if board is not None else ():
            image = _image(system, folders)
            measured_s = _measured_s(system.parents[1] / "results" / system.name / task / "performance")
            if board is not None and image is not None and measured_s is not None:
                name = f"{checkout.name}/{system.parents[1].name}/{system.name}/{task}"
                board = "stm32l4r5zi" if name.startswith(SINGLE_BANK) else board
                yield Submission(name, task, board, image, measured_s)


def _image(system: Path, folders: tuple[str, ...]) -> Path | None:
    found = [path for folder in folders for path in sorted((system / folder).rglob("*")) if path.suffix in ENDINGS]
    fast = [path for path in found if "energy" not in path.name.lower()]
    return fast[0] if fast else None


def _measured_s(folder: Path) -> float | None:
    file = folder / "results.txt"
    text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    found = re.search(r"Median throughput is\s+([0-9.]+) inf", text)
    return 1.0 / float(found[1]) if found else None


class Runner:
    """The benchmark's runner at the other end of an image's UART."""

    def __init__(self, submission: Submission, *, exact_memory: bool) -> None:
        board = find_board(submission.board)
        image = read_image_for(board, submission.image)
        self.machine = UnicornEmulator(board, image, exact_memory=exact_memory)
        self._task = submission.task
        self._await("m-ready", BOOT_S)

    def _await(self, text: str, limit_s: float) -> None:
        outcome = self.machine.run(until_s=self.machine.now_s + limit_s, until_text=text)
        if outcome.end != "until":
            seen = self.machine.uart_text()[-80:]
            raise BadInputError(
                self.machine.image.name, "uart", seen, f"expected {text}; {outcome.end} {outcome.detail}"
            )

    def _ask(self, command: str, limit_s: float = ANSWER_S) -> None:
        self.machine.run(until_s=self.machine.now_s + HOST_LATENCY_S)
        self.machine.send_uart(f"{command}%")
        self._await("m-ready", limit_s)

    def load(self) -> None:
        """Send an input of random bytes, of the size that the image takes."""
        data = np.random.default_rng(SEED).integers(0, 256, max(INPUT_BYTES[self._task]), dtype=np.uint8)
        self._ask("name")
        for size in INPUT_BYTES[self._task]:
            self._ask(f"db load {size}")
            for begin in range(0, size, CHUNK_BYTES):
                self._ask("db " + data[begin : min(begin + CHUNK_BYTES, size)].tobytes().hex())

    def inference_s(self) -> float:
        """Return the time of one inference: that of twice as many less that of some, so that the frame falls out."""
        once_s = self._infer_s(1)
        count = max(1, round(LEAST_S / once_s))
        return (self._infer_s(2 * count) - self._infer_s(count)) / count

    def _infer_s(self, count: int) -> float:
        seen = len(self.machine.uart_lines())
        self._ask(f"infer {count} 0", INFER_S)
        laps = [line.time_s for line in self.machine.uart_lines()[seen:] if "m-lap-us" in line.text]
        if len(laps) < 2:
            raise BadInputError(self.machine.image.name, "uart", self.machine.uart_text()[-80:], "expected two laps")
        return laps[-1] - laps[-2]


def measure(submission: Submission, *, exact_memory: bool) -> float | None:
    """Print a line; return the relative error, None when the image did not do its work."""
    begin = time.perf_counter()
    try:
        runner = Runner(submission, exact_memory=exact_memory)
        runner.load()
        predicted_s = runner.inference_s()
    except BadInputError as error:
        print(f"{submission.name:60s} {submission.board}  {error}", flush=True)
        return None
    error_ratio = predicted_s / submission.measured_s - 1
    machine = runner.machine
    print(
        f"{submission.name:60s} {submission.board}  {machine.cycles / 1e6:7.0f} Mcycles"
        f"  measured {submission.measured_s * 1e3:8.3f} ms  predicted {predicted_s * 1e3:8.3f} ms  {error_ratio:+6.1%}"
        f"  {'fitted' if submission.is_fitted else 'unseen'}  {len(machine.problems)} problems"
        f"  host {time.perf_counter() - begin:.0f} s",
        flush=True,
    )
    return error_ratio


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("checkouts", nargs="+", type=Path)
    parser.add_argument("--only", default="", help="part of the names to run")
    parser.add_argument("--exact-memory", action="store_true", help="charge every access by itself")
    arguments = parser.parse_args()
    errors: dict[tuple[str, bool], list[float]] = {}
    for checkout in arguments.checkouts:
        for submission in submissions(checkout.resolve()):
            if arguments.only in submission.name:
                error = measure(submission, exact_memory=arguments.exact_memory)
                if error is not None:
                    errors.setdefault((submission.board, submission.is_fitted), []).append(error)
    for (board, is_fitted), found in sorted(errors.items()):
        worst = max(found, key=abs)
        mean = float(np.mean(np.abs(found)))
        kind = "fitted" if is_fitted else "unseen"
        print(f"{board}  {kind}: {len(found)} images, mean absolute error {mean:.1%}, worst {worst:+.1%}")


if __name__ == "__main__":
    main()
