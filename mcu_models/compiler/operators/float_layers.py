"""CONV_2D and FULLY_CONNECTED on float32."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from mcu_models.compiler import ctext
from mcu_models.compiler.model import DenseOptions, WindowOptions
from mcu_models.compiler.operators.convolution import check_geometry, convolution_macs, read_window, window_lengths
from mcu_models.compiler.operators.dense import check_matrix, dense_macs, read_dense
from mcu_models.compiler.operators.family import Family, Layer, layer
from mcu_models.compiler.operators.images import for_each_image
from mcu_models.compiler.quantise import real_activation_range

if TYPE_CHECKING:
    from pathlib import Path

    from mcu_models.compiler.checks import OperatorCheck
    from mcu_models.compiler.model import Activation, Operator


def _check_float(check: OperatorCheck) -> int:
    """Check types; return the number of channels."""
    check.operands(2, 3)
    check.computed()
    check.activations("float32")
    channels = check.constant(1, "weights", ("float32",)).shape[:1]
    check.demand(len(channels) == 1, "weights shape", [], "expected two or four axes")
    check.bias(channels[0], "float32")
    return channels[0]


def _check_convolution(check: OperatorCheck) -> None:
    _check_float(check)
    check_geometry(check)


def _check_dense(check: OperatorCheck) -> None:
    _check_float(check)
    check_matrix(check)


def _data(operator: Operator) -> str:
    weights = operator.constant(1)
    bias = np.zeros(weights.shape[0], np.float32) if operator.bias is None else operator.constant(2)
    prefix = f"network_data_{operator.index}"
    return ctext.constants("float", f"{prefix}_weights", weights) + ctext.constants("float", f"{prefix}_bias", bias)


def _limits(activation: Activation) -> tuple[str, str]:
    lowest, highest = real_activation_range(activation)
    return ctext.real(lowest), ctext.real(highest)


def _write_convolution(_: Path, operator: Operator) -> Layer:
    lowest, highest = _limits(operator.options_as(WindowOptions).activation)
    fields = window_lengths(operator) | {"lowest": lowest, "highest": highest}
    window = ctext.struct("float_window", "window", fields)
    prefix = f"network_data_{operator.index}"
    call = f"    float_conv_2d(input, output, {prefix}_weights, {prefix}_bias, window);\n"
    return layer(operator, window + for_each_image(operator, call), "float_convolution.h", data=_data(operator))


def _write_dense(_: Path, operator: Operator) -> Layer:
    outputs, inputs = operator.constant(1).shape
    lowest, highest = _limits(operator.options_as(DenseOptions).activation)
    prefix = f"network_data_{operator.index}"
    body = (
        f"    for (int32_t row = 0; row < {operator.output.size // outputs}; ++row) {{\n"
        f"        float_fully_connected(input + row * {inputs}, output + row * {outputs}, {prefix}_weights,\n"
        f"                              {prefix}_bias, {inputs}, {outputs}, {lowest}, {highest});\n"
        "    }\n"
    )
    return layer(operator, body, "float_dense.h", data=_data(operator))


FLOAT_CONV_2D: Final = Family(
    check=_check_convolution,
    write=_write_convolution,
    options_type="Conv2DOptions",
    read=read_window,
    macs=convolution_macs,
)
FLOAT_FULLY_CONNECTED: Final = Family(
    check=_check_dense,
    write=_write_dense,
    options_type="FullyConnectedOptions",
    read=read_dense,
    macs=dense_macs,
)
