"""Nodes hung at places: what a command line or a page says of them, and the TOML of a node that hangs there."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import tomli_w

from datasheet.bad_input import BadInputError
from datasheet.toml_file import read_toml
from twin.node import MountConfig, Node, load_node

if TYPE_CHECKING:
    from sensors.mount import Mount

_KEYS = ("x_m", "y_m", "height_m", "yaw_deg", "tilt_deg")
HIGHEST_M = 20.0
"""As `MountConfig` allows it."""


def load_hung_node(text: str) -> Node:
    """Return a node as `NODE` or `NODE@x,y,height[,yaw[,tilt]]` says it; metres and degrees.

    Without a place it hangs where its own file says, or else where the scenario hangs its sensor.

    Raises:
        BadInputError: There is no such node, or a place is no numbers, or not those of a place.
    """
    name, at, place = text.rpartition("@")
    if not at:
        return load_node(text)
    values = place.split(",")
    if not 3 <= len(values) <= len(_KEYS):
        raise BadInputError("command line", "node", text, "must be NODE or NODE@x,y,height[,yaw[,tilt]]")
    mount = dict(zip(_KEYS, (_number(text, value) for value in values), strict=False))
    for key, low, high in (("height_m", 0.5, HIGHEST_M), ("yaw_deg", -360.0, 360.0), ("tilt_deg", 0.0, 90.0)):
        if not low <= mount.get(key, low) <= high:
            raise BadInputError("command line", f"node.{key}", mount[key], f"must be {low:g} to {high:g}")
    return load_node(name).changed(mount=MountConfig(**mount))


def _number(text: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise BadInputError("command line", "node", text, f"{value!r} must be a number, metres or degrees")
    return number


def hung(node: Node, mount: Mount) -> Node:
    """Return the node at another place."""
    place = MountConfig(
        x_m=mount.x_m, y_m=mount.y_m, height_m=mount.height_m, yaw_deg=mount.yaw_deg, tilt_deg=mount.tilt_deg
    )
    return node.changed(mount=place)


def node_toml(node: Node) -> bytes:
    """Return the TOML of a node with its place, as its file says it otherwise."""
    table = read_toml(node.path)
    if node.config.mount is not None:
        table["mount"] = node.config.mount.model_dump()
    return tomli_w.dumps(table).encode()
