"""Accuracy over simulated deployments."""

from __future__ import annotations

import json

import numpy as np
import pytest

from datasheet.bad_input import BadInputError
from mcu_models.networks.library import find_network
from scenarios.room import load_scenario
from sensors.grid_eye_sheet import load_grid_eye
from sensors.mount import Mount
from twin.accuracy_prediction import (
    Deployments,
    PredictedAccuracy,
    balanced_accuracies,
    hung_by_hand,
    interval,
    predict_accuracy,
)
from twin.cli import run
from twin.metrics import count_accuracy
from twin.node import scenario_mount

NETWORK = "people_c8_p_fc"
FEW = Deployments(number=3, seconds=30.0, seed=4)


def _predicted(wanted: Deployments, *names: str) -> PredictedAccuracy:
    rooms = [load_scenario(name) for name in names]
    places = [(room, scenario_mount(room)) for room in rooms]
    return predict_accuracy(find_network(NETWORK), places, load_grid_eye("amg8833"), wanted)


@pytest.fixture(scope="module")
def predicted() -> PredictedAccuracy:
    return _predicted(FEW, "office_doorway", "lift_lobby")


def test_balanced_accuracy_is_that_of_the_metrics() -> None:
    rng = np.random.default_rng(3)
    truth, counted = rng.integers(0, 3, 200), rng.integers(0, 4, 200)
    confusion = np.bincount(truth * 4 + counted, minlength=16).reshape(4, 4)
    assert float(balanced_accuracies(confusion)) == pytest.approx(count_accuracy(truth, counted).balanced_accuracy)


def test_deployments_differ_and_the_same_seed_gives_the_same(predicted: PredictedAccuracy) -> None:
    assert predicted.confusion.shape == (2, 3, 4, 4)
    assert predicted.confusion.sum(axis=(2, 3)).tolist() == [[300] * 3] * 2
    assert not np.array_equal(predicted.confusion[0, 0], predicted.confusion[0, 1])
    assert np.array_equal(_predicted(FEW, "lift_lobby").confusion[0], predicted.confusion[1])


def test_another_seed_gives_other_deployments(predicted: PredictedAccuracy) -> None:
    other = _predicted(Deployments(number=3, seconds=30.0, seed=5), "office_doorway")
    assert not np.array_equal(other.confusion[0], predicted.confusion[0])


def test_all_scenarios_count_alike(predicted: PredictedAccuracy) -> None:
    found = predicted.as_dict()
    each = [one["balanced_accuracy"] for one in found["per_scenario"]]
    assert found["balanced_accuracy"] == pytest.approx(np.mean(each))
    assert found["low"] <= found["balanced_accuracy"] <= found["high"]
    assert found["mean_low"] <= found["balanced_accuracy"] <= found["mean_high"]


def test_interval_is_as_wide_as_deployments_differ() -> None:
    """Deployments that are all right or all wrong give the widest interval, equal ones none."""
    right, wrong = np.diag([5, 5, 0, 0]), 5 * np.eye(4, dtype=np.int64)[[1, 0, 3, 2]]
    wrong[2:] = 0
    alike = PredictedAccuracy(("a",), np.array([[right] * 10]), 1)
    assert alike.bounds == (1.0, 1.0)
    mixed = PredictedAccuracy(("a",), np.array([[right, wrong] * 5]), 1)
    assert mixed.bounds == (0.0, 1.0)
    low, high = mixed.mean_interval
    assert 0.1 < low < 0.5 < high < 0.9


def test_interval_holds_nine_tenths() -> None:
    low, high = interval(np.arange(101.0))
    assert (low, high) == pytest.approx((5.0, 95.0))


def test_a_sensor_is_never_hung_above_the_ceiling() -> None:
    room = load_scenario("office_doorway")
    top_m = room.room.ceiling_height_m
    rng = np.random.default_rng(1)
    hung = [hung_by_hand(Mount(2.0, 2.0, top_m), room, rng) for _ in range(50)]
    assert max(one.height_m for one in hung) == top_m
    assert min(one.height_m for one in hung) < top_m - 0.02
    assert all(0 <= one.tilt_deg < 8 for one in hung)


def test_one_deployment_has_no_interval() -> None:
    with pytest.raises(BadInputError, match=r"--deployments .*1.* at least 2"):
        Deployments(number=1)


def test_command_prints_json(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["predict-accuracy", NETWORK, "office_doorway", "lift_lobby", "--deployments", "2", "--seconds", "20"]
    assert run([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["network"] == NETWORK
    assert [one["scenario"] for one in found["per_scenario"]] == ["office_doorway", "lift_lobby"]
    assert run(words) == 0
    assert "lift_lobby" in capsys.readouterr().out


def test_command_refuses_a_scenario_without_anybody(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["predict-accuracy", NETWORK, "open_plan_day", "--deployments", "2", "--seconds", "5"]
    assert run(words) == 2
    assert "nobody was in view" in capsys.readouterr().err


def test_a_run_gives_the_interval(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["run", "office_doorway", "--node", "ceiling_counter", "--level", "host", "--seconds", "12"]
    assert run([*words, "--deployments", "2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["accuracy_over_deployments"]
    assert found["deployments"] == 2
    assert found["low"] <= found["high"]
    assert run([*words, "--deployments", "0", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy_over_deployments"] is None
    assert run([*words, "--deployments", "1"]) == 2
    assert "at least 2" in capsys.readouterr().err
