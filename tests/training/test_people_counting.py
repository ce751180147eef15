"""The study's command: bad words, resume, and the same bytes for the same seed."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import tomllib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from sensors.recording import Recording, write_recording
from training import people_counting
from training.architectures import FAMILIES, cost, default_names, read_architecture
from training.people_counting import main, summary

if TYPE_CHECKING:
    from pathlib import Path

needs_tensorflow = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="needs TensorFlow, which only training does"
)
# TensorFlow's own deprecations are not ours.
quiet = pytest.mark.filterwarnings("ignore")


def recording(path: Path, sessions: tuple[int, ...], frames: int = 60) -> Path:
    """Write sessions of noise with a warm spot for everybody who is there."""
    rng = np.random.default_rng(3)
    count = np.tile(np.repeat([0, 1, 2, 0], frames // 4), len(sessions))
    degc = 24 + 0.2 * rng.standard_normal((len(count), 8, 8))
    degc[count > 0, 2:4, 2:4] += 3
    degc[count > 1, 5:7, 5:7] += 3
    session = np.repeat(sessions, frames)
    time_s = np.tile(np.arange(frames) / 10, len(sessions))
    write_recording(path, Recording(time_s, degc.astype(np.float32), count, session=session))
    return path


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--families", "cnn_lstn"], "did you mean 'cnn_lstm'?"),
        (["--families", "cnn_tcn", "--windows", "1"], "window is 1; must be one of"),
        (["--families", "single_frame_cnn", "--windows", "4"], "--windows 4; must be one of 1, 3, 5, 7, 9"),
        (["--families", "single_frame_cnn", "--architectures", "C8-X-FC"], "layer 'X' is unknown"),
        (["--sessions", "0"], "--sessions 0; must be at least 1"),
        (["--session-seconds", "1"], "must be 10 to 3600"),
        (["--recorded-share", "1.5"], "must be between 0 and 1"),
        (["--seed", "-1"], "--seed -1"),
        (["--precisions", "int8", "int9"], "--precisions 'int9'; did you mean 'int8'?"),
        (
            ["--families", "single_frame_cnn", "--windows", "1", "5"],
            "--windows 5; single_frame_cnn has a window of 1 only",
        ),
        (["--architectures", "all", "C8-P-FC"], "--architectures 'all C8-P-FC'; `all` stands alone"),
        (["--data", ""], "--data ''; must be simulated, both, or a recording or folder of recordings"),
        (["--data", "both"], "--recording; is needed with --data both"),
        (["--data", "no/such.npz"], "no/such.npz; there is no such file"),
    ],
)
def test_bad_words_end_the_run_with_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--data", "simulated", "--out", str(tmp_path / "out"), *words])
    assert caught.value.code == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_windows_beside_other_families_leave_single_frames_single() -> None:
    words = ["--data", "simulated", "--out", "x", "--architectures", "C8-P-FC", "--windows", "5"]
    arguments = people_counting._arguments([*words, "--families", "single_frame_cnn", "multi_channel_cnn"])
    people_counting._check_words(arguments)
    networks = people_counting._networks(arguments)
    assert [(one.family, one.window) for one in networks] == [("single_frame_cnn", 1), ("multi_channel_cnn", 5)]


def test_a_missing_extra_is_said_before_anything_is_simulated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people_counting.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(SystemExit):
        main(["--data", "simulated", "--out", str(tmp_path / "out")])
    assert capsys.readouterr().err == "training; needs the extra `train`: pip install -e '.[train]'\n"


def test_ctrl_c_ends_the_run_with_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(people_counting.importlib.util, "find_spec", interrupted)
    with pytest.raises(SystemExit) as caught:
        main(["--data", "simulated", "--out", str(tmp_path / "out")])
    assert caught.value.code == 130
    assert capsys.readouterr().err == "interrupted; the same command goes on with what is not finished\n"


def test_one_session_cannot_be_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--data", str(recording(tmp_path / "one.npz", (2,))), "--out", str(tmp_path / "out")])
    assert "holds one session; leaving one out needs two" in capsys.readouterr().err


@pytest.mark.parametrize(("data", "says_so"), [("simulated", False), ("both", True)])
def test_a_session_1_that_is_missed_is_said_where_recordings_are_trained_on(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    data: str,
    says_so: bool,  # noqa: FBT001 - a parameter
) -> None:
    monkeypatch.setattr(people_counting.importlib.util, "find_spec", lambda _: None)
    recordings = str(recording(tmp_path / "two.npz", (2, 3)))
    with pytest.raises(SystemExit):
        main(["--data", data, "--recording", recordings, "--out", str(tmp_path / "out")])
    assert ("session 1 is not there" in capsys.readouterr().out) == says_so


def test_a_summary_weighs_the_sessions_left_out_by_their_frames() -> None:
    network = {"family": "f", "architecture": "a", "window": 1, "seed": 1, "parameters": 3, "macs": 4}
    same = {"accuracy": 0.0, "weighted_f1": 0.0, "mse": 0.0, "mae": 0.0}
    results: list[dict[str, Any]] = [
        network | {"judged": {name: {"int8": {"frames": frames, "balanced_accuracy": value, **same}}}}
        for name, frames, value in (("session 2", 30, 0.8), ("session 3", 10, 0.4))
    ]
    (found,) = summary(results)
    assert (found["tested_on"], found["precision"]) == ("recorded", "int8")
    assert found["figures"]["balanced_accuracy"]["mean"] == pytest.approx(0.7)


@needs_tensorflow
@quiet
@pytest.mark.parametrize("family", FAMILIES)
def test_built_networks_have_the_parameters_of_their_names(family: str) -> None:
    from training.families import build, input_shape  # noqa: PLC0415

    for name in default_names(family):
        for window in (1,) if family == "single_frame_cnn" else (3, 9):
            architecture = read_architecture(family, name, window)
            model = build(architecture)
            assert model.count_params() == cost(architecture).parameters
            assert model(np.zeros((2, *input_shape(architecture)), np.float32)).shape == (2, 4)


TINY = ["--epochs", "1", "--steps", "3", "--batch", "16", "--jobs", "1"]


@needs_tensorflow
@quiet
def test_the_same_seed_gives_the_same_bytes_and_finished_settings_are_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["--data", str(recording(tmp_path / "two.npz", (2, 3))), "--families", "multi_channel_cnn", *TINY]
    words += ["--architectures", "C8-P-FC"]
    for out in ("first", "again"):
        main([*words, "--out", str(tmp_path / out)])
    digests = [
        {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in (tmp_path / out).glob("*.tflite")}
        for out in ("first", "again")
    ]
    assert len(digests[0]) == 4
    assert digests[0] == digests[1]
    (lost, kept) = sorted((tmp_path / "first").glob("multi*.json"))
    lost.unlink()
    before = kept.stat().st_mtime_ns
    trained = []
    from training import study  # noqa: PLC0415

    whole = study._trained
    monkeypatch.setattr(study, "_trained", lambda setting, *rest: trained.append(setting) or whole(setting, *rest))
    main([*words, "--out", str(tmp_path / "first")])
    assert [f"without{setting.left_out}" in lost.name for setting in trained] == [True]
    assert kept.stat().st_mtime_ns == before
    assert lost.exists()


@needs_tensorflow
@quiet
def test_simulated_and_recorded_data_train_networks_that_the_twin_finds(tmp_path: Path) -> None:
    words = ["--data", "both", "--recording", str(recording(tmp_path / "two.npz", (2, 3))), *TINY]
    words += ["--sessions", "4", "--session-seconds", "30", "--recorded-share", "0.5", "--out", str(tmp_path / "out")]
    families = ("majority_voting", "cnn_lstm")
    main([*words, "--families", *families])
    rows = json.loads((tmp_path / "out" / "summary.json").read_text())
    found = {(row["family"], row["precision"]) for row in rows if row["tested_on"] == "recorded"}
    assert found == {(family, precision) for family in families for precision in ("float32", "int8")}
    assert all(0 <= row["figures"]["accuracy"]["mean"] <= 1 for row in rows)
    named = tomllib.loads((tmp_path / "out" / "manifest.toml").read_text())["network"]
    assert len(named) == len(list((tmp_path / "out").glob("*.tflite")))
    assert {row["data"] for row in named} == {
        f"4 simulated sessions of 30 s and recorded sessions 2, 3, without session {left_out}" for left_out in (2, 3)
    }
    assert all(row["command"].endswith(f"--out {tmp_path / 'out'} --families {' '.join(families)}") for row in named)
    assert (tmp_path / "out" / "quantisation.md").read_text().count("| yes |") == len(named) // 2
