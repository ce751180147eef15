"""The parts that a node names, as consumers at its rails; what does not fit together is refused here."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from datasheet.bad_input import BadInputError
from mcu_models.power import SupplyPoint
from twin.duty_policy import TICKS_PER_S
from twin.energy.fixed_load import check_load, load_draws, load_fixed_load
from twin.energy.node_load import BOARD, SENSOR, Consumers, RadioParts, RailParts
from twin.energy.radio import background, check_interval, check_radio, idle_draws, load_radio, message_phases
from twin.energy.radio_phases import RADIO
from twin.energy.regulator import PASSING, check_output, load_regulator, load_switch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from datasheet.quantity import Quantity
    from twin.energy.battery_sheet import BatterySheet
    from twin.energy.draw import Draw
    from twin.energy.radio_config import RadioConfig
    from twin.energy.radio_sheet import RadioSheet
    from twin.energy.regulator import RegulatorSheet
    from twin.node import Node

SheetT = TypeVar("SheetT")


def consumers_of(node: Node) -> Consumers:
    """Return all that draws current in a node.

    Raises:
        BadInputError: A part is not known, cannot make its rail from the battery, or does not stand its rail.
    """
    radio = radio_of(node)
    supply = _supply_point(node)
    rails = _rails(node, radio)
    return Consumers(
        board=node.board,
        supply=supply,
        sensor=node.sensor,
        switch=_switch(node),
        radio=None if radio is None else _radio_parts(node, radio),
        others=_others(node, rails),
        rails=rails,
    )


def radio_of(node: Node) -> RadioSheet | None:
    """Return the node's radio; None for a node that has none.

    Raises:
        BadInputError: No such radio, or its file cannot be used.
    """
    config = node.config.radio
    return None if config is None else _named(node.path, "radio.part", config.part, load_radio)


def _supply_point(node: Node) -> SupplyPoint:
    config = node.config.supply.board
    supplies = node.board.sheet.power.supplies
    if config.supply and config.supply not in supplies:
        known = ", ".join(sorted(supplies)) or "none"
        raise BadInputError(node.path, "supply.board.supply", config.supply, f"{node.board.name} knows {known}")
    passing = _named(node.path, "supply.board.regulator", config.regulator, load_regulator).kind in PASSING
    return SupplyPoint(supply=config.supply, rail_v=node.battery.nominal_v.value if passing else config.supply_v)


def _switch(node: Node) -> RegulatorSheet | None:
    name = node.config.supply.sensor.load_switch
    return None if name is None else _named(node.path, "supply.sensor.load_switch", name, load_switch)


def _rails(node: Node, radio: RadioSheet | None) -> dict[str, RailParts]:
    supply, power = node.config.supply, node.board.sheet.power
    board_v = power.supplies[supply.board.supply].supply_v if supply.board.supply else power.supply_v
    rails = {
        BOARD: _rail(node, BOARD, supply.board.regulator, supply.board.supply_v or board_v.value, power.supply_v),
        SENSOR: _rail(node, SENSOR, supply.sensor.regulator, node.config.sensor.supply_v, node.sensor.supply_v),
    }
    if radio is not None:
        radio_v = supply.radio.supply_v or radio.supply_v.value
        rails[RADIO] = _rail(node, RADIO, supply.radio.regulator, radio_v, radio.supply_v)
    return rails


def _rail(node: Node, name: str, regulator: str, supply_v: float, stands: Quantity) -> RailParts:
    key, volts_key = f"supply.{name}.regulator", "sensor.supply_v" if name == SENSOR else f"supply.{name}.supply_v"
    sheet = _named(node.path, key, regulator, load_regulator)
    lowest_v = stands.value if stands.low is None else stands.low
    highest_v = stands.value if stands.high is None else stands.high
    battery_v, nominal_v = _voltages(node.battery), node.battery.nominal_v.value
    if sheet.kind in PASSING:
        _check_passing(node, key, sheet, battery_v, (lowest_v, highest_v))
        supply_v = nominal_v
    elif not lowest_v <= supply_v <= highest_v:
        raise BadInputError(node.path, volts_key, supply_v, f"the {name} takes {lowest_v:g} to {highest_v:g} V")
    check_output(node.path, volts_key, sheet, supply_v, battery_v)
    if sheet.kind == "linear":
        supply_v = min(supply_v, nominal_v)  # in dropout the rail follows the battery
    return RailParts(supply_v, lowest_v, sheet)


def _check_passing(
    node: Node, key: str, sheet: RegulatorSheet, battery_v: tuple[float, float], stands_v: tuple[float, float]
) -> None:
    """Refuse a wire or switch between a battery and what does not stand its voltage."""
    if battery_v[1] > stands_v[1]:
        allowed = f"what it supplies stands {stands_v[1]:g} V, a full battery gives {battery_v[1]:g} V"
        raise BadInputError(node.path, key, sheet.stem, allowed)


def _voltages(battery: BatterySheet) -> tuple[float, float]:
    """Return the open-circuit voltage of the battery, empty and full."""
    voltages = battery.open_circuit.voltage_v.values[0]
    return voltages[0], voltages[-1]


def _radio_parts(node: Node, sheet: RadioSheet) -> RadioParts:
    config = node.config.radio
    if config is None:
        raise ValueError("the node has no radio")
    check_radio(node.path, sheet, config)
    _check_interval(node, sheet, config)
    idle, own = idle_draws(sheet, config), background(sheet, config)
    if own is None:
        return RadioParts(message_phases(sheet, config), idle)
    # The first draw is sleep; the others are the average of the events, which stand as they are here.
    return RadioParts(message_phases(sheet, config), idle[:1], own.phases, own.period_s)


def _check_interval(node: Node, sheet: RadioSheet, config: RadioConfig) -> None:
    """Refuse messages that follow each other faster than the radio can or may send: reports, or one with each frame."""
    key, ticks = "policy.report_every_s", node.policy.report_ticks
    if not ticks:
        key, ticks = f"{key}, not set: a message with each frame, the interval", 1
    check_interval(node.path, key, sheet, config, ticks / TICKS_PER_S)


def _others(node: Node, rails: dict[str, RailParts]) -> dict[str, tuple[Draw, ...]]:
    others: dict[str, tuple[Draw, ...]] = {}
    for index, load in enumerate(node.config.loads):
        key = f"loads[{index}]"
        if load.rail not in rails:
            raise BadInputError(node.path, f"{key}.rail", load.rail, f"the node has {', '.join(rails)}")
        sheet = _named(node.path, f"{key}.part", load.part, load_fixed_load)
        check_load(node.path, key, sheet, load.state, rails[load.rail].supply_v)
        draws = load_draws(sheet, load.state, rail=load.rail, rail_v=rails[load.rail].supply_v, duty=load.duty)
        others[load.rail] = (*others.get(load.rail, ()), *draws)
    return others


def _named(path: Path, key: str, name: str, load: Callable[[str], SheetT]) -> SheetT:
    """Return a part by name; an unknown one is told with the node's file and key."""
    try:
        return load(name)
    except BadInputError as error:
        if error.value != name:
            raise
        raise BadInputError(path, key, name, error.allowed) from error
