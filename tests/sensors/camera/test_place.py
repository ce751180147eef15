"""Places that networks learn from, and others that they are tested at."""

from __future__ import annotations

import numpy as np
import pytest

from sensors.camera.camera_sheet import CameraSheet, load_camera
from sensors.camera.image_sensor import rgb888
from sensors.camera.place import (
    SITUATIONS,
    ZONE_M,
    Place,
    Situation,
    draw_place,
    draw_stance_of,
    draw_zone_stance,
    held_out_place,
    take_shot,
)
from sensors.camera.portrait import FOCAL_PX, SIDE_PX

UNIT_VALUES = ("radial_distortion", "read_noise", "f_number", "responsivity_per_s", "response_spread", "white_lux")


@pytest.fixture(scope="module")
def sheet() -> CameraSheet:
    return load_camera("ov7725")


@pytest.fixture(scope="module")
def places(sheet: CameraSheet) -> tuple[list[Place], list[Place]]:
    rng = np.random.default_rng(4)
    return [draw_place(rng, sheet) for _ in range(60)], [held_out_place(rng, sheet, is_worst=True) for _ in range(60)]


def test_held_out_places_share_no_light_and_no_backdrop(places: tuple[list[Place], list[Place]]) -> None:
    seen, held_out = ({kind for one in part for kind in (*one.lights, *one.backdrops)} for part in places)
    assert len(seen) == 12
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


@pytest.mark.parametrize("name", UNIT_VALUES)
def test_any_unit_may_be_held_out(sheet: CameraSheet, name: str) -> None:
    """Without the worst of everything, values come from both ends of what is stated."""
    rng = np.random.default_rng(8)
    found = [getattr(held_out_place(rng, sheet).unit.sheet, name).value for _ in range(80)]
    stated = getattr(sheet, name)
    span = stated.high - stated.low
    assert stated.low <= min(found) < stated.low + 0.2 * span
    assert stated.high - 0.2 * span < max(found) <= stated.high


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


@pytest.mark.parametrize(
    ("situation", "near_m", "far_m"), [("zone", 0.3, 0.5), ("beyond", 0.5, 0.8), ("far", 1.0, 3.0), ("away", 0.3, 0.5)]
)
def test_people_stand_where_their_situation_says(
    places: tuple[list[Place], list[Place]], situation: Situation, near_m: float, far_m: float
) -> None:
    rng = np.random.default_rng(9)
    stances = [draw_stance_of(rng, place, situation) for place in places[1]]
    assert near_m <= min(one.place_m[2] for one in stances) <= max(one.place_m[2] for one in stances) <= far_m
    if situation in ("zone", "beyond"):
        assert max(abs(one.yaw) for one in stances) <= 0.5
    if situation == "away":
        assert min(abs(one.yaw) for one in stances) > np.radians(60)


def test_those_to_train_on_turn_aside_farther(places: tuple[list[Place], list[Place]]) -> None:
    rng = np.random.default_rng(10)
    turned = [abs(draw_zone_stance(rng, place).yaw) for place in places[0] * 5]
    assert 0.7 < max(turned) <= 0.9


@pytest.mark.parametrize("situation", SITUATIONS)
def test_only_who_is_asked_about_is_masked(sheet: CameraSheet, situation: Situation) -> None:
    rng = np.random.default_rng(11)
    place = draw_place(rng, sheet)
    shots = [take_shot(place.unit.camera(), place, rng, "mask", situation) for _ in range(6)]
    assert {one.is_masked for one in shots} == {situation in ("zone", "beyond")}
    assert {one.situation for one in shots} == {situation}
    assert all(np.isnan(one.distance_m) == (situation == "empty") for one in shots)


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
