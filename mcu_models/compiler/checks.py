"""Checks of each operator of a network: whatever passes is computed exactly by the kernels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from datasheet.bad_input import BadInputError
from mcu_models.compiler.model import Operator, SoftmaxOptions, Tensor, WindowOptions

if TYPE_CHECKING:
    from pathlib import Path

_INT8: Final = range(-128, 128)
# A softmax answers with probabilities: this scale and zero point are fixed by the TFLite 8-bit specification.
_PROBABILITY: Final = ((1 / 256,), (-128,))


def check_operator(path: Path, operator: Operator) -> None:
    """Check one operator of a network.

    Raises:
        BadInputError: A type, a shape or a scale is not what the operator needs.
    """
    _Check(path, operator).run()


class _Check:
    def __init__(self, path: Path, operator: Operator) -> None:
        self.path = path
        self.operator = operator

    def run(self) -> None:
        self._activations()
        name = self.operator.name
        if name in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            self._convolution()
        elif name == "FULLY_CONNECTED":
            self._dense()
        elif name in ("MAX_POOL_2D", "AVERAGE_POOL_2D"):
            self._pool()
        elif name == "RESHAPE":
            self._reshape()
        else:
            self._softmax()

    def demand(self, true: bool, key: str, value: object, allowed: str) -> None:  # noqa: FBT001 - an assertion
        if not true:
            place = f"operator {self.operator.index} {self.operator.name}: {key}"
            raise BadInputError(self.path, place, value, allowed)

    def _activations(self) -> None:
        for key, tensor in (("input", self.operator.input), ("output", self.operator.output)):
            self.demand(tensor.dtype == "int8", f"{key} type", tensor.dtype, "expected int8")
            self.demand(tensor.data is None, f"{key}", tensor.name, "expected a computed tensor")
            self.demand(
                bool(tensor.shape) and tensor.shape[0] == 1,
                f"{key} shape",
                list(tensor.shape),
                "batch must be 1",
            )
            self.demand(len(tensor.scales) == 1, f"{key} scales", len(tensor.scales), "expected one")
            self._quantised(key, tensor)

    def _quantised(self, key: str, tensor: Tensor) -> None:
        good = all(math.isfinite(scale) and scale > 0 for scale in tensor.scales)
        self.demand(good, f"{key} scale", tensor.scales[:1], "expected positive numbers")
        good = all(zero in _INT8 for zero in tensor.zero_points)
        self.demand(good, f"{key} zero point", tensor.zero_points[:1], "expected -128 to 127")

    def _weights(self, axis: int) -> Tensor:
        weights = self.operator.weights
        if weights is None or weights.data is None:
            raise BadInputError(
                self.path,
                f"operator {self.operator.index} {self.operator.name}: weights",
                None,
                "expected constants",
            )
        self.demand(weights.dtype == "int8", "weights type", weights.dtype, "expected int8")
        channels = weights.shape[axis]
        self.demand(len(weights.scales) in (1, channels), "weight scales", len(weights.scales), f"1 or {channels}")
        if len(weights.scales) > 1:
            self.demand(weights.axis == axis, "weights axis", weights.axis, f"expected {axis}")
        self._quantised("weights", weights)
        self.demand(not any(weights.zero_points), "weights zero points", weights.zero_points[:1], "expected 0")
        return weights

    def _bias(self, channels: int) -> None:
        bias = self.operator.bias
        if bias is None:
            return
        self.demand(bias.dtype == "int32", "bias type", bias.dtype, "expected int32")
        self.demand(bias.data is not None, "bias", bias.name, "expected constants")
        self.demand(bias.shape == (channels,), "bias shape", list(bias.shape), f"expected [{channels}]")

    def _convolution(self) -> None:
        depthwise = self.operator.name == "DEPTHWISE_CONV_2D"
        weights = self._weights(axis=3 if depthwise else 0)
        self._window()
        channels = weights.shape[3 if depthwise else 0]
        depth = self.operator.input.shape[3]
        self.demand(self.operator.output.shape[3] == channels, "output channels", channels, "disagrees")
        fits_depthwise = weights.shape[0] == 1 and channels % depth == 0
        good = fits_depthwise if depthwise else weights.shape[3] == depth
        self.demand(good, "weights shape", list(weights.shape), f"does not fit an input of {depth} channels")
        self._bias(channels)

    def _window(self) -> None:
        options = self.operator.options
        assert isinstance(options, WindowOptions)  # noqa: S101 - the reader made them so
        source, result = self.operator.input.shape, self.operator.output.shape
        good = len(source) == 4 and len(result) == 4
        self.demand(good, "shapes", [list(source), list(result)], "expected (1, rows, columns, channels)")
        expected = tuple(options.output_length(source[1 + axis], axis) for axis in (0, 1))
        self.demand(result[1:3] == expected, "output shape", list(result), f"expected rows, columns {expected}")

    def _dense(self) -> None:
        weights = self._weights(axis=0)
        self.demand(len(weights.shape) == 2, "weights shape", list(weights.shape), "expected (outputs, inputs)")
        outputs, inputs = weights.shape
        good = self.operator.input.size == inputs and self.operator.output.size == outputs
        self.demand(good, "weights shape", [outputs, inputs], "does not fit the input and output")
        self._bias(outputs)

    def _pool(self) -> None:
        self._window()
        source, result = self.operator.input, self.operator.output
        self.demand(source.shape[3] == result.shape[3], "output channels", result.shape[3], "must equal the input's")
        self._same_quantisation()

    def _same_quantisation(self) -> None:
        source, result = self.operator.input, self.operator.output
        same = (source.scales, source.zero_points) == (result.scales, result.zero_points)
        self.demand(same, "output scale", result.scale, f"expected the input's, {source.scale!r}")

    def _reshape(self) -> None:
        source, result = self.operator.input, self.operator.output
        self.demand(source.size == result.size, "output shape", list(result.shape), f"expected {source.size} values")
        self._same_quantisation()

    def _softmax(self) -> None:
        options, result = self.operator.options, self.operator.output
        assert isinstance(options, SoftmaxOptions)  # noqa: S101 - the reader made them so
        good = math.isfinite(options.beta) and options.beta > 0
        self.demand(good, "beta", options.beta, "expected a positive number")
        self.demand(
            self.operator.input.shape == result.shape,
            "output shape",
            list(result.shape),
            "must be the input's",
        )
        good = (result.scales, result.zero_points) == _PROBABILITY
        self.demand(good, "output scale", result.scale, "expected 1/256 with zero point -128")
