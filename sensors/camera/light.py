"""Light on a person: one key light, light from all around, and how a matt surface answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LightKind = Literal["lamps", "daylight", "back", "dusk", "tubes", "mixed"]
"""Tubes hang overhead and are greenish; mixed is a warm lamp in the cold light of the sky."""
DOOR_LIGHTS: Final[dict[LightKind, float]] = {"lamps": 0.4, "daylight": 0.3, "back": 0.18, "dusk": 0.12}
"""How often each is met; assumed."""
_TUBES_RGB: Final = (0.93, 1.08, 0.94)
_TINT: Final = 0.06
"""How far lamps and skies stray from the colour of a black body, as a share of each colour; assumed."""

GLOSS_POWER = 18.0
"""Exponent of the highlight on skin and cloth after Phong, 1975; assumed."""


@dataclass(frozen=True)
class Light:
    """Light at a place, in linear RGB where 1.0 on a white matt surface is the white of the picture.

    Camera axes: x to the right, y down, z away from the camera.

    Attributes:
        direction: (3,) unit vector towards the key light.
        key_rgb: (3,) irradiance of the key light.
        above_rgb: (3,) irradiance from above.
        below_rgb: (3,) irradiance from below, thrown back by the floor.
        backdrop_gain: How bright what stands behind the person is; far above 1 is back light.
    """

    direction: Floats
    key_rgb: Floats
    above_rgb: Floats
    below_rgb: Floats
    backdrop_gain: float

    def shade(self, albedo_rgb: Floats, normals: Floats, *, gloss: float = 0.0) -> Floats:
        """Return the radiance (..., 3) of surfaces of an albedo (..., 3) with outward normals (..., 3)."""
        facing = np.clip(normals @ self.direction, 0.0, 1.0)[..., np.newaxis]
        upward = (0.5 - 0.5 * normals[..., 1])[..., np.newaxis]
        irradiance = self.key_rgb * facing + self.above_rgb * upward + self.below_rgb * (1.0 - upward)
        shine = 0.0
        if gloss > 0:
            half = self.direction + np.array([0.0, 0.0, -1.0])
            half /= np.linalg.norm(half) + 1e-9
            shine = gloss * self.key_rgb * np.clip(normals @ half, 0.0, 1.0)[..., np.newaxis] ** GLOSS_POWER
        return np.asarray(albedo_rgb * irradiance + shine)


def warmth_rgb(kelvin: float) -> Floats:
    """Return the linear RGB of a black body relative to daylight of 6500 K, green at 1.

    A straight line in reciprocal temperature through tungsten light (2856 K: 1.9, 1.0, 0.35) and daylight; good to a
    tenth between 2500 and 9000 K, which is enough to vary light by.
    """
    mired = 1e6 / kelvin - 1e6 / 6500.0
    return np.array([np.exp(0.0033 * mired), 1.0, np.exp(-0.0054 * mired)])


def draw_light(rng: np.random.Generator, kinds: Mapping[LightKind, float] = DOOR_LIGHTS) -> Light:
    """Return the light of some hour at some door: lamps, daylight from a side, back light, dusk.

    Args:
        rng: What it is drawn with.
        kinds: How often each kind is met; the shares add up to 1.
    """
    kind = rng.choice(list(kinds), p=list(kinds.values()))
    azimuth, height = rng.uniform(-np.pi, np.pi), rng.uniform(0.1, 1.3)
    if kind == "daylight":
        azimuth = rng.uniform(-1.9, 1.9)
    if kind == "tubes":
        height = rng.uniform(1.0, 1.5)
    colour, sky = _colours(rng, str(kind))
    level = {"lamps": rng.uniform(0.5, 1.1), "daylight": rng.uniform(0.6, 1.6), "back": 0.35, "dusk": 0.12}.get(
        kind, rng.uniform(0.4, 1.2)
    )
    share = rng.uniform(0.25, 0.75)
    direction = np.array(
        [np.sin(azimuth) * np.cos(height), -np.sin(height), -np.cos(azimuth) * np.cos(height)], dtype=np.float64
    )
    gain = rng.uniform(1.8, 5.0) if kind == "back" else rng.uniform(0.3, 1.3)
    return Light(
        direction=direction,
        key_rgb=colour * level * share * 1.6,
        above_rgb=sky * level * (1.0 - share) * 1.3,
        below_rgb=sky * level * (1.0 - share) * rng.uniform(0.3, 0.9),
        backdrop_gain=gain * (0.12 if kind == "dusk" else 1.0),
    )


def _colours(rng: np.random.Generator, kind: str) -> tuple[Floats, Floats]:
    """Return the colours of the key light and of what comes from all around."""
    if kind == "mixed":
        return warmth_rgb(rng.uniform(2500, 3200)), warmth_rgb(rng.uniform(6500, 9000))
    spans = {"lamps": (2600, 5000), "dusk": (4000, 9000), "tubes": (3500, 5500)}
    kelvin = rng.uniform(*spans.get(kind, (4800, 7500)))
    tint = np.array(_TUBES_RGB) if kind == "tubes" else np.exp(rng.normal(0.0, _TINT, 3))
    return warmth_rgb(kelvin) * tint, warmth_rgb(kelvin * rng.uniform(0.85, 1.3)) * tint
