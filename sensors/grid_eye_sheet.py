"""What a Grid-EYE datasheet file holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from datasheet.bad_input import BadInputError, nearest_name
from datasheet.config import find_in_library
from datasheet.quantity import (
    Ampere,
    Celsius,
    Degree,
    DegreeTable,
    Hertz,
    Kelvin,
    Quantity,
    QuantityTable,
    Ratio,
    RatioTable,
    Second,
    Volt,
)
from datasheet.sheet import Sheet, load_sheet

if TYPE_CHECKING:
    from collections.abc import Callable

Profile = Literal["field", "datasheet"]

PixelCount = Annotated[int, Field(ge=1, le=256)]

MOST_PIXELS = 19_200
"""More rows x columns are refused; with 160 x 120 pixels the sensor's optics take less than 1 GB."""

_MUST_BE_POSITIVE = (
    "fast_frame_rate_hz",
    "slow_frame_rate_hz",
    "standby_short_period_s",
    "standby_long_period_s",
    "pixel_lsb_k",
    "thermistor_lsb_k",
)
_MUST_NOT_BE_NEGATIVE = (
    "startup_communication_s",
    "startup_stable_s",
    "accuracy_k",
    "thermistor_noise_k",
    "netd_1hz_k",
    "netd_10hz_k",
    "axis_gap_deg",
    "response_time_s",
)
_NOISES = (
    "centre_noise_k",
    "corner_noise_k",
    "common_noise_k",
    "fixed_pattern_k",
    "drift_k",
    "dip_k",
    "dip_rate_hz",
    "offset_k",
    "pattern_drift_k",
)
_NOISE_TIMES = ("drift_time_s", "pattern_drift_time_s")


def _check_each(sheet: Sheet, names: tuple[str, ...], is_good: Callable[[float], bool], allowed: str) -> None:
    """Refuse the first quantity of these names, as far as the sheet has them, that is not good."""
    for name in names:
        quantity: Quantity | None = getattr(sheet, name)
        if quantity is not None and not is_good(quantity.value):
            raise _fault(f"{_toml_key(name)}.value", quantity.value, allowed)


def _toml_key(name: str) -> str:
    return name if name == "crosstalk" else name.rsplit("_", 1)[0]


def _fault(key: str, found: float | None, allowed: str) -> PydanticCustomError:
    return PydanticCustomError("sheet", "{allowed}", {"allowed": allowed, "subkey": key, "found": found})


class PixelOptics(Sheet):
    """Where the pixels of one quadrant look, and how wide; (rows / 2, columns / 2), from the optical axis outwards."""

    azimuth_deg: DegreeTable
    elevation_deg: DegreeTable
    azimuth_width_deg: DegreeTable
    elevation_width_deg: DegreeTable

    @model_validator(mode="after")
    def _check_widths(self) -> Self:
        for key in ("azimuth", "elevation"):
            directions, widths = getattr(self, f"{key}_deg").as_array(), getattr(self, f"{key}_width_deg").as_array()
            if widths.min() <= 0:
                raise _fault(f"{key}_width.values", float(widths.min()), "must hold widths above 0 deg only")
            if not 0 <= directions.min() <= directions.max() < 90:
                allowed = "must hold angles from 0 deg to below 90 deg only"
                raise _fault(f"{key}.values", float(directions[(directions < 0) | (directions >= 90)][0]), allowed)
        return self


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

    @model_validator(mode="after")
    def _check_values(self) -> Self:
        _check_each(self, _NOISES, lambda value: value >= 0, "must not be negative")
        _check_each(self, _NOISE_TIMES, lambda value: value > 0, "must be greater than 0")
        return self


class GridEyeSheet(Sheet):
    """An AMG88xx, or another thermal array of rows and columns: supply, times, range, optics and noise.

    Without `pixels`, directions are spread evenly in angle over the field of view, and a pixel's half-value
    width is the pitch. Without `response_time_s` the pixels follow at once. `crosstalk` is the share of a
    pixel's signal that comes from its up to eight neighbours in equal parts; None is none. At the slow frame
    rate a frame is the mean of `fast_frame_rate_hz` / `slow_frame_rate_hz` fast ones. There are at most
    `MOST_PIXELS` pixels.
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

    @model_validator(mode="after")
    def _check_values(self) -> Self:
        _check_each(self, _MUST_BE_POSITIVE, lambda value: value > 0, "must be greater than 0")
        _check_each(self, _MUST_NOT_BE_NEGATIVE, lambda value: value >= 0, "must not be negative")
        _check_each(self, ("crosstalk",), lambda value: 0 <= value <= 1, "must be from 0 to 1")
        views = ("field_of_view_horizontal_deg", "field_of_view_vertical_deg")
        _check_each(self, views, lambda value: 0 < value < 180, "must be greater than 0 deg and less than 180 deg")
        return self

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        fast_hz, slow_hz = self.fast_frame_rate_hz.value, self.slow_frame_rate_hz.value
        if slow_hz > fast_hz:
            raise _fault("slow_frame_rate.value", slow_hz, f"must not be above the fast rate of {fast_hz:g} Hz")
        for what in ("object", "thermistor"):
            low_degc, high_degc = (getattr(self, f"{what}_{end}_degc").value for end in ("low", "high"))
            if high_degc <= low_degc:
                raise _fault(f"{what}_high.value", high_degc, f"must be above {what}_low, {low_degc:g} degC")
        return self

    @model_validator(mode="after")
    def _check_pixels(self) -> Self:
        if self.rows * self.columns > MOST_PIXELS:
            allowed = f"must have at most {MOST_PIXELS} pixels; rows x columns are {self.rows} x {self.columns}"
            raise _fault("rows", self.rows, allowed)
        if self.pixels is None:
            return self
        for name in PixelOptics.model_fields:
            table: QuantityTable = getattr(self.pixels, name)
            shape = table.as_array().shape
            if (2 * shape[0], 2 * shape[1]) != (self.rows, self.columns):
                allowed = f"must be one quadrant of the {self.rows} x {self.columns} pixels; is {shape[0]} x {shape[1]}"
                raise _fault(f"pixels.{name.removesuffix('_deg')}.values", None, allowed)
        return self


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
