"""Each operator's generated C computes what the golden reference computes: int8 in every bit, float32 within rounding.

TWIN_TEST_FRAMES sets how many random inputs each case gets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from datasheet.bad_input import BadInputError
from mcu_models.compiler.graph_builder import GraphBuilder
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
from mcu_models.compiler.reader import SUPPORTED_OPERATORS, read_network
from mcu_models.compiler.writer import write_network

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mcu_models.compiler.model import Activation, Network, Options, Padding, Tensor

    Quantised = tuple[tuple[int, ...], float, int]

# float32 against the reference, as a part of the output's largest value.
FLOAT_TOLERANCE = 1e-5


def integers(*values: int) -> NDArray[np.int32]:
    return np.array(values, np.int32)


def single(
    name: str,
    inputs: Sequence[Quantised | NDArray[Any]],
    outputs: Sequence[Quantised],
    options: Options = None,
) -> Network:
    """Return a network of one operator; arrays become unquantised constants."""
    builder = GraphBuilder()
    operands = [builder.constant(i) if isinstance(i, np.ndarray) else builder.tensor(*i) for i in inputs]
    results = [builder.tensor(*output) for output in outputs]
    builder.operator(name, operands, results, options)
    return builder.network([tensor for tensor in operands if tensor.data is None], results)


def weights_of(
    builder: GraphBuilder, shape: tuple[int, ...], axis: int, *, per_channel: bool, seed: int = 1
) -> tuple[Tensor, Tensor]:
    """Return constant weights and biases; each channel's scale differs where they are quantised per channel."""
    generator = np.random.default_rng(seed)
    channels = shape[axis]
    scales = generator.uniform(0.002, 0.02, channels if per_channel else 1).tolist()
    weights = generator.integers(-127, 128, shape).astype(np.int8)
    bias = generator.integers(-3000, 3000, channels).astype(np.int32)
    return builder.constant(weights, scales, 0, axis), builder.constant(bias, [0.001] * len(scales))


def convolution(
    name: str = "CONV_2D",
    shape: tuple[int, int, int, int] = (1, 7, 5, 3),
    window: tuple[int, int] = (3, 3),
    channels: int = 4,
    *,
    padding: Padding = "same",
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
    activation: Activation = "none",
    per_channel: bool = True,
    bias: bool = True,
    zero_points: tuple[int, int] = (-3, 5),
    scale: float = 0.3,
) -> Network:
    builder = GraphBuilder()
    options = WindowOptions(padding, stride, window, dilation, activation)
    source = builder.tensor(shape, 0.05, zero_points[0])
    depthwise = name == "DEPTHWISE_CONV_2D"
    weights_shape = (1, *window, channels) if depthwise else (channels, *window, shape[3])
    axis = 3 if depthwise else 0
    weights, biases = weights_of(builder, weights_shape, axis, per_channel=per_channel)
    rows, columns = (options.output_length(shape[1 + i], i) for i in (0, 1))
    result = builder.tensor((shape[0], rows, columns, channels), scale, zero_points[1])
    builder.operator(name, [source, weights, biases if bias else None], [result], options)
    return builder.network([source], [result])


DEPTHWISE = "DEPTHWISE_CONV_2D"
CONVOLUTIONS = {
    "same": convolution(),
    "valid": convolution(padding="valid", activation="relu"),
    "one channel each way": convolution(shape=(1, 6, 6, 1), channels=1),
    "one pixel": convolution(shape=(1, 1, 1, 5), window=(1, 1)),
    "point by point": convolution(shape=(1, 5, 3, 9), window=(1, 1), channels=7),
    "stride beyond the kernel": convolution(shape=(1, 11, 13, 2), window=(2, 2), stride=(3, 4), padding="valid"),
    "stride beyond the kernel, same": convolution(shape=(1, 11, 13, 2), window=(1, 2), stride=(3, 4)),
    "window beyond the image": convolution(shape=(1, 3, 2, 2), window=(7, 5)),
    "dilated": convolution(dilation=(2, 3), shape=(1, 9, 8, 2)),
    "dilated, valid": convolution(dilation=(3, 1), shape=(1, 9, 8, 2), padding="valid"),
    "per tensor": convolution(per_channel=False),
    "zero points at the ends": convolution(zero_points=(-128, 127)),
    "zero points at the other ends": convolution(zero_points=(127, -128), activation="relu"),
    "relu from -1 to 1": convolution(activation="relu_n1_to_1", scale=0.02),
    "scale above one": convolution(window=(1, 1), shape=(1, 3, 3, 1), scale=0.0003, activation="none"),
    "three images": convolution(shape=(3, 5, 4, 2), stride=(2, 1)),
    "deep": convolution(shape=(1, 4, 4, 33), channels=17, scale=1.0),
    "tall": convolution(shape=(1, 49, 10, 1), window=(10, 4), stride=(2, 2), channels=8),
    "depthwise": convolution(DEPTHWISE, channels=3),
    "depthwise, valid": convolution(DEPTHWISE, channels=3, padding="valid", stride=(2, 2), activation="relu6"),
    "depthwise, several each": convolution(DEPTHWISE, channels=9, per_channel=False),
    "depthwise, one channel": convolution(DEPTHWISE, shape=(1, 7, 5, 1), channels=1, bias=False),
    "depthwise, one into many": convolution(DEPTHWISE, shape=(1, 7, 5, 1), channels=8),
    "depthwise, dilated": convolution(DEPTHWISE, shape=(1, 9, 9, 4), channels=4, dilation=(2, 2)),
    "depthwise, stride beyond": convolution(DEPTHWISE, shape=(1, 9, 9, 4), channels=4, window=(2, 2), stride=(3, 3)),
    "depthwise, three images": convolution(DEPTHWISE, shape=(3, 5, 4, 6), channels=6, zero_points=(127, -128)),
    "depthwise, wide": convolution(DEPTHWISE, shape=(1, 6, 5, 37), channels=37),
    "depthwise, column": convolution(DEPTHWISE, shape=(1, 30, 1, 40), window=(3, 1), channels=40, padding="valid"),
}


def dense(
    shape: tuple[int, ...] = (1, 13),
    outputs: int = 7,
    *,
    inputs: int | None = None,
    keep: bool = False,
    activation: Activation = "none",
    per_channel: bool = True,
    bias: bool = True,
    zero_points: tuple[int, int] = (-3, 5),
) -> Network:
    builder = GraphBuilder()
    source = builder.tensor(shape, 0.05, zero_points[0])
    length = inputs or shape[-1]
    weights, biases = weights_of(builder, (outputs, length), 0, per_channel=per_channel)
    rows = shape[:-1] if keep else (source.size // length,)
    result = builder.tensor((*rows, outputs), 0.2, zero_points[1])
    operands = [source, weights, biases if bias else None]
    builder.operator("FULLY_CONNECTED", operands, [result], DenseOptions(activation, keep))
    return builder.network([source], [result])


DENSE = {
    "plain": dense(),
    "per tensor": dense(per_channel=False, bias=False, activation="relu"),
    "one input, one output": dense((1, 1), 1),
    "batch": dense((5, 8), 3),
    "rows of an image": dense((1, 4, 6), 3, keep=True),
    "whole image": dense((1, 4, 6), 3, inputs=24),
    "several rows to a list": dense((1, 4, 6), 3),
    "zero points at the ends": dense((1, 33), 9, zero_points=(-128, 127)),
    "zero points at the other ends": dense((1, 34), 9, zero_points=(127, -128)),
}


def pool(name: str, shape: tuple[int, int, int, int], **changes: Any) -> Network:
    options = WindowOptions(
        changes.get("padding", "valid"),
        changes.get("stride", (2, 2)),
        changes.get("window", (2, 2)),
        (1, 1),
        changes.get("activation", "none"),
    )
    rows, columns = (options.output_length(shape[1 + i], i) for i in (0, 1))
    quantised = changes.get("quantised", (0.05, -7))
    return single(name, [(shape, *quantised)], [((shape[0], rows, columns, shape[3]), *quantised)], options)


POOLS = {
    f"{name} {case}": pool(name, **changes)
    for name in ("MAX_POOL_2D", "AVERAGE_POOL_2D")
    for case, changes in {
        "plain": {"shape": (1, 8, 8, 4)},
        "odd": {"shape": (1, 7, 5, 3), "padding": "same", "window": (3, 2)},
        "stride beyond": {"shape": (1, 9, 9, 1), "stride": (4, 3)},
        "whole image": {"shape": (1, 5, 7, 6), "window": (5, 7), "stride": (1, 1), "activation": "relu"},
        "batch": {"shape": (3, 4, 4, 5), "activation": "relu6", "quantised": (0.05, -128)},
        "overlapping": {"shape": (1, 6, 6, 2), "window": (5, 5), "stride": (1, 1), "padding": "same"},
        "zero point at the end": {"shape": (1, 4, 4, 3), "quantised": (0.02, 127)},
    }.items()
}


def unary(name: str, source: tuple[float, int], result: tuple[float, int], options: Options = None) -> Network:
    return single(name, [((1, 7, 5), *source)], [((1, 7, 5), *result)], options)


TABLES = {
    "logistic": unary("LOGISTIC", (0.05, 7), (1 / 256, -128)),
    "logistic, steep": unary("LOGISTIC", (0.4, -128), (1 / 256, -128)),
    "tanh": unary("TANH", (0.03, -11), (1 / 128, 0)),
    "tanh, steep": unary("TANH", (0.3, 127), (1 / 128, 0)),
    "relu": unary("RELU", (0.05, 7), (0.033, -128)),
    "relu, zero points at the ends": unary("RELU", (0.05, 67), (0.033, -128)),
    "relu6": unary("RELU6", (0.05, -20), (6 / 255, -128)),
    "leaky relu": unary("LEAKY_RELU", (0.05, 7), (0.06, 9), LeakyOptions(0.3)),
    "leaky relu, falling": unary("LEAKY_RELU", (0.05, 127), (0.03, -128), LeakyOptions(-0.1)),
    "requantise": unary("QUANTIZE", (0.05, 7), (0.03, -100)),
    "requantise, coarser": unary("QUANTIZE", (0.05, 127), (0.31, 127)),
}

SHAPES = (
    ((1, 4, 5, 3), (1, 4, 5, 3)),
    ((1, 4, 5, 3), (1, 1, 1, 3)),
    ((1, 4, 5, 3), (3,)),
    ((1, 4, 1, 3), (1, 1, 5, 3)),
    ((1, 1, 1, 1), (1, 4, 5, 3)),
    ((1, 4, 5, 1), (1, 4, 1, 3)),
)


def elementwise(
    name: str,
    shapes: tuple[tuple[int, ...], tuple[int, ...]],
    activation: Activation = "none",
    zero_points: tuple[int, int, int] = (3, -7, 5),
) -> Network:
    scale = 0.02 if name == "MUL" else 0.08
    first, second, result = zero_points
    operands = [(shapes[0], 0.05, first), (shapes[1], 0.031, second)]
    return single(name, operands, [(np.broadcast_shapes(*shapes), scale, result)], ElementwiseOptions(activation))


def with_constant(name: str, *, first: bool) -> Network:
    builder = GraphBuilder()
    source = builder.tensor((1, 3, 4, 2), 0.1, 3)
    constant = builder.constant(np.array([-128, 97], np.int8), [0.07], 4)
    result = builder.tensor((1, 3, 4, 2), 0.09, -4)
    operands = [constant, source] if first else [source, constant]
    builder.operator(name, operands, [result], ElementwiseOptions("none"))
    return builder.network([source], [result])


ELEMENTWISE = (
    {f"{name} {shapes}": elementwise(name, shapes) for name in ("ADD", "SUB", "MUL") for shapes in SHAPES}
    | {
        f"{name} {activation}": elementwise(name, SHAPES[0], activation, (-128, -60, -3))
        for name in ("ADD", "SUB", "MUL")
        for activation in ("relu", "relu6", "relu_n1_to_1")
    }
    | {
        f"{name} constant {first}": with_constant(name, first=first)
        for name in ("SUB", "MUL")
        for first in (True, False)
    }
)

Q = (0.1, 5)
LAYOUTS = {
    "concatenate channels": single(
        "CONCATENATION",
        [((1, 4, 5, 3), *Q), ((1, 4, 5, 2), *Q), ((1, 4, 5, 3), *Q)],
        [((1, 4, 5, 8), *Q)],
        ConcatenationOptions(-1, "none"),
    ),
    "concatenate rows": single(
        "CONCATENATION",
        [((1, 4, 5, 3), *Q), ((1, 2, 5, 3), *Q)],
        [((1, 6, 5, 3), *Q)],
        ConcatenationOptions(1, "none"),
    ),
    "pad": single(
        "PAD", [((1, 4, 5, 3), *Q), np.array([[0, 0], [1, 2], [3, 0], [0, 1]], np.int32)], [((1, 7, 8, 4), *Q)]
    ),
    "pad in front": single("PAD", [((1, 4, 3), *Q), np.array([[0, 0], [3, 0], [0, 0]], np.int32)], [((1, 7, 3), *Q)]),
    "slice backwards": single(
        "STRIDED_SLICE",
        [((1, 8, 7, 3), *Q), integers(0, -2, 1, 0), integers(1, 1, 7, 3), integers(1, -2, 3, 1)],
        [((1, 3, 2, 3), *Q)],
        SliceOptions(0, 0, 0),
    ),
    "slice the last step": single(
        "STRIDED_SLICE",
        [((1, 8, 3), *Q), integers(0, -1, 0), integers(1, 0, 3), integers(1, 1, 1)],
        [((1, 3), *Q)],
        SliceOptions(1, 5, 2),
    ),
    "split channels": single("SPLIT", [np.array(-1, np.int32), ((1, 4, 5, 6), *Q)], [((1, 4, 5, 2), *Q)] * 3),
    "split rows": single("SPLIT", [np.array(1, np.int32), ((1, 4, 5, 6), *Q)], [((1, 2, 5, 6), *Q)] * 2),
    "squeeze": single("SQUEEZE", [((1, 4, 1, 6), *Q)], [((4, 6), *Q)]),
    "expand": single("EXPAND_DIMS", [((1, 4, 6), *Q), np.array(1, np.int32)], [((1, 1, 4, 6), *Q)]),
    "reshape": single("RESHAPE", [((1, 4, 6), *Q), integers(1, 24)], [((1, 24), *Q)]),
} | {
    f"transpose {order}": single(
        "TRANSPOSE",
        [((1, 4, 5, 6), *Q), integers(*order)],
        [(tuple((1, 4, 5, 6)[axis] for axis in order), *Q)],
    )
    for order in ((0, 2, 1, 3), (0, 3, 1, 2), (0, 2, 3, 1), (0, 1, 3, 2), (0, 1, 2, 3))
}

RESIZES = {
    f"resize to {size} {options}": single(
        "RESIZE_NEAREST_NEIGHBOR", [((1, 4, 5, 3), *Q), integers(*size)], [((1, *size, 3), *Q)], options
    )
    for size in ((8, 10), (7, 3), (2, 11), (1, 1))
    for options in (ResizeOptions(False, False), ResizeOptions(True, False), ResizeOptions(False, True))  # noqa: FBT003
}


def mean(shape: tuple[int, ...], axes: tuple[int, ...], *, keep: bool, result: tuple[float, int]) -> Network:
    averaged = [axis % len(shape) for axis in axes]
    left = tuple(1 if i in averaged else n for i, n in enumerate(shape) if keep or i not in averaged)
    return single("MEAN", [(shape, 0.05, 3), integers(*axes)], [(left, *result)], MeanOptions(keep))


MEANS = {
    f"mean {shape} {axes} {result}": mean(shape, axes, keep=keep, result=result)
    for shape, axes, keep in (
        ((1, 4, 5, 3), (1, 2), True),
        ((1, 4, 5, 3), (2, 1), False),
        ((1, 5, 3, 7), (2,), True),
        ((1, 6, 5), (-1,), False),
        ((1, 49, 3), (1,), True),
        ((1, 1, 5, 3), (1, 2), False),
        ((2, 4, 5, 3), (1, 2, 3), False),
    )
    for result in ((0.05, 3), (0.02, -7), (0.09, 127))
}


def softmax(shape: tuple[int, ...], scale: float, zero_point: int, beta: float) -> Network:
    return single("SOFTMAX", [(shape, scale, zero_point)], [(shape, 1 / 256, -128)], SoftmaxOptions(beta))


SOFTMAXES = {
    "plain": softmax((1, 10), 0.1, 5, 1.0),
    "two": softmax((1, 2), 0.01, -128, 1.0),
    "one": softmax((1, 1), 0.1, 0, 1.0),
    "rows": softmax((1, 4, 6), 0.3, 127, 0.7),
    "many": softmax((1, 200), 0.05, 0, 2.0),
    "steep": softmax((1, 6), 15.9, 0, 1.0),
    "steeper": softmax((1, 6), 16.0, 0, 1.0),
    "steepest": softmax((1, 6), 1e30, 0, 1e30),
    "flattest": softmax((1, 6), 1.0, 0, 2.0**-26 * 1.001),
}
# Whatever the input, the output hardly differs.
FLAT = ("softmax: one", "softmax: flattest")


def lstm(
    steps: int, inputs: int, cells: int, *, bits: int = 11, clip: float = 10.0, batch: int = 1, **changes: Any
) -> Network:
    """Return an LSTM of int8 whose cell has the scale 2^-bits."""
    builder, generator = GraphBuilder(), np.random.default_rng(changes.get("seed", 1))
    time_major = changes.get("time_major", False)
    hidden = changes.get("hidden", (1 / 128, 0))
    scale = changes.get("scale", 0.01)

    def matrices(columns: int) -> list[Tensor]:
        values = [generator.integers(-127, 128, (cells, columns)).astype(np.int8) for _ in range(4)]
        return [builder.constant(v, [scale * generator.uniform(0.8, 1.3)]) for v in values]

    shape = (steps, batch, inputs) if time_major else (batch, steps, inputs)
    source = builder.tensor(shape, 0.04, changes.get("zero_point", -3))
    operands: list[Tensor | None] = [source, *matrices(inputs), *matrices(cells), None, None, None]
    operands += [builder.constant(generator.integers(-3000, 3000, cells).astype(np.int32), [0.0004]) for _ in range(4)]
    operands += [None, None, builder.state((batch, cells), *hidden, "int8")]
    operands += [builder.state((batch, cells), 2.0**-bits, 0, "int16"), None, None, None, None]
    # As the converter leaves them: no values, and a quantisation of the last one only.
    inside = [builder.tensor((0,), None, 0, "float32") for _ in range(4)] + [builder.tensor((0,), *hidden)]
    result = builder.tensor((*shape[:2], cells), *hidden)
    builder.operator("UNIDIRECTIONAL_SEQUENCE_LSTM", operands, [result], LstmOptions(time_major, clip), inside)
    return builder.network([source], [result])


LSTMS = {
    "plain": lstm(5, 8, 8),
    "one cell": lstm(3, 1, 1),
    "cell of 2^-9, not cut": lstm(7, 5, 3, bits=9, clip=0.0),
    "cell of 2^-15, cut": lstm(5, 6, 7, bits=15, clip=0.5),
    "zero point at the end": lstm(5, 6, 7, bits=12, clip=2.0, hidden=(1 / 256, -128)),
    "three sequences": lstm(4, 6, 7, bits=10, batch=3, zero_point=127),
    "time first": lstm(4, 6, 7, time_major=True, hidden=(1 / 128, 5), scale=0.002),
    "long": lstm(20, 16, 32, bits=13, scale=0.05),
}


def folded_time() -> Network:
    """Return a network that computes five images as one batch, then a sequence of them."""
    builder = GraphBuilder()
    source = builder.tensor((1, 5, 8, 8, 1), 0.05, -20)
    images = builder.tensor((5, 8, 8, 1), 0.05, -20)
    builder.operator("RESHAPE", [source, None], [images])
    weights, bias = weights_of(builder, (8, 3, 3, 1), 0, per_channel=True)
    features = builder.tensor((5, 6, 6, 8), 0.1, -128)
    options = WindowOptions("valid", (1, 1), (3, 3), (1, 1), "relu")
    builder.operator("CONV_2D", [images, weights, bias], [features], options)
    pooled = builder.tensor((5, 2, 2, 8), 0.1, -128)
    builder.operator("MAX_POOL_2D", [features], [pooled], WindowOptions("valid", (3, 3), (3, 3), (1, 1), "none"))
    rows = builder.tensor((5, 32), 0.1, -128)
    builder.operator("RESHAPE", [pooled, None], [rows])
    weights, bias = weights_of(builder, (4, 32), 0, per_channel=False)
    each = builder.tensor((5, 4), 0.2, 3)
    builder.operator("FULLY_CONNECTED", [rows, weights, bias], [each], DenseOptions("none"))
    sequence = builder.tensor((1, 5, 4), 0.2, 3)
    builder.operator("RESHAPE", [each, None], [sequence])
    mean_axes = builder.constant(integers(1))
    result = builder.tensor((1, 4), 0.15, 3)
    builder.operator("MEAN", [sequence, mean_axes], [result], MeanOptions(keep_dims=False))
    return builder.network([source], [result])


def shared_input() -> Network:
    """Return a network where a value is read again after an operator that could have overwritten it."""
    builder = GraphBuilder()
    source = builder.tensor((1, 6), 0.1, 0)
    doubled, halved, back, result = (builder.tensor((1, 6), scale, 0) for scale in (0.2, 0.05, 0.1, 0.3))
    builder.operator("ADD", [source, source], [doubled], ElementwiseOptions("none"))
    builder.operator("QUANTIZE", [doubled], [halved])
    builder.operator("QUANTIZE", [halved], [back])
    builder.operator("ADD", [doubled, back], [result], ElementwiseOptions("none"))
    return builder.network([source], [result, halved])


GRAPHS = {"time folded into the batch": folded_time(), "a value read twice": shared_input()}

INT8 = {
    f"{family}: {case}": network
    for family, cases in {
        "convolution": CONVOLUTIONS,
        "dense": DENSE,
        "pool": POOLS,
        "table": TABLES,
        "elementwise": ELEMENTWISE,
        "layout": LAYOUTS,
        "resize": RESIZES,
        "mean": MEANS,
        "softmax": SOFTMAXES,
        "lstm": LSTMS,
        "graph": GRAPHS,
    }.items()
    for case, network in cases.items()
}


@pytest.mark.parametrize("case", INT8)
def test_int8_equals_the_reference_in_every_bit(case: str, compare: Callable[..., Any]) -> None:
    comparison = compare(INT8[case])
    assert comparison.mismatches == 0
    assert all(len(np.unique(expected)) > 3 or case in FLAT for expected in comparison.expected)


def test_no_supported_operator_is_left_out() -> None:
    used = {operator.name for network in (*INT8.values(), codes_and_back()) for operator in network.operators}
    assert used == set(SUPPORTED_OPERATORS)


@pytest.mark.parametrize("name", ["ADD", "SUB", "MUL"])
def test_every_pair_of_codes_is_computed_exactly(name: str, compare: Callable[..., Any]) -> None:
    """All 65,536 pairs, one operand along each axis."""
    codes = np.arange(-128, 128, dtype=np.int8)
    builder = GraphBuilder()
    rows, columns = builder.constant(codes.reshape(256, 1), [0.021], -5), builder.tensor((1, 256), 0.05, 9)
    result = builder.tensor((256, 256), 0.06, 1)
    builder.operator(name, [rows, columns], [result], ElementwiseOptions("none"))
    assert compare(builder.network([columns], [result]), frames=8).mismatches == 0


def real(builder: GraphBuilder, shape: tuple[int, ...]) -> Tensor:
    return builder.tensor(shape, None, 0, "float32")


def real_constant(builder: GraphBuilder, *shape: int) -> Tensor:
    values = np.random.default_rng(len(shape)).normal(0, 0.5, shape).astype(np.float32)
    return builder.constant(values)


def real_chain(padding: Padding) -> Network:
    """Return convolution, pool, fully connected layer and softmax in float32."""
    builder = GraphBuilder()
    source = real(builder, (1, 9, 7, 3))
    options = WindowOptions(padding, (2, 1), (3, 2), (1, 2), "relu6")
    rows, columns = options.output_length(9, 0), options.output_length(7, 1)
    features = real(builder, (1, rows, columns, 5))
    weights, bias = real_constant(builder, 5, 3, 2, 3), real_constant(builder, 5)
    builder.operator("CONV_2D", [source, weights, bias], [features], options)
    pooling = WindowOptions(padding, (3, 2), (2, 2), (1, 1), "none")
    pooled = real(builder, (1, pooling.output_length(rows, 0), pooling.output_length(columns, 1), 5))
    builder.operator("MAX_POOL_2D", [features], [pooled], pooling)
    flat, scores, result = (real(builder, (1, n)) for n in (pooled.size, 6, 6))
    builder.operator("RESHAPE", [pooled, None], [flat])
    operands = [flat, real_constant(builder, 6, pooled.size), None]
    builder.operator("FULLY_CONNECTED", operands, [scores], DenseOptions("none"))
    builder.operator("SOFTMAX", [scores], [result], SoftmaxOptions(0.8))
    return builder.network([source], [scores, result])


def real_lstm(*, time_major: bool, clip: float) -> Network:
    builder = GraphBuilder()
    inputs, cells = 5, 9
    source = real(builder, (6, 1, inputs) if time_major else (1, 6, inputs))
    operands: list[Tensor | None] = [source, *(real_constant(builder, cells, inputs) for _ in range(4))]
    operands += [*(real_constant(builder, cells, cells) for _ in range(4)), None, None, None]
    operands += [*(real_constant(builder, cells) for _ in range(4)), None, None]
    operands += [builder.state((1, cells), None, 0, "float32") for _ in range(2)]
    result = real(builder, (*source.shape[:2], cells))
    options = LstmOptions(time_major, clip)
    builder.operator("UNIDIRECTIONAL_SEQUENCE_LSTM", [*operands, None, None, None, None], [result], options)
    return builder.network([source], [result])


def codes_and_back() -> Network:
    """Return a network that quantises numbers and gives back the codes and what they stand for."""
    builder = GraphBuilder()
    source, result = real(builder, (1, 300)), real(builder, (1, 300))
    codes = builder.tensor((1, 300), 0.013, 5)
    builder.operator("QUANTIZE", [source], [codes])
    builder.operator("DEQUANTIZE", [codes], [result])
    return builder.network([source], [codes, result])


REALS = {
    "same": real_chain("same"),
    "valid": real_chain("valid"),
    "lstm": real_lstm(time_major=False, clip=10.0),
    "lstm, time first, cut": real_lstm(time_major=True, clip=0.3),
}


@pytest.mark.parametrize("case", REALS)
def test_float32_equals_the_reference_within_rounding(case: str, compare: Callable[..., Any]) -> None:
    assert compare(REALS[case]).largest_error < FLOAT_TOLERANCE


def test_quantised_numbers_are_exact_both_ways(compare: Callable[..., Any]) -> None:
    assert compare(codes_and_back()).mismatches == 0


REFUSED = {
    "cannot be broadcast": single("ADD", [((1, 3), *Q), ((1, 4), *Q)], [((1, 4), *Q)], ElementwiseOptions("none")),
    "too far from the inputs'": single(
        "ADD", [((1, 3), 1e9, 0), ((1, 3), *Q)], [((1, 3), *Q)], ElementwiseOptions("none")
    ),
    "output shape is [1, 4]; expected [1, 3]": single(
        "MUL", [((1, 3), *Q), ((1, 3), *Q)], [((1, 4), *Q)], ElementwiseOptions("none")
    ),
    "input scale is (0.2": single(
        "CONCATENATION", [((1, 3), *Q), ((1, 3), 0.2, 5)], [((1, 6), *Q)], ConcatenationOptions(1, "none")
    ),
    "expected 6 on axis 1": single(
        "CONCATENATION", [((1, 3), *Q), ((1, 3), *Q)], [((1, 7), *Q)], ConcatenationOptions(1, "none")
    ),
    "paddings is [[0, 0], [-1, 0]]": single(
        "PAD", [((1, 3), *Q), np.array([[0, 0], [-1, 0]], np.int32)], [((1, 2), *Q)]
    ),
    "takes nothing": single(
        "STRIDED_SLICE",
        [((1, 3), *Q), integers(0, 2), integers(1, 1), integers(1, 1)],
        [((1, 1), *Q)],
        SliceOptions(0, 0, 0),
    ),
    "expected none of 0": single(
        "STRIDED_SLICE",
        [((1, 3), *Q), integers(0, 0), integers(1, 1), integers(1, 0)],
        [((1, 1), *Q)],
        SliceOptions(0, 0, 0),
    ),
    "expected a divisor of 3": single("SPLIT", [np.array(1, np.int32), ((1, 3), *Q)], [((1, 1), *Q)] * 2),
    "permutation is [0, 0]": single("TRANSPOSE", [((1, 3), *Q), integers(0, 0)], [((1, 1), *Q)]),
    "not together with align corners": single(
        "RESIZE_NEAREST_NEIGHBOR",
        [((1, 2, 2, 1), *Q), integers(3, 3)],
        [((1, 3, 3, 1), *Q)],
        ResizeOptions(align_corners=True, half_pixel_centers=True),
    ),
    "axes is [1, 3]; expected neighbours": mean((1, 4, 5, 3), (1, 3), keep=True, result=Q),
    "expected 0.00390625 with zero point -128": unary("LOGISTIC", (0.05, 7), (0.01, 0)),
    "alpha is 3.0": unary("LEAKY_RELU", (0.05, 7), (0.05, 7), LeakyOptions(3.0)),
    "cell state scale is": lstm(3, 2, 2, bits=20),
    "shape is 'tensor_1'; expected constants": single("EXPAND_DIMS", [((1, 6), *Q), ((1, 6), *Q)], [((1, 1, 6), *Q)]),
    "expected 6 values": single("RESHAPE", [((1, 6), *Q), integers(1, 5)], [((1, 5), *Q)]),
    "times beta it must be above 2^-26": softmax((1, 3), 0.05, 0, 1e-30),
    "input scale is 1.0": softmax((1, 3), 1.0, 0, 2.0**-26),
    "input scale is 9.99": softmax((1, 3), 1e-38, 0, 1.0),
    "quantised type is 'int16'": single("QUANTIZE", [((1, 3), None, 0, "float32")], [((1, 3), 0.1, 0, "int16")]),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_no_kernel_computes_exactly_is_refused(reason: str, tmp_path: Path) -> None:
    """The one line names the operator, what stands in the file and what may."""
    path = tmp_path / "network.tflite"
    path.write_bytes(write_network(REFUSED[reason]))
    with pytest.raises(BadInputError) as refused:
        read_network(path)
    name = REFUSED[reason].operators[0].name
    assert f"operator 0 {name}: " in str(refused.value)
    assert reason in str(refused.value)
