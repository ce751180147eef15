"""What a plan is drawn from: openings, boxes, fields of sensors; colours; and what is said on hovering."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sensors.mount import Mount
from twin.figures_style import ANSWER, SENSOR, WRONG
from twin.node import scenario_mount

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenarios.room import Door, Room, Scenario, Thing
    from twin.node import Node

DOOR_COLOR = "#e9c98f"
FURNITURE = ("#e7e0d4", "#b7aa95")
WARM = ("rgba(200,50,30,0.22)", WRONG)
"""Colours of areas and of their borders."""

_SENSOR_COLORS = (SENSOR, ANSWER, "#7a4fb5", "#3d8b4f", "#b5487f", "#8a6d1f", "#3f62c4", "#5d6b78")
_WARMER_THAN_ROOM_K = 2.0
"""Things so much warmer than the room are drawn as warm; assumed."""


def mount_of(scenario: Scenario, node: Node) -> Mount:
    """Return where a node hangs, be it inside or not."""
    own = node.config.mount
    if own is None:
        return scenario_mount(scenario)
    return Mount(own.x_m, own.y_m, own.height_m, own.yaw_deg, own.tilt_deg)


def field_outline_m(pixels_m: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.float64]:
    """Return (P, 2) corners of the border of a whole field, from the corners of its pixels row by row.

    Args:
        pixels_m: As `pixel_outlines_m` returns them.
        shape: Rows and columns.
    """
    grid = pixels_m.reshape(*shape, 4, 2)
    sides = [
        grid[0, :, [3, 2]].transpose(1, 0, 2),
        grid[:, -1, [2, 1]],
        grid[-1, ::-1, [1, 0]].transpose(1, 0, 2),
        grid[::-1, 0, [0, 3]],
    ]
    return np.concatenate([side.reshape(-1, 2) for side in sides])


def is_warm(thing: Thing, room: Room) -> bool:
    """Return whether a thing stands out from the room's own temperature."""
    return thing.surface_degc is not None and thing.surface_degc > room.air_degc + _WARMER_THAN_ROOM_K


def box_m(thing: Thing) -> NDArray[np.float64]:
    """Return (4, 2) corners of a thing."""
    half = np.array([thing.size_x_m, thing.size_y_m]) / 2
    return np.array([thing.x_m, thing.y_m]) + np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half


def opening_m(door: Door, room: Room) -> NDArray[np.float64]:
    """Return (2, 2) ends of a door's opening."""
    along_m = np.array([door.centre_m - door.width_m / 2, door.centre_m + door.width_m / 2])
    across_m = {"south": 0.0, "west": 0.0, "north": room.size_y_m, "east": room.size_x_m}[door.wall]
    ends = [along_m, np.full(2, across_m)]
    return np.stack(ends if door.wall in {"north", "south"} else ends[::-1], axis=1)


def tick_m(longest_m: float) -> float:
    """Return the distance of an axis's marks, for a plan of this longer side."""
    return next(tick_m for tick_m in (1, 2, 5, 10, 20) if longest_m / tick_m <= 14)


def sensor_color(number: int) -> str:
    """Return the colour of a sensor: eight of them, and again from the first."""
    return _SENSOR_COLORS[number % len(_SENSOR_COLORS)]


def sensor_told(node: Node, mount: Mount, number: int) -> str:
    """Return what is said of a sensor."""
    place = f"{mount.height_m:.2f} m high, tilt {mount.tilt_deg:g}, yaw {mount.yaw_deg:g} degrees"
    return f"sensor {number + 1}: {node.name}, {place}"


def thing_told(thing: Thing) -> str:
    """Return what is said of a thing."""
    warm = "" if thing.surface_degc is None else f", {thing.surface_degc:g} degC"
    return f"{thing.name} ({thing.kind}), {thing.bottom_m:g} to {thing.top_m:g} m high{warm}"


def door_told(scenario: Scenario, index: int) -> str:
    """Return what is said of a door."""
    door = scenario.doors[index]
    return f"{scenario.door_name(index)}: {door.width_m:g} m, {door.kind}"
