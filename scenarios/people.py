"""Who comes: drawing persons from a population."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenarios.room import TRUNCATION_SD
from scenarios.timeline import Person

if TYPE_CHECKING:
    import numpy as np

    from scenarios.room import Population

# Adult anthropometry, upper body in clothes: breadth 0.45 m, depth 0.25 m, head radius 0.09 to 0.10 m are
# the values in use for crowd models (Weidmann 1993); the spreads are assumed.
_BREADTH_M = (0.45, 0.03)
_DEPTH_M = (0.25, 0.02)
_HEAD_RADIUS_M = (0.095, 0.004)
_SLOWEST_MPS, _FASTEST_MPS = 0.6, 2.1


def draw_person(population: Population, rng: np.random.Generator) -> Person:
    """Return a person of the population."""
    return Person(
        stature_m=_truncated_normal(population.stature_mean_m, population.stature_sd_m, rng),
        shoulder_breadth_m=_truncated_normal(*_BREADTH_M, rng),
        shoulder_depth_m=_truncated_normal(*_DEPTH_M, rng),
        head_radius_m=_truncated_normal(*_HEAD_RADIUS_M, rng),
        skin_degc=float(rng.uniform(population.skin_low_degc, population.skin_high_degc)),
        hair_ratio=float(rng.uniform(population.hair_low_ratio, population.hair_high_ratio)),
        clothing_clo=float(rng.uniform(population.clothing_low_clo, population.clothing_high_clo)),
    )


def draw_walking_speed_mps(population: Population, rng: np.random.Generator) -> float:
    """Return a free walking speed, truncated to what people walk indoors."""
    speed_mps = _truncated_normal(population.walking_speed_mean_mps, population.walking_speed_sd_mps, rng)
    return min(max(speed_mps, _SLOWEST_MPS), _FASTEST_MPS)


def _truncated_normal(mean: float, sd: float, rng: np.random.Generator) -> float:
    """Return a normal draw within `TRUNCATION_SD` standard deviations."""
    while True:
        deviate = float(rng.standard_normal())
        if abs(deviate) <= TRUNCATION_SD:
            return mean + sd * deviate
