"""Battery life: closed forms and limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from datasheet.bad_input import BadInputError
from mcu_models.power import Current
from twin.battery import battery_life, charge_bound_s, load_battery

if TYPE_CHECKING:
    from pathlib import Path

DAY_S = 86400.0


def load(typical_a: float, low_a: float | None = None, high_a: float | None = None) -> Current:
    return Current(typical_a, typical_a if low_a is None else low_a, typical_a if high_a is None else high_a)


def test_the_sensor_alone_empties_1400_mah_in_13_days() -> None:
    assert charge_bound_s(load_battery("lipo_1400mah"), 4.5e-3) / DAY_S == pytest.approx(12.96, abs=0.01)


def test_life_is_usable_charge_over_load_and_self_discharge() -> None:
    battery = load_battery("lipo_1400mah")
    month_s = 86400 * 365.25 / 12
    lost_a = 1400e-3 * 3600 * 0.03 / month_s
    expected_s = 1400e-3 * 3600 * 0.85 / (1e-3 + lost_a)
    assert battery_life(battery, load(1e-3)).life_s == pytest.approx(expected_s, rel=1e-3)


def test_without_load_self_discharge_is_what_is_left() -> None:
    life = battery_life(load_battery("lipo_1400mah"), load(0.0))
    assert life.life_s / DAY_S == pytest.approx(0.85 / 0.03 * 365.25 / 12, rel=1e-3)


def test_the_interval_holds_the_life() -> None:
    life = battery_life(load_battery("lipo_1400mah"), load(1e-3, 0.8e-3, 1.5e-3))
    assert life.low_s < life.life_s < life.high_s


def test_an_unknown_battery_names_the_nearest() -> None:
    with pytest.raises(BadInputError, match="lipo_1400mah"):
        load_battery("lipo_1400")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('nominal = { value = 3.7, unit = "A", source = "x", evidence = "assumed" }', "nominal"),
        ('nominal = { value = 3.7, unit = "V", evidence = "assumed" }', "source"),
        ('nominl = { value = 3.7, unit = "V", source = "x", evidence = "assumed" }', "nominl"),
    ],
)
def test_a_bad_sheet_is_refused_with_file_and_key(tmp_path: Path, line: str, reason: str) -> None:
    path = tmp_path / "cell.toml"
    path.write_text(
        f"""title = "cell"
{line}
capacity = {{ value = 1, unit = "A*h", source = "x", evidence = "assumed" }}
usable = {{ value = 1, unit = "", source = "x", evidence = "assumed" }}
self_discharge = {{ value = 1, unit = "percent/month", source = "x", evidence = "assumed" }}
"""
    )
    with pytest.raises(BadInputError, match=rf"cell\.toml.*{reason}"):
        load_battery(str(path))
