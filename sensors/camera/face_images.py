"""A user's own images of faces, put before the camera in the place of drawn people.

A visitor is one image, upright and square to the camera, with a soft elliptical edge. **Assumed:** an image shows a
face from above the hair to below the chin and is `FACE_HEIGHT_M` high where it stands, whatever its size in pixels; its
white is that of a white matt surface under the light of the place, whose colour and direction it does not take on,
since it has its own. No body is seen below it.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from sensors.camera.auto_exposure import settled_exposure
from sensors.camera.backdrop import draw_backdrop, paint_backdrop
from sensors.camera.canvas import NEAREST_M, Canvas, levels
from sensors.camera.image_folder import labelled_files, read_image_of_height
from sensors.camera.image_sensor import rgb565
from sensors.camera.light import draw_light
from sensors.camera.portrait import FOCAL_PX, SIDE_PX

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from sensors.camera.image_sensor import Exposure, ImageSensor
    from sensors.camera.light import Light
    from sensors.camera.place import Place

    Picture = NDArray[np.float32]

FACE_HEIGHT_M: Final = 0.28
"""Height of what an image shows: a head of 0.23 m from chin to crown, and a tenth more above and below; assumed."""
_ROWS: Final = 256
"""Rows that an image is kept with: those of a face at 0.25 m."""
_ASPECTS: Final = (0.6, 1.2)
"""Width over height; what is beyond is cut off at the rim, where no face is."""
_EDGE: Final = 0.12
"""Share of the radius over which the edge fades."""
_GAMMA: Final = 2.2
"""Of images as cameras and telephones write them; sRGB's curve within some hundredths."""
_KEPT: Final = 48
"""Images kept in memory, of 0.8 MB each."""
_SETTLING_FRAMES: Final = 12


@dataclass(frozen=True)
class Face:
    """An image ready to be put before the camera.

    Attributes:
        name: Its path below the folder.
        is_masked: Whether a mask is worn in it.
        pixels: (rows, columns, 4) linear red, green, blue, each times what covers, and what covers: 1 within the
            ellipse, 0 outside.
    """

    name: str
    is_masked: bool
    pixels: Picture


class FaceImages:
    """The images of a folder with `with_mask` and `without_mask`, read when they are needed.

    Args:
        folder: The folder.

    Raises:
        BadInputError: A class is missing or has no image.
    """

    def __init__(self, folder: Path) -> None:
        files = labelled_files(folder)
        self._files = {label: [file for file in files if file.is_masked == label] for label in (True, False)}
        self._read = functools.lru_cache(maxsize=_KEPT)(_covering_pixels)

    def number(self, *, masked: bool) -> int:
        """Return how many images there are of a class."""
        return len(self._files[masked])

    def face(self, index: int, *, masked: bool) -> Face:
        """Return an image by its place in its class, by name; behind the last comes the first.

        Raises:
            BadInputError: It cannot be read, or is too large.
        """
        file = self._files[masked][index % self.number(masked=masked)]
        return Face(file.name, masked, self._read(file.path))

    def any_face(self, rng: np.random.Generator, *, masked: bool) -> Face:
        """Return one of the images of a class, drawn at random.

        Raises:
            BadInputError: It cannot be read, or is too large.
        """
        return self.face(int(rng.integers(self.number(masked=masked))), masked=masked)


def paint_face(canvas: Canvas, face: Face, place_m: NDArray[np.float64], light: Light) -> None:
    """Put an image before what is painted already.

    Args:
        canvas: Where.
        face: The image.
        place_m: (3,) its middle, in camera axes.
        light: How bright it is there.
    """
    high_px = FACE_HEIGHT_M * canvas.focal_px / max(float(place_m[2]), NEAREST_M)
    pixels = _shrunk(face.pixels, high_px)
    scale = high_px / len(pixels)
    middle = canvas.project(place_m)
    # Pixel centres: the middle of the image is half a pixel before half its size.
    begin = middle - scale * (np.array(pixels.shape[1::-1]) - 1) / 2
    to_canvas = np.array([[scale, 0, begin[0]], [0, scale, begin[1]]])
    size = (canvas.columns, canvas.rows)
    put = cv2.warpAffine(pixels, to_canvas, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    seen = levels(put[..., :3].astype(np.float64) * brightness(light))
    canvas.pixels[:] = (canvas.pixels * (1 - put[..., 3:]) + seen + 0.5).astype(np.uint16)


def brightness(light: Light) -> float:
    """Return how bright a white matt surface is that faces the camera, mean of the three colours."""
    return float(np.mean(light.shade(np.ones(3), np.array([0.0, 0.0, -1.0]))))


def face_frame(
    camera: ImageSensor, place: Place, rng: np.random.Generator, face: Face, distance_m: float
) -> NDArray[np.uint16]:
    """Return a frame of an image before the camera, (200, 200) RGB565, exposure settled.

    Args:
        camera: `place.unit.camera()`.
        place: Where.
        rng: What light, background and place in the picture are drawn with.
        face: The image.
        distance_m: How far it is.
    """
    light = draw_light(rng, place.lights)
    canvas = Canvas(SIDE_PX, SIDE_PX, FOCAL_PX)
    paint_backdrop(canvas, draw_backdrop(rng, SIDE_PX, SIDE_PX, place.backdrops), light, (0.0, 0.0))
    x_m, y_m = 0.08 * distance_m * rng.standard_normal(2)
    paint_face(canvas, face, np.array([x_m, y_m, distance_m]), light)
    seen = camera.lens(canvas.radiance())

    def raw(exposure: Exposure) -> NDArray[np.uint16]:
        return camera.raw(seen, exposure)

    exposure = settled_exposure(camera.sheet, raw, _SETTLING_FRAMES)
    return rgb565(camera.process(camera.raw(seen, exposure), exposure))


def _covering_pixels(path: Path) -> Picture:
    """Return an image as `Face.pixels`."""
    image = read_image_of_height(path, _ROWS, _ASPECTS)
    linear = (image.astype(np.float32) / np.float32(255)) ** np.float32(_GAMMA)
    covers = _ellipse(*image.shape[:2])[..., np.newaxis]
    return np.concatenate([linear * covers, covers], axis=-1)


def _ellipse(rows: int, columns: int) -> Picture:
    """Return what an ellipse as large as the picture covers of each pixel, with its soft edge."""
    down = (np.arange(rows) - (rows - 1) / 2) / (rows / 2)
    across = (np.arange(columns) - (columns - 1) / 2) / (columns / 2)
    radius = np.hypot(down[:, np.newaxis], across[np.newaxis, :])
    return np.asarray(np.clip((1 - radius) / _EDGE, 0, 1), dtype=np.float32)


def _shrunk(pixels: Picture, high_px: float) -> Picture:
    """Return an image with no more rows than are seen, so that none of them is skipped."""
    rows, columns = pixels.shape[:2]
    if high_px >= rows:
        return pixels
    wanted = max(round(high_px), 1)
    size = (max(round(columns * wanted / rows), 1), wanted)
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.float32)
