"""Counts people in 8 x 8 infrared frames by rules, frame by frame, in integers alone.

After Panasonic's "Grid-EYE API" v0.6 (2015), level 2: functions in `grideye_api_lv2.c`, their order and values in
`grideye_api_lv2_sample.c`. Written anew from what these do:

1. A pixel is averaged over its last 8 frames without the 2 highest and the 2 lowest, then followed by 0.1 a frame.
2. A pixel is put between any two neighbours, with their mean: 15 x 15, of which a person covers more than a few.
3. The first such image is the background. From the next one on, pixels 0.3 degC above it are detected.
4. Detected pixels that touch, corners included, are a region; regions of 3 pixels or fewer are forgotten.
5. A region of more than 6 pixels is a human, and humans are counted.
6. Where no region is and none is beside, the background follows by 0.1 of the difference a frame. In and beside a
   region it moves by 0.1 of the others' mean difference; with regions everywhere it stays.

Humans are counted up to 3, since those who compare counters tell 0, 1, 2 and 3 people or more apart; the API itself
marks in which quarters of the image they are. While the first 8 frames are collected there is nothing to compare: the
answer is 0. Level 3 of the API, which follows people from frame to frame, was published as a binary library: not
modelled.

Averages of 8 and the 0.1 a frame lag by about a second, so that people who walk are smeared along their way. Who is in
view at power-on is background until he moves. What warms by less than about 0.3 degC a second is learnt before it is
detected; what is detected is not learnt. Two who touch are one. If the whole image is detected nothing is left to
follow, and it stays so until something cools.

Values are in steps of 1/256 degC, and quotients are cut towards zero, as in C. The API keeps pixels and differences in
16 bits that overflow beyond 128 degC; here pixels and background stop there and differences are whole.
`firmware/kernels/people_detection.h` is the same in C.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numba
import numpy as np

from datasheet.bad_input import BadInputError
from datasheet.compile_cache import ensure_compile_cache
from mcu_models.people_detection.parameters import COLUMNS, IMAGE_COLUMNS, IMAGE_ROWS, ROWS, VALUES_PER_DEGC

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mcu_models.people_detection.parameters import DetectionParameters

ensure_compile_cache(__file__)

VALUES_PER_STEP: Final = VALUES_PER_DEGC // 4
"""Of the sensor's steps of 0.25 degC."""
LIMIT_STEPS: Final = 512
"""Pixels are held from -512 to 511 steps, which is what 16 bits hold in 1/256 degC."""
LIMIT: Final = LIMIT_STEPS * VALUES_PER_STEP
PIXELS: Final = ROWS * COLUMNS


def counts(raw: NDArray[np.int16], parameters: DetectionParameters) -> NDArray[np.int64]:
    """Return the people counted in consecutive frames, the first being the first after power-on.

    Args:
        raw: (N, 64) int16, pixels in steps of 0.25 degC, row by row; beyond -128 and 127.75 degC they count as these.
        parameters: The rules' values.

    Returns:
        (N,) int64, from 0 to `parameters.largest_count`.

    Raises:
        BadInputError: The frames do not have 8 x 8 pixels.
    """
    if raw.ndim != 2 or raw.shape[1] != PIXELS:
        raise BadInputError("frames", "pixels", raw.shape[1:], f"the detector takes {ROWS} x {COLUMNS}")
    counted = np.zeros(len(raw), np.int64)
    _follow(np.ascontiguousarray(raw), parameters, counted)
    return counted


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _follow(raw: NDArray[np.int16], parameters: DetectionParameters, counted: NDArray[np.int64]) -> None:
    latest = np.zeros((parameters.smoothed_frames, PIXELS), np.int64)
    smooth = np.zeros((ROWS, COLUMNS), np.int64)
    background = np.zeros((IMAGE_ROWS, IMAGE_COLUMNS), np.int64)
    for frame in range(len(raw)):
        latest[frame % parameters.smoothed_frames] = np.clip(raw[frame], -LIMIT_STEPS, LIMIT_STEPS - 1)
        collected = frame + 1 - parameters.smoothed_frames
        if collected < 0:
            continue
        average = _averages(latest, parameters.dropped_frames).reshape(ROWS, COLUMNS)
        if collected == 0:
            smooth[:] = average
            background[:] = _between(smooth)
            continue
        smooth += _share(parameters.smoothing, average - smooth)
        above = _between(smooth) - background
        detected = above >= parameters.threshold
        counted[frame] = min(_humans(detected, parameters), parameters.largest_count)
        background += _learnt(above, _beside(detected), parameters.background_rate)
        background[:] = np.clip(background, -LIMIT, LIMIT - 1)


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _quotient(dividend: int, divisor: int) -> int:
    """Return a quotient cut towards zero, as in C."""
    return dividend // divisor if dividend >= 0 else -(-dividend // divisor)


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _share(share: int, values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return `share` / 256 of values."""
    part = np.empty_like(values)
    for row in range(values.shape[0]):
        for column in range(values.shape[1]):
            part[row, column] = _quotient(share * values[row, column], VALUES_PER_DEGC)
    return part


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _averages(latest: NDArray[np.int64], dropped: int) -> NDArray[np.int64]:
    """Return each pixel's mean over frames, in 1/256 degC, without its highest and lowest ones."""
    frames, pixels = latest.shape
    average = np.empty(pixels, np.int64)
    for pixel in range(pixels):
        kept = np.sort(latest[:, pixel])[dropped : frames - dropped]
        average[pixel] = _quotient(kept.sum() * VALUES_PER_STEP, len(kept))
    return average


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _between(pixels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return an image with the mean of neighbours between them, first in rows, then between rows."""
    image = np.empty((IMAGE_ROWS, IMAGE_COLUMNS), np.int64)
    for row in range(0, IMAGE_ROWS, 2):
        for column in range(0, IMAGE_COLUMNS, 2):
            image[row, column] = pixels[row // 2, column // 2]
        for column in range(1, IMAGE_COLUMNS, 2):
            image[row, column] = _quotient(image[row, column - 1] + image[row, column + 1], 2)
    for row in range(1, IMAGE_ROWS, 2):
        for column in range(IMAGE_COLUMNS):
            image[row, column] = _quotient(image[row - 1, column] + image[row + 1, column], 2)
    return image


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _humans(detected: NDArray[np.bool_], parameters: DetectionParameters) -> int:
    """Return how many regions are humans, and clear those too small to be anything from `detected`."""
    left = detected.copy()
    humans = 0
    for row in range(IMAGE_ROWS):
        for column in range(IMAGE_COLUMNS):
            if not left[row, column]:
                continue
            region = _taken_region(left, row, column)
            if len(region) > parameters.human_area and len(region) > parameters.dropped_area:
                humans += 1
            if len(region) <= parameters.dropped_area:
                for place in region:
                    detected[place] = False
    return humans


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _taken_region(left: NDArray[np.bool_], row: int, column: int) -> list[tuple[int, int]]:
    """Return the pixels of the region that holds one, and clear them from `left`."""
    left[row, column] = False
    region = [(row, column)]
    reached = 0
    while reached < len(region):
        row, column = region[reached]
        reached += 1
        for beside in range(max(row - 1, 0), min(row + 2, IMAGE_ROWS)):
            for other in range(max(column - 1, 0), min(column + 2, IMAGE_COLUMNS)):
                if left[beside, other]:
                    left[beside, other] = False
                    region.append((beside, other))
    return region


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _beside(detected: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which pixels are detected or have a detected one above, below, left or right."""
    found: NDArray[np.bool_] = detected.copy()
    found[1:] |= detected[:-1]
    found[:-1] |= detected[1:]
    found[:, 1:] |= detected[:, :-1]
    found[:, :-1] |= detected[:, 1:]
    return found


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _learnt(above: NDArray[np.int64], held: NDArray[np.bool_], rate: int) -> NDArray[np.int64]:
    """Return what to add to the background."""
    free = np.sum(~held)
    if free == 0:
        return np.zeros_like(above)
    mean = _quotient(np.sum(np.where(held, 0, above)), free)
    learnt: NDArray[np.int64] = _share(rate, np.where(held, mean, above))
    return learnt
