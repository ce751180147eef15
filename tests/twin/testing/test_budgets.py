"""Budgets against a baseline: what grows is caught, what has not changed passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from datasheet.bad_input import BadInputError
from twin.testing.budget_summary import summary
from twin.testing.budgets import BudgetExceededError, Budgets, Comparison, allowed_growth, write_baseline

if TYPE_CHECKING:
    from pathlib import Path

BOARD = "stm32l4a6zg"
MEASURED = {"cycles": 60_000, "ram": 6_520, "flash": 20_000, "energy_uj": 14.95}


@pytest.fixture
def baseline(tmp_path: Path) -> Path:
    path = tmp_path / "baseline.toml"
    renewed = Budgets(path, updates=True)
    renewed.hold("inference", BOARD, "unicorn", MEASURED)
    write_baseline(path, renewed.comparisons)
    return path


def test_what_has_not_changed_passes(baseline: Path) -> None:
    budgets = Budgets(baseline)
    for _ in range(100):
        budgets.hold("inference", BOARD, "unicorn", MEASURED)
    assert {one.verdict for one in budgets.comparisons} == {"within"}


@pytest.mark.parametrize(
    ("value", "grown", "told"),
    [
        ("cycles", 61_800, r"cycles 60,000 -> 61,800: \+1,800 \(\+3.00%\), allowed \+600"),
        ("ram", 6_584, r"ram 6,520 -> 6,584 bytes: \+64 bytes \(\+0.98%\), allowed \+0 bytes"),
        ("flash", 20_201, "flash"),
        ("energy_uj", 15.2, "energy_uj"),
    ],
)
def test_what_grows_beyond_its_tolerance_fails(baseline: Path, value: str, grown: float, told: str) -> None:
    with pytest.raises(BudgetExceededError, match=told):
        Budgets(baseline).hold("inference", BOARD, "unicorn", MEASURED | {value: grown})


def test_what_shrinks_passes_and_is_told(baseline: Path) -> None:
    budgets = Budgets(baseline)
    budgets.hold("inference", BOARD, "unicorn", MEASURED | {"cycles": 50_000})
    assert [one.verdict for one in budgets.comparisons].count("shrank") == 1
    assert "⬇️ | inference" in summary(budgets.comparisons, "b.toml")


def test_another_board_or_an_unknown_budget_needs_a_baseline_of_its_own(baseline: Path) -> None:
    for name, board in (("inference", "stm32l476rg"), ("boot", BOARD)):
        with pytest.raises(BudgetExceededError, match="not in the baseline"):
            Budgets(baseline).hold(name, board, "unicorn", {"cycles": 1})


def test_renewing_keeps_what_was_not_measured(baseline: Path) -> None:
    renewed = Budgets(baseline, updates=True)
    renewed.hold("boot", BOARD, "unicorn", {"cycles": 5})
    renewed.hold("boot", BOARD, "unicorn", {"cycles": 7})
    write_baseline(baseline, renewed.comparisons)
    after = Budgets(baseline)
    after.hold("inference", BOARD, "unicorn", MEASURED)
    after.hold("boot", BOARD, "unicorn", {"cycles": 7})
    with pytest.raises(BudgetExceededError):
        after.hold("boot", BOARD, "unicorn", {"cycles": 8})


def test_tolerances_of_the_file_count(baseline: Path) -> None:
    text = baseline.read_text(encoding="utf-8").replace('cycles = "1 %"', 'cycles = "5 %"')
    baseline.write_text(text, encoding="utf-8")
    Budgets(baseline).hold("inference", BOARD, "unicorn", {"cycles": 62_000})


@pytest.mark.parametrize(
    ("text", "of", "grows"), [("1 %", 200, 2), ("1%", 200, 2), ("32 bytes", 200, 32), ("0", 200, 0), ("0.5 uJ", 1, 0.5)]
)
def test_a_tolerance_is_a_share_or_an_amount(text: str, of: float, grows: float) -> None:
    assert allowed_growth(text, of) == pytest.approx(grows)


@pytest.mark.parametrize("text", ["", "much", "-1 %", "inf", "nan %"])
def test_what_is_no_tolerance_is_refused(baseline: Path, text: str) -> None:
    baseline.write_text(f'[tolerance]\ncycles = "{text}"\n', encoding="utf-8")
    with pytest.raises(BadInputError, match=r"tolerance.*1 %"):
        Budgets(baseline).hold("inference", BOARD, "unicorn", MEASURED)


@pytest.mark.parametrize("value", [float("nan"), -1, float("inf"), True, "7"])
def test_what_is_no_value_is_refused(baseline: Path, value: object) -> None:
    with pytest.raises(BadInputError, match="must be a number"):
        Budgets(baseline).hold("inference", BOARD, "unicorn", {"cycles": value})  # type: ignore[dict-item]


def test_the_summary_begins_with_what_grew_most() -> None:
    place = f"{BOARD} unicorn"
    rows = [Comparison("a", place, "ram", 100, 100, 0), Comparison("b", place, "cycles", 100, 103, 1)]
    lines = summary(rows, "baseline.toml").splitlines()
    assert lines[0] == "### Firmware budgets: 1 of 2 values grew too much"
    assert lines[6] == f"| ❌ | b | {place} | cycles | 100 | 103 | +3 (+3.00%) | +1 |"
    assert lines[7].startswith("| ✅ | a")


def test_numbers_of_numpy_are_numbers(baseline: Path) -> None:
    budgets = Budgets(baseline)
    budgets.hold("inference", BOARD, "unicorn", {"cycles": np.int64(60_000), "energy_uj": np.float32(14.95)})  # type: ignore[dict-item]
    assert [type(one.measured) for one in budgets.comparisons] == [int, float]


@pytest.mark.parametrize("name", ["", 5, None])
def test_a_budget_needs_a_name(baseline: Path, name: object) -> None:
    with pytest.raises(BadInputError, match="must be a text"):
        Budgets(baseline).hold(name, BOARD, "unicorn", MEASURED)  # type: ignore[arg-type]


def test_a_summary_of_values_that_nothing_is_known_of_says_so() -> None:
    head = summary([Comparison("a", BOARD, "ram", None, 100, 0)], "baseline.toml").splitlines()[0]
    assert head == "### Firmware budgets: 1 of 1 values are not in the baseline"
