"""Band radiance and clothing temperature beside published or independently computed figures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import constants, integrate

from sensors.clothing import clothing_surface_degc
from sensors.radiance import band_radiance, brightness_degc


@pytest.mark.parametrize(("degc", "expected"), [(20, 49.43), (30, 57.68), (34, 61.19)])
def test_band_radiance_is_near_the_figures_in_use(degc: float, expected: float) -> None:
    # These figures come from a coarser integration, hence 0.2 %.
    assert band_radiance([degc])[0] == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize("degc", [-20.0, 0.0, 25.0, 80.0])
def test_band_radiance_is_the_integral_of_planck_law(degc: float) -> None:
    h, c, k = constants.h, constants.c, constants.k

    def spectral(wavelength_um: float) -> float:
        wavelength_m = wavelength_um * 1e-6
        exponent = h * c / (wavelength_m * k * (degc + 273.15))
        return float(2 * h * c**2 / wavelength_m**5 / np.expm1(exponent) * 1e-6)

    exact, _ = integrate.quad(spectral, 8, 14)
    assert band_radiance([degc])[0] == pytest.approx(exact, rel=1e-6)


@given(st.floats(-50, 140))
def test_brightness_temperature_undoes_radiance(degc: float) -> None:
    assert brightness_degc(band_radiance([degc]))[0] == pytest.approx(degc, abs=1e-3)


def test_averaging_radiance_reads_warmer_than_averaging_temperature() -> None:
    mixed = brightness_degc([band_radiance([20.0, 34.0]).mean()])[0]
    assert mixed - 27.0 == pytest.approx(0.22, abs=0.02)


@pytest.mark.parametrize(
    ("met", "clo", "air_speed_mps", "expected_degc"),
    [
        (1.0, 0.5, 0.1, [27.4, 28.3, 29.1, 30.0, 30.8, 31.6]),
        (1.2, 0.7, 0.1, [26.0, 27.0, 27.9, 28.9, 29.9, 30.9]),
        (1.2, 1.0, 0.1, [24.6, 25.7, 26.8, 28.0, 29.2, 30.3]),
        (1.9, 0.7, 0.9, [23.1, 24.4, 25.7, 27.0, 28.3, 29.6]),
        (1.9, 1.0, 0.9, [21.9, 23.3, 24.8, 26.3, 27.7, 29.2]),
    ],
)
def test_clothing_temperature_follows_the_heat_balance_of_iso_7730(
    met: float, clo: float, air_speed_mps: float, expected_degc: list[float]
) -> None:
    found = [
        clothing_surface_degc(
            air_degc=air_degc,
            radiant_degc=air_degc,
            insulation_clo=clo,
            activity_met=met,
            air_speed_mps=air_speed_mps,
        )
        for air_degc in (18.0, 20.0, 22.0, 24.0, 26.0, 28.0)
    ]
    assert found == pytest.approx(expected_degc, abs=0.051)


def test_naked_skin_is_as_warm_as_skin() -> None:
    bare = clothing_surface_degc(air_degc=22, radiant_degc=22, insulation_clo=0, activity_met=1.0, air_speed_mps=0.1)
    assert bare == pytest.approx(35.7 - 0.028 * 58.15, abs=1e-3)
