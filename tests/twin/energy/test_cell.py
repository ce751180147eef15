"""A battery at a moment: closed forms, limits, and figures published elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.energy.battery_sheet import load_battery
from twin.energy.cell import Cells, behind_capacitor_ohm, cells_of, terminal_v
from twin.energy.demand import Pulse
from twin.energy.uncertainty import Sampled, Typical

ROOM_DEGC = 20.0
FULL = np.ones(1)


def cells(name: str) -> Cells:
    return cells_of(load_battery(name), Typical())


def pulse(
    current_a: float,
    duration_s: float = 0.01,
    rest_s: float = 0.0,
    *,
    needed_v: float = 2.0,
    capacitance_f: float = 0.0,
) -> Pulse:
    return Pulse("test", duration_s, rest_s, np.array([current_a]), np.zeros(1), np.array([needed_v]), capacitance_f)


@given(
    open_v=st.floats(1.0, 5.0),
    current_a=st.floats(0.0, 0.1),
    power_w=st.floats(0.0, 0.1),
    resistance_ohm=st.floats(0.01, 5.0),
)
def test_the_terminal_voltage_solves_its_equation(
    open_v: float, current_a: float, power_w: float, resistance_ohm: float
) -> None:
    reached_v = float(terminal_v(np.array(open_v), np.array(current_a), np.array(power_w), np.array(resistance_ohm)))
    if np.isfinite(reached_v):
        assert reached_v == pytest.approx(open_v - (current_a + power_w / reached_v) * resistance_ohm, rel=1e-9)
    else:
        left_v = open_v - current_a * resistance_ohm
        assert left_v <= 0 or left_v**2 < 4 * power_w * resistance_ohm


def test_more_power_than_a_quarter_of_the_short_circuit_cannot_be_delivered() -> None:
    most_w = 3.0**2 / (4 * 10.0)
    voltages = terminal_v(np.array(3.0), np.array(0.0), np.array([0.999, 1.001]) * most_w, np.array(10.0))
    assert voltages[0] == pytest.approx(1.5, rel=0.05)
    assert np.isnan(voltages[1])


def test_capacity_between_the_tables_currents_follows_the_logarithm() -> None:
    middle_c = cells("aa_alkaline_x2").delivered_c(np.sqrt(np.array([0.025 * 0.1])), ROOM_DEGC)
    assert middle_c[0] / 3.6 == pytest.approx((3000 + 2600) / 2)


def test_cold_takes_capacity_and_adds_resistance() -> None:
    cell = cells("er14505")
    assert cell.delivered_c(np.array([0.01]), -40.0)[0] < 0.6 * cell.delivered_c(np.array([0.01]), ROOM_DEGC)[0]
    assert cell.resistance_ohm(FULL, -40.0)[0] == pytest.approx(4 * cell.resistance_ohm(FULL, ROOM_DEGC)[0])


def test_self_discharge_doubles_every_ten_kelvin() -> None:
    cell = cells("cr2032")
    assert cell.lost_per_s(30.0)[0] == pytest.approx(2 * cell.lost_per_s(20.0)[0])


def test_a_short_pulse_sees_less_resistance_than_a_long_one() -> None:
    cell = cells("li_ion_18650")
    short, long, lasting = (cell.resistance_ohm(FULL, ROOM_DEGC, s)[0] for s in (0.0, 1.0, np.inf))
    assert short == pytest.approx(0.5 * lasting)
    assert long == pytest.approx(lasting * (1 - 0.5 * np.exp(-0.1)))


def test_a_rested_thionyl_cell_sags_more_until_its_layer_is_grown() -> None:
    cell = cells("er14505")
    day_s = 86400.0
    drops = [
        3.67 - cell.pulse_v(pulse(0.05, rest_s=rest_s), FULL, ROOM_DEGC)[0] for rest_s in (0.0, day_s, 300 * day_s)
    ]
    assert drops[0] < drops[1] < drops[2]
    assert drops[2] - drops[0] == pytest.approx(0.05 * 30.0, rel=1e-3)


def test_a_large_capacitor_leaves_the_average_drop_and_none_leaves_all() -> None:
    resistance = np.array([20.0])
    assert behind_capacitor_ohm(resistance, 0.0, 0.01, 0.99)[0] == 20.0
    assert behind_capacitor_ohm(resistance, 100.0, 0.01, 0.99)[0] == pytest.approx(20.0 * 0.01, rel=1e-3)
    assert behind_capacitor_ohm(resistance, 1e-9, 0.01, 0.99)[0] == pytest.approx(20.0)


def test_the_capacitors_drop_is_that_of_the_circuit_integrated_in_time() -> None:
    resistance_ohm, capacitance_f, on_s, off_s, current_a = 30.0, 200e-6, 0.004, 0.02, 0.02
    drop_v, worst_v, step_s = 0.0, 0.0, 1e-6
    for step in range(int(10 * (on_s + off_s) / step_s)):
        is_on = step * step_s % (on_s + off_s) < on_s
        drop_v += (current_a * is_on - drop_v / resistance_ohm) / capacitance_f * step_s
        worst_v = max(worst_v, drop_v)
    shown_ohm = behind_capacitor_ohm(np.array([resistance_ohm]), capacitance_f, on_s, off_s)[0]
    assert current_a * shown_ohm == pytest.approx(worst_v, rel=2e-3)


def test_below_the_lowest_charge_a_pulse_fails_and_above_it_holds() -> None:
    cell, asked = cells("cr2032"), pulse(0.015)
    lowest = cell.lowest_charge_left(asked, ROOM_DEGC)
    assert 0 < lowest[0] < 1
    assert cell.pulse_v(asked, lowest + 1e-6, ROOM_DEGC)[0] > 2.0 > cell.pulse_v(asked, lowest - 1e-6, ROOM_DEGC)[0]


def test_an_easy_pulse_holds_to_the_last_and_an_impossible_one_never() -> None:
    cell = cells("cr2032")
    assert cell.lowest_charge_left(pulse(1e-6), ROOM_DEGC)[0] == 0
    assert np.isinf(cell.lowest_charge_left(pulse(1.0), ROOM_DEGC)[0])


def test_many_cells_at_once_are_the_same_as_each_alone() -> None:
    sheet, draws = load_battery("er14505"), Sampled(seed=3, number=5)
    many = cells_of(sheet, draws).lowest_charge_left(pulse(0.05, rest_s=3600.0, needed_v=2.8), ROOM_DEGC)
    values = {
        "er14505.resistance.scale": draws.of("er14505.resistance.scale", sheet.resistance.scale),
        "er14505.resistance.immediate": draws.of("er14505.resistance.immediate", sheet.resistance.immediate),
        "er14505.resistance.settling": draws.of("er14505.resistance.settling", sheet.resistance.settling_s),
        "er14505.passivation.resistance": draws.of("er14505.passivation.resistance", sheet.passivation.resistance_ohm),  # type: ignore[union-attr]
        "er14505.passivation.growth": draws.of("er14505.passivation.growth", sheet.passivation.growth_s),  # type: ignore[union-attr]
    }
    for index in range(5):
        alone = Typical({key: value[index : index + 1] for key, value in values.items()})
        one = cells_of(sheet, alone).lowest_charge_left(pulse(0.05, rest_s=3600.0, needed_v=2.8), ROOM_DEGC)
        assert one[0] == many[index]


def used_share(current_a: float, *, scale: float = 1.0, capacitance_f: float = 0.0) -> float:
    draws = Typical({"cr2032.resistance.scale": np.array([scale])})
    asked = pulse(current_a, duration_s=0.001, rest_s=0.999, capacitance_f=capacitance_f)
    return 1 - float(cells_of(load_battery("cr2032"), draws).lowest_charge_left(asked, ROOM_DEGC)[0])


def test_thirty_instead_of_fifteen_milliampere_costs_a_coin_cell_a_tenth() -> None:
    """TI SWRA349: 9 % on average of six makers; the end of the resistance table was chosen by it."""
    assert used_share(0.030) / used_share(0.015) - 1 == pytest.approx(-0.09, abs=0.05)


def test_pulses_leave_half_to_all_of_a_coin_cells_charge() -> None:
    """TI on its tests of CR2032: from over all of the rated charge to half of it, at 15 and at 30 mA."""
    assert 0.5 < used_share(0.030) < used_share(0.015) < 1.0


def test_a_capacitor_helps_a_poor_coin_cell_by_more_than_forty_percent() -> None:
    """TI SWRA349: more than 40 % with cells of poor quality; poor is the upper end of the sheet's resistance."""
    assert used_share(0.030, scale=1.5, capacitance_f=100e-6) / used_share(0.030, scale=1.5) > 1.4


def test_alkaline_cells_at_a_current_not_in_the_table() -> None:
    """Duracell Procell: about 2300 mAh at 250 mA; with rests of hours between, so that ours may be 15 % lower."""
    assert cells("aa_alkaline_x2").delivered_c(np.array([0.25]), ROOM_DEGC)[0] / 3.6 == pytest.approx(2300, rel=0.15)


def test_an_18650_at_a_tenth_of_its_capacity() -> None:
    """Batemo's NCR18650B: 3.28 Ah at C/10, 25 degC, to 2.5 V; 3 % for the cell."""
    assert cells("li_ion_18650").delivered_c(np.array([0.34]), 25.0)[0] / 3600 == pytest.approx(3.28, rel=0.03)


def test_aa_lithium_at_one_ampere() -> None:
    """HKJ's L91 of 2019: 3.228 Ah at 1 A; 8 % for cells of different years."""
    assert cells("aa_lithium_x2").delivered_c(np.array([1.0]), ROOM_DEGC)[0] / 3600 == pytest.approx(3.228, rel=0.08)
