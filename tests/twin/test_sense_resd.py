"""`twin sense --out FRAMES.resd`: the frames for Renode, and nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from sensors.grid_eye_sheet import load_grid_eye
from sensors.recording import read_recording
from sensors.resd import read_resd, resd_bytes
from twin.cli import run

if TYPE_CHECKING:
    from pathlib import Path


def test_a_resd_holds_the_same_frames_as_an_npz(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And the summary tells of the people, who are not in the file."""
    summaries = []
    for file in ("frames.npz", "frames.RESD"):
        arguments = ["sense", "office_doorway", "--seconds", "5", "--out", str(tmp_path / file), "--json"]
        assert run(arguments) == 0
        summaries.append(json.loads(capsys.readouterr().out))
    assert {**summaries[0], "out": ""} == {**summaries[1], "out": ""}
    recording, frames = read_recording(tmp_path / "frames.npz"), read_resd(tmp_path / "frames.RESD")
    assert np.array_equal(frames.pixels.reshape(-1, 8, 8) * frames.pixel_step_k, recording.frames)
    assert (tmp_path / "frames.RESD").read_bytes() == resd_bytes(recording, load_grid_eye())


def test_a_resd_is_refused_for_other_arrays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "frames.resd"
    assert run(["sense", "office_doorway", "--sensor", "mlx90640", "--seconds", "2", "--out", str(out)]) == 2
    assert "rows, columns is (24, 32); rows and columns must be 8; a .resd holds" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize("file", ["frames.csv", "frames.resd.txt", "resd"])
def test_another_ending_names_both_formats(capsys: pytest.CaptureFixture[str], file: str) -> None:
    assert run(["sense", "no_such_scenario", "--out", file]) == 2
    assert "must be a file that ends in .npz or .resd" in capsys.readouterr().err
