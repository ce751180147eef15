"""Radiance of a black body between 8 and 14 um, and the temperature that gives it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import constants

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

BAND_M = (8e-6, 14e-6)
"""Pass band of the sensor's window; the datasheet gives none, this is the usual long-wave band."""

_LOW_DEGC, _HIGH_DEGC, _STEP_K = -60.0, 150.0, 0.05


def band_radiance(temperature_degc: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the black-body radiance L(T) between 8 and 14 um in W/m2/sr.

    Linear between table points 0.05 K apart, which is exact to 1e-7; valid from -60 to 150 degC.

    References:
        M. Planck, Annalen der Physik 309 (1901) 553, doi:10.1002/andp.19013090310.
    """
    degc, radiance = _table()
    return np.interp(temperature_degc, degc, radiance)


def brightness_degc(radiance: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the temperature in degC of the black body with that radiance between 8 and 14 um."""
    degc, table = _table()
    return np.interp(radiance, table, degc)


@cache
def _table() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    degc = np.arange(_LOW_DEGC, _HIGH_DEGC + _STEP_K / 2, _STEP_K)
    nodes, weights = np.polynomial.legendre.leggauss(24)
    low_m, high_m = BAND_M
    wavelength_m = (high_m + low_m) / 2 + (high_m - low_m) / 2 * nodes
    spectral = _planck(wavelength_m, constants.convert_temperature(degc, "Celsius", "Kelvin")[:, np.newaxis])
    return degc, spectral @ weights * (high_m - low_m) / 2


def _planck(wavelength_m: NDArray[np.float64], temperature_k: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the spectral radiance of a black body in W/m3/sr."""
    h, c, k = constants.h, constants.c, constants.k
    exponent = h * c / (wavelength_m * k * temperature_k)
    return np.asarray(2 * h * c**2 / wavelength_m**5 / np.expm1(exponent), dtype=np.float64)
