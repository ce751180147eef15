"""Operators that turn each int8 into another by itself: they become a table of 256 codes.

LOGISTIC, TANH, RELU, RELU6, LEAKY_RELU, and QUANTIZE from int8 to int8.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from mcu_models.compiler import ctext
from mcu_models.compiler.checks import PROBABILITY, SIGNED_UNIT
from mcu_models.compiler.interpreter import ReferenceInterpreter
from mcu_models.compiler.model import LeakyOptions, Network
from mcu_models.compiler.operators.family import Family, Layer, OptionsReader, first_in_place, layer

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from mcu_models.compiler.checks import OperatorCheck
    from mcu_models.compiler.model import Operator

_FIXED_OUTPUTS: Final = {"LOGISTIC": PROBABILITY, "TANH": SIGNED_UNIT}
_CODES: Final = 256


def _read_leaky(reader: OptionsReader) -> LeakyOptions:
    return LeakyOptions(float(reader.table.Alpha()))


def _check(check: OperatorCheck) -> None:
    check.operands(1)
    check.computed()
    check.activations()
    check.same_shape()
    check.scale_ratio()
    if check.operator.name in _FIXED_OUTPUTS:
        check.fixed_output(_FIXED_OUTPUTS[check.operator.name])
    if check.operator.name == "LEAKY_RELU":
        alpha = check.operator.options_as(LeakyOptions).alpha
        check.demand(math.isfinite(alpha) and abs(alpha) <= 1, "alpha", alpha, "expected -1 to 1")


def lookup_table(path: Path, operator: Operator) -> NDArray[np.int8]:
    """Return the output for each code from -128 on, asked of the reference kernels.

    Some of them compute in float32 with the host's exp and tanh, which no formula of ours would match in every bit.
    """
    source = replace(operator.input, shape=(1, _CODES))
    result = replace(operator.output, shape=(1, _CODES))
    alone = replace(operator, inputs=(source,), outputs=(result,))
    codes = np.arange(-128, 128, dtype=np.int8).reshape(1, _CODES)
    return ReferenceInterpreter(Network(path, "", (source,), (result,), (alone,))).run([codes])[0]


def _write(path: Path, operator: Operator) -> Layer:
    name = f"network_data_{operator.index}_codes"
    return layer(
        operator,
        f"    int8_look_up(input, output, {name}, {operator.output.size});\n",
        "int8_elementwise.h",
        data=ctext.constants("int8_t", name, lookup_table(path, operator)),
    )


TABLE: Final = Family(check=_check, write=_write, in_place=first_in_place)
LEAKY_RELU: Final = Family(
    check=_check, write=_write, options_type="LeakyReluOptions", read=_read_leaky, in_place=first_in_place
)
