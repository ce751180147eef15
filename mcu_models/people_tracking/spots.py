"""Spots in a frame of 8 x 8 pixels: where somebody is, in sixteenths of a pixel, in integers alone.

1. Each pixel is taken with its eight neighbours (weights 4, 2 and 1 of 16; at the edge a neighbour that lacks is as
   warm as the pixel beside it), which leaves 3/8 of the noise of the pixels. From here on a pixel is as warm as it is
   warmer or colder than the background: who comes in from the cold in winter has a coat below the room's temperature.
2. Pixels are taken in turn, the warmest first, down to the lower threshold. One that touches no spot begins one if it
   reaches the upper threshold; any other joins the spot of its warmest neighbour. So a spot is a hill, and where two
   hills meet is a border between them.
3. Where hills meet, one that rises above the pass by less than the prominence is part of the other: two shoulders of
   one person, or noise.
4. A spot's place is the mean of its pixels' middles, weighted by how far they are above the lower threshold.

Values are in steps of 1/256 degC; `firmware/kernels/warm_spots.h` is the same in C.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numba
import numpy as np

from datasheet.compile_cache import ensure_compile_cache
from mcu_models.people_tracking.parameters import PLACES_PER_PIXEL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mcu_models.people_tracking.parameters import TrackingParameters

ensure_compile_cache(__file__)

SIDE: Final = 8
PIXELS: Final = SIDE * SIDE
PLACES: Final = SIDE * PLACES_PER_PIXEL
MOST_SPOTS: Final = 8
"""Of the warmest; nine people under a ceiling do not fit into the view."""
NOWHERE: Final = -1


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def smoothed(above: NDArray[np.int16]) -> NDArray[np.int64]:
    """Return (64,) how far pixels, taken with their neighbours, are above or below the background."""
    image = np.empty(PIXELS, np.int64)
    for pixel in range(PIXELS):
        row, column = pixel // SIDE, pixel % SIDE
        total = 0
        for down in range(-1, 2):
            line = min(max(row + down, 0), SIDE - 1) * SIDE
            left, right = max(column - 1, 0), min(column + 1, SIDE - 1)
            weight = 2 if down == 0 else 1
            total += weight * (above[line + left] + 2 * above[line + column] + above[line + right])
        image[pixel] = abs((total + 8) >> 4)
    return image


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def hills(image: NDArray[np.int64], parameters: TrackingParameters) -> NDArray[np.int64]:
    """Return (64,) the number of the hill that each pixel belongs to, `NOWHERE` for none; the warmest hill is 0."""
    hill = np.full(PIXELS, NOWHERE, np.int64)
    peak = np.zeros(MOST_SPOTS, np.int64)
    begun = 0
    for pixel in np.argsort(-image, kind="mergesort"):
        value = image[pixel]
        if value < parameters.low:
            break
        _join(hill, peak, image, pixel, parameters.prominence)
        if hill[pixel] == NOWHERE and value >= parameters.high and begun < MOST_SPOTS:
            hill[pixel] = begun
            peak[begun] = value
            begun += 1
    return hill


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _join(
    hill: NDArray[np.int64], peak: NDArray[np.int64], image: NDArray[np.int64], pixel: int, prominence: int
) -> None:
    """Make a pixel part of the hill of its warmest neighbour; hills that it joins and that hardly rise are one."""
    highest, warmest = MOST_SPOTS, NOWHERE
    around = _around(pixel)
    for place in around:
        if hill[place] != NOWHERE:
            highest = min(highest, hill[place])
    for place in around:
        number = hill[place]
        if number == NOWHERE:
            continue
        if number != highest and peak[number] - image[pixel] < prominence:
            hill[hill == number] = highest
        if warmest == NOWHERE or image[place] > image[warmest]:
            warmest = place
    if warmest != NOWHERE:
        hill[pixel] = hill[warmest]


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _around(pixel: int) -> list[int]:
    """Return a pixel's neighbours, corners included, row by row."""
    row, column = pixel // SIDE, pixel % SIDE
    return [
        beside * SIDE + other
        for beside in range(max(row - 1, 0), min(row + 2, SIDE))
        for other in range(max(column - 1, 0), min(column + 2, SIDE))
        if beside != row or other != column
    ]


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def spots(image: NDArray[np.int64], hill: NDArray[np.int64], low: int) -> NDArray[np.int64]:
    """Return (S, 2) the row and column of each hill, in sixteenths of a pixel, the warmest hill first."""
    found = np.empty((MOST_SPOTS, 2), np.int64)
    count = 0
    for number in range(MOST_SPOTS):
        weight, row, column = 0, 0, 0
        for pixel in range(PIXELS):
            if hill[pixel] == number:
                above = image[pixel] - low + 1
                weight += above
                row += above * (2 * (pixel // SIDE) + 1)
                column += above * (2 * (pixel % SIDE) + 1)
        if weight > 0:
            found[count, 0] = PLACES_PER_PIXEL // 2 * row // weight
            found[count, 1] = PLACES_PER_PIXEL // 2 * column // weight
            count += 1
    return found[:count]
