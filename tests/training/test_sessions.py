"""Simulated sessions: valid, repeatable, apart by split, and kept on disk."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from datasheet.bad_input import BadInputError
from scenarios.room import Scenario
from training import sessions
from training.deployments import KINDS, random_session
from training.sessions import Simulated, content_key, kept_session, simulated_session, simulated_sessions

if TYPE_CHECKING:
    from pathlib import Path

ONE = Simulated("train", 0, 1, 20.0)


def test_random_sessions_are_valid_scenarios_of_every_kind() -> None:
    found = [random_session(np.random.default_rng(seed)) for seed in range(60)]
    assert {scenario.description for scenario in found} == set(KINDS)
    for scenario in found:
        assert Scenario.model_validate(scenario.model_dump()) == scenario


def test_a_session_is_repeatable_and_has_what_its_length_says() -> None:
    first, again = simulated_session(ONE), simulated_session(ONE)
    assert first.steps.shape == (200, 8, 8)
    assert first.steps.tobytes() == again.steps.tobytes()
    assert first.count.tolist() == again.count.tolist()
    assert np.ptp(first.block) == 0


@pytest.mark.parametrize(
    "other", [replace(ONE, split="test"), replace(ONE, index=1), replace(ONE, seed=2)], ids=["split", "index", "seed"]
)
def test_other_splits_numbers_and_seeds_are_other_sessions(other: Simulated) -> None:
    assert simulated_session(other).steps.tobytes() != simulated_session(ONE).steps.tobytes()
    assert content_key(other) != content_key(ONE)


def test_a_session_is_simulated_once_and_a_damaged_file_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "session.npz"
    made = kept_session(ONE, file)
    with monkeypatch.context() as patch:
        patch.setattr(sessions, "simulated_session", lambda _: pytest.fail("simulated again"))
        kept = kept_session(ONE, file)
    assert kept.steps.tobytes() == made.steps.tobytes()
    assert kept.easy.tolist() == made.easy.tolist()
    assert list(tmp_path.iterdir()) == [file]
    file.write_bytes(file.read_bytes()[:100])
    assert kept_session(ONE, file).steps.tobytes() == made.steps.tobytes()


def test_a_cache_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInputError, match="cannot be made"):
        simulated_sessions("train", 1, seed=1, seconds=20.0, cache=tmp_path / "file" / "in")


def test_the_cache_is_asked_under_the_key_of_what_is_wanted(tmp_path: Path) -> None:
    (made,) = simulated_sessions("train", 1, seed=1, seconds=20.0, cache=tmp_path)
    (file,) = tmp_path.iterdir()
    assert content_key(ONE) in file.name
    assert made.steps.tobytes() == simulated_session(ONE).steps.tobytes()
