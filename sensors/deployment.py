"""Scenarios moved to places in which thermal arrays were recorded, so that both can be compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datasheet.config import find_in_library
from datasheet.quantity import Celsius, Metre, Ratio
from datasheet.sheet import Sheet, load_sheet

if TYPE_CHECKING:
    from scenarios.room import Scenario


class Deployment(Sheet):
    """Air, floor and walls, mount and people of a recorded place; hair and clothing (in clo) as in a population."""

    air_degc: Celsius
    surface_degc: Celsius
    mount_height_m: Metre
    hair_low: Ratio
    hair_high: Ratio
    clothing_low: Ratio
    clothing_high: Ratio


def load_deployment(name_or_path: str = "linaige") -> Deployment:
    """Return what is known of a recorded place, by library name or path.

    Raises:
        BadInputError: There is no such file, or it does not hold together.
    """
    return load_sheet(find_in_library(name_or_path, "sensors.deployments", kind="deployment"), Deployment)


def moved(scenario: Scenario, deployment: Deployment) -> Scenario:
    """Return `scenario` with the air, mount and people of a recorded place.

    Who comes when, and how people move, stays as it is.
    """
    room, people = scenario.room, scenario.population
    height_m = deployment.mount_height_m.value
    return scenario.model_copy(
        update={
            "room": room.model_copy(
                update={
                    "air_degc": deployment.air_degc.value,
                    "floor_degc": deployment.surface_degc.value,
                    "wall_degc": deployment.surface_degc.value,
                    "ceiling_height_m": max(room.ceiling_height_m, height_m),
                }
            ),
            "population": people.model_copy(
                update={
                    "hair_low_ratio": deployment.hair_low.value,
                    "hair_high_ratio": deployment.hair_high.value,
                    "clothing_low_clo": deployment.clothing_low.value,
                    "clothing_high_clo": deployment.clothing_high.value,
                }
            ),
            "sensor_mount": scenario.sensor_mount.model_copy(update={"height_m": height_m}),
        }
    )


def linaige_like(scenario: Scenario) -> Scenario:
    """Return `scenario` moved to the offices of LINAIGE."""
    return moved(scenario, load_deployment("linaige"))
