"""A camera at a door: the light and the walls there, how the camera hangs, and which unit it is.

Networks are trained on pictures from many places and tested on pictures from others: `draw_place` and `held_out_place`
share no kind of light, no kind of backdrop, and no value of what camera units differ by.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from sensors.camera.auto_exposure import settled_exposure
from sensors.camera.backdrop import DOOR_BACKDROPS, draw_backdrop
from sensors.camera.image_sensor import CROSSTALK, ImageSensor, rgb565
from sensors.camera.light import DOOR_LIGHTS, draw_light
from sensors.camera.person import Stance
from sensors.camera.portrait import FOCAL_PX, SIDE_PX, paint_portrait

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from sensors.camera.backdrop import BackdropKind
    from sensors.camera.camera_sheet import CameraSheet
    from sensors.camera.image_sensor import Exposure
    from sensors.camera.light import LightKind
    from sensors.camera.look import Covering

ZONE_M: Final = (0.35, 0.6)
"""Distances of a face from the camera at which a decision is asked for, the whole face being in the picture. Farther
away a head has less than 14 of the 32 rows that a network sees, and a mask's edge is two rows from below the nose."""
_HALF_HEAD_M: Final = 0.115
_CHIN_M: Final = 0.11
_CHEEK_M: Final = 0.075
"""The face is in the picture: so far below and beside the middle of the head it reaches."""
_LARGEST_YAW: Final = 0.5
_SPEED_PX_S: Final = (60.0, 20.0)
_SETTLING_FRAMES: Final = 8
_HELD_OUT_LIGHTS: Final[dict[LightKind, float]] = {"tubes": 0.5, "mixed": 0.5}
_HELD_OUT_BACKDROPS: Final[tuple[BackdropKind, ...]] = ("tiles", "blinds")
_UNIT_SPANS: Final = (
    "radial_distortion",
    "read_noise",
    "f_number",
    "responsivity_per_s",
    "response_spread",
    "white_lux",
)
_TRAINED_SHARE: Final = 0.75
"""Training has the lower three quarters of the range of what units differ by; the rest is held out."""


@dataclass(frozen=True)
class CameraUnit:
    """One camera among those made after the same datasheet.

    Attributes:
        sheet: The datasheet with this unit's values within the ranges it states.
        crosstalk: (3, 3) how its colour filters mix light.
        defocus_px: Blur of its lens.
        seed: Of its fixed pattern and its noise.
    """

    sheet: CameraSheet
    crosstalk: NDArray[np.float32]
    defocus_px: float
    seed: int

    def camera(self) -> ImageSensor:
        """Return the unit, to take pictures with."""
        return ImageSensor(
            self.sheet, side_px=SIDE_PX, seed=self.seed, crosstalk=self.crosstalk, defocus_px=self.defocus_px
        )


@dataclass(frozen=True)
class Place:
    """A camera beside a door.

    Attributes:
        lights: How often each kind of light is met.
        backdrops: What is seen behind people.
        elevation: How far the camera looks down on faces, in radian; below 0 it looks up.
        roll: How far it hangs askew, in radian.
        nearest_m: Faces come so near.
        farthest_m: And are looked at from so far.
        unit: The camera.
    """

    lights: Mapping[LightKind, float]
    backdrops: tuple[BackdropKind, ...]
    elevation: float
    roll: float
    nearest_m: float
    farthest_m: float
    unit: CameraUnit


@dataclass(frozen=True)
class Shot:
    """A frame with what it shows.

    Attributes:
        frame: (200, 200) RGB565.
        covering: What is before the face in front.
        distance_m: How far that face is.
        face_px: Column and row of its middle, and half its height, in pixels.
    """

    frame: NDArray[np.uint16]
    covering: Covering
    distance_m: float
    face_px: tuple[float, float, float]


def draw_place(rng: np.random.Generator, sheet: CameraSheet) -> Place:
    """Return a place to train on."""
    kinds = rng.permutation(list(DOOR_LIGHTS))[: int(rng.integers(2, len(DOOR_LIGHTS) + 1))]
    weight = {kind: DOOR_LIGHTS[kind] for kind in DOOR_LIGHTS if kind in kinds}
    backdrops = rng.permutation(list(DOOR_BACKDROPS))[: int(rng.integers(2, len(DOOR_BACKDROPS) + 1))]
    return Place(
        lights={kind: share / sum(weight.values()) for kind, share in weight.items()},
        backdrops=tuple(kind for kind in DOOR_BACKDROPS if kind in backdrops),
        elevation=float(rng.uniform(-0.15, 0.15)),
        roll=float(rng.normal(0.0, 0.04)),
        nearest_m=ZONE_M[0] * 0.9,
        farthest_m=ZONE_M[1] * 1.1,
        unit=_unit(rng, sheet, (0.0, _TRAINED_SHARE)),
    )


def held_out_place(rng: np.random.Generator, sheet: CameraSheet) -> Place:
    """Return a place to test at: nothing of it is in any place to train on."""
    return Place(
        lights=_HELD_OUT_LIGHTS,
        backdrops=_HELD_OUT_BACKDROPS,
        elevation=float(rng.choice([-1, 1]) * rng.uniform(0.15, 0.2)),
        roll=float(rng.choice([-1, 1]) * rng.uniform(0.03, 0.06)),
        nearest_m=ZONE_M[0],
        farthest_m=ZONE_M[1],
        unit=_unit(rng, sheet, (_TRAINED_SHARE, 1.0)),
    )


def _unit(rng: np.random.Generator, sheet: CameraSheet, part: tuple[float, float]) -> CameraUnit:
    """Return a unit whose values lie in this part of their ranges, from the better end to the worse."""
    drawn = {}
    for name in _UNIT_SPANS:
        stated = getattr(sheet, name)
        share = rng.uniform(*part)
        # A weaker signal is worse: least light and least response are the far ends.
        share = 1 - share if name in {"responsivity_per_s", "white_lux", "radial_distortion"} else share
        drawn[name] = replace(stated, value=stated.low + share * (stated.high - stated.low))
    mixed = CROSSTALK * (1 + 0.12 * rng.uniform(*part) * rng.choice([-1, 1], (3, 3)))
    return CameraUnit(
        sheet=sheet.model_copy(update=drawn),
        crosstalk=(mixed / mixed.sum(axis=1, keepdims=True)).astype(np.float32),
        defocus_px=float(1.6 * rng.uniform(*part)),
        seed=int(rng.integers(2**31)),
    )


def take_shot(camera: ImageSensor, place: Place, rng: np.random.Generator, covering: Covering) -> Shot:
    """Return a frame of somebody with this before the face, exposure all but settled, in slight motion.

    Args:
        camera: `place.unit.camera()`.
        place: Where.
        rng: What people, light and motion are drawn with.
        covering: What is before the face.
    """
    stance = draw_zone_stance(rng, place)
    light = draw_light(rng, place.lights)
    backdrop = draw_backdrop(rng, SIDE_PX, SIDE_PX, place.backdrops)
    seen = camera.lens(paint_portrait(rng, covering, light, backdrop, stance).radiance)

    def raw(exposure: Exposure) -> NDArray[np.uint16]:
        return camera.raw(seen, exposure)

    exposure = settled_exposure(camera.sheet, raw, _SETTLING_FRAMES)
    speed_px_s = (float(rng.normal(0, _SPEED_PX_S[0])), float(rng.normal(0, _SPEED_PX_S[1])))
    moved = camera.rolling(seen, speed_px_s, exposure.time_s)
    frame = rgb565(camera.process(camera.raw(moved, exposure), exposure))
    x_m, y_m, distance_m = (float(value) for value in stance.place_m)
    scale, middle = FOCAL_PX / distance_m, (SIDE_PX - 1) / 2
    return Shot(frame, covering, distance_m, (middle + scale * x_m, middle + scale * y_m, scale * _HALF_HEAD_M))


def draw_zone_stance(rng: np.random.Generator, place: Place) -> Stance:
    """Return a head that looks more or less at the camera, its face in the picture."""
    distance_m = float(np.exp(rng.uniform(np.log(place.nearest_m), np.log(place.farthest_m))))
    half_m = 0.5 * SIDE_PX / FOCAL_PX * distance_m
    side_m, low_m = min(0.65 * half_m, half_m - _CHEEK_M), min(0.6 * half_m, half_m - _CHIN_M)
    x_m = float(np.clip(rng.normal(0.0, 0.3) * half_m, -side_m, side_m))
    y_m = float(np.clip(rng.normal(0.05, 0.25) * half_m, -0.5 * half_m, low_m))
    yaw = float(np.clip(rng.normal(0.0, 0.25), -_LARGEST_YAW, _LARGEST_YAW))
    pitch, roll = rng.normal(0.0, (0.1, 0.1))
    return Stance(np.array([x_m, y_m, distance_m]), yaw, float(pitch + place.elevation), float(roll + place.roll))
