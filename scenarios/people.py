"""Who comes: drawing persons from a population."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenarios.timeline import Person
from scenarios.visitors import TRUNCATION_SD

if TYPE_CHECKING:
    import numpy as np

    from scenarios.room import Room
    from scenarios.visitors import Population

# Head radius 0.09 to 0.10 m, hair included: assumed, mean and spread.
_HEAD_RADIUS_M = (0.095, 0.004)

_SPEED_TRUNCATION_SD = 3.5
"""Wide enough that the spread of the speeds is that of the population to within 0.4 %."""

_SLOWEST_MPS = 0.3
_M2K_PER_W_AND_CLO = 0.155
_OUTDOORS_W_PER_M2K = 12.0
"""From the clothing's surface to air and surroundings, in light wind: assumed."""


def draw_person(population: Population, room: Room, rng: np.random.Generator) -> Person:
    """Return a person of the population, who comes from outdoors or not."""
    stature_m = _truncated_normal(population.stature_mean_m, population.stature_sd_m, rng)
    breadth_m = _truncated_normal(population.breadth_mean_m, population.breadth_sd_m, rng)
    depth_m = _truncated_normal(population.depth_mean_m, population.depth_sd_m, rng)
    head_m = _truncated_normal(*_HEAD_RADIUS_M, rng)
    skin_degc = float(rng.uniform(population.skin_low_degc, population.skin_high_degc))
    hair_ratio = float(rng.uniform(population.hair_low_ratio, population.hair_high_ratio))
    clothing_clo = float(rng.uniform(population.clothing_low_clo, population.clothing_high_clo))
    activity_met = float(rng.uniform(population.activity_low_met, population.activity_high_met))
    has_hat = bool(rng.random() < population.hat_ratio)
    return Person(
        stature_m=stature_m,
        shoulder_breadth_m=breadth_m,
        shoulder_depth_m=depth_m,
        head_radius_m=head_m,
        skin_degc=skin_degc,
        hair_ratio=hair_ratio,
        clothing_clo=clothing_clo,
        activity_met=activity_met,
        cold_k=draw_cold_k(clothing_clo, population, room, rng),
        has_hat=has_hat,
    )


def draw_cold_k(clothing_clo: float, population: Population, room: Room, rng: np.random.Generator) -> float:
    """Return how much colder than in the room the clothing's surface is when somebody comes in.

    The surface lies between skin and air like the tap of a voltage divider: insulation of the clothing to one
    side, of the air layer to the other. So it follows the air's temperature by the ratio of the clothing's
    insulation to both together, the skin being as warm outdoors as indoors.
    """
    comes_from_outdoors = bool(rng.random() < population.outdoors_ratio)
    if room.outdoor_degc is None or not comes_from_outdoors:
        return 0.0
    clothing_m2k_per_w = _M2K_PER_W_AND_CLO * clothing_clo
    ratio = clothing_m2k_per_w / (clothing_m2k_per_w + 1 / _OUTDOORS_W_PER_M2K)
    return ratio * (room.air_degc - room.outdoor_degc)


def draw_walking_speed_mps(population: Population, rng: np.random.Generator) -> float:
    """Return a free walking speed."""
    mean_mps, sd_mps = population.walking_speed_mean_mps, population.walking_speed_sd_mps
    return max(_truncated_normal(mean_mps, sd_mps, rng, _SPEED_TRUNCATION_SD), _SLOWEST_MPS)


def _truncated_normal(mean: float, sd: float, rng: np.random.Generator, limit_sd: float = TRUNCATION_SD) -> float:
    """Return a normal draw within so many standard deviations."""
    while True:
        deviate = float(rng.standard_normal())
        if abs(deviate) <= limit_sd:
            return mean + sd * deviate
