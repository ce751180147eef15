"""Where the pixels of a Grid-EYE look, and the rays that sample what each of them sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datasheet.quantity import QuantityTable
    from sensors.grid_eye_sheet import GridEyeSheet

RAYS_PER_AXIS = 6

_FWHM_PER_SIGMA = 2.354820045


@dataclass(frozen=True)
class PixelRays:
    """Rays in the sensor's coordinates, pixel by pixel, in the order of the frame's rows and columns.

    Attributes:
        slope: (64, R, 2) float64, metres along the sensor's x and y for each metre down. All rays of a
            pixel have equal weight.
        reach: (64, 4) float64, smallest and largest slope along x, then along y, of each pixel's rays.
    """

    slope: NDArray[np.float64]
    reach: NDArray[np.float64]


def pixel_rays(sheet: GridEyeSheet) -> PixelRays:
    """Return rays that sample each pixel's response, a Gaussian in angle.

    The datasheet gives half-value widths; that the response between them is Gaussian is an assumption.
    Azimuth and elevation are taken as the angles between the optical axis and the ray's projections on the
    two upright planes.
    """
    deviates = _quantiles(RAYS_PER_AXIS)
    azimuth, elevation = pixel_directions_deg(sheet)
    azimuth_sigma = _mirrored(sheet.pixels.azimuth_width_deg) / _FWHM_PER_SIGMA
    elevation_sigma = _mirrored(sheet.pixels.elevation_width_deg) / _FWHM_PER_SIGMA
    x_deg = azimuth.reshape(64, 1, 1) + azimuth_sigma.reshape(64, 1, 1) * deviates[np.newaxis, :, np.newaxis]
    y_deg = elevation.reshape(64, 1, 1) + elevation_sigma.reshape(64, 1, 1) * deviates[np.newaxis, np.newaxis, :]
    angles_deg = np.stack(np.broadcast_arrays(x_deg, y_deg), axis=-1).reshape(64, -1, 2)
    slope = np.tan(np.radians(angles_deg))
    low, high = slope.min(axis=1), slope.max(axis=1)
    return PixelRays(slope, np.stack([low[:, 0], high[:, 0], low[:, 1], high[:, 1]], axis=1))


def pixel_directions_deg(sheet: GridEyeSheet) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (8, 8) azimuths and elevations; azimuth grows with the column, elevation falls with the row."""
    sign = np.repeat([-1.0, 1.0], 4)
    azimuth = _mirrored(sheet.pixels.azimuth_deg) * sign[np.newaxis, :]
    elevation = _mirrored(sheet.pixels.elevation_deg) * -sign[:, np.newaxis]
    return azimuth, elevation


def _mirrored(quadrant: QuantityTable) -> NDArray[np.float64]:
    """Return the (8, 8) table whose four quadrants mirror the (4, 4) one, given from the axis outwards."""
    table = quadrant.as_array()
    upper = np.concatenate([table[::-1, ::-1], table[::-1]], axis=1)
    return np.concatenate([upper, upper[::-1]], axis=0)


def _quantiles(count: int) -> NDArray[np.float64]:
    """Return equally likely deviates of a standard normal, scaled to unit variance."""
    deviates = np.asarray(stats.norm.ppf((np.arange(count) + 0.5) / count), dtype=np.float64)
    return np.asarray(deviates / deviates.std())
