"""What geometry alone says of sensors in a plan: how much floor they look at, and what a planner should know."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import shapely

from datasheet.bad_input import BadInputError
from scenarios.geometry import outline
from sensors.field_of_view import HIP_RATIO
from twin.placement.footprints import PLANES_M, pixel_outlines_m
from twin.placement.plan_shapes import box_m, field_outline_m, is_warm, mount_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scenarios.room import Scenario
    from twin.node import Node

STEEPEST_TILT_DEG = 60.0
"""Sensors tilted by more look to the horizon with part of their field; half of a field is 30 degrees."""

_LEAST_SHARED_M2 = 0.05


def seen_m2(scenario: Scenario, nodes: Sequence[Node]) -> dict[str, float]:
    """Return how much of the room's area any sensor looks at, by height as in `PLANES_M`."""
    floor = outline(scenario.room)
    return {
        plane: float(shapely.union_all([_field(scenario, node, plane) for node in nodes]).intersection(floor).area)
        for plane in PLANES_M
    }


def floor_m2(scenario: Scenario) -> float:
    """Return the room's area."""
    return float(outline(scenario.room).area)


def remarks(scenario: Scenario, nodes: Sequence[Node]) -> list[str]:
    """Return what is to be known, a line each: sensors outside, tilted far, beside walls, warm things, shared fields.

    Sensors are told by their number, from 1.
    """
    lines = [line for number, node in enumerate(nodes, start=1) for line in _of_one(scenario, node, number)]
    hips_m = HIP_RATIO * scenario.population.stature_mean_m
    fields = [_field_m(scenario, node, hips_m).intersection(outline(scenario.room)) for node in nodes]
    for (first, one), (second, other) in combinations(enumerate(fields, start=1), 2):
        if (shared_m2 := one.intersection(other).area) > _LEAST_SHARED_M2:
            lines.append(
                f"The fields of sensors {first} and {second} share {shared_m2:.1f} m2 at the height of hips: "
                "whoever is there may be counted by both, so a gateway has to know."
            )
    return lines


def _of_one(scenario: Scenario, node: Node, number: int) -> list[str]:
    lines = []
    try:
        node.mount_in(scenario)
    except BadInputError as error:
        lines.append(f"Sensor {number} hangs outside the room ({error.key}); {error.allowed}.")
    mount = mount_of(scenario, node)
    if mount.tilt_deg > STEEPEST_TILT_DEG:
        lines.append(
            f"Sensor {number} is tilted by {mount.tilt_deg:g} degrees: part of its field looks to the horizon."
        )
    field = _field(scenario, node, "floor")
    outside = 1 - field.intersection(outline(scenario.room)).area / field.area if field.area else 0.0
    if outside > 1 / 3:
        lines.append(f"Sensor {number}: {outside:.0%} of its field on the floor lies behind walls.")
    warm = [
        f"{thing.name} ({thing.surface_degc:g} degC)"
        for thing in scenario.objects
        if is_warm(thing, scenario.room) and field.intersects(shapely.Polygon(box_m(thing)))
    ]
    if warm:
        lines.append(f"Sensor {number} has {', '.join(warm)} in its field, which may look like people.")
    return lines


def _field(scenario: Scenario, node: Node, plane: str) -> shapely.Polygon:
    return _field_m(scenario, node, PLANES_M[plane])


def _field_m(scenario: Scenario, node: Node, height_m: float) -> shapely.Polygon:
    pixels_m = pixel_outlines_m(mount_of(scenario, node), node.sensor, height_m)
    border = np.asarray(field_outline_m(pixels_m, (node.sensor.rows, node.sensor.columns)))
    shape = shapely.Polygon(border)
    return shape if shape.is_valid else shape.buffer(0)
