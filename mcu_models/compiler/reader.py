"""Reads a network from a .tflite file, and refuses what the twin cannot compute exactly.

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
from datasheet.regular_file import length_of_regular_file
from mcu_models.compiler.graph import check_graph
from mcu_models.compiler.model import ITEM_BYTES, Network, Operator, Options, Tensor
from mcu_models.compiler.operators.family import Family, OptionsReader
from mcu_models.compiler.operators.registry import SUPPORTED_OPERATORS, find_family

__all__ = ["MAX_FILE_BYTES", "SUPPORTED_OPERATORS", "read_network"]

MAX_FILE_BYTES: Final = 16 * 1024 * 1024

# The converter computes the shape of a RESHAPE from the batch with these, in int32; the shape itself is in the file.
_SHAPE_OPERATORS: Final = ("SHAPE", "STRIDED_SLICE", "PACK")
_MAX_TABLES: Final = 4096
_MAX_AXES: Final = 6
_MAX_OPERANDS: Final = 64
_NOT_TFLITE: Final = "expected a .tflite file"

_OPERATOR_NAMES: Final = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
_DTYPES: Final = {
    schema.TensorType.BOOL: "bool",
    schema.TensorType.INT8: "int8",
    schema.TensorType.INT32: "int32",
    schema.TensorType.INT64: "int64",
    schema.TensorType.INT16: "int16",
    schema.TensorType.UINT8: "uint8",
    schema.TensorType.FLOAT32: "float32",
    schema.TensorType.FLOAT16: "float16",
}
# What reading a table at a wrong offset can raise.
_DAMAGE: Final = (
    struct.error,
    ValueError,
    IndexError,
    KeyError,
    TypeError,
    AttributeError,
    ArithmeticError,
    MemoryError,
)


def read_network(path: str | Path) -> Network:
    """Read a network.

    Args:
        path: A .tflite file with one subgraph of the operators in `SUPPORTED_OPERATORS`, every shape fixed (a batch
            left open is read as 1).

    Returns:
        The network, checked: shapes agree, constants have the length their shape demands, scales are
        positive, every operator has the form that the kernels compute, and finds its operands computed.

    Raises:
        BadInputError: The file cannot be read, is no .tflite file, is damaged, or holds an operator, a type or
            a shape that is not supported.
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
        length = length_of_regular_file(path)
        if length > MAX_FILE_BYTES:
            raise BadInputError(path, "size in bytes", length, f"at most {MAX_FILE_BYTES} are read")
        content = path.read_bytes()
    except OSError as error:
        raise BadInputError(path, "", None, f"cannot be read: {error.strerror}") from None
    if content[4:8] != b"TFL3":
        raise BadInputError(path, "identifier", content[4:8], f"{_NOT_TFLITE}, with 'TFL3' in bytes 4 to 7")
    return content


def _network_in(content: bytes, path: Path) -> Network:
    model = schema.Model.GetRootAs(content, 0)
    subgraphs = model.SubgraphsLength()
    if subgraphs != 1:
        raise BadInputError(path, "subgraphs", subgraphs, "one is supported")
    graph = model.Subgraphs(0)
    names = [_operator_name(model, graph, i) for i in range(_bounded(graph.OperatorsLength(), _MAX_TABLES))]
    _refuse_unsupported(path, names)
    tensors = [_tensor(model, graph, i) for i in range(_bounded(graph.TensorsLength(), _MAX_TABLES))]
    shapes = [_computes_a_shape(graph.Operators(i), name, tensors) for i, name in enumerate(names)]
    left_out = {int(graph.Operators(i).Outputs(0)) for i, is_shape in enumerate(shapes) if is_shape} | {-1}
    operators = [
        _operator(path, graph.Operators(i), i, name, tensors, left_out) for i, name in enumerate(names) if not shapes[i]
    ]
    inputs = _listed(graph.InputsAsNumpy(), tensors)
    outputs = _listed(graph.OutputsAsNumpy(), tensors)
    _refuse_dynamic(path, graph, inputs)
    network = Network(path, hashlib.sha256(content).hexdigest(), inputs, outputs, tuple(operators))
    check_graph(network)
    return network


def _bounded(count: int, most: int) -> int:
    if count > most:
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


def _computes_a_shape(table: Any, name: str, tensors: list[Tensor]) -> bool:
    results = _listed(table.OutputsAsNumpy(), tensors)
    return name in _SHAPE_OPERATORS and len(results) == 1 and results[0].dtype == "int32"


def _tensor(model: Any, graph: Any, index: int) -> Tensor:
    table = graph.Tensors(index)
    shape = () if table.ShapeIsNone() else tuple(int(n) for n in _short(table.ShapeAsNumpy(), _MAX_AXES))
    if any(length < 0 for length in shape) or math.prod(shape) > MAX_FILE_BYTES:
        raise ValueError(shape)
    dtype = _DTYPES.get(table.Type(), f"type {table.Type()}")
    scales, zero_points, axis = _quantisation(table.Quantization())
    name = (table.Name() or b"").decode(errors="replace")
    data = None if table.IsVariable() else _constant(model, table, shape, dtype)
    return Tensor(index, name, shape, dtype, scales, zero_points, axis, data, bool(table.IsVariable()))


def _short(values: Any, longest: int) -> Any:
    if np.size(values) > longest:
        raise ValueError(np.size(values))
    return np.atleast_1d(values)


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
    """Return the values of a constant as a view of the file; None when the tensor holds none."""
    number = table.Buffer()
    if number == 0 or dtype not in ITEM_BYTES:
        return None
    buffer = model.Buffers(_within(number, model.BuffersLength()))
    if buffer.DataIsNone() or buffer.DataLength() == 0:
        return None
    return buffer.DataAsNumpy().view(np.dtype(dtype).newbyteorder("<")).reshape(shape)


def _listed(indices: Any, tensors: list[Tensor]) -> tuple[Tensor, ...]:
    return tuple(tensors[_within(int(i), len(tensors))] for i in _indices(indices))


def _indices(values: Any) -> list[int]:
    """Return a list of tensors' indices; the schema's accessor answers 0 where there is no list."""
    return [int(i) for i in _short(values, _MAX_OPERANDS)] if isinstance(values, np.ndarray) else []


def _refuse_dynamic(path: Path, graph: Any, inputs: tuple[Tensor, ...]) -> None:
    for tensor in inputs:
        table = graph.Tensors(tensor.index)
        signature = [] if table.ShapeSignatureIsNone() else table.ShapeSignatureAsNumpy().tolist()
        if any(length < 0 for length in signature[1:]) or not tensor.shape or tensor.size == 0:
            raise BadInputError(
                path, "input shape", signature or list(tensor.shape), "expected every length but the batch to be fixed"
            )


def _operator(path: Path, table: Any, index: int, name: str, tensors: list[Tensor], left_out: set[int]) -> Operator:
    """Return an operator; operands that are left out, or are a shape computed by operators left out, are None."""
    place = f"operator {index} {name}"
    numbers = _indices(table.InputsAsNumpy())
    inputs = tuple(None if i in left_out else tensors[_within(i, len(tensors))] for i in numbers)
    outputs = _listed(table.OutputsAsNumpy(), tensors)
    computed = [tensor for tensor in inputs if tensor is not None and tensor.is_computed]
    if not computed or not outputs:
        raise BadInputError(path, place, None, "expected an input and an output")
    for tensor in (*inputs, *outputs):
        if tensor is not None and tensor.size == 0:
            raise BadInputError(path, f"{place}: shape", list(tensor.shape), "expected fixed lengths of at least 1")
    family = find_family(path, index, name, computed[0].dtype)
    operator = Operator(
        index=index,
        name=name,
        inputs=inputs,
        outputs=outputs,
        options=_options(path, place, table, family, inputs),
        intermediates=_listed(table.IntermediatesAsNumpy(), tensors),
    )
    return family.checked(path, operator)


def _options(path: Path, place: str, table: Any, family: Family, inputs: tuple[Tensor | None, ...]) -> Options:
    if family.options_type is None:
        return None
    number = table.BuiltinOptionsType()
    if number != getattr(schema.BuiltinOptions, family.options_type):
        raise BadInputError(path, f"{place}: options type", number, f"expected {family.options_type}")
    union = table.BuiltinOptions()
    options = getattr(schema, family.options_type)()
    options.Init(union.Bytes, union.Pos)
    return family.read(OptionsReader(path, place, options, inputs))
