"""Batteries as data: the library loads, and what contradicts itself is refused in one line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from datasheet.bad_input import BadInputError
from datasheet.config import find_in_library
from twin.energy.battery_sheet import LIBRARY, load_battery

BATTERIES = (
    "aa_alkaline_x2",
    "aa_lithium_x2",
    "cr123a",
    "cr2032",
    "er14505",
    "li_ion_18650",
    "lic_40f",
    "lipo_1400mah",
)


@pytest.mark.parametrize("name", BATTERIES)
def test_a_battery_of_the_library_loads_with_a_source_for_every_value(name: str) -> None:
    sheet = load_battery(name)
    assert sheet.stem == name
    assert sheet.rated_charge_c > 0
    assert sheet.cut_off_v.value < sheet.nominal_v.value < sheet.open_circuit.voltage_v.values[0][-1] * 1.1


def test_only_lithium_ion_can_be_charged() -> None:
    chargeable = {name for name in BATTERIES if load_battery(name).rechargeable}
    assert chargeable == {"li_ion_18650", "lic_40f", "lipo_1400mah"}


def test_only_lithium_thionyl_chloride_passivates() -> None:
    assert [name for name in BATTERIES if load_battery(name).passivation] == ["er14505"]


def test_an_unknown_battery_names_the_nearest() -> None:
    with pytest.raises(BadInputError, match="did you mean 'cr2032'"):
        load_battery("cr2023")


def changed(tmp_path: Path, name: str, old: str, new: str) -> Path:
    text = Path(find_in_library(name, LIBRARY)).read_text()
    assert re.search(old, text, re.MULTILINE), old
    path = tmp_path / "mine.toml"
    path.write_text(re.sub(old, new, text, count=1, flags=re.MULTILINE))
    return path


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            r"lithium manganese dioxide",
            "lithium sulphur",
            r"chemistry is 'lithium sulphur'.*'lithium thionyl chloride'",
        ),
        (r"lithium manganese dioxide", "lithium ion", r"chemistry is 'lithium ion'; needs a charging table"),
        (r"^current = \{ values = \[0.03, 0.2", "current = { values = [0.2, 0.03", r"capacity\.current.*rising"),
        (r"^current = \{ values = \[0.03", "current = { values = [-0.03", r"capacity\.current.*above 0"),
        (r"^charge = \{ values = \[240, ", "charge = { values = [", r"capacity\.charge.*5 values"),
        (r"^voltage = \{ values = \[2.3, 2.6", "voltage = { values = [2.7, 2.6", r"voltage.*must not fall"),
        (r"^resistance = \{ values = \[160", "resistance = { values = [60", r"resistance.*must not rise"),
        (r"^charge_left = \{ values = \[0, 0.1,", "charge_left = { values = [0.05, 0.1,", r"charge_left.*from 0 to 1"),
        (r"^cut_off = \{ value = 2", "cut_off = { value = 4", r"cut_off\.value is 4.*below the nominal"),
        (r"^rate = \{ value = 1,", "rate = { value = -1,", r"rate\.value"),
        (r"^pulse = \{ value = 30", "pulse = { value = 1", r"limits\.pulse\.value"),
        (r"^immediate = \{ value = 0.9", "immediate = { value = 1.9", r"immediate\.value"),
        (r"^settling = \{ value = 0.005", "settling = { value = 0", r"settling\.value"),
    ],
)
def test_what_contradicts_itself_is_refused_with_file_key_and_value(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    with pytest.raises(BadInputError, match=rf"mine\.toml: .*{said}") as refused:
        load_battery(str(changed(tmp_path, "cr2032", old, new)))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("key", ["capacity", "resistance"])
def test_no_scale_turns_a_table_round(tmp_path: Path, key: str) -> None:
    """A charge or resistance below nothing would live for ever."""
    old = rf"(\[{key}\].*?^scale = \{{ value = 1,[^\n]*low = )[\d.]+"
    path = changed(tmp_path, "cr2032", rf"(?s){old}", r"\g<1>-1")
    with pytest.raises(BadInputError, match=rf"{key}\.scale\.low is -1\.0; must be above 0"):
        load_battery(str(path))


def test_a_primary_cell_with_a_charging_table_is_refused(tmp_path: Path) -> None:
    path = changed(tmp_path, "li_ion_18650", 'chemistry = "lithium ion"', 'chemistry = "alkaline"')
    with pytest.raises(BadInputError, match="chemistry is 'alkaline'; must have no charging table"):
        load_battery(str(path))


def test_the_voltage_at_which_charging_stops_is_that_of_the_full_battery(tmp_path: Path) -> None:
    path = changed(tmp_path, "li_ion_18650", "^full = { value = 4.2", "full = { value = 4.1")
    with pytest.raises(BadInputError, match=r"charging\.full\.value is 4\.1; must be the open-circuit voltage"):
        load_battery(str(path))


def test_an_empty_battery_is_not_below_its_cut_off(tmp_path: Path) -> None:
    path = changed(tmp_path, "cr2032", "^cut_off = { value = 2,", "cut_off = { value = 2.5,")
    with pytest.raises(BadInputError, match=r"cut_off\.value is 2\.5; must not be above"):
        load_battery(str(path))


def test_warmth_gives_no_more_than_the_table(tmp_path: Path) -> None:
    """A factor above 1 would take charge out that was never in."""
    path = changed(tmp_path, "aa_alkaline_x2", r"\[0.4, 0.75, 1, 1\]", "[0.4, 0.75, 1, 1.05]")
    with pytest.raises(BadInputError, match=r"by_temperature\.factor; must be at most 1"):
        load_battery(str(path))
