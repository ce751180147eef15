"""What the camera beside a guarded door sees, frame after frame: people come, stand, sway, look about and go."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from sensors.camera.auto_exposure import first_exposure, next_exposure
from sensors.camera.backdrop import draw_backdrop, paint_backdrop
from sensors.camera.canvas import NEAREST_M, Canvas
from sensors.camera.face_images import paint_face
from sensors.camera.image_sensor import rgb565
from sensors.camera.light import draw_light
from sensors.camera.look import draw_look
from sensors.camera.person import Stance, paint_person
from sensors.camera.portrait import FOCAL_PX, SIDE_PX

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenarios.guarded_door import GuardedDoor, Visitor
    from sensors.camera.face_images import Face, FaceImages
    from sensors.camera.look import Look
    from sensors.camera.place import Place

SWAY_M: Final = 0.008
"""How far a head sways while somebody stands (standing balance: 1 cm at the head), and bobs while walking, twice it."""
LOOKS_ABOUT: Final = 0.16
"""Turns of a head that waits, in radian."""
_STEPS_HZ: Final = 1.9
"""Steps of a walk at 1.2 to 1.4 m/s."""
_SIDEWAYS: Final = 0.12
"""Standard deviation of where people stand across the picture, as a share of its half width."""


@dataclass(frozen=True)
class _Manner:
    """How one visitor looks and moves: phases and rates that are theirs alone."""

    look: Look
    phases: NDArray[np.float64]
    rates_hz: NDArray[np.float64]
    taller_m: float
    yaw: float
    skin_seed: int


class DoorView:
    """The camera of a place before a guarded door.

    The same door, place and seed give the same frames, in whatever order visitors come.

    Args:
        door: The people.
        place: The camera, its light and what is behind people.
        seed: Of looks, light and noise.
        faces: Images to show instead of drawn people. A visitor is one of them; who puts the mask right becomes
            another.
    """

    def __init__(self, door: GuardedDoor, place: Place, seed: int, faces: FaceImages | None = None) -> None:
        rng = np.random.default_rng([seed, 0])
        self._door = door
        self._place = place
        self._seed = seed
        self._faces = faces
        self._camera = place.unit.camera()
        self._light = draw_light(rng, place.lights)
        self._backdrop = draw_backdrop(rng, SIDE_PX, SIDE_PX, place.backdrops)
        self._exposure = first_exposure(self._camera.sheet)
        self._manners: dict[int, _Manner] = {}
        self._before: dict[int, NDArray[np.float64]] = {}
        self._before_s = 0.0

    def frame(self) -> NDArray[np.uint16]:
        """Return the frame that is taken now, (200, 200) RGB565; exposure and balance go on from frame to frame."""
        now_s = self._door.now_s
        canvas = Canvas(SIDE_PX, SIDE_PX, FOCAL_PX)
        paint_backdrop(canvas, self._backdrop, self._light, (0.0, 0.0))
        places: dict[int, NDArray[np.float64]] = {}
        for visitor in self._door.in_sight():
            manner = self._manner(visitor)
            stance = self._stance(visitor, manner, now_s)
            self._paint(canvas, visitor, manner, stance)
            places[visitor.number] = stance.place_m
        camera, exposure = self._camera, self._exposure
        speed_px_s = self._speed_px_s(places, now_s)
        seen = camera.rolling(camera.lens(canvas.radiance()), speed_px_s, exposure.time_s)
        raw = camera.raw(seen, exposure)
        self._exposure = next_exposure(camera.sheet, raw, exposure)
        self._before, self._before_s = places, now_s
        return rgb565(camera.process(raw, exposure))

    def _paint(self, canvas: Canvas, visitor: Visitor, manner: _Manner, stance: Stance) -> None:
        if self._faces is not None:
            paint_face(canvas, self._face(visitor, self._faces), stance.place_m, self._light)
            return
        look = replace(manner.look, covering=visitor.wearing)
        paint_person(canvas, look, stance, self._light, np.random.default_rng(manner.skin_seed))

    def _face(self, visitor: Visitor, faces: FaceImages) -> Face:
        masked = visitor.wearing == "mask"
        return faces.any_face(np.random.default_rng([self._seed, 5, visitor.number, int(masked)]), masked=masked)

    def _manner(self, visitor: Visitor) -> _Manner:
        known = self._manners.get(visitor.number)
        if known is None:
            rng = np.random.default_rng([self._seed, 1, visitor.number])
            known = _Manner(
                look=draw_look(rng, visitor.wearing),
                phases=rng.uniform(0, 2 * np.pi, 6),
                rates_hz=rng.uniform(0.15, 0.6, 6),
                taller_m=float(rng.normal(0.0, 0.03)),
                yaw=float(rng.normal(0.0, 0.08)),
                skin_seed=int(rng.integers(2**31)),
            )
            self._manners[visitor.number] = known
        return known

    def _stance(self, visitor: Visitor, manner: _Manner, now_s: float) -> Stance:
        """Return where a visitor's head is: it comes straight at the camera and sways a little."""
        distance_m = max(visitor.distance_at(now_s), 2 * NEAREST_M)
        wave = np.sin(2 * np.pi * manner.rates_hz * now_s + manner.phases)
        half_m = 0.5 * SIDE_PX / FOCAL_PX * distance_m
        x_m = visitor.sideways * _SIDEWAYS * half_m + SWAY_M * wave[0]
        # The camera hangs at the height of a standing person's face and looks up or down as its place says.
        y_m = -manner.taller_m + SWAY_M * wave[1]
        if visitor.is_walking(now_s):
            y_m += 2 * SWAY_M * abs(np.sin(np.pi * _STEPS_HZ * now_s + manner.phases[2]))
        yaw = manner.yaw + LOOKS_ABOUT * wave[3]
        pitch = self._place.elevation + 0.5 * LOOKS_ABOUT * wave[4]
        roll = self._place.roll + 0.25 * LOOKS_ABOUT * wave[5]
        return Stance(np.array([x_m, y_m, distance_m]), float(yaw), float(pitch), float(roll))

    def _speed_px_s(self, places: dict[int, NDArray[np.float64]], now_s: float) -> tuple[float, float]:
        """Return how fast the nearest head moves in the picture; all of it is blurred alike."""
        if not places or now_s <= self._before_s:
            return 0.0, 0.0
        nearest = min(places, key=lambda number: places[number][2])
        if nearest not in self._before:
            return 0.0, 0.0
        moved = places[nearest][:2] / places[nearest][2] - self._before[nearest][:2] / self._before[nearest][2]
        speed = moved * FOCAL_PX / (now_s - self._before_s)
        return float(speed[0]), float(speed[1])
