"""Other loads: currents and resistors by state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from datasheet.bad_input import BadInputError
from datasheet.config import library_names
from twin.energy.fixed_load import check_load, load_draws, load_fixed_load
from twin.energy.uncertainty import plausible_range

if TYPE_CHECKING:
    from pathlib import Path


def current_a(name: str, state: str, duty: float = 1.0, rail_v: float = 3.3) -> float:
    draws = load_draws(load_fixed_load(name), state, rail="board", rail_v=rail_v, duty=duty)
    return sum(draw.quantity.value * draw.factor for draw in draws)


@pytest.mark.parametrize("name", library_names("twin.loads"))
def test_every_load_draws_something_in_some_state(name: str) -> None:
    assert max(current_a(name, state) for state in load_fixed_load(name).states) > 0


def test_a_resistor_draws_by_ohms_law() -> None:
    assert current_a("i2c_pullups", "both_low", rail_v=1.8) == pytest.approx(2 * 1.8 / 4700)
    assert current_a("i2c_pullups", "idle") == 0


def test_the_range_of_a_resistor_is_turned_round() -> None:
    draw = load_draws(load_fixed_load("i2c_pullups"), "both_low", rail="board", rail_v=3.3)[0]
    assert plausible_range(draw.quantity) == (1 / 10_000, 1 / 2_200)
    assert draw.key == "i2c_pullups.states.both_low.resistors.clock"


def test_a_duty_scales_the_current() -> None:
    assert current_a("indicator_led", "on", duty=0.01) == pytest.approx(20e-6)


def test_published_currents_of_the_camera() -> None:
    """OpenMV Cam H7: less than 150 mA; OV7725: 120 mW, 20 uA powered down."""
    assert current_a("openmv_cam_h7", "active", rail_v=5.0) == 0.15
    assert current_a("ov7725", "active") * 3.3 == pytest.approx(0.12, rel=2e-3)
    assert current_a("ov7725", "power_down") == 20e-6


@pytest.mark.parametrize(
    ("state", "rail_v", "words"),
    [("blinking", 3.3, r"loads\[0\]\.state is 'blinking'"), ("on", 1.8, "takes 2 to 5.5 V")],
)
def test_a_state_or_a_rail_that_does_not_fit(state: str, rail_v: float, words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        check_load("n.toml", "loads[0]", load_fixed_load("indicator_led"), state, rail_v)


@pytest.mark.parametrize(
    ("states", "words"),
    [
        (
            '[states.on.currents]\nx = { value = -1, unit = "mA", source = "s", evidence = "assumed" }',
            "must not be neg",
        ),
        (
            '[states.on.resistors]\nx = { value = 0, unit = "ohm", source = "s", evidence = "assumed" }',
            "must be above 0",
        ),
        ("[states]", "at least one state"),
    ],
)
def test_sheets_that_cannot_be_meant(tmp_path: Path, states: str, words: str) -> None:
    own = tmp_path / "own.toml"
    supply = 'supply = { value = 3.3, unit = "V", source = "s", evidence = "assumed" }'
    own.write_text(f'title = "x"\n{supply}\n{states}\n')
    with pytest.raises(BadInputError, match=words):
        load_fixed_load(str(own))
