"""What a setting is trained on, validated by and judged on; what counts as finished."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from datasheet.bad_input import BadInputError
from training import study
from training.architectures import read_architecture
from training.sessions import Session
from training.study import Setting, check, finish, finished, gather, result_path

if TYPE_CHECKING:
    from pathlib import Path

    from training.quantisation import Precision

SINGLE = read_architecture("single_frame_cnn", "C8-P-FC", 1)


@dataclass(frozen=True)
class Effort:
    """Stands in for `training.fitting.Effort`, which needs TensorFlow."""

    epochs: int = 1


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


def test_other_data_and_other_shares_have_other_keys() -> None:
    key = gather(SIMULATED, RECORDED, 0.1).key
    assert gather(SIMULATED, RECORDED, 0.1).key == key
    assert gather(SIMULATED, RECORDED, 0.2).key != key
    assert gather(SIMULATED, [session(1), session(2), session(4)], 0.1).key != key


def test_other_precisions_and_other_code_have_other_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = gather(SIMULATED, None, 0.1)

    def path(*precisions: Precision) -> Path:
        return result_path(tmp_path, Setting(SINGLE, 1, None), data, Effort(), precisions)  # type: ignore[arg-type]

    assert path("int8") == path("int8") != path("float32", "int8")
    before = path("int8")
    monkeypatch.setattr(study, "code_digest", lambda: "changed")
    assert path("int8") != before


def test_a_result_is_finished_when_all_its_files_are_whole(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    assert finished(path) is None
    path.write_text('{"files": ')
    assert finished(path) is None
    path.write_text("[]")
    assert finished(path) is None
    files = {name: {"file": f"one-{name}.tflite", "sha256": sha256(name.encode()).hexdigest()} for name in "ab"}
    path.write_text(json.dumps({"files": files}))
    (tmp_path / "one-a.tflite").write_bytes(b"a")
    assert finished(path) is None
    (tmp_path / "one-b.tflite").write_bytes(b"damaged")
    assert finished(path) is None
    (tmp_path / "one-b.tflite").write_bytes(b"b")
    assert finished(path) == {"files": files}


def test_what_a_finished_network_runs_on_is_asked_of_the_compiler_of_today(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The result may be older than the compiler."""
    setting, data, effort = Setting(SINGLE, 1, None), gather(SIMULATED, None, 0.1), Effort()
    contents: dict[Precision, bytes] = {"float32": b"a", "int8": b"b"}

    def trained(*_: object) -> tuple[dict[str, Any], dict[Precision, bytes]]:
        return {"files": {name: study._file_row(content) for name, content in contents.items()}}, contents

    def runs() -> list[tuple[bool, str | None]]:
        found = finish(setting, data, effort, tmp_path, ("float32", "int8"))  # type: ignore[arg-type]
        return [(row["runs_on_mcu"], row["refusal"]) for row in found["files"].values()]

    monkeypatch.setattr(study, "_trained", trained)
    monkeypatch.setattr(study, "refusal", lambda content: None if content == b"a" else "no")
    assert runs() == [(True, None), (False, "no")]
    monkeypatch.setattr(study, "_trained", None)
    monkeypatch.setattr(study, "refusal", lambda content: None if content == b"b" else "no longer")
    assert runs() == [(False, "no longer"), (True, None)]


def test_the_int8_network_is_chosen_by_validation_and_of_equals_the_one_that_needs_no_training() -> None:
    def best(**scores: float) -> str | None:
        return study.best_int8({name: {"balanced_accuracy": score} for name, score in scores.items()})  # type: ignore[misc]

    assert best(float32=0.9, int8=0.7, int8_qat=0.8) == "int8_qat"
    assert best(int8=0.8, int8_qat=0.8) == "int8"
    assert best(float32=0.9) is None
