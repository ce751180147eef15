"""What one kind of operator is to the compiler, and what its C consists of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Protocol

from datasheet.bad_input import BadInputError
from mcu_models.compiler.checks import OperatorCheck

if TYPE_CHECKING:
    from pathlib import Path

    from mcu_models.compiler.model import Activation, Operator, Options, Tensor

# The numbers of the file format's ActivationFunctionType.
_ACTIVATIONS: Final[dict[int, Activation]] = {0: "none", 1: "relu", 2: "relu_n1_to_1", 3: "relu6"}
_LONGEST: Final = 4096

C_TYPES: Final = {"int8": "int8_t", "int16": "int16_t", "int32": "int32_t", "float32": "float"}


@dataclass(frozen=True)
class Layer:
    """One operator as C.

    The function's parameters are pointers to the computed operands (`input`, or `input_0`, `input_1`, ...), to the
    outputs (`output`, or `output_0`, ...), and, when the layer needs one, `int8_t *scratch`, aligned to words.

    Attributes:
        operator: What it computes.
        function: The C function's name, `network_layer_<operator index>_<operator name>`.
        data: Definitions of its constants, each marked NETWORK_WEIGHTS.
        body: The function's body.
        scratch_bytes: Memory it needs while it runs; 0 when none.
        headers: The kernels' headers that the body uses.
    """

    operator: Operator
    function: str
    data: str
    body: str
    scratch_bytes: int
    headers: tuple[str, ...]


def layer(operator: Operator, body: str, *headers: str, data: str = "", scratch_bytes: int = 0) -> Layer:
    """Return a layer under the name that its operator gives it."""
    function = f"network_layer_{operator.index}_{operator.name.lower()}"
    return Layer(operator, function, data, body, scratch_bytes, headers)


class OptionsReader:
    """Reads an operator's options from its table in the file.

    Args:
        path: The file, for errors.
        place: The operator, for errors.
        table: The schema's accessor of the options.
        inputs: The operator's operands.
    """

    def __init__(self, path: Path, place: str, table: Any, inputs: tuple[Tensor | None, ...]) -> None:
        self.path = path
        self.place = place
        self.table = table
        self.inputs = inputs

    def error(self, key: str, value: object, allowed: str) -> BadInputError:
        """Return the error that says what is wrong with one key."""
        return BadInputError(self.path, f"{self.place}: {key}", value, allowed)

    def activation(self) -> Activation:
        """Return the activation fused into the operator."""
        number = self.table.FusedActivationFunction()
        if number not in _ACTIVATIONS:
            raise self.error("activation", number, f"supported: {', '.join(_ACTIVATIONS.values())}")
        return _ACTIVATIONS[number]

    def lengths(self, key: str, rows: int, columns: int) -> tuple[int, int]:
        """Return a pair of lengths, rows before columns, checked to be positive."""
        pair = (int(rows), int(columns))
        if not all(1 <= length <= _LONGEST for length in pair):
            raise self.error(key, pair, f"expected 1 to {_LONGEST}")
        return pair

    def kernel_window(self) -> tuple[int, int]:
        """Return rows and columns of the weights of a convolution."""
        weights = self.inputs[1] if len(self.inputs) > 1 else None
        if weights is None or len(weights.shape) != 4:
            shape = None if weights is None else list(weights.shape)
            raise self.error("weights shape", shape, "expected four axes")
        return weights.shape[1], weights.shape[2]


class _Read(Protocol):
    def __call__(self, reader: OptionsReader, /) -> Options: ...


class _Check(Protocol):
    def __call__(self, check: OperatorCheck, /) -> None: ...


class _Write(Protocol):
    def __call__(self, path: Path, operator: Operator, /) -> Layer: ...


class _Count(Protocol):
    def __call__(self, operator: Operator, /) -> int: ...


class _Positions(Protocol):
    def __call__(self, operator: Operator, /) -> tuple[int, ...]: ...


def no_options(_: OptionsReader) -> None:
    """Return the options of an operator that has none."""


def no_macs(_: Operator) -> int:
    """Return how often an operator without weights multiplies by one."""
    return 0


def never_in_place(_: Operator) -> tuple[int, ...]:
    """Return which computed operands the output may overwrite: none."""
    return ()


def first_in_place(operator: Operator) -> tuple[int, ...]:
    """Return that the output may overwrite the first computed operand, where it is as long."""
    return (0,) if operator.input.size_bytes == operator.output.size_bytes else ()


@dataclass(frozen=True)
class Family:
    """How the compiler treats one operator on one type of values.

    Attributes:
        check: Raises BadInputError for what the kernels do not compute exactly.
        write: Returns the operator as C.
        options_type: The schema's name of its options; None when it has none that matter.
        read: Returns its options.
        macs: Counts the multiplications by a weight.
        in_place: Returns the computed operands whose memory the output may take, each as long as the output.
        is_view: Whether the output holds the bytes of the first operand in their order.
    """

    check: _Check
    write: _Write
    options_type: str | None = None
    read: _Read = no_options
    macs: _Count = no_macs
    in_place: _Positions = never_in_place
    is_view: bool = False

    def checked(self, path: Path, operator: Operator) -> Operator:
        """Return the operator, checked, with its multiplications counted.

        Raises:
            BadInputError: It has not the form that the kernels compute.
        """
        self.check(OperatorCheck(path, operator))
        return replace(operator, macs=self.macs(operator))
