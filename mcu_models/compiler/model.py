"""What an int8 network is: tensors, operators and their options, as read from a .tflite file."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

Activation: TypeAlias = Literal["none", "relu", "relu6"]
Padding: TypeAlias = Literal["same", "valid"]


@dataclass(frozen=True)
class Tensor:
    """One array of a network, constant or computed.

    A stored value `q` stands for `scale * (q - zero_point)`.

    Attributes:
        index: Position in the file's list of tensors.
        name: The file's name for it.
        shape: Lengths of its axes; the first is the batch and is 1 for computed tensors.
        dtype: "int8" or "int32".
        scales: One scale, or one for each index of `axis`; empty for unquantised integers.
        zero_points: As many as `scales`.
        axis: The axis that `scales` run along when there are several.
        data: The constant's values with this shape and dtype; None for a computed tensor.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int
    data: NDArray[np.int8] | NDArray[np.int32] | None

    @property
    def size(self) -> int:
        """How many values it holds."""
        return math.prod(self.shape)

    @property
    def scale(self) -> float:
        """The scale of a tensor quantised as a whole."""
        return self.scales[0]

    @property
    def zero_point(self) -> int:
        """The zero point of a tensor quantised as a whole."""
        return self.zero_points[0]


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


@dataclass(frozen=True)
class SoftmaxOptions:
    """The factor on the exponents of a softmax."""

    beta: float


Options: TypeAlias = WindowOptions | DenseOptions | SoftmaxOptions | None


@dataclass(frozen=True)
class Operator:
    """One step of a network.

    Attributes:
        index: Position in the file's list of operators.
        name: The builtin operator's name, such as "CONV_2D".
        input: The tensor computed before it.
        output: The tensor it computes.
        weights: Its constant weights, if it has any.
        bias: Its constant bias, if it has one.
        options: Its settings; None when it has none.
    """

    index: int
    name: str
    input: Tensor
    output: Tensor
    weights: Tensor | None
    bias: Tensor | None
    options: Options

    @property
    def macs(self) -> int:
        """Multiplications by a weight, padding included."""
        if self.weights is None:
            return 0
        if self.name == "FULLY_CONNECTED":
            return self.output.size * self.weights.shape[1]
        per_output = self.weights.size // self.output.shape[3]
        return self.output.size * per_output

    @property
    def weights_bytes(self) -> int:
        """Bytes of weights and bias in the file."""
        weights = 0 if self.weights is None else self.weights.size
        return weights + (0 if self.bias is None else 4 * self.bias.size)


@dataclass(frozen=True)
class Int8Network:
    """A chain of int8 operators from one input to one output.

    Attributes:
        path: The file it was read from.
        sha256: Digest of the file, in hexadecimal.
        input: The input tensor, batch 1.
        output: The output tensor, batch 1.
        operators: In the order of computation.
    """

    path: Path
    sha256: str
    input: Tensor
    output: Tensor
    operators: tuple[Operator, ...]

    @property
    def macs(self) -> int:
        """Multiplications by a weight for one input."""
        return sum(operator.macs for operator in self.operators)

    @property
    def weights_bytes(self) -> int:
        """Bytes of weights and biases in the file."""
        return sum(operator.weights_bytes for operator in self.operators)
