"""Bodies as an infrared sensor meets them: a head, a torso and legs, each with its own radiance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sensors.clothing import clothing_surface_degc
from sensors.radiance import band_radiance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenarios.timeline import Person, Timeline

SHAPE_COLUMNS = 8
"""Crown, head half height, head radius, shoulder and hip height, half breadth and depth, leg ratio."""

RADIANCE_COLUMNS = 3
"""Of hair, of skin, of clothing."""

# Proportions of stature after Drillis and Contini 1966 (in Winter, Biomechanics and Motor Control, fig. 4.1):
# chin at 0.870, hip at 0.530. The flat top of the torso stands for sloping shoulders, between the neck's
# root and the acromion at 0.818.
_HEAD_HALF_HEIGHT = (1 - 0.870) / 2
_TORSO_TOP = 0.80
_HIP = 0.530
_LEG_RATIO = 0.7
"""Extent of both legs together beside the torso's; assumed."""

# Emissivity, 7 to 14 um. Skin 0.977 (J. Biomed. Opt. 14(2) 024006); cloth and hair 0.90 to 0.97, the middle
# taken.
_SKIN_EMISSIVITY = 0.98
_HAIR_EMISSIVITY = 0.94
_CLOTH_EMISSIVITY = 0.94

# Half way between standing (1.2 met) and walking (1.9 met), as people are who come, stand a little, and go.
_ACTIVITY_MET = 1.5
_AIR_SPEED_MPS = 0.3


def body_shapes(persons: tuple[Person, ...]) -> NDArray[np.float64]:
    """Return (P, 8) float64 in metres, except the last column; see `SHAPE_COLUMNS`."""
    return np.array([_shape(person) for person in persons], dtype=np.float64).reshape(-1, SHAPE_COLUMNS)


def body_radiances(timeline: Timeline) -> NDArray[np.float64]:
    """Return (P, 3) float64 in W/m2/sr; see `RADIANCE_COLUMNS`."""
    rows = [_radiances(person, timeline) for person in timeline.persons]
    return np.array(rows, dtype=np.float64).reshape(-1, RADIANCE_COLUMNS)


def _shape(person: Person) -> tuple[float, ...]:
    return (
        person.stature_m,
        _HEAD_HALF_HEIGHT * person.stature_m,
        person.head_radius_m,
        _TORSO_TOP * person.stature_m,
        _HIP * person.stature_m,
        person.shoulder_breadth_m / 2,
        person.shoulder_depth_m / 2,
        _LEG_RATIO,
    )


def _radiances(person: Person, timeline: Timeline) -> tuple[float, float, float]:
    air_degc = timeline.air_degc
    hair_degc = air_degc + person.hair_ratio * (person.skin_degc - air_degc)
    cloth_degc = clothing_surface_degc(
        air_degc=air_degc,
        radiant_degc=timeline.wall_degc,
        insulation_clo=person.clothing_clo,
        activity_met=_ACTIVITY_MET,
        air_speed_mps=_AIR_SPEED_MPS,
    )
    return (
        _leaving(hair_degc, _HAIR_EMISSIVITY, timeline.wall_degc),
        _leaving(person.skin_degc, _SKIN_EMISSIVITY, timeline.wall_degc),
        _leaving(cloth_degc, _CLOTH_EMISSIVITY, timeline.wall_degc),
    )


def _leaving(surface_degc: float, emissivity: float, surroundings_degc: float) -> float:
    """Return the radiance that leaves a surface: its own, and what it reflects of its surroundings."""
    own, reflected = band_radiance([surface_degc, surroundings_degc])
    return float(emissivity * own + (1 - emissivity) * reflected)
