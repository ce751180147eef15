"""A camera at a door: the light and the walls there, how the camera hangs, and which unit it is.

Networks are trained on pictures from many places and tested on pictures from others: `draw_place` and `held_out_place`
share no kind of light and no kind of backdrop, and their cameras hang otherwise. A camera held out is any that its
datasheet allows, or one worse in everything than those trained with.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from sensors.camera.auto_exposure import settled_exposure
from sensors.camera.backdrop import DOOR_BACKDROPS, draw_backdrop, strew_things
from sensors.camera.image_sensor import CROSSTALK, ImageSensor, rgb565
from sensors.camera.light import DOOR_LIGHTS, draw_light
from sensors.camera.person import Stance
from sensors.camera.portrait import FOCAL_PX, SIDE_PX, paint_portrait, paint_scene

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from sensors.camera.backdrop import BackdropKind
    from sensors.camera.camera_sheet import CameraSheet
    from sensors.camera.image_sensor import Exposure
    from sensors.camera.light import LightKind
    from sensors.camera.look import Covering

Situation = Literal["zone", "beyond", "far", "empty", "away"]
"""Who is before the camera: somebody in the decision zone or a little beyond it, somebody who is far away, nobody, or
somebody near who looks elsewhere."""
SITUATIONS: Final[tuple[Situation, ...]] = ("zone", "beyond", "far", "empty", "away")
ASKED: Final[tuple[Situation, ...]] = ("zone", "beyond")
"""Somebody stands before the door and looks at it: what is before the face counts. In all others nobody may pass."""
ZONE_M: Final = (0.3, 0.5)
"""Distances of a face from the camera at which a decision is asked for, the whole face being in the picture: people
step up to it as to an intercom. At the far end a head has 17 of the 32 rows that a network sees."""
BEYOND_M: Final = 0.8
FAR_M: Final = (1.0, 3.0)
"""Nobody who is so far away stands before the door."""
_TRAINED_ZONE_M: Final = (0.27, 0.55)
_HALF_HEAD_M: Final = 0.115
_CHIN_M: Final = 0.11
_CHEEK_M: Final = 0.075
"""The face is in the picture: so far below and beside the middle of the head it reaches."""
_LARGEST_YAW: Final = 0.5
_TRAINED_YAW: Final = 0.9
_TURNED_SHARE: Final = 0.25
"""Of those to train on, so many are turned aside by anything up to the largest angle, as photographs of folders are."""
_AWAY_YAW: Final = (1.1, np.pi)
_AWAY_COVERINGS: Final[tuple[Covering, ...]] = ("none", "mask", "mask", "below_nose", "on_chin")
"""What those wear who look elsewhere: masks above all, which must not open the door."""
_WHOLE_PX: Final = 110.0
"""Half the height, in pixels, said of a face where none is asked about: cuts around it are all but the frame."""
_SPEED_PX_S: Final = (60.0, 20.0)
_SETTLING_FRAMES: Final = 8
_METERED_PX: Final = 4
"""Exposure settles on every so manieth row and column: mean levels of a frame need no more."""
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

    def camera(self, side_px: int = SIDE_PX) -> ImageSensor:
        """Return the unit, to take pictures of so many rows and columns with."""
        return ImageSensor(
            self.sheet, side_px=side_px, seed=self.seed, crosstalk=self.crosstalk, defocus_px=self.defocus_px
        )


@dataclass(frozen=True)
class Place:
    """A camera beside a door.

    Attributes:
        lights: How often each kind of light is met.
        backdrops: What is seen behind people.
        elevation: How far the camera looks down on faces, in radian; below 0 it looks up.
        roll: How far it hangs askew, in radian.
        nearest_m: Faces in the zone come so near.
        farthest_m: And are looked at from so far.
        largest_yaw: How far they turn aside, in radian.
        unit: The camera.
    """

    lights: Mapping[LightKind, float]
    backdrops: tuple[BackdropKind, ...]
    elevation: float
    roll: float
    nearest_m: float
    farthest_m: float
    largest_yaw: float
    unit: CameraUnit


@dataclass(frozen=True)
class Shot:
    """A frame with what it shows.

    Attributes:
        frame: (200, 200) RGB565.
        situation: Who is there.
        covering: What is before the face in front; "none" where nobody is.
        distance_m: How far that face is; nan where nobody is.
        face_px: Column and row of its middle, and half its height, in pixels; of the whole picture where nobody is
            asked about.
    """

    frame: NDArray[np.uint16]
    situation: Situation
    covering: Covering
    distance_m: float
    face_px: tuple[float, float, float]

    @property
    def is_masked(self) -> bool:
        """Whether somebody stands before the door with a mask worn over mouth and nose."""
        return self.covering == "mask" and self.situation in ASKED


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
        nearest_m=_TRAINED_ZONE_M[0],
        farthest_m=_TRAINED_ZONE_M[1],
        largest_yaw=_TRAINED_YAW,
        unit=_unit(rng, sheet, (0.0, _TRAINED_SHARE)),
    )


def held_out_place(rng: np.random.Generator, sheet: CameraSheet, *, is_worst: bool = False) -> Place:
    """Return a place to test at, with light, walls and heights that are in no place to train on.

    Args:
        rng: What it is drawn with.
        sheet: The camera's datasheet.
        is_worst: Whether all of what units differ by lies beyond what networks were trained with, at the worse end,
            at once; without it the unit is any one.
    """
    return Place(
        lights=_HELD_OUT_LIGHTS,
        backdrops=_HELD_OUT_BACKDROPS,
        elevation=float(rng.choice([-1, 1]) * rng.uniform(0.15, 0.2)),
        roll=float(rng.choice([-1, 1]) * rng.uniform(0.03, 0.06)),
        nearest_m=ZONE_M[0],
        farthest_m=ZONE_M[1],
        largest_yaw=_LARGEST_YAW,
        unit=_unit(rng, sheet, (_TRAINED_SHARE if is_worst else 0.0, 1.0)),
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


def take_shot(
    camera: ImageSensor, place: Place, rng: np.random.Generator, covering: Covering, situation: Situation = "zone"
) -> Shot:
    """Return a frame of somebody with this before the face, exposure all but settled, in slight motion.

    Args:
        camera: `place.unit.camera()`.
        place: Where.
        rng: What people, light and motion are drawn with.
        covering: What is before the face, if somebody is asked about; somebody who looks elsewhere wears another thing.
        situation: Who is there.
    """
    covering = _worn(rng, covering, situation)
    light = draw_light(rng, place.lights)
    backdrop = draw_backdrop(rng, SIDE_PX, SIDE_PX, place.backdrops)
    if situation == "empty":
        strew_things(rng, backdrop)
        frame = _frame(camera, place, rng, camera.lens(paint_scene(backdrop, light)))
        return Shot(frame, situation, covering, float("nan"), _whole_picture())
    stance = draw_stance_of(rng, place, situation)
    frame = _frame(camera, place, rng, camera.lens(paint_portrait(rng, covering, light, backdrop, stance).radiance))
    face_px = _whole_picture() if situation == "far" else _face_px(stance)
    return Shot(frame, situation, covering, float(stance.place_m[2]), face_px)


def draw_stance_of(rng: np.random.Generator, place: Place, situation: Situation) -> Stance:
    """Return where somebody is and looks in any situation but an empty one."""
    if situation == "far":
        return _far_stance(rng, place)
    if situation == "away":
        stance = draw_zone_stance(rng, place)
        return replace(stance, yaw=float(rng.choice([-1, 1]) * rng.uniform(*_AWAY_YAW)))
    if situation == "beyond":
        return draw_zone_stance(rng, replace(place, nearest_m=place.farthest_m, farthest_m=BEYOND_M))
    return draw_zone_stance(rng, place)


def draw_zone_stance(rng: np.random.Generator, place: Place) -> Stance:
    """Return a head that looks more or less at the camera, its face in the picture."""
    distance_m = _between(rng, place.nearest_m, place.farthest_m)
    half_m = 0.5 * SIDE_PX / FOCAL_PX * distance_m
    side_m, low_m = min(0.65 * half_m, half_m - _CHEEK_M), min(0.6 * half_m, half_m - _CHIN_M)
    x_m = float(np.clip(rng.normal(0.0, 0.3) * half_m, -side_m, side_m))
    y_m = float(np.clip(rng.normal(0.05, 0.25) * half_m, -0.5 * half_m, low_m))
    pitch, roll = rng.normal(0.0, (0.1, 0.1))
    return Stance(
        np.array([x_m, y_m, distance_m]), _yaw(rng, place), float(pitch + place.elevation), float(roll + place.roll)
    )


def _yaw(rng: np.random.Generator, place: Place) -> float:
    if place.largest_yaw > _LARGEST_YAW and rng.random() < _TURNED_SHARE:
        return float(rng.uniform(-place.largest_yaw, place.largest_yaw))
    return float(np.clip(rng.normal(0.0, 0.25), -_LARGEST_YAW, _LARGEST_YAW))


def _far_stance(rng: np.random.Generator, place: Place) -> Stance:
    """Return somebody far away, anywhere in the picture."""
    distance_m = _between(rng, *FAR_M)
    half_m = 0.5 * SIDE_PX / FOCAL_PX * distance_m
    x_m, y_m = rng.uniform((-0.9, -0.6), (0.9, 0.5)) * half_m
    yaw, pitch = rng.normal(0.0, (0.4, 0.1))
    return Stance(np.array([x_m, y_m, distance_m]), float(yaw), float(pitch + place.elevation), place.roll)


def _frame(
    camera: ImageSensor, place: Place, rng: np.random.Generator, seen: NDArray[np.float32]
) -> NDArray[np.uint16]:
    """Return the frame (rows, columns) that a camera takes of a picture on its sensor."""
    meter, metered = place.unit.camera(SIDE_PX // _METERED_PX), np.ascontiguousarray(seen[::_METERED_PX, ::_METERED_PX])

    def raw(exposure: Exposure) -> NDArray[np.uint16]:
        return meter.raw(metered, exposure)

    exposure = settled_exposure(camera.sheet, raw, _SETTLING_FRAMES)
    speed_px_s = (float(rng.normal(0, _SPEED_PX_S[0])), float(rng.normal(0, _SPEED_PX_S[1])))
    moved = camera.rolling(seen, speed_px_s, exposure.time_s)
    return rgb565(camera.process(camera.raw(moved, exposure), exposure))


def _worn(rng: np.random.Generator, covering: Covering, situation: Situation) -> Covering:
    if situation == "empty":
        return "none"
    return _AWAY_COVERINGS[int(rng.integers(len(_AWAY_COVERINGS)))] if situation == "away" else covering


def _face_px(stance: Stance) -> tuple[float, float, float]:
    x_m, y_m, distance_m = (float(value) for value in stance.place_m)
    scale, middle = FOCAL_PX / distance_m, (SIDE_PX - 1) / 2
    return middle + scale * x_m, middle + scale * y_m, scale * _HALF_HEAD_M


def _whole_picture() -> tuple[float, float, float]:
    return (SIDE_PX - 1) / 2, (SIDE_PX - 1) / 2, _WHOLE_PX


def _between(rng: np.random.Generator, near_m: float, far_m: float) -> float:
    """Return a distance, nearer ones more often, as sizes in the picture go."""
    return float(np.exp(rng.uniform(np.log(near_m), np.log(far_m))))
