"""From true temperatures to what the sensor reports: fixed pattern, drift, noise, steps of 0.25 degC."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import signal

from sensors.pixels import pixel_directions_deg

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sensors.grid_eye_sheet import GridEyeSheet, NoiseProfile


def measured_degc(
    true_degc: NDArray[np.float64], sheet: GridEyeSheet, noise: NoiseProfile, *, rate_hz: float, seed: int
) -> NDArray[np.float32]:
    """Return (N, 8, 8) float32 in the sensor's steps, within its range.

    The unit's own errors and its noise come from separate random streams of `seed`, the noise frame by
    frame, so a longer recording begins like a shorter one.

    Args:
        true_degc: (N, 8, 8) brightness temperatures.
        sheet: The sensor's datasheet.
        noise: How noisy it is.
        rate_hz: Frames per second.
        seed: The sensor, and its noise.
    """
    unit_seed, white_seed, slow_seed = np.random.SeedSequence([seed, 2]).spawn(3)
    reading = true_degc + _unit_errors_k(noise, np.random.default_rng(unit_seed))
    reading += _white_noise_k(len(true_degc), sheet, noise, np.random.default_rng(white_seed))
    reading += _frame_errors_k(len(true_degc), noise, rate_hz, np.random.default_rng(slow_seed))[:, None, None]
    step_k = sheet.pixel_lsb_k.value
    limited = np.clip(reading, sheet.object_low_degc.value, sheet.object_high_degc.value)
    return (np.round(limited / step_k) * step_k).astype(np.float32)


def thermistor_degc(frames: int, air_degc: float, sheet: GridEyeSheet, *, seed: int) -> NDArray[np.float32]:
    """Return (N,) float32 readings of the thermistor, which the sensor's own heat keeps above the air."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, 3]))
    offset = sheet.thermistor_offset_k
    low_k = offset.value if offset.low is None else offset.low
    high_k = offset.value if offset.high is None else offset.high
    reading = air_degc + rng.uniform(low_k, high_k) + sheet.thermistor_noise_k.value * rng.standard_normal(frames)
    step_k = sheet.thermistor_lsb_k.value
    limited = np.clip(reading, sheet.thermistor_low_degc.value, sheet.thermistor_high_degc.value)
    return (np.round(limited / step_k) * step_k).astype(np.float32)


def white_noise_sd_k(sheet: GridEyeSheet, noise: NoiseProfile) -> NDArray[np.float64]:
    """Return (8, 8) standard deviations, growing from centre to corner with the squared angle."""
    azimuth, elevation = pixel_directions_deg(sheet)
    squared = azimuth**2 + elevation**2
    share = (squared - squared.min()) / (squared.max() - squared.min())
    centre_k = noise.centre_noise_k.value
    return np.asarray(centre_k + (noise.corner_noise_k.value - centre_k) * share)


def _unit_errors_k(noise: NoiseProfile, rng: np.random.Generator) -> NDArray[np.float64]:
    return noise.offset_k.value * rng.standard_normal() + noise.fixed_pattern_k.value * rng.standard_normal((8, 8))


def _white_noise_k(
    frames: int, sheet: GridEyeSheet, noise: NoiseProfile, rng: np.random.Generator
) -> NDArray[np.float32]:
    deviates = rng.standard_normal((frames, 8, 8), dtype=np.float32)
    return deviates * white_noise_sd_k(sheet, noise).astype(np.float32)


def _frame_errors_k(frames: int, noise: NoiseProfile, rate_hz: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return (N,) errors that all pixels share: white noise, drift, and the dip some frames show."""
    dip_phase = rng.random()
    deviates = rng.standard_normal((frames + 1, 2))
    common = noise.common_noise_k.value * deviates[1:, 0]
    drift = _drift_k(deviates[:, 1], noise, rate_hz)[1:]
    beats = np.floor(np.arange(frames + 1) * noise.dip_rate_hz.value / rate_hz + dip_phase)
    return np.asarray(common + drift - noise.dip_k.value * (np.diff(beats) > 0))


def _drift_k(deviates: NDArray[np.float64], noise: NoiseProfile, rate_hz: float) -> NDArray[np.float64]:
    """Return a stationary Gauss-Markov process."""
    keep = float(np.exp(-1 / (rate_hz * noise.drift_time_s.value)))
    innovations = deviates * np.sqrt(1 - keep**2)
    innovations[0] = deviates[0]
    return noise.drift_k.value * np.asarray(signal.lfilter([1.0], [1.0, -keep], innovations))
