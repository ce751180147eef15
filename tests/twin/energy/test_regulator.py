"""Regulators: closed forms, limits, conservation, and what they cannot make."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasheet.bad_input import BadInputError
from datasheet.config import library_names
from twin.energy.regulator import battery_side, check_output, load_regulator, load_switch, needed_input_v, switch_draws
from twin.energy.uncertainty import Sampled, Typical

if TYPE_CHECKING:
    from pathlib import Path

REGULATORS = library_names("twin.regulators")
SWITCHING = ("tps62840", "tps61099", "tps63900")


def taken(name: str, load_a: float, rail_v: float = 3.3) -> tuple[float, float]:
    """Return current and power that the battery gives."""
    sheet = load_regulator(name)
    current_a, power_w = battery_side(sheet, Typical(), rail_v=rail_v, rail_current_a=np.array([load_a]))
    return float(current_a[0]), float(power_w[0])


def needed_v(name: str, lowest_v: float, load_a: float) -> float:
    sheet = load_regulator(name)
    return float(needed_input_v(sheet, Typical(), lowest_rail_v=lowest_v, rail_current_a=np.array([load_a]))[0])


def test_the_ideal_regulator_hands_the_current_on() -> None:
    assert taken("ideal_linear", 4.5e-3) == (4.5e-3, 0.0)
    assert needed_v("ideal_linear", 3.0, 4.5e-3) == 3.0


def test_a_linear_regulator_adds_its_own_current() -> None:
    assert taken("mcp1700", 0.0) == (1.6e-6, 0.0)
    assert taken("mcp1700", 10e-3)[0] == pytest.approx(10e-3 * 1.0002 + 1.6e-6, rel=1e-12)


def test_in_dropout_a_linear_regulator_passes_its_input_on() -> None:
    """MCP1700: 178 mV at 250 mA (DS21826 p. 1)."""
    assert needed_v("mcp1700", 3.0, 250e-3) == pytest.approx(3.178)
    assert needed_v("mcp1700", 3.0, 125e-3) == pytest.approx(3.089, abs=1e-3)
    assert needed_v("mcp1700", 1.71, 1e-3) == 2.3


# Published points: TPS63900 above 80 % at 1 uA, TPS62840 80 % at 1 uA, TPS61099 75 % at 10 uA and 93 % at 10 mA.
@pytest.mark.parametrize(
    ("name", "rail_v", "battery_v", "load_a", "published"),
    [
        ("tps63900", 3.3, 3.6, 1e-6, 0.80),
        ("tps62840", 1.8, 3.6, 1e-6, 0.80),
        ("tps61099", 3.3, 2.4, 1e-5, 0.75),
        ("tps61099", 3.3, 2.4, 1e-2, 0.93),
    ],
)
def test_efficiencies_at_published_points(
    name: str, rail_v: float, battery_v: float, load_a: float, published: float
) -> None:
    current_a, power_w = taken(name, load_a, rail_v)
    assert rail_v * load_a / (current_a * battery_v + power_w) == pytest.approx(published, rel=1e-9)


@pytest.mark.parametrize("name", SWITCHING)
@given(load_a=st.floats(1e-9, 0.4))
def test_no_converter_gives_more_than_it_takes(name: str, load_a: float) -> None:
    current_a, power_w = taken(name, load_a)
    assert power_w >= 3.3 * load_a
    assert current_a > 0


@pytest.mark.parametrize("name", REGULATORS)
def test_more_load_takes_more_from_the_battery(name: str) -> None:
    loads = np.geomspace(1e-8, 0.2, 60)
    given_w = [current_a * 3.6 + power_w for current_a, power_w in (taken(name, float(load)) for load in loads)]
    assert np.all(np.diff(given_w) > 0)


@pytest.mark.parametrize("name", SWITCHING)
def test_without_load_the_quiescent_current_is_left(name: str) -> None:
    current_a, power_w = taken(name, 0.0)
    assert (current_a, power_w) == (load_regulator(name).quiescent_a.value, 0.0)


def test_what_steps_up_works_down_to_its_lowest_input() -> None:
    assert needed_v("tps61099", 3.0, 10e-3) == 0.7
    assert needed_v("tps63900", 3.0, 10e-3) == 1.8


def test_a_buck_passes_its_input_through_its_resistance() -> None:
    assert needed_v("tps62840", 3.0, 100e-3) == pytest.approx(3.0 + 100e-3 * 0.5)


@pytest.mark.parametrize("name", REGULATORS)
def test_many_lives_equal_one_by_one(name: str) -> None:
    sheet, draws = load_regulator(name), Sampled(seed=7, number=5)
    loads = np.array([0.0, 1e-6, 1e-4, 1e-2, 0.1])
    together = battery_side(sheet, draws, rail_v=3.3, rail_current_a=loads)
    for index, load_a in enumerate(loads):
        values = {key: draws.of(key, q)[index] for key, q in _single_values(name)}
        alone = battery_side(sheet, Typical(instead=values), rail_v=3.3, rail_current_a=np.array([load_a]))
        assert [part[0] for part in alone] == pytest.approx([part[index] for part in together], rel=1e-12)


def _single_values(name: str) -> list[tuple[str, object]]:
    sheet = load_regulator(name)
    fields = {"quiescent": sheet.quiescent_a, "ground_share": sheet.ground_share, "resistance": sheet.resistance_ohm}
    fields |= {"dropout_scale": sheet.dropout_scale, "efficiency_loss_scale": sheet.efficiency_loss_scale}
    return [(f"{name}.{key}", quantity) for key, quantity in fields.items() if quantity is not None]


def test_a_load_switch_draws_its_own_current_on_and_leaks_off() -> None:
    """TPS22916: 0.5 uA on, 10 nA off (SLVSDO5F)."""
    sheet = load_switch("tps22916")
    on, off = (switch_draws(sheet, "sensor", is_on=is_on) for is_on in (True, False))
    assert [(d.key, d.quantity.value * d.factor) for d in (*on, *off)] == [
        ("tps22916.quiescent", 0.5e-6),
        ("tps22916.leakage", 10e-9),
    ]


def test_a_regulator_is_no_load_switch() -> None:
    with pytest.raises(BadInputError, match="is a regulator of kind 'linear'"):
        load_switch("tps7a02")


@pytest.mark.parametrize(
    ("name", "rail_v", "battery_v", "words"),
    [
        ("ideal_linear", 5.0, (3.0, 4.2), r"is 5\.0; a linear regulator cannot make this from the battery's 4\.2 V"),
        ("tps62840", 3.3, (2.0, 3.0), "a buck converter cannot make this"),
        ("tps61099", 3.3, (3.0, 4.2), "a boost converter cannot go below the full battery's 4.2 V"),
        ("tps7a02", 0.5, (3.0, 4.2), "gives 0.8 to 5 V"),
        ("mcp1700", 3.3, (6.0, 8.4), "takes 6 V at its input"),
    ],
)
def test_rails_that_cannot_be_made(name: str, rail_v: float, battery_v: tuple[float, float], words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        check_output("n.toml", "supply.board.supply_v", load_regulator(name), rail_v, battery_v)


def test_rails_that_can_be_made() -> None:
    for name, rail_v, battery_v in [
        ("direct", 3.3, (2.0, 3.2)),
        ("ideal_linear", 1.8, (3.0, 4.2)),
        ("tps61099", 3.3, (1.8, 3.2)),
        ("tps63900", 3.3, (2.0, 3.6)),
    ]:
        check_output("n.toml", "supply.board", load_regulator(name), rail_v, battery_v)


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("mcp1700", 'kind = "linear"', 'kind = "buck"', "efficiency is required for kind 'buck'"),
        ("tps62840", 'kind = "buck"', 'kind = "linear"', "has no meaning for kind 'linear'"),
        ("tps62840", "0.80, 0.87", "1.80, 0.87", "efficiency must be above 0 and at most 1"),
        ("tps62840", "[1e-6, 1e-5", "[1e-4, 1e-5", "efficiency_load must ascend"),
        ("tps62840", "[0.80, 0.87,", "[0.87,", "lists of the same length"),
        (
            "mcp1700",
            'quiescent = { value = 1.6, unit = "uA"',
            'quiescent = { value = -1.6, unit = "uA"',
            "negative|low",
        ),
        ("mcp1700", "[0.0007, 0.178]", "[-0.0007, 0.178]", r"dropout is -0\.0007; must not be negative"),
        ("mcp1700", 'kind = "linear"', 'kind = "magic"', "kind is 'magic'"),
    ],
)
def test_sheets_that_contradict_themselves_are_refused_in_one_line(
    tmp_path: Path, name: str, old: str, new: str, words: str
) -> None:
    text = resources.files("twin.regulators").joinpath(f"{name}.toml").read_text()
    assert old in text
    own = tmp_path / "own.toml"
    own.write_text(text.replace(old, new))
    with pytest.raises(BadInputError, match=words) as raised:
        load_regulator(str(own))
    assert "\n" not in str(raised.value)
