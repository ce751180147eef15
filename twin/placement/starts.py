"""Placements to begin a search with, or to compare it against: a regular grid, and where people are."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import shapely
from shapely.ops import nearest_points

from scenarios.geometry import doorway, outline
from sensors.field_of_view import edge_ratio, nominal_field_of_view
from sensors.mount import Mount

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from scenarios.room import Scenario
    from scenarios.timeline import Timeline
    from sensors.grid_eye_sheet import GridEyeSheet

_CANDIDATE_STEP_M = 0.25
_BEHIND_DOOR_M = 0.4
"""Both sides of a door's line are then in view below a ceiling; assumed."""
_FRAME_STEP = 5
"""People hardly move within half a second, which is enough to tell where they are."""


def inside(scenario: Scenario, x_m: float, y_m: float) -> tuple[float, float]:
    """Return the point of the room nearest to a point, which is the point itself within the room."""
    shape, point = outline(scenario.room), shapely.Point(x_m, y_m)
    if shape.covers(point):
        return x_m, y_m
    nearest = nearest_points(shape.buffer(-0.01), point)[0]
    return float(nearest.x), float(nearest.y)


def to_the_centimetre(scenario: Scenario, x_m: float, y_m: float) -> tuple[float, float]:
    """Return the point of the room nearest to a point, to the centimetre, as somebody hangs a node."""
    x_m, y_m = (round(value_m, 2) for value_m in inside(scenario, x_m, y_m))
    # Rounded, it may lie beyond a wall that is slanted, or drawn to the millimetre.
    x_m, y_m = (round(value_m, 2) for value_m in inside(scenario, x_m, y_m))
    return x_m, y_m


def regular_grid(scenario: Scenario, number: int, height_m: float) -> list[Mount]:
    """Return so many mounts, evenly spread over the box around the room, looking straight down.

    Rows and columns are those whose cells are nearest to squares; a row that is not full is spread over its length.
    """
    room = scenario.room
    columns = min(
        range(1, number + 1), key=lambda n: abs(math.log(room.size_x_m / n / (room.size_y_m / math.ceil(number / n))))
    )
    rows = math.ceil(number / columns)
    edges = np.round(np.linspace(0, number, rows + 1)).astype(int)
    mounts = []
    for row, (first, end) in enumerate(pairwise(edges)):
        for column in range(end - first):
            x_m, y_m = (column + 0.5) / (end - first) * room.size_x_m, (row + 0.5) / rows * room.size_y_m
            mounts.append(Mount(*inside(scenario, x_m, y_m), height_m))
    return mounts


def at_the_doors(scenario: Scenario, number: int, height_m: float) -> list[Mount]:
    """Return so many mounts inside the doors, the most used door first; doors get a second one when all have one.

    One hangs over the middle of the way, two to the left and the right of it.
    """
    doors = sorted(range(len(scenario.doors)), key=lambda index: -scenario.doors[index].weight)
    hung = [doors[place % len(doors)] for place in range(number)]
    mounts = []
    for place, index in enumerate(hung):
        beside, nth = hung.count(index), hung[:place].count(index)
        across_m = ((nth + 0.5) / beside - 0.5) * scenario.doors[index].width_m
        mounts.append(mount_at(scenario, index, _BEHIND_DOOR_M, across_m, height_m))
    return mounts


def mount_at(scenario: Scenario, door: int, inside_m: float, across_m: float, height_m: float) -> Mount:
    """Return the mount behind a door, by its number, looking straight down, its image's top turned into the room."""
    way = doorway(scenario.doors[door], scenario.room)
    x_m, y_m = to_the_centimetre(scenario, *way.at(inside_m, across_m))
    yaw_deg = math.degrees(math.atan2(way.inward[1], way.inward[0])) - 90
    return Mount(x_m, y_m, height_m, round(yaw_deg % 360, 0))


def where_people_are(
    scenario: Scenario, timelines: Sequence[Timeline], sheet: GridEyeSheet, number: int, height_m: float
) -> list[Mount]:
    """Return mounts that see most of people's time, the first alone, each further one beside those before it.

    Taken from a grid of places under the ceiling, looking straight down; fields are as the sheet states them.
    """
    places = _candidates(scenario)
    seen = np.stack([_in_view(timelines, Mount(*place, height_m), sheet) for place in places])
    missing = np.ones(seen.shape[1], np.bool_)
    chosen: list[Mount] = []
    for _ in range(number):
        best = int((seen & missing).sum(axis=1).argmax())
        missing &= ~seen[best]
        chosen.append(Mount(*places[best], height_m))
    return chosen


def _candidates(scenario: Scenario) -> list[tuple[float, float]]:
    room = scenario.room
    across = [np.arange(_CANDIDATE_STEP_M, size_m, _CANDIDATE_STEP_M) for size_m in (room.size_x_m, room.size_y_m)]
    grid = np.stack(np.meshgrid(*across), axis=-1).reshape(-1, 2)
    within = grid[shapely.contains_xy(outline(room), grid)]
    return [(float(x), float(y)) for x, y in within]


def _in_view(timelines: Sequence[Timeline], mount: Mount, sheet: GridEyeSheet) -> NDArray[np.bool_]:
    """Return (M,) whether each person of each frame is in view, all timelines behind each other."""
    fov = nominal_field_of_view(sheet)
    found = []
    for timeline in timelines:
        ratio = edge_ratio(timeline, mount, fov)[::_FRAME_STEP]
        there = timeline.person_index[::_FRAME_STEP] >= 0
        found.append(((ratio >= 0) & (ratio <= 1))[there])
    return np.concatenate(found)
