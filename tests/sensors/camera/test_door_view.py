"""The camera before a guarded door: same seed, same frames; people come nearer; exposure follows the light."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from scenarios.guarded_door import GuardedDoor, load_guarded_door
from sensors.camera.camera_sheet import load_camera
from sensors.camera.door_view import DoorView
from sensors.camera.image_sensor import rgb888
from sensors.camera.place import draw_place

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATE_HZ = 30


def world(seed: int = 1) -> tuple[GuardedDoor, DoorView]:
    door = GuardedDoor(load_guarded_door("mask_door"), seed)
    return door, DoorView(door, draw_place(np.random.default_rng(4), load_camera("ov7725")), seed)


def frames(number: int, seed: int = 1, first_s: float = 0.0) -> NDArray[np.uint16]:
    door, view = world(seed)
    taken = []
    for frame in range(number):
        door.run_until(first_s + frame / RATE_HZ)
        taken.append(view.frame())
    return np.stack(taken)


def test_the_same_seed_gives_the_same_frames() -> None:
    np.testing.assert_array_equal(frames(6, first_s=33.0), frames(6, first_s=33.0))
    assert (frames(1) != frames(1, seed=2)).any()


def test_exposure_settles_on_an_empty_scene() -> None:
    """The first frame may be dark or bright; after a while the brightness stays, but for noise."""
    means = [float(rgb888(frame).mean()) for frame in frames(24)]
    assert np.ptp(means[-6:]) < 3
    assert 40 < means[-1] < 190


def test_somebody_who_comes_grows_in_the_picture() -> None:
    """The top of what differs from the empty scene rises until they stand before the camera."""
    door, view = world()
    for frame in range(3 * RATE_HZ):
        door.run_until(frame / RATE_HZ)
        empty = view.frame()
    while not door.in_sight():
        door.run_until(door.now_s + 1 / RATE_HZ)
    tops = []
    while door.first() is None:
        door.run_until(door.now_s + 0.5)
        differs = np.abs(rgb888(view.frame()).astype(int) - rgb888(empty)).max(axis=-1) > 60
        tops.append(int(np.flatnonzero(differs.mean(axis=1) > 0.03)[0]))
    assert len(tops) >= 3
    assert tops[-1] < tops[0] - 15


def test_who_puts_the_mask_right_keeps_their_face() -> None:
    """Only what is before the face changes: the upper part of the picture stays as it was."""
    door, view = world()
    while door.first() is None:
        door.run_until(door.now_s + 0.1)
        view.frame()
    first = door.first()
    assert first is not None
    before = view.frame()
    first.wearing = "mask" if first.wearing != "mask" else "none"
    after = view.frame()
    differs = np.abs(rgb888(before).astype(int) - rgb888(after)).max(axis=-1) > 60
    rows = np.flatnonzero(differs.mean(axis=1) > 0.05)
    assert len(rows)
    assert rows.min() > 40


@pytest.mark.parametrize("seed", [1, 2])
def test_frames_are_rgb565_of_the_window(seed: int) -> None:
    taken = frames(2, seed)
    assert taken.shape == (2, 200, 200)
    assert taken.dtype == np.uint16
