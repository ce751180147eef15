"""A user's images before the camera: how large, how bright, which one, and with which edge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from datasheet.bad_input import BadInputError
from scenarios.guarded_door import GuardedDoor, load_guarded_door
from sensors.camera.camera_sheet import load_camera
from sensors.camera.canvas import Canvas
from sensors.camera.door_view import DoorView
from sensors.camera.face_images import FACE_HEIGHT_M, FaceImages, brightness, face_frame, paint_face
from sensors.camera.image_sensor import rgb888
from sensors.camera.light import Light
from sensors.camera.place import draw_place
from sensors.camera.portrait import FOCAL_PX

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

LEVEL = 0.5
LIGHT = Light(np.array([0.0, 0.0, -1.0]), np.full(3, LEVEL), np.zeros(3), np.zeros(3), 1.0)
MASKS = [(0, 40 * k, 255) for k in range(5)]
BARE = [(255, 40 * k, 0) for k in range(5)]


def write_image(path: Path, rgb: tuple[int, int, int], rows: int = 100, columns: int = 80) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(bytes(cv2.imencode(".png", np.full((rows, columns, 3), rgb[::-1], np.uint8))[1]))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, (masked, bare) in enumerate(zip(MASKS, BARE, strict=True)):
        write_image(tmp_path / "with_mask" / f"{number}.png", masked)
        write_image(tmp_path / "without_mask" / f"лицо {number}.png", bare)
    return tmp_path


def painted(folder: Path, place_m: tuple[float, float, float], side: int = 200) -> NDArray[np.float32]:
    """Return the radiance of the first bare face on black."""
    canvas = Canvas(side, side, FOCAL_PX)
    paint_face(canvas, FaceImages(folder).face(0, masked=False), np.array(place_m), LIGHT)
    return canvas.radiance()


@pytest.mark.parametrize("distance_m", [0.35, 0.5, 1.0, 2.0])
def test_an_image_is_as_high_as_a_face_at_its_distance(folder: Path, distance_m: float) -> None:
    seen = painted(folder, (0.0, 0.0, distance_m))[..., 0] > LEVEL / 2
    high_px = FACE_HEIGHT_M * FOCAL_PX / distance_m
    # Half of the edge that fades is above the threshold.
    assert seen[:, 100].sum() == pytest.approx(high_px * (1 - 0.06), abs=2.5)
    assert seen[100].sum() == pytest.approx(0.8 * high_px * (1 - 0.06), abs=2.5)


def test_it_lies_where_its_visitor_stands(folder: Path) -> None:
    rows, columns = np.nonzero(painted(folder, (0.1, -0.05, 1.0))[..., 0] > LEVEL / 2)
    assert columns.mean() == pytest.approx(99.5 + 0.1 * FOCAL_PX, abs=0.6)
    assert rows.mean() == pytest.approx(99.5 - 0.05 * FOCAL_PX, abs=0.6)


def test_its_white_is_a_white_surface_of_the_place(folder: Path) -> None:
    """Red 255 has the radiance of a matt white surface that faces the camera; blue 0 has none."""
    assert brightness(LIGHT) == pytest.approx(LEVEL)
    middle = painted(folder, (0.0, 0.0, 0.5))[100, 100]
    assert middle == pytest.approx([LEVEL, 0.0, 0.0], abs=1e-3)


def test_the_edge_is_soft_and_corners_stay_free(folder: Path) -> None:
    seen = painted(folder, (0.0, 0.0, 0.5))[..., 0]
    column = seen[:100, 100]
    rising = column[(column > 0.02 * LEVEL) & (column < 0.98 * LEVEL)]
    assert len(rising) >= 4
    assert (np.diff(rising) > 0).all()
    high_px = FACE_HEIGHT_M * FOCAL_PX / 0.5
    assert seen[round(100 - 0.45 * high_px), round(100 - 0.36 * high_px)] == 0


@pytest.mark.parametrize(("rows", "columns"), [(60, 600), (600, 60)])
def test_long_images_are_cut_to_a_face(tmp_path: Path, rows: int, columns: int) -> None:
    for name in ("with_mask", "without_mask"):
        write_image(tmp_path / name / "one.png", (200, 100, 50), rows, columns)
    shape = FaceImages(tmp_path).face(0, masked=True).pixels.shape
    assert 0.55 < shape[1] / shape[0] < 1.25


def test_a_folder_of_one_class_is_refused(folder: Path) -> None:
    for path in (folder / "with_mask").iterdir():
        path.unlink()
    with pytest.raises(BadInputError, match="with_mask: images is 0"):
        FaceImages(folder)


def test_a_damaged_image_is_refused_when_it_is_shown(folder: Path) -> None:
    (folder / "with_mask" / "0.png").write_bytes(b"nothing")
    faces = FaceImages(folder)
    assert not faces.face(0, masked=False).is_masked
    with pytest.raises(BadInputError, match=r"0\.png; cannot be read"):
        faces.face(0, masked=True)


def visit(folder: Path, seed: int = 1) -> tuple[GuardedDoor, DoorView]:
    door = GuardedDoor(load_guarded_door("mask_door"), seed)
    place = draw_place(np.random.default_rng(4), load_camera("ov7725"))
    return door, DoorView(door, place, seed, FaceImages(folder))


def middle_of(frame: NDArray[np.uint16]) -> NDArray[np.float64]:
    return np.asarray(rgb888(frame)[80:120, 80:120].reshape(-1, 3).mean(axis=0))


def test_visitors_are_images_and_become_another_when_they_put_the_mask_right(folder: Path) -> None:
    """Blue images have masks here, red ones none."""
    door, view = visit(folder)
    while door.first() is None:
        door.run_until(door.now_s + 0.2)
        view.frame()
    first = door.first()
    assert first is not None
    first.wearing = "on_chin"
    bare = middle_of(view.frame())
    first.wearing = "mask"
    masked = middle_of(view.frame())
    assert bare[0] > bare[2] + 60
    assert masked[2] > masked[0] + 60


def test_the_same_seed_shows_the_same_images(folder: Path) -> None:
    def frames(seed: int) -> NDArray[np.uint16]:
        door, view = visit(folder, seed)
        door.run_until(36.0)
        return np.stack([view.frame() for _ in range(3)])

    np.testing.assert_array_equal(frames(1), frames(1))
    assert (frames(1) != frames(2)).any()


def test_a_frame_of_an_image_is_one_of_the_camera(folder: Path) -> None:
    place = draw_place(np.random.default_rng(4), load_camera("ov7725"))
    face = FaceImages(folder).face(1, masked=True)
    frame = face_frame(place.unit.camera(), place, np.random.default_rng(1), face, 0.4)
    assert frame.shape == (200, 200)
    assert frame.dtype == np.uint16
    middle = middle_of(frame)
    assert middle[2] > middle[0] + 40
