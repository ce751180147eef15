"""Labelled images from a folder: `with_mask/` and `without_mask/`, read as the camera would hand them on.

A header is looked at before anything is decoded, so that a small file that unfolds into gigapixels is refused. Images
are decoded one after the other, and none of them is kept at its own size.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from PIL import Image

from datasheet.bad_input import BadInputError
from datasheet.regular_file import length_of_regular_file
from sensors.camera.image_sensor import rgb565

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

CLASSES: Final = {"with_mask": True, "without_mask": False}
SUFFIXES: Final = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
SIDE_PX: Final = 200
LARGEST_BYTES: Final = 32 * 1024 * 1024
LARGEST_PIXELS: Final = 50_000_000


@dataclass(frozen=True)
class LabelledImages:
    """N images with what they show.

    Attributes:
        names: Their paths below the folder.
        images: (N, 200, 200, 3) uint8 red, green, blue; other shapes are stretched.
        masked: (N,) whether a mask is worn.
    """

    names: tuple[str, ...]
    images: NDArray[np.uint8]
    masked: NDArray[np.bool_]


@dataclass(frozen=True)
class LabelledFile:
    """An image file that has not been read yet.

    Attributes:
        path: Where it is.
        name: Its path below the folder.
        is_masked: Whether a mask is worn in it.
    """

    path: Path
    name: str
    is_masked: bool

    def frame(self) -> NDArray[np.uint16]:
        """Return it as the camera sends it to the firmware, (200, 200) RGB565.

        Raises:
            BadInputError: As `read_image`.
        """
        return rgb565(read_image(self.path))


def labelled_files(folder: Path, *, fewest: int = 1) -> tuple[LabelledFile, ...]:
    """Return what there is below `folder/with_mask` and `folder/without_mask`, by name, without reading it.

    Hidden files and files of other kinds are passed over.

    Args:
        folder: The folder.
        fewest: So many images of each class are needed.

    Raises:
        BadInputError: A class is missing or has too few images.
    """
    if not folder.is_dir():
        raise BadInputError(folder, "", None, f"must be a folder that holds {' and '.join(CLASSES)}")
    return tuple(
        LabelledFile(path, path.relative_to(folder).as_posix(), label)
        for name, label in CLASSES.items()
        for path in _files(folder, name, fewest)
    )


def read_image_folder(folder: Path, *, fewest: int = 1) -> LabelledImages:
    """Return all images of a folder at once, 120,000 bytes each; `labelled_files` leaves it to the caller to read them.

    Args:
        folder: The folder.
        fewest: So many images of each class are needed.

    Raises:
        BadInputError: A class is missing or has too few images, or an image cannot be read or is too large.
    """
    files = labelled_files(folder, fewest=fewest)
    images = np.empty((len(files), SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
    for row, file in enumerate(files):
        images[row] = read_image(file.path)
    masked = np.array([file.is_masked for file in files], dtype=np.bool_)
    return LabelledImages(tuple(file.name for file in files), images, masked)


def read_image(path: Path, side_px: int = SIDE_PX) -> NDArray[np.uint8]:
    """Return an image as (side_px, side_px, 3) red, green, blue, upright as its header says, stretched to a square.

    Raises:
        BadInputError: It cannot be read, or is larger than `LARGEST_BYTES` or `LARGEST_PIXELS`.
    """
    return _rgb(resized(_decoded(path), side_px, side_px))


def read_image_of_height(path: Path, rows: int, aspects: tuple[float, float]) -> NDArray[np.uint8]:
    """Return an image with so many rows and its own shape, (rows, columns, 3) red, green, blue.

    Args:
        path: The file.
        rows: Its height is scaled to this.
        aspects: Least and largest width over height; what is beyond at the sides, or above and below, is cut off.

    Raises:
        BadInputError: As `read_image`.
    """
    image = _decoded(path)
    height, width = image.shape[:2]
    high, wide = min(height, round(width / aspects[0])), min(width, round(height * aspects[1]))
    top, left = (height - max(high, 1)) // 2, (width - max(wide, 1)) // 2
    cut = image[top : top + max(high, 1), left : left + max(wide, 1)]
    return _rgb(resized(cut, rows, max(round(rows * cut.shape[1] / cut.shape[0]), 1)))


def resized(image: NDArray[np.uint8], rows: int, columns: int) -> NDArray[np.uint8]:
    """Return an image (any, any, 3) with so many rows and columns: by area if it shrinks, else by lines between."""
    method = cv2.INTER_AREA if image.shape[0] >= rows and image.shape[1] >= columns else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (columns, rows), interpolation=method), dtype=np.uint8)


def _decoded(path: Path) -> NDArray[np.uint8]:
    """Return a file's image, (rows, columns, 3) blue, green, red, at its own size."""
    content = _content(path)
    _check_size(path, content)
    try:
        decoded = cv2.imdecode(np.frombuffer(content, dtype=np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise BadInputError(path, "", None, f"cannot be read as an image: {error.err}") from None
    if decoded is None:
        raise BadInputError(path, "", None, "cannot be read as an image; it is damaged or of an unknown kind")
    return np.asarray(decoded, dtype=np.uint8)


def _rgb(bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def _files(folder: Path, name: str, fewest: int) -> list[Path]:
    """Return the image files of one class in the order of their names."""
    place = folder / name
    try:
        listed = list(place.rglob("*")) if place.is_dir() else None
    except OSError as error:
        raise BadInputError(place, "", None, f"cannot be read: {error.strerror}") from None
    if listed is None:
        both = " and ".join(CLASSES)
        raise BadInputError(folder, "folders", sorted(one.name for one in folder.iterdir()), f"must hold {both}")
    found = sorted(
        path for path in listed if path.suffix.lower() in SUFFIXES and path.name[0] != "." and path.is_file()
    )
    if len(found) < fewest:
        kinds = ", ".join(SUFFIXES)
        raise BadInputError(place, "images", len(found), f"at least {fewest} are needed, of the kinds {kinds}")
    return found


def _content(path: Path) -> bytes:
    try:
        size = length_of_regular_file(path)
        if size > LARGEST_BYTES:
            raise BadInputError(path, "bytes", size, f"an image may have up to {LARGEST_BYTES}")
        return path.read_bytes()
    except OSError as error:
        raise BadInputError(path, "", None, f"cannot be read: {error.strerror}") from None


def _check_size(path: Path, content: bytes) -> None:
    """Refuse too many pixels by what the header says, before any memory is taken for them, and a broken PNG.

    OpenCV writes a line of its own about a PNG that ends early; its checksums tell that before.
    """
    try:
        with warnings.catch_warnings():
            # Of sizes, which are checked here, and of damaged metadata, which nobody uses.
            warnings.simplefilter("ignore")
            with Image.open(BytesIO(content)) as header:
                width, height = header.size
                if width * height <= LARGEST_PIXELS:
                    header.verify()
    except Image.DecompressionBombError:
        raise BadInputError(path, "pixels", None, f"an image may have up to {LARGEST_PIXELS}") from None
    except Exception as error:  # noqa: BLE001 - a damaged picture fails anywhere within the decoder
        reason = "is empty" if not content else f"cannot be read as an image: {type(error).__name__}"
        raise BadInputError(path, "", None, reason) from None
    if width * height > LARGEST_PIXELS:
        raise BadInputError(path, "pixels", f"{width} x {height}", f"an image may have up to {LARGEST_PIXELS}")
