"""Where an array hangs at a door, and where the door's line then lies in its image: what an installer works out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from datasheet.bad_input import BadInputError, nearest_name
from mcu_models.people_tracking.line import DoorLine
from mcu_models.people_tracking.parameters import PLACES_PER_PIXEL
from mcu_models.people_tracking.spots import PLACES
from scenarios.geometry import doorway
from sensors.mount import Mount
from sensors.pixels import pixel_directions_deg
from twin.doorway.config import DoorwayConfig

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from scenarios.geometry import Doorway, Point
    from scenarios.room import Scenario
    from sensors.grid_eye_sheet import GridEyeSheet
    from twin.node import Node

SPOT_HEIGHT_M: Final = 1.1
"""A warm spot lies in the image where a person's middle at this height would: from the chest of who is under the sensor
to the legs of who is beside. Two arrays 0.7 m apart then see the same person at places that differ by 0.05 m in the
middle (simulated corridor and lobby)."""
HEAD_HEIGHT_M: Final = 1.8
"""Tall people's heads lie farther out in the image: the line's ends leave room for them."""
BESIDE_M: Final = 0.3
"""Half a body may be seen beyond the door's edge."""
STEEPEST: Final = math.tan(math.radians(25))
"""A row of pixels that is turned farther away from the door's line lets people pass it at another place than the
middle; assumed."""
_STEP_M: Final = 0.1
_MARGIN_PIXELS: Final = 1.5


@dataclass(frozen=True)
class Watch:
    """An array at a door.

    Attributes:
        door: The door's name.
        way: The door as those who pass it meet it.
        mount: Where the array hangs.
        sheet: The array.
        line_m: How far inside the wall its line lies.
        line: The line in the image.
    """

    door: str
    way: Doorway
    mount: Mount
    sheet: GridEyeSheet
    line_m: float
    line: DoorLine

    def across_m(self, place: float) -> float:
        """Return how far to the right of those who walk in a spot is that passes the line at a place along it."""
        row_column = [place, place]
        row_column[self.line.axis] = self.line.place
        return self.way.rightward_m(_spot_on_plan(self.mount, self.sheet, *row_column))


def watch(node: Node, scenario: Scenario) -> Watch:
    """Return where a node watches which door of a scenario.

    Raises:
        BadInputError: There is no such door, or its line is not in view.
    """
    mount = node.mount_in(scenario)
    return watch_at(scenario, mount, node.sensor, node.config.doorway or DoorwayConfig(), node.path)


def watch_at(
    scenario: Scenario, mount: Mount, sheet: GridEyeSheet, config: DoorwayConfig, path: Path | str = "doorway"
) -> Watch:
    """Return what an array at `mount` watches.

    Args:
        scenario: The room with its doors.
        mount: Where the array hangs.
        sheet: The array.
        config: Which door, and where the line lies; the other keys are of no matter here.
        path: The file that an error names.

    Raises:
        BadInputError: There is no such door, or its line is not in view.
    """
    index = _door_index(scenario, config, path, (mount.x_m, mount.y_m))
    way = doorway(scenario.doors[index], scenario.room)
    line = _line(path, mount, sheet, way, config.line_m)
    return Watch(scenario.door_name(index), way, mount, sheet, config.line_m, line)


def mount_at_door(scenario: Scenario, config: DoorwayConfig, path: Path) -> Mount:
    """Return where an array hangs at a door, its image's top turned into the room.

    Raises:
        BadInputError: There is no such door, or the array would hang above the ceiling.
    """
    index = _door_index(scenario, config, path, None)
    way = doorway(scenario.doors[index], scenario.room)
    ceiling_m = scenario.room.ceiling_height_m
    height_m = ceiling_m if config.height_m is None else config.height_m
    if height_m > ceiling_m:
        raise BadInputError(
            path, "doorway.height_m", height_m, f"must not be above the ceiling of {scenario.name}, {ceiling_m:g} m"
        )
    x_m, y_m = way.at(config.inside_m, config.across_m)
    yaw_deg = math.degrees(math.atan2(way.inward[1], way.inward[0])) - 90
    return Mount(x_m, y_m, height_m, yaw_deg % 360, 0.0)


def _door_index(scenario: Scenario, config: DoorwayConfig, path: Path | str, near: Point | None) -> int:
    names = [scenario.door_name(index) for index in range(len(scenario.doors))]
    if config.door:
        if config.door not in names:
            raise BadInputError(path, "doorway.door", config.door, nearest_name(config.door, names))
        return names.index(config.door)
    if near is None:
        return 0
    ways = [doorway(door, scenario.room) for door in scenario.doors]
    return min(range(len(ways)), key=lambda index: math.dist(near, ways[index].middle))


def _line(path: Path | str, mount: Mount, sheet: GridEyeSheet, way: Doorway, line_m: float) -> DoorLine:
    here = _in_image(mount, sheet, way.at(line_m), SPOT_HEIGHT_M)
    ahead = _in_image(mount, sheet, way.at(line_m + _STEP_M), SPOT_HEIGHT_M) - here
    axis = int(np.argmax(np.abs(ahead)))
    margin = _MARGIN_PIXELS * PLACES_PER_PIXEL
    if not (np.isfinite(ahead).all() and margin <= here[axis] <= PLACES - margin):
        allowed = f"the line {line_m:g} m behind the door must lie in view, {_MARGIN_PIXELS:g} pixels from its edge"
        raise BadInputError(path, "mount", f"({mount.x_m:g}, {mount.y_m:g})", allowed)
    if abs(ahead[1 - axis]) > STEEPEST * abs(ahead[axis]):
        raise BadInputError(path, "mount.yaw_deg", mount.yaw_deg, "must turn rows or columns along the door")
    first, last = _ends(mount, sheet, way, line_m, 1 - axis)
    if last - first < PLACES_PER_PIXEL:
        raise BadInputError(path, "mount", f"({mount.x_m:g}, {mount.y_m:g})", "the door must lie in view")
    return DoorLine(axis, round(float(here[axis])), 1 if ahead[axis] > 0 else -1, first, last)


def _ends(mount: Mount, sheet: GridEyeSheet, way: Doorway, line_m: float, axis: int) -> tuple[int, int]:
    """Return from where to where along the line people count: the door, as wide as it looks at the height of heads."""
    reach_m = way.half_m + BESIDE_M
    height_m = min(HEAD_HEIGHT_M, (mount.height_m + SPOT_HEIGHT_M) / 2)
    seen = [_in_image(mount, sheet, way.at(line_m, side * reach_m), height_m)[axis] for side in (-1, 1)]
    low, high = sorted(PLACES if math.isnan(place) else float(np.clip(place, 0, PLACES)) for place in seen)
    return round(low), round(high)


def _in_image(mount: Mount, sheet: GridEyeSheet, point: Point, height_m: float) -> NDArray[np.float64]:
    """Return (2,) row and column of a point at a height, in sixteenths of a pixel; nan behind the array."""
    right_m, top_m, ahead_m = mount.to_camera(np.array([*point, height_m]))
    if ahead_m <= 0:
        return np.full(2, np.nan)
    azimuth, elevation = _directions_deg(sheet)
    column = _place(azimuth, math.degrees(math.atan2(right_m, ahead_m)))
    row = _place(-elevation, -math.degrees(math.atan2(top_m, ahead_m)))
    return np.array([row, column])


def _spot_on_plan(mount: Mount, sheet: GridEyeSheet, row: float, column: float) -> Point:
    """Return where on the plan a spot at a place in the image is."""
    azimuth, elevation = _directions_deg(sheet)
    right, top = (
        math.tan(math.radians(_angle_deg(azimuth, column))),
        math.tan(math.radians(-_angle_deg(-elevation, row))),
    )
    ray = np.array([right, top, 1.0]) @ mount.rotation
    reach_m = (mount.height_m - SPOT_HEIGHT_M) / max(-ray[2], 1e-3)
    return float(mount.x_m + ray[0] * reach_m), float(mount.y_m + ray[1] * reach_m)


def _directions_deg(sheet: GridEyeSheet) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the azimuth of each column and the elevation of each row, on average."""
    azimuth, elevation = pixel_directions_deg(sheet)
    return azimuth.mean(axis=0), elevation.mean(axis=1)


def _place(angles_deg: NDArray[np.float64], angle_deg: float) -> float:
    """Return where among rising angles of pixels an angle is, evenly on beyond the first and the last."""
    slope, first = _even(angles_deg)
    return (angle_deg - first) / slope * PLACES_PER_PIXEL + PLACES_PER_PIXEL / 2


def _angle_deg(angles_deg: NDArray[np.float64], place: float) -> float:
    slope, first = _even(angles_deg)
    return (place - PLACES_PER_PIXEL / 2) / PLACES_PER_PIXEL * slope + first


def _even(angles_deg: NDArray[np.float64]) -> tuple[float, float]:
    """Return step and beginning of the even angles that are next to those of the pixels."""
    slope, first = np.polyfit(np.arange(len(angles_deg)), angles_deg, 1)
    return float(slope), float(first)
