"""Statistics of recordings, on recordings whose statistics are known."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sensors.recording import Recording, read_recording
from sensors.statistics import (
    autocorrelation,
    background_degc,
    blob_profile,
    common_mode,
    drift,
    fixed_pattern,
    ks_distance,
    people_signal,
    run_lengths,
    sensor_statistics,
    temporal_noise,
)


def recording(frames: np.ndarray, count: np.ndarray | None = None) -> Recording:
    number = len(frames)
    return Recording(
        time_s=np.arange(number) / 10,
        frames=frames.astype(np.float32),
        count=np.zeros(number, dtype=np.int64) if count is None else count.astype(np.int64),
    )


def white(frames: int, sd_k: float | np.ndarray, seed: int = 0) -> np.ndarray:
    return 25.0 + sd_k * np.random.default_rng(seed).standard_normal((frames, 8, 8))


def test_temporal_noise_is_found_by_place() -> None:
    sd_k = np.full((8, 8), 0.3)
    sd_k[3:5, 3:5], sd_k[0, 0] = 0.2, 0.6
    noise = temporal_noise(recording(white(4000, sd_k)))
    assert noise.centre_k == pytest.approx(0.2, rel=0.03)
    assert noise.corner_k == pytest.approx((0.6 + 3 * 0.3) / 4, rel=0.03)
    assert noise.by_pixel_k[0, 0] == pytest.approx(0.6, rel=0.05)
    assert noise.pairs == 3999


def test_a_slow_swing_is_no_noise() -> None:
    swing = 3 * np.sin(np.arange(4000) / 300)[:, np.newaxis, np.newaxis]
    assert temporal_noise(recording(white(4000, 0.3) + swing)).all_k == pytest.approx(0.3, rel=0.03)


def test_frames_with_people_and_gaps_do_not_count_as_noise() -> None:
    frames = white(1000, 0.3)
    frames[::10] += 9.0
    count = (np.arange(1000) % 10 == 0).astype(np.int64)
    assert temporal_noise(recording(frames, count)).all_k == pytest.approx(0.3, rel=0.05)
    jumps = white(1000, 0.3) + 5 * (np.arange(1000) // 100 % 2)[:, np.newaxis, np.newaxis]
    gaps = replace(recording(jumps), time_s=np.arange(1000) / 10 + np.arange(1000) // 100)
    assert temporal_noise(gaps).all_k == pytest.approx(0.3, rel=0.05)


def test_autocorrelation_of_a_moving_average_of_two_is_a_half() -> None:
    noise = white(4001, 0.3)
    assert autocorrelation(recording(noise)).all == pytest.approx(0.0, abs=0.03)
    assert autocorrelation(recording((noise[1:] + noise[:-1]) / 2)).all == pytest.approx(0.5, abs=0.04)


def test_common_mode_is_told_from_noise_of_single_pixels() -> None:
    shared = 0.1 * np.random.default_rng(1).standard_normal((6000, 1, 1))
    assert common_mode(recording(white(6000, 0.3) + shared)).sd_k == pytest.approx(0.1, rel=0.05)
    assert common_mode(recording(white(6000, 0.3))).sd_k < 0.02


def test_a_periodic_dip_is_found_with_depth_and_rate() -> None:
    beats = np.diff(np.floor(np.arange(6001) * 0.196 + 0.3)) > 0
    dip = common_mode(recording(white(6000, 0.3) - 0.2 * beats[:, np.newaxis, np.newaxis]))
    assert dip.dip_rate_hz == pytest.approx(1.96, abs=0.006)
    assert dip.dip_k == pytest.approx(0.2, rel=0.1)


def test_the_fixed_pattern_is_that_of_each_session() -> None:
    pattern = 0.3 * np.random.default_rng(2).standard_normal((8, 8))
    both = np.concatenate([white(500, 0.2) + pattern, white(500, 0.2) + pattern + 2.0])
    found = fixed_pattern(replace(recording(both), session=np.repeat([1, 2], 500)))
    np.testing.assert_allclose(found.by_pixel_k, pattern - pattern.mean(), atol=0.05)
    assert found.sd_k == pytest.approx(pattern.std(), rel=0.05)


def test_drift_is_that_of_a_ramp() -> None:
    ramp = 0.01 * (np.arange(4000) / 10)[:, np.newaxis, np.newaxis]
    found = drift(recording(white(4000, 0.1) + ramp))
    np.testing.assert_allclose(found.rms_k, [0.1, 0.6, 3.0], atol=0.02)
    assert np.isnan(drift(recording(white(500, 0.1))).rms_k[1:]).all()


def test_the_background_is_the_mean_of_the_fifty_nearest_empty_frames() -> None:
    frames, count = white(300, 0.2), (np.arange(300) % 4 == 0).astype(np.int64)
    one = recording(frames, count)
    found = background_degc(one)
    empty = np.flatnonzero(count == 0)
    for frame in (0, 8, 150, 296):
        nearest = empty[np.argsort(abs(one.time_s[empty] - one.time_s[frame]), kind="stable")[:50]]
        assert abs(found[frame] - one.frames[nearest].mean(axis=0, dtype=np.float64)).max() < 0.02


def test_contrast_and_area_are_counted_by_people() -> None:
    frames, count = np.full((200, 8, 8), 25.0), np.repeat([0, 1, 0, 2], 50)
    frames[count == 1, 3, 3] += 2.0
    frames[count == 2, 2:4, 2:4] += 3.0
    signal = people_signal(recording(frames, count))
    assert set(signal.contrast_k) == {0, 1, 2}
    np.testing.assert_allclose(signal.contrast_k[1], 2.0)
    np.testing.assert_allclose(signal.area_pixels[2], 4)
    assert (signal.area_pixels[0] == 0).all()


def test_the_blob_profile_goes_outwards_in_rings() -> None:
    frames, count = np.full((100, 8, 8), 25.0), np.repeat([0, 1], 50)
    frames[50:, 2:5, 2:5] += 1.0
    frames[50:, 3, 3] += 2.0
    np.testing.assert_allclose(blob_profile(recording(frames, count)).ring_k, [3, 1, 0, 0, 0], atol=1e-6)


def test_runs_end_with_the_count_and_at_gaps() -> None:
    one = recording(np.full((60, 8, 8), 25.0), np.repeat([0, 1, 0], 20))
    time_s = one.time_s.copy()
    time_s[30:] += 5
    runs = run_lengths(replace(one, time_s=time_s)).seconds
    np.testing.assert_allclose(runs[0], [2.0, 2.0])
    np.testing.assert_allclose(runs[1], [1.0, 1.0])


def test_what_a_recording_does_not_hold_is_nan_or_empty() -> None:
    full = recording(white(100, 0.3), np.ones(100, dtype=np.int64))
    found = sensor_statistics(full)
    assert np.isnan(found.noise.all_k)
    assert np.isnan(found.fixed_pattern.sd_k)
    assert np.isnan(found.drift.rms_k).all()
    assert found.people.contrast_k == {}
    assert np.isnan(ks_distance(np.empty(0), np.ones(3)))
    assert np.isnan(sensor_statistics(recording(white(1, 0.3))).noise.all_k)


def test_the_distance_of_equal_samples_is_zero_and_of_apart_ones_one() -> None:
    values = np.linspace(0, 1, 50)
    assert ks_distance(values, values) == 0
    assert ks_distance(values, values + 2) == 1


@pytest.mark.skipif("TWIN_SHARED" not in os.environ, reason="TWIN_SHARED does not name the folder with recordings")
def test_the_published_recording_has_its_published_statistics() -> None:
    path = Path(os.environ["TWIN_SHARED"]) / "data" / "linaige_s2_s3.npz"
    found = sensor_statistics(read_recording(path))
    assert found.noise.all_k == pytest.approx(0.34, abs=0.01)
    assert found.noise.centre_k == pytest.approx(0.29, abs=0.01)
    assert found.noise.corner_k == pytest.approx(0.43, abs=0.01)
    assert found.common_mode.dip_rate_hz == pytest.approx(1.96, abs=0.01)
    assert 0.25 < found.fixed_pattern.sd_k < 0.32
