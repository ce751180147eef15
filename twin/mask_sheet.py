"""A contact sheet of the camera's frames, to be judged by eye: people in all light, and a queue before the door."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import matplotlib as mpl
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mcu_models.compiler.area_scale import scale_frames
from sensors.camera.face_images import face_frame
from sensors.camera.image_sensor import rgb888
from sensors.camera.look import COVERINGS
from sensors.camera.place import draw_place, take_shot
from twin.image_sensing import DoorLabels, crowded_s, door_frames

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from PIL.ImageFont import FreeTypeFont

    from sensors.camera.light import LightKind
    from sensors.camera.place import Place
    from twin.image_sensing import DoorSensing

    Frames = NDArray[np.uint16]

COLUMNS: Final[tuple[tuple[LightKind, float], ...]] = (
    ("lamps", 0.32),
    ("daylight", 0.36),
    ("back", 0.4),
    ("dusk", 0.4),
    ("tubes", 0.45),
    ("mixed", 0.5),
    ("daylight", 0.7),
    ("lamps", 1.1),
)
"""Kind of light and distance of each column; each has a place, a camera and people of its own."""
_LIGHT_WORDS: Final = {"back": "back light", "mixed": "mixed light"}
_ROWS_OF_FACES: Final = 3
_LEAD_S: Final = 2.5
_STEP_S: Final = 1.0
_SHOT_STREAM: Final = 4
_SIDE: Final = 200
_SMALL_TIMES: Final = 6
_GAP: Final = 6
_LEFT: Final = 118
_TITLE, _HEAD = 34, 24
_INK, _PAPER, _FAINT = (25, 25, 25), (250, 250, 248), (110, 110, 110)


@dataclass(frozen=True)
class _Row:
    """Frames beside one another with a word for all of them."""

    word: str
    frames: Frames


def contact_sheet_png(wanted: DoorSensing) -> bytes:
    """Return a contact sheet as PNG; the same scenario, camera, images and seed give the same bytes."""
    rows = _rows_of_faces(wanted) if wanted.faces is not None else _rows_of_coverings(wanted)
    begin_s = max(crowded_s(wanted) - _LEAD_S, 0.0)
    labels = DoorLabels()
    queue = replace(wanted, seconds=len(COLUMNS) * _STEP_S, rate_hz=1 / _STEP_S)
    seen = np.stack(list(door_frames(queue, labels, begin_s=begin_s)))
    sheet = _Sheet(len(rows))
    sheet.block_of_people(rows, _about(wanted))
    sheet.block_of_queue(seen, labels)
    return sheet.png()


def _about(wanted: DoorSensing) -> str:
    who = "drawn people" if wanted.faces is None else "images of the user's own"
    return f"{who}, 200 x 200 as the {wanted.sheet.part} sends them; seed {wanted.seed}"


def _places(wanted: DoorSensing) -> list[tuple[Place, float]]:
    """Return a place for each column, with its light and distance."""
    places = []
    for number, (light, distance_m) in enumerate(COLUMNS):
        drawn = draw_place(np.random.default_rng([wanted.seed, _SHOT_STREAM, number]), wanted.sheet)
        places.append((replace(drawn, lights={light: 1.0}, nearest_m=distance_m, farthest_m=distance_m), distance_m))
    return places


def _rows_of_coverings(wanted: DoorSensing) -> list[_Row]:
    rows = []
    for row, covering in enumerate(COVERINGS):
        frames = []
        for column, (place, _) in enumerate(_places(wanted)):
            rng = np.random.default_rng([wanted.seed, _SHOT_STREAM, column, 1 + row])
            frames.append(take_shot(place.unit.camera(), place, rng, covering).frame)
        rows.append(_Row(_in_words(covering), np.stack(frames)))
    return rows


def _rows_of_faces(wanted: DoorSensing) -> list[_Row]:
    faces, rows = wanted.faces, []
    assert faces is not None  # noqa: S101 - asked for by the caller
    for row in range(2 * _ROWS_OF_FACES):
        masked, turn = row < _ROWS_OF_FACES, row % _ROWS_OF_FACES
        frames = []
        for column, (place, distance_m) in enumerate(_places(wanted)):
            rng = np.random.default_rng([wanted.seed, _SHOT_STREAM, column, 1 + row])
            face = faces.face(turn * len(COLUMNS) + column, masked=masked)
            frames.append(face_frame(place.unit.camera(), place, rng, face, distance_m))
        rows.append(_Row("with mask" if masked else "without mask", np.stack(frames)))
    return rows


class _Sheet:
    """The paper: two blocks, one below the other."""

    def __init__(self, rows: int) -> None:
        width = _LEFT + len(COLUMNS) * (_SIDE + _GAP) + _GAP
        self._queue_top = _TITLE + _HEAD + rows * (_SIDE + _GAP) + _GAP
        height = self._queue_top + _TITLE + 2 * _HEAD + _SIDE + _GAP + 32 * _SMALL_TIMES + 2 * _GAP
        self._image = Image.new("RGB", (width, height), _PAPER)
        self._draw = ImageDraw.Draw(self._image)

    def block_of_people(self, rows: Sequence[_Row], about: str) -> None:
        self._write(_GAP, 6, about, 18)
        for column, (light, distance_m) in enumerate(COLUMNS):
            self._write(_left_of(column), _TITLE, f"{_LIGHT_WORDS.get(light, light)}, {distance_m:g} m", 15)
        for number, row in enumerate(rows):
            top = _TITLE + _HEAD + number * (_SIDE + _GAP)
            self._write(_GAP, top + _SIDE // 2 - 10, row.word, 15)
            for column, frame in enumerate(row.frames):
                self._put(rgb888(frame), _left_of(column), top, 1)

    def block_of_queue(self, frames: Frames, labels: DoorLabels) -> None:
        top = self._queue_top
        self._write(
            _GAP, top + 6, f"before the door, every {_STEP_S:g} s, and what the network sees of it: 32 x 32", 20
        )
        for column, (frame, small) in enumerate(zip(frames, scale_frames(frames), strict=True)):
            left, upper = _left_of(column), top + _TITLE + 2 * _HEAD
            first = _in_words(labels.wearing[column])
            self._write(left, top + _TITLE, f"{labels.time_s[column]:.1f} s, {labels.in_sight[column]} in sight", 15)
            word = (f"first: {first}" if first else "nobody first") + (
                ", door open" if labels.openness[column] > 0 else ""
            )
            self._write(left, top + _TITLE + _HEAD, word, 14, _FAINT)
            self._put(rgb888(frame), left, upper, 1)
            self._put(small, left + (_SIDE - 32 * _SMALL_TIMES) // 2, upper + _SIDE + _GAP, _SMALL_TIMES)
        self._write(_GAP, top + _TITLE + 2 * _HEAD + _SIDE // 2 - 10, "200 x 200", 15)
        self._write(_GAP, top + _TITLE + 2 * _HEAD + _SIDE + 16 * _SMALL_TIMES - 10, "32 x 32", 15)

    def png(self) -> bytes:
        content = io.BytesIO()
        self._image.save(content, "PNG")
        return content.getvalue()

    def _put(self, picture: NDArray[np.uint8], left: int, top: int, times: int) -> None:
        large = np.repeat(np.repeat(picture, times, axis=0), times, axis=1)
        self._image.paste(Image.fromarray(large), (left, top))

    def _write(self, left: int, top: int, text: str, size: int, rgb: tuple[int, int, int] = _INK) -> None:
        self._draw.text((left, top), text, fill=rgb, font=_font(size))


def _in_words(covering: str) -> str:
    return "bare face" if covering == "none" else covering.replace("_", " ")


def _font(size: int) -> FreeTypeFont:
    """Return DejaVu Sans as it comes with matplotlib."""
    return ImageFont.truetype(Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", size)


def _left_of(column: int) -> int:
    return _LEFT + column * (_SIDE + _GAP)
