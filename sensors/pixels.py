"""Where the pixels of a thermal array look, and the lines along which their response is integrated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datasheet.quantity import QuantityTable
    from sensors.grid_eye_sheet import GridEyeSheet

LINES_PER_SIGMA = 6.0
"""Lines for each standard deviation of the narrowest pixel's response across the lines."""

FINE = 3
"""Where somebody begins or ends between two lines, so many finer ones take the place of one."""

FINEST = 16
"""The same where things begin or end, whose straight edges may run along the lines."""

REACH_SIGMA = 3.2
"""A pixel's response is cut off so many standard deviations from its direction; 0.1 % lies beyond."""

_STEEPEST_RAD = 1.5
"""Lines end so far from the optical axis, since rays at a right angle to it have no finite slope."""

_FWHM_PER_SIGMA = 2.354820045


@dataclass(frozen=True)
class PixelLines:
    """The responses of P pixels, in the order of the frame's rows and columns, over L lines of equal elevation.

    Along a line the response is a Gaussian in azimuth and is integrated exactly between the edges of what is
    seen; across the lines it is a weighted sum.

    Attributes:
        shape: Rows and columns.
        azimuth_rad: (P,) direction of each pixel towards higher columns.
        sigma_rad: (P,) standard deviation of its response in azimuth.
        slope: (L,) tangent of each line's elevation, rising, positive towards row 0.
        first: (P,) the first line that a pixel may read.
        weight: (P, W) shares in a pixel of the W lines from `first` on; rows sum to one.
    """

    shape: tuple[int, int]
    azimuth_rad: NDArray[np.float64]
    sigma_rad: NDArray[np.float64]
    slope: NDArray[np.float64]
    first: NDArray[np.int64]
    weight: NDArray[np.float64]


def pixel_lines(sheet: GridEyeSheet, lines_per_sigma: float = LINES_PER_SIGMA, split: int = 1) -> PixelLines:
    """Return the lines over which each pixel's response, a Gaussian in angle, is integrated.

    With `split` every line gives way to so many that lie evenly within the band for which it stood.

    The datasheet gives half-value widths; that the response between them is Gaussian is an assumption.
    Azimuth and elevation are taken as the angles between the optical axis and the ray's projections on the
    two planes through it.
    """
    azimuth, elevation = (np.radians(angle).ravel() for angle in pixel_directions_deg(sheet))
    azimuth_sigma, elevation_sigma = (np.radians(width).ravel() / _FWHM_PER_SIGMA for width in pixel_widths_deg(sheet))
    step = elevation_sigma.min() / lines_per_sigma
    reach = REACH_SIGMA * elevation_sigma
    low, high = max((elevation - reach).min(), -_STEEPEST_RAD), min((elevation + reach).max(), _STEEPEST_RAD)
    count = int(np.ceil((high - low) / step))
    line = (low + high) / 2 + step * ((np.arange(count * split) + 0.5) / split - count / 2)
    first, weight = _weights(line, elevation, elevation_sigma)
    return PixelLines((sheet.rows, sheet.columns), azimuth, azimuth_sigma, np.tan(line), first, weight)


def _weights(
    line: NDArray[np.float64], elevation: NDArray[np.float64], sigma: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return (P,) the first line within each pixel's reach and (P, W) shares of as many lines as the widest one reads.

    All lines for all pixels would take gigabytes from some thousand pixels on.
    """
    begin = np.searchsorted(line, elevation - REACH_SIGMA * sigma)
    end = np.searchsorted(line, elevation + REACH_SIGMA * sigma, side="right")
    width = int((end - begin).max())
    first = np.minimum(begin, len(line) - width)
    near = line[first[:, np.newaxis] + np.arange(width)]
    deviate = (near - elevation[:, np.newaxis]) / sigma[:, np.newaxis]
    weight = np.where(np.abs(deviate) <= REACH_SIGMA, np.exp(-(deviate**2) / 2), 0.0)
    weight /= weight.sum(axis=1, keepdims=True)
    return first.astype(np.int64), weight


def pixel_directions_deg(sheet: GridEyeSheet) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (rows, columns) azimuths and elevations; azimuth grows with the column, elevation falls with the row.

    Without a table of pixels in the sheet they are spread evenly over its field of view.
    """
    if sheet.pixels is None:
        azimuth = _even(sheet.columns, sheet.field_of_view_horizontal_deg.value)
        elevation = -_even(sheet.rows, sheet.field_of_view_vertical_deg.value)
        shape = (sheet.rows, sheet.columns)
        return np.broadcast_to(azimuth, shape).copy(), np.broadcast_to(elevation[:, np.newaxis], shape).copy()
    azimuth = _mirrored(sheet.pixels.azimuth_deg) * np.repeat([-1.0, 1.0], sheet.columns // 2)
    elevation = _mirrored(sheet.pixels.elevation_deg) * np.repeat([1.0, -1.0], sheet.rows // 2)[:, np.newaxis]
    return azimuth, elevation


def pixel_widths_deg(sheet: GridEyeSheet) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (rows, columns) half-value widths in azimuth and elevation; without a table, the pitch."""
    if sheet.pixels is None:
        shape = (sheet.rows, sheet.columns)
        return (
            np.full(shape, sheet.field_of_view_horizontal_deg.value / sheet.columns),
            np.full(shape, sheet.field_of_view_vertical_deg.value / sheet.rows),
        )
    return _mirrored(sheet.pixels.azimuth_width_deg), _mirrored(sheet.pixels.elevation_width_deg)


def _even(count: int, full_deg: float) -> NDArray[np.float64]:
    return ((np.arange(count) + 0.5) / count - 0.5) * full_deg


def _mirrored(quadrant: QuantityTable) -> NDArray[np.float64]:
    """Return the table whose four quadrants mirror the given one, which goes from the axis outwards."""
    table = quadrant.as_array()
    upper = np.concatenate([table[::-1, ::-1], table[::-1]], axis=1)
    return np.concatenate([upper, upper[::-1]], axis=0)
