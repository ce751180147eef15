"""A node at a door, end to end: the same answers at both levels, and everything that is said of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from datasheet.bad_input import BadInputError
from twin.cli import run
from twin.doorway.prediction import DoorwayRequest, predict_doorway
from twin.doorway.session import doorway_files
from twin.host_node import LevelsDisagreeError, check_levels, count_recording
from twin.node import load_node
from twin.prediction import predict

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable
    from pathlib import Path

    from scenarios.room import Scenario
    from twin.doorway.prediction import DoorwayPrediction
    from twin.node import Node


def test_firmware_and_host_tell_the_same_of_every_frame(
    prediction: DoorwayPrediction, office: Scenario, node: Node
) -> None:
    """The emulated run compares them itself, and its answers are those of the host's run."""
    emulated = predict_doorway(office, node, DoorwayRequest(seconds=60.0, seed=7, level="emulated"))
    assert np.array_equal(emulated.trace.count, prediction.trace.count)
    assert len(emulated.told) > 5
    assert emulated.accuracy == prediction.accuracy
    assert emulated.budget.average_power_w == pytest.approx(prediction.budget.average_power_w, rel=0.01)
    assert emulated.wait_s == pytest.approx(prediction.wait_s, rel=0.05)
    with pytest.raises(LevelsDisagreeError):
        check_levels(emulated.trace.count + 1000, prediction.trace.count)


def test_the_result_says_who_was_told_what_it_cost_and_where_it_comes_from(prediction: DoorwayPrediction) -> None:
    result = prediction.as_result()
    assert result["doorway"]["right"]["of"] == prediction.accuracy.right.of > 0
    assert result["doorway_over_deployments"]["deployments"] == 0
    assert 0.0 < result["latency_s"]["passage_to_answer_p50"] < 0.5
    assert 1e-5 < result["latency_s"]["inference_p50"] < 2e-3
    assert 0.010 < result["average_power_w"] < 0.025
    assert result["battery"]["life_s_low"] < result["battery"]["life_s"] < result["battery"]["life_s_high"]
    assert result["mount"]["line"]["place"] == prediction.seen.line.place
    assert json.loads(json.dumps(result, allow_nan=False))["provenance"]["level"] == "host"


def test_further_deployments_narrow_the_interval(office: Scenario, node: Node, prediction: DoorwayPrediction) -> None:
    further = predict_doorway(office, node, DoorwayRequest(seconds=60.0, seed=7, level="host", deployments=2))
    assert further.accuracy == prediction.accuracy
    assert further.deployed.right.of > prediction.deployed.right.of
    assert further.deployed.seconds > 2.9 * prediction.deployed.seconds


def test_files_have_the_same_bytes_each_time_and_need_no_network(prediction: DoorwayPrediction) -> None:
    files, again = doorway_files(prediction), doorway_files(prediction)
    assert files == again
    page = files["report.html"].decode()
    assert 'src="http' not in page
    assert "told right" in page
    assert list(files) == ["result.json", "passages.npz", "report.html"]


@pytest.mark.usefixtures("firmware")
def test_twin_run_takes_such_a_node(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["run", "office_doorway", "--node", "doorway_counter", "--level", "host", "--seconds", "20"]
    assert run([*command, "--deployments", "0", "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert "Told right" in said
    assert "Battery life" in said
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["passages.npz", "report.html", "result.json"]


def with_lines(folder: Path, name: str, *changes: tuple[str, str]) -> str:
    """Return the path of a copy of a library node with changed text."""
    source: Traversable | Path = load_node(name).path
    text = source.read_text(encoding="utf-8")
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("name", "changes", "complaint"),
    [
        ("doorway_counter", [('"doorway_counter"', '"people_counter"')], r"use doorway_counter"),
        ("doorway_counter", [("[doorway]", '[policy]\nkind = "gated"\nperiod_s = 60.0\nlook_s = 2.0\n\n[doorway]')],
         r"policy\.kind is 'gated'; who passes a door is seen by always_on alone"),
        ("doorway_counter", [("inside_m = 0.6", "inside_m = -1.0")], r"doorway\.inside_m is -1\.0"),
        (
            "ceiling_counter",
            [("[sensor]", "[doorway]\ninside_m = 0.6\n\n[sensor]")],
            r"counts who is there, at no door",
        ),
    ],
)  # fmt: skip
def test_nodes_that_cannot_be_are_told_in_one_line(
    name: str, changes: list[tuple[str, str]], complaint: str, tmp_path: Path
) -> None:
    with pytest.raises(BadInputError, match=complaint):
        load_node(with_lines(tmp_path, name, *changes))


def test_who_passes_is_not_taken_for_who_is_there(office: Scenario, node: Node, prediction: DoorwayPrediction) -> None:
    with pytest.raises(BadInputError, match="counts who passes a door, not who is there"):
        predict(office, node, seconds=10, seed=1)
    with pytest.raises(BadInputError, match="counts who passes a door, not who is there"):
        count_recording(node.network, prediction.recording)
    with pytest.raises(BadInputError, match="must be rules such as doorway_rules"):
        predict_doorway(office, load_node("ceiling_counter"), DoorwayRequest())
