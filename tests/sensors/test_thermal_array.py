"""What pixels see of bodies, things and rooms, and how finely it is integrated."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from scenarios.timeline import SITTING, STANDING, WALKING, Person, RoomObject, Timeline
from sensors.bodies import COLD_DECAY_S, PART_COLUMNS, PARTS, body_parts, body_radiances, body_shapes
from sensors.grid_eye_sheet import load_grid_eye
from sensors.mount import Mount
from sensors.pixels import LINES_PER_SIGMA, pixel_directions_deg, pixel_lines, pixel_widths_deg
from sensors.radiance import band_radiance, brightness_degc
from sensors.thermal_array import _BODY_RADIUS, ThermalArray, scene_degc

# Without crosstalk, so that geometry alone decides.
SHEET = load_grid_eye().model_copy(update={"crosstalk": None})
PERSON = Person(1.75, 0.45, 0.25, 0.095, 34.0, 0.5, 0.7)
CEILING = Mount(0, 0, 2.7)
LINTEL = Mount(0, -1.5, 2.3, 0, 40)


def scene(
    position_m: np.ndarray,
    *,
    persons: tuple[Person, ...] = (PERSON,),
    person_index: np.ndarray | None = None,
    posture: int | np.ndarray = STANDING,
    heading_rad: float | np.ndarray = 0.0,
    speed_mps: float | np.ndarray = 0.0,
    air_degc: float = 22.0,
    objects: tuple[RoomObject, ...] = (),
) -> Timeline:
    """Return frames 0.1 s apart of people at (N, S, 2) positions in a wide room."""
    shape = position_m.shape[:2]
    if person_index is None:
        person_index = np.zeros(shape)
    return Timeline(
        time_s=np.arange(shape[0]) / 10,
        person_index=person_index.astype(np.int32),
        position_m=position_m.astype(np.float64),
        heading_rad=np.broadcast_to(heading_rad, shape).astype(np.float64),
        speed_mps=np.broadcast_to(speed_mps, shape).astype(np.float64),
        persons=persons,
        events=(),
        air_degc=air_degc,
        floor_degc=air_degc,
        wall_degc=air_degc,
        room_size_m=(40.0, 40.0),
        posture=np.broadcast_to(posture, shape).astype(np.int8),
        objects=objects,
    )


def at(x_m: float, y_m: float) -> np.ndarray:
    return np.array([[[x_m, y_m]]])


def excess_k(timeline: Timeline, mount: Mount = CEILING) -> np.ndarray:
    return scene_degc(timeline, mount, SHEET)[0] - timeline.air_degc


def box(**changes: object) -> RoomObject:
    usual = RoomObject("box", "furniture", 0.0, 0.0, 0.6, 0.6, 0.0, 0.5, 40.0, 0.95)
    return replace(usual, **changes)


def random_scenes(frames: int, people: int, seed: int) -> Timeline:
    """Return frames of random people, apart, in random postures in front of a desk with a hot cup, at 20 degC."""
    rng = np.random.default_rng(seed)
    persons = tuple(
        Person(
            stature_m=rng.uniform(1.4, 1.95),
            shoulder_breadth_m=rng.uniform(0.38, 0.52),
            shoulder_depth_m=rng.uniform(0.2, 0.3),
            head_radius_m=rng.uniform(0.085, 0.105),
            skin_degc=rng.uniform(33, 35),
            hair_ratio=rng.uniform(0, 0.7),
            clothing_clo=rng.uniform(0.4, 1.5),
        )
        for _ in range(50)
    )
    shape = (frames, people)
    things = (
        box(name="desk", x_m=0.3, y_m=1.3, size_x_m=1.2, bottom_m=0.7, top_m=0.74, surface_degc=None),
        box(name="cup", kind="cup", x_m=0.2, y_m=1.2, size_x_m=0.08, size_y_m=0.08, bottom_m=0.74, top_m=0.84),
    )
    return scene(
        apart(rng, frames, people),
        persons=persons,
        person_index=rng.integers(0, 50, shape),
        posture=rng.integers(0, 3, shape),
        heading_rad=rng.uniform(-np.pi, np.pi, shape),
        speed_mps=rng.uniform(0, 1.6, shape),
        air_degc=20.0,
        objects=things,
    )


def apart(rng: np.random.Generator, frames: int, people: int) -> np.ndarray:
    """Return (frames, people, 2) positions 0.6 m or more from each other, clear of the desk."""
    found: list[np.ndarray] = []
    while len(found) < frames:
        group = rng.uniform([-1.7, -1.7], [1.7, 0.6], (people, 2))
        distances_m = np.linalg.norm(group[:, np.newaxis] - group, axis=-1) + 9 * np.eye(people)
        if distances_m.min() > 0.6:
            found.append(group)
    return np.array(found)


@pytest.mark.parametrize("mount", [CEILING, Mount(0.2, 0.1, 3.2, 25), LINTEL], ids=["ceiling", "high", "lintel"])
@pytest.mark.parametrize("people", [1, 3])
def test_halving_the_step_moves_no_pixel_by_more_than_a_twentieth_of_a_degree(mount: Mount, people: int) -> None:
    timeline = random_scenes(400, people, seed=people)
    usual = scene_degc(timeline, mount, SHEET)
    halved = scene_degc(timeline, mount, SHEET, lines_per_sigma=2 * LINES_PER_SIGMA)
    assert usual.max() > 24.0
    assert abs(halved - usual).max() < 0.05


def test_pixels_are_the_mean_of_random_rays() -> None:
    # Traced one by one. A head is between all hair and all skin, here of the same temperature.
    person = replace(PERSON, hair_ratio=1.0)
    timeline = scene(at(0.15, -0.1), persons=(person,))
    expected = scene_degc(timeline, CEILING, SHEET)[0]
    lines = pixel_lines(SHEET)
    _, elevation_deg = pixel_directions_deg(SHEET)
    _, width_deg = pixel_widths_deg(SHEET)
    hair, skin, cloth = body_radiances(timeline)[0, 0]
    rng = np.random.default_rng(1)
    for pixel in (27, 36, 44, 20):
        azimuth = lines.azimuth_rad[pixel] + lines.sigma_rad[pixel] * rng.standard_normal(40_000)
        sigma_rad = np.radians(width_deg.ravel()[pixel]) / 2.354820045
        elevation = np.radians(elevation_deg.ravel()[pixel]) + sigma_rad * rng.standard_normal(40_000)
        head, body = rays_that_meet(np.tan(azimuth), np.tan(elevation))
        room = band_radiance([22.0])[0]
        radiance = [np.where(head, top, np.where(body, cloth, room)).mean() for top in (hair, skin)]
        low_degc, high_degc = brightness_degc(radiance)
        assert low_degc - 0.1 < expected.ravel()[pixel] < high_degc + 0.1


def rays_that_meet(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Tell which rays from 2.7 m above the origin meet the head, and which the rest, of somebody at 0.15, -0.1."""
    parts = np.empty((PARTS, PART_COLUMNS))
    body_parts(body_shapes((PERSON,))[0], STANDING, 0.0, 0.0, parts)
    ray = np.stack([x, y, -np.ones_like(x)], axis=-1)
    met = []
    for forward_m, left_m, up_m, half_x, half_y, half_z, sine, cosine, _ in parts:
        axes = np.array([[cosine / half_x, 0, -sine / half_x], [0, 1 / half_y, 0], [sine / half_z, 0, cosine / half_z]])
        origin = axes @ (np.array([0, 0, 2.7]) - np.array([0.15 + forward_m, -0.1 + left_m, up_m]))
        direction = ray @ axes.T
        met.append((direction @ origin) ** 2 > (direction**2).sum(axis=1) * (origin @ origin - 1))
    return met[0], np.any(met[1:], axis=0)


def test_legs_and_arms_move_apart_in_walking_only() -> None:
    shape = body_shapes((PERSON,))[0]
    parts = np.empty((PARTS, PART_COLUMNS))
    apart_m = {}
    for posture, speed_mps in ((STANDING, 0.0), (WALKING, 1.34)):
        feet = []
        for distance_m in np.linspace(0, 1.5, 30):
            body_parts(shape, posture, distance_m, speed_mps, parts)
            feet.append(parts[8, 0] - parts[10, 0])
        apart_m[posture] = np.ptp(feet)
    assert apart_m[STANDING] == 0
    assert 0.4 < apart_m[WALKING] < 1.2


def test_the_phase_of_the_gait_comes_from_the_distance_walked() -> None:
    # A stride is 0.82 of stature; somebody who has gone a whole one looks the same again from the side.
    stride_m = 0.82 * PERSON.stature_m
    path = np.stack([np.arange(41) * stride_m / 40, np.zeros(41)], axis=-1)[:, np.newaxis]
    timeline = scene(path, posture=WALKING, speed_mps=1.34)
    frames = [
        ThermalArray(SHEET, Mount(x_m, -2.5, 1.0, 0, 90)).scene_degc(timeline)[frame]
        for frame, x_m in ((0, 0.0), (20, stride_m / 2), (40, stride_m))
    ]
    # Lines lie finer where floor and wall meet, which is not at the same place seen from both mounts.
    np.testing.assert_allclose(frames[0], frames[2], atol=1e-3)
    assert abs(frames[0] - frames[1]).max() > 0.05


def test_who_sits_is_lower_than_who_stands() -> None:
    wall = Mount(0, -3.0, 1.2, 0, 90)
    standing, sitting = (excess_k(scene(at(0, 0), posture=posture), wall) for posture in (STANDING, SITTING))
    assert standing[:3].sum() > 5 * sitting[:3].sum()
    assert sitting[4:].sum() > 1.0


def test_thighs_of_who_sits_point_forward() -> None:
    frame = excess_k(scene(at(0, 0), posture=SITTING, heading_rad=0.0))
    assert frame[:, 4:].sum() > 1.3 * frame[:, :4].sum()


def test_a_warm_thing_shows_where_it_stands_and_its_own_temperature() -> None:
    frame = excess_k(scene(at(9, 9), objects=(box(size_x_m=1.4, size_y_m=1.4),)))
    assert frame[3:5, 3:5].min() == pytest.approx(0.95 * 18, abs=0.3)
    assert abs(frame[0, 0]) < 0.2


def test_a_thing_without_a_temperature_hides_people_and_is_as_warm_as_the_room() -> None:
    canopy = box(bottom_m=1.9, top_m=2.0, size_x_m=3.0, size_y_m=3.0, surface_degc=None)
    assert excess_k(scene(at(0, 0))).max() > 2
    assert abs(excess_k(scene(at(0, 0), objects=(canopy,)))).max() < 1e-3


def test_people_hide_things_behind_them() -> None:
    hot = box(size_x_m=0.15, size_y_m=0.15, top_m=0.01, surface_degc=60.0)
    alone, covered = excess_k(scene(at(9, 9), objects=(hot,))), excess_k(scene(at(0, 0), objects=(hot,)))
    without = excess_k(scene(at(0, 0)))
    assert alone.max() > 1.5
    assert (covered - without).max() < 0.35 * alone.max()


def test_a_sun_patch_flat_on_the_floor_is_seen() -> None:
    patch = box(kind="sun_patch", size_x_m=2.0, size_y_m=2.0, bottom_m=0.0, top_m=0.0, surface_degc=35.0)
    assert excess_k(scene(at(9, 9), objects=(patch,)))[3:5, 3:5].min() > 10


def test_clothes_of_who_comes_from_the_cold_warm_up() -> None:
    cold = replace(PERSON, cold_k=8.0, hair_ratio=0.0)
    timeline = scene(np.zeros((3, 1, 2)), persons=(cold,))
    timeline = replace(timeline, time_s=np.array([0.0, COLD_DECAY_S, 20 * COLD_DECAY_S]), entered_s=np.zeros(1))
    sums = (scene_degc(timeline, CEILING, SHEET) - 22.0).sum(axis=(1, 2))
    balanced = excess_k(scene(at(0, 0), persons=(replace(cold, cold_k=0.0),))).sum()
    assert sums[0] < sums[1] < sums[2]
    assert sums[2] == pytest.approx(balanced, abs=1e-3)
    assert (balanced - sums[1]) / (balanced - sums[0]) == pytest.approx(np.exp(-1), abs=0.03)


def test_a_hat_makes_the_head_as_warm_as_clothes() -> None:
    bald = replace(PERSON, hair_ratio=1.0)
    assert (
        excess_k(scene(at(0, 0), persons=(replace(bald, has_hat=True),))).max()
        < excess_k(scene(at(0, 0), persons=(bald,))).max() - 0.5
    )


def test_more_activity_makes_colder_skin_and_colder_clothes() -> None:
    calm, busy = (excess_k(scene(at(0, 0), persons=(replace(PERSON, activity_met=met),))).sum() for met in (1.2, 2.5))
    assert busy < calm


def test_the_room_s_drift_is_seen_in_full_where_nobody_is() -> None:
    timeline = replace(scene(np.full((3, 1, 2), 9.0)), drift_k=np.array([0.0, 0.5, -1.0]))
    frames = scene_degc(timeline, CEILING, SHEET)
    np.testing.assert_allclose(frames.mean(axis=(1, 2)), [22.0, 22.5, 21.0], atol=0.01)


def test_a_floor_s_gradient_is_seen_along_its_axis() -> None:
    timeline = replace(scene(at(-9, 9)), floor_gradient_k_per_m=(0.5, 0.0))
    frame = scene_degc(timeline, Mount(20, 20, 2.7), SHEET)[0]
    across_m = 2.7 * np.tan(np.radians(3.8)) * 2
    assert frame[3, 4] - frame[3, 3] == pytest.approx(0.5 * across_m, rel=0.03)
    np.testing.assert_allclose(frame[0], frame[7], atol=0.01)


def test_a_sensor_on_a_wall_sees_a_standing_person_upright() -> None:
    frame = excess_k(scene(at(0, 0)), Mount(0, -3.0, 1.2, 0, 90))
    rows, columns = (frame > 0.5).any(axis=1).sum(), (frame > 0.5).any(axis=0).sum()
    assert rows > columns
    assert frame[:, 3:5].sum() > 0.8 * frame.sum()


def test_an_error_of_the_optical_axis_moves_the_image() -> None:
    timeline = scene(at(0, 0))
    frames = [
        ThermalArray(SHEET, CEILING, axis_error_deg=error).scene_degc(timeline)[0] - 22.0
        for error in ((0.0, 0.0), (5.0, 0.0), (0.0, 5.0))
    ]
    columns, rows = np.arange(8), np.arange(8)
    middles = [(frame.sum(axis=0) @ columns / frame.sum(), frame.sum(axis=1) @ rows / frame.sum()) for frame in frames]
    # The axis moves right, so the image moves left; the axis moves up, so the image moves down.
    assert middles[1][0] < middles[0][0] - 0.4
    assert middles[2][1] > middles[0][1] + 0.4


def test_a_part_without_a_table_of_pixels_sees_the_same_person_more_finely() -> None:
    fine = SHEET.model_copy(update={"pixels": None, "rows": 24, "columns": 32})
    frame = scene_degc(scene(at(0, 0)), CEILING, fine)[0] - 22.0
    assert frame.shape == (24, 32)
    assert frame.max() > excess_k(scene(at(0, 0))).max()
    assert frame.mean() == pytest.approx(excess_k(scene(at(0, 0))).mean(), rel=0.35)


def test_the_scene_does_not_depend_on_where_the_timeline_is_cut() -> None:
    timeline = random_scenes(40, 2, seed=5)
    array = ThermalArray(SHEET, CEILING)
    pieces = [array.scene_degc(cut(timeline, begin, begin + 8)) for begin in range(0, 40, 8)]
    assert np.concatenate(pieces).tobytes() == scene_degc(timeline, CEILING, SHEET).tobytes()


def standstill(frames: int) -> Timeline:
    """Return people who do not move at all while the room drifts, and one who sits down on the way."""
    path = np.broadcast_to(np.array([[-0.4, 0.2], [0.5, -0.3], [0.1, 0.9]]), (frames, 3, 2)).copy()
    posture = np.full((frames, 3), STANDING)
    posture[frames // 2 :, 2] = SITTING
    timeline = scene(path, persons=(PERSON,) * 3, person_index=np.tile(np.arange(3), (frames, 1)), posture=posture)
    things = (box(x_m=0.1, y_m=0.5, top_m=0.74, surface_degc=None), box(name="cup", top_m=0.9, size_x_m=0.1))
    return replace(timeline, objects=things, drift_k=0.5 * np.sin(np.arange(frames) / 30))


@pytest.mark.parametrize("edges", [(0, 1, 60), (0, 13, 30, 31, 60), tuple(range(0, 61, 4))])
def test_the_scene_of_people_who_do_not_move_does_not_depend_on_cuts(edges: tuple[int, ...]) -> None:
    timeline = standstill(60)
    array = ThermalArray(SHEET, CEILING)
    pieces = [array.scene_degc(cut(timeline, begin, end)) for begin, end in pairwise(edges)]
    whole = scene_degc(timeline, CEILING, SHEET)
    assert np.concatenate(pieces).tobytes() == whole.tobytes()
    # Something changes in every frame, so that a stale frame would show.
    assert (abs(np.diff(whole, axis=0)).max(axis=(1, 2)) > 1e-4).all()


def test_a_frame_rendered_alone_is_the_same_as_among_others() -> None:
    # Nobody walks, since the gait's phase does go on from frame to frame.
    timeline = random_scenes(60, 3, seed=8)
    timeline = replace(timeline, posture=np.where(timeline.posture == WALKING, STANDING, timeline.posture))
    among = scene_degc(timeline, LINTEL, SHEET)
    array = ThermalArray(SHEET, LINTEL)
    alone = [array.scene_degc(cut(timeline, frame, frame + 1))[0] for frame in reversed(range(60))][::-1]
    assert np.array(alone).tobytes() == among.tobytes()
    assert len({frame.tobytes() for frame in alone}) == 60


def test_people_beyond_every_pixel_s_view_change_nothing() -> None:
    # On a circle well outside, and in view between desks and a cup; the same bytes with and without the circle.
    angle = np.arange(20) * 2 * np.pi / 20
    around = 4.5 * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    near = np.array([[0.3, -0.2], [-0.8, 0.5]])
    alone = excess_k(scene(near[np.newaxis], objects=(box(),), posture=SITTING))
    among = excess_k(scene(np.concatenate([around, near])[np.newaxis], objects=(box(),), posture=SITTING))
    assert among.tobytes() == alone.tobytes()
    assert alone.max() > 2.0


@pytest.mark.parametrize("posture", [STANDING, WALKING, SITTING])
@pytest.mark.parametrize("stature_m", [1.0, 1.4, 2.1])
@pytest.mark.parametrize("breadth_m", [0.3, 0.6])
def test_a_body_lies_within_the_ball_by_which_it_is_left_out(posture: int, stature_m: float, breadth_m: float) -> None:
    shape = body_shapes((replace(PERSON, stature_m=stature_m, shoulder_breadth_m=breadth_m),))[0]
    parts = np.empty((PARTS, PART_COLUMNS))
    radius_m = _BODY_RADIUS * stature_m + breadth_m / 2
    for distance_m in np.linspace(0, 0.82 * stature_m, 17):
        body_parts(shape, posture, distance_m, 1.6, parts)
        middle_m = np.linalg.norm(parts[:, :3] - [0, 0, stature_m / 2], axis=1)
        farthest_m = (middle_m + parts[:, 3:6].max(axis=1)).max()
        assert 0.5 * radius_m < farthest_m < radius_m


def test_two_people_who_do_not_overlap_add_up() -> None:
    # Each is integrated on lines of their own, as finely as when alone.
    first, second = at(-0.7, 0.3), at(0.8, -0.4)
    room = band_radiance([22.0])[0]
    radiances = [
        band_radiance(scene_degc(scene(place), CEILING, SHEET)[0]) - room
        for place in (first, second, np.concatenate([first, second], axis=1))
    ]
    np.testing.assert_allclose(radiances[0] + radiances[1], radiances[2], atol=1e-5)
    assert min(radiance.max() for radiance in radiances) > 1.0


def cut(timeline: Timeline, begin: int, end: int) -> Timeline:
    some = slice(begin, end)
    assert timeline.posture is not None
    return replace(
        timeline,
        time_s=timeline.time_s[some],
        person_index=timeline.person_index[some],
        position_m=timeline.position_m[some],
        heading_rad=timeline.heading_rad[some],
        speed_mps=timeline.speed_mps[some],
        posture=timeline.posture[some],
        drift_k=None if timeline.drift_k is None else timeline.drift_k[some],
    )
