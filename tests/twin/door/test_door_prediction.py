"""A guarded door predicted: the result's schema, the same bytes again, and the command line."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from twin.cli import run
from twin.door.figures import chosen_frames
from twin.door.figures_in_words import verdict
from twin.door.page import door_html
from twin.door.prediction import DoorRequest, predict_door
from twin.door.session import door_files, looks_npz
from twin.door.tables import door_table

if TYPE_CHECKING:
    from pathlib import Path

    from scenarios.guarded_door import GuardedDoorScenario
    from twin.door.node import DoorNode
    from twin.door.prediction import DoorPrediction

SHORT = DoorRequest(seconds=6.0, seed=2, level="host", deployments=2, deployment_s=4.0)


@pytest.fixture(scope="module")
def predicted(busy_door: GuardedDoorScenario, node: DoorNode) -> DoorPrediction:
    return predict_door(busy_door, node, SHORT)


def test_the_result_says_what_was_asked_for(predicted: DoorPrediction) -> None:
    """Mistakes with intervals, waits, rate with shares, power, battery, memory, and where it comes from."""
    found = predicted.as_result()
    assert found["door"]["seconds"] == 2 * 4.0
    assert found["run"]["seconds"] == 6.0
    assert {"count", "of", "share", "low", "high"} == set(found["door"]["false_opens"])
    assert found["frames"]["rate_hz"] > 30
    assert sum(step["share"] for step in found["frames"]["steps"].values()) == pytest.approx(1)
    assert found["battery"]["life_s_low"] < found["battery"]["life_s"] < found["battery"]["life_s_high"]
    assert {limit["fits"] for limit in found["memory_limits"]} == {True}
    assert found["provenance"]["level"] == "host"
    assert any("power_bank" in key for key in found["provenance"]["assumed"])
    json.dumps(found, allow_nan=False)


def test_the_same_request_gives_the_same_bytes(
    predicted: DoorPrediction, busy_door: GuardedDoorScenario, node: DoorNode
) -> None:
    again = predict_door(busy_door, node, SHORT)
    assert door_files(again) == door_files(predicted)


def test_what_was_seen_can_be_read_back(predicted: DoorPrediction) -> None:
    with np.load(io.BytesIO(looks_npz(predicted)), allow_pickle=False) as arrays:
        assert len(arrays["time_s"]) == len(arrays["score"]) == len(predicted.log.looks) > 100
        assert arrays["frames"].shape[1:] == (200, 200)
        assert arrays["pictures"].shape[1:] == (32, 32, 3)
        assert (arrays["kept"] < len(arrays["time_s"])).all()
        assert (np.diff(arrays["time_s"]) > 0).all()


def test_the_report_is_whole_and_escapes_what_users_wrote(predicted: DoorPrediction) -> None:
    page = door_html(predicted).decode()
    assert verdict(predicted) in page
    for name in ("door", "frames", "steps", "power"):
        assert f'id="figure-{name}"' in page
    assert 0 < len(chosen_frames(predicted)) <= 8
    assert door_table(predicted, None) is not None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "office_doorway", "--node", "mask_camera"], "does not fit: the node mask_camera guards a door"),
        (["run", "mask_door", "--node", "ceiling_counter"], "does not fit: the node ceiling_counter looks into rooms"),
        (["run", "mask_dor", "--node", "mask_camera"], "did you mean 'mask_door'"),
        (
            ["run", "mask_door", "--node", "mask_camera", "--deployments", "-1"],
            "--deployments is -1; must be 0 or more",
        ),
        (["run", "office_doorway", "--node", "ceiling_counter", "--network", "mask_cnn"], "is of guarded doors"),
    ],
)
def test_what_does_not_go_together_is_one_line(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.strip().splitlines()) == 1


def test_the_command_writes_result_report_and_what_was_seen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    words = ["run", "mask_door", "--node", "mask_camera", "--level", "host", "--seconds", "2", "--deployments", "0"]
    assert run([*words, "--out", str(out), "--json"]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["looks.npz", "report.html", "result.json"]
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((out / "result.json").read_text(encoding="utf-8"))
    assert printed["door"]["visitors"] == 0
    assert printed["run"]["decisions"]["near"] >= 0
    assert printed["door"]["false_opens"]["share"] is None
