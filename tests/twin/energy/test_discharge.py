"""Lives of batteries: closed forms, charge conserved, vector equals scalar, published run times."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasheet.bad_input import BadInputError
from twin.energy.battery_sheet import load_battery
from twin.energy.cell import cells_of
from twin.energy.demand import Pulse, Stretch, Timetable
from twin.energy.discharge import AVERAGE_LOAD, Books, Ending, Lives, lives
from twin.energy.uncertainty import Sampled, Typical
from twin.spans_of_time import YEAR_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

DAY_S = 86400.0
HOUR_S = 3600.0


def stretch(
    current_a: float = 0.0,
    power_w: float = 0.0,
    harvested_w: float = 0.0,
    *,
    duration_s: float = DAY_S,
    pulses: tuple[Pulse, ...] = (),
    number: int = 1,
    degc: float = 20.0,
) -> Stretch:
    one = np.ones(number)
    return Stretch(duration_s, current_a * one, power_w * one, pulses, degc, harvested_w * one)


def pulse(current_a: float, needed_v: float, *, power_w: float = 0.0, name: str = "sending") -> Pulse:
    return Pulse(name, 0.01, 60.0, np.array([current_a]), np.array([power_w]), np.array([needed_v]))


def lasting(name: str, *stretches: Stretch, years: float = 100.0, **instead: float) -> Lives:
    values = {f"{name}.{key.replace('__', '.')}": np.array([value]) for key, value in instead.items()}
    return lives(load_battery(name), Typical(values), Timetable(stretches), years_limit=years, history_of=0)


def out_of_balance(books: Books) -> NDArray[np.float64]:
    values = {f.name: getattr(books, f.name) for f in fields(books)}
    given_c = values.pop("fresh_c") + values.pop("harvested_c")
    return np.asarray(np.abs(given_c - sum(values.values())) / given_c)


@pytest.mark.parametrize("current_ma", [25.0, 50.0, 100.0, 300.0, 1000.0])
def test_a_constant_current_lasts_charge_over_current(current_ma: float) -> None:
    current_a = current_ma / 1e3
    life = lasting("aa_alkaline_x2", stretch(current_a), self_discharge__rate=0.0)
    delivered_c = cells_of(load_battery("aa_alkaline_x2"), Typical()).delivered_c(np.array([current_a]), 20.0)
    assert life.life_s[0] == pytest.approx(delivered_c[0] / current_a, rel=1e-9)
    assert life.charge_c[0] == pytest.approx(delivered_c[0], rel=1e-9)
    assert life.ends_by() == "the battery is empty"


def test_self_discharge_alone_ends_a_life() -> None:
    life = lasting("lipo_1400mah", stretch(), charging__fade=0.0)
    assert life.life_s[0] == pytest.approx(YEAR_S / 12 / 0.03, rel=1e-9)


def test_load_and_self_discharge_add() -> None:
    full_c = 2600 * 3.6
    life = lasting("er14505", stretch(1e-4))
    assert life.life_s[0] == pytest.approx(full_c / (1e-4 + full_c * 0.01 / YEAR_S), rel=1e-9)


def test_thionyl_cells_lose_at_both_ends() -> None:
    """Linden p. 14.30, D cell: 17.0 of 19.0 Ah at 0.2 mA, which is a hundred-thousandth of its charge an hour."""
    slow, rated, fast = (lasting("er14505", stretch(a)).charge_c[0] for a in (2600e-3 / 95000, 2e-3, 20e-3))
    assert slow / rated == pytest.approx(17.0 / 19.0, abs=0.02)
    assert fast / rated == pytest.approx(1850 / 2600, abs=0.01)


def test_a_constant_power_takes_more_current_the_emptier_the_battery() -> None:
    """The energy of the voltage curve over the power, integrated by itself; without resistance."""
    sheet = load_battery("lipo_1400mah")
    life = lasting(
        "lipo_1400mah", stretch(0.0, 5e-3), self_discharge__rate=0.0, resistance__scale=1e-9, charging__fade=0.0
    )
    left = np.linspace(0, 1, 20001)
    volts = np.interp(left, sheet.open_circuit.charge_left.values[0], sheet.open_circuit.voltage_v.values[0])
    assert life.life_s[0] == pytest.approx(np.trapezoid(volts, left) * 1400 * 3.6 / 5e-3, rel=1e-4)


def test_the_life_ends_when_the_pulse_falls_below_what_is_needed_not_with_the_charge() -> None:
    asked = pulse(0.015, 2.4)
    life = lasting("cr2032", stretch(1e-5, pulses=(asked,)), self_discharge__rate=0.0)
    lowest = cells_of(load_battery("cr2032"), Typical()).lowest_charge_left(asked, 20.0)[0]
    assert life.endings[0] == Ending.VOLTAGE
    assert life.pulses == ("sending",)
    assert life.life_s[0] == pytest.approx((1 - lowest) * 240 * 3.6 / 1e-5, rel=1e-9)
    assert life.history is not None
    assert life.history.pulse_v[-1] == pytest.approx(2.4, abs=1e-6)
    assert life.history.time_s[-1] == life.life_s[0]


def test_the_last_moment_is_found_within_the_stretch_that_has_the_pulse() -> None:
    """Only the second half of the day has the pulse: charge falls on through the night, the life ends at noon."""
    asked = pulse(0.015, 2.4)
    night, day = stretch(1e-3, duration_s=12 * HOUR_S), stretch(0.0, duration_s=12 * HOUR_S, pulses=(asked,))
    life = lasting("cr2032", night, day, self_discharge__rate=0.0)
    assert life.life_s[0] % DAY_S == pytest.approx(12 * HOUR_S)


def test_the_years_limit_is_not_passed() -> None:
    life = lasting("aa_lithium_x2", stretch(1e-6), years=7.3)
    assert life.life_s[0] == pytest.approx(7.3 * YEAR_S, rel=1e-11)
    assert life.ends_by() == "it outlives the years computed"


def test_no_time_at_all() -> None:
    assert lasting("cr2032", stretch(1e-6), years=0.0).life_s[0] == 0


def test_a_timetable_that_takes_no_time_is_refused() -> None:
    with pytest.raises(ValueError, match="take time"):
        lasting("cr2032", stretch(1e-6, duration_s=0.0))


def test_cold_hours_cost_what_their_capacity_is_worth() -> None:
    warm = lasting("aa_alkaline_x2", stretch(0.05), self_discharge__rate=0.0).life_s[0]
    cold = lasting("aa_alkaline_x2", stretch(0.05, degc=0.0), self_discharge__rate=0.0).life_s[0]
    assert cold == pytest.approx(0.75 * warm, rel=1e-9)


@settings(deadline=None, max_examples=30)
@given(
    name=st.sampled_from(["cr2032", "aa_alkaline_x2", "er14505", "lipo_1400mah", "li_ion_18650", "lic_40f"]),
    parts=st.lists(
        st.tuples(
            st.floats(60.0, 2 * DAY_S),
            st.floats(0.0, 2e-3),
            st.floats(0.0, 2e-3),
            st.floats(0.0, 2e-2),
            st.floats(-20.0, 50.0),
        ),
        min_size=1,
        max_size=5,
    ),
    years=st.floats(0.0, 4.0),
    seed=st.integers(0, 1000),
)
def test_charge_is_conserved(name: str, parts: list[tuple[float, ...]], years: float, seed: int) -> None:
    sheet = load_battery(name)
    stretches = [
        stretch(current, power, harvested if sheet.rechargeable else 0.0, duration_s=span, number=3, degc=degc)
        for span, current, power, harvested, degc in parts
    ]
    life = lives(sheet, Sampled(seed, 3), Timetable(tuple(stretches)), years_limit=years)
    assert (out_of_balance(life.books) < 1e-9).all()
    assert all((getattr(life.books, f.name) >= -1e-9).all() for f in fields(Books))


@settings(deadline=None, max_examples=30)
@given(
    parts=st.lists(st.tuples(st.floats(60.0, 2 * DAY_S), st.floats(0.0, 2e-3)), min_size=1, max_size=6),
    years=st.floats(0.1, 5.0),
)
def test_the_charge_taken_is_the_integral_over_the_timetable(parts: list[tuple[float, float]], years: float) -> None:
    life = lasting("aa_alkaline_x2", *(stretch(a, duration_s=s) for s, a in parts), years=years)
    rounds, rest_s = divmod(life.life_s[0], sum(span for span, _ in parts))
    taken_c = rounds * sum(span * current for span, current in parts)
    for span, current in parts:
        taken_c += current * min(span, rest_s)
        rest_s = max(0.0, rest_s - span)
    assert life.charge_c[0] == pytest.approx(taken_c, rel=1e-9, abs=1e-12)


def test_self_discharge_is_the_integral_over_the_life() -> None:
    life = lasting("cr2032", stretch(1e-6, duration_s=DAY_S), stretch(2e-6, degc=30.0), years=6.0)
    expected_c = 240 * 3.6 * 0.01 / YEAR_S * 6.0 * YEAR_S * (1 + 2) / 2
    assert life.books.self_discharge_c[0] == pytest.approx(expected_c, rel=1e-3)


def test_many_lives_at_once_are_the_same_as_each_alone() -> None:
    sheet, number = load_battery("cr2032"), 6
    current_a = np.linspace(5e-6, 3e-5, number)
    needed_v = np.linspace(2.0, 2.6, number)

    def timetable(which: slice) -> Timetable:
        asked = Pulse("sending", 0.01, 60.0, np.array([0.01]), np.array([0.005]), needed_v[which])
        day = Stretch(HOUR_S * 10, current_a[which], np.array([1e-5]), (asked,), 20.0, np.zeros(1))
        night = Stretch(HOUR_S * 14, current_a[which] / 3, np.zeros(1), (), 15.0, np.zeros(1))
        return Timetable((day, night))

    many = lives(sheet, Typical(number=number), timetable(slice(None)), years_limit=20)
    for index in range(number):
        alone = lives(sheet, Typical(), timetable(slice(index, index + 1)), years_limit=20)
        assert alone.life_s[0] == many.life_s[index]
        assert alone.pulses[0] == many.pulses[index]


def test_jumps_over_years_end_as_following_every_day(monkeypatch: pytest.MonkeyPatch) -> None:
    day = stretch(2e-3, 8e-3, duration_s=9 * HOUR_S, pulses=(pulse(0.05, 3.3, power_w=0.1),))
    night = stretch(1e-5, duration_s=15 * HOUR_S)
    in_jumps = lasting("li_ion_18650", day, night).life_s[0]
    monkeypatch.setattr("twin.energy.discharge.STEP", 2e-4)
    assert in_jumps == pytest.approx(lasting("li_ion_18650", day, night).life_s[0], rel=1e-4)


def test_enough_light_by_day_carries_a_small_storage_through_the_night() -> None:
    day = stretch(5e-4, harvested_w=8e-3, duration_s=10 * HOUR_S)
    night = stretch(5e-4, duration_s=14 * HOUR_S)
    carried = lasting("lic_40f", day, night, years=10.0)
    assert carried.endings[0] == Ending.YEARS_LIMIT
    assert carried.books.overflow_c[0] > 0


def test_a_storage_too_small_for_the_night_ends_in_the_first() -> None:
    """64 C at 2 mA last 8.9 hours, of which the day before gives all but what the light lacks."""
    day = stretch(2e-3, harvested_w=2e-2, duration_s=10 * HOUR_S)
    night = stretch(2e-3, duration_s=14 * HOUR_S)
    life = lasting("lic_40f", day, night, years=10.0, self_discharge__rate=0.0)
    delivered = cells_of(load_battery("lic_40f"), Typical()).delivered_c(np.array([2e-3]), 20.0)[0]
    assert life.life_s[0] == pytest.approx(10 * HOUR_S + delivered / 2e-3, rel=1e-6)


def test_what_is_put_in_is_kept_but_for_the_charging_loss() -> None:
    used = stretch(0.1, duration_s=HOUR_S)
    lit = stretch(0.0, harvested_w=0.1, duration_s=HOUR_S)
    books = lasting("li_ion_18650", used, lit, years=2 * HOUR_S / YEAR_S, charging__efficiency=0.9).books
    assert books.charging_loss_c[0] == pytest.approx(0.1 * books.harvested_c[0], rel=1e-9)
    assert books.overflow_c[0] == 0


def test_light_that_exceeds_the_load_overflows_from_a_full_battery() -> None:
    books = lasting("li_ion_18650", stretch(1e-3, harvested_w=2e-2), years=1.0, charging__fade=0.0).books
    kept_c = books.self_discharge_c[0] + books.load_c[0] + books.charging_loss_c[0] + books.overflow_c[0]
    assert books.left_c[0] == pytest.approx(books.fresh_c[0])
    assert books.harvested_c[0] == pytest.approx(kept_c)


def test_an_ageing_battery_on_light_ends_when_it_no_longer_lasts_the_night() -> None:
    """64 C shrink by 20 % a year, in the exponent, until they are what a night takes."""
    day, night = stretch(1e-3, harvested_w=2e-2, duration_s=10 * HOUR_S), stretch(1e-3, duration_s=14 * HOUR_S)
    life = lasting("lic_40f", day, night, years=9.0, self_discharge__rate=0.0, charging__fade=0.2 / YEAR_S)
    years = np.log(64.0 / (1e-3 * 14 * HOUR_S)) / 0.2
    assert life.life_s[0] / YEAR_S == pytest.approx(years, rel=0.01)


def test_a_pulse_no_battery_of_this_kind_can_deliver_is_refused_with_the_voltages() -> None:
    with pytest.raises(
        BadInputError, match=r"battery cr2032: the pulse 'sending'; .*down to 2\.\d+ V; needed are 3\.00 V"
    ):
        lasting("cr2032", stretch(1e-6, pulses=(pulse(0.02, 3.0),)))


def test_batteries_that_cannot_deliver_the_pulse_among_others_that_can_live_no_time() -> None:
    asked = stretch(1e-5, pulses=(pulse(0.02, 2.8),), number=200)
    life = lives(load_battery("cr2032"), Sampled(1, 200), Timetable((asked,)), years_limit=20).life_s
    assert 0 < (life == 0).sum() < 150


def test_a_power_no_voltage_can_deliver_is_refused() -> None:
    with pytest.raises(BadInputError, match="battery cr2032: the pulse 'sending'; cannot be delivered at any voltage"):
        lasting("cr2032", stretch(1e-6, pulses=(pulse(0.0, 1.0, power_w=1.0),)))


def test_a_pulse_above_the_makers_limit_is_refused_with_both_numbers() -> None:
    with pytest.raises(BadInputError, match=r"'sending'; takes 40 mA; limits.pulse is 30 mA"):
        lasting("cr2032", stretch(1e-6, pulses=(pulse(0.04, 1.0),)))


def test_a_lasting_load_above_the_makers_limit_is_refused() -> None:
    with pytest.raises(BadInputError, match=rf"{AVERAGE_LOAD}; takes 4.5 mA; limits.continuous is 3 mA"):
        lasting("cr2032", stretch(4.5e-3))


def test_light_on_a_primary_cell_is_refused() -> None:
    with pytest.raises(
        BadInputError, match="battery cr2032: chemistry is 'lithium manganese dioxide'; cannot be charged"
    ):
        lasting("cr2032", stretch(1e-6, harvested_w=1e-5))


def test_the_sensor_alone_empties_1400_mah_in_13_days() -> None:
    life = lasting("lipo_1400mah", stretch(4.5e-3), self_discharge__rate=0.0)
    assert life.life_s[0] / DAY_S == pytest.approx(12.96, abs=0.01)


def test_the_mean_voltage_of_aa_lithium_at_one_ampere() -> None:
    """HKJ, 2019: 4.053 Wh over 3.228 Ah, so 1.256 V a cell; 10 % for a resistance chosen with this known."""
    history = lasting("aa_lithium_x2", stretch(1.0, duration_s=60.0)).history
    assert history is not None
    energy_j = np.trapezoid(history.power_w, history.time_s)
    assert energy_j / history.time_s[-1] / 2 == pytest.approx(4.053 / 3.228, rel=0.10)


def test_the_mean_voltage_of_a_cr123a_at_one_ampere() -> None:
    """HKJ's Panasonic CR123A of 2013: 3.180 Wh over 1.450 Ah, by which the resistance was chosen; 5 %."""
    history = lasting("cr123a", stretch(1.0, duration_s=60.0)).history
    assert history is not None
    energy_j = np.trapezoid(history.power_w, history.time_s)
    assert energy_j / history.time_s[-1] == pytest.approx(3.180 / 1.450, rel=0.05)
