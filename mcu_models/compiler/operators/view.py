"""RESHAPE, SQUEEZE and EXPAND_DIMS: the same bytes under another shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mcu_models.compiler.operators.family import Family, Layer, layer

if TYPE_CHECKING:
    from pathlib import Path

    from mcu_models.compiler.checks import OperatorCheck
    from mcu_models.compiler.model import Operator


def _check(check: OperatorCheck) -> None:
    check.operands(1, 1 if check.operator.name == "SQUEEZE" else 2)
    source = check.computed()
    if check.operator.name == "EXPAND_DIMS" or check.operator.operand(1) is not None:
        check.constant(1, "shape", ("int32", "int64"))
    result = check.operator.output
    check.demand(source.dtype == result.dtype, "output type", result.dtype, f"expected the input's, {source.dtype}")
    if source.dtype != "float32":
        check.activations()
    check.same_size()
    check.same_quantisation()


def _write(_: Path, operator: Operator) -> Layer:
    """Return a copy; where input and output can share their memory, none is made and this is not used."""
    body = f"    layout_copy(input, output, {operator.output.size_bytes});\n"
    return layer(operator, body, "layout.h")


VIEW: Final = Family(check=_check, write=_write, is_view=True)
