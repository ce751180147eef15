"""A short recording before the people counter, and its golden run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from twin.campaign.bench import Bench, Golden, Setup, play_golden
from twin.campaign.campaign_file import Campaign
from twin.emulated_node import no_progress

if TYPE_CHECKING:
    from pathlib import Path

IMAGE, BOARD = "people_counter_stm32l4a6zg", "stm32l4a6zg"


@pytest.fixture(scope="session")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return somebody warm who crosses an empty room, again and again."""
    path = tmp_path_factory.mktemp("recording") / "crossing.npz"
    degc = np.random.default_rng(3).normal(21.0, 0.2, (120, 8, 8))
    for frame in range(30, 120):
        column = frame // 5 % 8
        degc[frame, 2:6, max(column - 1, 0) : column + 2] += 8.0
    np.savez(path, frames=degc.astype(np.float32), count=np.zeros(120, np.int64), time_s=np.arange(120) * 0.1)
    return path


@pytest.fixture(scope="session")
def setup(recording: Path) -> Setup:
    campaign = Campaign(play=str(recording), seconds=12.0, faults=20, recover_s=1.0, watch_s=0.5, detected="answer")
    return Setup(IMAGE, BOARD, campaign, "campaign.toml")


@pytest.fixture(scope="session")
def golden_bench(setup: Setup) -> tuple[Golden, Bench]:
    bench = Bench(setup)
    return play_golden(bench, setup, no_progress), bench
