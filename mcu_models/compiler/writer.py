"""Writes a network as a .tflite file: what was read and checked, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mcu_models.compiler.model import (
    ConcatenationOptions,
    DenseOptions,
    ElementwiseOptions,
    LeakyOptions,
    LstmOptions,
    MeanOptions,
    ResizeOptions,
    SliceOptions,
    SoftmaxOptions,
    WindowOptions,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mcu_models.compiler.model import Network, Operator, Tensor

_SCHEMA_VERSION: Final = 3
_ACTIVATIONS: Final = {"none": 0, "relu": 1, "relu_n1_to_1": 2, "relu6": 3, "tanh": 4}
_TYPES: Final = {name.lower(): number for name, number in vars(schema.TensorType).items() if isinstance(number, int)}
# The version of an operator is the oldest that computes int8 with its present meaning; where none stands here, 1
# (https://github.com/tensorflow/tensorflow/blob/master/tensorflow/compiler/mlir/lite/tools/versioning/op_version.cc).
_VERSIONS: Final = {
    "ADD": 2,
    "AVERAGE_POOL_2D": 2,
    "CONCATENATION": 2,
    "CONV_2D": 3,
    "DEPTHWISE_CONV_2D": 3,
    "DEQUANTIZE": 2,
    "FULLY_CONNECTED": 5,
    "LEAKY_RELU": 2,
    "LOGISTIC": 2,
    "MAX_POOL_2D": 2,
    "MEAN": 2,
    "MUL": 2,
    "PAD": 2,
    "QUANTIZE": 2,
    "RELU": 2,
    "RELU6": 2,
    "RESIZE_NEAREST_NEIGHBOR": 3,
    "SOFTMAX": 2,
    "SPLIT": 2,
    "STRIDED_SLICE": 2,
    "SUB": 2,
    "TANH": 2,
    "TRANSPOSE": 2,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": 3,
}


def write_network(network: Network) -> bytes:
    """Return a network as the content of a .tflite file.

    A RESHAPE that keeps a first axis of 1, or multiplies the network's batch into it, is written with that axis
    open, so that an interpreter may compute several batches at once.
    """
    return _Writer(network).content()


class _Writer:
    def __init__(self, network: Network) -> None:
        self._network = network
        self._buffers = [schema.BufferT()]
        self._tensors: list[Any] = []
        self._numbers: dict[int, int] = {}
        self._codes: dict[str, int] = {}

    def content(self) -> bytes:
        for tensor in self._network.tensors.values():
            self._numbers[tensor.index] = self._tensor(tensor)
        graph = schema.SubGraphT()
        graph.operators = [self._operator(operator) for operator in self._network.operators]
        graph.tensors = self._tensors
        graph.inputs = self._listed(self._network.inputs)
        graph.outputs = self._listed(self._network.outputs)
        model = schema.ModelT()
        model.version = _SCHEMA_VERSION
        model.subgraphs = [graph]
        model.operatorCodes = [_code(name) for name in self._codes]
        model.buffers = self._buffers
        builder = schema.flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    def _listed(self, tensors: Iterable[Tensor | None]) -> Any:
        return np.array([-1 if t is None else self._numbers[t.index] for t in tensors], np.int32)

    def _tensor(self, tensor: Tensor) -> int:
        table = schema.TensorT()
        table.name = tensor.name
        table.shape = np.array(tensor.shape, np.int32)
        table.type = _TYPES[tensor.dtype]
        table.quantization = _quantisation(tensor)
        table.isVariable = tensor.is_state
        table.buffer = 0 if tensor.data is None else self._buffer(tensor.data)
        self._tensors.append(table)
        return len(self._tensors) - 1

    def _buffer(self, values: Any) -> int:
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
        self._buffers.append(buffer)
        return len(self._buffers) - 1

    def _operator(self, operator: Operator) -> Any:
        table = schema.OperatorT()
        table.opcodeIndex = self._codes.setdefault(operator.name, len(self._codes))
        table.inputs = self._listed(_named_operands(operator))
        if operator.name == "RESHAPE":
            table.inputs = np.array([*table.inputs[:1], self._shape(operator)], np.int32)
        table.outputs = self._listed(operator.outputs)
        table.intermediates = self._listed(operator.intermediates)
        kind, table.builtinOptions = _options(operator)
        table.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
        return table

    def _shape(self, operator: Operator) -> int:
        """Add the constant that a RESHAPE takes its shape from; return its number."""
        shape = np.array(operator.output.shape, np.int32)
        if shape.size and self._network.input.shape[:1] == (1,):
            shape[0] = -1
        table = schema.TensorT()
        table.shape = np.array(shape.shape, np.int32)
        table.type = _TYPES["int32"]
        table.buffer = self._buffer(shape)
        self._tensors.append(table)
        return len(self._tensors) - 1


def _named_operands(operator: Operator) -> tuple[Tensor | None, ...]:
    """Return the operands; a convolution's missing bias must not be named, where other operators name it -1."""
    if operator.name in ("CONV_2D", "DEPTHWISE_CONV_2D") and operator.bias is None:
        return operator.inputs[:2]
    return operator.inputs


def _code(name: str) -> Any:
    code = schema.OperatorCodeT()
    code.builtinCode = getattr(schema.BuiltinOperator, name)
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)
    code.version = _VERSIONS.get(name, 1)
    return code


def _quantisation(tensor: Tensor) -> Any:
    if not tensor.scales:
        return None
    table = schema.QuantizationParametersT()
    table.scale = np.array(tensor.scales, np.float32)
    table.zeroPoint = np.array(tensor.zero_points, np.int64)
    table.quantizedDimension = tensor.axis
    return table


def _options(operator: Operator) -> tuple[str, Any]:
    """Return the schema's name and table of an operator's options."""
    options = operator.options
    if operator.name == "SPLIT":
        table = schema.SplitOptionsT()
        table.numSplits = len(operator.outputs)
        return "SplitOptions", table
    if options is None:
        return "NONE", None
    kind, fill = _KINDS[type(options)]
    kind = kind or _SCHEMA_NAMES[operator.name]
    table = getattr(schema, f"{kind}T")()
    fill(table, options)
    return kind, table


def _fill_window(table: Any, options: WindowOptions) -> None:
    table.padding = schema.Padding.SAME if options.padding == "same" else schema.Padding.VALID
    table.strideH, table.strideW = options.stride
    table.fusedActivationFunction = _ACTIVATIONS[options.activation]
    if hasattr(table, "filterHeight"):
        table.filterHeight, table.filterWidth = options.window
    else:
        table.dilationHFactor, table.dilationWFactor = options.dilation
    if hasattr(table, "depthMultiplier"):
        table.depthMultiplier = 0


def _fill_dense(table: Any, options: DenseOptions) -> None:
    table.fusedActivationFunction = _ACTIVATIONS[options.activation]
    table.keepNumDims = options.keep_num_dims


def _fill_softmax(table: Any, options: SoftmaxOptions) -> None:
    table.beta = options.beta


def _fill_elementwise(table: Any, options: ElementwiseOptions) -> None:
    table.fusedActivationFunction = _ACTIVATIONS[options.activation]


def _fill_leaky(table: Any, options: LeakyOptions) -> None:
    table.alpha = options.alpha


def _fill_concatenation(table: Any, options: ConcatenationOptions) -> None:
    table.axis = options.axis
    table.fusedActivationFunction = _ACTIVATIONS[options.activation]


def _fill_mean(table: Any, options: MeanOptions) -> None:
    table.keepDims = options.keep_dims


def _fill_resize(table: Any, options: ResizeOptions) -> None:
    table.alignCorners = options.align_corners
    table.halfPixelCenters = options.half_pixel_centers


def _fill_slice(table: Any, options: SliceOptions) -> None:
    table.beginMask = options.begin_mask
    table.endMask = options.end_mask
    table.shrinkAxisMask = options.shrink_mask


def _fill_lstm(table: Any, options: LstmOptions) -> None:
    table.fusedActivationFunction = _ACTIVATIONS["tanh"]
    table.cellClip = options.cell_clip
    table.timeMajor = options.time_major


# Where a kind of options serves several operators, the operator tells the schema's name.
_KINDS: Final[dict[type, tuple[str, Callable[[Any, Any], None]]]] = {
    WindowOptions: ("", _fill_window),
    DenseOptions: ("FullyConnectedOptions", _fill_dense),
    SoftmaxOptions: ("SoftmaxOptions", _fill_softmax),
    ElementwiseOptions: ("", _fill_elementwise),
    LeakyOptions: ("LeakyReluOptions", _fill_leaky),
    ConcatenationOptions: ("ConcatenationOptions", _fill_concatenation),
    MeanOptions: ("ReducerOptions", _fill_mean),
    ResizeOptions: ("ResizeNearestNeighborOptions", _fill_resize),
    SliceOptions: ("StridedSliceOptions", _fill_slice),
    LstmOptions: ("UnidirectionalSequenceLSTMOptions", _fill_lstm),
}
_SCHEMA_NAMES: Final = {
    "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "ADD": "AddOptions",
    "SUB": "SubOptions",
    "MUL": "MulOptions",
}
