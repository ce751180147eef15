"""Places that networks learn from, and others that they are tested at."""

from __future__ import annotations

import numpy as np
import pytest

from sensors.camera.camera_sheet import CameraSheet, load_camera
from sensors.camera.image_sensor import rgb888
from sensors.camera.place import ZONE_M, Place, draw_place, draw_zone_stance, held_out_place, take_shot
from sensors.camera.portrait import FOCAL_PX, SIDE_PX

UNIT_VALUES = ("radial_distortion", "read_noise", "f_number", "responsivity_per_s", "response_spread", "white_lux")


@pytest.fixture(scope="module")
def sheet() -> CameraSheet:
    return load_camera("ov7725")


@pytest.fixture(scope="module")
def places(sheet: CameraSheet) -> tuple[list[Place], list[Place]]:
    rng = np.random.default_rng(4)
    return [draw_place(rng, sheet) for _ in range(60)], [held_out_place(rng, sheet) for _ in range(60)]


def test_held_out_places_share_no_light_and_no_backdrop(places: tuple[list[Place], list[Place]]) -> None:
    seen, held_out = ({kind for one in part for kind in (*one.lights, *one.backdrops)} for part in places)
    assert len(seen) == 10
    assert not seen & held_out


@pytest.mark.parametrize("name", UNIT_VALUES)
def test_values_of_units_lie_in_their_stated_ranges_and_do_not_meet(
    places: tuple[list[Place], list[Place]], sheet: CameraSheet, name: str
) -> None:
    seen, held_out = ([getattr(one.unit.sheet, name).value for one in part] for part in places)
    stated = getattr(sheet, name)
    assert stated.low <= min(seen + held_out)
    assert max(seen + held_out) <= stated.high
    assert max(seen) < min(held_out) or max(held_out) < min(seen)


def test_blur_and_height_of_held_out_cameras_are_others(places: tuple[list[Place], list[Place]]) -> None:
    seen, held_out = places
    assert max(one.unit.defocus_px for one in seen) < min(one.unit.defocus_px for one in held_out)
    assert max(abs(one.elevation) for one in seen) < min(abs(one.elevation) for one in held_out)


def test_shares_of_light_add_up(places: tuple[list[Place], list[Place]]) -> None:
    assert all(sum(one.lights.values()) == pytest.approx(1) for part in places for one in part)


def test_the_face_is_in_the_picture(places: tuple[list[Place], list[Place]]) -> None:
    """Wherever somebody stands in the zone, 7.5 cm beside and 11 cm below the middle of the head is still seen."""
    rng = np.random.default_rng(5)
    for place in places[1] * 20:
        x_m, y_m, distance_m = draw_zone_stance(rng, place).place_m
        assert ZONE_M[0] <= distance_m <= ZONE_M[1]
        half_m = SIDE_PX / 2 * distance_m / FOCAL_PX
        assert abs(x_m) + 0.075 <= half_m + 1e-9
        assert y_m + 0.11 <= half_m + 1e-9


def test_a_shot_follows_from_its_seed_alone(sheet: CameraSheet) -> None:
    def shot(seed: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint16]]:
        rng = np.random.default_rng(seed)
        place = draw_place(rng, sheet)
        return take_shot(place.unit.camera(), place, rng, "mask").frame

    assert np.array_equal(shot(1), shot(1))
    assert not np.array_equal(shot(1), shot(2))


@pytest.mark.parametrize("draw", [draw_place, held_out_place])
def test_exposure_settles_everywhere(sheet: CameraSheet, draw: object) -> None:
    """No shot is all black or all white, and the face lies where it is said to."""
    rng = np.random.default_rng(6)
    for _ in range(8):
        place = draw(sheet=sheet, rng=rng)  # type: ignore[operator]
        shot = take_shot(place.unit.camera(), place, rng, "none")
        assert shot.frame.shape == (SIDE_PX, SIDE_PX)
        assert 40 < rgb888(shot.frame).mean() < 190
        column, row, half_px = shot.face_px
        assert 0 < column < SIDE_PX
        assert 0 < row < SIDE_PX
        assert half_px == pytest.approx(0.115 * FOCAL_PX / shot.distance_m)


def test_a_defocused_lens_blurs_what_the_lens_throws(sheet: CameraSheet) -> None:
    from dataclasses import replace  # noqa: PLC0415

    unit = draw_place(np.random.default_rng(7), sheet).unit
    edge = np.zeros((SIDE_PX, SIDE_PX, 3), np.float32)
    edge[:, 100:] = 1
    sharp, soft = (replace(unit, defocus_px=blur).camera().lens(edge) for blur in (0.0, 1.5))
    assert np.abs(np.diff(soft[100, :, 1])).max() < 0.5 * np.abs(np.diff(sharp[100, :, 1])).max()
