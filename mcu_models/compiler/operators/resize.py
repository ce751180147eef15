"""RESIZE_NEAREST_NEIGHBOR: which input row and column each output row and column repeats."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from mcu_models.compiler import ctext
from mcu_models.compiler.model import ITEM_BYTES, ResizeOptions
from mcu_models.compiler.operators.family import Family, Layer, OptionsReader, layer
from mcu_models.compiler.operators.images import for_each_image

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from mcu_models.compiler.checks import OperatorCheck
    from mcu_models.compiler.model import Operator


def _read(reader: OptionsReader) -> ResizeOptions:
    return ResizeOptions(bool(reader.table.AlignCorners()), bool(reader.table.HalfPixelCenters()))


def _check(check: OperatorCheck) -> None:
    check.operands(2)
    source = check.computed()
    check.activations(source.dtype)
    check.same_quantisation()
    check.demand(len(source.shape) == 4, "input shape", list(source.shape), "expected (batch, rows, columns, channels)")
    size = check.constant(1, "size", ("int32",))
    check.demand(size.shape == (2,), "size shape", list(size.shape), "expected [2]")
    rows, columns = check.operator.constant(1).tolist()
    check.shape((source.shape[0], rows, columns, source.shape[3]))
    longest = max(rows, columns, *source.shape[1:3])
    check.demand(longest <= np.iinfo(np.uint16).max, "size", [rows, columns], "expected at most 65535")
    options = check.operator.options_as(ResizeOptions)
    both = options.align_corners and options.half_pixel_centers
    check.demand(not both, "half pixel centers", options.half_pixel_centers, "not together with align corners")


def nearest(input_length: int, output_length: int, options: ResizeOptions) -> NDArray[np.uint16]:
    """Return the input index that each output index repeats, in the float32 arithmetic of TensorFlow Lite."""
    aligned = options.align_corners and output_length > 1
    parts = (input_length - 1, output_length - 1) if aligned else (input_length, output_length)
    scale = np.float32(parts[0]) / np.float32(parts[1])
    offset = np.float32(0.5 if options.half_pixel_centers else 0)
    places = (np.arange(output_length, dtype=np.float32) + offset) * scale
    indices = [math.floor(place + 0.5) if options.align_corners else math.floor(place) for place in places.tolist()]
    nearest_indices: NDArray[np.uint16] = np.clip(indices, 0, input_length - 1).astype(np.uint16)
    return nearest_indices


def _write(_: Path, operator: Operator) -> Layer:
    options = operator.options_as(ResizeOptions)
    input_rows, input_columns, depth = operator.input.shape[1:]
    rows, columns = operator.output.shape[1:3]
    prefix = f"network_data_{operator.index}"
    data = (
        ctext.constants("uint16_t", f"{prefix}_rows", nearest(input_rows, rows, options))
        + "\n"
        + ctext.constants("uint16_t", f"{prefix}_columns", nearest(input_columns, columns, options))
    )
    run = depth * ITEM_BYTES[operator.input.dtype]
    lengths = f"{rows}, {columns}, {input_columns}, {run}"
    call = f"    layout_pick(input, output, {prefix}_rows, {prefix}_columns, {lengths});\n"
    return layer(operator, for_each_image(operator, call), "layout.h", data=data)


RESIZE_NEAREST_NEIGHBOR: Final = Family(
    check=_check, write=_write, options_type="ResizeNearestNeighborOptions", read=_read
)
