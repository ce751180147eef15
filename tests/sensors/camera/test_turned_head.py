"""What is seen of a head that is turned: no face through its back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from sensors.camera.canvas import Canvas
from sensors.camera.light import draw_light
from sensors.camera.look import draw_look
from sensors.camera.person import Stance, paint_person

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sensors.camera.look import Covering, Look


@pytest.fixture
def look() -> Look:
    """Somebody bald, with glasses of a kind and a mask of a colour that nothing else has."""
    drawn = draw_look(np.random.default_rng(1), "mask")
    return replace(drawn, hair="bald", glasses=2, mask="surgical", mask_rgb=np.array([0.0, 0.9, 0.0]), mask_pattern=0.0)


def painted(look: Look, covering: Covering, yaw: float) -> NDArray[np.float32]:
    canvas = Canvas(120, 120, 120.0)
    stance = Stance(np.array([0.0, 0.0, 0.45]), yaw, 0.0, 0.0)
    light = draw_light(np.random.default_rng(2))
    paint_person(canvas, replace(look, covering=covering), stance, light, np.random.default_rng(3))
    return canvas.radiance()


def test_from_behind_neither_mask_nor_glasses_are_seen(look: Look) -> None:
    """Loops behind the ears are all that differs between a head with a mask and one without."""
    front, back = (
        np.abs(painted(look, "mask", yaw) - painted(look, "none", yaw)).max(axis=2) > 0.01 for yaw in (0.0, np.pi)
    )
    assert front.sum() > 600
    assert back.sum() < 0.1 * front.sum()
    bare = [painted(replace(look, glasses=kind), "none", np.pi) for kind in (0, 2)]
    assert np.array_equal(bare[0], bare[1])


def test_a_head_has_a_back(look: Look) -> None:
    """The middle of the picture shows skin from all sides, as large as from the front or larger."""
    middle = [painted(replace(look, glasses=0), "none", yaw)[40:60, 55:65].min() for yaw in (0.0, 1.6, np.pi)]
    assert min(middle) > 0
