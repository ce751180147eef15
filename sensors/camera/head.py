"""The shape of a head, and of what lies on it: everything by longitude and latitude, the nose at 0, 0.

An ellipsoid with the semi-axes of an average adult head (breadth 152 mm, length 196 mm, chin to crown 230 mm: ISO/TR
7250-2, medians over countries, rounded) with bumps for nose, brow, lips, chin and hollows for the eyes, all assumed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from sensors.camera.look import Look

    Floats = NDArray[np.float64]

HALF_BREADTH_M: Final = 0.076
HALF_HEIGHT_M: Final = 0.115
HALF_LENGTH_M: Final = 0.098
_ROWS: Final = 33
_COLUMNS: Final = 49


def grid(
    longitudes_deg: tuple[float, float],
    latitudes_deg: tuple[float, float],
    rows: int = _ROWS,
    columns: int = _COLUMNS,
) -> tuple[Floats, Floats]:
    """Return longitudes and latitudes, each (rows, columns), from above and from the person's right."""
    lon = np.radians(np.linspace(*longitudes_deg, columns))
    lat = np.radians(np.linspace(*latitudes_deg, rows))
    across, down = np.meshgrid(lon, lat)
    return across, down


def on_head(look: Look, lon: Floats, lat: Floats, above_m: Floats | float = 0.0) -> Floats:
    """Return points (..., 3) on the head, or so far above it; own axes: x to the person's left, y up, z forward."""
    relief = _relief(look, lon, lat) + above_m
    direction = np.stack([np.cos(lat) * np.sin(lon), np.sin(lat), np.cos(lat) * np.cos(lon)], axis=-1)
    axes = np.array([HALF_BREADTH_M * look.width, HALF_HEIGHT_M * look.length, HALF_LENGTH_M])
    points = direction * axes + direction * relief[..., np.newaxis]
    below = np.clip(-direction[..., 1], 0.0, 1.0)
    points[..., 0] *= 1.0 - 0.55 * look.jaw * below**1.5
    # The skull goes on behind; the jaw does not.
    points[..., 2] += np.where(direction[..., 2] < 0, -0.012 * np.clip(direction[..., 1] + 0.4, 0, 1), 0.0)
    points[..., 2] *= np.where(direction[..., 2] < 0, 1.0 - 0.25 * below, 1.0)
    return np.asarray(points * look.size)


def _relief(look: Look, lon: Floats, lat: Floats) -> Floats:
    nose = 0.024 * look.nose * _bump(lon, lat, 0.0, -0.20, 0.13, 0.13)
    bridge = 0.011 * look.nose * _bump(lon, lat, 0.0, 0.04, 0.10, 0.18)
    eyes = -0.007 * (_bump(np.abs(lon), lat, 0.35 * look.eyes_apart, 0.13, 0.15, 0.11))
    brow = 0.004 * _bump(np.abs(lon), lat, 0.3, 0.33, 0.3, 0.09)
    lips = 0.004 * _bump(lon, lat, 0.0, -0.58, 0.22, 0.10)
    chin = 0.008 * _bump(lon, lat, 0.0, -0.98, 0.28, 0.18)
    cheeks = 0.003 * _bump(np.abs(lon), lat, 0.55, -0.15, 0.25, 0.25)
    return np.asarray(nose + bridge + eyes + brow + lips + chin + cheeks)


def _bump(lon: Floats, lat: Floats, at_lon: float, at_lat: float, wide: float, high: float) -> Floats:
    return np.asarray(np.exp(-0.5 * (((lon - at_lon) / wide) ** 2 + ((lat - at_lat) / high) ** 2)))


def face_line(look: Look, lon_deg: Floats, lat_deg: Floats, above_m: float = 0.001) -> Floats:
    """Return a line (corners, 3) drawn on the face."""
    return on_head(look, np.radians(lon_deg), np.radians(lat_deg), above_m)


def ellipse(
    at_lon_deg: float, at_lat_deg: float, half_lon_deg: float, half_lat_deg: float, corners: int = 14
) -> tuple[Floats, Floats]:
    """Return longitudes and latitudes of an ellipse on the face, in degrees."""
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return at_lon_deg + half_lon_deg * np.cos(angle), at_lat_deg + half_lat_deg * np.sin(angle)


def hairline_deg(look: Look) -> Callable[[Floats], Floats]:
    """Return how low hair or headgear comes, in degrees of latitude, by absolute longitude in degrees."""
    corners = {
        "bald": ([0, 180], [95, 95]),
        "short": ([0, 35, 62, 80, 100, 180], [48, 44, 30, 8, -12, -25]),
        "medium": ([0, 35, 60, 75, 100, 180], [46, 42, 18, -22, -38, -42]),
        "long": ([0, 30, 52, 66, 90, 180], [48, 42, 12, -70, -80, -80]),
        "afro": ([0, 35, 60, 80, 100, 180], [40, 36, 20, -10, -25, -30]),
        "cap": ([0, 40, 70, 90, 180], [30, 28, 20, 10, 2]),
        "hood": ([0, 35, 50, 62, 90, 180], [50, 45, 5, -60, -88, -88]),
        "headscarf": ([0, 35, 48, 52, 60, 180], [42, 38, 8, -40, -88, -88]),
    }[look.hair]

    def lowest_deg(lon_deg: Floats) -> Floats:
        return np.asarray(np.interp(np.abs(lon_deg), *corners))

    return lowest_deg
