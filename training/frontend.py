"""What the firmware feeds to the network, in floating point and exactly as it does it in integers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

STEP_K = 0.25
SPAN_K = (-4.0, 12.0)
"""Training inputs are clipped to this, which sets the scale of the quantised input."""


def difference_steps(frames: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return (N, 8, 8) int64 steps above the frame's lower median, the 32nd smallest of 64 pixels."""
    steps = np.round(np.asarray(frames, dtype=np.float64) / STEP_K).astype(np.int64)
    median = np.sort(steps.reshape(len(steps), -1), axis=1)[:, 31]
    return np.asarray(steps - median[:, np.newaxis, np.newaxis])


def float_input(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (N, 8, 8, 1) float32, degC above the lower median, clipped to `SPAN_K`."""
    return np.clip(difference_steps(frames) * STEP_K, *SPAN_K).astype(np.float32)[..., np.newaxis]


def int8_input(frames: NDArray[np.float32], scale: float, zero_point: int) -> NDArray[np.int8]:
    """Return (N, 8, 8, 1) int8 for a network's input scale and zero point, halves rounded away from zero."""
    exact = difference_steps(frames) * STEP_K / scale
    rounded = np.copysign(np.floor(np.abs(exact) + 0.5), exact) + zero_point
    return np.clip(rounded, -128, 127).astype(np.int8)[..., np.newaxis]
