"""What the checks of all operators share: whatever passes is computed exactly by the kernels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from datasheet.bad_input import BadInputError
from mcu_models.compiler.model import WindowOptions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mcu_models.compiler.model import Operator, Tensor

# A softmax and a sigmoid answer with probabilities, a hyperbolic tangent with -1 to 1: these scales and zero points
# are fixed by the 8-bit specification (https://ai.google.dev/edge/litert/models/quantization_spec).
PROBABILITY: Final = ((1 / 256,), (-128,))
SIGNED_UNIT: Final = ((1 / 128,), (0,))

# Every code would become the same, or overflow.
_FARTHEST: Final = 2.0**16
_RANGES: Final = {"int8": range(-128, 128), "int16": range(-32768, 32768)}


class OperatorCheck:
    """Checks one operator; whatever it finds is said with the operator's index and name.

    Args:
        path: The network's file, for errors.
        operator: What to check.
    """

    def __init__(self, path: Path, operator: Operator) -> None:
        self.path = path
        self.operator = operator

    def demand(self, true: bool, key: str, value: object, allowed: str) -> None:  # noqa: FBT001 - an assertion
        """Raise BadInputError unless `true`."""
        if not true:
            raise self.error(key, value, allowed)

    def error(self, key: str, value: object, allowed: str) -> BadInputError:
        """Return the error that says what is wrong with one of the operator's keys."""
        return BadInputError(self.path, f"operator {self.operator.index} {self.operator.name}: {key}", value, allowed)

    def operands(self, fewest: int, most: int | None = None, outputs: int = 1) -> None:
        """Demand this many operands and outputs."""
        count, largest = len(self.operator.inputs), fewest if most is None else most
        allowed = f"expected {fewest}" + ("" if fewest == largest else f" to {largest}")
        self.demand(fewest <= count <= largest, "inputs", count, allowed)
        self.demand(len(self.operator.outputs) == outputs, "outputs", len(self.operator.outputs), f"expected {outputs}")

    def computed(self, position: int = 0) -> Tensor:
        """Return the operand at a position, demanded to be there and computed."""
        tensor = self.operator.operand(position)
        key = "input" if position == 0 else f"input {position}"
        if tensor is None or not tensor.is_computed:
            raise self.error(key, None if tensor is None else tensor.name, "expected a computed tensor")
        return tensor

    def constant(self, position: int, key: str, dtypes: Sequence[str]) -> Tensor:
        """Return the operand at a position, demanded to be a constant of one of these types."""
        tensor = self.operator.operand(position)
        if tensor is None or tensor.data is None:
            raise self.error(key, None if tensor is None else tensor.name, "expected constants")
        self.demand(tensor.dtype in dtypes, f"{key} type", tensor.dtype, f"expected {' or '.join(dtypes)}")
        good = tensor.dtype != "float32" or bool(np.isfinite(tensor.data).all())
        self.demand(good, key, tensor.name, "expected finite numbers")
        return tensor

    def activations(self, dtype: str = "int8") -> None:
        """Demand every computed operand and every output to be of a type and quantised as a whole."""
        for key, tensor in self._computed():
            self.demand(tensor.dtype == dtype, f"{key} type", tensor.dtype, f"expected {dtype}")
            if dtype != "float32":
                self.quantised_whole(key, tensor)

    def _computed(self) -> list[tuple[str, Tensor]]:
        sources = [("input", tensor) for tensor in self.operator.inputs if tensor is not None and tensor.is_computed]
        return sources + [("output", tensor) for tensor in self.operator.outputs]

    def quantised_whole(self, key: str, tensor: Tensor) -> None:
        """Demand one positive scale and a zero point that fits."""
        self.demand(len(tensor.scales) == 1, f"{key} scales", len(tensor.scales), "expected one")
        self.quantised(key, tensor)

    def quantised(self, key: str, tensor: Tensor) -> None:
        """Demand positive scales and zero points that fit the type."""
        good = all(math.isfinite(scale) and scale > 0 for scale in tensor.scales)
        self.demand(good, f"{key} scale", tensor.scales[:1], "expected positive numbers")
        allowed = _RANGES[tensor.dtype]
        good = all(zero in allowed for zero in tensor.zero_points)
        self.demand(good, f"{key} zero point", tensor.zero_points[:1], f"expected {allowed[0]} to {allowed[-1]}")

    def same_quantisation(self) -> None:
        """Demand that every output means by its codes what the input does."""
        source = self.operator.input
        for result in self.operator.outputs:
            same = source.quantisation == result.quantisation
            self.demand(same, "output scale", result.scales[:1], f"expected the input's, {source.scales[:1]}")

    def scale_ratio(self) -> None:
        """Demand scales that are not absurdly far apart, so that rescaling shifts by a word at most."""
        ratio = self.operator.input.scale / self.operator.output.scale
        self.demand(
            _FARTHEST**-1 < ratio < _FARTHEST, "output scale", self.operator.output.scale, "too far from the input's"
        )

    def fixed_output(self, quantisation: tuple[tuple[float, ...], tuple[int, ...]]) -> None:
        """Demand the scale and zero point that the 8-bit specification fixes."""
        result = self.operator.output
        allowed = f"expected {quantisation[0][0]} with zero point {quantisation[1][0]}"
        self.demand(result.quantisation == quantisation, "output scale", result.scale, allowed)

    def same_size(self) -> None:
        """Demand as many values in the output as in the input."""
        source, result = self.operator.input, self.operator.output
        self.demand(source.size == result.size, "output shape", list(result.shape), f"expected {source.size} values")

    def same_shape(self) -> None:
        """Demand the output's shape to be the input's."""
        shape = self.operator.output.shape
        self.demand(self.operator.input.shape == shape, "output shape", list(shape), "must be the input's")

    def shape(self, expected: tuple[int, ...]) -> None:
        """Demand a shape of the output."""
        result = self.operator.output.shape
        self.demand(result == expected, "output shape", list(result), f"expected {list(expected)}")

    def window(self) -> None:
        """Demand an output as long as the positions of the window."""
        options = self.operator.options_as(WindowOptions)
        source, result = self.operator.input.shape, self.operator.output.shape
        good = len(source) == 4 and len(result) == 4
        self.demand(good, "shapes", [list(source), list(result)], "expected (batch, rows, columns, channels)")
        self.demand(source[0] == result[0], "output batch", result[0], f"expected the input's, {source[0]}")
        expected = tuple(options.output_length(source[1 + axis], axis) for axis in (0, 1))
        self.demand(result[1:3] == expected, "output shape", list(result), f"expected rows, columns {expected}")

    def weights(self, axis: int) -> Tensor:
        """Return the second operand, demanded to be int8 weights with a scale for all or for each index of an axis."""
        weights = self.constant(1, "weights", ("int8",))
        channels = weights.shape[axis]
        self.demand(len(weights.scales) in (1, channels), "weight scales", len(weights.scales), f"1 or {channels}")
        if len(weights.scales) > 1:
            self.demand(weights.axis == axis, "weights axis", weights.axis, f"expected {axis}")
        self.quantised("weights", weights)
        self.demand(not any(weights.zero_points), "weights zero points", weights.zero_points[:1], "expected 0")
        return weights

    def bias(self, channels: int, dtype: str = "int32") -> None:
        """Demand the third operand, when it is there, to be a constant for each channel."""
        if self.operator.bias is None:
            return
        bias = self.constant(2, "bias", (dtype,))
        self.demand(bias.shape == (channels,), "bias shape", list(bias.shape), f"expected [{channels}]")
