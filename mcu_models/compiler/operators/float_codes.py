"""DEQUANTIZE from int8 to float32; QUANTIZE from float32 to int8."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mcu_models.compiler import ctext
from mcu_models.compiler.operators.family import Family, Layer, layer

if TYPE_CHECKING:
    from pathlib import Path

    from mcu_models.compiler.checks import OperatorCheck
    from mcu_models.compiler.model import Operator, Tensor


def _check_types(check: OperatorCheck, codes: Tensor, numbers: Tensor) -> None:
    check.operands(1)
    check.computed()
    check.demand(codes.dtype == "int8", "quantised type", codes.dtype, "expected int8")
    check.demand(numbers.dtype == "float32", "unquantised type", numbers.dtype, "expected float32")
    check.quantised_whole("quantised tensor", codes)
    check.same_shape()


def _check_dequantise(check: OperatorCheck) -> None:
    _check_types(check, check.operator.input, check.operator.output)


def _check_quantise(check: OperatorCheck) -> None:
    _check_types(check, check.operator.output, check.operator.input)


def _write_dequantise(_: Path, operator: Operator) -> Layer:
    return layer(operator, f"    int8_to_float({_arguments(operator, operator.input)});\n", "int8_float.h")


def _write_quantise(_: Path, operator: Operator) -> Layer:
    return layer(operator, f"    int8_from_float({_arguments(operator, operator.output)});\n", "int8_float.h")


def _arguments(operator: Operator, codes: Tensor) -> str:
    return f"input, output, {ctext.real(codes.scale)}, {codes.zero_point}, {operator.output.size}"


DEQUANTIZE: Final = Family(check=_check_dequantise, write=_write_dequantise)
QUANTIZE: Final = Family(check=_check_quantise, write=_write_quantise)
