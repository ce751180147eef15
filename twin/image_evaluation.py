"""Shows labelled pictures to a network for images, as the firmware would see them, in the same bits.

A picture of a folder or of an array becomes 200 x 200 pixels, 16 bits each, and is then scaled by the firmware's own
integers; pictures of 32 x 32 pixels are what the network takes and go in as they are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from datasheet.bad_input import BadInputError
from mcu_models.compiler.area_scale import FRAME_SIDE, scale_frames
from mcu_models.compiler.image_input import image_input, picture_codes
from mcu_models.compiler.reader import read_network
from mcu_models.compiler.reference import ReferenceNetwork
from sensors.camera.image_folder import labelled_files, resized
from sensors.camera.image_sensor import rgb565
from sensors.recording import GRID_EYE_SHAPE
from twin.image_recording import MASKED, array_names, read_image_recording

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

    from mcu_models.compiler.image_input import ImageInput
    from mcu_models.compiler.model import Network
    from mcu_models.networks.library import NetworkEntry
    from twin.emulated_node import Progress

HALF: Final = 0.5
"""Probability from which on a classifier is taken to have said yes."""
_FILES_AT_ONCE: Final = 32
_PICTURES_AT_ONCE: Final = 256
"""Of 3 KB each; the reference kernels compute as many at once."""
_IMAGE_CHANNELS: Final = 3


@dataclass(frozen=True)
class ScoredImages:
    """What a network says of N labelled pictures.

    Attributes:
        names: What they are called: paths below the folder, or numbers in the file.
        masked: (N,) whether a mask is worn.
        codes: (N,) the network's output codes, as the firmware gets them.
        probability: (N,) what they stand for.
        left_out: So many pictures of the file had nobody to ask of.
    """

    names: tuple[str, ...]
    masked: NDArray[np.bool_]
    codes: NDArray[np.int64]
    probability: NDArray[np.float64]
    left_out: int = 0


@dataclass(frozen=True)
class Threshold:
    """From where on a mask is told.

    Attributes:
        probability: As asked for.
        code: The smallest output code that is at least as probable; above 127, none is.
    """

    probability: float
    code: int


def looks_at_images(entry: NetworkEntry) -> bool:
    """Return whether a network takes pictures in colour: its manifest row says so, or without one its input does.

    Three channels of 8 x 8 are no picture but a window of three thermal frames.

    Raises:
        BadInputError: The file is no network that the twin supports.
    """
    if entry.is_for_images or entry.row or entry.has_rules:
        return entry.is_for_images
    shape = read_network(entry.path).inputs[0].shape
    return len(shape) == 4 and shape[-1] == _IMAGE_CHANNELS and min(shape[1:3]) > max(GRID_EYE_SHAPE)


def require_matching(entry: NetworkEntry, source: Path, *, for_images: bool) -> None:
    """Refuse pictures for a network that counts, and frames of a thermal array for one that looks at images.

    Raises:
        BadInputError: Network and source do not belong together, or there is no such source.
    """
    is_folder = source.is_dir()
    if is_folder and not for_images:
        said = f"is a folder; {entry.path.name} counts people in thermal frames (.npz or .csv)"
        raise BadInputError(source, "", None, said)
    if is_folder or source.suffix.lower() != ".npz":
        if for_images and not is_folder:
            array_names(source)
        return
    holds_images = MASKED in array_names(source)
    if for_images and not holds_images:
        said = f"holds no {MASKED!r} and so no labelled pictures; {entry.path.name} looks at images of a camera"
        raise BadInputError(source, "", None, said)
    if holds_images and not for_images:
        said = f"holds labelled pictures; {entry.path.name} counts people in thermal frames"
        raise BadInputError(source, "", None, said)


def threshold_of(entry: NetworkEntry, probability: float | None) -> Threshold:
    """Return from which output code on a mask is told; without a wish, from half on.

    A door asks for more (`DoorPolicy.least_percent`): of it, not of a network, one mistake opens.

    Raises:
        BadInputError: The network takes or gives something else than a small picture and one answer.
    """
    network = read_network(entry.path)
    taken = image_input(network)
    if probability is None:
        return Threshold(HALF, taken.code_of(HALF))
    return Threshold(probability, math.ceil(probability / network.output.scale) + network.output.zero_point)


def score_source(entry: NetworkEntry, source: Path, progress: Progress) -> ScoredImages:
    """Return what a network says of the pictures of a folder or an .npz file.

    One image at a time is decoded, and none is kept.

    Raises:
        BadInputError: The network takes another picture, or the source cannot be used.
    """
    network = ReferenceNetwork(entry.path)
    taken = image_input(network.network)
    if source.is_dir():
        return _of_folder(network, taken, source, progress)
    return _of_file(network, taken, source, progress)


def _of_folder(network: ReferenceNetwork, taken: ImageInput, folder: Path, progress: Progress) -> ScoredImages:
    files = labelled_files(folder)

    def pieces() -> Iterator[NDArray[np.uint16]]:
        for begin in range(0, len(files), _FILES_AT_ONCE):
            yield np.stack([file.frame() for file in files[begin : begin + _FILES_AT_ONCE]])

    names = tuple(file.name for file in files)
    masked = np.array([file.is_masked for file in files], dtype=np.bool_)
    return _scored(network, taken, names, masked, pieces(), progress)


def _of_file(network: ReferenceNetwork, taken: ImageInput, path: Path, progress: Progress) -> ScoredImages:
    found = read_image_recording(path)
    names = tuple(f"{found.name}[{number}]" for number in range(len(found.masked)))
    everything = _scored(network, taken, names, found.masked, found.pieces(), progress)
    index = np.flatnonzero(found.is_asked)
    return ScoredImages(
        names=tuple(names[number] for number in index),
        masked=everything.masked[index],
        codes=everything.codes[index],
        probability=everything.probability[index],
        left_out=len(names) - len(index),
    )


def _scored(
    network: ReferenceNetwork,
    taken: ImageInput,
    names: tuple[str, ...],
    masked: NDArray[np.bool_],
    pieces: Iterable[NDArray[Any]],
    progress: Progress,
) -> ScoredImages:
    codes: list[NDArray[np.int8]] = []
    done = 0
    for small in _gathered((small_pictures(piece, taken.side) for piece in pieces), _PICTURES_AT_ONCE):
        codes.append(network.run(picture_codes(small, taken)).reshape(len(small)))
        done += len(small)
        progress(done, len(names))
    found = np.concatenate(codes).astype(np.int64)
    return ScoredImages(names, masked, found, probability_of(network.network, found))


def _gathered(pieces: Iterable[NDArray[np.uint8]], number: int) -> Iterator[NDArray[np.uint8]]:
    """Give the same pictures in larger pieces; all but the last have at least so many."""
    waiting: list[NDArray[np.uint8]] = []
    for piece in pieces:
        waiting.append(piece)
        if sum(map(len, waiting)) >= number:
            yield np.concatenate(waiting)
            waiting = []
    if waiting:
        yield np.concatenate(waiting)


def probability_of(network: Network, codes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return what output codes stand for."""
    return np.asarray((codes - network.output.zero_point) * float(network.output.scale))


def small_pictures(pictures: NDArray[Any], side: int) -> NDArray[np.uint8]:
    """Return what the firmware makes of pictures, (N, side, side, 3) uint8.

    Args:
        pictures: (N, 200, 200) uint16 RGB565, or (N, rows, columns, 3) uint8.
        side: Rows and columns that the network takes; images of this size are left as they are.
    """
    if pictures.dtype == np.uint16:
        return scale_frames(pictures)
    if pictures.shape[1:3] == (side, side):
        return np.asarray(pictures, dtype=np.uint8)
    return scale_frames(np.stack([rgb565(resized(image, FRAME_SIDE, FRAME_SIDE)) for image in pictures]))
