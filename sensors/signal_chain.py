"""From true temperatures to what the sensor reports: lag, fixed pattern, drift, noise, averages, steps of 0.25 degC."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numba
import numpy as np

from datasheet.compile_cache import ensure_compile_cache
from sensors.noise import WhiteNoise, slow_noise
from sensors.pixels import pixel_directions_deg

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sensors.grid_eye_sheet import GridEyeSheet, NoiseProfile

ensure_compile_cache(__file__)

_WHITE_STREAM, _THERMISTOR_STREAM = 2, 3
_DRIFT_TERMS, _DRIFT_KNOT_S = 48, 1.0
_PATTERN_TERMS, _PATTERN_KNOT_S = 12, 60.0


@dataclass(frozen=True)
class UnitErrors:
    """How one unit differs from the next.

    Attributes:
        axis_deg: Error of the optical axis, to the image's right and to its top.
        pattern_k: (rows, columns) offset and fixed pattern.
        self_heating_k: By how much its thermistor is warmer than the air.
    """

    axis_deg: tuple[float, float]
    pattern_k: NDArray[np.float64]
    self_heating_k: float


def unit_errors(sheet: GridEyeSheet, noise: NoiseProfile, *, seed: int) -> UnitErrors:
    """Return the errors of the unit that `seed` stands for.

    The datasheet's typical axis gap and accuracy are taken as two standard deviations; no axis lies farther off
    than the gap in either direction.
    """
    axis_seed, pattern_seed, thermistor_seed = np.random.SeedSequence([seed, 1]).spawn(3)
    gap_deg = sheet.axis_gap_deg.value
    axis = np.clip(gap_deg / 2 * np.random.default_rng(axis_seed).standard_normal(2), -gap_deg, gap_deg)
    rng = np.random.default_rng(pattern_seed)
    wandering_k = 0.0 if noise.pattern_drift_k is None else noise.pattern_drift_k.value
    staying_k = math.sqrt(max(noise.fixed_pattern_k.value**2 - wandering_k**2, 0.0))
    offset_k = noise.offset_k.value * rng.standard_normal()
    pattern_k = offset_k + staying_k * rng.standard_normal((sheet.rows, sheet.columns))
    heating = sheet.thermistor_offset_k
    low_k = heating.value if heating.low is None else heating.low
    high_k = heating.value if heating.high is None else heating.high
    self_heating_k = float(np.random.default_rng(thermistor_seed).uniform(low_k, high_k))
    return UnitErrors((float(axis[0]), float(axis[1])), pattern_k, self_heating_k)


@dataclass
class SignalChain:
    """One unit's electronics; frames must come one after the other, in pieces of any length.

    Attributes:
        sheet: The sensor's datasheet.
        noise: How noisy it is.
        rate_hz: Frames per second of what is put in; at the sheet's slow rate each frame stands for a second in
            which nothing moves, and gets the mean of as many fast frames' noise.
        seed: The unit, and its noise.
        averages_frames: Mean of every ten fast frames, the part's 1 Hz mode, from fast frames.
        averages_twice: The part's "twice moving average", taken as the mean of each frame and the one before.
    """

    sheet: GridEyeSheet
    noise: NoiseProfile
    rate_hz: float
    seed: int
    averages_frames: bool = False
    averages_twice: bool = False

    def __post_init__(self) -> None:
        pixels = self.sheet.rows * self.sheet.columns
        self.unit = unit_errors(self.sheet, self.noise, seed=self.seed)
        self._white = WhiteNoise(self.seed, _WHITE_STREAM, pixels + 1)
        self._thermistor_white = WhiteNoise(self.seed, _THERMISTOR_STREAM, 1)
        rng = np.random.default_rng([self.seed, 4])
        self._drift = slow_noise(rng, 1, self.noise.drift_time_s.value, _DRIFT_TERMS, _DRIFT_KNOT_S)
        wandering_s = self.noise.pattern_drift_time_s
        self._wander = slow_noise(
            rng, pixels, 1.0 if wandering_s is None else wandering_s.value, _PATTERN_TERMS, _PATTERN_KNOT_S
        )
        self._dip_phase = float(rng.random())
        slow_hz, fast_hz = self.sheet.slow_frame_rate_hz.value, self.sheet.fast_frame_rate_hz.value
        self._per_slow = round(fast_hz / slow_hz)
        self._repeats = self._per_slow if math.isclose(self.rate_hz, slow_hz) and fast_hz > slow_hz else 1
        self._fast_hz = self.rate_hz * self._repeats
        self._number = 0
        self._lagged: NDArray[np.float64] | None = None
        self._waiting = np.empty((0, pixels))
        self._before: NDArray[np.float64] | None = None

    def frames(self, true_degc: NDArray[np.float64], drift_time_s: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return (M, rows, columns) float32 in the sensor's steps and range; M is N but for `averages_frames`.

        Args:
            true_degc: (N, rows, columns) brightness temperatures.
            drift_time_s: (N,) times at which slow processes are taken.
        """
        reading = self._followed(true_degc.reshape(len(true_degc), self.sheet.rows * self.sheet.columns))
        self._add_errors(reading, drift_time_s)
        reading = self._averaged(reading)
        low_degc, high_degc = self.sheet.object_low_degc.value, self.sheet.object_high_degc.value
        stepped: NDArray[np.float32] = _stepped(reading, self.sheet.pixel_lsb_k.value, low_degc, high_degc)
        return stepped.reshape(-1, *true_degc.shape[1:])

    def thermistor_degc(self, air_degc: NDArray[np.float64], first: int) -> NDArray[np.float32]:
        """Return (N,) float32 readings of the thermistor, which the sensor's own heat keeps above the air."""
        white = self._thermistor_white.frames(first, len(air_degc))[:, 0].astype(np.float64)
        reading = air_degc + self.unit.self_heating_k + self.sheet.thermistor_noise_k.value * white
        step_k = self.sheet.thermistor_lsb_k.value
        limited = np.clip(reading, self.sheet.thermistor_low_degc.value, self.sheet.thermistor_high_degc.value)
        return (np.round(limited / step_k) * step_k).astype(np.float32)

    def _followed(self, true_degc: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what the pixels have warmed up to: a first-order lag, at rest before the first frame."""
        lag = self.sheet.response_time_s
        if lag is None or lag.value <= 0.0 or not len(true_degc):
            return true_degc.copy()
        if self._lagged is None:
            self._lagged = true_degc[0].copy()
        result: NDArray[np.float64] = _lagged(true_degc, self._lagged, math.exp(-1.0 / (self.rate_hz * lag.value)))
        return result

    def _add_errors(self, reading: NDArray[np.float64], time_s: NDArray[np.float64]) -> None:
        """Add everything a unit and its noise add, in place."""
        noise, frames = self.noise, len(reading)
        first = self._number * self._repeats
        self._number += frames
        white = self._white.frames(first, frames * self._repeats)
        if self._repeats > 1:
            repeated = white.reshape(frames, self._repeats, white.shape[1])
            white = repeated.mean(axis=1, dtype=np.float64).astype(np.float32)
        shared = noise.drift_k.value * self._drift.at(time_s)[:, 0] - noise.dip_k.value * self._dips(first, frames)
        knot = np.floor(time_s / _PATTERN_KNOT_S)
        wandering_k = 0.0 if noise.pattern_drift_k is None else noise.pattern_drift_k.value
        start_s = np.unique(knot) * _PATTERN_KNOT_S if wandering_k else np.zeros(1)
        low = wandering_k * self._wander.at(start_s)
        high = wandering_k * self._wander.at(start_s + _PATTERN_KNOT_S * (1 - 1e-12)) if wandering_k else low
        _add(
            reading,
            white,
            white_noise_sd_k(self.sheet, noise).ravel(),
            noise.common_noise_k.value,
            shared,
            self.unit.pattern_k.ravel(),
            low,
            high,
            np.searchsorted(start_s, knot * _PATTERN_KNOT_S) if wandering_k else np.zeros(frames, dtype=np.int64),
            time_s / _PATTERN_KNOT_S - knot,
        )

    def _dips(self, first: int, frames: int) -> NDArray[np.float64]:
        """Return (frames,) which share of each frame's fast frames dips."""
        edge = np.arange(first, first + frames * self._repeats + 1)
        beats = np.floor(edge * self.noise.dip_rate_hz.value / self._fast_hz + self._dip_phase)
        return np.asarray((np.diff(beats) > 0).reshape(frames, self._repeats).mean(axis=1))

    def _averaged(self, reading: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.averages_frames:
            waiting = np.concatenate([self._waiting, reading])
            whole = len(waiting) // self._per_slow * self._per_slow
            self._waiting = waiting[whole:]
            reading = waiting[:whole].reshape(-1, self._per_slow, reading.shape[1]).mean(axis=1)
        if self.averages_twice and len(reading):
            first = reading[:1] if self._before is None else self._before
            self._before = reading[-1:]
            reading = (reading + np.concatenate([first, reading[:-1]])) / 2
        return reading


def white_noise_sd_k(sheet: GridEyeSheet, noise: NoiseProfile) -> NDArray[np.float64]:
    """Return (rows, columns) standard deviations, growing from centre to corner with the squared angle."""
    azimuth, elevation = pixel_directions_deg(sheet)
    squared = azimuth**2 + elevation**2
    span = squared.max() - squared.min()
    share = (squared - squared.min()) / span if span > 0 else np.zeros_like(squared)
    centre_k = noise.centre_noise_k.value
    return np.asarray(centre_k + (noise.corner_noise_k.value - centre_k) * share)


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _lagged(true_degc: NDArray[np.float64], state: NDArray[np.float64], keep: float) -> NDArray[np.float64]:
    result = np.empty_like(true_degc)
    for frame in range(len(true_degc)):
        for pixel in range(true_degc.shape[1]):
            state[pixel] = true_degc[frame, pixel] + keep * (state[pixel] - true_degc[frame, pixel])
            result[frame, pixel] = state[pixel]
    return result


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _add(
    reading: NDArray[np.float64],
    white: NDArray[np.float32],
    sd_k: NDArray[np.float64],
    common_k: float,
    shared_k: NDArray[np.float64],
    pattern_k: NDArray[np.float64],
    low_k: NDArray[np.float64],
    high_k: NDArray[np.float64],
    knot: NDArray[np.int64],
    part: NDArray[np.float64],
) -> None:
    """Add noise of each pixel, noise of the frame, and the pattern, linear between its knots."""
    pixels = reading.shape[1]
    for frame in range(len(reading)):
        together = shared_k[frame] + common_k * white[frame, pixels]
        here, along = knot[frame], part[frame]
        for pixel in range(pixels):
            wander = low_k[here, pixel] + along * (high_k[here, pixel] - low_k[here, pixel])
            reading[frame, pixel] += pattern_k[pixel] + wander + together + sd_k[pixel] * white[frame, pixel]


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _stepped(reading: NDArray[np.float64], step_k: float, low_degc: float, high_degc: float) -> NDArray[np.float32]:
    """Return float32 readings, limited to the range and rounded half to even to whole steps."""
    result = np.empty(reading.shape, dtype=np.float32)
    for frame in range(reading.shape[0]):
        for pixel in range(reading.shape[1]):
            limited = min(max(reading[frame, pixel], low_degc), high_degc)
            result[frame, pixel] = np.float32(np.rint(limited / step_k) * step_k)
    return result
