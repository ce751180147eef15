"""What the camera chip does by itself from frame to frame: exposure, gain and white balance.

As the OV7725 is described (version 1.1, section "AEC/AGC"): the mean brightness is held between two levels, first by
the exposure up to a whole frame, then by gain; steps are limited, so that a change of light takes several frames.
Levels, steps and the balance by the mean colour of the picture are assumed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from sensors.camera.image_sensor import Exposure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sensors.camera.camera_sheet import CameraSheet

TARGET: Final = 0.18
"""Mean raw level aimed at, relative to the ADC's range; 18 % grey."""
TOLERANCE: Final = 0.15
LARGEST_STEP: Final = 2.0
_BALANCE_LIMITS: Final = (0.5, 2.2)
_BALANCE_STRENGTH: Final = 0.8
"""The chip does not wholly follow the mean colour, or a red coat would turn grey."""


def first_exposure(sheet: CameraSheet) -> Exposure:
    """Return how the first frame after a reset is taken: a whole frame's exposure, no gain, no balance."""
    return Exposure(sheet.longest_exposure_s, 1.0, np.ones(3, dtype=np.float32))


def next_exposure(sheet: CameraSheet, raw: NDArray[np.uint16], now: Exposure) -> Exposure:
    """Return how the frame after `raw` is taken."""
    top = 2**sheet.adc_bits - 1
    mean = float(raw.mean()) / top
    step = TARGET / max(mean, 1e-4)
    if abs(step - 1) < TOLERANCE:
        step = 1.0
    step = float(np.clip(step, 1 / LARGEST_STEP, LARGEST_STEP))
    wanted_s = now.time_s * now.gain * step
    longest_s = sheet.longest_exposure_s
    time_s = float(np.clip(wanted_s, longest_s / sheet.exposure_range.value, longest_s))
    gain = float(np.clip(wanted_s / time_s, 1.0, sheet.highest_gain.value))
    return Exposure(time_s, gain, _balance(raw, now))


def settled_exposure(sheet: CameraSheet, raw_of: RawOf, frames: int = 12) -> Exposure:
    """Return the exposure that a still scene settles at.

    Args:
        sheet: The camera.
        raw_of: Takes a frame of the scene.
        frames: So many are taken.
    """
    exposure = first_exposure(sheet)
    for _ in range(frames):
        exposure = next_exposure(sheet, raw_of(exposure), exposure)
    return exposure


def _balance(raw: NDArray[np.uint16], now: Exposure) -> NDArray[np.float32]:
    red, blue = raw[::2, ::2].mean(), raw[1::2, 1::2].mean()
    green = (raw[::2, 1::2].mean() + raw[1::2, ::2].mean()) / 2
    wanted = np.array([green / max(red, 1.0), 1.0, green / max(blue, 1.0)])
    wanted = np.clip(wanted**_BALANCE_STRENGTH, *_BALANCE_LIMITS)
    return np.asarray(0.5 * now.balance + 0.5 * wanted, dtype=np.float32)


if TYPE_CHECKING:
    from collections.abc import Callable

    RawOf = Callable[[Exposure], NDArray[np.uint16]]
