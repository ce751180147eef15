"""UNIDIRECTIONAL_SEQUENCE_LSTM on int8 with an int16 cell, and on float32.

Its four gates each with weights of their own; no peepholes, no projection, no layer normalisation, no coupled gate.
Every run begins with the states at zero.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mcu_models.compiler import ctext
from mcu_models.compiler.model import LstmOptions
from mcu_models.compiler.operators.family import Family, Layer, OptionsReader, layer
from mcu_models.compiler.operators.images import for_each_image
from mcu_models.compiler.quantise import fixed_point, float32_product, float32_ratio

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from mcu_models.compiler.checks import OperatorCheck
    from mcu_models.compiler.model import Operator, Tensor

# Positions of the operands (tensorflow/lite/kernels/lstm_shared.h): input, forget, cell and output gate in a row.
_INPUT_WEIGHTS: Final = (1, 2, 3, 4)
_RECURRENT_WEIGHTS: Final = (5, 6, 7, 8)
_BIASES: Final = (12, 13, 14, 15)
_OUTPUT_STATE: Final = 18
_CELL_STATE: Final = 19
_LEFT_OUT: Final = (9, 10, 11, 16, 17, 20, 21, 22, 23)
_GATES: Final = ("input gate", "forget gate", "cell gate", "output gate")
_HIDDEN: Final = 4

# Gates compute in Q3.12 (tensorflow/lite/kernels/unidirectional_sequence_lstm.cc).
_GATE_SCALE: Final = 2.0**-12
_INT16_HIGHEST: Final = 32767.0
_SUM_LIMIT: Final = 1 << 30
_CELL_BITS: Final = range(9, 16)


def _read(reader: OptionsReader) -> LstmOptions:
    table = reader.table
    activation = table.FusedActivationFunction()
    if activation != schema.ActivationFunctionType.TANH:
        raise reader.error("activation", activation, "expected tanh")
    if table.DiagonalRecurrentTensors():
        raise reader.error("diagonal recurrent tensors", value=True, allowed="expected false")
    return LstmOptions(bool(table.TimeMajor()), float(table.CellClip()))


def _sequence(operator: Operator) -> tuple[int, int, int, int]:
    """Return batch, steps, inputs and cells."""
    batch, steps, inputs = operator.input.shape
    if operator.options_as(LstmOptions).time_major:
        batch, steps = steps, batch
    return batch, steps, inputs, operator.output.shape[2]


def _macs(operator: Operator) -> int:
    batch, steps, inputs, cells = _sequence(operator)
    return batch * steps * 4 * cells * (inputs + cells)


def _check_shapes(check: OperatorCheck, weights: str, bias: str) -> None:
    check.operands(20, 24)
    source, result = check.computed(), check.operator.output
    check.demand(len(source.shape) == 3, "input shape", list(source.shape), "expected (batch, steps, inputs)")
    good = len(result.shape) == 3 and result.shape[:2] == source.shape[:2]
    check.demand(good, "output shape", list(result.shape), f"expected {[*source.shape[:2]]} and the cells")
    batch, _, inputs, cells = _sequence(check.operator)
    options = check.operator.options_as(LstmOptions)
    check.demand(not options.time_major or batch == 1, "batch", batch, "expected 1 where the first axis is time")
    good = math.isfinite(options.cell_clip) and options.cell_clip >= 0
    check.demand(good, "cell clip", options.cell_clip, "expected no negative number")
    for position in _LEFT_OUT:
        tensor = check.operator.operand(position)
        allowed = "peepholes, projection and layer normalisation are not supported"
        check.demand(tensor is None, f"input {position}", None if tensor is None else tensor.name, allowed)
    for gate, name in enumerate(_GATES):
        _check_constant(check, _INPUT_WEIGHTS[gate], f"{name}: input weights", weights, (cells, inputs))
        _check_constant(check, _RECURRENT_WEIGHTS[gate], f"{name}: recurrent weights", weights, (cells, cells))
        _check_constant(check, _BIASES[gate], f"{name}: bias", bias, (cells,))
    for position, name in ((_OUTPUT_STATE, "output state"), (_CELL_STATE, "cell state")):
        state = check.operator.operand(position)
        good = state is not None and state.is_state and state.shape == (batch, cells)
        check.demand(good, name, None if state is None else list(state.shape), f"expected variable {[batch, cells]}")


def _check_constant(check: OperatorCheck, position: int, key: str, dtype: str, shape: tuple[int, ...]) -> None:
    tensor = check.constant(position, key, (dtype,))
    check.demand(tensor.shape == shape, f"{key} shape", list(tensor.shape), f"expected {list(shape)}")


def _check_int8(check: OperatorCheck) -> None:
    check.activations()
    _check_shapes(check, "int8", "int32")
    for position in (*_INPUT_WEIGHTS, *_RECURRENT_WEIGHTS):
        weights = check.constant(position, f"input {position}", ("int8",))
        check.quantised_whole(f"input {position}", weights)
        check.demand(weights.zero_point == 0, f"input {position} zero point", weights.zero_point, "expected 0")
    state, cell = _states(check.operator)
    check.demand(
        (state.dtype, cell.dtype) == ("int8", "int16"), "states' types", [state.dtype, cell.dtype], "int8, int16"
    )
    check.quantised_whole("output state", state)
    check.quantised_whole("cell state", cell)
    bits = -math.log2(cell.scale)
    check.demand(bits in _CELL_BITS, "cell state scale", cell.scale, "expected a power of two from 2^-15 to 2^-9")
    check.demand(cell.zero_point == 0, "cell state zero point", cell.zero_point, "expected 0")
    hidden = check.operator.intermediates
    check.demand(len(hidden) == _HIDDEN + 1, "intermediates", len(hidden), f"expected {_HIDDEN + 1}")
    check.demand(hidden[_HIDDEN].dtype == "int8", "hidden type", hidden[_HIDDEN].dtype, "expected int8")
    check.quantised_whole("hidden", hidden[_HIDDEN])
    _check_ranges(check)


def _check_ranges(check: OperatorCheck) -> None:
    """Check that no sum leaves the range in which the kernel's arithmetic is exact."""
    for gate, name in enumerate(_GATES):
        for weights, bias, scale in _products(check.operator, gate):
            multiplier, left, right = scale
            largest = int((np.abs(bias) + 128 * np.abs(weights.astype(np.int64)).sum(axis=1)).max())
            good = multiplier > 0 and right <= 31 and largest << left < _SUM_LIMIT
            check.demand(good, f"{name}: largest sum", largest, f"times 2^{left} it must stay below 2^30")
    scale = _output_scale(check.operator)
    good = scale[0] > 0 and scale[1] == 0 and scale[2] <= 31
    check.demand(good, "hidden scale", check.operator.intermediates[_HIDDEN].scale, "too small or too large")


def _states(operator: Operator) -> tuple[Tensor, Tensor]:
    state, cell = operator.operand(_OUTPUT_STATE), operator.operand(_CELL_STATE)
    if state is None or cell is None:
        raise ValueError(operator.name)
    return state, cell


def _scale(value: float) -> tuple[int, int, int]:
    """Return multiplier, left and right shift."""
    multiplier, exponent = fixed_point(value)
    return multiplier, max(exponent, 0), max(-exponent, 0)


def _effective(weights: Tensor, values: Tensor) -> float:
    """Return the scale of a gate's sum over Q3.12, in the float32 arithmetic of TensorFlow Lite."""
    return float32_ratio(float32_product(weights.scale, values.scale), _GATE_SCALE)


def _products(operator: Operator, gate: int) -> list[tuple[NDArray[np.int8], NDArray[np.int64], tuple[int, int, int]]]:
    """Return weights, bias with the zero point folded in, and scale of a gate's two matrix products."""
    source, (state, _) = operator.input, _states(operator)
    biases = (operator.constant(_BIASES[gate]).astype(np.int64), np.zeros(operator.output.shape[2], np.int64))
    products = []
    for position, values, bias in zip(
        (_INPUT_WEIGHTS[gate], _RECURRENT_WEIGHTS[gate]), (source, state), biases, strict=True
    ):
        weights = operator.operand(position)
        if weights is None or weights.data is None:
            raise ValueError(position)
        folded = bias - values.zero_point * weights.data.astype(np.int64).sum(axis=1)
        products.append((weights.data, folded, _scale(_effective(weights, values))))
    return products


def _output_scale(operator: Operator) -> tuple[int, int, int]:
    """Return how the product of two Q0.15 becomes an output."""
    return _scale(float32_ratio(2.0**-30, operator.intermediates[_HIDDEN].scale))


def _cell_limit(operator: Operator) -> int:
    clip = operator.options_as(LstmOptions).cell_clip
    return int(min(float32_ratio(clip, _states(operator)[1].scale), _INT16_HIGHEST))


def _write_int8(_: Path, operator: Operator) -> Layer:
    batch, steps, inputs, cells = _sequence(operator)
    state, cell = _states(operator)
    prefix = f"network_data_{operator.index}"
    shape = ctext.struct(
        "int8_lstm_shape",
        "shape",
        {
            "steps": steps,
            "inputs": inputs,
            "cells": cells,
            "cell_bits": round(-math.log2(cell.scale)),
            "cell_limit": _cell_limit(operator),
            "output_scale": ctext.listed(_output_scale(operator)),
            "output_zero_point": operator.intermediates[_HIDDEN].zero_point,
            "state_zero_point": state.zero_point,
        },
    )
    call = f"    int8_lstm(input, output, {prefix}_gates, scratch, shape);\n"
    body = shape + for_each_image(operator, call, batch)
    scratch_bytes = 11 * cells
    return layer(operator, body, "int8_lstm.h", data=_int8_data(operator, prefix), scratch_bytes=scratch_bytes)


def _int8_data(operator: Operator, prefix: str) -> str:
    text, rows = "", []
    for gate in range(len(_GATES)):
        names, scales = [], []
        for kind, (weights, bias, scale) in zip(("input", "recurrent"), _products(operator, gate), strict=True):
            text += ctext.constants("int8_t", f"{prefix}_{kind}_weights_{gate}", weights)
            text += ctext.constants("int32_t", f"{prefix}_{kind}_bias_{gate}", bias)
            names.append((f"{prefix}_{kind}_weights_{gate}", f"{prefix}_{kind}_bias_{gate}"))
            scales.append(ctext.listed(scale))
        pointers = [pair[0] for pair in names] + [pair[1] for pair in names]
        rows.append(f"{{{', '.join(pointers + scales)}}}")
    return text + ctext.braced(f"static NETWORK_WEIGHTS const int8_lstm_gate {prefix}_gates[{len(_GATES)}]", rows)


def _check_float(check: OperatorCheck) -> None:
    check.activations("float32")
    _check_shapes(check, "float32", "float32")
    types = [state.dtype for state in _states(check.operator)]
    check.demand(types == ["float32", "float32"], "states' types", types, "expected float32")


def _write_float(_: Path, operator: Operator) -> Layer:
    batch, steps, inputs, cells = _sequence(operator)
    prefix = f"network_data_{operator.index}"
    limit = ctext.real(operator.options_as(LstmOptions).cell_clip)
    shape = ctext.struct(
        "float_lstm_shape", "shape", {"steps": steps, "inputs": inputs, "cells": cells, "cell_limit": limit}
    )
    call = f"    float_lstm(input, output, {prefix}_gates, scratch, shape);\n"
    data = _float_data(operator, prefix)
    return layer(
        operator, shape + for_each_image(operator, call, batch), "float_lstm.h", data=data, scratch_bytes=8 * cells
    )


def _float_data(operator: Operator, prefix: str) -> str:
    text, rows = "", []
    kinds = (("input_weights", _INPUT_WEIGHTS), ("recurrent_weights", _RECURRENT_WEIGHTS), ("bias", _BIASES))
    for gate in range(len(_GATES)):
        names = []
        for kind, positions in kinds:
            names.append(f"{prefix}_{kind}_{gate}")
            text += ctext.constants("float", names[-1], operator.constant(positions[gate]))
        rows.append(f"{{{', '.join(names)}}}")
    return text + ctext.braced(f"static NETWORK_WEIGHTS const float_lstm_gate {prefix}_gates[{len(_GATES)}]", rows)


LSTM: Final = Family(
    check=_check_int8,
    write=_write_int8,
    options_type="UnidirectionalSequenceLSTMOptions",
    read=_read,
    macs=_macs,
)
FLOAT_LSTM: Final = Family(
    check=_check_float,
    write=_write_float,
    options_type="UnidirectionalSequenceLSTMOptions",
    read=_read,
    macs=_macs,
)
