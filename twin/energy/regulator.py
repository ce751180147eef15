"""Voltage regulators: what the battery gives for what a rail draws, and how low the battery may fall."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from pydantic import model_validator

from datasheet.bad_input import BadInputError
from datasheet.config import find_in_library
from datasheet.quantity import Ampere, AmpereTable, Ohm, Ratio, RatioTable, Volt, VoltTable
from datasheet.sheet import Sheet, load_sheet
from twin.energy.current_checks import refuse_disorder, refuse_negative
from twin.energy.draw import Draw

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from datasheet.quantity import Quantity, QuantityTable
    from twin.energy.uncertainty import Draws

    Drawn = NDArray[np.float64]

_LIBRARY = "twin.regulators"

REGULATORS = "regulators"
"""Consumer that a load switch's own current is booked to, as the heat of regulators is."""

Kind = Literal["direct", "linear", "buck", "boost", "buck_boost", "load_switch"]

PASSING = ("direct", "load_switch")
"""Kinds that hand the battery's voltage on."""

_SWITCHING = ("buck", "boost", "buck_boost")


class RegulatorSheet(Sheet):
    """A regulator, a plain wire ("direct") or a load switch.

    `input` is the range of its supply, `output` the range it can be set to; `quiescent` flows without a load, and
    `ground_share` of the load current flows off to ground in addition. A linear regulator needs `dropout` more at its
    input than at its output, by load; beyond the last entry it grows with the load. A switching one has `efficiency` by
    load at `efficiency_input`, the quiescent current included; below the first entry and beyond the last the nearest
    holds. In a buck's 100 % mode and in a load switch the current passes `resistance`. `leakage` is what a load switch
    lets through while off. `dropout_scale` and `efficiency_loss_scale` (of what is lost) say how uncertain tables are.
    """

    title: str
    kind: Kind
    input_v: Volt
    output_v: Volt | None = None
    quiescent_a: Ampere
    ground_share: Ratio | None = None
    highest_load_a: Ampere | None = None
    dropout_load_a: AmpereTable | None = None
    dropout_v: VoltTable | None = None
    dropout_scale: Ratio | None = None
    efficiency_load_a: AmpereTable | None = None
    efficiency: RatioTable | None = None
    efficiency_input_v: Volt | None = None
    efficiency_loss_scale: Ratio | None = None
    resistance_ohm: Ohm | None = None
    leakage_a: Ampere | None = None

    @model_validator(mode="after")
    def _agree(self) -> Self:
        """Refuse negative values, tables that do not fit the kind or each other, and efficiencies beyond 1."""
        refuse_negative(self)
        switching = self.kind in _SWITCHING
        needed = {
            "efficiency": (switching, self.efficiency),
            "efficiency_load": (switching, self.efficiency_load_a),
            "efficiency_input": (switching, self.efficiency_input_v),
            "efficiency_loss_scale": (switching, self.efficiency_loss_scale),
            "dropout": (self.kind == "linear", self.dropout_v),
            "dropout_load": (self.kind == "linear", self.dropout_load_a),
            "dropout_scale": (self.kind == "linear", self.dropout_scale),
            "resistance": (self.kind in ("buck", "load_switch"), self.resistance_ohm),
            "leakage": (self.kind == "load_switch", self.leakage_a),
        }
        for key, (is_needed, value) in needed.items():
            if is_needed != (value is not None):
                raise ValueError(f"{key} {'is required' if is_needed else 'has no meaning'} for kind {self.kind!r}")
        _check_table("dropout", self.dropout_load_a, self.dropout_v)
        _check_table("efficiency", self.efficiency_load_a, self.efficiency)
        if self.efficiency is not None and not all(0 < share <= 1 for share in self.efficiency.values[0]):
            raise ValueError("efficiency must be above 0 and at most 1")
        return self


def load_regulator(name_or_path: str) -> RegulatorSheet:
    """Return a regulator of the library by name, or of a file of the user's own.

    Raises:
        BadInputError: No such regulator, or its file cannot be used.
    """
    return load_sheet(find_in_library(name_or_path, _LIBRARY, kind="regulator"), RegulatorSheet)


def load_switch(name_or_path: str) -> RegulatorSheet:
    """Return a load switch of the library by name, or of a file of the user's own.

    Raises:
        BadInputError: No such part, its file cannot be used, or it is no load switch.
    """
    sheet = load_regulator(name_or_path)
    if sheet.kind != "load_switch":
        raise BadInputError("load switch", "", name_or_path, f"{sheet.title} is a regulator of kind {sheet.kind!r}")
    return sheet


def battery_side(sheet: RegulatorSheet, draws: Draws, *, rail_v: float, rail_current_a: Drawn) -> tuple[Drawn, Drawn]:
    """Return what the battery gives for a rail: at a terminal voltage V, current + power / V.

    Linear: I (1 + ground share) + Iq, all of it current. Switching: power rail_v I / efficiency(I) less what its table
    has of the quiescent power, and Iq as current. The efficiency is the table's at the input voltage it was measured
    at; between loads it is interpolated over the logarithm of the load. A linear regulator in dropout is taken to draw
    what its load does.

    Args:
        sheet: The regulator.
        draws: Where values of its sheet come from.
        rail_v: Voltage of the rail.
        rail_current_a: (n,) current that the rail draws.

    Returns:
        (n,) part of the current that does not depend on the voltage, in ampere, and (n,) part taken as power, in watt.
    """
    load_a = np.broadcast_to(np.asarray(rail_current_a, dtype=np.float64), (draws.number,))
    quiescent_a = draws.of(_key(sheet, "quiescent"), sheet.quiescent_a)
    if sheet.kind not in _SWITCHING:
        grounded = 0.0 if sheet.ground_share is None else draws.of(_key(sheet, "ground_share"), sheet.ground_share)
        return load_a * (1.0 + grounded) + quiescent_a, np.zeros(draws.number)
    return quiescent_a + np.zeros(draws.number), _converted_w(sheet, draws, rail_v, load_a)


def needed_input_v(sheet: RegulatorSheet, draws: Draws, *, lowest_rail_v: float, rail_current_a: Drawn) -> Drawn:
    """Return the (n,) battery voltage below which the rail falls under the lowest that its consumers stand.

    In dropout a linear regulator passes on its input less its dropout voltage, a buck its input less the voltage over
    its resistance, as a load switch does; what steps up works down to the lowest input of its sheet.

    Args:
        sheet: The regulator.
        draws: Where values of its sheet come from.
        lowest_rail_v: What the rail's consumers need at least.
        rail_current_a: (n,) current that the rail draws.
    """
    load_a = np.broadcast_to(np.asarray(rail_current_a, dtype=np.float64), (draws.number,))
    lowest_v = np.full(draws.number, 0.0 if sheet.kind == "direct" else _lowest(sheet.input_v))
    if sheet.kind in ("boost", "buck_boost"):
        return lowest_v
    return np.asarray(np.maximum(lowest_rail_v + drop_v(sheet, draws, load_a), lowest_v))


def drop_v(sheet: RegulatorSheet, draws: Draws, load_a: Drawn) -> Drawn:
    """Return the (n,) least voltage between input and output at a load; 0 for a wire and for what steps up."""
    if sheet.dropout_v is not None and sheet.dropout_load_a is not None and sheet.dropout_scale is not None:
        loads, drops = _row(sheet.dropout_load_a), _row(sheet.dropout_v)
        beyond = np.maximum(load_a / loads[-1], 1.0)
        scale = draws.of(_key(sheet, "dropout_scale"), sheet.dropout_scale)
        return np.asarray(np.interp(load_a, loads, drops) * beyond * scale)
    if sheet.resistance_ohm is not None:
        return np.asarray(load_a * draws.of(_key(sheet, "resistance"), sheet.resistance_ohm))
    return np.zeros(draws.number)


def switch_draws(sheet: RegulatorSheet, rail: str, *, is_on: bool) -> tuple[Draw, ...]:
    """Return what a load switch itself draws from the rail before it: its own current while on, its leakage while off.

    Args:
        sheet: A load switch.
        rail: The rail that it switches.
        is_on: Whether it is on.
    """
    if is_on or sheet.leakage_a is None:
        return (Draw(REGULATORS, rail, _key(sheet, "quiescent"), sheet.quiescent_a),)
    return (Draw(REGULATORS, rail, _key(sheet, "leakage"), sheet.leakage_a),)


def check_output(
    source: str | Path, key: str, sheet: RegulatorSheet, rail_v: float, battery_v: tuple[float, float]
) -> None:
    """Refuse a rail that the regulator cannot make from the battery.

    Args:
        source: The node's file, to be named in errors.
        key: The key that states the rail's voltage.
        sheet: The regulator.
        rail_v: Voltage of the rail.
        battery_v: Terminal voltage of the battery, empty and full.

    Raises:
        BadInputError: The rail exceeds what even the full battery gives to a part that steps down, lies below what the
            full battery gives to one that steps up, or lies outside the part's own range; or the full battery exceeds
            the part's input.
    """
    _, full_v = battery_v
    if sheet.kind in ("linear", "buck") and rail_v > full_v:
        article = "a linear regulator" if sheet.kind == "linear" else "a buck converter"
        raise BadInputError(source, key, rail_v, f"{article} cannot make this from the battery's {full_v:g} V")
    if sheet.kind == "boost" and rail_v < full_v:
        raise BadInputError(source, key, rail_v, f"a boost converter cannot go below the full battery's {full_v:g} V")
    if sheet.kind == "direct":
        return
    highest_v = sheet.input_v.value if sheet.input_v.high is None else sheet.input_v.high
    if full_v > highest_v:
        words = f"{sheet.title} takes {highest_v:g} V at its input, a full battery gives {full_v:g} V"
        raise BadInputError(source, key, rail_v, words)
    output = sheet.output_v
    if output is None:
        return
    low_v, high_v = _lowest(output), output.value if output.high is None else output.high
    if not low_v <= rail_v <= high_v:
        raise BadInputError(source, key, rail_v, f"{sheet.title} gives {low_v:g} to {high_v:g} V")


def _converted_w(sheet: RegulatorSheet, draws: Draws, rail_v: float, load_a: Drawn) -> Drawn:
    """Return the power that a switching converter takes for a load, its quiescent power left out."""
    if (
        sheet.efficiency is None
        or sheet.efficiency_load_a is None
        or sheet.efficiency_input_v is None
        or sheet.efficiency_loss_scale is None
    ):
        raise ValueError(f"{sheet.title} has no table of efficiencies")
    loads, shares = _row(sheet.efficiency_load_a), _row(sheet.efficiency)
    given_w = rail_v * load_a
    share = np.interp(np.log(np.maximum(load_a, 1e-12)), np.log(loads), shares)
    resting_w = sheet.quiescent_a.value * sheet.efficiency_input_v.value * np.minimum(load_a / loads[0], 1.0)
    lost_w = np.maximum(given_w / share - given_w - resting_w, 0.0)
    scale = draws.of(_key(sheet, "efficiency_loss_scale"), sheet.efficiency_loss_scale)
    return np.asarray(given_w + lost_w * scale)


def _check_table(name: str, loads: QuantityTable | None, values: QuantityTable | None) -> None:
    if loads is None or values is None:
        return
    if len(loads.values) != 1 or len(loads.values[0]) != len(values.values[0]) or len(values.values) != 1:
        raise ValueError(f"{name} and {name}_load must be lists of the same length")
    refuse_disorder(f"{name}_load", loads.values[0])
    if loads.values[0][0] <= 0:
        raise ValueError(f"{name}_load must be above 0")


def _row(table: QuantityTable) -> Drawn:
    return np.asarray(table.values[0], dtype=np.float64)


def _lowest(quantity: Quantity) -> float:
    return quantity.value if quantity.low is None else quantity.low


def _key(sheet: RegulatorSheet, name: str) -> str:
    return f"{sheet.stem}.{name}"
