"""The process that tries files: counts, and what happens to one that a file kills or holds."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from fuzz import runner
from fuzz.readers import READERS, ROOT
from fuzz.runner import fuzz_reader

if TYPE_CHECKING:
    from pathlib import Path


def test_files_are_counted(tmp_path: Path) -> None:
    tally = fuzz_reader(READERS["uart_script"], inputs=50, seed=3, guided=False, keep=tmp_path)
    assert (tally.inputs, tally.read + tally.refused, dict(tally.findings)) == (50, 50, {})
    assert tally.read
    assert tally.refused
    assert not list(tmp_path.iterdir())


class _Worker:
    """Stands for `python` and lets a script be run in the place of the worker."""

    def __init__(self, folder: Path, does: str) -> None:
        self.path = folder / "python"
        script = f"""#!{sys.executable}
import os, pathlib, sys, time
from fuzz.worker import INPUT, Progress
folder, first, inputs = pathlib.Path(sys.argv[4]), int(sys.argv[6]), int(sys.argv[8])
progress = Progress(folder)
(folder / INPUT).mkdir(exist_ok=True)
progress.add(loaded=1)
for number in range(first, inputs):
    (folder / INPUT / "script.txt").write_text(str(number))
    progress.add(begun=1)
    if number == 2:
        {does}
    progress.add(done=1, read=1)
"""
        self.path.write_text(script, encoding="utf-8")
        self.path.chmod(0o755)


@pytest.mark.parametrize(("does", "verdict"), [("os._exit(3)", "death"), ("time.sleep(60)", "hang")])
def test_the_file_that_ends_a_worker_is_a_finding_and_the_others_are_tried(
    does: str, verdict: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(_Worker(tmp_path, does).path))
    monkeypatch.setattr(runner, "HANG_S", 0.2)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    tally = fuzz_reader(READERS["uart_script"], inputs=5, seed=0, guided=False, keep=tmp_path / "keep")
    assert (tally.inputs, tally.read, [found for found, _ in tally.findings]) == (5, 4, [verdict])
    assert [path.read_text(encoding="utf-8") for path in (tmp_path / "keep/uart_script").iterdir()] == ["2"]
