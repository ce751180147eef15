"""Sensors that differ from the nominal one as units, lenses and clothes do: domain randomisation of what is seen.

Every factor is drawn once for a session. The ranges are assumed, wide enough to hold what differs between units and
recordings; noise itself is the twin's own (`sensors.signal_chain`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from sensors.signal_chain import SignalChain

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sensors.grid_eye_sheet import GridEyeSheet, NoiseProfile

FRAME_RATE_HZ: Final = 10.0

_CROSSTALK: Final = (0.05, 0.32)
_NOISE_FACTORS: Final = {
    "common_noise_k": (0.5, 1.6),
    "fixed_pattern_k": (0.7, 1.4),
    "drift_k": (0.3, 1.6),
    "dip_k": (0.0, 1.6),
}
_WHITE_FACTORS: Final = (0.75, 1.25)
_CONTRAST: Final = (0.8, 1.35)
_BLUR: Final = (0.0, 0.3)
_TEXTURE_K: Final = 0.12


def varied_sheet(sheet: GridEyeSheet, rng: np.random.Generator) -> GridEyeSheet:
    """Return the sheet with another share of light that reaches neighbouring pixels, if it has one."""
    if sheet.crosstalk is None:
        return sheet
    return sheet.model_copy(update={"crosstalk": replace(sheet.crosstalk, value=float(rng.uniform(*_CROSSTALK)))})


def varied_frames(
    contrast_k: NDArray[np.float64], air_degc: float, sheet: GridEyeSheet, noise: NoiseProfile, *, seed: int
) -> NDArray[np.float32]:
    """Return (N, 8, 8) float32 degC in the sensor's steps, as a random unit reports them.

    Args:
        contrast_k: (N, 8, 8) brightness temperatures above the room's air, free of noise, at 10 frames/s.
        air_degc: The room's air.
        sheet: The sensor.
        noise: Its nominal noise.
        seed: Stands for the unit, its noise and everything that is drawn.
    """
    rng = np.random.default_rng([seed, 5])
    varied = _varied_noise(noise, rng)
    seen_k = contrast_k * float(rng.uniform(*_CONTRAST))
    if rng.random() < 0.5:
        seen_k = _blurred(seen_k, float(rng.uniform(*_BLUR)))
    texture_k = rng.normal(0, _TEXTURE_K, (4, 4)).repeat(2, 0).repeat(2, 1)
    chain = SignalChain(sheet, varied, FRAME_RATE_HZ, seed)
    return chain.frames(seen_k + texture_k + air_degc, np.arange(len(seen_k)) / FRAME_RATE_HZ)


def _varied_noise(noise: NoiseProfile, rng: np.random.Generator) -> NoiseProfile:
    white = float(rng.uniform(*_WHITE_FACTORS))
    factors = {"centre_noise_k": white, "corner_noise_k": white}
    factors |= {name: float(rng.uniform(*limits)) for name, limits in _NOISE_FACTORS.items()}
    return noise.model_copy(
        update={
            name: replace(getattr(noise, name), value=getattr(noise, name).value * factor)
            for name, factor in factors.items()
        }
    )


def _blurred(image_k: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """Return each pixel with `share` of its 3 x 3 neighbourhood's mean: out of focus, or behind a window."""
    rows, columns = image_k.shape[1:]
    padded = np.pad(image_k, ((0, 0), (1, 1), (1, 1)), mode="edge")
    near = [padded[:, down : down + rows, right : right + columns] for down in range(3) for right in range(3)]
    return np.asarray(image_k + share * (sum(near) / len(near) - image_k))
