"""The C function of each layer: its constant data, its memory, one call of a kernel with constant lengths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from datasheet.bad_input import BadInputError
from mcu_models.compiler import ctext
from mcu_models.compiler.model import DenseOptions, Operator, SoftmaxOptions, WindowOptions
from mcu_models.compiler.quantise import activation_range, layer_channels, softmax_scaling

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from mcu_models.compiler.quantise import Channel

_KERNELS: Final = {
    "CONV_2D": "int8_conv_2d",
    "DEPTHWISE_CONV_2D": "int8_depthwise_conv_2d",
    "MAX_POOL_2D": "int8_max_pool_2d",
    "AVERAGE_POOL_2D": "int8_average_pool_2d",
}


# INT8_FEW_TAPS of int8_convolution.h.
_FEW_TAPS: Final = 10


@dataclass(frozen=True)
class Layer:
    """One layer as C.

    Attributes:
        operator: What it computes.
        function: The C function's name, `network_layer_<operator index>_<operator name>`.
        data: Definitions of its constants.
        body: The function's body.
        scratch_bytes: Memory it needs while it runs; 0 when none.
    """

    operator: Operator
    function: str
    data: str
    body: str
    scratch_bytes: int


def layer_of(path: Path, operator: Operator) -> Layer:
    """Return the C of one operator that computes something (any but RESHAPE).

    Raises:
        BadInputError: The operator's numbers leave the range in which the kernels are exact.
    """
    options = operator.options
    name = f"network_layer_{operator.index}_{operator.name.lower()}"
    if isinstance(options, SoftmaxOptions):
        return Layer(operator, name, "", _softmax_body(path, operator, options), 0)
    if isinstance(options, DenseOptions):
        channels = layer_channels(path, operator)
        return Layer(operator, name, _data(operator, channels), _dense_body(operator, options, channels), 0)
    if isinstance(options, WindowOptions) and operator.weights is not None:
        return _convolution_layer(path, operator, name, options)
    if isinstance(options, WindowOptions):
        return Layer(operator, name, "", _pool_body(operator, options), 0)
    raise BadInputError(path, f"operator {operator.index}", operator.name, "no kernel computes it")


def _data(operator: Operator, channels: tuple[Channel, ...]) -> str:
    assert operator.weights is not None  # noqa: S101 - checked when it was read
    weights = np.asarray(operator.weights.data).reshape(-1)
    rows = [f"{{{c.bias}, {c.multiplier}, {c.left}, {c.right}}}" for c in channels]
    prefix = f"network_data_{operator.index}"
    if _has_few_taps(operator):
        pairs = _tap_pairs(operator)
        text = ctext.braced(f"static const uint32_t {prefix}_weights[{pairs.size}]", map("{:#010x}u".format, pairs))
    else:
        text = ctext.int_array(f"static const int8_t {prefix}_weights[{weights.size}]", weights.tolist())
    return text + "\n" + ctext.braced(f"static const int8_channel {prefix}_channels[{len(rows)}]", rows)


def _has_few_taps(operator: Operator) -> bool:
    """Return whether a convolution's window fits the registers, as two int16 in each."""
    return operator.name == "CONV_2D" and operator.macs // operator.output.size <= _FEW_TAPS


def _tap_pairs(operator: Operator) -> NDArray[np.uint32]:
    """Return each channel's weights as words of two int16; an odd last one is paired with zero."""
    assert operator.weights is not None  # noqa: S101 - checked when it was read
    rows = np.asarray(operator.weights.data, np.int16).reshape(operator.weights.shape[0], -1)
    padded = np.pad(rows, ((0, 0), (0, rows.shape[1] % 2)))
    return np.ascontiguousarray(padded, "<i2").view("<u4").reshape(-1)


def _constants(prefix: str) -> str:
    """Return pointers to a layer's constants; the compiler must load these, not spread them over the code."""
    return (
        f"    const __typeof__({prefix}_weights[0]) *weights = {prefix}_weights;\n"
        f"    const int8_channel *channels = {prefix}_channels;\n"
        "    INT8_OPAQUE(weights);\n"
        "    INT8_OPAQUE(channels);\n"
    )


def _output_form(operator: Operator, options: WindowOptions | DenseOptions, channels: tuple[Channel, ...]) -> str:
    lowest, highest = activation_range(options.activation, operator.output)
    only_right = all(c.left == 0 and c.right > 0 for c in channels)
    return ctext.struct(
        "int8_output",
        "form",
        {
            "zero_point": operator.output.zero_point,
            "lowest": lowest,
            "highest": highest,
            "only_right": only_right,
        },
    )


def _dense_body(operator: Operator, options: DenseOptions, channels: tuple[Channel, ...]) -> str:
    prefix = f"network_data_{operator.index}"
    return (
        _output_form(operator, options, channels)
        + _constants(prefix)
        + "    int8_fully_connected(input, output, weights, channels,"
        + f" {operator.input.size}, {operator.output.size}, form);\n"
    )


def _softmax_body(path: Path, operator: Operator, options: SoftmaxOptions) -> str:
    scaling = softmax_scaling(path, operator, options)
    classes = operator.input.shape[-1]
    shape = ctext.struct(
        "int8_softmax_shape",
        "shape",
        {
            "rows": operator.input.size // classes,
            "classes": classes,
            "multiplier": scaling.multiplier,
            "left": scaling.left,
            "smallest": scaling.smallest,
        },
    )
    return f"{shape}    int8_softmax(input, output, shape);\n"


def _pool_body(operator: Operator, options: WindowOptions) -> str:
    _, rows, columns, depth = operator.input.shape
    _, output_rows, output_columns, _ = operator.output.shape
    lowest, highest = activation_range(options.activation, operator.output)
    shape = ctext.struct(
        "int8_pool",
        "pool",
        {
            "input_rows": rows,
            "input_columns": columns,
            "depth": depth,
            "output_rows": output_rows,
            "output_columns": output_columns,
            "window_rows": options.window[0],
            "window_columns": options.window[1],
            "stride_rows": options.stride[0],
            "stride_columns": options.stride[1],
            "top": options.padding_before(rows, output_rows, 0),
            "left": options.padding_before(columns, output_columns, 1),
            "lowest": lowest,
            "highest": highest,
        },
    )
    return f"{shape}    {_KERNELS[operator.name]}(input, output, pool);\n"


def _convolution_layer(path: Path, operator: Operator, name: str, options: WindowOptions) -> Layer:
    channels = layer_channels(path, operator)
    padding = _padding_of(operator, options)
    columns = operator.input.shape[2] if padding is None else padding["padded_columns"]
    prefix = f"network_data_{operator.index}"
    source = "input" if padding is None else "scratch"
    kernel = "int8_conv_2d_few_taps" if _has_few_taps(operator) else _KERNELS[operator.name]
    body = (
        _window(operator, options, columns)
        + _output_form(operator, options, channels)
        + _pad_call(operator, padding)
        + _constants(prefix)
        + f"    {kernel}({source}, output, weights, channels,"
        + " window, form);\n"
    )
    scratch = 0
    if padding is not None:
        scratch = padding["padded_rows"] * padding["padded_columns"] * padding["depth"]
    return Layer(operator, name, _data(operator, channels), body, scratch)


def _window(operator: Operator, options: WindowOptions, input_columns: int) -> str:
    _, output_rows, output_columns, channels = operator.output.shape
    return ctext.struct(
        "int8_window",
        "window",
        {
            "input_columns": input_columns,
            "depth": operator.input.shape[3],
            "output_rows": output_rows,
            "output_columns": output_columns,
            "channels": channels,
            "window_rows": options.window[0],
            "window_columns": options.window[1],
            "stride_rows": options.stride[0],
            "stride_columns": options.stride[1],
            "dilation_rows": options.dilation[0],
            "dilation_columns": options.dilation[1],
        },
    )


def _padding_of(operator: Operator, options: WindowOptions) -> dict[str, int] | None:
    """Return where the input lies in its padded copy; None when no window leaves the input.

    Padding holds the zero point, so the bias with the zero point folded in stays exact at the border.
    """
    _, rows, columns, depth = operator.input.shape
    _, output_rows, output_columns, _ = operator.output.shape
    padded_rows = (output_rows - 1) * options.stride[0] + options.reach(0)
    padded_columns = (output_columns - 1) * options.stride[1] + options.reach(1)
    if padded_rows <= rows and padded_columns <= columns:
        return None
    return {
        "input_rows": rows,
        "input_columns": columns,
        "depth": depth,
        "top": options.padding_before(rows, output_rows, 0),
        "left": options.padding_before(columns, output_columns, 1),
        "padded_rows": padded_rows,
        "padded_columns": padded_columns,
    }


def _pad_call(operator: Operator, padding: dict[str, int] | None) -> str:
    if padding is None:
        return ""
    shape = ctext.struct("int8_padding", "padding", padding)
    return f"{shape}    int8_pad(input, scratch, padding, {operator.input.zero_point});\n"
