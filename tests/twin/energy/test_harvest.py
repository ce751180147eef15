"""Light into charge: the cell's rating, the converter's losses, the hours, and bad input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from datasheet.bad_input import BadInputError
from datasheet.config import find_in_library, read_config
from datasheet.sheet import load_sheet
from twin.energy.battery_sheet import load_battery
from twin.energy.demand import Stretch, Timetable
from twin.energy.discharge import Ending, lives
from twin.energy.harvest import (
    LIBRARY,
    ConverterSheet,
    HarvestConfig,
    Harvester,
    cell_power_w,
    converter_efficiency,
    load_harvester,
)
from twin.energy.uncertainty import Sampled, Typical

NODE = Path("node.toml")
HOUR_S = 3600.0
NOON_S, MIDNIGHT_S, SATURDAY_NOON_S = 12 * HOUR_S, 0.0, (5 * 24 + 12) * HOUR_S


def harvester(illuminance_lux: float = 200.0, **more: object) -> Harvester:
    table = {"cell": "am_1815", "converter": "bq25570", "lit_from": "08:00", "lit_until": "18:00", **more}
    config = HarvestConfig.model_validate({**table, "illuminance_lux": illuminance_lux})
    return load_harvester(NODE, config, battery_v=3.0)


def test_at_its_rating_a_cell_gives_the_brochures_power() -> None:
    """AM-1815CA at 200 lx: 45.7 uA at 3.0 V."""
    assert cell_power_w(harvester().cell, 200.0) == pytest.approx(45.7e-6 * 3.0, rel=1e-3)


def test_without_light_there_is_no_power_and_dim_light_is_in_proportion() -> None:
    cell = harvester().cell
    assert cell_power_w(cell, 0.0) == 0
    assert cell_power_w(cell, 10.0) == pytest.approx(2 * cell_power_w(cell, 5.0))
    assert cell_power_w(cell, 4000.0) == pytest.approx(4 * cell_power_w(cell, 1000.0))


def test_a_converter_passes_on_its_tables_share_and_nothing_below_its_start() -> None:
    converter = harvester().converter
    shares = converter_efficiency(converter, np.array([1e-6, 12.3e-6, np.sqrt(12.3e-6 * 24.7e-6), 1.0]))
    assert shares.tolist() == pytest.approx([0.0, 0.8, (0.8 + 0.824) / 2, 0.906])


def test_lit_hours_charge_and_dark_ones_take_the_converters_own_current() -> None:
    made = harvester()
    lit, dark, weekend = (made.power_w(s, Typical())[0] for s in (NOON_S, MIDNIGHT_S, SATURDAY_NOON_S))
    own_w = 488e-9 * 3.0
    input_w = 137.1e-6 * 0.95
    assert dark == weekend == pytest.approx(-own_w)
    assert lit == pytest.approx(input_w * np.interp(np.log(input_w), np.log([98.7e-6, 197e-6]), [0.883, 0.89]) - own_w)
    assert made.edges_s[:2] == (8 * HOUR_S, 18 * HOUR_S)


def test_two_cells_double_the_input() -> None:
    one, two = (harvester(cells=cells).converted_w(Typical())[0] for cells in (1, 2))
    assert 2 * one <= two < 2.1 * one


def test_every_uncertain_value_is_drawn_by_its_key() -> None:
    powers = harvester().power_w(NOON_S, Sampled(seed=1, number=200))
    assert powers.shape == (200,)
    assert 0.05 < powers.std() / powers.mean() < 0.3


def test_a_lit_office_carries_a_sleepy_node_on_a_lithium_ion_capacitor() -> None:
    """20 uA by day and night at 3 V are 60 uW; a cell at 500 lx gives about four times as much for 10 of 24 hours."""
    made = harvester(500.0, days=("mon", "tue", "wed", "thu", "fri", "sat", "sun"))
    stretches = tuple(
        Stretch(span_s, np.full(1, 20e-6), np.zeros(1), (), 22.0, made.power_w(begin_s, Typical()))
        for begin_s, span_s in ((0.0, 8 * HOUR_S), (8 * HOUR_S, 10 * HOUR_S), (18 * HOUR_S, 6 * HOUR_S))
    )
    life = lives(load_battery("lic_40f"), Typical(), Timetable(stretches), years_limit=5.0)
    assert life.endings[0] == Ending.YEARS_LIMIT


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('lit_until = "07:00"', r"lit_until is '07:00'; must be later than lit_from"),
        ('lit_until = "25:00"', r"lit_until is '25:00'; must be a time of day"),
        ('lit_until = "18:00"\nilluminance_lx = 3', r"illuminance_lx; unknown key; did you mean 'illuminance_lux'"),
        ('lit_until = "18:00"\ncells = 0', r"cells is 0"),
        ('lit_until = "18:00"\ndays = ["monday"]', r"days\[0\] is 'monday'"),
    ],
)
def test_a_bad_table_is_refused_in_one_line(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "harvest.toml"
    path.write_text(f'cell = "am_1815"\nconverter = "bq25570"\nilluminance_lux = 200\nlit_from = "08:00"\n{line}\n')
    with pytest.raises(BadInputError, match=said):
        read_config(path, HarvestConfig)


def test_an_unknown_cell_names_the_nearest_and_the_nodes_key() -> None:
    with pytest.raises(BadInputError, match=r"node\.toml: harvest\.cell is 'am_1850'.*did you mean 'am_18"):
        harvester(cell="am_1850")


def test_a_converter_is_no_cell() -> None:
    with pytest.raises(BadInputError, match=r"aem10941\.toml"):
        harvester(cell="aem10941")


def test_a_converter_that_gains_is_refused(tmp_path: Path) -> None:
    text = find_in_library("bq25570", LIBRARY).read_text().replace("0.89, 0.906]", "0.89, 1.906]")
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(BadInputError, match=r"mine\.toml: efficiency; must be at most 1"):
        load_sheet(path, ConverterSheet)
