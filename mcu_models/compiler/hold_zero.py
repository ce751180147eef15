"""A background for each pixel, learnt as frames come, by additions, shifts and comparisons of integers alone.

A pixel differs from its neighbours always (floor, furniture, its own offset) and from frame to frame (noise, people).
What all pixels share (drift, noise of the whole frame) goes with the level, the lower median of what is above the
background. What is left moves the background: fast at first and slowly ever after; hardly at all where it is warm,
for people stand still; downwards fast where it is cold, for a background never learns too little.

At power-on the background is flat, not the first frame, which may have people in it: they would stay in the background
and leave holes where they go.

Values are in steps of 1/256 degC, the background has eight more bits. Not valid for scenes in which more than half of
the pixels see people. `firmware/kernels/hold_zero.h` is the same in C.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numba
import numpy as np

from datasheet.compile_cache import ensure_compile_cache

if TYPE_CHECKING:
    from numpy.typing import NDArray

ensure_compile_cache(__file__)

VALUES_PER_DEGC: Final = 256
VALUES_PER_STEP: Final = 64
"""Of the sensor's steps of 0.25 degC."""
BACKGROUND_BITS: Final = 8
"""More than values have: 1/4096 of 0.1 degC still moves the background."""
LIMIT: Final = 64 * VALUES_PER_DEGC
"""Pixels, background and what is above it are held within 64 degC of zero, so that their differences fit 16 bits.
No room is as warm, and people are warmer than a floor by a few degC."""

# How fast the background follows. Chosen on simulated deployments, with noise, drift and fixed pattern as
# `sensors` has them, where accuracy hardly depends on them within the ranges given; on real floors: assumed.
WARM: Final = 179
"""0.7 degC: a pixel on average so far above (or below) the background is warm (or cold). Noise averaged over four
frames is about 0.1 degC, a head on the outermost pixels 1 degC. 0.5 to 0.9 degC do as well; assumed."""
MEAN_SHIFT: Final = 2
"""Warmth is told from an average over about 4 frames, so that noise is not held; assumed."""
HELD_SHIFT: Final = 12
"""Of a warm pixel or one beside it 1/4096 is learnt each frame: in 7 minutes at 10 frames/s a chair that was warm
becomes background. 1/1024 already takes in people who stay; assumed."""
COLD_SHIFT: Final = 3
"""Of a cold pixel 1/8 is learnt each frame: what was there has gone; assumed."""
COLD_AGE: Final = 10
"""And it is learnt anew nearly as fast as at first; assumed."""
FIRST_SHIFT: Final = 4
AGES: Final = (7, 29, 75, 165)
"""Of any other pixel 1/16 is learnt each frame, from each of these ages in frames half as much, down to 1/256: the
power of two next to 1/(age + 16), with which the background is the mean of what was seen; assumed."""
LARGEST_AGE: Final = 255

LARGEST_COLUMNS: Final = 32
"""The firmware keeps a row's warm pixels in the bits of a word."""


def above_background(raw: NDArray[np.int16], columns: int, *, cold_shift: int = COLD_SHIFT) -> NDArray[np.int16]:
    """Return what consecutive frames have above the background, the first being the first after power-on.

    Args:
        raw: (N, P) int16, pixels in steps of 0.25 degC, row by row; beyond -64 and 63.75 degC they count as these.
        columns: Pixels in a row, which divides P.
        cold_shift: Of a cold pixel a share of 2 ** -`cold_shift` is learnt each frame.

    Returns:
        (N, P) int16, in steps of 1/256 degC, within `LIMIT`.
    """
    above = np.empty(raw.shape, np.int16)
    _follow(np.ascontiguousarray(raw), columns, cold_shift, above)
    return above


def above_known_background(raw: NDArray[np.int16], background_degc: NDArray[np.float64]) -> NDArray[np.int16]:
    """Return what frames have above a background that has been learnt long ago, each frame on its own.

    Args:
        raw: (N, P) int16, pixels in steps of 0.25 degC, row by row.
        background_degc: (P,) what each pixel shows of the empty room, on average.

    Returns:
        (N, P) int16, in steps of 1/256 degC, within `LIMIT`.
    """
    level = background_degc - background_degc.mean()
    known = np.clip(
        np.rint(level * (VALUES_PER_DEGC << BACKGROUND_BITS)), -LIMIT << BACKGROUND_BITS, LIMIT << BACKGROUND_BITS
    )
    above = np.empty(raw.shape, np.int16)
    _compare(np.ascontiguousarray(raw), known.astype(np.int64), above)
    return above


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _compare(raw: NDArray[np.int16], background: NDArray[np.int64], above: NDArray[np.int16]) -> None:
    for frame in range(len(raw)):
        above[frame] = _above(raw[frame], background)


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _follow(raw: NDArray[np.int16], columns: int, cold_shift: int, above: NDArray[np.int16]) -> None:
    pixels = raw.shape[1]
    background, mean = np.zeros(pixels, np.int64), np.zeros(pixels, np.int64)
    age = np.zeros(pixels, np.int64)
    for frame in range(len(raw)):
        value = _above(raw[frame], background)
        above[frame] = value
        mean += (value - mean + (1 << MEAN_SHIFT >> 1)) >> MEAN_SHIFT
        _learn(value, mean, _beside(mean > WARM, columns), background, age, cold_shift)
        _centre(background)


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _within(value: int, limit: int) -> int:
    return max(-limit, min(value, limit))


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _above(raw: NDArray[np.int16], background: NDArray[np.int64]) -> NDArray[np.int64]:
    steps = LIMIT // VALUES_PER_STEP
    value = np.empty(len(raw), np.int64)
    for pixel in range(len(raw)):
        kept = max(-steps, min(raw[pixel], steps - 1))
        value[pixel] = kept * VALUES_PER_STEP - _whole(background[pixel])
    level = np.sort(value)[(len(value) - 1) // 2]
    for pixel in range(len(raw)):
        value[pixel] = _within(value[pixel] - level, LIMIT)
    return value


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _whole(background: int) -> int:
    return (background + (1 << BACKGROUND_BITS >> 1)) >> BACKGROUND_BITS


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _beside(warm: NDArray[np.bool_], columns: int) -> NDArray[np.bool_]:
    """Return which pixels are warm or have a warm one among their eight neighbours."""
    image = warm.reshape(-1, columns)
    found = np.zeros_like(image)
    for row in range(len(image)):
        for column in range(columns):
            around = image[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
            found[row, column] = around.any()
    return found.reshape(-1)


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _learn(
    value: NDArray[np.int64],
    mean: NDArray[np.int64],
    held: NDArray[np.bool_],
    background: NDArray[np.int64],
    age: NDArray[np.int64],
    cold_shift: int,
) -> None:
    for pixel in range(len(value)):
        if held[pixel]:
            shift = HELD_SHIFT
        elif mean[pixel] < -WARM:
            shift = cold_shift
            age[pixel] = min(age[pixel], COLD_AGE)
        else:
            shift = FIRST_SHIFT
            for limit in AGES:
                shift += 1 if age[pixel] >= limit else 0
            age[pixel] = min(age[pixel] + 1, LARGEST_AGE)
        background[pixel] += (value[pixel] << BACKGROUND_BITS) >> shift


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _centre(background: NDArray[np.int64]) -> None:
    """Bring the background's mean back to zero by whole steps, which changes no frame: the level makes up for it.

    The lower median of noise lies below its mean, so without this the background would wander, all pixels together, by
    some 10 degC a day (simulated: white noise of 0.2 degC).
    """
    total = 0
    for pixel in range(len(background)):
        total += _whole(background[pixel])
    pixels = len(background)
    mean = total // pixels if total >= 0 else -(-total // pixels)
    for pixel in range(len(background)):
        background[pixel] = _within(background[pixel] - (mean << BACKGROUND_BITS), LIMIT << BACKGROUND_BITS)
