"""Fronts, deployed networks, predicted against real."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.pareto import pareto_front
from training.predicted_accuracy import Comparison, compare, comparison_table, trust
from training.quantisation import PRECISIONS
from training.study_report import deployed, deployed_table, draw, fronts, main

if TYPE_CHECKING:
    from pathlib import Path

_POINT = st.tuples(st.integers(1, 9), st.integers(1, 9))


def _row(architecture: str, parameters: int, macs: int, balanced: float, **more: Any) -> dict[str, Any]:
    one = {"mean": balanced, "deviation": 0.01}
    figures = dict.fromkeys(("balanced_accuracy", "accuracy", "weighted_f1", "mse", "mae"), one)
    row = {"family": "single_frame_cnn", "architecture": architecture, "window": 1, "seed": 1, "precision": "float32"}
    return {**row, "parameters": parameters, "macs": macs, "tested_on": "simulated", "figures": figures, **more}


ROWS = [
    _row("C8-P-FC", 372, 2880, 0.70),
    _row("C8-FC", 500, 2800, 0.62),
    _row("C8-P-C8-FC", 700, 3200, 0.78),
    _row("C64-FC", 9000, 20000, 0.71),
    _row("C16-P-C16-FC", 2548, 7552, 0.82),
]


@given(st.lists(_POINT, min_size=1, max_size=20))
def test_front_is_what_nothing_beats(points: list[tuple[int, int]]) -> None:
    front = [points[k] for k in pareto_front([one[0] for one in points], [one[1] for one in points])]
    unbeaten = {
        one for one in points if not any(other != one and other[0] <= one[0] and other[1] >= one[1] for other in points)
    }
    assert set(front) == unbeaten
    assert len(front) == len(unbeaten)
    assert front == sorted(front)


def test_fronts_leave_out_what_costs_more_and_counts_worse() -> None:
    assert [row["architecture"] for row in fronts(ROWS, "macs")["float32"]] == [
        "C8-FC", "C8-P-FC", "C8-P-C8-FC", "C16-P-C16-FC",
    ]  # fmt: skip


def test_deployed_ones_have_the_published_names() -> None:
    rows = [*ROWS, _row("C8-P-FC", 372, 2880, 0.5, precision="int8")]
    chosen = {name: row["architecture"] for name, row in deployed(rows).items()}
    assert chosen == {
        "Top": "C16-P-C16-FC", "Size-H": "C8-P-C8-FC", "Size-L": "C8-P-FC", "MAC-H": "C8-P-C8-FC", "MAC-L": "C8-FC",
        "Top-Q": "C8-P-FC", "Size-H-Q": "C8-P-FC", "Size-L-Q": "C8-P-FC", "MAC-H-Q": "C8-P-FC", "MAC-L-Q": "C8-P-FC",
    }  # fmt: skip
    assert "| MAC-L | single_frame_cnn | 1 | C8-FC | float32 | 62.0 ± 1.0 % |" in deployed_table(rows)


def test_int8_by_training_is_deployed_like_int8() -> None:
    rows = [_row("C8-P-FC", 372, 2880, 0.5, precision="int8"), _row("C8-FC", 500, 2800, 0.7, precision="int8_qat")]
    assert deployed(rows)["Top-Q"] is rows[1]


@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_precision_alone_can_be_drawn(precision: str) -> None:
    figure = draw([{**row, "precision": precision} for row in ROWS], "simulated")
    assert [precision in panel.get_ylabel() for panel in figure.axes] == [True, True]


def test_predictions_are_held_against_the_same_network_alone() -> None:
    real = [
        _row("C8-P-FC", 372, 2880, 0.66, tested_on="recorded"),
        _row("C8-P-C8-FC", 700, 3200, 0.81, tested_on="recorded"),
        _row("C16-P-C16-FC", 2548, 7552, 0.80, tested_on="recorded"),
        _row("C8-P-FC", 372, 2880, 0.10, tested_on="recorded", seed=2),
    ]
    compared = compare([*ROWS, *real])
    assert [one.predicted for one in compared] == [0.82, 0.78, 0.70]
    found = trust(compared)
    assert found.networks == 3
    assert found.mean_difference == pytest.approx(0.03)
    assert found.bias == pytest.approx(0.01)
    assert found.rank_correlation == pytest.approx(0.5)
    assert "rank correlation 0.50" in comparison_table(compared)


@pytest.mark.parametrize(
    ("pairs", "begins"),
    [
        ([(0.7, 0.6)], "1 network: mean absolute difference 10.0 points, bias +10.0"),
        ([(0.7, 0.6), (0.8, 0.9)], "2 networks: "),
        ([(0.7, 0.6), (0.7, 0.7), (0.7, 0.8)], "3 networks: "),
        ([(0.6, 0.7), (0.7, 0.7), (0.8, 0.7)], "3 networks: "),
    ],
)
def test_ranks_that_are_not_defined_are_said_so(pairs: list[tuple[float, float]], begins: str) -> None:
    """There are too few, or all are equal."""
    amount = comparison_table([Comparison("a", *pair) for pair in pairs]).splitlines()[-1]
    assert amount.startswith(begins)
    assert amount.endswith(", rank correlation not defined.")


def test_report_writes_pictures_and_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "summary.json"
    path.write_text(json.dumps([*ROWS, *({**row, "tested_on": "recorded"} for row in ROWS)]))
    main([str(path)])
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        "accuracy_on_recorded.png", "accuracy_on_simulated.png", "deployed_on_recorded.md", "deployed_on_simulated.md",
        "predicted_and_real.md", "summary.json",
    ]  # fmt: skip
    assert capsys.readouterr().out.count("\n") == 5
    assert (tmp_path / "accuracy_on_recorded.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("text", ["", "[]", "{}", '[{"family": "single_frame_cnn"}]'])
def test_what_is_no_summary_is_refused(tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "summary.json"
    path.write_text(text)
    with pytest.raises(SystemExit) as ended:
        main([str(path)])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "summary.json" in said
    assert said.count("\n") == 1
