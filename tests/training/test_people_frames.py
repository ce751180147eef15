"""Training frames: valid deployments, equal shares, separate splits."""

from __future__ import annotations

import numpy as np
import pytest

from scenarios.room import Scenario
from training.people_frames import balanced_frames, random_deployment


@pytest.mark.parametrize("seed", range(30))
def test_every_random_deployment_is_a_valid_scenario(seed: int) -> None:
    deployment = random_deployment(np.random.default_rng(seed))
    assert Scenario.model_validate(deployment.model_dump()) == deployment


def test_frames_are_balanced_and_repeatable() -> None:
    first, again = (balanced_frames("test", deployments=4, seed=3) for _ in range(2))
    shares = np.bincount(first.count, minlength=4)
    assert shares.min() == shares.max() > 0
    assert first.frames.tobytes() == again.frames.tobytes()


def test_no_frame_of_one_split_is_in_another() -> None:
    frames = {
        split: {frame.tobytes() for frame in balanced_frames(split, deployments=3, seed=3).frames}
        for split in ("train", "validation", "test")
    }
    assert not frames["train"] & frames["test"]
    assert not frames["train"] & frames["validation"]
    assert not frames["validation"] & frames["test"]
