"""What a setting is trained on, validated by and judged on; what counts as finished."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from datasheet.bad_input import BadInputError
from training import study
from training.architectures import read_architecture
from training.sessions import Session
from training.study import Setting, check, finished, gather

if TYPE_CHECKING:
    from pathlib import Path

SINGLE = read_architecture("single_frame_cnn", "C8-P-FC", 1)
VOTING = read_architecture("majority_voting", "C8-P-FC", 3)


def session(number: int, frames: int = 20) -> Session:
    steps = np.random.default_rng(number).integers(90, 110, (frames, 8, 8)).astype(np.int16)
    return Session(number, steps, np.arange(frames) % 3, np.ones(frames, bool), np.zeros(frames, int))


RECORDED = [session(1), session(2), session(3)]
SIMULATED = {split: [session(number)] for number, split in enumerate(("train", "validation", "test"), 10)}


def test_the_session_left_out_is_neither_trained_on_nor_validated_by() -> None:
    data = gather(None, RECORDED, 0.1)
    setting = Setting(SINGLE, 1, 2)
    (pool,) = study._mixture(setting, data).pools
    frames, chosen = study._validation(setting, data)
    assert set(pool.frames.session[pool.index]) == set(frames.session[chosen]) == {1, 3}
    assert not set(pool.index) & set(chosen)
    assert len(pool.index) + len(chosen) == 40
    (test,) = study._tests(setting, data).values()
    assert set(test[0].session[test[1]]) == {2}


def test_both_are_mixed_by_their_share_and_validated_by_simulated_sessions() -> None:
    data = gather(SIMULATED, RECORDED, 0.25)
    mixture = study._mixture(Setting(SINGLE, 1, 2), data)
    assert mixture.shares == (0.75, 0.25)
    assert study._validation(Setting(SINGLE, 1, 2), data)[0] is data.validation
    assert list(study._tests(Setting(SINGLE, 1, 2), data)) == ["simulated", "session 2"]


def test_simulated_data_alone_are_trained_on_when_no_session_is_left_out() -> None:
    data = gather(SIMULATED, RECORDED, 0.25)
    assert study._mixture(Setting(SINGLE, 1, None), data).shares == (1.0,)
    assert list(study._tests(Setting(SINGLE, 1, None), data)) == ["simulated", "session 1", "session 2", "session 3"]


def test_frames_that_are_not_easy_are_not_used() -> None:
    hard = replace(session(2), easy=np.zeros(20, bool))
    data = gather(None, [session(1), hard, session(3)], 0.1)
    (pool,) = study._mixture(Setting(SINGLE, 1, 3), data).pools
    assert set(pool.frames.session[pool.index]) == {1}


def test_nothing_to_judge_by_is_said_in_one_line() -> None:
    hard = replace(session(10), easy=np.zeros(20, bool))
    data = gather(SIMULATED | {"test": [hard]}, None, 0.1)
    with pytest.raises(BadInputError, match="frames to test on; no easy frame of 0 to 3 people"):
        check(Setting(SINGLE, 1, None), data)
    check(Setting(SINGLE, 1, None), gather(SIMULATED, None, 0.1))


def test_voters_of_asked_frames_are_counted_too_but_not_of_another_block() -> None:
    asked = np.array([False, False, True, False, True, False])
    start = np.array([0, 0, 0, 0, 4, 4])
    assert study._with_voters(asked, start, VOTING.votes).tolist() == [True, True, True, False, True, False]


def test_other_data_and_other_shares_have_other_keys() -> None:
    key = gather(SIMULATED, RECORDED, 0.1).key
    assert gather(SIMULATED, RECORDED, 0.1).key == key
    assert gather(SIMULATED, RECORDED, 0.2).key != key
    assert gather(SIMULATED, [session(1), session(2), session(4)], 0.1).key != key


def test_a_result_is_finished_when_all_its_files_are_whole(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    assert finished(path) is None
    path.write_text('{"sha256": ')
    assert finished(path) is None
    path.write_text(json.dumps({"sha256": "abc"}))
    assert finished(path) is None
    path.with_suffix(".tflite").write_bytes(b"network")
    assert finished(path) == {"sha256": "abc"}
    path.write_text(json.dumps({"sha256": None}))
    assert finished(path) == {"sha256": None}
