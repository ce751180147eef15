"""Runs workers, ends those that hang, goes on behind the file that killed one, and counts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fuzz.readers import ROOT
from fuzz.trial import HANG_S
from fuzz.worker import FINDINGS, INPUT, Progress, note_finding

if TYPE_CHECKING:
    from fuzz.readers import Reader

LOADING_S: Final = 180.0
"""What a worker may take until its first file: it imports, compiles and, when guided, instruments."""
_LOOK_S: Final = 0.1


@dataclass
class Tally:
    """What came of the files for a reader.

    Attributes:
        reader: Its name.
        inputs: Files tried.
        read: Files that were read.
        refused: Files that were refused in one line.
        findings: How often each defect showed, by verdict and text.
        host_s: How long all of it took.
        peak_mb: The most memory that a worker held.
    """

    reader: str
    inputs: int = 0
    read: int = 0
    refused: int = 0
    findings: Counter[tuple[str, str]] = field(default_factory=Counter)
    host_s: float = 0.0
    peak_mb: float = 0.0


def fuzz_reader(reader: Reader, *, inputs: int, seed: int, guided: bool, keep: Path) -> Tally:
    """Try damaged files on a reader.

    Args:
        reader: The reader.
        inputs: How many files.
        seed: Everything random follows from it.
        guided: Whether libFuzzer chooses; it needs the extra `fuzz`.
        keep: Where the first file of each defect is kept.
    """
    tally, begin_s = Tally(reader.name), time.monotonic()
    with tempfile.TemporaryDirectory(dir=_fast_folder()) as name:
        folder = Path(name)
        progress = Progress(folder)
        while (begun := progress.get()[1]) < inputs:
            options = ["--first", str(begun), "--inputs", str(inputs), "--seed", str(seed)]
            command = [sys.executable, "-m", "fuzz.worker", reader.name, name, *options]
            end = _watch([*command, "--guided"] if guided else command, folder, progress, tally)
            if end is None:
                break
            if progress.get()[1] == begun:
                raise RuntimeError(f"{reader.name}: the worker ended before its first file: {end[1]}")
            note_finding(folder / FINDINGS, *end, (folder / INPUT / reader.file).read_bytes())
            _, begun, done, *_ = progress.get()
            progress.add(done=begun - done)
        _, _, tally.inputs, tally.read, tally.refused = progress.get()
        _gather(folder / FINDINGS, reader, tally, keep)
    tally.host_s = time.monotonic() - begin_s
    return tally


def _fast_folder() -> str | None:
    memory = Path("/dev/shm")  # noqa: S108 - a new folder of our own within it
    return str(memory) if os.access(memory, os.W_OK) else None


def _watch(command: list[str], folder: Path, progress: Progress, tally: Tally) -> tuple[str, str] | None:
    """Wait for a worker; return what is wrong with the file it ended at, None when it is through."""
    with (folder / "errors").open("wb") as errors:
        loaded = progress.get()[0]
        worker = subprocess.Popen(  # noqa: S603 - ourselves
            command, cwd=ROOT, stdout=errors, stderr=errors, env=os.environ | {"OMP_NUM_THREADS": "1"}
        )
        last, since_s, hangs = (-1, -1), time.monotonic(), False
        while True:
            time.sleep(_LOOK_S)
            pid, status, usage = os.wait4(worker.pid, os.WNOHANG)
            if pid:
                break
            now_loaded, begun, *_ = progress.get()
            if (now_loaded, begun) != last:
                last, since_s = (now_loaded, begun), time.monotonic()
            allowed_s = 2 * HANG_S if now_loaded > loaded else LOADING_S
            if time.monotonic() - since_s > allowed_s:
                hangs = True
                worker.kill()
    worker.returncode = os.waitstatus_to_exitcode(status)
    tally.peak_mb = max(tally.peak_mb, usage.ru_maxrss / 1024)
    if hangs:
        return "hang", f"more than {HANG_S:g} s"
    if worker.returncode:
        said = (folder / "errors").read_bytes().decode(errors="replace").strip().splitlines()
        return "death", f"the process ended with {worker.returncode}: {said[-1][:200] if said else 'silently'}"
    return None


def _gather(path: Path, reader: Reader, tally: Tally, keep: Path) -> None:
    """Count the findings, and keep the shortest file of each."""
    shortest: dict[tuple[str, str], bytes] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        finding = json.loads(line)
        key, data = (finding["verdict"], finding["text"]), bytes.fromhex(finding["input"])
        tally.findings[key] += 1
        if key not in shortest or len(data) < len(shortest[key]):
            shortest[key] = data
    for data in shortest.values():
        target = keep / reader.name / f"{sha256(data).hexdigest()[:12]}_{reader.file}"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
