"""Surface temperature of clothing, from the heat balance of ISO 7730."""

from __future__ import annotations

import math

from scipy import optimize

_MET_W_PER_M2 = 58.15
_CLO_M2K_PER_W = 0.155


def clothing_surface_degc(
    *,
    air_degc: float,
    radiant_degc: float,
    insulation_clo: float,
    activity_met: float,
    air_speed_mps: float,
) -> float:
    """Return the mean surface temperature of a clothed body in the steady state.

    Valid for 0.8 to 4 met, 0 to 2 clo, 10 to 30 degC air and 0 to 1 m/s. Somebody who has just come in from
    elsewhere is not in the steady state.

    Args:
        air_degc: Air temperature.
        radiant_degc: Mean radiant temperature.
        insulation_clo: Insulation of the clothing.
        activity_met: Metabolic rate; 1.2 standing, 1.9 walking.
        air_speed_mps: Speed of the air relative to the body.

    References:
        ISO 7730:2005, equations (2) to (4); P. O. Fanger, Thermal Comfort, 1970.
    """
    insulation = insulation_clo * _CLO_M2K_PER_W
    area_factor = 1.00 + 1.290 * insulation if insulation <= 0.078 else 1.05 + 0.645 * insulation
    skin_degc = 35.7 - 0.028 * activity_met * _MET_W_PER_M2

    def excess(surface_degc: float) -> float:
        radiated = 3.96e-8 * ((surface_degc + 273) ** 4 - (radiant_degc + 273) ** 4)
        convected = _convection(surface_degc - air_degc, air_speed_mps) * (surface_degc - air_degc)
        return skin_degc - insulation * area_factor * (radiated + convected) - surface_degc

    return float(optimize.brentq(excess, min(air_degc, radiant_degc) - 30, skin_degc + 30, xtol=1e-6))


def relative_air_speed_mps(air_speed_mps: float, activity_met: float) -> float:
    """Return the speed of the air relative to a body that moves with its activity.

    References:
        ISO 7730:2005, annex C: 0.3 m/s for each met above 1.
    """
    return air_speed_mps + 0.3 * max(activity_met - 1.0, 0.0)


def _convection(difference_k: float, air_speed_mps: float) -> float:
    """Return the larger of free and forced convection in W/m2/K."""
    return max(2.38 * math.pow(abs(difference_k), 0.25), 12.1 * math.sqrt(air_speed_mps))
