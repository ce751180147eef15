"""A camera's RGB565 frame becomes a small RGB picture by area: the same integers as `kernels/area_scale.h` in firmware.

A pixel of the picture is the mean of the frame's pixels below it, those at its edge counted by the part that it
covers. With 200 pixels for 32, a pixel of the frame has 4 parts a side and one of the picture 25, so that the sum of
weighted values over 625 is exact and only its rounding is left. OpenCV's INTER_AREA does the same in single precision.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from datasheet.bad_input import BadInputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

FRAME_SIDE: Final = 200
PICTURE_SIDE: Final = 32


def rgb_of_565(words: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Return red, green, blue along a new last axis; upper bits fill the lower ones, so that white is 255."""
    red, green, blue = words >> 11, words >> 5 & 0x3F, words & 0x1F
    parts = (red << 3 | red >> 2, green << 2 | green >> 4, blue << 3 | blue >> 2)
    return np.stack(parts, axis=-1).astype(np.uint8)


def scale_frames(
    frames: NDArray[np.uint16], frame_side: int = FRAME_SIDE, picture_side: int = PICTURE_SIDE
) -> NDArray[np.uint8]:
    """Scale RGB565 frames by area.

    Args:
        frames: (..., frame_side, frame_side) RGB565 words.
        frame_side: Rows and columns of a frame.
        picture_side: Rows and columns of a picture.

    Returns:
        (..., picture_side, picture_side, 3) uint8.

    Raises:
        BadInputError: Frames have another shape or type.
    """
    if frames.dtype != np.uint16 or frames.shape[-2:] != (frame_side, frame_side):
        found = f"{frames.dtype} {frames.shape}"
        raise BadInputError("frames", "", found, f"must be uint16 of {frame_side} x {frame_side} pixels")
    large = frame_side // math.gcd(frame_side, picture_side)
    values = rgb_of_565(frames).astype(np.int32)
    sums = _summed(_summed(values, -3, picture_side), -2, picture_side)
    total = large * large
    return np.asarray((sums + total // 2) // total, dtype=np.uint8)


def _summed(values: NDArray[np.int32], axis: int, pixels: int) -> NDArray[np.int32]:
    """Return sums of values over the parts of each of so many pixels along an axis, by differences of running sums."""
    common = math.gcd(values.shape[axis], pixels)
    small, large = pixels // common, values.shape[axis] // common
    whole, part = np.divmod(np.arange(pixels + 1) * large, small)
    running = np.cumsum(values, axis=axis, dtype=np.int32)
    before = np.where(_along(whole > 0, axis), np.take(running, np.maximum(whole - 1, 0), axis), 0)
    edge = np.take(values, np.minimum(whole, values.shape[axis] - 1), axis)
    return np.asarray(np.diff(small * before + _along(part, axis) * edge, axis=axis), dtype=np.int32)


def _along(values: NDArray[Any], axis: int) -> NDArray[Any]:
    """Return (n,) values in a shape that goes along an axis counted from the end."""
    return values.reshape(-1, *(1,) * (-axis - 1))
