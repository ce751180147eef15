"""Other loads: LEDs, level shifters, pull-ups, whole boards, by named states."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator

from datasheet.bad_input import BadInputError, nearest_name
from datasheet.config import find_in_library
from datasheet.quantity import Ampere, Ohm, Volt
from datasheet.sheet import Sheet, load_sheet
from twin.energy.current_checks import refuse_negative
from twin.energy.draw import Draw

if TYPE_CHECKING:
    from pathlib import Path

    from datasheet.quantity import Quantity

_LIBRARY = "twin.loads"


class LoadStateSheet(Sheet):
    """What flows in one state: currents, and resistors between the rail and ground."""

    currents: dict[str, Ampere] = Field(default_factory=dict)
    resistors: dict[str, Ohm] = Field(default_factory=dict)


class FixedLoadSheet(Sheet):
    """A load that does not know what the node does: the rail it stands, and what flows by state."""

    title: str
    supply_v: Volt
    states: dict[str, LoadStateSheet]

    @model_validator(mode="after")
    def _agree(self) -> Self:
        """Refuse negative currents, resistors of nothing, and a load without states."""
        refuse_negative(self)
        if not self.states:
            raise ValueError("states must hold at least one state")
        for name, state in self.states.items():
            for key, resistor in state.resistors.items():
                if _least(resistor) <= 0:
                    raise ValueError(f"states.{name}.resistors.{key} must be above 0")
        return self


def load_fixed_load(name_or_path: str) -> FixedLoadSheet:
    """Return a load of the library by name, or of a file of the user's own.

    Raises:
        BadInputError: No such load, or its file cannot be used.
    """
    return load_sheet(find_in_library(name_or_path, _LIBRARY, kind="load"), FixedLoadSheet)


def check_load(source: str | Path, key: str, sheet: FixedLoadSheet, state: str, rail_v: float) -> None:
    """Refuse a state that the load does not have, and a rail that it does not stand.

    Args:
        source: The node's file, to be named in errors.
        key: The node's table of this load.
        sheet: The load.
        state: One of its states.
        rail_v: Voltage of the rail it is at.

    Raises:
        BadInputError: With the first that is wrong.
    """
    if state not in sheet.states:
        raise BadInputError(source, f"{key}.state", state, nearest_name(state, sheet.states))
    supply = sheet.supply_v
    low_v, high_v = lowest_supply_v(sheet), supply.value if supply.high is None else supply.high
    if not low_v <= rail_v <= high_v:
        raise BadInputError(source, f"{key}.rail", rail_v, f"{sheet.title} takes {low_v:g} to {high_v:g} V")


def load_draws(sheet: FixedLoadSheet, state: str, *, rail: str, rail_v: float, duty: float = 1.0) -> tuple[Draw, ...]:
    """Return what a load draws in a state, on average over its duty.

    A resistor draws rail_v / R: its draw carries the conductance, with the ends of its range turned round.

    Args:
        sheet: The load.
        state: One of its states.
        rail: The rail it is at.
        rail_v: Voltage of that rail.
        duty: Share of the time.

    Raises:
        KeyError: It has no such state.
    """
    stem, flowing = sheet.stem, sheet.states[state]
    currents = (
        Draw(sheet.title, rail, f"{stem}.states.{state}.currents.{key}", current, duty)
        for key, current in flowing.currents.items()
    )
    resistors = (
        Draw(sheet.title, rail, f"{stem}.states.{state}.resistors.{key}", _conductance(resistor), duty * rail_v)
        for key, resistor in flowing.resistors.items()
    )
    return (*currents, *resistors)


def lowest_supply_v(sheet: FixedLoadSheet) -> float:
    """Return the lowest voltage that a load works at."""
    return _least(sheet.supply_v)


def _conductance(resistor: Quantity) -> Quantity:
    """Return 1 / R with its range."""
    low = None if resistor.high is None else 1.0 / resistor.high
    high = None if resistor.low is None else 1.0 / resistor.low
    return replace(resistor, value=1.0 / resistor.value, unit="1/ohm", low=low, high=high)


def _least(quantity: Quantity) -> float:
    return quantity.value if quantity.low is None else quantity.low
