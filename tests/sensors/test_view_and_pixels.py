"""Mount, field of view and pixel directions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.field_of_view import SHOULDER_RATIO, FieldOfView, footprint_m, is_in_view, nominal_field_of_view
from sensors.grid_eye_sheet import load_grid_eye
from sensors.mount import Mount
from sensors.pixels import pixel_directions_deg, pixel_rays

FOV = FieldOfView(60, 60)
SQUARE_M = 1.5


def in_view(x_m: float, y_m: float, mount: Mount, stature_m: float = 1.75) -> bool:
    return bool(is_in_view(np.array([x_m, y_m]), np.array(stature_m), mount, FOV))


def test_the_view_ends_at_thirty_degrees_at_shoulder_height() -> None:
    mount = Mount(0, 0, 3.0)
    edge_m = (3.0 - SHOULDER_RATIO * 1.75) * math.tan(math.radians(30))
    assert in_view(edge_m - 1e-6, edge_m - 1e-6, mount)
    assert not in_view(edge_m + 1e-6, 0, mount)
    assert not in_view(0, -edge_m - 1e-6, mount)


def test_yaw_turns_the_pyramid() -> None:
    edge_m = (3.0 - SHOULDER_RATIO * 1.75) * math.tan(math.radians(30))
    assert not in_view(1.3 * edge_m, 0, Mount(0, 0, 3.0))
    assert in_view(1.3 * edge_m, 0, Mount(0, 0, 3.0, 45))


def test_nobody_absent_or_taller_than_the_mount_is_in_view() -> None:
    assert not in_view(math.nan, math.nan, Mount(0, 0, 3.0))
    assert not in_view(0, 0, Mount(0, 0, 1.0))


@given(st.floats(-5, 5), st.floats(-5, 5), st.floats(-180, 180), st.floats(-3, 3), st.floats(-3, 3))
def test_sensor_coordinates_round_trip(x_m: float, y_m: float, yaw_deg: float, p: float, q: float) -> None:
    mount = Mount(x_m, y_m, 2.5, yaw_deg)
    np.testing.assert_allclose(mount.to_room(mount.to_sensor(np.array([p, q]))), [p, q], atol=1e-9)


@pytest.mark.parametrize(
    ("ceiling_m", "height_m", "side_m"),
    [(2.5, 0, 2.89), (2.5, 1.2, 1.50), (2.5, 1.7, 0.92), (3.0, 0, 3.46), (3.0, 1.2, 2.08), (3.0, 1.7, 1.50)],
)
def test_the_footprint_has_the_computed_sides(ceiling_m: float, height_m: float, side_m: float) -> None:
    corners_m = footprint_m(Mount(1, 2, ceiling_m, 30), FOV, height_m)
    sides_m = np.linalg.norm(corners_m - np.roll(corners_m, 1, axis=0), axis=1)
    assert sides_m == pytest.approx([side_m] * 4, abs=0.006)
    assert corners_m.mean(axis=0) == pytest.approx([1, 2])


def test_the_datasheet_s_field_of_view_is_sixty_degrees() -> None:
    assert nominal_field_of_view(load_grid_eye()) == FieldOfView(60, 60)


def test_row_0_looks_up_the_plan_and_column_0_to_the_left() -> None:
    azimuth, elevation = pixel_directions_deg(load_grid_eye())
    assert (azimuth[0, 0], elevation[0, 0]) == (-32.4, 32.2)
    assert (azimuth[7, 7], elevation[7, 7]) == (32.4, -32.2)
    assert (azimuth[3, 7], elevation[3, 7]) == (29.2, 3.9)
    assert (azimuth[0, 4], elevation[0, 4]) == (4.5, 28.8)
    assert (np.diff(azimuth, axis=1) > 0).all()
    assert (np.diff(elevation, axis=0) < 0).all()


def test_rays_have_the_pixel_s_direction_and_width() -> None:
    sheet = load_grid_eye()
    angles_deg = np.degrees(np.arctan(pixel_rays(sheet).slope)).reshape(8, 8, -1, 2)
    azimuth, elevation = pixel_directions_deg(sheet)
    np.testing.assert_allclose(angles_deg[..., 0].mean(axis=2), azimuth, atol=1e-9)
    np.testing.assert_allclose(angles_deg[..., 1].mean(axis=2), elevation, atol=1e-9)
    widths = angles_deg.std(axis=2) * 2.354820045
    np.testing.assert_allclose(widths[3, 3], [7.7, 8.3], rtol=1e-6)
    np.testing.assert_allclose(widths[0, 0], [9.9, 11.4], rtol=1e-6)
