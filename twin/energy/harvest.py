"""Electricity from the light of a room: cell, converter, and when the room is lit."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from datasheet.bad_input import BadInputError
from datasheet.config import Config, find_in_library
from datasheet.quantity import Ampere, Dimension, QuantityTable, Ratio, RatioTable
from datasheet.sheet import Sheet, load_sheet
from twin.energy.current_checks import refuse_negative
from twin.energy.week import DAYS, WeekHours, clock_s

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    from numpy.typing import NDArray

    from twin.energy.uncertainty import Draws

LIBRARY = "twin.harvesters"

LuxTable = Annotated[QuantityTable, Dimension("lx", "lx")]
WattTable = Annotated[QuantityTable, Dimension("W", "w")]


class SolarCellSheet(Sheet):
    """Power of a solar cell at its best point by illuminance; in proportion to the light below the table's ends."""

    title: str
    kind: Literal["cell"]
    illuminance_lx: LuxTable
    power_w: WattTable
    scale: Ratio

    @model_validator(mode="after")
    def _check(self) -> Self:
        refuse_negative(self)
        _check_tables("power", self.illuminance_lx, self.power_w)
        return self


class ConverterSheet(Sheet):
    """What stands between cell and battery.

    `tracking` is the share of the cell's best power at which it works; `efficiency` what it passes on of that, by the
    power that comes in; `quiescent` flows from the battery all the time.
    """

    title: str
    kind: Literal["converter"]
    input_power_w: WattTable
    efficiency: RatioTable
    tracking: Ratio
    quiescent_a: Ampere

    @model_validator(mode="after")
    def _check(self) -> Self:
        refuse_negative(self)
        _check_tables("efficiency", self.input_power_w, self.efficiency)
        if max(self.efficiency.values[0]) > 1:
            raise PydanticCustomError("gain", "must be at most 1", {"subkey": "efficiency"})
        return self


class HarvestConfig(Config):
    """A node's `[harvest]` table."""

    cell: str
    converter: str
    cells: Annotated[int, Field(ge=1, le=100)] = 1
    illuminance_lux: Annotated[float, Field(ge=0, le=100_000)]
    lit_from: str
    lit_until: str
    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = Field(
        default=("mon", "tue", "wed", "thu", "fri"), min_length=1
    )

    @field_validator("lit_from", "lit_until")
    @classmethod
    def _is_clock(cls, text: str) -> str:
        clock_s(text)
        return text

    @model_validator(mode="after")
    def _check(self) -> Self:
        if clock_s(self.lit_from) >= clock_s(self.lit_until):
            raise PydanticCustomError(
                "lit", "must be later than lit_from", {"subkey": "lit_until", "found": self.lit_until}
            )
        return self


@dataclass(frozen=True)
class Harvester:
    """Solar cells and a converter that charge a battery while a room is lit.

    Attributes:
        cell: One of the solar cells.
        cell_name: Name of its file.
        cells: How many.
        converter: Between cells and battery.
        converter_name: Name of its file.
        illuminance_lx: On the cells while the room is lit.
        lit: When it is.
        battery_v: Nominal voltage of the battery.
    """

    cell: SolarCellSheet
    cell_name: str
    cells: int
    converter: ConverterSheet
    converter_name: str
    illuminance_lx: float
    lit: WeekHours
    battery_v: float

    @property
    def edges_s(self) -> tuple[float, ...]:
        """Times of the week at which the light goes on or off."""
        return self.lit.edges_s

    def power_w(self, week_s: float, draws: Draws) -> NDArray[np.float64]:
        """Return (n,) power that goes into the battery at a time of the week; in the dark it is taken from it."""
        quiescent = draws.of(f"{self.converter_name}.quiescent", self.converter.quiescent_a)
        return self.converted_w(draws) * float(self.lit.is_open(week_s)) - quiescent * self.battery_v

    def converted_w(self, draws: Draws) -> NDArray[np.float64]:
        """Return (n,) power behind the converter while the room is lit, without its own consumption."""
        scale = draws.of(f"{self.cell_name}.scale", self.cell.scale)
        tracking = np.minimum(draws.of(f"{self.converter_name}.tracking", self.converter.tracking), 1.0)
        input_w = self.cells * cell_power_w(self.cell, self.illuminance_lx) * scale * tracking
        return input_w * converter_efficiency(self.converter, input_w)


def cell_power_w(cell: SolarCellSheet, illuminance_lx: float) -> float:
    """Return the power of one cell at its best point: interpolated, in proportion to the light beyond the table."""
    light, power = cell.illuminance_lx.as_array()[0], cell.power_w.as_array()[0]
    end_lx = float(np.clip(illuminance_lx, light[0], light[-1]))
    return float(np.interp(end_lx, light, power)) * illuminance_lx / end_lx


def converter_efficiency(converter: ConverterSheet, input_w: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of its input power that a converter passes on: interpolated in the logarithm of the power.

    Below the table's first power it does not start and passes nothing on.
    """
    power, efficiency = converter.input_power_w.as_array()[0], converter.efficiency.as_array()[0]
    passed = np.interp(np.log(np.maximum(input_w, power[0])), np.log(power), efficiency)
    return np.where(input_w < power[0], 0.0, passed)


def load_harvester(path: Path, config: HarvestConfig, battery_v: float) -> Harvester:
    """Return what a node's `[harvest]` table asks for.

    Args:
        path: The node's file, for errors.
        config: The table.
        battery_v: Nominal voltage of the battery.

    Raises:
        BadInputError: No such cell or converter, or a file that cannot be used.
    """
    return Harvester(
        cell=load_sheet(_find(path, "harvest.cell", config.cell, "solar cell"), SolarCellSheet),
        cell_name=config.cell.rsplit("/", 1)[-1].removesuffix(".toml"),
        cells=config.cells,
        converter=load_sheet(_find(path, "harvest.converter", config.converter, "converter"), ConverterSheet),
        converter_name=config.converter.rsplit("/", 1)[-1].removesuffix(".toml"),
        illuminance_lx=config.illuminance_lux,
        lit=WeekHours(
            clock_s(config.lit_from), clock_s(config.lit_until), tuple(sorted({DAYS.index(day) for day in config.days}))
        ),
        battery_v=battery_v,
    )


def _find(path: Path, key: str, name: str, kind: str) -> Path:
    try:
        return find_in_library(name, LIBRARY, kind=kind)
    except BadInputError as error:
        raise BadInputError(path, key, name, error.allowed) from error


def _check_tables(key: str, inputs: QuantityTable, outputs: QuantityTable) -> None:
    if len(inputs.values) != 1 or any(high <= low for low, high in pairwise((0.0, *inputs.values[0]))):
        raise PydanticCustomError("rising", "must be one row of rising values above 0", {"subkey": "the first table"})
    if len(outputs.values) != 1 or len(outputs.values[0]) != len(inputs.values[0]):
        raise PydanticCustomError(
            "length", "must be one row of {number} values", {"subkey": key, "number": len(inputs.values[0])}
        )
