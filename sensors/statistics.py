"""What a recording of a thermal array says about the sensor, the room and the people, as plain numbers.

Pure functions of a `Recording`, simulated or real: fitting the sensor model and judging it use the same ones.
Every result is float64. Where a recording holds too little for a figure, the figure is nan, or the array of
values empty; nothing is raised. A frame is *empty* when its count is 0. Two frames are *consecutive* when they
stand next to each other in the recording, belong to one session and are at most `GAP_RATIO` median frame
intervals apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from sensors.recording import Recording

GAP_RATIO = 1.5
"""Frames farther apart than so many median intervals are not consecutive."""

BACKGROUND_FRAMES = 50
"""The background of a frame is the mean of so many empty frames of its session, those nearest in time."""

AREA_THRESHOLD_K = 1.5
"""A pixel is warm when it is above its background by more."""

DRIFT_LAGS_S = (10.0, 60.0, 300.0)

PROFILE_RINGS = 5
"""The blob profile goes from the warmest pixel to the fourth ring of pixels around it."""

_BLOCK_FRAMES = 50
_DRIFT_WINDOW_S = 1.0
_DIP_BAND_HZ = (1.5, 2.5)
_DIP_STEP_HZ = 0.005


@dataclass(frozen=True)
class TemporalNoise:
    """Standard deviation of differences between consecutive empty frames, over the square root of two.

    Attributes:
        by_pixel_k: (rows, columns).
        all_k: Mean over all pixels.
        centre_k: Mean over the four centre pixels (one or two for odd sizes).
        corner_k: Mean over the four corners.
        pairs: Number of pairs of frames.
    """

    by_pixel_k: NDArray[np.float64]
    all_k: float
    centre_k: float
    corner_k: float
    pairs: int


@dataclass(frozen=True)
class Autocorrelation:
    """Correlation of a pixel with itself one frame later, in blocks of 50 empty frames without their mean.

    Attributes:
        by_pixel: (rows, columns).
        all: Mean over all pixels.
    """

    by_pixel: NDArray[np.float64]
    all: float


@dataclass(frozen=True)
class CommonMode:
    """What all pixels do together from one empty frame to the next.

    Attributes:
        sd_k: Standard deviation of the fast part of the frame's mean, beyond what independent pixels explain;
            the dips are a part of it.
        dip_k: Depth of the periodic dip that fits best.
        dip_rate_hz: Its rate, searched between 1.5 and 2.5 Hz.
    """

    sd_k: float
    dip_k: float
    dip_rate_hz: float


@dataclass(frozen=True)
class FixedPattern:
    """Differences between pixels that stay.

    Attributes:
        by_pixel_k: (rows, columns), mean of the empty frames without the mean over pixels; average of sessions.
        sd_k: Standard deviation over pixels, average of sessions.
    """

    by_pixel_k: NDArray[np.float64]
    sd_k: float


@dataclass(frozen=True)
class Drift:
    """How far the mean of empty frames moves.

    Attributes:
        lag_s: (L,) lags.
        rms_k: (L,) root mean square difference between means over one second that lie a lag apart.
    """

    lag_s: NDArray[np.float64]
    rms_k: NDArray[np.float64]


@dataclass(frozen=True)
class PeopleSignal:
    """What people look like, background subtracted, by their number.

    Attributes:
        contrast_k: For each count the warmest pixel of every frame with that count.
        area_pixels: For each count the number of pixels above `threshold_k`, of every frame.
        threshold_k: The threshold.
    """

    contrast_k: Mapping[int, NDArray[np.float64]]
    area_pixels: Mapping[int, NDArray[np.float64]]
    threshold_k: float


@dataclass(frozen=True)
class BlobProfile:
    """Mean temperature above background around the warmest pixel of frames with one person.

    Attributes:
        ring_k: (5,) the warmest pixel itself, its eight neighbours, the sixteen around these, and so on;
            pixels outside the frame do not count.
    """

    ring_k: NDArray[np.float64]


@dataclass(frozen=True)
class RunLengths:
    """How long the number of people stays the same.

    Attributes:
        seconds: For each count the length of every run, in order; runs end where frames are missing.
    """

    seconds: Mapping[int, NDArray[np.float64]]


@dataclass(frozen=True)
class SensorStatistics:
    """All groups together."""

    noise: TemporalNoise
    autocorrelation: Autocorrelation
    common_mode: CommonMode
    fixed_pattern: FixedPattern
    drift: Drift
    people: PeopleSignal
    blob: BlobProfile
    runs: RunLengths


def sensor_statistics(recording: Recording) -> SensorStatistics:
    """Return every group of statistics of `recording`."""
    return SensorStatistics(
        noise=temporal_noise(recording),
        autocorrelation=autocorrelation(recording),
        common_mode=common_mode(recording),
        fixed_pattern=fixed_pattern(recording),
        drift=drift(recording),
        people=people_signal(recording),
        blob=blob_profile(recording),
        runs=run_lengths(recording),
    )


def ks_distance(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Return the Kolmogorov-Smirnov distance of two samples, nan when one is empty."""
    if not len(first) or not len(second):
        return float("nan")
    return float(stats.ks_2samp(first, second, method="asymp").statistic)


def temporal_noise(recording: Recording) -> TemporalNoise:
    """Return how noisy the pixels are from one empty frame to the next."""
    differences = _empty_differences_k(recording)
    by_pixel = _nan_pixels(recording) if len(differences) < 2 else differences.std(axis=0) / np.sqrt(2)
    rows, columns = by_pixel.shape
    centre = by_pixel[(rows - 1) // 2 : rows // 2 + 1, (columns - 1) // 2 : columns // 2 + 1]
    corners = by_pixel[[0, 0, -1, -1], [0, -1, 0, -1]]
    return TemporalNoise(
        by_pixel, float(by_pixel.mean()), float(centre.mean()), float(corners.mean()), len(differences)
    )


def autocorrelation(recording: Recording) -> Autocorrelation:
    """Return the correlation between consecutive empty frames, after removing what is slower than 5 s."""
    blocks = _empty_blocks(recording)
    if not len(blocks):
        return Autocorrelation(_nan_pixels(recording), float("nan"))
    residual = blocks - blocks.mean(axis=1, keepdims=True)
    together = (residual[:, 1:] * residual[:, :-1]).mean(axis=(0, 1))
    variance = (residual**2).mean(axis=(0, 1))
    by_pixel = np.divide(together, variance, out=np.zeros_like(variance), where=variance > 0)
    return Autocorrelation(by_pixel, float(by_pixel.mean()))


def common_mode(recording: Recording) -> CommonMode:
    """Return what all pixels do together in empty frames, and the periodic dip within it."""
    differences = _empty_differences_k(recording)
    if len(differences) < 2:
        return CommonMode(float("nan"), float("nan"), float("nan"))
    pixels = differences[0].size
    shared = differences.mean(axis=(1, 2)).var() / 2
    single = differences.var(axis=0).mean() / 2
    # shared = common + own / pixels and single = common + own
    common = (shared - single / pixels) / (1 - 1 / pixels) if pixels > 1 else shared
    dip_k, dip_rate_hz = _periodic_dip(recording)
    return CommonMode(float(np.sqrt(max(common, 0.0))), dip_k, dip_rate_hz)


def fixed_pattern(recording: Recording) -> FixedPattern:
    """Return the pattern that stays in empty frames."""
    patterns = [frames.mean(axis=0) for _, frames, _ in _sessions(recording, only_empty=True) if len(frames)]
    if not patterns:
        return FixedPattern(_nan_pixels(recording), float("nan"))
    stack = np.array(patterns)
    stack -= stack.mean(axis=(1, 2), keepdims=True)
    return FixedPattern(stack.mean(axis=0), float(stack.std(axis=(1, 2)).mean()))


def drift(recording: Recording, lags_s: tuple[float, ...] = DRIFT_LAGS_S) -> Drift:
    """Return how far the mean of empty frames moves in each of the lags."""
    squares: list[list[NDArray[np.float64]]] = [[] for _ in lags_s]
    for time_s, frames, _ in _sessions(recording, only_empty=True):
        second, mean = _means_by_second(time_s, frames)
        for index, lag_s in enumerate(lags_s):
            here, there = _pairs_apart(second, round(lag_s / _DRIFT_WINDOW_S))
            squares[index].append((mean[there] - mean[here]) ** 2)
    rms = [float(np.sqrt(_mean_or_nan(np.concatenate(found)))) if found else float("nan") for found in squares]
    return Drift(np.array(lags_s, dtype=np.float64), np.array(rms, dtype=np.float64))


def people_signal(recording: Recording, threshold_k: float = AREA_THRESHOLD_K) -> PeopleSignal:
    """Return the contrast and the warm area of every frame, by the number of people."""
    warmth = [(count, above) for count, above in _above_background(recording) if len(above)]
    counts = np.concatenate([count for count, _ in warmth]) if warmth else np.empty(0, dtype=np.int64)
    highest = _joined([above.max(axis=(1, 2)) for _, above in warmth])
    area = _joined([(above > threshold_k).sum(axis=(1, 2)) for _, above in warmth])
    known = [int(count) for count in np.unique(counts)]
    return PeopleSignal(
        {count: highest[counts == count] for count in known},
        {count: area[counts == count] for count in known},
        threshold_k,
    )


def blob_profile(recording: Recording) -> BlobProfile:
    """Return how warmth falls off around the warmest pixel of one person."""
    total, number = np.zeros(PROFILE_RINGS), np.zeros(PROFILE_RINGS)
    for count, above in _above_background(recording):
        ring, alone = _rings(above[count == 1]), above[count == 1]
        for distance in range(PROFILE_RINGS):
            chosen = alone[ring == distance]
            total[distance] += chosen.sum()
            number[distance] += chosen.size
    return BlobProfile(np.divide(total, number, out=np.full(PROFILE_RINGS, np.nan), where=number > 0))


def run_lengths(recording: Recording) -> RunLengths:
    """Return how long each number of people lasted, every time."""
    count = recording.count
    starts = np.flatnonzero(np.concatenate([[True], ~_follows(recording) | (np.diff(count) != 0)]))[: len(count)]
    interval_s = _interval_s(recording)
    lengths_s = np.diff(np.append(starts, len(count))) * interval_s
    first = count[starts]
    return RunLengths({int(number): lengths_s[first == number] for number in np.unique(first)})


def background_degc(recording: Recording) -> NDArray[np.float64]:
    """Return (N, rows, columns): for each frame the mean of the `BACKGROUND_FRAMES` empty frames nearest in time.

    Only frames of the same session count; nan where a session has no empty frame.
    """
    background = np.full(recording.frames.shape, np.nan)
    for session in np.unique(_session(recording)):
        mine = _session(recording) == session
        empty = mine & (recording.count == 0)
        if empty.any():
            background[mine] = _nearest_means(
                recording.time_s[mine], recording.time_s[empty], recording.frames[empty].astype(np.float64)
            )
    return background


def _nearest_means(
    time_s: NDArray[np.float64], empty_s: NDArray[np.float64], empty: NDArray[np.float64]
) -> NDArray[np.float64]:
    order = np.argsort(empty_s, kind="stable")
    sorted_s, width = empty_s[order], min(BACKGROUND_FRAMES, len(empty_s))
    # The window that starts one later is nearer from half way between what it drops and what it takes on.
    turn_s = (sorted_s[:-width] + sorted_s[width:]) / 2
    start = np.searchsorted(turn_s, time_s)
    total = np.concatenate([np.zeros((1, *empty.shape[1:])), np.cumsum(empty[order], axis=0)])
    return np.asarray((total[start + width] - total[start]) / width)


def _above_background(recording: Recording) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Yield counts and frames above background, as far as there is one."""
    above = recording.frames.astype(np.float64) - background_degc(recording)
    known = np.isfinite(above).all(axis=(1, 2))
    yield recording.count[known], above[known]


def _rings(frames: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return (N, rows, columns), how many rings each pixel lies from the warmest one of its frame."""
    rows, columns = frames.shape[1:]
    top_row, top_column = np.divmod(frames.reshape(len(frames), rows * columns).argmax(axis=1), columns)
    from_row = np.abs(np.arange(rows)[np.newaxis, :, np.newaxis] - top_row[:, np.newaxis, np.newaxis])
    from_column = np.abs(np.arange(columns)[np.newaxis, np.newaxis, :] - top_column[:, np.newaxis, np.newaxis])
    return np.asarray(np.maximum(from_row, from_column), dtype=np.int64)


def _empty_differences_k(recording: Recording) -> NDArray[np.float64]:
    """Return (pairs, rows, columns) differences between consecutive empty frames."""
    empty = recording.count == 0
    pairs = np.flatnonzero(_follows(recording) & empty[1:] & empty[:-1])
    frames = recording.frames.astype(np.float64)
    return np.asarray(frames[pairs + 1] - frames[pairs])


def _empty_blocks(recording: Recording) -> NDArray[np.float64]:
    """Return (blocks, 50, rows, columns): stretches of consecutive empty frames that do not overlap."""
    empty = recording.count == 0
    breaks = np.concatenate([[True], ~(_follows(recording) & empty[1:] & empty[:-1])])[: len(empty)]
    starts = np.flatnonzero(breaks)
    ends = np.append(starts[1:], len(empty))
    blocks = [
        recording.frames[at : at + _BLOCK_FRAMES]
        for start, end in zip(starts, ends, strict=True)
        for at in range(start, end - _BLOCK_FRAMES + 1, _BLOCK_FRAMES)
        if empty[start]
    ]
    return np.array(blocks, dtype=np.float64).reshape(-1, _BLOCK_FRAMES, *recording.frames.shape[1:])


def _periodic_dip(recording: Recording) -> tuple[float, float]:
    """Return depth and rate of the dips, one frame long, that explain the means of empty frames best.

    For each rate the frames are folded on the dip's period; where a frame holds the moment of the dip, it reads
    lower. The phase of such a comb is that of its first harmonic.
    """
    times, means = [], []
    for time_s, frames, _ in _sessions(recording, only_empty=True):
        if len(frames) > 2 * _BLOCK_FRAMES:
            mean = frames.mean(axis=(1, 2))
            times.append(time_s)
            means.append(mean - _running_mean(mean))
    if not times:
        return float("nan"), float("nan")
    rates_hz = np.arange(*_DIP_BAND_HZ, _DIP_STEP_HZ)
    power = np.array(
        [sum(abs(_harmonic(t, m, rate)) ** 2 for t, m in zip(times, means, strict=True)) for rate in rates_hz]
    )
    rate_hz = float(rates_hz[power.argmax()])
    depths = [_folded_depth_k(t, m, rate_hz, _interval_s(recording)) for t, m in zip(times, means, strict=True)]
    return float(np.average(depths, weights=[len(t) for t in times])), rate_hz


def _harmonic(time_s: NDArray[np.float64], mean_k: NDArray[np.float64], rate_hz: float) -> complex:
    return complex((mean_k * np.exp(-2j * np.pi * rate_hz * time_s)).sum() / np.sqrt(len(time_s)))


def _folded_depth_k(
    time_s: NDArray[np.float64], mean_k: NDArray[np.float64], rate_hz: float, interval_s: float
) -> float:
    """Return how much lower frames within half a frame of the dip's moment read than the others."""
    phase = np.angle(-_harmonic(time_s, mean_k, rate_hz)) / (2 * np.pi)
    from_dip = np.abs(np.mod(time_s * rate_hz + phase + 0.5, 1.0) - 0.5) / rate_hz
    within = from_dip < interval_s / 2
    if not within.any() or within.all():
        return float("nan")
    return float(mean_k[~within].mean() - mean_k[within].mean())


def _running_mean(series: NDArray[np.float64]) -> NDArray[np.float64]:
    window = np.ones(_BLOCK_FRAMES)
    return np.asarray(np.convolve(series, window, "same") / np.convolve(np.ones_like(series), window, "same"))


def _means_by_second(
    time_s: NDArray[np.float64], frames: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return whole seconds that hold at least half their frames, and the mean of these."""
    if not len(time_s):
        return np.empty(0, dtype=np.int64), np.empty(0)
    second, where, number = np.unique(
        np.floor(time_s / _DRIFT_WINDOW_S).astype(np.int64), return_inverse=True, return_counts=True
    )
    mean = np.bincount(where, weights=frames.mean(axis=(1, 2))) / number
    full = number >= number.max() / 2
    return second[full], mean[full]


def _pairs_apart(second: NDArray[np.int64], lag: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the indices of seconds that have a partner `lag` later, and of their partners."""
    there = np.searchsorted(second, second + lag)
    found = there < len(second)
    found[found] = second[there[found]] == second[found] + lag
    return np.flatnonzero(found), there[found]


def _sessions(
    recording: Recording, *, only_empty: bool
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]]:
    """Yield time, frames and count of each session."""
    session = _session(recording)
    for number in np.unique(session):
        mine = (session == number) & ((recording.count == 0) | (not only_empty))
        yield recording.time_s[mine], recording.frames[mine].astype(np.float64), recording.count[mine]


def _session(recording: Recording) -> NDArray[np.int64]:
    return np.zeros(len(recording.time_s), dtype=np.int64) if recording.session is None else recording.session


def _follows(recording: Recording) -> NDArray[np.bool_]:
    """Return (N - 1,), whether each frame but the first follows the one before it directly."""
    step_s = np.diff(recording.time_s)
    near = (step_s > 0) & (step_s <= GAP_RATIO * _interval_s(recording))
    return np.asarray(near & (np.diff(_session(recording)) == 0))


def _interval_s(recording: Recording) -> float:
    """Return the median time between frames, nan when there is only one."""
    return float(np.median(np.diff(recording.time_s))) if len(recording.time_s) > 1 else float("nan")


def _nan_pixels(recording: Recording) -> NDArray[np.float64]:
    return np.full(recording.frames.shape[1:], np.nan)


def _mean_or_nan(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _joined(parts: list[NDArray[np.generic]]) -> NDArray[np.float64]:
    return np.concatenate(parts).astype(np.float64) if parts else np.empty(0)
