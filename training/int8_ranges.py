"""Puts ranges of one's own into a calibrated .tflite in float32, before the converter makes int8 of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from training.model_file import packed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from training.fake_quant import TrainedRanges

_OPERATOR: Final = schema.BuiltinOperator
_WITH_WEIGHTS: Final = (_OPERATOR.CONV_2D, _OPERATOR.FULLY_CONNECTED, _OPERATOR.UNIDIRECTIONAL_SEQUENCE_LSTM)
# Positions of an LSTM's operands (tensorflow/lite/kernels/lstm_shared.h).
_HIDDEN_STATE: Final = 18
_CELL_STATE: Final = 19
_HIDDEN: Final = 4
_NARROWEST_CELL: Final = 1.0
"""LiteRT's kernels take cells in steps of 2^-15 and more; with finer steps they compute wrongly and say nothing."""


def with_ranges(calibrated: bytes, ranges: TrainedRanges) -> bytes:
    """Return the file with `ranges` for all that it computes.

    Layers with weights take a range each; what lies between them only moves values and keeps the range it gets.

    Args:
        calibrated: What the converter has measured ranges for; one subgraph.
        ranges: As many as the network has layers with weights, and one for its input.

    Raises:
        ValueError: There are more ranges or fewer.
    """
    model = schema.ModelT.InitFromPackedBuf(calibrated, 0)
    (graph,) = model.subgraphs
    coming = iter(ranges.activations)
    spans = {int(graph.inputs[0]): next(coming)}
    for operator in graph.operators:
        kind = _kind(model, operator)
        span = _next(coming) if kind in _WITH_WEIGHTS else spans[int(operator.inputs[0])]
        spans[int(operator.outputs[0])] = span
        if kind == _OPERATOR.UNIDIRECTIONAL_SEQUENCE_LSTM:
            spans |= _states(operator, span, ranges.cell)
    if next(coming, None) is not None:
        raise ValueError("more ranges than layers with weights")
    for number, (low, high) in spans.items():
        found = graph.tensors[number].quantization
        found.min, found.max = np.array([low], np.float32), np.array([high], np.float32)
    return packed(model)


def with_wide_cells(calibrated: bytes) -> bytes:
    """Return the file, an LSTM's cells reaching at least as far as the kernels can compute them."""
    model = schema.ModelT.InitFromPackedBuf(calibrated, 0)
    (graph,) = model.subgraphs
    for operator in graph.operators:
        if _kind(model, operator) == _OPERATOR.UNIDIRECTIONAL_SEQUENCE_LSTM:
            found = graph.tensors[int(operator.inputs[_CELL_STATE])].quantization
            largest = max(_NARROWEST_CELL, float(found.max[0]), -float(found.min[0]))
            found.min, found.max = np.array([-largest], np.float32), np.array([largest], np.float32)
    return packed(model)


def _next(coming: Iterator[tuple[float, float]]) -> tuple[float, float]:
    found = next(coming, None)
    if found is None:
        raise ValueError("fewer ranges than layers with weights")
    return found


def _kind(model: Any, operator: Any) -> int:
    code = model.operatorCodes[operator.opcodeIndex]
    return int(max(code.builtinCode, code.deprecatedBuiltinCode))


def _states(operator: Any, span: tuple[float, float], cell: float | None) -> dict[int, tuple[float, float]]:
    if cell is None:
        raise ValueError("an LSTM's cells need a range")
    largest = max(cell, _NARROWEST_CELL)
    hidden = (int(operator.inputs[_HIDDEN_STATE]), int(operator.intermediates[_HIDDEN]))
    return {int(operator.inputs[_CELL_STATE]): (-largest, largest)} | dict.fromkeys(hidden, span)
