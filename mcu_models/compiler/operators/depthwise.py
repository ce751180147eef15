"""DEPTHWISE_CONV_2D on int8."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from mcu_models.compiler import ctext
from mcu_models.compiler.model import WindowOptions
from mcu_models.compiler.operators.channels import (
    channel_data,
    clamp_call,
    constant_pointers,
    fast_channels,
    output_form,
    weights_data,
    weights_pointer,
)
from mcu_models.compiler.operators.convolution import check_convolution, convolution_macs, read_window, window_text
from mcu_models.compiler.operators.family import Family, Layer, layer
from mcu_models.compiler.operators.images import for_each_image
from mcu_models.compiler.quantise import layer_channels

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from mcu_models.compiler.model import Operator
    from mcu_models.compiler.operators.channels import FastChannel
    from mcu_models.compiler.quantise import Channel


# Up to so many positions, by stride, laying out takes longer than it saves.
_FEW_POSITIONS: Final = (9, 16)
# The kernels run on the host too; one more makes up for where the scratch begins.
_HOST_POINTER_BYTES: Final = 8
# INT8_PLANES of int8_depthwise.h.
_PLANES: Final = 4
# An immediate offset has 12 bits; the output's row after next is added by one, the planes' next columns are loaded.
_FARTHEST: Final = 4095
# Planes take at most this share of the activations that live meanwhile, or so many bytes.
_SCRATCH_SHARE: Final = 10
_LEAST_SCRATCH: Final = 512
_MOST_SCRATCH: Final = 16384
# Measured on both cores, roughly: two outputs, and one row of a pair of columns of four channels' planes, for each.
_CYCLES_OF_OUTPUTS: Final = 38
_CYCLES_OF_LAYOUT: Final = 4


@dataclass(frozen=True)
class _Band:
    """The rows of the image that are laid out by channel at a time: an int8_band."""

    output_rows: int
    rows: int
    pairs: int

    @property
    def bytes(self) -> int:
        """Memory of the planes."""
        return _PLANES * self.rows * self.pairs * 4


def write_depthwise(path: Path, operator: Operator) -> Layer:
    """Return a depthwise convolution as C."""
    channels = layer_channels(path, operator)
    weights = operator.constant(1).astype(np.int64)
    fast = fast_channels(channels, weights.reshape(-1, len(channels)).T, operator.output.zero_point)
    if fast is not None and _is_three_by_three(operator):
        return _three_by_three(operator, fast)
    if fast is not None and len(fast) == operator.input.shape[3] and len(fast) % _PLANES == 0:
        return _by_four(operator, fast)
    return _any_depthwise(operator, channels)


def _by_four(operator: Operator, channels: tuple[FastChannel, ...]) -> Layer:
    """Return a depthwise convolution of any window, computed four channels at a time."""
    options = operator.options_as(WindowOptions)
    taps = operator.constant(1).reshape(-1, len(channels) // _PLANES, _PLANES).transpose(1, 0, 2)
    words = np.ascontiguousarray(taps).view("<u4").reshape(len(channels) // _PLANES, -1)
    scales = np.stack([c.words for c in channels]).reshape(len(words), -1)
    call = "    int8_depthwise_by_four(input, output, weights, scratch, window);\n"
    call += clamp_call(operator, options.activation, operator.output.size // operator.output.shape[0])
    return layer(
        operator,
        window_text(operator) + weights_pointer(operator) + for_each_image(operator, call),
        "int8_depthwise.h",
        data=weights_data(operator, "uint32_t", np.concatenate([words, scales], axis=1).astype(np.uint32)),
        scratch_bytes=(words.shape[1] + 1) * _HOST_POINTER_BYTES + len(channels),
    )


def _is_three_by_three(operator: Operator) -> bool:
    """Return whether the fast kernel takes the window, and its instructions reach the next row of the output."""
    options = operator.options_as(WindowOptions)
    _, rows, columns, channels = operator.output.shape
    geometry = (options.window, options.dilation) == ((3, 3), (1, 1)) and options.stride in ((1, 1), (2, 2))
    if not geometry:
        return False
    fours = channels == operator.input.shape[3] and channels % _PLANES == 0
    worth = not fours or rows * columns > _FEW_POSITIONS[options.stride[0] - 1]
    return worth and rows > 1 and 2 * columns * channels <= _FARTHEST and _band(operator, 2).bytes <= _MOST_SCRATCH


def _three_by_three(operator: Operator, channels: tuple[FastChannel, ...]) -> Layer:
    options = operator.options_as(WindowOptions)
    band = _best_band(operator)
    stride = options.stride[0]
    name = f"network_depthwise_{operator.index}"
    columns, depth = operator.output.shape[2:]
    words = np.concatenate([_words(operator, channels)])
    data = (
        f"INT8_DEPTHWISE_FUNCTION({name}, INT8_SUMS_BY_{stride}, {stride}, {depth}, {columns * depth}, "
        f"{4 * band.rows})\n"
    )
    body = window_text(operator) + ctext.struct(
        "int8_band", "band", {"output_rows": band.output_rows, "rows": band.rows, "pairs": band.pairs}
    )
    call = (
        f"    int8_depthwise_3x3(input, output, weights, (uint32_t *)(void *)scratch, {name}, window, band);\n"
    ) + clamp_call(operator, options.activation, operator.output.size // operator.output.shape[0])
    return layer(
        operator,
        body + weights_pointer(operator) + for_each_image(operator, call),
        "int8_depthwise.h",
        data=data + "\n" + weights_data(operator, "uint32_t", words),
        scratch_bytes=band.bytes,
    )


def _words(operator: Operator, channels: tuple[FastChannel, ...]) -> NDArray[np.uint32]:
    """Return each channel's taps and scale."""
    order = [0, 1, 1, 2] if operator.options_as(WindowOptions).stride[1] == 1 else [0, 2, 1, 3]
    taps = np.pad(operator.constant(1)[0], ((0, 0), (0, 1), (0, 0)))[:, order]
    rows = np.ascontiguousarray(taps.transpose(2, 0, 1)).view("<u4").reshape(-1, 3)
    scales = np.stack([c.words for c in channels])
    return np.concatenate([rows, scales], axis=1).astype(np.uint32)


def _band(operator: Operator, output_rows: int) -> _Band:
    """Return the band of so many rows of the output; columns are computed in pairs."""
    stride = operator.options_as(WindowOptions).stride[0]
    even_columns = -(-operator.output.shape[2] // 2) * 2
    return _Band(output_rows, (output_rows - 1) * stride + 3, even_columns * stride // 2 + 1)


def _best_band(operator: Operator) -> _Band:
    """Return the band with the least work among those that the memory allows."""
    rows, stride = operator.output.shape[1], operator.options_as(WindowOptions).stride[0]
    largest = max(
        (operator.input.size + operator.output.size) // _SCRATCH_SHARE, _band(operator, 2).bytes, _LEAST_SCRATCH
    )
    fitting = (_band(operator, r) for r in range(2, rows + 1))
    fitting = (b for b in fitting if b.bytes <= largest and _reach(stride, b) <= _FARTHEST)
    return min(fitting, key=lambda band: _work(rows, band))


def _reach(stride: int, band: _Band) -> int:
    """Return how far into the planes the instructions reach: so many pairs of columns, and five words."""
    return stride * 4 * band.rows + 16


def _work(rows: int, band: _Band) -> float:
    """Return about how many cycles a band's way takes for each pair of columns."""
    bands = -(-rows // band.output_rows)
    computed = -(-band.output_rows // 2) * 2
    return bands * (_CYCLES_OF_OUTPUTS * computed + _CYCLES_OF_LAYOUT * band.rows)


def _any_depthwise(operator: Operator, channels: tuple[Channel, ...]) -> Layer:
    """Return a depthwise convolution of any scales and window."""
    options = operator.options_as(WindowOptions)
    body = window_text(operator) + output_form(operator, options.activation, channels) + constant_pointers(operator)
    call = "    int8_depthwise_conv_2d_any(input, output, weights, channels, window, form);\n"
    data = channel_data(operator, channels, "int8_t", operator.constant(1))
    return layer(operator, body + for_each_image(operator, call), "int8_depthwise.h", data=data)


DEPTHWISE_CONV_2D: Final = Family(
    check=check_convolution,
    write=write_depthwise,
    options_type="DepthwiseConv2DOptions",
    read=read_window,
    macs=convolution_macs,
)
