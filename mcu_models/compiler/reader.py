"""Reads an int8 network from a .tflite file, and refuses what the twin cannot compute exactly.

The schema classes trust every offset in the file, so a damaged file may raise nearly anything, or claim
a billion tensors. Everything read here is bounded, and each tensor and operator is checked before use.

Format: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/compiler/mlir/lite/schema/schema.fbs
"""

from __future__ import annotations

import hashlib
import math
import struct
from pathlib import Path
from typing import Any, Final

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from datasheet.bad_input import BadInputError
from mcu_models.compiler.checks import check_operator
from mcu_models.compiler.model import (
    Activation,
    DenseOptions,
    Int8Network,
    Operator,
    Options,
    SoftmaxOptions,
    Tensor,
    WindowOptions,
)

MAX_FILE_BYTES: Final = 16 * 1024 * 1024
SUPPORTED_OPERATORS: Final = (
    "CONV_2D",
    "DEPTHWISE_CONV_2D",
    "FULLY_CONNECTED",
    "MAX_POOL_2D",
    "AVERAGE_POOL_2D",
    "RESHAPE",
    "SOFTMAX",
)

# The converter computes the shape of a RESHAPE from the batch with these; the shape itself is in the file.
_SHAPE_OPERATORS: Final = ("SHAPE", "STRIDED_SLICE", "PACK")
_MAX_TABLES: Final = 4096
_MAX_AXES: Final = 6
_NOT_TFLITE: Final = "expected an int8 .tflite file"

_OPERATOR_NAMES: Final = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
_DTYPES: Final = {
    schema.TensorType.INT8: "int8",
    schema.TensorType.INT32: "int32",
    schema.TensorType.INT64: "int64",
    schema.TensorType.INT16: "int16",
    schema.TensorType.UINT8: "uint8",
    schema.TensorType.FLOAT32: "float32",
    schema.TensorType.FLOAT16: "float16",
}
_ACTIVATIONS: Final[dict[int, Activation]] = {
    schema.ActivationFunctionType.NONE: "none",
    schema.ActivationFunctionType.RELU: "relu",
    schema.ActivationFunctionType.RELU6: "relu6",
}
# What reading a table at a wrong offset can raise.
_DAMAGE: Final = (
    struct.error,
    ValueError,
    IndexError,
    KeyError,
    TypeError,
    AttributeError,
    OverflowError,
    MemoryError,
)


def read_network(path: str | Path) -> Int8Network:
    """Read an int8 network.

    Args:
        path: A .tflite file with one subgraph: a chain of the operators in `SUPPORTED_OPERATORS`, int8
            throughout, from one input to one output, batch 1.

    Returns:
        The network, checked: shapes agree, constants have the length their shape demands, scales are
        positive, and every operator has the form that the kernels compute.

    Raises:
        BadInputError: The file cannot be read, is no .tflite file, is damaged, is not int8, or holds an
            operator that is not supported.
    """
    path = Path(path)
    content = _file_content(path)
    try:
        return _network_in(content, path)
    except BadInputError:
        raise
    except _DAMAGE as error:
        raise BadInputError(path, "", None, f"damaged file ({type(error).__name__}): {_NOT_TFLITE}") from None


def _file_content(path: Path) -> bytes:
    try:
        length = path.stat().st_size
        if length > MAX_FILE_BYTES:
            raise BadInputError(path, "size in bytes", length, f"at most {MAX_FILE_BYTES} are read")
        content = path.read_bytes()
    except OSError as error:
        raise BadInputError(path, "", None, f"cannot be read: {error.strerror}") from None
    if content[4:8] != b"TFL3":
        raise BadInputError(path, "identifier", content[4:8], f"{_NOT_TFLITE}, with 'TFL3' in bytes 4 to 7")
    return content


def _network_in(content: bytes, path: Path) -> Int8Network:
    model = schema.Model.GetRootAs(content, 0)
    subgraphs = model.SubgraphsLength()
    if subgraphs != 1:
        raise BadInputError(path, "subgraphs", subgraphs, "one is supported")
    graph = model.Subgraphs(0)
    names = [_operator_name(model, graph, i) for i in range(_bounded(graph.OperatorsLength()))]
    _refuse_unsupported(path, names)
    tensors = [_tensor(model, graph, i) for i in range(_bounded(graph.TensorsLength()))]
    source = _single(path, "inputs", graph.InputsAsNumpy(), tensors)
    result = _single(path, "outputs", graph.OutputsAsNumpy(), tensors)
    _check_interface(path, "input", source)
    operators = [
        _operator(path, graph.Operators(i), i, name, tensors)
        for i, name in enumerate(names)
        if name not in _SHAPE_OPERATORS
    ]
    _check_chain(path, source, operators, result)
    for operator in operators:
        check_operator(path, operator)
    return Int8Network(path, hashlib.sha256(content).hexdigest(), source, result, tuple(operators))


def _bounded(count: int) -> int:
    if count > _MAX_TABLES:
        raise ValueError(count)
    return count


def _operator_name(model: Any, graph: Any, index: int) -> str:
    code = model.OperatorCodes(_within(graph.Operators(index).OpcodeIndex(), model.OperatorCodesLength()))
    # Old files hold the operator in a byte, new ones in a word; the other one is a placeholder.
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    return str(_OPERATOR_NAMES.get(number, f"operator code {number}"))


def _within(index: int, length: int) -> int:
    if not 0 <= index < length:
        raise IndexError(index)
    return index


def _refuse_unsupported(path: Path, names: list[str]) -> None:
    for index, name in enumerate(names):
        if name not in SUPPORTED_OPERATORS and name not in _SHAPE_OPERATORS:
            raise BadInputError(path, f"operator {index}", name, f"supported: {', '.join(SUPPORTED_OPERATORS)}")


def _tensor(model: Any, graph: Any, index: int) -> Tensor:
    table = graph.Tensors(index)
    shape = () if table.ShapeIsNone() else tuple(int(n) for n in _short(table.ShapeAsNumpy(), _MAX_AXES))
    if any(length < 1 for length in shape) or math.prod(shape) > MAX_FILE_BYTES:
        raise ValueError(shape)
    dtype = _DTYPES.get(table.Type(), f"type {table.Type()}")
    scales, zero_points, axis = _quantisation(table.Quantization())
    name = (table.Name() or b"").decode()
    data = _constant(model, table, shape, dtype)
    return Tensor(index, name, shape, dtype, scales, zero_points, axis, data)


def _short(values: Any, longest: int) -> Any:
    if len(values) > longest:
        raise ValueError(len(values))
    return values


def _quantisation(table: Any) -> tuple[tuple[float, ...], tuple[int, ...], int]:
    if table is None or table.ScaleIsNone() or table.ScaleLength() == 0:
        return (), (), 0
    scales = tuple(float(s) for s in _short(table.ScaleAsNumpy(), MAX_FILE_BYTES))
    if table.ZeroPointIsNone():
        return scales, (0,) * len(scales), table.QuantizedDimension()
    zero_points = tuple(int(z) for z in _short(table.ZeroPointAsNumpy(), len(scales)))
    if len(zero_points) == 1:
        zero_points *= len(scales)
    if len(zero_points) != len(scales):
        raise ValueError(zero_points)
    return scales, zero_points, table.QuantizedDimension()


def _constant(model: Any, table: Any, shape: tuple[int, ...], dtype: str) -> Any:
    number = table.Buffer()
    if number == 0 or dtype not in ("int8", "int32"):
        return None
    buffer = model.Buffers(_within(number, model.BuffersLength()))
    if buffer.DataIsNone() or buffer.DataLength() == 0:
        return None
    values = np.frombuffer(buffer.DataAsNumpy().tobytes(), dtype=np.dtype(dtype).newbyteorder("<"))
    return values.astype(dtype).reshape(shape)


def _single(path: Path, key: str, indices: Any, tensors: list[Tensor]) -> Tensor:
    count = np.size(indices)
    if count != 1:
        raise BadInputError(path, key, count, "a network with one is supported")
    return tensors[_within(int(indices[0]), len(tensors))]


def _check_interface(path: Path, key: str, tensor: Tensor) -> None:
    if tensor.dtype != "int8":
        raise BadInputError(path, f"{key} type", tensor.dtype, "expected int8: quantise the network fully")
    if not tensor.shape or tensor.shape[0] != 1:
        raise BadInputError(path, f"{key} shape", list(tensor.shape), "expected a batch of 1 on the first axis")


def _operator(path: Path, table: Any, index: int, name: str, tensors: list[Tensor]) -> Operator:
    inputs = [int(i) for i in _short(table.InputsAsNumpy(), 8)]
    outputs = [int(i) for i in _short(table.OutputsAsNumpy(), 8)]
    if not inputs or len(outputs) != 1:
        raise BadInputError(path, f"operator {index} {name}", None, "expected an input and one output")
    has_weights = name in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
    operands = [None if i == -1 else tensors[_within(i, len(tensors))] for i in inputs]
    if operands[0] is None:
        raise BadInputError(path, f"operator {index} {name}", None, "expected an input")
    weights = operands[1] if has_weights and len(operands) > 1 else None
    return Operator(
        index=index,
        name=name,
        input=operands[0],
        output=tensors[_within(outputs[0], len(tensors))],
        weights=weights,
        bias=operands[2] if has_weights and len(operands) > 2 else None,
        options=_options(path, table, index, name, weights),
    )


def _options(path: Path, table: Any, index: int, name: str, weights: Tensor | None) -> Options:
    place = f"operator {index} {name}"
    if name == "CONV_2D":
        conv = _options_table(path, place, table, schema.Conv2DOptions())
        return _window_options(path, place, conv, _rows_columns(weights), _dilation(conv))
    if name == "DEPTHWISE_CONV_2D":
        depthwise = _options_table(path, place, table, schema.DepthwiseConv2DOptions())
        return _window_options(path, place, depthwise, _rows_columns(weights), _dilation(depthwise))
    if name in ("MAX_POOL_2D", "AVERAGE_POOL_2D"):
        pool = _options_table(path, place, table, schema.Pool2DOptions())
        return _window_options(path, place, pool, (pool.FilterHeight(), pool.FilterWidth()), (1, 1))
    if name == "FULLY_CONNECTED":
        return _dense_options(path, place, _options_table(path, place, table, schema.FullyConnectedOptions()))
    if name == "SOFTMAX":
        return SoftmaxOptions(float(_options_table(path, place, table, schema.SoftmaxOptions()).Beta()))
    return None


def _options_table(path: Path, place: str, table: Any, options: Any) -> Any:
    kind = type(options).__name__
    number = table.BuiltinOptionsType()
    if number != getattr(schema.BuiltinOptions, kind):
        raise BadInputError(path, f"{place}: options type", number, f"expected {kind}")
    union = table.BuiltinOptions()
    options.Init(union.Bytes, union.Pos)
    return options


def _rows_columns(weights: Tensor | None) -> tuple[int, int]:
    if weights is None or len(weights.shape) != 4:
        raise ValueError(weights)
    return weights.shape[1], weights.shape[2]


def _dilation(table: Any) -> tuple[int, int]:
    return table.DilationHFactor(), table.DilationWFactor()


def _window_options(
    path: Path, place: str, table: Any, window: tuple[int, int], dilation: tuple[int, int]
) -> WindowOptions:
    options = WindowOptions(
        padding="same" if table.Padding() == schema.Padding.SAME else "valid",
        stride=(table.StrideH(), table.StrideW()),
        window=window,
        dilation=dilation,
        activation=_activation(path, place, table),
    )
    for key in ("stride", "window", "dilation"):
        pair = getattr(options, key)
        if not all(1 <= length <= _MAX_TABLES for length in pair):
            raise BadInputError(path, f"{place}: {key}", pair, f"expected 1 to {_MAX_TABLES}")
    return options


def _dense_options(path: Path, place: str, table: Any) -> DenseOptions:
    if table.WeightsFormat() != schema.FullyConnectedOptionsWeightsFormat.DEFAULT:
        raise BadInputError(path, f"{place}: weights format", table.WeightsFormat(), "only the default is read")
    return DenseOptions(_activation(path, place, table))


def _activation(path: Path, place: str, table: Any) -> Activation:
    number = table.FusedActivationFunction()
    if number not in _ACTIVATIONS:
        raise BadInputError(path, f"{place}: activation", number, f"supported: {', '.join(_ACTIVATIONS.values())}")
    return _ACTIVATIONS[number]


def _check_chain(path: Path, source: Tensor, operators: list[Operator], result: Tensor) -> None:
    """Refuse a graph that is not a single chain, which is all that the arena's plan covers."""
    if not operators:
        raise BadInputError(path, "operators", 0, "expected at least one")
    current = source
    for operator in operators:
        if operator.input.index != current.index:
            raise BadInputError(
                path,
                f"operator {operator.index} {operator.name}: input",
                operator.input.name,
                f"expected {current.name!r}: only chains of operators are supported",
            )
        current = operator.output
    if current.index != result.index:
        raise BadInputError(path, "output", result.name, f"expected the last operator's output {current.name!r}")
