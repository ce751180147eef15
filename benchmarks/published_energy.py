"""Hold energies of the library against published measurements.

    python benchmarks/published_energy.py [--mlperf MLPERF_TINY.csv] [--people PEOPLE_COUNTING.csv]

MLPERF_TINY.csv has the columns round, supply, clock_mhz, model, latency_ms, energy_uj; PEOPLE_COUNTING.csv the columns
name, latency_ms, energy_uj. Each row's energy is predicted from its own measured latency: what is held against the
measurement is the board's power. Radios and the sensor come from published_energy.toml.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import sys
import tomllib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from datasheet.bad_input import BadInputError
from mcu_models.boards.board import find_board
from mcu_models.emulators.virtual_clock import PowerState
from mcu_models.power import SupplyPoint, state_current
from sensors.grid_eye_sheet import load_grid_eye
from twin.energy.radio import RadioConfig, check_radio, idle_draws, load_radio, message_charge_c

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

HERE: Final = Path(__file__).parent
TOLERANCE: Final = 0.05
PEOPLE_TOLERANCE: Final = 0.02
PEOPLE_BOARD: Final = ("stm32l4a6zg", 80_000_000)
UNITS: Final = {
    "average_a": ("uA", 1e6),
    "life_s": ("days", 1 / 86400),
    "startup_j": ("mJ", 1e3),
    "energy_j": ("uJ", 1e6),
}


@dataclass(frozen=True)
class Row:
    """A published figure beside that of the twin."""

    title: str
    quantity: str
    published: float
    twin: float
    use: str

    @property
    def error(self) -> float:
        """Relative error of the twin."""
        return self.twin / self.published - 1.0

    def line(self) -> str:
        """Return the row as printed."""
        unit, factor = UNITS[self.quantity]
        published, twin = f"{self.published * factor:10.4g} {unit}", f"{self.twin * factor:10.4g} {unit}"
        return f"  {self.title:58s} {published:>15s}  {twin:>15s}  {100 * self.error:+6.1f} %  {self.use}"


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--mlperf", type=Path, metavar="CSV")
    parser.add_argument("--people", type=Path, metavar="CSV")
    arguments = parser.parse_args()
    figures = tomllib.loads((HERE / "published_energy.toml").read_text())
    try:
        if arguments.mlperf:
            print_boards(read_rows(arguments.mlperf), figures["supplies"])
        if arguments.people:
            print_table("People counters on STM32L4A6ZG, 80 MHz, 1.8 V", people_rows(read_rows(arguments.people)))
        print_table("Duty-cycled operation", [*map(radio_row, figures["radios"]), *map(sensor_row, figures["sensors"])])
    except BadInputError as error:
        sys.exit(str(error))


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a file that state an energy."""
    with path.open(newline="") as file:
        return [row for row in csv.DictReader(file) if row["energy_uj"]]


def print_boards(rows: Sequence[Mapping[str, str]], supplies: Iterable[Mapping[str, Any]]) -> None:
    """Print energy per inference by board and supply, and how many rows one current can meet."""
    met = best = total = 0
    for supply in supplies:
        chosen = [row for row in rows if row["supply"] == supply["text"] and row["round"] in supply["rounds"]]
        table = [board_row(row, supply["board"], supply["supply"]) for row in chosen]
        named = f"{supply['board']}, {supply['supply'] or 'first supply'}: {', '.join(supply['rounds'])}, "
        print_table(f"{named}{supply['text'] or 'supply not stated'!r}", table)
        within, possible = sum(abs(row.error) <= TOLERANCE for row in table), most_within(table)
        spread = max(row.error for row in table) - min(row.error for row in table)
        print(f"  {within} of {len(table)} within 5 %; one current can meet {possible}; spread {100 * spread:.0f} %\n")
        met, best, total = met + within, best + possible, total + len(table)
    print(f"All: {met} of {total} rows within 5 %, {best} can be met with one current for each board and supply\n")


def board_row(row: Mapping[str, str], board: str, supply: str) -> Row:
    """Return the energy of an inference from its measured latency."""
    power = find_board(board).sheet.power
    state = PowerState("run", round(1e6 * float(row["clock_mhz"])))
    supply_v = power.supplies[supply].supply_v.value if supply else power.supply_v.value
    power_w = state_current(power, state, SupplyPoint(supply)).typical_a * supply_v
    title = f"{row['round']} {row['model']}, {row['stack']}"
    return Row(
        title[:58], "energy_j", 1e-6 * float(row["energy_uj"]), power_w * 1e-3 * float(row["latency_ms"]), "fitted"
    )


def most_within(rows: Sequence[Row]) -> int:
    """Return how many rows any one power brings within the tolerance."""
    ratios = [row.published / row.twin for row in rows]
    candidates = [ratio * (1 + TOLERANCE) for ratio in ratios]
    return max(sum(abs(power / ratio - 1) <= TOLERANCE + 1e-12 for ratio in ratios) for power in candidates)


def people_rows(rows: Sequence[Mapping[str, str]]) -> Iterator[Row]:
    """Yield the ten networks, and say how many are within their tolerance."""
    name, clock_hz = PEOPLE_BOARD
    power = find_board(name).sheet.power
    power_w = state_current(power, PowerState("run", clock_hz)).typical_a * power.supply_v.value
    for row in rows:
        energy_j = power_w * 1e-3 * float(row["latency_ms"])
        yield Row(row["name"], "energy_j", 1e-6 * float(row["energy_uj"]), energy_j, "fitted")


def radio_row(figure: Mapping[str, Any]) -> Row:
    """Return an average current or a life with a radio."""
    settings = RadioConfig.model_validate(figure["radio"])
    sheet = load_radio(settings.part)
    check_radio("published_energy.toml", sheet, settings)
    average_a = sum(draw.quantity.value * draw.factor for draw in idle_draws(sheet, settings))
    if figure["quantity"] == "life_s":
        message_a = message_charge_c(sheet, settings) / figure["every_s"] if figure["every_s"] else 0.0
        return figure_row(figure, 3.6 * figure["charge_mah"] / (average_a + message_a))
    return figure_row(figure, average_a)


def sensor_row(figure: Mapping[str, Any]) -> Row:
    """Return what the sensor alone costs."""
    sheet = load_grid_eye(figure["part"])
    current_a = sheet.normal_current_a.value
    if figure["quantity"] == "life_s":
        return figure_row(figure, 3.6 * figure["charge_mah"] / current_a)
    return figure_row(figure, sheet.startup_stable_s.value * current_a * sheet.supply_v.value)


def figure_row(figure: Mapping[str, Any], twin: float) -> Row:
    """Return a row of published_energy.toml."""
    return Row(figure["title"], figure["quantity"], figure["published"], twin, figure["use"])


def print_table(title: str, rows: Iterable[Row]) -> None:
    """Print rows and, by use, the mean size of their errors."""
    listed = list(rows)
    print(title)
    print(f"  {'what':58s} {'published':>15s}  {'twin':>15s}  {'error':>8s}")
    errors: dict[str, list[float]] = defaultdict(list)
    for row in listed:
        print(row.line())
        errors[row.use].append(abs(row.error))
    for use, sizes in errors.items():
        mean, worst = 100 * statistics.mean(sizes), 100 * max(sizes)
        print(f"  {use}: {len(sizes)} rows, mean size {mean:.1f} %, worst {worst:.1f} %")


if __name__ == "__main__":
    main()
