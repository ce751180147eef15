"""Random processes that can be drawn at any frame, so that a long recording has the same bytes in any pieces."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numba
import numpy as np

from datasheet.compile_cache import ensure_compile_cache

if TYPE_CHECKING:
    from numpy.typing import NDArray

ensure_compile_cache(__file__)

BLOCK_FRAMES = 256
"""White noise is drawn in whole blocks of so many frames, each from a generator of its own."""

_FASTEST_HZ = 0.2


@dataclass(frozen=True)
class WhiteNoise:
    """Independent standard normal deviates, `width` for each frame.

    Attributes:
        seed: Names the sequence, together with `stream`.
        stream: Sequences of one seed and different streams are independent.
        width: Deviates in a frame.
    """

    seed: int
    stream: int
    width: int

    def frames(self, first: int, count: int) -> NDArray[np.float32]:
        """Return (count, width) float32, the deviates of frames `first` to `first` + `count` - 1."""
        begin, end = first // BLOCK_FRAMES, -(-(first + count) // BLOCK_FRAMES)
        blocks = [self._block(block) for block in range(begin, end)]
        joined = np.concatenate(blocks) if blocks else np.empty((0, self.width), dtype=np.float32)
        start = first - begin * BLOCK_FRAMES
        return joined[start : start + count]

    def _block(self, block: int) -> NDArray[np.float32]:
        key = np.random.SeedSequence([self.seed, self.stream]).generate_state(2, np.uint64)
        # The third word of the counter names the block; within a block only the first is counted up.
        generator = np.random.Generator(np.random.Philox(key=key, counter=np.array([0, 0, block, 0], dtype=np.uint64)))
        return generator.standard_normal((BLOCK_FRAMES, self.width), dtype=np.float32)


@dataclass(frozen=True)
class SlowNoise:
    """Stationary wandering with standard deviation 1 and autocorrelation exp(-t / time constant), as sums of cosines.

    The frequencies are quantiles of the process's spectrum, a Lorentzian, jittered; values are linear between
    knots `knot_s` apart.

    Attributes:
        frequency_hz: (series, terms).
        phase_rad: (series, terms).
        knot_s: Distance of the knots.
    """

    frequency_hz: NDArray[np.float64]
    phase_rad: NDArray[np.float64]
    knot_s: float

    def at(self, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (N, series) float64."""
        if not len(time_s):
            return np.empty((0, len(self.phase_rad)))
        place = time_s / self.knot_s
        first = math.floor(float(place.min()))
        count = math.floor(float(place.max())) - first + 2
        knots: NDArray[np.float64] = _cosine_sums(self.frequency_hz, self.phase_rad, self.knot_s, first, count)
        whole = np.floor(place).astype(np.int64)
        part = (place - whole)[:, np.newaxis]
        before, after = knots[whole - first], knots[whole - first + 1]
        return np.asarray(before + part * (after - before))


def slow_noise(rng: np.random.Generator, series: int, time_constant_s: float, terms: int, knot_s: float) -> SlowNoise:
    """Return `series` independent wanderings; none has parts faster than 0.2 Hz."""
    quantile = (np.arange(terms) + rng.random((series, terms))) / terms
    frequency_hz = np.tan(np.pi / 2 * quantile) / (2 * np.pi * time_constant_s)
    return SlowNoise(np.minimum(frequency_hz, _FASTEST_HZ), rng.uniform(0, 2 * np.pi, (series, terms)), knot_s)


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _cosine_sums(
    frequency_hz: NDArray[np.float64], phase_rad: NDArray[np.float64], knot_s: float, first: int, count: int
) -> NDArray[np.float64]:
    """Return (count, series); every knot is summed alone, so that it does not depend on which others are asked for."""
    series, terms = frequency_hz.shape
    result = np.empty((count, series))
    scale = math.sqrt(2.0 / terms)
    for knot in range(count):
        time_s = (first + knot) * knot_s
        for index in range(series):
            total = 0.0
            for term in range(terms):
                total += math.cos(2 * math.pi * frequency_hz[index, term] * time_s + phase_rad[index, term])
            result[knot, index] = scale * total
    return result
