"""A frame becomes the network's input by integers alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from datasheet.bad_input import BadInputError
from mcu_models.compiler.frontend import frontend_names, frontend_table, lower_median, prepare, raw_from_degc
from mcu_models.compiler.reader import read_network

if TYPE_CHECKING:
    from pathlib import Path

    from mcu_models.compiler.model import Network


def network_with(models: Path, scale: float, zero_point: int) -> Network:
    """Return a network whose input has this quantisation."""
    network = read_network(models / "c8_p_fc.tflite")
    return replace(network, inputs=(replace(network.input, scales=(scale,), zero_points=(zero_point,)),))


def test_a_warm_pixel_over_the_median_gets_its_code(models: Path) -> None:
    """At 0.1 degC a code, a pixel 2 degC above the median is 20 codes above the zero point."""
    table = frontend_table(network_with(models, 0.1, -100))
    raw = np.full((1, 64), 88, np.int16)
    raw[0, 9] += 8
    prepared = prepare(raw, table)
    assert prepared.shape == (1, 8, 8, 1)
    assert prepared[0, 1, 1, 0] == -80
    assert np.count_nonzero(prepared == -100) == 63


def test_halves_round_away_from_zero(models: Path) -> None:
    """At 0.5 degC a code, one step of 0.25 degC is half a code: +1 and -1."""
    table = frontend_table(network_with(models, 0.5, 0))
    raw = np.zeros((1, 64), np.int16)
    raw[0, :2] = (1, -1)
    assert prepare(raw, table)[0, 0, :3, 0].tolist() == [1, -1, 0]


@given(hnp.arrays(np.int16, (3, 64), elements=st.integers(-2048, 2047)))
def test_the_lower_median_is_the_32nd_of_64(raw: np.ndarray) -> None:
    assert lower_median(raw).tolist() == np.sort(raw, axis=1)[:, 31].tolist()


@pytest.mark.parametrize("frontend", frontend_names())
@pytest.mark.parametrize(("scale", "zero_point"), [(0.03, -17), (0.5, 3), (7.0, 0), (1e-6, 0), (0.2, -128)])
def test_the_table_equals_the_formula(models: Path, frontend: str, scale: float, zero_point: int) -> None:
    """Within the table's range every value gets round(value / scale) + zero point, saturated."""
    table = frontend_table(network_with(models, scale, zero_point), frontend)
    ranges = {"minus_median": (-256, 255, 0.25), "raw": (-80, 431, 0.25), "hold_zero": (-512, 511, 1 / 32)}
    lowest, highest, step_degc = ranges[frontend]
    values = np.arange(lowest, highest + 1)
    assert len(table.codes) <= len(values)
    exact = values * step_degc / scale
    rounded = np.sign(exact) * np.floor(np.abs(exact) + 0.5) + zero_point
    looked_up = table.codes[np.clip(values - table.first, 0, len(table.codes) - 1)]
    assert np.array_equal(looked_up, np.clip(rounded, -128, 127))


def test_values_beyond_the_table_get_its_ends(models: Path) -> None:
    table = frontend_table(network_with(models, 0.1, 0), "raw")
    raw = np.array([[-2048, 2047] * 32], np.int16)
    assert prepare(raw, table)[0, 0, :2, 0].tolist() == [table.codes[0], table.codes[-1]]


@pytest.mark.parametrize(("frontend", "step_degc"), [("hold_zero", 1 / 32), ("minus_median", 0.25)])
def test_an_input_of_float32_is_degc_within_its_span(models: Path, frontend: str, step_degc: float) -> None:
    """Whole steps of the front end, exactly; without a span, all that the front end tells apart."""
    network = read_network(models / "float.tflite")
    table = frontend_table(network, frontend, (-4.0, 8.1))
    assert table.codes.dtype == np.float32
    assert table.codes[0] == -4.0
    assert table.codes[-1] == 8.0 + (step_degc * 3 if frontend == "hold_zero" else 0.0)
    assert set(np.diff(table.codes).tolist()) == {step_degc}
    assert len(frontend_table(network, frontend).codes) > len(table.codes)
    raw = np.full((1, 64), 88, np.int16)
    raw[0, :3] = (92, 2000, -2000)
    assert prepare(raw, table)[0, 0, :4, 0].tolist() == [1.0, table.codes[-1], -4.0, 0.0]


def test_a_network_from_one_type_to_another_has_no_front_end(models: Path) -> None:
    mixed = replace(network_with(models, 0.1, 0), outputs=read_network(models / "float.tflite").outputs)
    with pytest.raises(BadInputError, match=r"outputs is \['float32'\].*both int8 or both float32"):
        frontend_table(mixed)


def test_an_unknown_front_end_is_refused_with_the_nearest_name(models: Path) -> None:
    with pytest.raises(BadInputError, match="did you mean 'minus_median'"):
        frontend_table(read_network(models / "c8_p_fc.tflite"), "minus_medain")


def test_a_network_of_many_channels_has_no_front_end(models: Path) -> None:
    with pytest.raises(BadInputError, match=r"input shape is \[9, 7, 3\]"):
        frontend_table(read_network(models / "same_depthwise.tflite"))


def test_a_background_is_refused_where_a_row_fits_no_word(models: Path) -> None:
    """The firmware keeps a row's warm pixels in the bits of a word; other front ends take any width."""
    network = network_with(models, 0.1, 0)
    wide = replace(network, inputs=(replace(network.input, shape=(1, 8, 33, 1)),))
    frontend_table(wide, "minus_median")
    with pytest.raises(BadInputError, match=r"input shape is \[8, 33, 1\].*hold_zero takes up to 32 columns"):
        frontend_table(wide, "hold_zero")


def test_frames_in_degrees_convert_exactly() -> None:
    """Multiples of 0.25 degC are whole steps, in any float type; anything else is refused."""
    frames = np.array([[[-1.25, 0.0], [21.75, 80.0]]], np.float16)
    assert raw_from_degc(frames).tolist() == [[-5, 0, 87, 320]]
    for wrong in (21.8, float("nan"), 600.0):
        with pytest.raises(ValueError, match=r"multiples of 0\.25"):
            raw_from_degc(np.full((1, 8, 8), wrong))


def test_raw_frames_of_another_form_are_refused(models: Path) -> None:
    table = frontend_table(read_network(models / "c8_p_fc.tflite"))
    with pytest.raises(ValueError, match="expected int16"):
        prepare(np.zeros((1, 64), np.int32), table)  # type: ignore[arg-type]
