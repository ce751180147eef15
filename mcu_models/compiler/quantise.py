"""The integers by which a layer rescales: multipliers, shifts, folded biases and output ranges.

They follow TensorFlow Lite's `QuantizeMultiplier`, `PopulateConvolutionQuantizationParams`,
`CalculateActivationRangeQuantized` and `PreprocessSoftmaxScaling` to the last bit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from datasheet.bad_input import BadInputError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from mcu_models.compiler.model import Activation, Operator, SoftmaxOptions, Tensor

# The kernels' rounding adds up to 2^30 to a value below this without overflow.
_ACCUMULATOR_LIMIT: Final = 1 << 30
_SOFTMAX_INTEGER_BITS: Final = 5
_MOST_LEFT: Final = 30
_REAL_RANGES: Final[dict[Activation, tuple[float, float]]] = {
    "none": (-math.inf, math.inf),
    "relu": (0.0, math.inf),
    "relu_n1_to_1": (-1.0, 1.0),
    "relu6": (0.0, 6.0),
}
# Codes beyond this are held at the ends of int8 anyway.
_FAR: Final = 1e6
_FAR_CODE: Final = 512


@dataclass(frozen=True)
class Channel:
    """How one output channel's accumulator starts and is rescaled.

    Attributes:
        bias: Where it starts: the bias less the input's zero point times the sum of the weights.
        multiplier: Q0.31.
        left: Bits to shift left before the multiplication.
        right: Bits to shift right after it, rounding halves away from zero.
    """

    bias: int
    multiplier: int
    left: int
    right: int


@dataclass(frozen=True)
class SoftmaxScaling:
    """How a softmax scales the difference to the largest input to Q5.26.

    Attributes:
        multiplier: Q0.31.
        left: Bits to shift left before the multiplication.
        smallest: Differences below this count as nothing.
    """

    multiplier: int
    left: int
    smallest: int


def fixed_point(scale: float) -> tuple[int, int]:
    """Return the Q0.31 multiplier and the power of two that stand for a positive `scale`."""
    fraction, exponent = math.frexp(scale)
    multiplier = _round_half_away(fraction * (1 << 31))
    if multiplier == 1 << 31:
        multiplier, exponent = multiplier // 2, exponent + 1
    return (0, 0) if exponent < -31 else (multiplier, exponent)


def _round_half_away(value: float) -> int:
    return int(math.copysign(math.floor(abs(value) + 0.5), value))


def layer_channels(path: Path, operator: Operator) -> tuple[Channel, ...]:
    """Return how each output channel of a layer with weights is rescaled.

    Raises:
        BadInputError: An accumulator could reach 2^30, where the kernels' arithmetic ends.
    """
    rows = _weights_by_channel(operator)
    assert operator.weights is not None  # noqa: S101 - checked when it was read
    biases = np.zeros(len(rows), np.int64) if operator.bias is None else np.asarray(operator.bias.data, np.int64)
    scales = np.broadcast_to(np.asarray(operator.weights.scales, np.float64), (len(rows),))
    channels = []
    for row, bias, scale in zip(rows, biases, scales, strict=True):
        folded = int(bias) - operator.input.zero_point * int(row.sum())
        multiplier, exponent = fixed_point(_product_scale(operator, float(scale)) / operator.output.scale)
        channel = Channel(folded, multiplier, max(exponent, 0), max(-exponent, 0))
        if _ACCUMULATOR_LIMIT <= abs(folded) << channel.left < 1 << 31 and not row.any():
            channel = _constant_channel(channel)
        _check_range(path, operator, row, channel)
        channels.append(channel)
    return tuple(channels)


def _product_scale(operator: Operator, weights_scale: float) -> float:
    """Return the scale of a layer's sums.

    TensorFlow Lite multiplies in double precision, but for a FULLY_CONNECTED with one scale for all weights
    (GetQuantizedConvolutionMultipler in tensorflow/lite/kernels/kernel_util.cc), where it multiplies in float32.
    """
    if operator.name == "FULLY_CONNECTED" and operator.weights is not None and len(operator.weights.scales) == 1:
        return float32_product(operator.input.scale, weights_scale)
    return operator.input.scale * weights_scale


def _constant_channel(channel: Channel) -> Channel:
    """Return a channel without weights whose accumulator is small and gives the same output.

    Training leaves such channels behind: their weights' scale is next to nothing, so their bias fills its 32 bits.
    """
    output = rescaled(channel.bias, channel)
    return Channel(4 * min(max(output, -_FAR_CODE), _FAR_CODE), 1 << 30, 0, 1)


def rescaled(accumulator: int, channel: Channel) -> int:
    """Return what the reference kernels make of an accumulator, before zero point and clamp.

    It is rounded twice: by the doubling high product, halves up, and by the division, halves away from zero.
    """
    product = ((accumulator << channel.left) * channel.multiplier + (1 << 30)) >> 31
    quotient = (abs(product) + (1 << channel.right >> 1)) >> channel.right
    return quotient if product >= 0 else -quotient


def _weights_by_channel(operator: Operator) -> NDArray[np.int64]:
    assert operator.weights is not None  # noqa: S101 - checked when it was read
    data = np.asarray(operator.weights.data, np.int64)
    if operator.name == "DEPTHWISE_CONV_2D":
        return data.reshape(-1, data.shape[3]).T
    return data.reshape(data.shape[0], -1)


def _check_range(path: Path, operator: Operator, weights: NDArray[np.int64], channel: Channel) -> None:
    # |bias + sum(weights * input)| for every input, and for every part of the sum on the way.
    largest = abs(channel.bias) + 128 * int(np.abs(weights).sum())
    if channel.left > _MOST_LEFT or largest << channel.left >= _ACCUMULATOR_LIMIT:
        raise BadInputError(
            path,
            f"operator {operator.index} {operator.name}: largest accumulator",
            largest,
            f"times 2^{channel.left} it must stay below 2^30",
        )


def activation_range(activation: Activation, output: Tensor) -> tuple[int, int]:
    """Return the smallest and the largest int8 that an activation lets through."""
    lowest, highest = real_activation_range(activation)
    return max(-128, _nearest_code(lowest, output)), min(127, _nearest_code(highest, output))


def float32_product(first: float, second: float) -> float:
    """Return a product as float32 arithmetic gives it; infinite where it is too large for it."""
    with np.errstate(over="ignore"):
        return float(np.float32(first) * np.float32(second))


def float32_ratio(numerator: float, denominator: float) -> float:
    """Return a quotient as float32 arithmetic gives it; infinite where it is too large for it."""
    with np.errstate(over="ignore"):
        return float(np.float32(numerator) / np.float32(denominator))


def real_activation_range(activation: Activation) -> tuple[float, float]:
    """Return the smallest and the largest number that an activation lets through."""
    return _REAL_RANGES[activation]


def _nearest_code(value: float, output: Tensor) -> int:
    """Return the code nearest to a number, as TensorFlow Lite rounds it, not yet held within int8."""
    steps = float32_ratio(value, output.scale)
    return output.zero_point + _round_half_away(min(max(steps, -_FAR), _FAR))


def softmax_scaling(path: Path, operator: Operator, options: SoftmaxOptions) -> SoftmaxScaling:
    """Return how a softmax scales its inputs.

    Raises:
        BadInputError: The input's scale is below what the fixed-point exponential covers.
    """
    fraction_bits = 31 - _SOFTMAX_INTEGER_BITS
    scale = min(options.beta * operator.input.scale * (1 << fraction_bits), (1 << 31) - 1.0)
    if scale <= 1:
        place = f"operator {operator.index} {operator.name}: input scale"
        raise BadInputError(path, place, operator.input.scale, "times beta it must be above 2^-26")
    multiplier, left = fixed_point(scale)
    radius = ((1 << _SOFTMAX_INTEGER_BITS) - 1) * (1 << fraction_bits) / (1 << left)
    # From a shift by 31 on, which a word has not, no difference but zero counts, and that is zero by any shift.
    return SoftmaxScaling(multiplier, min(left, _MOST_LEFT), -math.floor(radius))
