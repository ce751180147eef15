"""What the simulated sensor sees of people, and how it errs."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasheet.bad_input import BadInputError
from scenarios.room import load_scenario
from scenarios.simulation import simulate
from scenarios.timeline import Person, Timeline
from sensors.grid_eye_sheet import load_grid_eye
from sensors.mount import Mount
from sensors.noise import WhiteNoise, slow_noise
from sensors.sensing import sense, sense_chunks
from sensors.signal_chain import SignalChain, unit_errors
from sensors.thermal_array import scene_degc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sensors.grid_eye_sheet import GridEyeSheet, NoiseProfile

SHEET = load_grid_eye()
PERSON = Person(1.75, 0.45, 0.25, 0.095, 34.0, 0.5, 0.7)
MOUNT = Mount(0, 0, 2.7)


def standing(*positions_m: tuple[float, float], air_degc: float = 22.0, heading_rad: float = 0.0) -> Timeline:
    """Return one frame of people who stand at these positions."""
    people = len(positions_m)
    return Timeline(
        time_s=np.zeros(1),
        person_index=np.arange(people, dtype=np.int32)[np.newaxis],
        position_m=np.array(positions_m, dtype=np.float64).reshape(1, people, 2),
        heading_rad=np.full((1, people), heading_rad),
        speed_mps=np.zeros((1, people)),
        persons=(PERSON,) * people,
        events=(),
        air_degc=air_degc,
        floor_degc=air_degc,
        wall_degc=air_degc,
        room_size_m=(10.0, 10.0),
    )


def contrast_k(*positions_m: tuple[float, float], mount: Mount = MOUNT, heading_rad: float = 0.0) -> np.ndarray:
    return scene_degc(standing(*positions_m, heading_rad=heading_rad), mount, SHEET)[0] - 22.0


def test_an_empty_room_has_the_temperature_of_its_floor() -> None:
    np.testing.assert_allclose(scene_degc(standing(), MOUNT, SHEET)[0], 22.0, atol=1e-3)


def test_somebody_below_warms_the_four_centre_pixels_most() -> None:
    frame = contrast_k((0, 0))
    assert frame[3:5, 3:5].min() > 2.0
    assert frame.argmax() in {27, 28, 35, 36}
    assert abs(frame[[0, 0, 7, 7], [0, 7, 0, 7]]).max() < 1e-2


@pytest.mark.parametrize(
    ("x_m", "y_m", "rows", "columns"),
    [
        (0.5, 0.5, slice(0, 4), slice(4, 8)),
        (-0.5, 0.5, slice(0, 4), slice(0, 4)),
        (-0.5, -0.5, slice(4, 8), slice(0, 4)),
    ],
)
def test_the_image_lies_on_the_plan_as_it_is(x_m: float, y_m: float, rows: slice, columns: slice) -> None:
    frame = contrast_k((x_m, y_m))
    assert frame[rows, columns].sum() > 0.99 * frame.sum()


def test_turning_sensor_and_person_together_changes_nothing() -> None:
    turned = contrast_k((-0.3, 0.4), mount=Mount(0, 0, 2.7, 90), heading_rad=np.pi / 2)
    np.testing.assert_allclose(turned, contrast_k((0.4, 0.3)), atol=1e-9)


def test_shoulders_are_seen_across_the_heading() -> None:
    frame = contrast_k((0, 0), heading_rad=0.0)
    assert frame[1:7, 3:5].sum() > frame[3:5, 1:7].sum()


def test_a_person_far_outside_is_not_seen() -> None:
    assert abs(contrast_k((4, 0))).max() == pytest.approx(0, abs=1e-3)


def test_nobody_is_seen_through_somebody() -> None:
    # Along the line of sight over the head of the nearer one, the farther one's legs and torso are hidden.
    alone = contrast_k((0.9, 0.0))
    both = contrast_k((0.35, 0.0), (0.9, 0.0))
    near = contrast_k((0.35, 0.0))
    assert both.sum() < near.sum() + alone.sum() - 0.3
    assert (both >= np.minimum(near, alone) - 1e-6).all()


def test_contrast_falls_with_the_room_s_temperature_and_with_height() -> None:
    cool, warm = (scene_degc(standing((0, 0), air_degc=air), MOUNT, SHEET)[0].max() - air for air in (20.0, 28.0))
    assert cool > 1.5 * warm
    assert contrast_k((0, 0)).max() > contrast_k((0, 0), mount=Mount(0, 0, 3.3)).max()


def test_a_wall_shows_its_own_temperature() -> None:
    timeline = replace(standing(), wall_degc=30.0)
    frame = scene_degc(timeline, Mount(0.3, 5.0, 2.7), SHEET)[0]
    assert frame[:, 0].min() > 29.9
    assert frame[:, 7].max() < 22.1


def quiet_room(frames: int) -> Timeline:
    return replace(
        standing(),
        time_s=np.arange(frames) / 10,
        person_index=np.full((frames, 1), -1, dtype=np.int32),
        position_m=np.full((frames, 1, 2), np.nan),
        heading_rad=np.full((frames, 1), np.nan),
        speed_mps=np.full((frames, 1), np.nan),
        floor_degc=25.0,
        air_degc=25.0,
        wall_degc=25.0,
    )


@pytest.fixture(scope="module")
def empty_frames() -> np.ndarray:
    return sense(quiet_room(4000), MOUNT, SHEET, seed=3).frames.astype(np.float64)


def test_field_noise_is_that_of_the_recordings(empty_frames: np.ndarray) -> None:
    noise_k = np.diff(empty_frames, axis=0).std(axis=0) / np.sqrt(2)
    # With 0.08 K common noise, 0.2 K dips in a fifth of the frames and the steps on top of white noise.
    assert 0.29 < noise_k[3:5, 3:5].mean() < 0.33
    assert 0.41 < noise_k[[0, 0, 7, 7], [0, 7, 0, 7]].mean() < 0.46


def test_the_fixed_pattern_stays_while_noise_averages_out(empty_frames: np.ndarray) -> None:
    first, second = (half.mean(axis=0) for half in np.split(empty_frames, 2))
    assert 0.2 < first.std() < 0.36
    assert np.corrcoef(first.ravel(), second.ravel())[0, 1] > 0.98


def test_frames_dip_about_twice_a_second(empty_frames: np.ndarray) -> None:
    mean = empty_frames.mean(axis=(1, 2))
    spectrum = np.abs(np.fft.rfft(mean - mean.mean()))
    frequency_hz = np.fft.rfftfreq(len(mean), 0.1)
    fast = frequency_hz > 0.5
    peak_hz = frequency_hz[fast][spectrum[fast].argmax()]
    assert any(peak_hz == pytest.approx(multiple * 1.96, abs=0.01) for multiple in (1, 2))


def test_the_datasheet_profile_is_quieter_than_the_field() -> None:
    frames = sense(quiet_room(1000), MOUNT, SHEET, profile="datasheet", seed=3).frames.astype(np.float64)
    noise_k = np.diff(frames, axis=0).std(axis=0) / np.sqrt(2)
    assert 0.15 < noise_k.mean() < 0.20


def test_readings_come_in_quarter_degrees_as_float32() -> None:
    recording = sense(quiet_room(50), MOUNT, SHEET, seed=1)
    assert recording.frames.dtype == np.float32
    assert recording.frames.shape == (50, 8, 8)
    assert np.array_equal(recording.frames * 4, np.round(recording.frames * 4))


def test_the_thermistor_is_warmer_than_the_room() -> None:
    thermistor = sense(quiet_room(50), MOUNT, SHEET, seed=1).thermistor_degc
    assert thermistor is not None
    assert ((thermistor > 28.3) & (thermistor < 30.5)).all()


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(BadInputError, match="did you mean 'field'"):
        sense(quiet_room(2), MOUNT, SHEET, profile="feild", seed=1)


def test_the_same_seeds_give_the_same_bytes_and_noise_does_not_depend_on_length() -> None:
    short, long = (sense(quiet_room(frames), MOUNT, SHEET, seed=9).frames for frames in (40, 90))
    assert short.tobytes() == sense(quiet_room(40), MOUNT, SHEET, seed=9).frames.tobytes()
    assert np.array_equal(short, long[:40])


def test_the_office_shows_every_count_often_enough() -> None:
    office = load_scenario("office_doorway")
    hung = office.sensor_mount
    mount = Mount(hung.x_m, hung.y_m, hung.height_m, hung.yaw_deg)
    counts = np.concatenate(
        [sense(simulate(office, seconds=600, seed=seed), mount, SHEET, seed=1).count for seed in range(4)]
    )
    shares = np.bincount(counts, minlength=4) / len(counts)
    low, high = np.array([0.2, 0.2, 0.1, 0.03]), np.array([0.5, 0.5, 0.35, 0.15])
    assert ((shares > low) & (shares < high)).all()


def test_one_person_has_the_contrast_of_the_recordings() -> None:
    # Maximum over the background, median over frames with one person: 2.0 to 2.45 K in four recorded sessions at
    # about 25.7 degC, of which the office's temperature makes a little more; 0.4 K either way is allowed.
    office = load_scenario("office_doorway")
    timeline = replace(simulate(office, seconds=300, seed=2), air_degc=25.7, floor_degc=25.7, wall_degc=25.7)
    recording = sense(timeline, Mount(2, 2, 2.7), SHEET, seed=4)
    background = recording.frames[recording.count == 0].mean(axis=0)
    contrast = (recording.frames[recording.count == 1] - background).max(axis=(1, 2))
    assert 1.6 < np.median(contrast) < 2.85


def test_the_thermistor_is_as_noisy_as_the_sheet_says() -> None:
    quiet = SHEET.model_copy(update={"thermistor_noise_k": replace(SHEET.thermistor_noise_k, value=0.0)})
    usual, still = (sense(quiet_room(400), MOUNT, sheet, seed=1).thermistor_degc for sheet in (SHEET, quiet))
    assert usual is not None
    assert still is not None
    assert 0.05 < usual.std() < 0.08
    assert still.std() == 0


def test_the_normal_current_has_a_range() -> None:
    current = SHEET.normal_current_a
    assert (current.low, current.value, current.high) == (0.00405, 0.0045, 0.00495)
    assert current.evidence == "datasheet"
    assert "assumed" in current.source


@pytest.mark.parametrize(("air_degc", "surface_degc"), [(10.0, -10.0), (30.0, 50.0)])
def test_the_coldest_and_warmest_rooms_allowed_can_be_sensed(air_degc: float, surface_degc: float) -> None:
    warm = tuple(replace(PERSON, clothing_clo=clo) for clo in (0.0, 2.0))
    timeline = standing((0.4, 0), (-0.4, 0), air_degc=air_degc)
    timeline = replace(timeline, persons=warm, wall_degc=surface_degc, floor_degc=surface_degc)
    degc = scene_degc(timeline, MOUNT, SHEET)
    assert degc.min() > -10.1
    assert degc.max() < 50.1


def walkers(frames: int) -> Timeline:
    """Return people who cross the view one after the other, three slots, with a drifting room."""
    time_s = np.arange(frames) / 10
    x_m = np.stack([np.mod(time_s * speed, 4.0) - 2.0 for speed in (0.9, 1.2, 0.5)], axis=1)
    y_m = np.broadcast_to([-0.8, 0.0, 0.8], x_m.shape)
    return replace(
        standing(),
        time_s=time_s,
        person_index=np.broadcast_to(np.arange(3, dtype=np.int32), x_m.shape).copy(),
        position_m=np.stack([x_m, y_m], axis=-1),
        heading_rad=np.zeros_like(x_m),
        speed_mps=np.broadcast_to([0.9, 1.2, 0.5], x_m.shape).copy(),
        persons=(PERSON, replace(PERSON, cold_k=5.0), PERSON),
        drift_k=0.3 * np.sin(time_s / 50),
        entered_s=np.zeros(3),
    )


def cut(timeline: Timeline, begin: int, end: int) -> Timeline:
    some = slice(begin, end)
    names = ("time_s", "person_index", "position_m", "heading_rad", "speed_mps", "drift_k")
    return replace(timeline, **{name: getattr(timeline, name)[some] for name in names})


def pausing(frames: int) -> Timeline:
    """Return the walkers, who stand still as statues from frame 200 to 600 while the room goes on drifting."""
    timeline = walkers(frames)
    numbers = np.arange(frames)
    position_m = timeline.position_m[np.where((numbers >= 200) & (numbers < 600), 200, numbers)]
    speed_mps = np.where(((numbers >= 200) & (numbers < 600))[:, np.newaxis], 0.0, timeline.speed_mps)
    return replace(timeline, position_m=position_m, speed_mps=speed_mps)


@pytest.mark.parametrize("people", [walkers, pausing])
@pytest.mark.parametrize("options", [{}, {"frame_rate_hz": 1.0}, {"averages_twice": True}])
def test_the_bytes_do_not_depend_on_where_the_timeline_is_cut(
    people: Callable[[int], Timeline], options: dict[str, float]
) -> None:
    timeline = people(700)
    whole = sense(timeline, MOUNT, SHEET, seed=4, **options)
    edges = [0, 1, 7, 8, 256, 300, 513, 695, 700]
    pieces = list(
        sense_chunks([cut(timeline, a, b) for a, b in pairwise(edges)], MOUNT, SHEET, seed=4, **options)
    )  # fmt: skip
    assert len(pieces) == len(edges) - 1
    for name in ("frames", "count", "time_s", "thermistor_degc"):
        assert np.concatenate([getattr(piece, name) for piece in pieces]).tobytes() == getattr(whole, name).tobytes()


EDGES = ([0, 60], [0, 1, 2, 3, 30, 60], [0, 0, 1, 1, 2, 60], [0, 59, 60, 60], list(range(61)))


@pytest.mark.parametrize("rate_hz", [1.0, 5.0, 10.0, 20.0])
@pytest.mark.parametrize("options", [{}, {"averages_twice": True}])
@pytest.mark.parametrize("told", [(), ("timeline_rate_hz",)])
def test_at_every_frame_rate_the_bytes_do_not_depend_on_cuts(
    rate_hz: float, options: dict[str, bool], told: tuple[str, ...]
) -> None:
    """Also when the first pieces hold one frame or none, which do not tell the rate, and from an hour on."""
    timeline = replace(walkers(60), time_s=3600.0 + np.arange(60) / rate_hz)
    whole = sense(timeline, MOUNT, SHEET, seed=4, timeline_rate_hz=rate_hz, **options)
    for edges in EDGES:
        cuts = [cut(timeline, a, b) for a, b in pairwise(edges)]
        pieces = list(sense_chunks(cuts, MOUNT, SHEET, seed=4, **dict.fromkeys(told, rate_hz), **options))
        assert len(pieces) == len(cuts)
        for name in ("frames", "count", "time_s", "thermistor_degc"):
            joined = np.concatenate([getattr(piece, name) for piece in pieces])
            assert joined.tobytes() == getattr(whole, name).tobytes(), (name, edges)


def test_a_single_frame_is_sensed_at_the_rate_it_is_told() -> None:
    """One frame of a second has a third of the noise of one at the fast rate, which is what it is else taken for."""
    frame = cut(walkers(60), 0, 1)
    finer = SHEET.model_copy(update={"pixel_lsb_k": replace(SHEET.pixel_lsb_k, value=0.01)})
    told = {rate_hz: sense(frame, MOUNT, finer, seed=4, timeline_rate_hz=rate_hz).frames for rate_hz in (None, 1, 10)}
    np.testing.assert_array_equal(told[None], told[10])
    assert (told[None] != told[1]).any()


def test_what_is_told_of_the_rate_is_not_held_back() -> None:
    """With the rate told, a piece is sensed before the next one is asked for."""

    def pieces() -> Iterator[Timeline]:
        yield cut(walkers(60), 0, 1)
        pytest.fail("the second piece was asked for")

    chunks = sense_chunks(pieces(), MOUNT, SHEET, seed=4, timeline_rate_hz=10.0)
    assert len(next(chunks).frames) == 1


def test_at_one_frame_a_second_each_frame_is_the_mean_of_ten() -> None:
    fast = sense(walkers(305), MOUNT, SHEET, seed=4)
    slow = sense(walkers(305), MOUNT, SHEET, seed=4, frame_rate_hz=1.0)
    assert len(slow.frames) == 30
    np.testing.assert_array_equal(slow.time_s, fast.time_s[9:300:10])
    np.testing.assert_array_equal(slow.count, fast.count[9:300:10])
    means = fast.frames[:300].reshape(30, 10, 8, 8).mean(axis=1)
    assert abs(slow.frames - means).max() < 0.26


def test_a_timeline_of_one_frame_a_second_has_the_noise_of_ten_averaged_frames() -> None:
    fast = quiet_room(3000)
    slow = replace(fast, time_s=np.arange(3000, dtype=np.float64))
    finer = SHEET.model_copy(update={"pixel_lsb_k": replace(SHEET.pixel_lsb_k, value=0.01)})
    noise = [
        (np.diff(sense(room, MOUNT, finer, profile="datasheet", seed=3).frames, axis=0).std() / np.sqrt(2))
        for room in (fast, slow)
    ]
    assert noise[0] / noise[1] == pytest.approx(np.sqrt(10), rel=0.05)
    assert noise[1] == pytest.approx(SHEET.netd_1hz_k.value, rel=0.1)


def test_averaging_twice_takes_noise_down_by_the_square_root_of_two() -> None:
    finer = SHEET.model_copy(update={"pixel_lsb_k": replace(SHEET.pixel_lsb_k, value=0.01)})
    plain, averaged = (
        sense(quiet_room(3000), MOUNT, finer, profile="datasheet", seed=3, averages_twice=twice).frames
        for twice in (False, True)
    )
    assert plain.std(axis=0).mean() / averaged.std(axis=0).mean() == pytest.approx(np.sqrt(2), rel=0.05)


def test_a_frame_rate_the_sensor_does_not_have_is_refused() -> None:
    with pytest.raises(BadInputError, match="frame_rate_hz"):
        sense(quiet_room(20), MOUNT, SHEET, seed=1, frame_rate_hz=5.0)


def test_pixels_follow_a_step_with_their_time_constant() -> None:
    slow = SHEET.model_copy(update={"response_time_s": replace(SHEET.response_time_s, value=1.0)})
    chain = SignalChain(slow, silent(slow), 10.0, seed=1)
    true_degc = np.full((40, 8, 8), 20.0)
    true_degc[1:] = 40.0
    frames = chain.frames(true_degc, np.arange(40) / 10)[:, 0, 0]
    assert frames[0] == 20.0
    assert frames[10] == pytest.approx(40 - 20 * np.exp(-1), abs=0.13)


def test_readings_stay_within_the_range() -> None:
    chain = SignalChain(SHEET, silent(SHEET), 10.0, seed=1)
    frames = chain.frames(np.full((1, 8, 8), 120.0), np.zeros(1))
    assert (frames == 80.0).all()
    chain = SignalChain(SHEET, silent(SHEET), 10.0, seed=1)
    assert (chain.frames(np.full((1, 8, 8), -30.0), np.zeros(1)) == 0.0).all()


def silent(sheet: GridEyeSheet) -> NoiseProfile:
    """Return a profile without noise or errors."""
    profile = sheet.noise["datasheet"]
    names = ("centre_noise_k", "corner_noise_k", "common_noise_k", "fixed_pattern_k", "drift_k", "dip_k", "offset_k")
    return profile.model_copy(update={name: replace(getattr(profile, name), value=0.0) for name in names})


def test_units_differ_in_their_optical_axis_by_the_datasheet_s_gap() -> None:
    axes = np.array([unit_errors(SHEET, SHEET.noise["field"], seed=seed).axis_deg for seed in range(400)])
    assert abs(axes).max() <= 5.6
    assert axes.std(axis=0) == pytest.approx([2.7, 2.7], rel=0.12)
    assert axes.mean(axis=0) == pytest.approx([0.0, 0.0], abs=0.4)


def test_slow_noise_has_the_spread_and_the_time_constant_asked_for() -> None:
    noise = slow_noise(np.random.default_rng(1), 300, 25.0, 48, 1.0)
    values = noise.at(np.array([0.0, 25.0, 4000.0]))
    assert values[0].std() == pytest.approx(1.0, rel=0.12)
    assert np.corrcoef(values[0], values[1])[0, 1] == pytest.approx(np.exp(-1), abs=0.12)
    assert abs(np.corrcoef(values[0], values[2])[0, 1]) < 0.2


@given(st.integers(0, 2000), st.integers(0, 600))
def test_white_noise_can_be_drawn_anywhere(first: int, count: int) -> None:
    noise = WhiteNoise(5, 1, 3)
    np.testing.assert_array_equal(noise.frames(first, count), noise.frames(0, 2600)[first : first + count])


def test_the_fixed_pattern_drifts_from_day_to_day_but_not_within_minutes() -> None:
    patterns = []
    for start_s in (0.0, 300.0, 3e6):
        room = quiet_room(600)
        room = replace(room, time_s=room.time_s + start_s)
        patterns.append(sense(room, MOUNT, SHEET, seed=3).frames.mean(axis=0, dtype=np.float64).ravel())
    assert np.corrcoef(patterns[0], patterns[1])[0, 1] > 0.97
    assert 0.4 < np.corrcoef(patterns[0], patterns[2])[0, 1] < 0.96
