"""What a network is: tensors, operators with their options, and the graph they form, as read from a .tflite file."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, TypeVar

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

Activation: TypeAlias = Literal["none", "relu", "relu_n1_to_1", "relu6"]
Padding: TypeAlias = Literal["same", "valid"]
OptionsT = TypeVar("OptionsT")

ITEM_BYTES: Final = {
    "bool": 1,
    "int8": 1,
    "uint8": 1,
    "int16": 2,
    "float16": 2,
    "int32": 4,
    "float32": 4,
    "int64": 8,
}


@dataclass(frozen=True)
class Tensor:
    """One array of a network, constant, computed or kept as a state.

    A stored value `q` stands for `scale * (q - zero_point)`.

    Attributes:
        index: Position in the file's list of tensors.
        name: The file's name for it.
        shape: Lengths of its axes; empty for a single value.
        dtype: Such as "int8", "int16", "int32" or "float32".
        scales: One scale, or one for each index of `axis`; empty for an unquantised tensor.
        zero_points: As many as `scales`.
        axis: The axis that `scales` run along when there are several.
        data: The constant's values with this shape and dtype; None for a computed tensor.
        is_state: Whether an operator keeps it from one of its steps to the next.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int
    data: NDArray[Any] | None
    is_state: bool = False

    @property
    def size(self) -> int:
        """How many values it holds."""
        return math.prod(self.shape)

    @property
    def size_bytes(self) -> int:
        """How many bytes its values take."""
        return self.size * ITEM_BYTES[self.dtype]

    @property
    def is_computed(self) -> bool:
        """Whether an operator computes it, or the caller passes it."""
        return self.data is None and not self.is_state

    @property
    def scale(self) -> float:
        """The scale of a tensor quantised as a whole."""
        return self.scales[0]

    @property
    def zero_point(self) -> int:
        """The zero point of a tensor quantised as a whole."""
        return self.zero_points[0]

    @property
    def quantisation(self) -> tuple[tuple[float, ...], tuple[int, ...]]:
        """Scales and zero points, for comparing."""
        return self.scales, self.zero_points


@dataclass(frozen=True)
class WindowOptions:
    """How a convolution or a pool moves its window; pairs are (rows, columns)."""

    padding: Padding
    stride: tuple[int, int]
    window: tuple[int, int]
    dilation: tuple[int, int]
    activation: Activation

    def reach(self, axis: int) -> int:
        """Return how many input rows (`axis` 0) or columns (1) one position of the window spans."""
        return (self.window[axis] - 1) * self.dilation[axis] + 1

    def output_length(self, input_length: int, axis: int) -> int:
        """Return how many positions the window takes along `axis` of an input of this length."""
        free = input_length if self.padding == "same" else input_length - self.reach(axis) + 1
        return max(-(-free // self.stride[axis]), 0)

    def padding_before(self, input_length: int, output_length: int, axis: int) -> int:
        """Return how far the first position of the window begins before the input."""
        needed = (output_length - 1) * self.stride[axis] + self.reach(axis) - input_length
        return max(needed, 0) // 2 if self.padding == "same" else 0


@dataclass(frozen=True)
class DenseOptions:
    """What a fully connected layer does besides its matrix."""

    activation: Activation
    keep_num_dims: bool = False


@dataclass(frozen=True)
class SoftmaxOptions:
    """The factor on the exponents of a softmax."""

    beta: float


@dataclass(frozen=True)
class ElementwiseOptions:
    """What follows an addition, a subtraction or a multiplication."""

    activation: Activation


@dataclass(frozen=True)
class LeakyOptions:
    """The slope of a leaky rectifier below zero."""

    alpha: float


@dataclass(frozen=True)
class ConcatenationOptions:
    """The axis along which tensors are put one behind the other; negative counts from the last."""

    axis: int
    activation: Activation


@dataclass(frozen=True)
class MeanOptions:
    """Whether the axes averaged over remain, with length 1."""

    keep_dims: bool


@dataclass(frozen=True)
class ResizeOptions:
    """Which input pixel is the nearest of an output pixel."""

    align_corners: bool
    half_pixel_centers: bool


@dataclass(frozen=True)
class SliceOptions:
    """Bits by axis: where a slice ignores its begin or its end, and which axes it takes one index of and drops."""

    begin_mask: int
    end_mask: int
    shrink_mask: int


@dataclass(frozen=True)
class LstmOptions:
    """Whether an LSTM's first axis is time, and where its cell state is cut; 0 cuts nowhere."""

    time_major: bool
    cell_clip: float


Options: TypeAlias = (
    WindowOptions
    | DenseOptions
    | SoftmaxOptions
    | ElementwiseOptions
    | LeakyOptions
    | ConcatenationOptions
    | MeanOptions
    | ResizeOptions
    | SliceOptions
    | LstmOptions
    | None
)


@dataclass(frozen=True)
class Operator:
    """One step of a network.

    Attributes:
        index: Position in the file's list of operators.
        name: The builtin operator's name, such as "CONV_2D".
        inputs: Its operands in the file's order; None where an optional one is left out.
        outputs: The tensors it computes.
        options: Its settings; None when it has none.
        intermediates: Tensors that only lend their quantisation to values inside the operator.
        macs: Multiplications by a weight for one run of the network, padding included.
    """

    index: int
    name: str
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]
    options: Options
    intermediates: tuple[Tensor, ...] = ()
    macs: int = 0

    @property
    def input(self) -> Tensor:
        """The first operand that is computed."""
        return self.computed_inputs[0]

    @property
    def computed_inputs(self) -> tuple[Tensor, ...]:
        """The operands that are neither constants nor states."""
        return tuple(tensor for tensor in self.inputs if tensor is not None and tensor.is_computed)

    @property
    def output(self) -> Tensor:
        """The tensor it computes; the first of several."""
        return self.outputs[0]

    @property
    def weights(self) -> Tensor | None:
        """The second operand: the weights of a convolution or of a fully connected layer."""
        return self.operand(1)

    @property
    def bias(self) -> Tensor | None:
        """The third operand: the bias of a convolution or of a fully connected layer."""
        return self.operand(2)

    def operand(self, position: int) -> Tensor | None:
        """Return the operand at a position, or None when it is left out."""
        return self.inputs[position] if position < len(self.inputs) else None

    def constant(self, position: int) -> NDArray[Any]:
        """Return the values of an operand that was checked to be constant."""
        tensor = self.operand(position)
        if tensor is None or tensor.data is None:
            raise ValueError(f"operand {position} of operator {self.index} {self.name} is not constant")
        return tensor.data

    def options_as(self, kind: type[OptionsT]) -> OptionsT:
        """Return the options, which the reader made of this kind."""
        if not isinstance(self.options, kind):
            raise TypeError(f"operator {self.index} {self.name} has no {kind.__name__}")
        return self.options

    @property
    def weights_bytes(self) -> int:
        """Bytes of weights and biases in the file; 0 when it multiplies by none."""
        constants = [tensor for tensor in self.inputs if tensor is not None and tensor.data is not None]
        return sum(tensor.size_bytes for tensor in constants) if self.macs else 0


@dataclass(frozen=True)
class Network:
    """A graph of operators from its inputs to its outputs.

    Attributes:
        path: The file it was read from.
        sha256: Digest of the file, in hexadecimal.
        inputs: The tensors the caller passes.
        outputs: The tensors the caller gets.
        operators: In an order in which each finds its operands computed.
    """

    path: Path
    sha256: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    operators: tuple[Operator, ...]

    @property
    def input(self) -> Tensor:
        """The input; the first of several."""
        return self.inputs[0]

    @property
    def output(self) -> Tensor:
        """The output; the first of several."""
        return self.outputs[0]

    @property
    def tensors(self) -> dict[int, Tensor]:
        """Every tensor that takes part, by its index in the file."""
        found = {tensor.index: tensor for tensor in (*self.inputs, *self.outputs)}
        for operator in self.operators:
            found |= {t.index: t for t in operator.inputs if t is not None}
            found |= {t.index: t for t in (*operator.outputs, *operator.intermediates)}
        return dict(sorted(found.items()))

    @property
    def macs(self) -> int:
        """Multiplications by a weight for one input."""
        return sum(operator.macs for operator in self.operators)

    @property
    def weights_bytes(self) -> int:
        """Bytes of weights and biases in the file."""
        return sum(operator.weights_bytes for operator in self.operators)
