"""The network that comes with the twin is the one its manifest row describes."""

from __future__ import annotations

import hashlib
import tomllib
from importlib import resources

import numpy as np
import pytest

from training.int8_counter import Int8Counter, balanced_accuracy
from training.people_frames import balanced_frames

NETWORKS = resources.files("mcu_models.networks")
ROW = tomllib.loads((NETWORKS / "manifest.toml").read_text())["network"][0]
CONTENT = (NETWORKS / ROW["file"]).read_bytes()


def test_the_file_has_the_digest_of_its_row() -> None:
    assert hashlib.sha256(CONTENT).hexdigest() == ROW["sha256"]


def test_fresh_deployments_are_counted_about_as_well_as_the_row_says() -> None:
    # Ten deployments more or less lucky: 0.12 either way.
    fresh = balanced_frames("test", deployments=10, seed=99)
    found = balanced_accuracy(fresh.count, Int8Counter(CONTENT).counts(fresh.frames))
    assert found == pytest.approx(ROW["balanced_accuracy"], abs=0.12)


def test_an_even_frame_shows_nobody() -> None:
    assert Int8Counter(CONTENT).counts(np.full((1, 8, 8), 24.25, dtype=np.float32)).tolist() == [0]


def test_balanced_accuracy_is_the_mean_over_the_classes_that_occur() -> None:
    truth, counts = np.array([0, 0, 0, 1, 3, 3]), np.array([0, 0, 2, 1, 3, 2])
    assert balanced_accuracy(truth, counts) == pytest.approx((2 / 3 + 1 + 1 / 2) / 3)
