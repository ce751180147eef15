"""What an int8 network for images takes and gives: the code of each level of a picture, and its answer as a score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from datasheet.bad_input import BadInputError
from mcu_models.compiler.area_scale import PICTURE_SIDE, scale_frames

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mcu_models.compiler.model import Network
    from mcu_models.compiler.reference import ReferenceNetwork


@dataclass(frozen=True, eq=False)
class ImageInput:
    """How pictures go into a network, and what comes out.

    Attributes:
        codes: (256,) int8, the network's code of each level; level 255 stands for 1.0.
        side: Rows and columns of its picture.
        output_scale: What a step of its answer stands for.
        output_zero: Its answer that stands for 0.
    """

    codes: NDArray[np.int8]
    side: int
    output_scale: float
    output_zero: int

    def code_of(self, share: float) -> int:
        """Return the smallest answer that stands for so much or more, at most the largest there is."""
        return min(int(np.ceil(share / self.output_scale)) + self.output_zero, 127)


def image_input(network: Network) -> ImageInput:
    """Return how pictures go into a network.

    Raises:
        BadInputError: It is no int8 network that takes such a picture, or has not one output.
    """
    source, output = network.input, network.output
    wanted = (1, PICTURE_SIDE, PICTURE_SIDE, 3)
    if tuple(source.shape) != wanted or source.dtype != "int8":
        found = f"{' x '.join(map(str, source.shape))} {source.dtype}"
        expected = f"the camera's picture is {' x '.join(map(str, wanted))} int8"
        raise BadInputError(network.path, "input", found, expected)
    if output.size != 1 or output.dtype != "int8":
        raise BadInputError(network.path, "output", f"{output.size} of {output.dtype}", "must be a single int8")
    levels = np.round(np.arange(256) / 255 / source.scale) + source.zero_point
    codes = np.clip(levels, -128, 127).astype(np.int8)
    return ImageInput(codes, PICTURE_SIDE, float(output.scale), int(output.zero_point))


def picture_codes(pictures: NDArray[np.uint8], taken: ImageInput) -> NDArray[np.int8]:
    """Return what a network takes of (..., rows, columns, 3) uint8 pictures."""
    return np.asarray(taken.codes[pictures])


def score_frames(
    network: ReferenceNetwork, taken: ImageInput, frames: NDArray[np.uint16]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the small pictures of RGB565 frames, (N, side, side, 3) uint8, and the network's output codes, (N,).

    Args:
        network: The network that `taken` was made for.
        taken: From `image_input`.
        frames: (N, 200, 200) RGB565 words.
    """
    pictures = scale_frames(frames)
    codes = network.run(picture_codes(pictures, taken))
    return pictures, codes.reshape(len(frames)).astype(np.int64)
