"""FULLY_CONNECTED on int8."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mcu_models.compiler.model import DenseOptions, Operator
from mcu_models.compiler.operators.channels import (
    channel_data,
    clamp_call,
    constant_pointers,
    fast_channels,
    output_form,
    stack_fits,
    tap_words,
    weights_data,
    weights_pointer,
)
from mcu_models.compiler.operators.family import Family, Layer, OptionsReader, layer
from mcu_models.compiler.quantise import layer_channels

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mcu_models.compiler.checks import OperatorCheck
    from mcu_models.compiler.operators.channels import FastChannel
    from mcu_models.compiler.quantise import Channel


def read_dense(reader: OptionsReader) -> DenseOptions:
    """Return the options of a fully connected layer."""
    weights_format = reader.table.WeightsFormat()
    if weights_format != schema.FullyConnectedOptionsWeightsFormat.DEFAULT:
        raise reader.error("weights format", weights_format, "only the default is read")
    return DenseOptions(reader.activation(), bool(reader.table.KeepNumDims()))


def dense_macs(operator: Operator) -> int:
    """Return each output's inputs, times the outputs."""
    return operator.output.size * int(operator.constant(1).shape[1])


def check_dense(check: OperatorCheck) -> None:
    """Check a FULLY_CONNECTED."""
    check.operands(2, 3)
    check.computed()
    check.activations()
    weights = check.constant(1, "weights", ("int8",))
    check_matrix(check)
    check.weights(axis=0)
    check.bias(weights.shape[0])


def check_matrix(check: OperatorCheck) -> None:
    """Check that the weights fit the input and the output, whatever the batch."""
    shape = check.constant(1, "weights", ("int8", "float32")).shape
    check.demand(len(shape) == 2, "weights shape", list(shape), "expected (outputs, inputs)")
    source, result = check.operator.input, check.operator.output
    good = source.size % shape[1] == 0 and result.size == source.size // shape[1] * shape[0]
    check.demand(good, "weights shape", list(shape), "does not fit the input and output")
    options = check.operator.options_as(DenseOptions)
    rows = source.shape[:-1] if options.keep_num_dims else (source.size // shape[1],)
    check.shape((*rows, shape[0]))


def write_dense(path: Path, operator: Operator) -> Layer:
    """Return a fully connected layer as C; with a batch, the kernel is called for each row."""
    channels = layer_channels(path, operator)
    weights = operator.constant(1).astype(np.int64)
    fast = fast_channels(channels, weights, operator.output.zero_point)
    if fast is None or len(fast) == 1 or not stack_fits(weights, _pairs(len(fast))):
        return _any_dense(operator, channels)
    return _fast_dense(operator, fast)


def _any_dense(operator: Operator, channels: tuple[Channel, ...]) -> Layer:
    """Return a layer whose channels' scales may be any."""
    outputs, inputs = operator.constant(1).shape
    body = output_form(operator, operator.options_as(DenseOptions).activation, channels) + constant_pointers(operator)
    body += _for_each_row(operator, "int8_fully_connected_any", f"weights, channels, {inputs}, {outputs}, form")
    return layer(operator, body, "int8_dense.h", data=channel_data(operator, channels, "int8_t", operator.constant(1)))


def _fast_dense(operator: Operator, channels: tuple[FastChannel, ...]) -> Layer:
    outputs, inputs = operator.constant(1).shape
    body = weights_pointer(operator)
    body += _for_each_row(operator, "int8_fully_connected", f"weights, {inputs}, {outputs}")
    body += clamp_call(operator, operator.options_as(DenseOptions).activation, operator.output.size)
    data = weights_data(operator, "uint32_t", _blocks(operator.constant(1).astype(np.int64), channels))
    return layer(operator, body, "int8_dense.h", data=data)


def _for_each_row(operator: Operator, kernel: str, arguments: str) -> str:
    outputs, inputs = operator.constant(1).shape
    rows = operator.output.size // outputs
    if rows == 1:
        return f"    {kernel}(input, output, {arguments});\n"
    return (
        f"    for (int32_t row = 0; row < {rows}; ++row) {{\n"
        f"        {kernel}(input + row * {inputs}, output + row * {outputs}, {arguments});\n"
        "    }\n"
    )


def _pairs(outputs: int) -> NDArray[np.int64]:
    """Return the outputs in pairs, (pairs, 2); the last of an odd number comes with the one before it."""
    firsts = np.minimum(np.arange(0, outputs, 2), outputs - 2)
    return np.stack([firsts, firsts + 1], axis=1)


def _blocks(weights: NDArray[np.int64], channels: tuple[FastChannel, ...]) -> NDArray[np.uint32]:
    """Return the words that the kernel reads: two pairs of outputs together, while there are four outputs left."""
    outputs, inputs = weights.shape
    padded = np.pad(weights, ((0, 0), (0, -inputs % 4)))
    fours = padded.reshape(outputs, -1, 4)[:, :, [0, 2, 1, 3]].reshape(outputs, -1)
    pairs = _pairs(outputs)
    words = tap_words(fours, pairs, stacked=True).reshape(len(pairs), -1, 2)
    together = outputs // 4 * 2
    groups = [[i, i + 1] for i in range(0, together, 2)] + [[i] for i in range(together, len(pairs))]
    return np.concatenate([_block(words[group], [channels[c] for c in pairs[group].reshape(-1)]) for group in groups])


def _block(words: NDArray[np.uint32], channels: Sequence[FastChannel]) -> NDArray[np.uint32]:
    return np.concatenate([words.transpose(1, 0, 2).reshape(-1), *(c.words for c in channels)])


FULLY_CONNECTED: Final = Family(
    check=check_dense,
    write=write_dense,
    options_type="FullyConnectedOptions",
    read=read_dense,
    macs=dense_macs,
)
