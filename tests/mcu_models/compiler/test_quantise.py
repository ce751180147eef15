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
from mcu_models.compiler.quantise import activation_range, fixed_point, layer_channels, rescaled
from mcu_models.compiler.reader import read_network

if TYPE_CHECKING:
    from pathlib import Path

    from mcu_models.compiler.model import Network, Operator


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


def _with_dense(network: Network, **changes: object) -> Network:
    *others, dense = network.operators
    return replace(network, operators=(*others, replace(dense, **changes)))  # type: ignore[arg-type]


def _dense(network: Network) -> Operator:
    return network.operators[-1]


def test_an_accumulator_that_could_overflow_is_refused(models: Path) -> None:
    """A bias near 2^31 leaves the range in which the kernels' rounding is exact."""
    network = read_network(models / "c8_p_fc.tflite")
    bias = _dense(network).bias
    assert bias is not None
    huge = replace(bias, data=np.full(4, 2**31 - 1, np.int32))
    with pytest.raises(BadInputError, match="operator 6 FULLY_CONNECTED: largest accumulator"):
        generate(_with_dense(network, inputs=(*_dense(network).inputs[:2], huge)), None)


def test_a_scale_above_one_shifts_left(models: Path) -> None:
    """Layers of the usual scales shift right only; one whose scale exceeds one shifts left."""
    network = read_network(models / "c8_p_fc.tflite")
    dense = _dense(network)
    assert all(c.left == 0 and c.right > 0 for c in layer_channels(network.path, dense))
    finer = replace(dense, outputs=(replace(dense.output, scales=(1e-6,)),))
    assert all(c.left > 0 and c.right == 0 for c in layer_channels(network.path, finer))


def test_a_channel_without_weights_may_have_a_bias_of_any_length(models: Path) -> None:
    """Its accumulator never changes, so a small one stands in for it that is rescaled to the same output."""
    network = read_network(models / "c8_p_fc.tflite")
    dense = _dense(network)
    weights, bias = dense.weights, dense.bias
    assert weights is not None
    assert bias is not None
    still = replace(weights, data=np.zeros(weights.shape, np.int8))
    huge = replace(bias, data=np.array([2**31 - 1, -(2**31) + 1, 2**30, 5], np.int32))
    changed = replace(dense, inputs=(dense.inputs[0], still, huge))
    for made, value, told in zip(
        layer_channels(network.path, changed), np.asarray(huge.data), layer_channels(network.path, dense), strict=True
    ):
        expected = rescaled(int(value), told)
        assert max(-512, min(512, expected)) == rescaled(made.bias, made)
        assert abs(made.bias) < 2**30
