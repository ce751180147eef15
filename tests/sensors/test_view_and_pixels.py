"""Mount, field of view and pixel directions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.timeline import SITTING, STANDING, Person, Timeline
from sensors.field_of_view import (
    HIP_RATIO,
    FieldOfView,
    edge_ratio,
    footprint_m,
    is_easy,
    is_in_view,
    nominal_field_of_view,
    people_in_view,
)
from sensors.grid_eye_sheet import load_grid_eye
from sensors.mount import Mount
from sensors.pixels import pixel_directions_deg, pixel_lines

FOV = FieldOfView(60, 60)
SQUARE_M = 1.5


def in_view(x_m: float, y_m: float, mount: Mount, stature_m: float = 1.75) -> bool:
    return bool(is_in_view(np.array([x_m, y_m]), np.array(stature_m), mount, FOV))


def test_the_view_ends_at_thirty_degrees_at_hip_height() -> None:
    mount = Mount(0, 0, 3.0)
    edge_m = (3.0 - HIP_RATIO * 1.75) * math.tan(math.radians(30))
    assert in_view(edge_m - 1e-6, edge_m - 1e-6, mount)
    assert not in_view(edge_m + 1e-6, 0, mount)
    assert not in_view(0, -edge_m - 1e-6, mount)


def test_yaw_turns_the_pyramid() -> None:
    edge_m = (3.0 - HIP_RATIO * 1.75) * math.tan(math.radians(30))
    assert not in_view(1.3 * edge_m, 0, Mount(0, 0, 3.0))
    assert in_view(1.3 * edge_m, 0, Mount(0, 0, 3.0, 45))


def test_nobody_absent_or_taller_than_the_mount_is_in_view() -> None:
    assert not in_view(math.nan, math.nan, Mount(0, 0, 3.0))
    assert not in_view(0, 0, Mount(0, 0, 0.9))


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


def test_lines_have_the_pixels_directions_and_widths() -> None:
    sheet = load_grid_eye()
    lines = pixel_lines(sheet)
    azimuth, elevation = pixel_directions_deg(sheet)
    np.testing.assert_allclose(np.degrees(lines.azimuth_rad).reshape(8, 8), azimuth)
    elevation_deg = np.degrees(np.arctan(lines.slope))
    near_deg = elevation_deg[lines.first[:, np.newaxis] + np.arange(lines.weight.shape[1])]
    mean_deg = (lines.weight * near_deg).sum(axis=1)
    np.testing.assert_allclose(mean_deg.reshape(8, 8), elevation, atol=0.02)
    spread_deg = np.sqrt((lines.weight * near_deg**2).sum(axis=1) - mean_deg**2)
    widths_deg = 2.354820045 * spread_deg.reshape(8, 8)
    # The response is cut off at 3.2 standard deviations, which takes 1 % off its own.
    assert widths_deg[3, 3] == pytest.approx(8.3, rel=0.015)
    assert widths_deg[0, 0] == pytest.approx(11.4, rel=0.015)
    assert np.degrees(lines.sigma_rad[0]) * 2.354820045 == pytest.approx(9.9)


def test_finer_lines_lie_within_the_bands_of_the_coarser_ones() -> None:
    sheet = load_grid_eye()
    coarse, fine = (np.arctan(pixel_lines(sheet, split=split).slope) for split in (1, 4))
    np.testing.assert_allclose(fine.reshape(-1, 4).mean(axis=1), coarse, atol=1e-12)


def test_without_a_table_pixels_are_spread_evenly_over_the_field_of_view() -> None:
    sheet = load_grid_eye().model_copy(update={"pixels": None, "rows": 24, "columns": 32})
    azimuth, elevation = pixel_directions_deg(sheet)
    assert azimuth.shape == elevation.shape == (24, 32)
    np.testing.assert_allclose(azimuth[0], -azimuth[0, ::-1])
    assert azimuth[0, -1] - azimuth[0, 0] == pytest.approx(60 * 31 / 32)
    assert elevation[0, 0] == pytest.approx(30 - 60 / 48)
    assert pixel_lines(sheet).weight.shape[0] == 768


def test_a_tilted_sensor_looks_towards_its_own_top() -> None:
    level = Mount(1, 2, 1.5, 0, 90)
    np.testing.assert_allclose(level.to_camera(np.array([1.0, 5.0, 1.5])), [0, 0, 3], atol=1e-12)
    np.testing.assert_allclose(level.to_camera(np.array([2.0, 5.0, 1.9])), [1, 0.4, 3], atol=1e-12)
    west = Mount(1, 2, 1.5, 90, 90)
    np.testing.assert_allclose(west.to_camera(np.array([-2.0, 2.0, 1.5])), [0, 0, 3], atol=1e-12)


@given(st.floats(-180, 180), st.floats(0, 120))
def test_the_axes_of_every_mount_are_orthonormal(yaw_deg: float, tilt_deg: float) -> None:
    axes = Mount(0, 0, 2, yaw_deg, tilt_deg).rotation
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)


def test_tilt_moves_the_view_towards_the_top_of_the_image() -> None:
    tilted = Mount(0, 0, 3.0, 0, 45)
    below_m = 3.0 - HIP_RATIO * 1.75
    assert in_view(0, below_m, tilted)
    assert not in_view(0, -0.5, tilted)
    assert not in_view(0, 0, tilted)


def test_the_footprint_of_a_tilted_sensor_is_where_its_corner_rays_meet_the_height() -> None:
    corners_m = footprint_m(Mount(0, 0, 2.0, 0, 30), FOV, 0.0)
    assert corners_m[:2, 1] == pytest.approx([0.0, 0.0], abs=1e-9)
    assert corners_m[2:, 1] == pytest.approx([2 * math.tan(math.radians(60))] * 2)
    assert np.isfinite(footprint_m(Mount(0, 0, 2.0, 0, 80), FOV, 0.0)).all()


def alone_at(x_m: list[float], posture: list[int]) -> Timeline:
    """Return one person, a frame for each place."""
    frames = len(x_m)
    return Timeline(
        time_s=np.zeros(frames),
        person_index=np.zeros((frames, 1), dtype=np.int32),
        position_m=np.array([[[x, 0.0]] for x in x_m]),
        heading_rad=np.zeros((frames, 1)),
        speed_mps=np.zeros((frames, 1)),
        persons=(Person(1.75, 0.45, 0.25, 0.095, 34.0, 0.5, 0.7),),
        events=(),
        air_degc=22.0,
        floor_degc=22.0,
        wall_degc=22.0,
        room_size_m=(5.0, 5.0),
        posture=np.array([[one] for one in posture], dtype=np.int8),
    )


def test_who_sits_leaves_the_view_farther_out_than_who_stands() -> None:
    timeline = alone_at([1.15, 1.15], [STANDING, SITTING])
    assert people_in_view(timeline, Mount(0, 0, 2.7), FOV).tolist() == [0, 1]


def test_frames_with_somebody_partly_in_view_are_not_easy() -> None:
    """By the same hips as the count: 1 is the edge of the view."""
    half_m = (2.7 - HIP_RATIO * 1.75) * math.tan(math.radians(30))
    ratio = [0.2, 0.89, 0.91, 1.0, 1.29, 1.31, math.nan]
    timeline = alone_at([one * half_m for one in ratio], [STANDING] * len(ratio))
    mount = Mount(0, 0, 2.7)
    assert edge_ratio(timeline, mount, FOV)[:, 0] == pytest.approx(ratio, nan_ok=True)
    assert is_easy(timeline, mount, FOV).tolist() == [True, True, False, False, False, True, True]
    assert people_in_view(timeline, mount, FOV).tolist() == [1, 1, 1, 1, 0, 0, 0]
