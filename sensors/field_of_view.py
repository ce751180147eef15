"""The one definition of "in view".

A person is in view while the axis of the body, at the height of the hips (0.53 of stature), lies inside the sensor's
nominal field of view: the pyramid along the mount's optical axis whose opposite faces enclose the datasheet's
half-value angles, its edge included. Under a ceiling who is nearer than this shows trunk and head, who is farther away
at most legs. Hips, since people who label frames count whoever they see a good part of: with shoulders, recorded
people at the edge stayed uncounted, and rooms that counted as empty held warm edges (docs/sensor_model.md).
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

HIP_RATIO = 0.53
"""Hip height over stature (Drillis and Contini 1966, in Winter, Biomechanics, fig. 4.1)."""

SITTING_HIP_RATIO = 0.27
"""On a chair: a seat of 0.45 m below the hips."""

PARTLY_IN_VIEW = (0.9, 1.3)
"""Hips so many half widths from the middle of the view belong to people of whom a good part is seen and a good part is
not: whether they count is a matter of taste, also for those who label recordings. Of 1.2 and 1.3 as the upper bound the
latter leaves simulated empty frames as cold at the edge as LINAIGE's easy ones; assumed."""

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
    return _is_inside(position_m, HIP_RATIO * stature_m, mount, fov)


def people_in_view(timeline: Timeline, mount: Mount, fov: FieldOfView) -> NDArray[np.int64]:
    """Return (N,) int64, how many people are in view in each frame of the timeline."""
    statures_m = np.array([*(person.stature_m for person in timeline.persons), np.nan])
    ratio = HIP_RATIO if timeline.posture is None else _hip_ratio(timeline.posture)
    inside = _is_inside(timeline.position_m, ratio * statures_m[timeline.person_index], mount, fov)
    return np.asarray(inside.sum(axis=1), dtype=np.int64)


def is_easy(timeline: Timeline, mount: Mount, fov: FieldOfView) -> NDArray[np.bool_]:
    """Return (N,) bool, the frames in which nobody is partly in view, so that everybody would count alike."""
    ratio = edge_ratio(timeline, mount, fov)
    return ~np.asarray(((ratio > PARTLY_IN_VIEW[0]) & (ratio < PARTLY_IN_VIEW[1])).any(axis=1))


def edge_ratio(timeline: Timeline, mount: Mount, fov: FieldOfView) -> NDArray[np.float64]:
    """Return (N, slots), how far hips are from the middle of the view in half widths of it; nan for nobody.

    Negative for those behind the sensor.
    """
    stature_m = np.array([*(person.stature_m for person in timeline.persons), np.nan])[timeline.person_index]
    ratio = np.asarray(HIP_RATIO) if timeline.posture is None else _hip_ratio(timeline.posture)
    hips_m = np.concatenate([timeline.position_m, (ratio * stature_m)[..., np.newaxis]], axis=-1)
    seen_m = mount.to_camera(hips_m)
    return np.asarray(np.max(np.abs(seen_m[..., :2]) / (seen_m[..., 2:] * fov.half_slopes), axis=-1))


def _hip_ratio(posture: NDArray[np.int8]) -> NDArray[np.float64]:
    return np.where(posture == SITTING, SITTING_HIP_RATIO, HIP_RATIO)


def _is_inside(
    position_m: NDArray[np.float64], height_m: NDArray[np.float64], mount: Mount, fov: FieldOfView
) -> NDArray[np.bool_]:
    """Tell which points at `height_m` above the floor lie inside the pyramid."""
    points_m = np.concatenate([position_m, np.broadcast_to(height_m, position_m.shape[:-1])[..., np.newaxis]], -1)
    seen_m = mount.to_camera(points_m)
    extent_m = seen_m[..., 2:] * fov.half_slopes
    return np.asarray(np.all(np.abs(seen_m[..., :2]) <= extent_m, axis=-1))


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
