"""The table says what each precision costs, and what runs where."""

from __future__ import annotations

from typing import Any

from training.quantisation_table import quantisation_table

SAME = {"accuracy": 0.0, "weighted_f1": 0.0, "mse": 0.0, "mae": 0.0}


def result(left_out: int | None, scores: dict[str, dict[str, tuple[int, float]]], best: str | None) -> dict[str, Any]:
    """Return a result whose `scores` are frames and balanced accuracy by test and precision."""
    precisions = next(iter(scores.values()))
    files = {
        name: {"bytes": 1000 + len(name), "runs_on_mcu": name != "float16", "refusal": None} for name in precisions
    }
    if "float16" in files:
        files["float16"]["refusal"] = "network: no such type"
    judged = {
        test: {name: {"frames": n, "balanced_accuracy": score, **SAME} for name, (n, score) in found.items()}
        for test, found in scores.items()
    }
    network = {"family": "cnn_lstm", "architecture": "C8-P-L8-FC", "window": 3, "seed": 1, "left_out": left_out}
    return network | {"files": files, "judged": judged, "best_int8": best}


def cells(table: str, precision: str) -> list[str]:
    (line,) = [line for line in table.splitlines() if f"| {precision} |" in line]
    return [cell.strip() for cell in line.strip("|").split("|")][4:]


def test_losses_are_points_below_float32_and_recorded_sessions_weigh_by_their_frames() -> None:
    table = quantisation_table(
        [
            result(None, {
                "simulated": {"float32": (9, 0.8), "float16": (9, 0.8), "int8": (9, 0.785)},
                "session 2": {"float32": (30, 0.7), "float16": (30, 0.7), "int8": (30, 0.71)},
                "session 3": {"float32": (10, 0.3), "float16": (10, 0.3), "int8": (10, 0.31)},
            }, "int8"),
        ]
    )  # fmt: skip
    assert cells(table, "float32") == ["1,007", "80.0", "0.0", "60.0", "0.0", "yes"]
    assert cells(table, "int8 *") == ["1,004", "78.5", "1.5", "61.0", "-1.0", "yes"]
    assert cells(table, "float16")[-1] == "no"
    assert table.endswith("\nfloat16 of cnn_lstm: network: no such type\n")


def test_results_of_sessions_left_out_are_one_row_and_what_is_not_there_is_a_dash() -> None:
    table = quantisation_table(
        [
            result(2, {"session 2": {"int8": (30, 0.8), "int8_qat": (30, 0.6)}}, "int8"),
            result(3, {"session 3": {"int8": (10, 0.4), "int8_qat": (10, 0.2)}}, "int8_qat"),
        ]
    )
    assert cells(table, "int8") == ["1,004", "-", "-", "70.0", "-", "yes"]
    assert "*" not in table


def test_a_dynamic_range_file_in_which_nothing_changed_is_pointed_out() -> None:
    found = result(None, {"simulated": {"float32": (1, 1.0), "dynamic_range": (1, 1.0)}}, None)
    assert "no weight has 1024 elements" not in quantisation_table([found])
    found["files"]["dynamic_range"]["bytes"] = found["files"]["float32"]["bytes"]
    assert "no weight has 1024 elements" in quantisation_table([found])
