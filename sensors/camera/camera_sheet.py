"""An image sensor and its lens, read from TOML."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from datasheet.config import find_in_library
from datasheet.quantity import Ampere, Hertz, Metre, PerSecond, Ratio, Watt
from datasheet.sheet import Sheet, load_sheet

_LIBRARY = "sensors.camera.parts"


class CameraSheet(Sheet):
    """What an image sensor and its lens do to light.

    Electrons are pure numbers. `responsivity_per_s` is electrons per lux on the sensor and second; `white_lux` says
    which light falls on a white surface of radiance 1 in a drawn scene.
    """

    title: str
    part: str
    rows: Annotated[int, Field(gt=0, le=4096)]
    columns: Annotated[int, Field(gt=0, le=4096)]
    adc_bits: Annotated[int, Field(ge=8, le=14)]
    pixel_m: Metre
    image_width_m: Metre
    focal_length_m: Metre
    f_number: Ratio
    radial_distortion: Ratio
    full_well: Ratio
    read_noise: Ratio
    responsivity_per_s: PerSecond
    dark_current_per_s: PerSecond
    fixed_pattern: Ratio
    response_spread: Ratio
    highest_gain: Ratio
    exposure_range: Ratio
    white_lux: Ratio
    frame_rate_hz: Hertz
    frame_rows: Ratio
    supply_power_w: Watt
    standby_current_a: Ampere

    @property
    def row_s(self) -> float:
        """Time from row to row of the rolling shutter."""
        return 1.0 / (self.frame_rate_hz.value * self.frame_rows.value)

    @property
    def longest_exposure_s(self) -> float:
        """A whole frame."""
        return 1.0 / self.frame_rate_hz.value

    def focal_px(self, columns: int) -> float:
        """Return the focal length in pixels when the array is read in so many columns."""
        return self.focal_length_m.value / self.image_width_m.value * columns


def load_camera(name_or_path: str) -> CameraSheet:
    """Return an image sensor of the library by name, or of a file of the user's own.

    Raises:
        BadInputError: No such sensor, or its file cannot be used.
    """
    return load_sheet(find_in_library(name_or_path, _LIBRARY, kind="camera"), CameraSheet)
