"""A sensor that is slow until something moves: which frames the firmware reads, as its `motion.c` and `main.c` do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numba
import numpy as np

from datasheet.compile_cache import ensure_compile_cache

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.duty_policy import DutyPolicy

ensure_compile_cache(__file__)

MEAN_FRAMES = 10
"""Frames of the full rate in one of the sensor's low rate."""
_SIDE = 8
_BLOCKS = (_SIDE - 1) ** 2
_KEPT_FRAMES = 10
"""How long the frame that later ones are compared with is kept at full rate (`motion.c`)."""
_SLOWER, _FASTER = 1, 2


@dataclass(frozen=True)
class Following:
    """Frames that were read one after the other, by their number since the recording began.

    Attributes:
        read: (A,) int64, when each was read, in frames of the full rate.
        frame: (A,) int64, which frame, or last of ten, was then in the sensor.
        is_slow: (A,) bool, whether the sensor was slow then.
        changes: (A,) bool, whether its rate was changed thereupon.
        next_read: When the next one would have been read.
    """

    read: NDArray[np.int64]
    frame: NDArray[np.int64]
    is_slow: NDArray[np.bool_]
    changes: NDArray[np.bool_]
    next_read: int


def follow(raw: NDArray[np.int16], policy: DutyPolicy, first: int, end: int) -> Following:
    """Return what is read from frame `first` on until before `end`; past the recording's end its last frame repeats.

    Args:
        raw: (N, 64) int16, the recording in steps of 0.25 degC.
        policy: One that goes by motion.
        first: The first frame that is read.
        end: Nothing is read from this frame on.
    """
    idle = policy.idle
    read, frame, slow, changed, after = _follow(
        raw, first, end, idle.ticks, idle.is_mean, policy.motion_sum, policy.hold_ticks
    )
    return Following(read, frame, slow.astype(np.bool_), changed > 0, int(after))


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _follow(
    raw: NDArray[np.int16],
    first: int,
    end: int,
    idle_ticks: int,
    is_mean: bool,  # noqa: FBT001 - numba takes no keywords
    motion_sum: int,
    hold_ticks: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int8], NDArray[np.int8], int]:
    room = max(end - first, 0)
    read, frame = np.empty(room, np.int64), np.empty(room, np.int64)
    slow, changed = np.zeros(room, np.int8), np.zeros(room, np.int8)
    kept = np.zeros(_BLOCKS, np.int64)
    answers, age, is_slow, moved, tick = 0, 0, False, first, first
    while tick < end:
        read[answers], slow[answers] = tick, is_slow
        frame[answers] = _shown(tick, is_slow, is_mean)
        seen, keep = age == 0, is_slow or age == 0 or age >= _KEPT_FRAMES
        sums = _block_sums(_image(raw, frame[answers], is_slow and is_mean))
        seen = seen or np.abs(sums - kept).max() >= motion_sum
        if keep:
            kept[:] = sums
        age = 1 if keep else age + 1
        moved = tick if seen else moved
        step = idle_ticks if is_slow else 1
        if is_slow and seen:
            changed[answers], is_slow, step = _FASTER, False, 1
        elif not is_slow and tick - moved >= hold_ticks:
            changed[answers], is_slow, step = _SLOWER, True, idle_ticks + (0 if is_mean else 1)
        answers += 1
        tick += step
    return read[:answers], frame[:answers], slow[:answers], changed[:answers], tick


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _shown(tick: int, is_slow: bool, is_mean: bool) -> int:  # noqa: FBT001 - numba
    """Return the frame that is in the sensor; one in stand-by is read a tick after it has measured."""
    if not is_slow:
        return tick
    return (tick + 1) // MEAN_FRAMES * MEAN_FRAMES - 1 if is_mean else tick - 1


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _image(raw: NDArray[np.int16], frame: int, is_mean: bool) -> NDArray[np.int64]:  # noqa: FBT001 - numba
    last = len(raw) - 1
    image = np.zeros(_SIDE * _SIDE, np.int64)
    if not is_mean:
        image += raw[min(frame, last)]
        return image
    for number in range(frame - MEAN_FRAMES + 1, frame + 1):
        image += raw[min(number, last)]
    for pixel in range(len(image)):
        image[pixel] = _tenth(image[pixel])
    return image


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _tenth(total: int) -> int:
    """Return a tenth, rounded half to even, as the sensor's model does."""
    whole, rest = total // MEAN_FRAMES, total % MEAN_FRAMES
    half = MEAN_FRAMES // 2
    return whole + (1 if rest > half or (rest == half and whole % 2 == 1) else 0)


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _block_sums(image: NDArray[np.int64]) -> NDArray[np.int64]:
    sums = np.empty(_BLOCKS, np.int64)
    for block in range(_BLOCKS):
        corner = block // (_SIDE - 1) * _SIDE + block % (_SIDE - 1)
        sums[block] = image[corner] + image[corner + 1] + image[corner + _SIDE] + image[corner + _SIDE + 1]
    return sums


def images(raw: NDArray[np.int16], frame: NDArray[np.int64], is_mean: NDArray[np.bool_]) -> NDArray[np.int16]:
    """Return (A, 64) int16, what the sensor showed: frames, or the means of ten of which `frame` is the last."""
    shown = raw[np.minimum(frame, len(raw) - 1)]
    for answer in np.flatnonzero(is_mean):
        shown[answer] = _image(raw, frame[answer], True)  # noqa: FBT003 - numba takes no keywords here
    return shown
