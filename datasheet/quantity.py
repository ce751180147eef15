"""A physical value in SI units, with where it comes from and how well it is known."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Literal

import numpy as np
import pint
from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

Evidence = Literal["datasheet", "measured", "assumed"]
_LONGEST_UNIT = 64
_NAMED = r"[^\W\d]\w*(?:(?:\*\*|\^)-?\d)?"
_UNIT = re.compile(rf"(?:1|%|{_NAMED})(?:(?: *[*/] *| ){_NAMED})*")
"""Names of units with a power of one digit at most, multiplied and divided, behind a 1 at most."""


@dataclass(frozen=True)
class Quantity:
    """One value with its source.

    Attributes:
        value: In the SI unit named by `unit`; temperatures in degC stay in degC.
        unit: SI unit of `value`, `low` and `high`.
        source: Document and page, or what was measured.
        evidence: How well the value is known.
        low: Lower end of what is plausible; None when not stated.
        high: Upper end of what is plausible; None when not stated.
    """

    value: float
    unit: str
    source: str
    evidence: Evidence
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class QuantityTable:
    """Values of one kind, e.g. one per pixel, that share a unit and a source.

    Attributes:
        values: Rows of values in the SI unit named by `unit`; a plain list is one row.
        unit: SI unit of the values.
        source: Document and page, or what was measured.
        evidence: How well the values are known.
    """

    values: tuple[tuple[float, ...], ...]
    unit: str
    source: str
    evidence: Evidence

    def as_array(self) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        """Return the values as a (rows, columns) float64 array."""
        return np.array(self.values, dtype=np.float64)


class _Stated(BaseModel):
    """What both kinds of entry say beside their numbers."""

    model_config = ConfigDict(extra="forbid", strict=True)

    unit: str
    source: str = Field(min_length=1)
    evidence: Evidence


class _Entry(_Stated):
    """One value as it stands in TOML."""

    value: float
    low: float | None = None
    high: float | None = None


class _TableEntry(_Stated):
    """A list of values, or rows of values, as it stands in TOML."""

    values: list[float] | list[list[float]] = Field(min_length=1)


@cache
def _registry() -> pint.UnitRegistry[float]:
    return pint.UnitRegistry(cache_folder=None)


@dataclass(frozen=True)
class Dimension:
    """Metadata of an annotated field: the SI unit its value is held in, and its name's last word.

    Attributes:
        unit: SI unit, in pint's spelling.
        suffix: Last word of the field's name, absent from the TOML key; empty for pure numbers.
    """

    unit: str
    suffix: str

    def to_si(self, value: float, unit: str) -> float:
        """Convert `value` from `unit`.

        Raises:
            PydanticCustomError: `unit` is unknown or of another dimension, or the value is not finite.
        """
        try:
            _require_form(unit)
            converted = float(_registry().Quantity(value, unit or "dimensionless").to(self.unit).magnitude)
        except (pint.PintError, ValueError, TypeError, AttributeError, AssertionError) as error:
            raise PydanticCustomError(
                "wrong_unit",
                "must be a unit convertible to {si}",
                {"si": self.unit, "subkey": "unit", "found": unit},
            ) from error
        if not math.isfinite(converted):
            raise PydanticCustomError("not_finite", "must be a finite number", {"subkey": "value", "found": value})
        return _without_rounding_dust(converted)

    def __get_pydantic_core_schema__(self, source: type, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate the TOML entry, then convert it; an instance already made passes unchanged."""
        if source is QuantityTable:
            entry, plain = handler.generate_schema(_TableEntry), self._table_schema()
        else:
            entry, plain = handler.generate_schema(_Entry), self._quantity_schema()
        read = core_schema.chain_schema([entry, plain])

        def pass_or_read(value: object, inner: core_schema.ValidatorFunctionWrapHandler) -> object:
            return value if isinstance(value, source) else inner(value)

        return core_schema.no_info_wrap_validator_function(pass_or_read, read)

    def _table_schema(self) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._table)

    def _quantity_schema(self) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._quantity)

    def _quantity(self, entry: _Entry) -> Quantity:
        low, value, high = (
            None if number is None else self.to_si(number, entry.unit)
            for number in (entry.low, entry.value, entry.high)
        )
        if value is None or (low is not None and low > value) or (high is not None and high < value):
            raise PydanticCustomError(
                "interval", "low <= value <= high must hold", {"subkey": "value", "found": entry.value}
            )
        return Quantity(value, self.unit, entry.source, entry.evidence, low, high)

    def _table(self, entry: _TableEntry) -> QuantityTable:
        rows = [row if isinstance(row, list) else [row] for row in entry.values]
        if not isinstance(entry.values[0], list):
            rows = [[number for row in rows for number in row]]
        if len({len(row) for row in rows}) != 1:
            raise PydanticCustomError("ragged", "rows must have equal lengths", {"subkey": "values"})
        values = tuple(tuple(self.to_si(number, entry.unit) for number in row) for row in rows)
        return QuantityTable(values, self.unit, entry.source, entry.evidence)


def _require_form(unit: str) -> None:
    """Refuse what is no product of named units: pint would compute whatever it says, "9**9**9" for hours.

    Raises:
        ValueError: It is none, or too long.
    """
    if len(unit) > _LONGEST_UNIT or (unit and _UNIT.fullmatch(unit) is None):
        raise ValueError(unit)


def _without_rounding_dust(value: float) -> float:
    """Return 0.0045 for the 0.0045000000000000005 that unit factors leave behind."""
    return float(f"{value:.15g}")


Ampere = Annotated[Quantity, Dimension("A", "a")]
AmperePerHertz = Annotated[Quantity, Dimension("A/Hz", "a_per_hz")]
Byte = Annotated[Quantity, Dimension("byte", "bytes")]
Celsius = Annotated[Quantity, Dimension("degC", "degc")]
Coulomb = Annotated[Quantity, Dimension("C", "c")]
Degree = Annotated[Quantity, Dimension("deg", "deg")]
Farad = Annotated[Quantity, Dimension("F", "f")]
Hertz = Annotated[Quantity, Dimension("Hz", "hz")]
Joule = Annotated[Quantity, Dimension("J", "j")]
Kelvin = Annotated[Quantity, Dimension("K", "k")]
Kilogram = Annotated[Quantity, Dimension("kg", "kg")]
Metre = Annotated[Quantity, Dimension("m", "m")]
MetrePerSecond = Annotated[Quantity, Dimension("m/s", "mps")]
Ohm = Annotated[Quantity, Dimension("ohm", "ohm")]
PerSecond = Annotated[Quantity, Dimension("1/s", "per_s")]
Ratio = Annotated[Quantity, Dimension("dimensionless", "")]
Second = Annotated[Quantity, Dimension("s", "s")]
Volt = Annotated[Quantity, Dimension("V", "v")]
Watt = Annotated[Quantity, Dimension("W", "w")]

AmpereTable = Annotated[QuantityTable, Dimension("A", "a")]
CelsiusTable = Annotated[QuantityTable, Dimension("degC", "degc")]
DegreeTable = Annotated[QuantityTable, Dimension("deg", "deg")]
HertzTable = Annotated[QuantityTable, Dimension("Hz", "hz")]
KelvinTable = Annotated[QuantityTable, Dimension("K", "k")]
RatioTable = Annotated[QuantityTable, Dimension("dimensionless", "")]
SecondTable = Annotated[QuantityTable, Dimension("s", "s")]
VoltTable = Annotated[QuantityTable, Dimension("V", "v")]
