"""A user's own sensor file: what cannot be a sensor is refused in one line."""

from __future__ import annotations

import re
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np
import pytest

from datasheet.bad_input import BadInputError
from datasheet.config import library_names
from sensors.grid_eye_sheet import GridEyeSheet, load_grid_eye
from sensors.pixels import pixel_directions_deg, pixel_lines

if TYPE_CHECKING:
    from pathlib import Path

PART = resources.files("sensors.parts").joinpath("amg8833.toml").read_text()
EVEN = PART[: PART.index("# One quadrant;")] + PART[PART.index("# What a part in a ceiling shows.") :]
"""The same part without a table of pixels."""


def with_value(text: str, key: str, value: float) -> str:
    """Return `text` with the first `key` changed, without the interval that it may have had."""
    pattern = rf"(?m)^({key} = \{{ value = )[-0-9.e]+,(?: low = [-0-9.e]+,)?(?: high = [-0-9.e]+,)?"
    changed, number = re.subn(pattern, rf"\g<1>{value},", text, count=1)
    assert number == 1, key
    return changed


def sized(text: str, rows: int, columns: int) -> str:
    return re.sub(r"(?m)^columns = .*", f"columns = {columns}", re.sub(r"(?m)^rows = .*", f"rows = {rows}", text))


def loaded(folder: Path, text: str) -> GridEyeSheet:
    path = folder / "own.toml"
    path.write_text(text)
    return load_grid_eye(str(path))


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(BadInputError) as caught:
        loaded(folder, text)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(str(folder / "own.toml"))
    return str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("field_of_view_horizontal", 0, "field_of_view_horizontal.value is 0.0; must be greater than 0 deg"),
        ("field_of_view_vertical", -60, "field_of_view_vertical.value is -60.0; must be greater than 0 deg"),
        ("field_of_view_vertical", 180, "field_of_view_vertical.value is 180.0; must be greater than 0 deg and less"),
        ("fast_frame_rate", 0, "fast_frame_rate.value is 0.0; must be greater than 0"),
        ("fast_frame_rate", -10, "fast_frame_rate.value is -10.0; must be greater than 0"),
        ("slow_frame_rate", 0, "slow_frame_rate.value is 0.0; must be greater than 0"),
        ("slow_frame_rate", 11, "slow_frame_rate.value is 11.0; must not be above the fast rate of 10 Hz"),
        ("pixel_lsb", 0, "pixel_lsb.value is 0.0; must be greater than 0"),
        ("pixel_lsb", -0.25, "pixel_lsb.value is -0.25; must be greater than 0"),
        ("thermistor_lsb", 0, "thermistor_lsb.value is 0.0; must be greater than 0"),
        ("crosstalk", -0.1, "crosstalk.value is -0.1; must be from 0 to 1"),
        ("crosstalk", 1.1, "crosstalk.value is 1.1; must be from 0 to 1"),
        ("centre_noise", -0.2, "noise.field.centre_noise.value is -0.2; must not be negative"),
        ("corner_noise", -0.2, "noise.field.corner_noise.value is -0.2; must not be negative"),
        ("common_noise", -0.2, "noise.field.common_noise.value is -0.2; must not be negative"),
        ("fixed_pattern", -0.2, "noise.field.fixed_pattern.value is -0.2; must not be negative"),
        ("drift", -0.2, "noise.field.drift.value is -0.2; must not be negative"),
        ("drift_time", 0, "noise.field.drift_time.value is 0.0; must be greater than 0"),
        ("pattern_drift_time", -1, "noise.field.pattern_drift_time.value is -1.0; must be greater than 0"),
        ("object_high", 0, "object_high.value is 0.0; must be above object_low, 0 degC"),
        ("object_high", -5, "object_high.value is -5.0; must be above object_low, 0 degC"),
        ("thermistor_noise", -0.1, "thermistor_noise.value is -0.1; must not be negative"),
    ],
)
def test_a_value_that_no_sensor_has_is_refused(tmp_path: Path, key: str, value: float, said: str) -> None:
    assert said in refusal(tmp_path, with_value(PART, key, value))


@pytest.mark.parametrize(("rows", "columns"), [(24, 32), (4, 4), (8, 10), (7, 8)])
def test_a_table_of_pixels_must_be_one_quadrant_of_the_array(tmp_path: Path, rows: int, columns: int) -> None:
    said = refusal(tmp_path, sized(PART, rows, columns))
    assert f"pixels.azimuth.values; must be one quadrant of the {rows} x {columns} pixels; is 4 x 4" in said


def test_one_table_of_another_size_than_the_others_is_refused(tmp_path: Path) -> None:
    text = PART.replace("    [8.0, 8.3, 9.2, 11.4],\n", "")
    assert "pixels.elevation_width.values; must be one quadrant" in refusal(tmp_path, text)


def test_pixels_without_width_or_behind_the_lens_are_refused(tmp_path: Path) -> None:
    assert "pixels.elevation_width.values is 0.0" in refusal(tmp_path, PART.replace("9.2, 11.4]", "9.2, 0.0]"))
    assert "pixels.azimuth.values is 90.0" in refusal(tmp_path, PART.replace("22.9, 32.4]", "22.9, 90.0]"))


def test_a_smaller_array_may_have_a_table_of_its_own(tmp_path: Path) -> None:
    """The table's quadrant need not be 4 x 4."""
    quadrant = re.sub(r"(?m)^    \[([0-9.]+), ([0-9.]+), .*\n    \[([0-9.]+), ([0-9.]+), .*\n(?:    \[.*\n){2}",
                      r"    [\1, \2],\n    [\3, \4],\n", PART)  # fmt: skip
    sheet = loaded(tmp_path, sized(quadrant, 4, 4))
    azimuth, elevation = pixel_directions_deg(sheet)
    np.testing.assert_array_equal(azimuth[1], [-12.0, -3.8, 3.8, 12.0])
    np.testing.assert_array_equal(elevation[:, 1], [12.1, 3.9, -3.9, -12.1])


@pytest.mark.parametrize(("rows", "columns"), [(256, 256), (121, 160)])
def test_more_pixels_than_fit_into_memory_are_refused(tmp_path: Path, rows: int, columns: int) -> None:
    said = refusal(tmp_path, sized(EVEN, rows, columns))
    assert f"must have at most 19200 pixels; rows x columns are {rows} x {columns}" in said


def test_the_largest_array_is_taken(tmp_path: Path) -> None:
    assert loaded(tmp_path, sized(EVEN, 120, 160)).columns == 160


def test_all_parts_of_the_library_pass() -> None:
    for name in library_names("sensors.parts"):
        assert load_grid_eye(name).fast_frame_rate_hz.value > 0


def test_a_very_wide_view_still_has_lines_that_rise(tmp_path: Path) -> None:
    """A response that would reach behind the sensor ends before a right angle."""
    lines = pixel_lines(loaded(tmp_path, with_value(EVEN, "field_of_view_vertical", 175)))
    assert (np.diff(lines.slope) > 0).all()
    np.testing.assert_allclose(lines.weight.sum(axis=1), 1.0)


def test_weights_grow_with_the_pixels_not_with_pixels_times_lines(tmp_path: Path) -> None:
    """Of 80 x 60 pixels, all lines for all pixels would be 500 MB."""
    lines = pixel_lines(loaded(tmp_path, sized(EVEN, 60, 80)), split=16)
    assert lines.weight.nbytes < 30e6
    assert (lines.first >= 0).all()
    assert (lines.first + lines.weight.shape[1] <= len(lines.slope)).all()
