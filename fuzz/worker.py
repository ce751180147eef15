"""The process that gives damaged files to a reader, one after the other, within a limit of memory.

What it has done stands in a file that outlives it, so that whoever started it sees which file killed it.
"""

from __future__ import annotations

import argparse
import gc
import json
import mmap
import random
import resource
import struct
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fuzz.mutation import LONGEST_BYTES, mutated
from fuzz.readers import READERS
from fuzz.trial import LARGEST_BYTES, try_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from fuzz.readers import Reader

PROGRESS, FINDINGS, INPUT = "progress", "findings.jsonl", "input"
"""Files in the worker's folder: counters, a line for each finding, and the folder with the file under test."""
_COUNTERS: Final = struct.Struct("<5Q")
_WARM_UPS: Final = 2
_ROOMS: Final = ("datasheet", "scenarios", "sensors", "mcu_models", "twin")


class Progress:
    """Counters in a file: whether the reader is loaded, files begun, done, read, refused."""

    def __init__(self, folder: Path) -> None:
        path = folder / PROGRESS
        if not path.exists():
            path.write_bytes(bytes(_COUNTERS.size))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _COUNTERS.size)

    def get(self) -> tuple[int, int, int, int, int]:
        """Return all counters."""
        loaded, begun, done, read, refused = _COUNTERS.unpack_from(self._map)
        return loaded, begun, done, read, refused

    def add(self, *, loaded: int = 0, begun: int = 0, done: int = 0, read: int = 0, refused: int = 0) -> None:
        """Add to counters."""
        added = (loaded, begun, done, read, refused)
        _COUNTERS.pack_into(self._map, 0, *(now + more for now, more in zip(self.get(), added, strict=True)))


class Worker:
    """Gives files to a reader and notes what comes of it."""

    def __init__(self, reader: Reader, folder: Path) -> None:
        self._file = folder / INPUT / reader.file
        self._file.parent.mkdir(exist_ok=True)
        self._findings = folder / FINDINGS
        self._progress = Progress(folder)
        self._target: Callable[[Path], object] = reader.target()

    def prepare(self, seed: bytes) -> None:
        """Load all that the reader needs with a file that is no damaged one, and limit the memory from then on."""
        self._file.write_bytes(seed)
        for _ in range(_WARM_UPS):
            try_file(self._target, self._file)
        gc.collect()
        gc.freeze()
        limit = _most_mapped_bytes() + LARGEST_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        self._progress.add(loaded=1)

    def try_bytes(self, data: bytes) -> None:
        """Give one file to the reader."""
        self._file.write_bytes(data)
        self._progress.add(begun=1)
        trial = try_file(self._target, self._file)
        if trial.is_finding:
            note_finding(self._findings, trial.verdict, trial.text, data)
        self._progress.add(done=1, read=trial.verdict == "read", refused=trial.verdict == "refused")


def note_finding(path: Path, verdict: str, text: str, data: bytes) -> None:
    """Add a finding to a file of findings, with the input."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"verdict": verdict, "text": text, "input": data.hex()}) + "\n")


def _most_mapped_bytes() -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmPeak:"):
            return int(line.split()[1]) * 1024
    raise OSError("the kernel does not say how much memory a process has mapped")


def damaged_file(reader: Reader, seeds: tuple[bytes, ...], seed: int, number: int) -> bytes:
    """Return the damaged file of this number: the seeds themselves come first."""
    if number < len(seeds):
        return seeds[number]
    return mutated(reader.form, random.Random(f"{reader.name} {seed} {number}"), seeds)  # noqa: S311 - not for secrets


def _run_blind(worker: Worker, reader: Reader, options: argparse.Namespace) -> None:
    """Try files that follow from their numbers alone."""
    seeds = reader.seeds()
    worker.prepare(seeds[0])
    for number in range(options.first, options.inputs):
        worker.try_bytes(damaged_file(reader, seeds, options.seed, number))


def _run_guided(reader: Reader, options: argparse.Namespace) -> None:
    """Let libFuzzer choose which files to damage further: those that reached new code."""
    atheris: Any = import_module("atheris")
    # numba compiles these from their own bytecode.
    rooms, skipped = list(_ROOMS), ["mcu_models.emulators.native_hook", "scenarios.compiled"]
    with atheris.instrument_imports(include=rooms, exclude=skipped):
        worker = Worker(reader, options.folder)
    seeds = reader.seeds()
    corpus = options.folder / "corpus"
    corpus.mkdir(exist_ok=True)
    for number, data in enumerate(seeds):
        (corpus / f"{number:03d}").write_bytes(data)
    worker.prepare(seeds[0])

    def damage(data: bytes, _longest: int, seed: int) -> bytes:
        return mutated(reader.form, random.Random(seed), seeds, data)  # noqa: S311

    chosen = [f"-runs={options.inputs - options.first}", f"-seed={options.seed + options.first + 1}"]
    settings = [*chosen, f"-max_len={LONGEST_BYTES}", "-rss_limit_mb=0"]
    atheris.Setup([sys.argv[0], *settings, str(corpus)], worker.try_bytes, custom_mutator=damage)
    atheris.Fuzz()


def main() -> None:
    """Try files with numbers from `--first` to `--inputs`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("reader", choices=sorted(READERS))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--inputs", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--guided", action="store_true")
    options: Any = parser.parse_args()
    reader = READERS[options.reader]
    if options.guided:
        _run_guided(reader, options)
    else:
        _run_blind(Worker(reader, options.folder), reader, options)


if __name__ == "__main__":
    main()
