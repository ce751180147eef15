"""What the firmware feeds to the network, in floating point and exactly as it does it in integers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mcu_models.compiler.frontend import find_frontend, frontend_steps, raw_from_degc

if TYPE_CHECKING:
    from numpy.typing import NDArray

STEP_K = 0.25
SPAN_K = (-4.0, 12.0)
"""Training inputs are clipped to this, which sets the scale of the quantised input."""


def difference_k(frames: NDArray[np.float32], frontend: str = "minus_median") -> NDArray[np.float64]:
    """Return (N, 8, 8) what a front end makes of frames, before it becomes codes.

    Args:
        frames: (N, 8, 8) degC; for a front end that looks back, consecutive frames from power-on.
        frontend: Its name.
    """
    if frontend == "minus_median":
        return np.asarray(difference_steps(frames) * STEP_K, np.float64)
    found = find_frontend(frontend)
    steps = frontend_steps(raw_from_degc(frames), found, frames.shape[2])
    return np.asarray(steps * found.step_degc, np.float64).reshape(frames.shape)


def difference_steps(frames: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return (N, 8, 8) int64 steps above the frame's lower median, the 32nd smallest of 64 pixels."""
    steps = np.round(np.asarray(frames, dtype=np.float64) / STEP_K).astype(np.int64)
    median = np.sort(steps.reshape(len(steps), -1), axis=1)[:, 31]
    return np.asarray(steps - median[:, np.newaxis, np.newaxis])


def float_input(frames: NDArray[np.float32], frontend: str = "minus_median") -> NDArray[np.float32]:
    """Return (N, 8, 8, 1) float32, degC above the lower median (or background), clipped to `SPAN_K`."""
    return np.clip(difference_k(frames, frontend), *SPAN_K).astype(np.float32)[..., np.newaxis]


def int8_input(
    frames: NDArray[np.float32], scale: float, zero_point: int, frontend: str = "minus_median"
) -> NDArray[np.int8]:
    """Return (N, 8, 8, 1) int8 for a network's input scale and zero point, halves rounded away from zero."""
    exact = difference_k(frames, frontend) / scale
    rounded = np.copysign(np.floor(np.abs(exact) + 0.5), exact) + zero_point
    return np.clip(rounded, -128, 127).astype(np.int8)[..., np.newaxis]
