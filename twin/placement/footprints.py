"""Where the pixels of a sensor look on planes of one height: the floor, seats, heads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sensors.pixels import pixel_directions_deg, pixel_widths_deg

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sensors.grid_eye_sheet import GridEyeSheet
    from sensors.mount import Mount

PLANES_M = {"floor": 0.0, "seat": 0.45, "head": 1.6}
"""Heights of a floor, of a seat, and of heads: the middle of the head of somebody of 1.71 m; assumed."""

_FLATTEST_SLOPE = 0.05
"""A ray that falls by less for each metre is taken as falling by so much, as in `sensors.field_of_view`."""


def pixel_outlines_m(mount: Mount, sheet: GridEyeSheet, height_m: float) -> NDArray[np.float64]:
    """Return (rows * columns, 4, 2), corners of each pixel's half-value field on the plan at a height.

    In the order of the frame's rows and columns; a corner goes round the pixel from its image's lower left. Above the
    mount they are all at the mount.
    """
    azimuth, elevation = (np.radians(angle).reshape(-1, 1) for angle in pixel_directions_deg(sheet))
    width, depth = (np.radians(angle).reshape(-1, 1) / 2 for angle in pixel_widths_deg(sheet))
    right = np.tan(azimuth + width * np.array([[-1, 1, 1, -1]]))
    top = np.tan(elevation + depth * np.array([[-1, -1, 1, 1]]))
    ray = np.stack([right, top, np.ones_like(right)], axis=-1) @ mount.rotation
    falls = np.maximum(-ray[..., 2], _FLATTEST_SLOPE)
    reach_m = max(mount.height_m - height_m, 0.0) / falls
    return np.asarray(ray[..., :2] * reach_m[..., np.newaxis] + np.array([mount.x_m, mount.y_m]))
