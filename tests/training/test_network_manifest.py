"""The manifest of a study is one that the twin reads."""

from __future__ import annotations

import hashlib
import re
from importlib import metadata, resources
from typing import TYPE_CHECKING, Any

import pytest

from mcu_models.networks.library import read_library
from training import network_manifest
from training.network_manifest import Origin, study_manifest

if TYPE_CHECKING:
    from pathlib import Path

CONTENT = resources.files("mcu_models.networks").joinpath("people_c8_p_fc.tflite").read_bytes()


def result(file: str, score: float, **others: bool) -> dict[str, Any]:
    row = {"file": file, "sha256": hashlib.sha256(CONTENT).hexdigest(), "runs_on_mcu": True}
    figures = {"frames": 9, "balanced_accuracy": score, "accuracy": 0, "weighted_f1": 0, "mse": 0, "mae": 0}
    names = ("int8", *others)
    return {
        "family": "majority_voting",
        "architecture": "C8-P-FC",
        "window": 5,
        "seed": 7,
        "left_out": 3,
        "parameters": 372,
        "macs": 14400,
        "files": {"int8": row} | {name: row | {"runs_on_mcu": runs} for name, runs in others.items()},
        "validation": dict.fromkeys(names, figures | {"balanced_accuracy": 0.9}),
        "judged": {"session 3": dict.fromkeys(names, figures)},
    }


@pytest.fixture(autouse=True)
def _versions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_manifest.metadata, "version", lambda package: f"{package} 1.0")


def test_the_twin_reads_what_the_study_writes(tmp_path: Path) -> None:
    (tmp_path / "one-int8.tflite").write_bytes(CONTENT)
    origin = Origin("recorded sessions 2, 3", "python -m training.people_counting --out 'a \"folder\"'")
    (tmp_path / "manifest.toml").write_text(study_manifest([result("one-int8.tflite", 0.51236)], origin))
    (entry,) = read_library(tmp_path).values()
    assert entry.frontend == "hold_zero"
    assert entry.row["name"] == "one-int8"
    assert entry.row["votes"] == 5
    assert entry.row["frontend_span_degc"] == [-4.0, 8.0]
    assert (entry.row["balanced_accuracy"], entry.row["validation_balanced_accuracy"]) == (0.5124, 0.9)
    assert entry.row["balanced_accuracy_data"] == "easy frames of sessions that were not trained on: session 3"
    assert entry.row["data"] == "recorded sessions 2, 3, without session 3"
    assert entry.row["command"] == origin.command


def test_every_file_that_runs_on_a_microcontroller_has_a_row_and_no_other() -> None:
    """Without one, the twin would prepare its frames in another way than training did."""
    said = study_manifest([result("one.tflite", 0.5, float16=False, dynamic_range=True)], Origin("", ""))
    assert re.findall('precision = "(.*)"', said) == ["int8", "dynamic_range"]


def test_tensorflow_goes_by_either_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(package: str) -> str:
        if package == "tensorflow-cpu":
            raise metadata.PackageNotFoundError(package)
        return f"{package} 2.0"

    monkeypatch.setattr(network_manifest.metadata, "version", version)
    assert 'tensorflow = "tensorflow 2.0"\n' in study_manifest([result("one.tflite", 0.5)], Origin("", ""))
