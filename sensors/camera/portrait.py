"""One picture of somebody before the camera, as a lens would throw it: for training sets and contact sheets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from sensors.camera.backdrop import draw_backdrop, paint_backdrop
from sensors.camera.canvas import Canvas
from sensors.camera.light import draw_light
from sensors.camera.look import COVERINGS, draw_look
from sensors.camera.person import Stance, paint_person

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sensors.camera.light import Light
    from sensors.camera.look import Covering

    Floats = NDArray[np.float64]

SIDE_PX: Final = 200
"""Rows and columns of the camera's window."""
FOCAL_PX: Final = 225.0
"""Focal length of the 2.8 mm lens in pixels of 320 columns over 3.984 mm: 2.8 / 3.984 * 320 = 224.9."""
NEAREST_M: Final = 0.3
FARTHEST_M: Final = 1.1
_BYSTANDERS: Final = 0.2


@dataclass(frozen=True)
class Portrait:
    """A picture with what it shows.

    Attributes:
        radiance: (rows, columns, 3) linear RGB; 1.0 is a white matt surface in full light.
        covering: What is before the face in front.
    """

    radiance: NDArray[np.float32]
    covering: Covering

    @property
    def is_masked(self) -> bool:
        """Whether the person in front wears a mask over mouth and nose."""
        return self.covering == "mask"


def draw_portrait(rng: np.random.Generator, covering: Covering, *, side_px: int = SIDE_PX) -> Portrait:
    """Return somebody with this before the face, somewhere before the camera, in some light."""
    light = draw_light(rng)
    backdrop = draw_backdrop(rng, side_px, side_px)
    return paint_portrait(rng, covering, light, backdrop, draw_stance(rng))


def paint_portrait(
    rng: np.random.Generator,
    covering: Covering,
    light: Light,
    backdrop: NDArray[np.float32],
    stance: Stance,
) -> Portrait:
    """Return somebody with this before the face who stands so, now and then with somebody else behind.

    Args:
        rng: What the looks are drawn with.
        covering: What is before the face.
        light: What falls on it.
        backdrop: (rows, rows, 3) reflectance of what is behind; the picture is as large.
        stance: Where the head is.
    """
    side_px = len(backdrop)
    canvas = Canvas(side_px, side_px, FOCAL_PX * side_px / SIDE_PX)
    paint_backdrop(canvas, backdrop, light, (0.0, 0.0))
    if rng.random() < _BYSTANDERS:
        other = COVERINGS[int(rng.integers(len(COVERINGS)))]
        paint_person(canvas, draw_look(rng, other), _behind(rng, stance), light, rng)
    paint_person(canvas, draw_look(rng, covering), stance, light, rng)
    return Portrait(canvas.radiance(), covering)


def paint_scene(backdrop: NDArray[np.float32], light: Light) -> NDArray[np.float32]:
    """Return the radiance (rows, rows, 3) of a background before which nobody is."""
    side_px = len(backdrop)
    canvas = Canvas(side_px, side_px, FOCAL_PX * side_px / SIDE_PX)
    paint_backdrop(canvas, backdrop, light, (0.0, 0.0))
    return canvas.radiance()


def draw_stance(rng: np.random.Generator) -> Stance:
    """Return a head near the middle of the picture that looks more or less at the camera."""
    distance_m = float(np.exp(rng.uniform(np.log(NEAREST_M), np.log(FARTHEST_M))))
    room = 0.5 * SIDE_PX / FOCAL_PX * distance_m
    x_m = float(np.clip(rng.normal(0.0, 0.3), -0.65, 0.65)) * room
    y_m = float(np.clip(rng.normal(0.05, 0.25), -0.5, 0.6)) * room
    yaw, pitch, roll = rng.normal(0.0, (0.32, 0.16, 0.1))
    return Stance(np.array([x_m, y_m, distance_m]), float(yaw), float(pitch), float(roll))


def _behind(rng: np.random.Generator, stance: Stance) -> Stance:
    distance_m = float(stance.place_m[2] + rng.uniform(0.5, 1.5))
    side = float(rng.choice([-1, 1]) * rng.uniform(0.25, 0.8))
    place = np.array([side * 0.44 * distance_m, stance.place_m[1] + rng.uniform(-0.1, 0.15), distance_m])
    return Stance(place, float(rng.normal(0, 0.6)), float(rng.normal(0, 0.15)), 0.0)
