"""The one definition of "in view".

A person is in view while a shoulder can be: while the axis of the body, at shoulder height (0.82 of stature), lies
inside the sensor's nominal field of view, or beyond its edge by no more than half the breadth of the shoulders. The
field is the pyramid along the mount's optical axis whose opposite faces enclose the datasheet's half-value angles. Who
sits has shoulders at `SITTING_SHOULDER_RATIO`. People who label frames count whoever they see a part of; counting
axes alone left recorded people at the edge out, and those counted too warm (docs/sensor_model.md).
Ground truth, training labels, drawings and metrics all use this and nothing else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scenarios.timeline import SITTING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenarios.timeline import Timeline
    from sensors.grid_eye_sheet import GridEyeSheet
    from sensors.mount import Mount

SHOULDER_RATIO = 0.82
"""Shoulder height over stature: 0.818 (Drillis and Contini 1966, in Winter, Biomechanics, fig. 4.1)."""

SITTING_SHOULDER_RATIO = 0.56
"""On a chair: hips 0.27 instead of 0.53 of stature above the floor (seat of 0.45 m), the trunk as it is."""

SHOULDER_HALF_BREADTH_RATIO = 0.1295
"""Half the breadth of the shoulders over stature: 0.259 / 2 (Drillis and Contini 1966, the same figure)."""

_FLATTEST_SLOPE = 0.05
"""The footprint of a tilted sensor ends where a ray falls by less than this for each metre; assumed."""


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
    return _is_inside(position_m, stature_m, SHOULDER_RATIO, mount, fov)


def people_in_view(timeline: Timeline, mount: Mount, fov: FieldOfView) -> NDArray[np.int64]:
    """Return (N,) int64, how many people are in view in each frame of the timeline."""
    statures_m = np.array([*(person.stature_m for person in timeline.persons), np.nan])
    ratio = SHOULDER_RATIO if timeline.posture is None else _shoulder_ratio(timeline.posture)
    inside = _is_inside(timeline.position_m, statures_m[timeline.person_index], ratio, mount, fov)
    return np.asarray(inside.sum(axis=1), dtype=np.int64)


def _shoulder_ratio(posture: NDArray[np.int8]) -> NDArray[np.float64]:
    return np.where(posture == SITTING, SITTING_SHOULDER_RATIO, SHOULDER_RATIO)


def _is_inside(
    position_m: NDArray[np.float64],
    stature_m: NDArray[np.float64],
    shoulder_ratio: NDArray[np.float64] | float,
    mount: Mount,
    fov: FieldOfView,
) -> NDArray[np.bool_]:
    """Tell whose shoulders, at `shoulder_ratio` of stature above the floor, reach into the pyramid."""
    stature_m = np.broadcast_to(stature_m, position_m.shape[:-1])[..., np.newaxis]
    height_m = np.broadcast_to(np.asarray(shoulder_ratio)[..., np.newaxis], stature_m.shape) * stature_m
    seen_m = mount.to_camera(np.concatenate([position_m, height_m], -1))
    reach_m = seen_m[..., 2:] * fov.half_slopes + SHOULDER_HALF_BREADTH_RATIO * stature_m
    in_front = seen_m[..., 2] >= 0.0
    return np.asarray(in_front & np.all(np.abs(seen_m[..., :2]) <= reach_m, axis=-1))


def footprint_m(mount: Mount, fov: FieldOfView, height_m: float) -> NDArray[np.float64]:
    """Return (4, 2), the field of view's corners in the room at a height, counter-clockwise.

    The footprint shrinks to the mount's own position from the mount's height upwards. Where a tilted sensor
    looks to the horizon or above, the footprint is cut where rays have become almost level.
    """
    half = fov.half_slopes
    corner = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]) * half
    ray = np.concatenate([corner, np.ones((4, 1))], axis=1) @ mount.rotation
    falls = np.maximum(-ray[:, 2], _FLATTEST_SLOPE)
    reach_m = max(mount.height_m - height_m, 0.0) / falls
    return np.asarray(ray[:, :2] * reach_m[:, np.newaxis] + np.array([mount.x_m, mount.y_m]))
