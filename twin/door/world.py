"""The world before the camera: who is there, what the camera sees of them, and the pin that moves the door.

Frames are taken and the pin is moved in virtual time by whatever looks at the frames; the world goes on in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from scenarios.guarded_door import NOBODY, GuardedDoor
from sensors.camera.door_view import DoorView
from sensors.camera.place import draw_place

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenarios.guarded_door import GuardedDoorScenario, Wearing
    from sensors.camera.camera_sheet import CameraSheet
    from sensors.camera.face_images import FaceImages


PLACE_STREAM: Final = 2
"""Of a seed's streams of random numbers, the one that place, light and camera unit are drawn from."""


@dataclass(frozen=True)
class Sight:
    """Who was before the camera when a frame was taken.

    Attributes:
        time_s: When its readout began.
        first: Number of the nearest visitor; -1 for nobody.
        wearing: What is before their face.
        distance_m: How far they are from the camera.
        queue: How many are in sight.
        openness: How far open the door is, 0 to 1.
    """

    time_s: float
    first: int
    wearing: Wearing | None
    distance_m: float
    queue: int
    openness: float


@dataclass(frozen=True)
class Standing:
    """Somebody in sight: who, what is before the face, and how far from the camera."""

    visitor: int
    wearing: Wearing
    distance_m: float


@dataclass(frozen=True)
class PinMove:
    """The door's pin has risen or fallen."""

    time_s: float
    high: bool


class DoorWorld:
    """People before a camera that guards a door, frame by frame.

    The place, its light and the unit of the camera are drawn from the seed, as looks and noise are.

    Args:
        scenario: The door and its people.
        camera: Datasheet of the camera.
        seed: Everything random follows from it.
        faces: Images of the user's own for the people; None draws them.
        first_s: When the first visitor comes; None draws that like all others.

    Attributes:
        door: The people and the door.
        moves: What the pin did.
    """

    def __init__(
        self,
        scenario: GuardedDoorScenario,
        camera: CameraSheet,
        seed: int,
        faces: FaceImages | None = None,
        *,
        first_s: float | None = None,
    ) -> None:
        self.door = GuardedDoor(scenario, seed, first_s=first_s)
        self.moves: list[PinMove] = []
        place = draw_place(np.random.default_rng([seed, PLACE_STREAM]), camera)
        self._view = DoorView(self.door, place, seed, faces)

    @property
    def now_s(self) -> float:
        """Time of the world."""
        return self.door.now_s

    def run_until(self, time_s: float) -> None:
        """Let people go on to a moment."""
        self.door.run_until(time_s)

    def sight(self) -> Sight:
        """Return who is there now."""
        present, now_s = self.door.in_sight(), self.now_s
        if not present:
            return Sight(now_s, NOBODY, None, np.inf, 0, self.door.openness())
        nearest = present[-1]
        distance_m = nearest.distance_at(now_s)
        return Sight(now_s, nearest.number, nearest.wearing, distance_m, len(present), self.door.openness())

    @property
    def last_present_s(self) -> float:
        """When somebody was in sight last: now, if somebody is; minus infinity before anybody came."""
        if self.door.in_sight():
            return self.now_s
        left = (event.time_s for event in reversed(self.door.events) if event.kind in ("entered", "gave up"))
        return next(left, -np.inf)

    def queue(self) -> tuple[Standing, ...]:
        """Return everybody in sight now, the nearest first."""
        return tuple(
            Standing(visitor.number, visitor.wearing, visitor.distance_at(self.now_s))
            for visitor in reversed(self.door.in_sight())
        )

    def frame(self, time_s: float) -> NDArray[np.uint16]:
        """Return the frame whose readout begins then, (200, 200) RGB565."""
        self.run_until(time_s)
        return self._view.frame()

    def pin(self, time_s: float, *, high: bool) -> None:
        """Move the door's pin at a moment."""
        self.run_until(time_s)
        self.moves.append(PinMove(time_s, high))
        self.door.pin(high=high)
