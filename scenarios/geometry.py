"""Where people can be: the floor of a room, its doorways, and the room a body takes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import shapely

from scenarios.room import BODY_CLEARANCE_M

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scenarios.room import Door, Room

Point = tuple[float, float]

SEPARATION_M = 0.5
"""Two body axes never come nearer than this: one shoulder breadth and a little air."""

OUTSIDE_M = 0.6
"""How far outside the wall people appear and vanish."""

_INSIDE_M = 0.6
_WAITING_M = 1.1


@dataclass(frozen=True)
class Doorway:
    """Three points that a door gives to those who pass it.

    Attributes:
        outside: Where people appear and vanish.
        inside: Where they have come through.
        waiting: Where those who leave wait until the doorway is free, to its east in a north or south wall, to
            its north in a west or east wall. Seen from inside, that is to the right of doors in the north and
            west walls, to the left of doors in the other two.
    """

    outside: Point
    inside: Point
    waiting: Point


def doorway(door: Door, room: Room) -> Doorway:
    """Return the points that belong to `door`."""
    return Doorway(
        outside=_from_door(door, room, -OUTSIDE_M, 0.0),
        inside=_from_door(door, room, _INSIDE_M, 0.0),
        waiting=_from_door(door, room, _WAITING_M, 0.45),
    )


def walkable_floor(room: Room, doors: Iterable[Door]) -> shapely.Geometry:
    """Return where a body's axis may be: clear of the walls, and in the doorways."""
    floor = shapely.box(
        BODY_CLEARANCE_M,
        BODY_CLEARANCE_M,
        room.size_x_m - BODY_CLEARANCE_M,
        room.size_y_m - BODY_CLEARANCE_M,
    )
    area = shapely.union_all([floor, *(_passage(door, room) for door in doors)])
    shapely.prepare(area)
    return area


def turned(vector: Point, angle_rad: float) -> Point:
    """Return `vector` turned counter-clockwise."""
    cosine, sine = math.cos(angle_rad), math.sin(angle_rad)
    return vector[0] * cosine - vector[1] * sine, vector[0] * sine + vector[1] * cosine


def _passage(door: Door, room: Room) -> shapely.Geometry:
    """Return the strip of floor through a door; the body's axis stays 0.25 m clear of the frame."""
    half_m = max(door.width_m / 2 - 0.25, 0.05)
    corners = [
        (-OUTSIDE_M - 0.01, -half_m),
        (-OUTSIDE_M - 0.01, half_m),
        (_INSIDE_M, half_m),
        (_INSIDE_M, -half_m),
    ]
    return shapely.Polygon([_from_door(door, room, inward_m, along_m) for inward_m, along_m in corners])


def _from_door(door: Door, room: Room, inward_m: float, along_m: float) -> Point:
    """Return the point `inward_m` into the room from the door's middle, and `along_m` along its wall."""
    centre_m = door.centre_m
    match door.wall:
        case "south":
            return centre_m + along_m, inward_m
        case "north":
            return centre_m + along_m, room.size_y_m - inward_m
        case "west":
            return inward_m, centre_m + along_m
        case "east":
            return room.size_x_m - inward_m, centre_m + along_m
