"""What a Grid-EYE datasheet file holds."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from datasheet.bad_input import BadInputError, nearest_name
from datasheet.config import find_in_library
from datasheet.quantity import (
    Ampere,
    Celsius,
    Degree,
    DegreeTable,
    Hertz,
    Kelvin,
    Ratio,
    RatioTable,
    Second,
    Volt,
)
from datasheet.sheet import Sheet, load_sheet

Profile = Literal["field", "datasheet"]

PixelCount = Annotated[int, Field(ge=1, le=256)]


class PixelOptics(Sheet):
    """Where the 16 pixels of one quadrant look, and how wide; (4, 4), from the optical axis outwards."""

    azimuth_deg: DegreeTable
    elevation_deg: DegreeTable
    azimuth_width_deg: DegreeTable
    elevation_width_deg: DegreeTable


class NoiseProfile(Sheet):
    """Standard deviations of what is added to the true temperature.

    White noise grows from `centre_noise_k` to `corner_noise_k`; `common_noise_k` is white and shared by all
    pixels; `fixed_pattern_k` and `offset_k` differ between units and stay; `pattern_drift_k` is the part of the
    fixed pattern's standard deviation that wanders, with time constant `pattern_drift_time_s` (None: all of it
    stays); `drift_k`, the same in all pixels, wanders with time constant `drift_time_s`; a frame at
    `dip_rate_hz` reads `dip_k` too low.
    """

    centre_noise_k: Kelvin
    corner_noise_k: Kelvin
    common_noise_k: Kelvin
    fixed_pattern_k: Kelvin
    drift_k: Kelvin
    drift_time_s: Second
    dip_k: Kelvin
    dip_rate_hz: Hertz
    offset_k: Kelvin
    pattern_drift_k: Kelvin | None = None
    pattern_drift_time_s: Second | None = None


class GridEyeSheet(Sheet):
    """An AMG88xx, or another thermal array of rows and columns: supply, times, range, optics and noise.

    Without `pixels`, directions are spread evenly in angle over the field of view, and a pixel's half-value
    width is the pitch. Without `response_time_s` the pixels follow at once. `crosstalk` is the share of a
    pixel's signal that comes from its up to eight neighbours in equal parts; None is none. At the slow frame
    rate a frame is the mean of `fast_frame_rate_hz` / `slow_frame_rate_hz` fast ones.
    """

    part: str
    description: str
    rows: PixelCount = 8
    columns: PixelCount = 8
    i2c_address: RatioTable
    bus_clock_max_hz: Hertz
    supply_v: Volt
    normal_current_a: Ampere
    sleep_current_a: Ampere
    standby_current_a: Ampere
    startup_communication_s: Second
    startup_stable_s: Second
    fast_frame_rate_hz: Hertz
    slow_frame_rate_hz: Hertz
    standby_short_period_s: Second
    standby_long_period_s: Second
    object_low_degc: Celsius
    object_high_degc: Celsius
    accuracy_k: Kelvin
    pixel_lsb_k: Kelvin
    thermistor_lsb_k: Kelvin
    thermistor_low_degc: Celsius
    thermistor_high_degc: Celsius
    thermistor_noise_k: Kelvin
    thermistor_offset_k: Kelvin
    netd_1hz_k: Kelvin
    netd_10hz_k: Kelvin
    field_of_view_horizontal_deg: Degree
    field_of_view_vertical_deg: Degree
    axis_gap_deg: Degree
    response_time_s: Second | None = None
    crosstalk: Ratio | None = None
    pixels: PixelOptics | None = None
    noise: dict[str, NoiseProfile]


def load_grid_eye(name_or_path: str = "amg8833") -> GridEyeSheet:
    """Return the datasheet of a Grid-EYE by library name or path.

    Raises:
        BadInputError: There is no such sensor, or its file is not a Grid-EYE datasheet.
    """
    return load_sheet(find_in_library(name_or_path, "sensors.parts", kind="sensor"), GridEyeSheet)


def noise_profile(sheet: GridEyeSheet, profile: str) -> NoiseProfile:
    """Return the noise profile of that name.

    Raises:
        BadInputError: The sheet has no such profile.
    """
    if profile not in sheet.noise:
        allowed = f"unknown noise profile; {nearest_name(profile, sheet.noise)}"
        raise BadInputError(sheet.part, "noise", profile, allowed)
    return sheet.noise[profile]
