"""ADD, SUB and MUL on int8, with broadcasting; an operand may be constant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from mcu_models.compiler import ctext
from mcu_models.compiler.model import ElementwiseOptions
from mcu_models.compiler.operators.family import Family, Layer, OptionsReader, layer
from mcu_models.compiler.quantise import activation_range, fixed_point, float32_product, float32_ratio

if TYPE_CHECKING:
    from pathlib import Path

    from mcu_models.compiler.checks import OperatorCheck
    from mcu_models.compiler.model import Operator, Tensor

# INT8_SUM_LEFT and INT8_AXES of int8_elementwise.h.
_SUM_LEFT: Final = 20
_AXES: Final = 4
# A product of two codes less their zero points is within 2^16.
_MOST_PRODUCT_LEFT: Final = 13
_KERNELS: Final = {"ADD": "int8_add", "SUB": "int8_add", "MUL": "int8_multiply"}


def _read(reader: OptionsReader) -> ElementwiseOptions:
    return ElementwiseOptions(reader.activation())


def _check(check: OperatorCheck) -> None:
    check.operands(2)
    check.activations()
    first, second = _operands(check)
    try:
        shape = np.broadcast_shapes(first.shape, second.shape)
    except ValueError:
        raise check.error("input shapes", [first.shape, second.shape], "cannot be broadcast to one") from None
    check.shape(shape)
    axes = len(_steps(check.operator))
    check.demand(
        axes <= _AXES, "input shapes", [first.shape, second.shape], f"they repeat along more than {_AXES} axes"
    )
    if check.operator.name == "MUL":
        scale = _product_scale(first, second, check.operator.output)
        good = 2**-31 < scale < 2**_MOST_PRODUCT_LEFT
        check.demand(good, "output scale", check.operator.output.scale, "too far away")
    else:
        ratio = _output_ratio(first, second, check.operator.output)
        check.demand(2**-31 < ratio < 1, "output scale", check.operator.output.scale, "too far from the inputs'")


def _operands(check: OperatorCheck) -> tuple[Tensor, Tensor]:
    tensors = []
    for position in (0, 1):
        tensor = check.operator.operand(position)
        if tensor is None or tensor.is_state or tensor.dtype != "int8":
            raise check.error(f"input {position}", None if tensor is None else tensor.dtype, "expected int8")
        check.quantised_whole(f"input {position}", tensor)
        tensors.append(tensor)
    return tensors[0], tensors[1]


def _output_ratio(first: Tensor, second: Tensor, output: Tensor) -> float:
    return 2 * max(first.scale, second.scale) / ((1 << _SUM_LEFT) * output.scale)


def _product_scale(first: Tensor, second: Tensor, output: Tensor) -> float:
    """Return the scale of a product of codes, in the float32 arithmetic of TensorFlow Lite (kernels/mul.cc)."""
    return float32_ratio(float32_product(first.scale, second.scale), output.scale)


def _both(operator: Operator) -> tuple[Tensor, Tensor]:
    first, second = operator.inputs
    if first is None or second is None:
        raise ValueError(operator.name)
    return first, second


def _steps(operator: Operator) -> list[tuple[int, int, int]]:
    """Return length, step of the first and step of the second operand along each axis, with as few axes as can be."""
    rank = len(operator.output.shape)
    steps = [_operand_steps(tensor.shape, rank) for tensor in _both(operator)]
    merged: list[tuple[int, int, int]] = []
    for axis in zip(operator.output.shape, *steps, strict=True):
        length, first, second = axis
        if length == 1:
            continue
        if merged and (merged[-1][1], merged[-1][2]) == (first * length, second * length):
            merged[-1] = (merged[-1][0] * length, first, second)
        else:
            merged.append((length, first, second))
    return merged


def _operand_steps(shape: tuple[int, ...], rank: int) -> list[int]:
    """Return how far apart an operand's values are along each axis of the output; 0 where it is repeated."""
    steps, step = [], 1
    for length in reversed(shape):
        steps.append(0 if length == 1 else step)
        step *= length
    return [0] * (rank - len(shape)) + steps[::-1]


def _in_place(operator: Operator) -> tuple[int, ...]:
    sizes = [tensor.size for tensor in operator.computed_inputs]
    return tuple(position for position, size in enumerate(sizes) if size == operator.output.size)


def _write(_: Path, operator: Operator) -> Layer:
    steps = _steps(operator)
    axes = [(1, 0, 0)] * (_AXES - len(steps)) + steps
    shape = ctext.struct(
        "int8_broadcast",
        "shape",
        {name: ctext.listed(axis[i] for axis in axes) for i, name in enumerate(("lengths", "first", "second"))},
    )
    form = _product_form(operator) if operator.name == "MUL" else _sum_form(operator)
    pointers, data = _operand_pointers(operator)
    call = f"    {_KERNELS[operator.name]}({', '.join(pointers)}, output, shape, form);\n"
    return layer(operator, shape + form + call, "int8_elementwise.h", data=data)


def _operand_pointers(operator: Operator) -> tuple[list[str], str]:
    """Return what the operands are called in C, and the definition of the one that is constant."""
    tensors = _both(operator)
    name = f"network_data_{operator.index}_operand"
    constants = [tensor.data for tensor in tensors if tensor.data is not None]
    if not constants:
        return ["input_0", "input_1"], ""
    names = ["input" if tensor.data is None else name for tensor in tensors]
    return names, ctext.constants("int8_t", name, constants[0])


def _limits(operator: Operator) -> dict[str, object]:
    lowest, highest = activation_range(operator.options_as(ElementwiseOptions).activation, operator.output)
    return {"lowest": lowest, "highest": highest}


def _sum_form(operator: Operator) -> str:
    first, second = _both(operator)
    twice = 2 * max(first.scale, second.scale)
    sign = -1 if operator.name == "SUB" else 1
    terms = {
        "first": _term(first, first.scale / twice),
        "second": _term(second, second.scale / twice, sign),
        "output": _term(operator.output, _output_ratio(first, second, operator.output)),
    }
    return ctext.struct("int8_sum", "form", terms | _limits(operator))


def _term(tensor: Tensor, scale: float, sign: int = 1) -> str:
    multiplier, exponent = fixed_point(scale)
    return ctext.listed((tensor.zero_point, sign * multiplier, -exponent))


def _product_form(operator: Operator) -> str:
    first, second = _both(operator)
    multiplier, exponent = fixed_point(_product_scale(first, second, operator.output))
    fields: dict[str, object] = {
        "first_zero_point": first.zero_point,
        "second_zero_point": second.zero_point,
        "zero_point": operator.output.zero_point,
        "multiplier": multiplier,
        "left": max(exponent, 0),
        "right": max(-exponent, 0),
    }
    return ctext.struct("int8_product", "form", fields | _limits(operator))


ADD: Final = Family(check=_check, write=_write, options_type="AddOptions", read=_read, in_place=_in_place)
SUB: Final = Family(check=_check, write=_write, options_type="SubOptions", read=_read, in_place=_in_place)
MUL: Final = Family(check=_check, write=_write, options_type="MulOptions", read=_read, in_place=_in_place)
