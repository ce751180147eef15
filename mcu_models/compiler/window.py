"""The last frames as one input: what a network sees when it looks at more than the frame of the moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from datasheet.bad_input import BadInputError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from mcu_models.compiler.model import Network

LARGEST_FRAMES: Final = 9
"""The longest window of the six families of `training`, about a second of a Grid-EYE's ten frames a second."""
_GRID: Final = (8, 8)
"""Several frames are taken for a window only of a Grid-EYE's size: three channels of a camera are no window."""


@dataclass(frozen=True)
class Window:
    """Which frames a network's input holds, and where.

    Attributes:
        rows: Of a frame.
        columns: Of a frame.
        frames: How many frames, the oldest first.
        is_channels: Whether the frames are the channels of one image; else they are images behind each other.
    """

    rows: int
    columns: int
    frames: int
    is_channels: bool

    @property
    def pixels(self) -> int:
        """Pixels of a frame."""
        return self.rows * self.columns

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The network's input after the batch."""
        if self.is_channels:
            return self.rows, self.columns, self.frames
        return self.frames, self.rows, self.columns, 1

    @property
    def pixel_stride(self) -> int:
        """Values from a pixel to the next of the same frame, in the input."""
        return self.frames if self.is_channels else 1

    @property
    def frame_stride(self) -> int:
        """Values from a pixel to the same one of the next frame, in the input."""
        return 1 if self.is_channels else self.pixels

    @property
    def newest(self) -> int:
        """Where the newest frame's first pixel stands in the input."""
        return (self.frames - 1) * self.frame_stride


def window_of(network: Network) -> Window:
    """Return the window that a network's first input is.

    Raises:
        BadInputError: It is neither one frame, nor up to `LARGEST_FRAMES` frames of 8 x 8.
    """
    return _window(network.path, network.input.shape)


def _window(path: Path, shape: tuple[int, ...]) -> Window:
    batch, *image = shape
    found = None
    if len(image) == 3:
        found = Window(image[0], image[1], image[2], is_channels=True)
    elif len(image) == 4 and image[3] == 1:
        found = Window(image[1], image[2], image[0], is_channels=False)
    if batch == 1 and found is not None and (found.frames == 1 or _is_history(found)):
        return found
    allowed = f"a front end needs (rows, columns, 1), or (8, 8, n) or (n, 8, 8, 1) of up to {LARGEST_FRAMES} frames"
    raise BadInputError(path, "input shape", image if batch == 1 else list(shape), allowed)


def _is_history(window: Window) -> bool:
    return (window.rows, window.columns) == _GRID and 1 < window.frames <= LARGEST_FRAMES


def windowed(codes: NDArray[Any], window: Window, ends: NDArray[np.intp] | None = None) -> NDArray[Any]:
    """Return the inputs that end with frames, of consecutive ones.

    Places before the first frame, which is the first after power-on, hold the first.

    Args:
        codes: (N, P), one value for each pixel of a frame.
        window: What the network takes.
        ends: (M,) the frames; None for all.

    Returns:
        (M, ...) with the network's input shape.
    """
    back = np.arange(window.frames - 1, -1, -1)
    ends = np.arange(len(codes)) if ends is None else ends
    return as_inputs(codes[np.maximum(ends[:, np.newaxis] - back, 0)], window)


def as_inputs(images: NDArray[Any], window: Window) -> NDArray[Any]:
    """Return the inputs that stretches of frames make.

    Args:
        images: (N, frames, P), one value for each pixel, the oldest frame first.
        window: What the network takes.

    Returns:
        (N, ...) with the network's input shape.
    """
    ordered = images.swapaxes(1, 2) if window.is_channels else images
    return np.ascontiguousarray(ordered).reshape(len(images), *window.input_shape)
