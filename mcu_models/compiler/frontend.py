"""How a thermal frame becomes the network's input, in integers, the same on the host and in the firmware."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from datasheet.bad_input import BadInputError, nearest_name
from mcu_models.compiler.hold_zero import LARGEST_COLUMNS, VALUES_PER_DEGC, above_background, above_known_background
from mcu_models.compiler.window import window_of, windowed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mcu_models.compiler.model import Network
    from mcu_models.compiler.window import Window

# AMG8833: 12-bit pixels in steps of 0.25 degC (Panasonic Grid-EYE datasheet, 01 May 2016, p. 2).
STEP_DEGC: Final = 0.25

# Differences to the median beyond 64 degC do not occur between things in a room.
_CONTRAST_STEPS: Final = (-256, 255)
# -20 to 107.75 degC holds the whole object range of the AMG88 family (same datasheet, p. 1).
_RAW_STEPS: Final = (-80, 431)
# 1/32 degC is half a code of an input that spans 16 degC; people are within 16 degC of a room's background.
_FINE_STEP_DEGC: Final = 1 / 32
_FINE_STEPS: Final = (-512, 511)
VALUES_PER_FINE_STEP: Final = int(VALUES_PER_DEGC * _FINE_STEP_DEGC)
"""Values of `hold_zero` in one step of its table, a power of two."""


@dataclass(frozen=True)
class Frontend:
    """A way to turn a frame into an input.

    Attributes:
        name: Its name in manifests.
        subtracts: What is subtracted from a pixel: nothing, the frame's lower median, or the pixel's background
            (`hold_zero`), which is learnt from the frames before.
        step_degc: What a value counts.
        range_steps: Values beyond these, in steps of `step_degc`, are treated as these.
    """

    name: str
    subtracts: Literal["nothing", "median", "background"]
    step_degc: float
    range_steps: tuple[int, int]

    @property
    def has_history(self) -> bool:
        """Whether an input depends on the frames before."""
        return self.subtracts == "background"


_FRONTENDS: Final = {
    frontend.name: frontend
    for frontend in (
        Frontend("minus_median", "median", STEP_DEGC, _CONTRAST_STEPS),
        Frontend("raw", "nothing", STEP_DEGC, _RAW_STEPS),
        Frontend("hold_zero", "background", _FINE_STEP_DEGC, _FINE_STEPS),
    )
}


@dataclass(frozen=True, eq=False)
class FrontendTable:
    """A front end made ready for one network.

    Attributes:
        frontend: The front end.
        first: The value, in the front end's steps, that `codes[0]` stands for; smaller ones get it too.
        codes: (L,) int8 or float32, as the network's input is: the input for values `first`, `first` + 1, ...; larger
            ones get the last. In float32 they are degC.
        window: The frames that the network's input holds.
    """

    frontend: Frontend
    first: int
    codes: NDArray[np.int8] | NDArray[np.float32]
    window: Window

    @property
    def is_real(self) -> bool:
        """Whether codes are float32."""
        return self.codes.dtype == np.float32

    @property
    def pixels(self) -> int:
        """Pixels in a frame."""
        return self.window.pixels


def frontend_names() -> tuple[str, ...]:
    """Return the names of the front ends."""
    return tuple(_FRONTENDS)


def find_frontend(name: str, source: str = "front end") -> Frontend:
    """Return the front end of this name.

    Args:
        name: One of `frontend_names()`.
        source: Where the name stands, for the error.

    Raises:
        BadInputError: There is none of this name.
    """
    if name not in _FRONTENDS:
        raise BadInputError(source, "frontend", name, nearest_name(name, _FRONTENDS))
    return _FRONTENDS[name]


def frontend_table(
    network: Network, name: str = "minus_median", span_degc: tuple[float, float] | None = None
) -> FrontendTable:
    """Return the table from pixel values to codes of the network's input.

    A value of `v` steps gets round(v * step / scale) + zero_point, halves away from zero, held within
    -128 and 127. The table ends where the codes stop changing, and has at most 512 entries (`hold_zero`: 1024).
    An input of float32 gets v * step, in degC.

    Args:
        network: The network.
        name: The front end.
        span_degc: An input of float32 is held within the whole steps that lie in this; None holds it within the front
            end's range. Scale and zero point of an int8 input say the same.

    Raises:
        BadInputError: The front end is unknown or takes no images so wide, or the network does not turn one input
            that is a window of frames into one output, both int8 or both float32.
    """
    frontend = find_frontend(name, str(network.path))
    _check_types(network)
    window = window_of(network)
    if frontend.has_history and window.columns > LARGEST_COLUMNS:
        shape = list(window.input_shape)
        raise BadInputError(network.path, "input shape", shape, f"{name} takes up to {LARGEST_COLUMNS} columns")
    if network.input.dtype == "float32":
        return _real_table(frontend, window, span_degc)
    lowest, highest = frontend.range_steps
    values_degc = np.arange(lowest, highest + 1, dtype=np.float64) * frontend.step_degc
    codes = _codes(values_degc, network.input.scale, network.input.zero_point)
    begin = max(int(np.count_nonzero(codes == codes[0])) - 1, 0)
    end = min(len(codes) - int(np.count_nonzero(codes == codes[-1])) + 1, len(codes))
    begin, end = (begin, end) if begin < end else (0, 1)
    return FrontendTable(
        frontend=frontend,
        first=lowest + begin,
        codes=codes[begin:end],
        window=window,
    )


def _check_types(network: Network) -> None:
    kinds = [[tensor.dtype for tensor in tensors] for tensors in (network.inputs, network.outputs)]
    for word, found in zip(("inputs", "outputs"), kinds, strict=True):
        if found != kinds[0] or found not in (["int8"], ["float32"]):
            allowed = "a firmware with a front end needs one input and one output, both int8 or both float32"
            raise BadInputError(network.path, word, found, allowed)


def _real_table(frontend: Frontend, window: Window, span_degc: tuple[float, float] | None) -> FrontendTable:
    lowest, highest = frontend.range_steps
    if span_degc is not None:
        lowest = max(lowest, math.ceil(span_degc[0] / frontend.step_degc))
        highest = min(highest, math.floor(span_degc[1] / frontend.step_degc))
    degc = (np.arange(lowest, max(highest, lowest) + 1) * frontend.step_degc).astype(np.float32)
    return FrontendTable(frontend=frontend, first=lowest, codes=degc, window=window)


def _codes(values_degc: NDArray[np.float64], scale_degc: float, zero_point: int) -> NDArray[np.int8]:
    values = values_degc / scale_degc
    rounded = np.copysign(np.floor(np.abs(values) + 0.5), values)
    codes: NDArray[np.int8] = np.clip(rounded + zero_point, -128, 127).astype(np.int8)
    return codes


def lower_median(raw: NDArray[np.int16]) -> NDArray[np.int16]:
    """Return the lower median of each frame's pixels: of 64, the 32nd smallest.

    Args:
        raw: (N, P) int16.

    Returns:
        (N,) int16.
    """
    middle = (raw.shape[1] - 1) // 2
    median: NDArray[np.int16] = np.partition(raw, middle, axis=1)[:, middle]
    return median


def prepare(raw: NDArray[np.int16], table: FrontendTable) -> NDArray[Any]:
    """Turn frames into inputs of the network.

    They are taken as consecutive, the first as the first since the sensor was started: it matters to front ends with a
    history and to windows of several frames.

    Args:
        raw: (N, P) int16, pixels in steps of 0.25 degC, row by row from the top.
        table: From `frontend_table`.

    Returns:
        (N, ...) int8 or float32 with the network's input shape, such as (8, 8, 1).

    Raises:
        ValueError: `raw` has another shape or dtype.
    """
    return windowed(frontend_codes(raw, table), table.window)


def frontend_codes(raw: NDArray[np.int16], table: FrontendTable) -> NDArray[Any]:
    """Return the codes of each frame alone, (N, P) int8 or float32; arguments and errors as for `prepare`."""
    if raw.dtype != np.int16 or raw.ndim != 2 or raw.shape[1] != table.pixels:
        raise ValueError(f"raw is {raw.dtype} {raw.shape}, expected int16 (N, {table.pixels})")
    values = frontend_steps(raw, table.frontend, table.window.columns)
    return np.asarray(table.codes[np.clip(values - table.first, 0, len(table.codes) - 1)])


def codes_above(raw: NDArray[np.int16], background_degc: NDArray[np.float64], table: FrontendTable) -> NDArray[Any]:
    """Return the codes of frames that do not follow each other, of a sensor that has hung in its place for long.

    Args:
        raw: (N, P) int16, pixels in steps of 0.25 degC, row by row from the top.
        background_degc: (P,) what each pixel shows of the empty room, on average; for front ends with a history.
        table: From `frontend_table`.

    Returns:
        (N, P) int8 or float32.
    """
    if table.frontend.has_history:
        values = _fine_steps(above_known_background(raw, background_degc))
    else:
        values = frontend_steps(raw, table.frontend, table.window.columns)
    return np.asarray(table.codes[np.clip(values - table.first, 0, len(table.codes) - 1)])


def frontend_steps(raw: NDArray[np.int16], frontend: Frontend, columns: int) -> NDArray[np.int32]:
    """Return what a front end makes of frames before it becomes codes, (N, P) int32 in steps of its `step_degc`.

    Args:
        raw: (N, P) int16, pixels in steps of 0.25 degC, row by row from the top.
        frontend: The front end.
        columns: Pixels in a row.
    """
    if frontend.subtracts == "background":
        return _fine_steps(above_background(raw, columns))
    steps = raw.astype(np.int32)
    return steps - lower_median(raw)[:, np.newaxis] if frontend.subtracts == "median" else steps


def _fine_steps(above: NDArray[np.int16]) -> NDArray[np.int32]:
    return (above.astype(np.int32) + VALUES_PER_FINE_STEP // 2) // VALUES_PER_FINE_STEP


def raw_from_degc(frames_degc: NDArray[np.floating]) -> NDArray[np.int16]:
    """Convert frames in degC to the sensor's steps.

    Args:
        frames_degc: (N, rows, columns), multiples of 0.25 degC.

    Returns:
        (N, rows * columns) int16.

    Raises:
        ValueError: A pixel is no multiple of 0.25 degC, or does not fit 12 bits: nothing is rounded silently.
    """
    steps = np.asarray(frames_degc, np.float64).reshape(len(frames_degc), -1) / STEP_DEGC
    raw = np.rint(steps)
    if not np.array_equal(raw, steps) or np.any(raw < -2048) or np.any(raw > 2047):
        raise ValueError("frames must be multiples of 0.25 degC within 12 bits, -512 to 511.75 degC")
    return raw.astype(np.int16)
