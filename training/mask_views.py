"""From a frame of 200 x 200 pixels to the 32 x 32 that a mask network sees, in each of OpenCV's five ways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.uint8]

SIDE_PX: Final = 32
METHODS: Final = {
    "nearest": cv2.INTER_NEAREST,
    "linear": cv2.INTER_LINEAR,
    "cubic": cv2.INTER_CUBIC,
    "area": cv2.INTER_AREA,
    "lanczos4": cv2.INTER_LANCZOS4,
}
"""The published interpolation augmentation takes an image as each of these makes it. The firmware takes "area"."""
AREA: Final = tuple(METHODS).index("area")
CROPS: Final = 4
"""Beside the whole frame so many cuts around the face are kept, since images of folders are cuts of faces."""
FIRST_CROP: Final = len(METHODS)
VIEWS: Final = FIRST_CROP + CROPS

_CROP_HALVES: Final = (0.75, 2.2)
"""Half the side of a cut, in halves of the head's height."""
_ASPECTS: Final = (0.8, 1.25)
_SHIFT: Final = 0.15


def scaled(image: Image, method: int = cv2.INTER_AREA) -> Image:
    """Return an image (rows, columns, 3) of any size as (32, 32, 3), whatever its shape."""
    return np.asarray(cv2.resize(image, (SIDE_PX, SIDE_PX), interpolation=method), dtype=np.uint8)


def views(image: Image, face_px: tuple[float, float, float], rng: np.random.Generator) -> Image:
    """Return (VIEWS, 32, 32, 3): the whole image by each method, then cuts around the face, the first one by area.

    Args:
        image: (rows, columns, 3) red, green, blue.
        face_px: Column and row of the middle of the face, and half its height.
        rng: Says how the cuts lie and by which methods they are scaled.
    """
    whole = [scaled(image, method) for method in METHODS.values()]
    chosen = ["area", *rng.choice(list(METHODS), CROPS - 1)]
    cuts = [scaled(cut(image, face_px, rng), METHODS[name]) for name in chosen]
    return np.stack([*whole, *cuts])


def cut(image: Image, face_px: tuple[float, float, float], rng: np.random.Generator) -> Image:
    """Return a cut around the face, as much of it as lies in the image."""
    x, y, half_height = face_px
    half = half_height * rng.uniform(*_CROP_HALVES)
    aspect = float(np.exp(rng.uniform(*np.log(_ASPECTS))))
    across, down = half * np.sqrt(aspect), half / np.sqrt(aspect)
    x += rng.uniform(-_SHIFT, _SHIFT) * across
    y += rng.uniform(-_SHIFT, _SHIFT) * down
    left, right = _span(x - across, x + across, image.shape[1])
    top, bottom = _span(y - down, y + down, image.shape[0])
    return image[top:bottom, left:right]


def _span(begin: float, end: float, size: int) -> tuple[int, int]:
    """Return whole pixels within the image, at least a few of them."""
    first = int(np.clip(round(begin), 0, size - 8))
    return first, int(np.clip(round(end), first + 8, size))
