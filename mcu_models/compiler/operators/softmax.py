"""SOFTMAX on int8 and on float32, along the last axis."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from mcu_models.compiler import ctext
from mcu_models.compiler.checks import PROBABILITY
from mcu_models.compiler.model import Operator, SoftmaxOptions
from mcu_models.compiler.operators.family import Family, Layer, OptionsReader, first_in_place, layer
from mcu_models.compiler.quantise import softmax_scaling

if TYPE_CHECKING:
    from pathlib import Path

    from mcu_models.compiler.checks import OperatorCheck


def _read(reader: OptionsReader) -> SoftmaxOptions:
    return SoftmaxOptions(float(reader.table.Beta()))


def _check_shape(check: OperatorCheck) -> None:
    check.operands(1)
    source = check.computed()
    beta = check.operator.options_as(SoftmaxOptions).beta
    check.demand(math.isfinite(beta) and beta > 0, "beta", beta, "expected a positive number")
    check.demand(1 <= len(source.shape) <= 4, "input shape", list(source.shape), "expected one to four axes")
    check.same_shape()


def _check_int8(check: OperatorCheck) -> None:
    check.activations()
    _check_shape(check)
    check.fixed_output(PROBABILITY)
    # LiteRT aborts the process on a scale too small (QuantizeMultiplierGreaterThanOne), so it must not come so far.
    softmax_scaling(check.path, check.operator, check.operator.options_as(SoftmaxOptions))


def _check_float(check: OperatorCheck) -> None:
    check.activations("float32")
    _check_shape(check)


def _rows_and_classes(operator: Operator) -> dict[str, object]:
    classes = operator.input.shape[-1]
    return {"rows": operator.input.size // classes, "classes": classes}


def _write_int8(path: Path, operator: Operator) -> Layer:
    scaling = softmax_scaling(path, operator, operator.options_as(SoftmaxOptions))
    fixed = {"multiplier": scaling.multiplier, "left": scaling.left, "smallest": scaling.smallest}
    shape = ctext.struct("int8_softmax_shape", "shape", _rows_and_classes(operator) | fixed)
    return layer(operator, f"{shape}    int8_softmax(input, output, shape);\n", "int8_softmax.h")


def _write_float(_: Path, operator: Operator) -> Layer:
    beta = {"beta": ctext.real(operator.options_as(SoftmaxOptions).beta)}
    shape = ctext.struct("float_softmax_shape", "shape", _rows_and_classes(operator) | beta)
    return layer(operator, f"{shape}    float_softmax(input, output, shape);\n", "float_softmax.h")


SOFTMAX: Final = Family(
    check=_check_int8, write=_write_int8, options_type="SoftmaxOptions", read=_read, in_place=first_in_place
)
FLOAT_SOFTMAX: Final = Family(
    check=_check_float, write=_write_float, options_type="SoftmaxOptions", read=_read, in_place=first_in_place
)
