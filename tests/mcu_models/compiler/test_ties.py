"""Scales whose product or quotient float32 rounds to one that makes ties, and double precision does not.

TensorFlow Lite multiplies scales in float32 for some operators and in double precision for others. Random scales hardly
ever show which; with these, half of the outputs would differ by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from mcu_models.compiler.graph_builder import GraphBuilder
from mcu_models.compiler.model import DenseOptions, ElementwiseOptions, MeanOptions, WindowOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcu_models.compiler.model import Network

    Scales = tuple[float, float, float]

WEIGHTS = np.array([1, 3, -1, -3], np.int8)
FRAMES = 120


def product_scales(*, above: bool) -> Scales:
    """Return scales of input, weights and output: exactly one half in float32, a little more or less in double."""
    generator = np.random.default_rng(1)
    while True:
        first, second = np.float32(generator.uniform(0.01, 0.1)), np.float32(generator.uniform(0.001, 0.02))
        product = np.float32(first * second)
        error = float(first) * float(second) / float(product) - 1
        if (error > 0) == above and abs(error) > 2e-8:
            return float(first), float(second), float(np.float32(2) * product)


def quotient_scales(*, above: bool) -> Scales:
    """Return scales of input, weights and output: exactly three halves in float32, a little more or less in double."""
    generator = np.random.default_rng(2)
    while True:
        result = np.float32(generator.uniform(0.01, 0.1))
        source = np.float32(1.5) * result
        error = float(source) / float(result) - 1.5
        if error != 0 and (error > 0) == above:
            return float(source), 1.0, float(result)


def window(name: str, scales: Scales, *, per_channel: bool) -> Network:
    builder = GraphBuilder()
    source, result = builder.tensor((1, 1, 1, 1), scales[0]), builder.tensor((1, 1, 1, 4), scales[2])
    depthwise = name == "DEPTHWISE_CONV_2D"
    count = 4 if per_channel else 1
    shape = (1, 1, 1, 4) if depthwise else (4, 1, 1, 1)
    weights = builder.constant(WEIGHTS.reshape(shape), [scales[1]] * count, 0, 3 if depthwise else 0)
    bias = builder.constant(np.zeros(4, np.int32), [scales[0] * scales[1]] * count)
    builder.operator(name, [source, weights, bias], [result], WindowOptions("valid", (1, 1), (1, 1), (1, 1), "none"))
    return builder.network([source], [result])


def dense(scales: Scales, *, per_channel: bool) -> Network:
    builder = GraphBuilder()
    source, result = builder.tensor((1, 1), scales[0]), builder.tensor((1, 4), scales[2])
    weights = builder.constant(WEIGHTS.reshape(4, 1), [scales[1]] * (4 if per_channel else 1))
    builder.operator("FULLY_CONNECTED", [source, weights, None], [result], DenseOptions("none"))
    return builder.network([source], [result])


def elementwise(name: str, scales: Scales) -> Network:
    builder = GraphBuilder()
    source, result = builder.tensor((1, 1), scales[0]), builder.tensor((1, 4), scales[2])
    operand = builder.constant(WEIGHTS.reshape(1, 4), [scales[1]])
    builder.operator(name, [source, operand], [result], ElementwiseOptions("none"))
    return builder.network([source], [result])


def mean(scales: Scales) -> Network:
    builder = GraphBuilder()
    source, result = builder.tensor((1, 1, 1), scales[0]), builder.tensor((1, 1), scales[2])
    axes = builder.constant(np.array([1], np.int32))
    builder.operator("MEAN", [source, axes], [result], MeanOptions(keep_dims=False))
    return builder.network([source], [result])


NETWORKS: dict[str, Callable[[Scales], Network]] = {
    "convolution per tensor": lambda s: window("CONV_2D", s, per_channel=False),
    "convolution per channel": lambda s: window("CONV_2D", s, per_channel=True),
    "depthwise per tensor": lambda s: window("DEPTHWISE_CONV_2D", s, per_channel=False),
    "depthwise per channel": lambda s: window("DEPTHWISE_CONV_2D", s, per_channel=True),
    "dense per tensor": lambda s: dense(s, per_channel=False),
    "dense per channel": lambda s: dense(s, per_channel=True),
    "product": lambda s: elementwise("MUL", s),
    "sum": lambda s: elementwise("ADD", s),
    "difference": lambda s: elementwise("SUB", s),
    "mean": mean,
}


@pytest.mark.parametrize("above", [False, True])
@pytest.mark.parametrize("scales", [product_scales, quotient_scales])
@pytest.mark.parametrize("name", NETWORKS)
def test_scales_are_combined_in_the_references_precision(
    name: str,
    scales: Callable[..., Scales],
    above: bool,  # noqa: FBT001 - a parameter
    compare: Callable[..., Any],
) -> None:
    assert compare(NETWORKS[name](scales(above=above)), frames=FRAMES).mismatches == 0
