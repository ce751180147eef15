"""Multipliers, shifts and ranges are those of TensorFlow Lite."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasheet.bad_input import BadInputError
from mcu_models.compiler.codegen import generate
from mcu_models.compiler.quantise import activation_range, fixed_point
from mcu_models.compiler.reader import read_network

if TYPE_CHECKING:
    from pathlib import Path

    from mcu_models.compiler.model import Int8Network, Operator


@given(st.floats(1e-8, 1e4))
def test_a_scale_is_its_multiplier_and_shift(scale: float) -> None:
    """The multiplier is in [2^30, 2^31) and gives the scale back to half of its last bit."""
    multiplier, exponent = fixed_point(scale)
    assert 1 << 30 <= multiplier < 1 << 31
    assert abs(multiplier * 2.0 ** (exponent - 31) - scale) <= 2.0 ** (exponent - 32)


@pytest.mark.parametrize(
    ("scale", "expected"),
    [(1.0, (1 << 30, 1)), (0.5, (1 << 30, 0)), (1 - 2.0**-40, (1 << 30, 1)), (1e-12, (0, 0))],
)
def test_scales_at_the_edges(scale: float, expected: tuple[int, int]) -> None:
    """A fraction that rounds up to one moves into the exponent; a scale below 2^-32 is nothing."""
    assert fixed_point(scale) == expected


def test_activations_cut_the_range_at_zero_and_six(models: Path) -> None:
    """RELU starts at the zero point; RELU6 ends six scales above it."""
    output = replace(read_network(models / "c8_p_fc.tflite").output, scales=(0.05,), zero_points=(-20,))
    assert activation_range("none", output) == (-128, 127)
    assert activation_range("relu", output) == (-20, 127)
    assert activation_range("relu6", output) == (-20, 100)


def _with_dense(network: Int8Network, **changes: object) -> Int8Network:
    *others, dense = network.operators
    return replace(network, operators=(*others, replace(dense, **changes)))  # type: ignore[arg-type]


def _dense(network: Int8Network) -> Operator:
    return network.operators[-1]


def test_an_accumulator_that_could_overflow_is_refused(models: Path) -> None:
    """A bias near 2^31 leaves the range in which the kernels' rounding is exact."""
    network = read_network(models / "c8_p_fc.tflite")
    bias = _dense(network).bias
    assert bias is not None
    huge = replace(bias, data=np.full(4, 2**31 - 1, np.int32))
    with pytest.raises(BadInputError, match="operator 6 FULLY_CONNECTED: largest accumulator"):
        generate(_with_dense(network, bias=huge), None)


def test_a_scale_above_one_shifts_left_and_says_so(models: Path) -> None:
    """A layer whose scale exceeds one is generated with left shifts and the general rounding."""
    network = read_network(models / "c8_p_fc.tflite")
    output = replace(_dense(network).output, scales=(1e-6,))
    source = generate(_with_dense(network, output=output), None).sources["network.c"]
    assert ".only_right = false" in source
    assert ".only_right = true" in source
