"""What a node's TOML says of its supply: regulators, load switch, capacitor, what else draws current."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from datasheet.config import Config

IDEAL = "ideal_linear"
"""The regulator of a rail that names none: without losses but the voltage."""

Volts = Annotated[float, Field(gt=0, le=20)]


class RailConfig(Config):
    """What makes a rail; without `supply_v` the voltage is the part's own."""

    regulator: str = IDEAL
    supply_v: Volts | None = None


class SensorRailConfig(Config):
    """The sensor's rail, whose voltage is `sensor.supply_v`; `load_switch` is what switches it off."""

    regulator: str = IDEAL
    load_switch: str | None = None


class BoardRailConfig(RailConfig):
    """The microcontroller's rail; `supply` is one of the other supplies that its sheet knows, such as SMPS."""

    supply: str = ""


class SupplyConfig(Config):
    """From the battery to the parts."""

    board: BoardRailConfig = BoardRailConfig()
    sensor: SensorRailConfig = SensorRailConfig()
    radio: RailConfig = RailConfig()
    capacitance_uf: Annotated[float, Field(ge=0, le=1e7)] = 0.0
    battery_degc: Annotated[float, Field(ge=-60, le=85)] = 23.0


class LoadConfig(Config):
    """Something else that draws current: a LED, a level shifter, pull-ups, at one of the rails."""

    part: str
    state: str
    rail: str = "board"
    duty: Annotated[float, Field(gt=0, le=1)] = 1.0
