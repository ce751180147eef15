"""Where people can be: the floor of a room, its doorways, and the clearance that bodies keep."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import shapely

from scenarios.room import BODY_CLEARANCE_M

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenarios.room import Door, Room, Scenario, Thing

Point = tuple[float, float]

Fault = tuple[str, object, str]
"""Key, value and rule."""

FRAME_CLEARANCE_M = 0.27
"""Nobody's axis comes nearer to a door's frame or to furniture: half of a broad pair of shoulders."""

OUTSIDE_M = 0.6
"""How far outside the wall people appear; they vanish before."""

INSIDE_M = 0.6
"""How far inside the wall those who enter have left the doorway free."""

BOTH_WAYS_M = 1.6
"""Doors of this width and more are passed in both directions at once: two bodies with their clearance."""

_LANE_SHARE = 0.9
_LANE_WIDTH_M = 0.55
_RUN_UP_M = 1.6
_NARROWEST_M = 0.03
_ON_THE_LINE_M = 0.01


@dataclass(frozen=True)
class Doorway:
    """A door as those who pass it meet it.

    Attributes:
        middle: Middle of the opening, in the wall.
        inward: Unit vector into the room.
        half_m: How far to either side of the middle a body's axis may pass.
        is_one_way: Whether it leads only in or only out.
    """

    middle: Point
    inward: Point
    half_m: float
    is_one_way: bool = False

    def at(self, inward_m: float, rightward_m: float = 0.0) -> Point:
        """Return the point so far into the room, and so far to the right of those who walk in."""
        (x_m, y_m), (ix, iy) = self.middle, self.inward
        return x_m + inward_m * ix + rightward_m * iy, y_m + inward_m * iy - rightward_m * ix

    def depth_m(self, point: Point) -> float:
        """Return how far into the room a point is, negative outside."""
        return (point[0] - self.middle[0]) * self.inward[0] + (point[1] - self.middle[1]) * self.inward[1]

    def rightward_m(self, point: Point) -> float:
        """Return how far a point is to the right of those who walk in through the middle."""
        return (point[0] - self.middle[0]) * self.inward[1] - (point[1] - self.middle[1]) * self.inward[0]

    @cached_property
    def lanes_m(self) -> tuple[float, ...]:
        """Where people pass abreast, as in `at`: two lanes even where one of two has to wait for the other."""
        widest_m = _LANE_SHARE * self.half_m
        count = max(2, 1 + math.floor(2 * widest_m / _LANE_WIDTH_M))
        return tuple(float(lane_m) for lane_m in np.linspace(-widest_m, widest_m, count))

    @property
    def is_both_ways(self) -> bool:
        """Whether people pass in both directions at once, each on the right."""
        return not self.is_one_way and self.half_m >= BOTH_WAYS_M / 2 - FRAME_CLEARANCE_M - 1e-9


def doorway(door: Door, room: Room) -> Doorway:
    """Return `door` as those who pass it meet it."""
    middle, inward = {
        "south": ((door.centre_m, 0.0), (0.0, 1.0)),
        "north": ((door.centre_m, room.size_y_m), (0.0, -1.0)),
        "west": ((0.0, door.centre_m), (1.0, 0.0)),
        "east": ((room.size_x_m, door.centre_m), (-1.0, 0.0)),
    }[door.wall]
    half_m = max(door.width_m / 2 - FRAME_CLEARANCE_M, _NARROWEST_M)
    return Doorway(middle, inward, half_m, is_one_way=door.direction != "both")


def outline(room: Room) -> shapely.Polygon:
    """Return the room's floor from wall to wall."""
    if room.outline_m:
        return shapely.Polygon(room.outline_m)
    return shapely.box(0, 0, room.size_x_m, room.size_y_m)


def walkable_floor(scenario: Scenario, outside_m: float = OUTSIDE_M + 0.01) -> shapely.Geometry:
    """Return where a body's axis may be: clear of walls and furniture, and in the doorways.

    Args:
        scenario: Whose room.
        outside_m: How far the doorways reach out of the room.
    """
    passages = [_passage(doorway(door, scenario.room), outside_m) for door in scenario.doors]
    free = outline(scenario.room).buffer(-BODY_CLEARANCE_M, join_style="mitre")
    floor = shapely.union_all([free, *passages])
    blocked = [_around(thing) for thing in scenario.objects if thing.is_in_the_way]
    blocked += [
        shapely.LineString(wall.points_m).buffer(BODY_CLEARANCE_M, cap_style="square", join_style="mitre")
        for wall in scenario.walls
    ]
    area = shapely.difference(floor, shapely.union_all(blocked)) if blocked else floor
    shapely.prepare(area)
    return area


def _passage(door: Doorway, outside_m: float) -> shapely.Geometry:
    """Return the strip of floor through a door."""
    corners = [(-outside_m, -door.half_m), (-outside_m, door.half_m), (INSIDE_M, door.half_m), (INSIDE_M, -door.half_m)]
    return shapely.Polygon([door.at(*corner) for corner in corners])


def _around(thing: Thing) -> shapely.Geometry:
    """Return the floor that a thing takes, with the clearance that bodies keep from it."""
    half_x_m, half_y_m = thing.size_x_m / 2 + FRAME_CLEARANCE_M, thing.size_y_m / 2 + FRAME_CLEARANCE_M
    return shapely.box(thing.x_m - half_x_m, thing.y_m - half_y_m, thing.x_m + half_x_m, thing.y_m + half_y_m)


class Floor:
    """The floor of a scenario, with its borders and the corners to walk around."""

    def __init__(self, scenario: Scenario) -> None:
        self.doorways = [doorway(door, scenario.room) for door in scenario.doors]
        self.seats_m = [(place.x_m, place.y_m) for place in scenario.places if place.posture == "sitting"]
        self.area = _largest(walkable_floor(scenario, OUTSIDE_M + _RUN_UP_M))
        shapely.prepare(self.area)

    @cached_property
    def borders_m(self) -> NDArray[np.float64]:
        """(M, 4) x and y of both ends of each border."""
        rings = [np.asarray(ring.coords) for ring in _rings(self.area)]
        return np.concatenate([np.hstack([ring[:-1, :2], ring[1:, :2]]) for ring in rings])

    @cached_property
    def corners_m(self) -> NDArray[np.float64]:
        """(K, 2) points a little clear of the corners around which shortest ways bend."""
        clear = self.area.buffer(-_ON_THE_LINE_M * 3, join_style="mitre")
        # Oriented so that the floor lies to the left of every ring.
        rings = [ring for part in _parts(clear) for ring in _rings(shapely.orient_polygons(part))]
        found = [_bends(ring) for ring in rings]
        return np.concatenate([*found, np.empty((0, 2))])

    def border_distance_m(self, point: Point) -> float:
        """Return how far a point is from the nearest border."""
        return float(self.area.boundary.distance(shapely.Point(point)))


def find_fault(scenario: Scenario) -> Fault | None:
    """Return the key, value and rule of the first thing that is outside or that people cannot reach, or None."""
    return _outline_fault(scenario) or _reach_fault(scenario)


def _outline_fault(scenario: Scenario) -> Fault | None:
    """Return what is wrong with the outline, or is not within it or on it as it must be."""
    shape = outline(scenario.room)
    if not shape.is_valid or shape.area < 1e-3:
        return "room.outline_m", None, "must be the corners, in order, of an outline that does not cross itself"
    mount = scenario.sensor_mount
    if not shape.buffer(_ON_THE_LINE_M).covers(shapely.Point(mount.x_m, mount.y_m)):
        return "sensor_mount.x_m", mount.x_m, f"with y_m {mount.y_m:g}, must be inside the outline of the room"
    for index, door in enumerate(scenario.doors):
        if not _is_in_outline(doorway(door, scenario.room), door.width_m, shape):
            return f"doors[{index}].centre_m", door.centre_m, "the outline must run along the whole door"
    if shape.buffer(-BODY_CLEARANCE_M, join_style="mitre").is_empty:
        return "room", None, "is too narrow for anybody to stand in"
    return None


def _reach_fault(scenario: Scenario) -> Fault | None:
    """Return the first door or place that people cannot get to."""
    area = _largest(walkable_floor(scenario)).buffer(_ON_THE_LINE_M)
    for index, door in enumerate(scenario.doors):
        way = doorway(door, scenario.room)
        if not area.covers(shapely.LineString([way.at(-OUTSIDE_M), way.at(INSIDE_M)])):
            return f"doors[{index}].centre_m", door.centre_m, "a wall or furniture stands in the way of this door"
    for index, place in enumerate(scenario.places):
        if not area.covers(shapely.Point(place.x_m, place.y_m)):
            limits = f"{FRAME_CLEARANCE_M:g} m from furniture and {BODY_CLEARANCE_M:g} m from walls"
            return f"places[{index}].x_m", place.x_m, f"nobody can stand at this place or get to it, {limits}"
    return None


def _is_in_outline(way: Doorway, width_m: float, shape: shapely.Polygon) -> bool:
    opening = shapely.LineString([way.at(0.0, -width_m / 2), way.at(0.0, width_m / 2)])
    return bool(shape.boundary.buffer(_ON_THE_LINE_M).covers(opening))


def _parts(area: shapely.Geometry) -> list[shapely.Polygon]:
    return [part for part in shapely.get_parts(area) if isinstance(part, shapely.Polygon) and not part.is_empty]


def _rings(polygon: shapely.Polygon) -> list[shapely.LinearRing]:
    return [polygon.exterior, *polygon.interiors]


def _largest(area: shapely.Geometry) -> shapely.Polygon:
    return max(_parts(area), key=lambda part: float(part.area))


def _bends(ring: shapely.LinearRing) -> NDArray[np.float64]:
    """Return the corners of a ring at which the floor takes more than half of the turn."""
    points = np.asarray(ring.coords)[:-1, :2]
    before, after = points - np.roll(points, 1, axis=0), np.roll(points, -1, axis=0) - points
    turns = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    return np.asarray(points[turns < -1e-9])
