"""Loading datasheets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from datasheet.bad_input import BadInputError
from datasheet.quantity import Ampere, Celsius, DegreeTable, Dimension, Ratio, Volt
from datasheet.sheet import Sheet, assumed_keys, load_sheet

if TYPE_CHECKING:
    from pathlib import Path


class Rail(Sheet):
    supply_v: Volt


class Part(Sheet):
    name: str
    normal_current_a: Ampere
    gain: Ratio | None = None
    case_degc: Celsius | None = None
    directions_deg: DegreeTable | None = None
    rails: dict[str, Rail] = Field(default_factory=dict)
    spares: tuple[Rail, ...] = ()


CURRENT = 'normal_current = { value = 4.5, unit = "mA", source = "DS p. 2", evidence = "datasheet", high = 5 }\n'
GOOD = 'name = "part"\n' + CURRENT
ASSUMED_VOLT = '{ value = 1, unit = "V", source = "guess", evidence = "assumed" }'


def sheet_file(folder: Path, text: str) -> Path:
    path = folder / "part.toml"
    path.write_text(text)
    return path


def test_values_are_converted_to_si_and_keep_their_source(tmp_path: Path) -> None:
    current = load_sheet(sheet_file(tmp_path, GOOD), Part).normal_current_a
    assert (current.value, current.high, current.unit) == (0.0045, 0.005, "A")
    assert (current.source, current.evidence) == ("DS p. 2", "datasheet")


def test_temperatures_stay_in_degrees_celsius(tmp_path: Path) -> None:
    text = GOOD + 'case = { value = 293.15, unit = "K", source = "s", evidence = "measured" }'
    case = load_sheet(sheet_file(tmp_path, text), Part).case_degc
    assert case is not None
    assert case.value == pytest.approx(20.0)


def test_a_table_keeps_its_rows(tmp_path: Path) -> None:
    text = GOOD + 'directions = { values = [[1, 2], [3, 4]], unit = "deg", source = "s", evidence = "datasheet" }'
    table = load_sheet(sheet_file(tmp_path, text), Part).directions_deg
    assert table is not None
    assert table.as_array().tolist() == [[1.0, 2.0], [3.0, 4.0]]


def test_assumed_values_are_listed_by_file_and_key(tmp_path: Path) -> None:
    text = GOOD + f"[rails.main]\nsupply = {ASSUMED_VOLT}\n[[spares]]\nsupply = {ASSUMED_VOLT}\n"
    sheet = load_sheet(sheet_file(tmp_path, text), Part)
    assert assumed_keys(sheet) == ("part.rails.main.supply", "part.spares[0].supply")


@pytest.mark.parametrize(
    ("without", "kept"),
    [
        (("rails.main",), ("part.rails.main2.supply", "part.spares[0].supply")),
        (("rails.main.supply",), ("part.rails.main2.supply", "part.spares[0].supply")),
        (("rails", "spares"), ()),
        (("rails.mai", "part.rails"), ("part.rails.main.supply", "part.rails.main2.supply", "part.spares[0].supply")),
    ],
)
def test_assumed_values_of_tables_that_were_not_used_are_left_out(
    tmp_path: Path, without: tuple[str, ...], kept: tuple[str, ...]
) -> None:
    text = (
        GOOD
        + "".join(f"[rails.{name}]\nsupply = {ASSUMED_VOLT}\n" for name in ("main", "main2"))
        + f"[[spares]]\nsupply = {ASSUMED_VOLT}\n"
    )
    assert assumed_keys(load_sheet(sheet_file(tmp_path, text), Part), without=without) == kept


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        (GOOD.replace('"mA"', '"mV"'), "normal_current.unit", "convertible to A"),
        (GOOD.replace('"mA"', '"furlong gram"'), "normal_current.unit", "convertible to A"),
        (GOOD.replace('"mA"', '"no-such-unit"'), "normal_current.unit", "convertible to A"),
        (GOOD.replace("normal_current", "norml_current"), "norml_current", "did you mean 'normal_current'?"),
        (GOOD.replace("source", "sauce"), "normal_current.sauce", "did you mean 'source'?"),
        (GOOD.replace(', evidence = "datasheet"', ""), "normal_current.evidence", "required"),
        (GOOD.replace('source = "DS p. 2", ', ""), "normal_current.source", "required"),
        (GOOD.replace('"DS p. 2"', '""'), "normal_current.source", "at least 1 character"),
        (GOOD.replace('"datasheet"', '"rumour"'), "normal_current.evidence", "'assumed'"),
        (GOOD.replace("4.5", "nan"), "normal_current.value", "finite"),
        (GOOD.replace("4.5", "-inf"), "normal_current.value", "finite"),
        (GOOD.replace("4.5", "true"), "normal_current.value", "number"),
        (GOOD.replace("4.5", "5.5"), "normal_current.value", "low <= value <= high"),
        ("name = 'part'", "normal_current", "required"),
        (GOOD + "gain = 3", "gain", "must be a table"),
        (GOOD + f"[rails.main]\nsuply = {ASSUMED_VOLT}", "rails.main.suply", "did you mean 'supply'?"),
        (GOOD + f"[[spares]]\nsupply = {ASSUMED_VOLT.replace('V', 'A')}", "spares[0].supply.unit", "to V"),
        (GOOD + 'directions = { values = [[1], [1, 2]], unit = "deg", source = "s", evidence = "assumed" }',
         "directions.values", "equal lengths"),
        (GOOD + "= 3", "", "not valid TOML"),
    ],
)  # fmt: skip
def test_a_bad_sheet_is_refused_by_file_and_key(tmp_path: Path, text: str, key: str, said: str) -> None:
    path = sheet_file(tmp_path, text)
    with pytest.raises(BadInputError) as caught:
        load_sheet(path, Part)
    assert (caught.value.source, caught.value.key) == (str(path), key)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"absent\.toml; there is no such file"):
        load_sheet(tmp_path / "absent.toml", Part)


def test_a_folder_or_binary_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="cannot be read"):
        load_sheet(tmp_path, Part)
    (tmp_path / "x.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInputError, match="UTF-8"):
        load_sheet(tmp_path / "x.toml", Part)


@given(st.floats(-1e6, 1e6))
def test_millivolts_are_thousandths_of_volts(value: float) -> None:
    assert Dimension("V", "v").to_si(value, "mV") == pytest.approx(value / 1000, rel=1e-12, abs=1e-300)
