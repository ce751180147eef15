"""MAX_POOL_2D and AVERAGE_POOL_2D on int8, MAX_POOL_2D on float32."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ai_edge_litert import schema_py_generated as schema

from mcu_models.compiler import ctext
from mcu_models.compiler.model import Operator, WindowOptions
from mcu_models.compiler.operators.family import Family, Layer, OptionsReader, layer
from mcu_models.compiler.operators.images import for_each_image
from mcu_models.compiler.quantise import activation_range, real_activation_range

if TYPE_CHECKING:
    from pathlib import Path

    from mcu_models.compiler.checks import OperatorCheck


def _read(reader: OptionsReader) -> WindowOptions:
    table = reader.table
    return WindowOptions(
        padding="same" if table.Padding() == schema.Padding.SAME else "valid",
        stride=reader.lengths("stride", table.StrideH(), table.StrideW()),
        window=reader.lengths("window", table.FilterHeight(), table.FilterWidth()),
        dilation=(1, 1),
        activation=reader.activation(),
    )


def _check_geometry(check: OperatorCheck) -> None:
    check.operands(1)
    check.computed()
    check.window()
    source, result = check.operator.input, check.operator.output
    check.demand(source.shape[3] == result.shape[3], "output channels", result.shape[3], "must equal the input's")


def _check_int8(check: OperatorCheck) -> None:
    check.activations()
    _check_geometry(check)
    check.same_quantisation()


def _check_float(check: OperatorCheck) -> None:
    check.activations("float32")
    _check_geometry(check)


def _geometry(operator: Operator) -> dict[str, object]:
    options = operator.options_as(WindowOptions)
    _, rows, columns, depth = operator.input.shape
    _, output_rows, output_columns, _ = operator.output.shape
    return {
        "input_rows": rows,
        "input_columns": columns,
        "depth": depth,
        "output_rows": output_rows,
        "output_columns": output_columns,
        "window_rows": options.window[0],
        "window_columns": options.window[1],
        "stride_rows": options.stride[0],
        "stride_columns": options.stride[1],
        "top": options.padding_before(rows, output_rows, 0),
        "left": options.padding_before(columns, output_columns, 1),
    }


def _write_int8(_: Path, operator: Operator) -> Layer:
    lowest, highest = activation_range(operator.options_as(WindowOptions).activation, operator.output)
    shape = ctext.struct("int8_pool", "pool", _geometry(operator) | {"lowest": lowest, "highest": highest})
    call = f"    int8_{operator.name.lower()}(input, output, pool);\n"
    return layer(operator, shape + for_each_image(operator, call), "int8_pool.h")


def _write_float(_: Path, operator: Operator) -> Layer:
    lowest, highest = real_activation_range(operator.options_as(WindowOptions).activation)
    limits = {"lowest": ctext.real(lowest), "highest": ctext.real(highest)}
    shape = ctext.struct("float_pool", "pool", _geometry(operator) | limits)
    call = "    float_max_pool_2d(input, output, pool);\n"
    return layer(operator, shape + for_each_image(operator, call), "float_pool.h")


POOL: Final = Family(check=_check_int8, write=_write_int8, options_type="Pool2DOptions", read=_read)
FLOAT_MAX_POOL: Final = Family(check=_check_float, write=_write_float, options_type="Pool2DOptions", read=_read)
