"""A node as its rails see it: who draws what, for which share of the time."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from mcu_models.power import state_draws
from twin.energy.draw import Draw
from twin.energy.radio_phases import RADIO
from twin.energy.rails import Part, RailLoad
from twin.energy.regulator import switch_draws

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mcu_models.boards.board import Board
    from mcu_models.power import SupplyPoint
    from sensors.grid_eye_sheet import GridEyeSheet
    from twin.energy.draw import Phase
    from twin.energy.regulator import RegulatorSheet
    from twin.energy.usage import Usage

BOARD, SENSOR = "board", "sensor"
_SENSOR_CURRENTS = {
    "startup": "normal_current",
    "normal": "normal_current",
    "standby": "standby_current",
    "sleep": "sleep_current",
}


@dataclass(frozen=True)
class RailParts:
    """A rail before anybody draws from it."""

    supply_v: float
    lowest_v: float
    regulator: RegulatorSheet

    def loaded(self, always: tuple[Draw, ...], parts: tuple[Part, ...]) -> RailLoad:
        """Return the rail with what flows from it."""
        return RailLoad(self.supply_v, self.lowest_v, self.regulator, always, parts)


@dataclass(frozen=True)
class RadioParts:
    """A radio.

    Attributes:
        message: What one message is made of.
        idle: What always flows.
        events: What goes on without being asked, such as the events of a connection.
        event_period_s: How often that is.
    """

    message: tuple[Phase, ...]
    idle: tuple[Draw, ...]
    events: tuple[Phase, ...] = ()
    event_period_s: float = math.inf


@dataclass(frozen=True)
class Consumers:
    """All that draws current in a node, in the SI values of its sheets.

    Attributes:
        board: The microcontroller.
        supply: How it is supplied.
        sensor: The sensor.
        switch: Load switch in the sensor's supply; None for none, or one that takes nothing.
        radio: The radio; None for a node that has none.
        others: What always flows, by rail.
        rails: The rails that the node has.
    """

    board: Board
    supply: SupplyPoint
    sensor: GridEyeSheet
    switch: RegulatorSheet | None
    radio: RadioParts | None
    others: Mapping[str, tuple[Draw, ...]]
    rails: Mapping[str, RailParts]

    def without_sensor(self) -> Consumers:
        """Return the node if its sensor drew nothing."""
        return replace(self, rails={name: rail for name, rail in self.rails.items() if name != SENSOR})


def rails_of(consumers: Consumers, usage: Usage) -> dict[str, RailLoad]:
    """Return what flows from each rail of a node that spends its time so."""
    parts = {BOARD: tuple(_board_parts(consumers, usage)), SENSOR: tuple(_sensor_parts(consumers, usage))}
    idle: dict[str, tuple[Draw, ...]] = {}
    if consumers.radio is not None:
        parts[RADIO] = tuple(_radio_parts(consumers.radio, usage))
        idle[RADIO] = consumers.radio.idle
    return {
        name: rail.loaded((*idle.get(name, ()), *consumers.others.get(name, ())), parts.get(name, ()))
        for name, rail in consumers.rails.items()
    }


def _board_parts(consumers: Consumers, usage: Usage) -> Iterator[Part]:
    for state, share in usage.mcu.items():
        name = f"mcu {state}"
        draws = tuple(
            Draw(name, BOARD, key, quantity, factor)
            for key, quantity, factor in state_draws(
                consumers.board.name, consumers.board.sheet.power, state, consumers.supply
            )
        )
        yield Part(name, np.asarray(share), usage.computing_s, draws)


def _sensor_parts(consumers: Consumers, usage: Usage) -> Iterator[Part]:
    switch = consumers.switch
    for state, share in usage.sensor.items():
        is_on = state != "off"
        draws = () if switch is None else switch_draws(switch, SENSOR, is_on=is_on)
        if is_on:
            key = _SENSOR_CURRENTS[state]
            quantity = getattr(consumers.sensor, f"{key}_a")
            draws = (Draw(SENSOR, SENSOR, f"{consumers.sensor.stem}.{key}", quantity), *draws)
        yield Part(f"sensor {state}", np.asarray(share), 1.0, draws)


def _radio_parts(radio: RadioParts, usage: Usage) -> Iterator[Part]:
    """Yield what a message and the radio's own events are made of; the idle current flows on beside them."""
    for phase in radio.events:
        share = np.asarray(phase.duration_s / radio.event_period_s)
        yield Part(f"radio {phase.name}", share, phase.duration_s, phase.draws)
    for phase in radio.message:
        share = np.asarray(usage.messages_per_s * phase.duration_s)
        yield Part(f"radio {phase.name}", share, phase.duration_s, phase.draws)
