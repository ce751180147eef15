"""MEAN on int8 along neighbouring axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mcu_models.compiler import ctext
from mcu_models.compiler.model import MeanOptions
from mcu_models.compiler.operators.family import Family, Layer, OptionsReader, layer
from mcu_models.compiler.quantise import fixed_point

if TYPE_CHECKING:
    from pathlib import Path

    from mcu_models.compiler.checks import OperatorCheck
    from mcu_models.compiler.model import Operator

_SUM_LIMIT: Final = 1 << 30


def _read(reader: OptionsReader) -> MeanOptions:
    return MeanOptions(bool(reader.table.KeepDims()))


def _axes(operator: Operator) -> list[int]:
    rank = len(operator.input.shape)
    return sorted({int(axis) % rank for axis in operator.constant(1).reshape(-1)})


def _blocks(operator: Operator) -> tuple[int, int, int] | None:
    """Return the lengths before, along and behind the axes averaged over; None when they are not neighbours."""
    lengths = [(length, i in _axes(operator)) for i, length in enumerate(operator.input.shape) if length > 1]
    blocks = [1, 1, 1]
    place = 0
    for length, averaged in lengths:
        if averaged != (place == 1):
            place += 1 if averaged or place == 1 else 0
        if place > 2 or averaged != (place == 1):
            return None
        blocks[place] *= length
    return blocks[0], blocks[1], blocks[2]


def _check(check: OperatorCheck) -> None:
    check.operands(2)
    source = check.computed()
    check.activations()
    check.constant(1, "axes", ("int32",))
    rank, axes = len(source.shape), check.operator.constant(1).reshape(-1).tolist()
    check.demand(all(-rank <= axis < rank for axis in axes) and bool(axes), "axes", axes, f"within {rank} axes")
    averaged = _axes(check.operator)
    keep = check.operator.options_as(MeanOptions).keep_dims
    kept = [(1 if i in averaged else n) for i, n in enumerate(source.shape) if keep or i not in averaged]
    check.shape(tuple(kept))
    check.demand(_blocks(check.operator) is not None, "axes", averaged, "expected neighbours")
    multiplier, left, right = _scaling(check.operator)
    count = (_blocks(check.operator) or (1, 1, 1))[1]
    good = multiplier > 0 and right <= 31 and (255 * count) << left < _SUM_LIMIT
    check.demand(good, "output scale", check.operator.output.scale, "too far from the input's, or too many values")


def _scaling(operator: Operator) -> tuple[int, int, int]:
    """Return multiplier, left and right shift of the scale divided by the count.

    TensorFlow Lite shifts the multiplier up by as many bits as the count has before it divides it
    (QuantizedMeanOrSum in tensorflow/lite/kernels/internal/reference/reduce.h).
    """
    count = operator.input.size // operator.output.size
    multiplier, exponent = fixed_point(operator.input.scale / operator.output.scale)
    shift = min(count.bit_length() - 1, 32, 31 + exponent)
    if shift < 0:
        return 0, 0, 0
    exponent -= shift
    return (multiplier << shift) // count, max(exponent, 0), max(-exponent, 0)


def _write(_: Path, operator: Operator) -> Layer:
    outer, count, inner = _blocks(operator) or (1, 1, 1)
    multiplier, left, right = _scaling(operator)
    shape = ctext.struct(
        "int8_mean_shape",
        "shape",
        {
            "outer": outer,
            "count": count,
            "inner": inner,
            "offset": -count * operator.input.zero_point,
            "multiplier": multiplier,
            "left": left,
            "right": right,
            "zero_point": operator.output.zero_point,
        },
    )
    return layer(operator, f"{shape}    int8_mean(input, output, shape);\n", "int8_mean.h")


MEAN: Final = Family(check=_check, write=_write, options_type="ReducerOptions", read=_read)
