"""CONV_2D and DEPTHWISE_CONV_2D on int8."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mcu_models.compiler import ctext
from mcu_models.compiler.model import Operator, WindowOptions
from mcu_models.compiler.operators.channels import (
    can_stack,
    channel_data,
    clamp_call,
    constant_pointers,
    fast_channels,
    output_form,
    pair_rows,
    tap_words,
    weights_data,
    weights_pointer,
)
from mcu_models.compiler.operators.family import Family, Layer, OptionsReader, layer
from mcu_models.compiler.operators.images import for_each_image
from mcu_models.compiler.quantise import layer_channels

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from mcu_models.compiler.checks import OperatorCheck
    from mcu_models.compiler.operators.channels import FastChannel
    from mcu_models.compiler.quantise import Channel

# INT8_POSITIONS and the most that INT8_AHEAD can be, in int8_convolution.h.
_POSITIONS: Final = 4
_AHEAD_BYTES: Final = 8
# The kernel sums two pairs of taps at least.
_FEWEST_TAPS: Final = 3


def read_window(reader: OptionsReader) -> WindowOptions:
    """Return the options of a convolution."""
    table = reader.table
    return WindowOptions(
        padding="same" if table.Padding() == schema.Padding.SAME else "valid",
        stride=reader.lengths("stride", table.StrideH(), table.StrideW()),
        window=reader.lengths("window", *reader.kernel_window()),
        dilation=reader.lengths("dilation", table.DilationHFactor(), table.DilationWFactor()),
        activation=reader.activation(),
    )


def convolution_macs(operator: Operator) -> int:
    """Return each output's taps, times the outputs."""
    return operator.output.size * (operator.constant(1).size // operator.output.shape[3])


def check_convolution(check: OperatorCheck) -> None:
    """Check a CONV_2D or a DEPTHWISE_CONV_2D."""
    depthwise = check.operator.name == "DEPTHWISE_CONV_2D"
    check.operands(2, 3)
    check.computed()
    check.activations()
    weights = check.weights(axis=3 if depthwise else 0)
    check_geometry(check)
    check.bias(weights.shape[3 if depthwise else 0])


def check_geometry(check: OperatorCheck) -> None:
    """Check the window, and that the weights fit the channels."""
    depthwise = check.operator.name == "DEPTHWISE_CONV_2D"
    weights = check.constant(1, "weights", ("int8", "float32"))
    check.window()
    channels = weights.shape[3 if depthwise else 0]
    depth = check.operator.input.shape[3]
    check.demand(check.operator.output.shape[3] == channels, "output channels", channels, "disagrees")
    fits_depthwise = weights.shape[0] == 1 and channels % depth == 0
    good = fits_depthwise if depthwise else weights.shape[3] == depth
    check.demand(good, "weights shape", list(weights.shape), f"does not fit an input of {depth} channels")


def write_convolution(path: Path, operator: Operator) -> Layer:
    """Return a convolution as C."""
    channels = layer_channels(path, operator)
    weights = operator.constant(1).astype(np.int64)
    fast = fast_channels(channels, weights.reshape(len(channels), -1), operator.output.zero_point)
    if fast is None or len(fast) == 1 or weights[0].size < _FEWEST_TAPS:
        return _any_convolution(operator, channels)
    return _fast_convolution(operator, fast)


def _any_convolution(operator: Operator, channels: tuple[Channel, ...]) -> Layer:
    """Return a convolution whose channels' scales may be any."""
    options = operator.options_as(WindowOptions)
    body = window_text(operator) + output_form(operator, options.activation, channels) + constant_pointers(operator)
    call = "    int8_conv_2d_any(input, output, weights, channels, window, form);\n"
    data = channel_data(operator, channels, "int8_t", operator.constant(1))
    return layer(operator, body + for_each_image(operator, call), "int8_convolution.h", data=data)


def _fast_convolution(operator: Operator, channels: tuple[FastChannel, ...]) -> Layer:
    options = operator.options_as(WindowOptions)
    taps = _taps_in_patch_order(operator)
    pairs, packing = _packing(taps, channels)
    words = tap_words(taps, pairs, stacked=packing != "INT8_SEPARATE")
    scales = np.stack([channel.words for channel in channels])
    constants = _constants(operator, channels) if packing == "INT8_SCATTERED" else ""
    if constants:
        # Where a channel goes stands above its shift.
        scales[:, 3] |= np.arange(len(channels), dtype=np.uint32) << 8
    runs = np.concatenate([words, scales[pairs].reshape(len(pairs), -1)], axis=1)
    call = f"    int8_conv_2d(input, output, weights, (uint32_t *)(void *)scratch, window, {len(pairs)}, {packing});\n"
    if constants:
        call += _constants_call(operator, channels)
    call += clamp_call(operator, options.activation, operator.output.size // operator.output.shape[0])
    return layer(
        operator,
        window_text(operator) + weights_pointer(operator) + for_each_image(operator, call),
        "int8_convolution.h",
        data=weights_data(operator, "uint32_t", runs) + constants,
        scratch_bytes=_POSITIONS * taps.shape[1] * 2 + _AHEAD_BYTES,
    )


def _packing(taps: NDArray[np.int64], channels: tuple[FastChannel, ...]) -> tuple[NDArray[np.int64], str]:
    """Return which channels share words, (pairs, 2), and how; channels that never change are left out if they can."""
    live = [index for index, channel in enumerate(channels) if not channel.is_constant]
    if live and len(live) < len(channels):
        pairs = np.array(live + live[-1:] * (len(live) % 2)).reshape(-1, 2)
        if can_stack(taps, pairs):
            return pairs, "INT8_SCATTERED"
    pairs = pair_rows(len(channels))
    return pairs, "INT8_STACKED" if can_stack(taps, pairs) else "INT8_SEPARATE"


def _constants(operator: Operator, channels: tuple[FastChannel, ...]) -> str:
    """Return the definition of the channels that never change, with their values."""
    words = [index << 8 | c.offset >> 1 & 0xFF for index, c in enumerate(channels) if c.is_constant]
    return "\n" + ctext.constants("uint32_t", f"network_data_{operator.index}_constants", np.array(words, np.uint32))


def _constants_call(operator: Operator, channels: tuple[FastChannel, ...]) -> str:
    _, rows, columns, depth = operator.output.shape
    count = sum(channel.is_constant for channel in channels)
    name = f"network_data_{operator.index}_constants"
    return f"    int8_write_constants(output, {name}, {count}, {rows * columns}, {depth});\n"


def _taps_in_patch_order(operator: Operator) -> NDArray[np.int64]:
    """Return the weights as (channels, taps) in the order of the kernel's patch.

    A run of taps that lies together in the image is cut into fours, of which 0 and 2 are a pair and 1 and 3; of what
    is left, neighbours are pairs, the last one with zero.
    """
    weights = operator.constant(1).astype(np.int64)
    together = operator.options_as(WindowOptions).dilation[1] == 1
    run = weights.shape[2] * weights.shape[3] if together else weights.shape[3]
    runs = weights.reshape(weights.shape[0], -1, run)
    padded = np.pad(runs, ((0, 0), (0, 0), (0, run % 2)))
    order = np.arange(padded.shape[2])
    fours = order[: run // 4 * 4].reshape(-1, 4)[:, [0, 2, 1, 3]].reshape(-1)
    order[: fours.size] = fours
    return padded[:, :, order].reshape(weights.shape[0], -1)


def window_lengths(operator: Operator) -> dict[str, object]:
    """Return the fields that the window structs of int8 and of float32 share: the lengths of a convolution."""
    options = operator.options_as(WindowOptions)
    _, input_rows, input_columns, depth = operator.input.shape
    _, output_rows, output_columns, channels = operator.output.shape
    return {
        "input_rows": input_rows,
        "input_columns": input_columns,
        "depth": depth,
        "output_rows": output_rows,
        "output_columns": output_columns,
        "channels": channels,
        "window_rows": options.window[0],
        "window_columns": options.window[1],
        "stride_rows": options.stride[0],
        "stride_columns": options.stride[1],
        "dilation_rows": options.dilation[0],
        "dilation_columns": options.dilation[1],
        "top": options.padding_before(input_rows, output_rows, 0),
        "left": options.padding_before(input_columns, output_columns, 1),
    }


def window_text(operator: Operator) -> str:
    """Return the struct of an int8 convolution's lengths."""
    fields = window_lengths(operator) | {"zero_point": operator.input.zero_point}
    return ctext.struct("int8_window", "window", fields)


CONV_2D: Final = Family(
    check=check_convolution,
    write=write_convolution,
    options_type="Conv2DOptions",
    read=read_window,
    macs=convolution_macs,
)
