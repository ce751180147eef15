"""Supply currents by power state, supply and voltage range, against what was published."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from datasheet.bad_input import BadInputError
from mcu_models.boards.board import Board, board_names, find_board
from mcu_models.emulators.virtual_clock import PowerState
from mcu_models.power import (
    FIXED_MODES,
    SupplyPoint,
    average_currents,
    current_of,
    state_current,
    state_draws,
    wake_up_time,
)

if TYPE_CHECKING:
    from pathlib import Path

RUN_80 = PowerState("run", 80_000_000)
RUN_120 = PowerState("run", 120_000_000)
RUN_280 = PowerState("run", 280_000_000)


def power_w(board: str, state: PowerState, supply: str = "") -> float:
    """Return the power at the supply's own voltage."""
    power = find_board(board).sheet.power
    supply_v = power.supplies[supply].supply_v if supply else power.supply_v
    return state_current(power, state, SupplyPoint(supply)).typical_a * supply_v.value


@pytest.mark.parametrize("name", board_names())
@pytest.mark.parametrize("mode", ["run", "sleep", *FIXED_MODES])
def test_the_draws_of_a_state_add_up_to_its_current(name: str, mode: str) -> None:
    power = find_board(name).sheet.power
    state = PowerState(mode, 16_000_000)
    total_a = sum(draw.quantity.value * draw.factor for draw in state_draws(name, power, state))
    assert total_a == pytest.approx(state_current(power, state).typical_a, rel=1e-12)


def test_keys_of_draws_lead_to_the_values_in_the_file() -> None:
    power = find_board("stm32l4r5zi").sheet.power
    assert [d.key for d in state_draws("b", power, RUN_120)] == ["b.power.run.static", "b.power.run.dynamic"]
    assert [d.key for d in state_draws("b", power, RUN_80)][1] == "b.power.run.ranges.range1.dynamic"
    there = SupplyPoint("smps_3v0")
    assert [d.key for d in state_draws("b", power, RUN_120, there)][1] == "b.power.supplies.smps_3v0.run.dynamic"
    assert [d.key for d in state_draws("b", power, PowerState("stop2", 0))] == ["b.power.stop2"]


# Energy over latency: arXiv:2304.06059, table IV, first, last and longest of ten networks at 1.8 V, 80 MHz.
@pytest.mark.parametrize(("energy_j", "latency_s"), [(17.18e-6, 1.10e-3), (120.43e-6, 7.74e-3), (20.45e-6, 1.32e-3)])
def test_published_energies_of_people_counters_follow_from_their_latencies(energy_j: float, latency_s: float) -> None:
    assert power_w("stm32l4a6zg", RUN_80) * latency_s == pytest.approx(energy_j, rel=0.02)


# Energy over latency of MLPerf Tiny, keyword spotting of each supply text: v1.2, v0.5, v0.7, v1.3; v1.2 and v0.7.
@pytest.mark.parametrize(
    ("board", "state", "supply", "energy_j", "latency_s"),
    [
        ("stm32l4r5zi", RUN_120, "", 1820.5e-6, 43.187e-3),
        ("stm32l4r5zi", RUN_120, "ldo_1v8_reference", 7373.7e-6, 181.917e-3),
        ("stm32l4r5zi", RUN_120, "smps_3v0", 1430.7e-6, 43.419e-3),
        ("stm32l4r5zi_dual_bank", RUN_120, "", 4635.7e-6, 97.647e-3),
        ("stm32h7a3zi", RUN_280, "", 1375.6e-6, 11.318e-3),
        ("stm32h7a3zi", RUN_280, "smps_3v3", 2721.8e-6, 16.76e-3),
        ("stm32h7a3zi", RUN_280, "smps_3v0_first_round", 3713.2e-6, 22.29e-3),
    ],
)
def test_published_energies_follow_from_their_latencies(
    board: str, state: PowerState, supply: str, energy_j: float, latency_s: float
) -> None:
    assert power_w(board, state, supply) * latency_s == pytest.approx(energy_j, rel=0.05)


def test_behind_a_linear_regulator_the_current_is_constant() -> None:
    power = find_board("stm32l4a6zg").sheet.power
    at_3v3 = state_current(power, RUN_80, SupplyPoint(rail_v=3.3))
    assert at_3v3 == state_current(power, RUN_80)


def test_behind_a_switching_converter_the_power_is_constant() -> None:
    power = find_board("stm32h7a3zi").sheet.power
    at_2v = state_current(power, RUN_280, SupplyPoint(rail_v=2.0)).typical_a
    assert at_2v * 2.0 == pytest.approx(state_current(power, RUN_280).typical_a * 3.0, rel=1e-12)
    asleep = PowerState("stop2", 0)
    assert state_current(power, asleep, SupplyPoint(rail_v=2.0)) == state_current(power, asleep)


def test_a_lower_voltage_range_draws_less_at_the_same_clock() -> None:
    power = find_board("stm32l4a6zg").sheet.power
    slow = PowerState("run", 26_000_000)
    by_range = [state_current(power, slow, SupplyPoint(range_name=name)).typical_a for name in ("", "range2")]
    assert by_range == [pytest.approx(26e6 * 108e-12), pytest.approx(26e6 * 91e-12)]


# DS12110 Rev 10, table 129, revision V, from ITCM, peripherals off; one row of VOS3 is 12 % off the line of all four.
@pytest.mark.parametrize(
    ("clock_mhz", "current_a"), [(25, 12e-3), (60, 16e-3), (144, 35e-3), (200, 47e-3), (400, 110e-3)]
)
def test_currents_of_the_h743_by_clock(clock_mhz: int, current_a: float) -> None:
    power = find_board("stm32h743vi").sheet.power
    model_a = state_current(power, PowerState("run", clock_mhz * 1_000_000)).typical_a
    assert model_a == pytest.approx(current_a, rel=0.13)


@pytest.mark.parametrize("name", board_names())
def test_every_run_current_lies_within_its_range(name: str) -> None:
    power = find_board(name).sheet.power
    for supply in ("", *power.supplies):
        current = state_current(power, PowerState("run", 64_000_000), SupplyPoint(supply))
        assert 0 < current.low_a <= current.typical_a <= current.high_a


def test_averages_are_weighted_by_time() -> None:
    power = find_board("stm32l4a6zg").sheet.power
    averages = average_currents(power, {RUN_80: 1.0, PowerState("stop2", 0): 3.0})
    assert averages["run 80 MHz"].typical_a == pytest.approx(8.64e-3 / 4)
    assert averages["stop2"] == current_of(power.stop2_a).scaled(0.75)


def test_waking_up_from_a_deeper_mode_takes_longer() -> None:
    power = find_board("stm32l4a6zg").sheet.power
    times_s = [wake_up_time(power, mode).value for mode in ("stop2", "standby", "shutdown")]
    assert times_s == sorted(times_s)
    with pytest.raises(ValueError, match="hibernate"):
        wake_up_time(power, "hibernate")


@pytest.mark.parametrize(
    ("state", "point", "words"),
    [
        (PowerState("hibernate", 0), SupplyPoint(), "hibernate"),
        (RUN_80, SupplyPoint("smps"), "known: ldo_1v8_reference, not_stated, smps_3v0"),
        (RUN_80, SupplyPoint(range_name="range3"), "known: range1, range2"),
    ],
)
def test_what_the_sheet_does_not_know(state: PowerState, point: SupplyPoint, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        state_current(find_board("stm32l4r5zi").sheet.power, state, point)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("stop2 = { value = 2.86", "stop2 = { value = -2.86", "must not be negative|low <= value"),
        ("shutdown = { value = 0.025", "shutdown = { value = 25", "shutdown must not draw more than standby"),
        ("dynamic = { value = 37", "dynamic = { value = 370", "sleep must not draw more than run|low <= value"),
    ],
)
def test_contradicting_currents_are_refused_in_one_line(tmp_path: Path, old: str, new: str, words: str) -> None:
    board: Board = find_board("stm32l4a6zg")
    shutil.copytree(board.folder, tmp_path / "own")
    file = tmp_path / "own" / "board.toml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    with pytest.raises(BadInputError, match=words) as raised:
        find_board(str(tmp_path / "own"))
    assert "\n" not in str(raised.value)
