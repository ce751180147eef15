"""The one definition of "in view".

A person is in view while the axis of the body, at shoulder height (0.82 of stature), lies inside the
sensor's nominal field of view: the upright pyramid below the mount whose opposite faces enclose the
datasheet's half-value angles, its edge included. Ground truth, training labels, drawings and metrics all
use this and nothing else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenarios.timeline import Timeline
    from sensors.grid_eye_sheet import GridEyeSheet
    from sensors.mount import Mount

SHOULDER_RATIO = 0.82
"""Shoulder height over stature: 0.818 (Drillis and Contini 1966, in Winter, Biomechanics, fig. 4.1)."""


@dataclass(frozen=True)
class FieldOfView:
    """Full angles of the viewing pyramid, across columns and across rows."""

    horizontal_deg: float
    vertical_deg: float

    @property
    def half_slopes(self) -> NDArray[np.float64]:
        """(2,) half extent along x and y for each metre below the sensor."""
        return np.array([math.tan(math.radians(full / 2)) for full in (self.horizontal_deg, self.vertical_deg)])


def nominal_field_of_view(sheet: GridEyeSheet) -> FieldOfView:
    """Return the datasheet's half-value field of view."""
    return FieldOfView(sheet.field_of_view_horizontal_deg.value, sheet.field_of_view_vertical_deg.value)


def is_in_view(
    position_m: NDArray[np.float64], stature_m: NDArray[np.float64], mount: Mount, fov: FieldOfView
) -> NDArray[np.bool_]:
    """Tell which people are in view.

    Args:
        position_m: (..., 2) position of the body's axis in the room; nan is never in view.
        stature_m: (...) height of each person.
        mount: Where the sensor hangs.
        fov: The sensor's field of view.
    """
    depth_m = mount.height_m - SHOULDER_RATIO * stature_m
    extent_m = depth_m[..., np.newaxis] * fov.half_slopes
    return np.asarray(np.all(np.abs(mount.to_sensor(position_m)) <= extent_m, axis=-1))


def people_in_view(timeline: Timeline, mount: Mount, fov: FieldOfView) -> NDArray[np.int64]:
    """Return (N,) int64, how many people are in view in each frame of the timeline."""
    statures_m = np.array([*(person.stature_m for person in timeline.persons), np.nan])
    inside = is_in_view(timeline.position_m, statures_m[timeline.person_index], mount, fov)
    return np.asarray(inside.sum(axis=1), dtype=np.int64)


def footprint_m(mount: Mount, fov: FieldOfView, height_m: float) -> NDArray[np.float64]:
    """Return (4, 2), the field of view's corners in the room at a height, counter-clockwise.

    The footprint shrinks to the mount's own position from the mount's height upwards.
    """
    half_m = max(mount.height_m - height_m, 0.0) * fov.half_slopes
    return mount.to_room(np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]) * half_m)
