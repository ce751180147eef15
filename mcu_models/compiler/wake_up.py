"""A network sleeps while nobody can be in view: a glance at the newest frame tells whether it is worth running.

It is told by the mean of the warmest block of 2 x 2 pixels above the front end's reference. A mean of four halves the
noise of a pixel, 0.3 to 0.4 degC, while somebody below is warmer than the floor by more than 1 degC on 3 to 6 pixels.

The mean is taken of the input's codes, four added up against a threshold. A code is held between -128 and 127, so a
pixel beyond what the input's scale can tell counts as its end: much warmer pixels do not pull a block over a threshold
close to the top as far as they might, and much colder ones do not hold it back as far. Where the threshold lies
a degree or more below the top of the scale, as it does for people, a warm block is found all the same. Inputs of
float32 are steps of the front end in degC, held within its span, and added up exactly.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from datasheet.bad_input import BadInputError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from mcu_models.compiler.frontend import FrontendTable
    from mcu_models.compiler.model import Network

BLOCK: Final = 2
"""Rows and columns of a block."""
_BLOCK_PIXELS: Final = BLOCK * BLOCK


def wake_up_sum(network: Network, table: FrontendTable, wake_up_degc: float) -> float:
    """Return the least sum of a block's four codes that wakes the network, a whole number for int8.

    Args:
        network: The network, for its input's scale.
        table: Its front end.
        wake_up_degc: The least mean of the warmest block.

    Raises:
        BadInputError: A frame has no block, or the network would never run, or at every frame: codes reach no further.
    """
    if min(table.window.rows, table.window.columns) < BLOCK:
        shape = list(table.window.input_shape)
        raise BadInputError(network.path, "input shape", shape, f"wake_up_degc needs {BLOCK} x {BLOCK} pixels")
    step_degc = table.frontend.step_degc
    least = math.ceil(_BLOCK_PIXELS * wake_up_degc / step_degc) * step_degc
    scale_degc, zero_point = 1.0, 0
    if not table.is_real:
        scale_degc, zero_point = network.input.scale, network.input.zero_point
        least = math.ceil(_BLOCK_PIXELS * (wake_up_degc / scale_degc + zero_point))
    lowest, highest = float(table.codes[0]), float(table.codes[-1])
    if not _BLOCK_PIXELS * lowest < least <= _BLOCK_PIXELS * highest:
        _refuse(network.path, wake_up_degc, [(code - zero_point) * scale_degc for code in (lowest, highest)])
    return least


def _refuse(path: Path, wake_up_degc: float, ends_degc: list[float]) -> None:
    low, high = (f"{end:.2f}" for end in ends_degc)
    raise BadInputError(
        path, "wake_up_degc", wake_up_degc, f"must be above {low} and up to {high}, as input values are"
    )


def is_awake(codes: NDArray[Any], table: FrontendTable, least_sum: float) -> NDArray[np.bool_]:
    """Return (N,) bool, in which frames a block is warm enough.

    Args:
        codes: (N, P), the front end's codes of each frame.
        table: From `frontend_table`.
        least_sum: From `wake_up_sum`.
    """
    return np.asarray(block_sums(codes, table).max(axis=(1, 2)) >= least_sum)


def block_sums(codes: NDArray[Any], table: FrontendTable) -> NDArray[Any]:
    """Return the sum of the four codes of each block of each frame, (N, rows - 1, columns - 1) int32 or float32."""
    image = codes.astype(np.float32 if table.is_real else np.int32).reshape(
        len(codes), table.window.rows, table.window.columns
    )
    pairs = image[:, 1:] + image[:, :-1]
    return np.asarray(pairs[:, :, 1:] + pairs[:, :, :-1])
