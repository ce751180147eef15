"""Networks drawn at random from the supported operators: their C equals the golden reference in every bit.

TWIN_TEST_GRAPHS sets how many are drawn.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcu_models.compiler.graph_builder import GraphBuilder
from mcu_models.compiler.model import (
    ConcatenationOptions,
    ElementwiseOptions,
    LeakyOptions,
    MeanOptions,
    ResizeOptions,
    SliceOptions,
    SoftmaxOptions,
    WindowOptions,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcu_models.compiler.model import Network, Tensor

GRAPHS = int(os.environ.get("TWIN_TEST_GRAPHS", "60"))
FRAMES = 24
MOST_VALUES = 1500

ACTIVATIONS = st.sampled_from(["none", "relu", "relu6", "relu_n1_to_1"])
PADDINGS = st.sampled_from(["same", "valid"])
SMALL = st.integers(1, 3)
SCALES = st.floats(0.004, 0.3)
ZERO_POINTS = st.one_of(st.sampled_from([-128, 127, 0]), st.integers(-128, 127))


@dataclass
class Drawing:
    """A graph that grows by one operator at a time."""

    draw: Callable[[Any], Any]
    builder: GraphBuilder = field(default_factory=GraphBuilder)
    images: list[Tensor] = field(default_factory=list)
    read: set[int] = field(default_factory=set)

    def image(self) -> Tensor:
        """Return one of the images computed so far, the newest more often."""
        return self.draw(st.sampled_from([*self.images, self.images[-1], self.images[-1]]))

    def like(self, tensor: Tensor, shape: tuple[int, ...] | None = None) -> Tensor:
        """Return a new tensor with the quantisation of another."""
        return self.builder.tensor(tensor.shape if shape is None else shape, tensor.scale, tensor.zero_point)

    def fresh(self, shape: tuple[int, ...], scale: float | None = None) -> Tensor:
        """Return a new tensor with a quantisation of its own."""
        drawn = self.draw(SCALES) if scale is None else scale * self.draw(st.floats(0.5, 2.0))
        return self.builder.tensor(shape, drawn, self.draw(ZERO_POINTS))

    def integers(self, *values: int) -> Tensor:
        return self.builder.constant(np.array(values, np.int32))

    def add(self, name: str, operands: list[Tensor | None], result: Tensor, options: Any = None) -> None:
        self.builder.operator(name, operands, [result], options)
        self.read |= {tensor.index for tensor in operands if tensor is not None}
        self.images.append(result)

    def window(self) -> WindowOptions:
        draw = self.draw
        pair = st.tuples(SMALL, SMALL)
        return WindowOptions(draw(PADDINGS), draw(pair), draw(pair), (1, 1), draw(ACTIVATIONS))

    def positions(self, options: WindowOptions, source: Tensor) -> tuple[int, int]:
        return options.output_length(source.shape[1], 0), options.output_length(source.shape[2], 1)


def convolve(drawing: Drawing) -> None:
    source, options = drawing.image(), drawing.window()
    rows, columns = drawing.positions(options, source)
    depthwise = drawing.draw(st.booleans())
    depth = source.shape[3]
    channels = depth * drawing.draw(st.integers(1, 2)) if depthwise else drawing.draw(st.integers(1, 9))
    if rows * columns == 0 or source.shape[0] * rows * columns * channels > MOST_VALUES:
        return
    shape = (1, *options.window, channels) if depthwise else (channels, *options.window, depth)
    generator = np.random.default_rng(drawing.draw(st.integers(0, 99)))
    scales = generator.uniform(0.001, 0.02, channels if drawing.draw(st.booleans()) else 1).tolist()
    values = generator.integers(-127, 128, shape).astype(np.int8)
    weights = drawing.builder.constant(values, scales, 0, 3 if depthwise else 0)
    bias = drawing.builder.constant(generator.integers(-2000, 2000, channels).astype(np.int32), scales)
    taps = np.prod(options.window) * (1 if depthwise else depth)
    result = drawing.fresh((source.shape[0], rows, columns, channels), float(source.scale * 0.3 * np.sqrt(taps)))
    drawing.add("DEPTHWISE_CONV_2D" if depthwise else "CONV_2D", [source, weights, bias], result, options)


def pool(drawing: Drawing) -> None:
    source, options = drawing.image(), drawing.window()
    rows, columns = drawing.positions(options, source)
    if rows * columns > 0:
        result = drawing.like(source, (source.shape[0], rows, columns, source.shape[3]))
        drawing.add(drawing.draw(st.sampled_from(["MAX_POOL_2D", "AVERAGE_POOL_2D"])), [source], result, options)


def combine(drawing: Drawing) -> None:
    first = drawing.image()
    second = drawing.draw(st.sampled_from([t for t in drawing.images if broadcast(first, t) is not None]))
    name = drawing.draw(st.sampled_from(["ADD", "SUB", "MUL"]))
    scale = first.scale * second.scale * 30 if name == "MUL" else first.scale + second.scale
    result = drawing.fresh(broadcast(first, second) or (), scale)
    drawing.add(name, [first, second], result, ElementwiseOptions(drawing.draw(ACTIVATIONS)))


def broadcast(first: Tensor, second: Tensor) -> tuple[int, ...] | None:
    try:
        shape = np.broadcast_shapes(first.shape, second.shape)
    except ValueError:
        return None
    return shape if np.prod(shape) <= MOST_VALUES else None


def tabulate(drawing: Drawing) -> None:
    source = drawing.image()
    name = drawing.draw(st.sampled_from(["RELU", "RELU6", "LEAKY_RELU", "QUANTIZE", "LOGISTIC", "TANH", "SOFTMAX"]))
    fixed = {"LOGISTIC": (1 / 256, -128), "SOFTMAX": (1 / 256, -128), "TANH": (1 / 128, 0)}
    if name in fixed:
        result = drawing.builder.tensor(source.shape, *fixed[name])
    else:
        result = drawing.fresh(source.shape, source.scale)
    options = {"LEAKY_RELU": LeakyOptions(0.2), "SOFTMAX": SoftmaxOptions(1.0)}.get(name)
    drawing.add(name, [source], result, options)


def rearrange(drawing: Drawing) -> None:
    source = drawing.image()
    order = drawing.draw(st.sampled_from([(0, 1, 2, 3), (0, 2, 1, 3), (0, 3, 2, 1), (0, 1, 3, 2), (1, 0, 2, 3)]))
    shape = tuple(source.shape[axis] for axis in order)
    drawing.add("TRANSPOSE", [source, drawing.integers(*order)], drawing.like(source, shape))


def reshape(drawing: Drawing) -> None:
    source = drawing.image()
    shapes = [(1, source.size, 1, 1), (1, 1, 1, source.size), (source.shape[1], source.shape[0], *source.shape[2:])]
    drawing.add("RESHAPE", [source, None], drawing.like(source, drawing.draw(st.sampled_from(shapes))))


def pad(drawing: Drawing) -> None:
    source = drawing.image()
    amounts = [(0, 0), *drawing.draw(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=3, max_size=3))]
    shape = tuple(n + sum(pair) for n, pair in zip(source.shape, amounts, strict=True))
    if np.prod(shape) <= MOST_VALUES:
        paddings = drawing.builder.constant(np.array(amounts, np.int32))
        drawing.add("PAD", [source, paddings], drawing.like(source, shape))


def cut(drawing: Drawing) -> None:
    source = drawing.image()
    begins = [drawing.draw(st.integers(0, n - 1)) for n in source.shape]
    ends = [drawing.draw(st.integers(b + 1, n)) for b, n in zip(begins, source.shape, strict=True)]
    steps = [drawing.draw(SMALL) for _ in source.shape]
    shape = tuple(len(range(b, e, s)) for b, e, s in zip(begins, ends, steps, strict=True))
    operands = [source, *(drawing.integers(*values) for values in (begins, ends, steps))]
    drawing.add("STRIDED_SLICE", operands, drawing.like(source, shape), SliceOptions(0, 0, 0))


def join(drawing: Drawing) -> None:
    source, axis = drawing.image(), drawing.draw(st.integers(0, 3))
    others = [t for t in drawing.images if joins(source, t, axis)]
    other = drawing.draw(st.sampled_from(others))
    shape = tuple(n + (other.shape[axis] if i == axis else 0) for i, n in enumerate(source.shape))
    if np.prod(shape) <= MOST_VALUES:
        result = drawing.like(source, shape)
        drawing.add("CONCATENATION", [source, other], result, ConcatenationOptions(axis, "none"))


def joins(first: Tensor, second: Tensor, axis: int) -> bool:
    same = first.quantisation == second.quantisation
    return same and all(i == axis or n == m for i, (n, m) in enumerate(zip(first.shape, second.shape, strict=True)))


def average(drawing: Drawing) -> None:
    source = drawing.image()
    axes = drawing.draw(st.sampled_from([(1, 2), (1,), (2, 3), (-1,), (1, 2, 3)]))
    averaged = [axis % 4 for axis in axes]
    shape = tuple(1 if i in averaged else n for i, n in enumerate(source.shape))
    result = drawing.fresh(shape, source.scale)
    drawing.add("MEAN", [source, drawing.integers(*axes)], result, MeanOptions(keep_dims=True))


def resize(drawing: Drawing) -> None:
    source = drawing.image()
    size = drawing.draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    shape = (source.shape[0], *size, source.shape[3])
    aligned = drawing.draw(st.booleans())
    if np.prod(shape) <= MOST_VALUES:
        options = ResizeOptions(aligned, not aligned and drawing.draw(st.booleans()))
        drawing.add("RESIZE_NEAREST_NEIGHBOR", [source, drawing.integers(*size)], drawing.like(source, shape), options)


STEPS = (convolve, convolve, pool, combine, combine, tabulate, rearrange, reshape, pad, cut, join, average, resize)


@st.composite
def networks(draw: Callable[[Any], Any]) -> Network:
    """Draw a network of one or two inputs; whatever no operator reads is an output."""
    drawing = Drawing(draw)
    shapes = st.tuples(st.integers(1, 2), st.integers(1, 8), st.integers(1, 8), st.integers(1, 5))
    inputs = [drawing.fresh(draw(shapes)) for _ in range(draw(st.integers(1, 2)))]
    drawing.images += inputs
    for _ in range(draw(st.integers(1, 7))):
        draw(st.sampled_from(STEPS))(drawing)
    tabulate(drawing)
    sources = {tensor.index for tensor in inputs}
    unread = [t for t in drawing.images if t.index not in drawing.read and t.index not in sources]
    return drawing.builder.network(inputs, unread)


@settings(max_examples=GRAPHS, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(networks())
def test_random_graphs_equal_the_reference(compare: Callable[..., Any], network: Network) -> None:
    """No value of any output of any frame differs."""
    assert compare(network, frames=FRAMES).mismatches == 0
