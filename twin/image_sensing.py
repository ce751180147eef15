"""Simulates what the camera before a guarded door sees, frame by frame, with what is true of each.

The camera has run for a while when time begins: exposure and white balance have settled on the empty scene. Then they
take one step at each frame that is asked for, fewer than a camera at its full rate has.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from datasheet.bad_input import BadInputError
from scenarios.guarded_door import NOBODY, GuardedDoor
from sensors.camera.door_view import DoorView
from sensors.camera.place import draw_place
from twin.door.world import PLACE_STREAM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from scenarios.guarded_door import GuardedDoorScenario
    from sensors.camera.camera_sheet import CameraSheet
    from sensors.camera.face_images import FaceImages
    from sensors.camera.place import Place

DoorRule = Literal["truth", "closed"]
DOOR_RULES: Final[tuple[DoorRule, ...]] = ("truth", "closed")
"""What moves the door: the first in the queue wears a mask worn correctly, or nothing does."""
RATE_HZ: Final = 10.0
"""Frames in a second unless said otherwise: neighbours at the camera's full rate are all but the same picture."""
_SETTLING_FRAMES: Final = 24


@dataclass(frozen=True)
class DoorSensing:
    """What is to be simulated.

    Attributes:
        scenario: Who comes to the door.
        sheet: The camera.
        seconds: For how long.
        rate_hz: Frames in a second.
        seed: Everything random follows from it: the place, the people and what they look like.
        rule: What moves the door.
        faces: Images to show instead of drawn people.
    """

    scenario: GuardedDoorScenario
    sheet: CameraSheet
    seconds: float
    rate_hz: float
    seed: int
    rule: DoorRule
    faces: FaceImages | None = None

    @property
    def frames(self) -> int:
        """How many frames there will be."""
        return max(round(self.seconds * self.rate_hz), 1)


@dataclass
class DoorLabels:
    """What is true of each frame, in lists that grow with them.

    Attributes:
        time_s: When.
        first: Who stands first before the door, by number; -1: nobody has reached it.
        masked: Whether the first wears a mask correctly.
        wearing: What the first wears before the face; empty where nobody is.
        in_sight: People in sight.
        openness: How far open the door is, 0 to 1.
    """

    time_s: list[float] = field(default_factory=list)
    first: list[int] = field(default_factory=list)
    masked: list[bool] = field(default_factory=list)
    wearing: list[str] = field(default_factory=list)
    in_sight: list[int] = field(default_factory=list)
    openness: list[float] = field(default_factory=list)

    def note(self, door: GuardedDoor) -> None:
        """Note what is true now."""
        first = door.first()
        self.time_s.append(door.now_s)
        self.first.append(NOBODY if first is None else first.number)
        self.masked.append(first is not None and first.wearing == "mask")
        self.wearing.append("" if first is None else first.wearing)
        self.in_sight.append(len(door.in_sight()))
        self.openness.append(door.openness())

    def columns(self) -> dict[str, list[Any]]:
        """Return the arrays by name, which still grow."""
        return dict(vars(self))


def require_rate(wanted: DoorSensing) -> None:
    """Refuse more frames in a second than the camera takes.

    Raises:
        BadInputError: It takes fewer.
    """
    highest_hz = wanted.sheet.frame_rate_hz.value
    if not 0 < wanted.rate_hz <= highest_hz:
        raise BadInputError("--fps", "", wanted.rate_hz, f"the camera takes up to {highest_hz:g} frames a second")


def door_frames(wanted: DoorSensing, labels: DoorLabels, *, begin_s: float = 0.0) -> Iterator[NDArray[np.uint16]]:
    """Give frames one after the other, (200, 200) RGB565, and note what is true of them.

    Args:
        wanted: What is simulated; `frames` of them come.
        labels: Where it is noted.
        begin_s: When the first is taken.
    """
    door = GuardedDoor(wanted.scenario, wanted.seed)
    view = DoorView(door, place_of(wanted), wanted.seed, wanted.faces)
    for _ in range(_SETTLING_FRAMES):
        view.frame()
    _play(door, wanted, begin_s)
    for number in range(wanted.frames):
        door.run_until(begin_s + number / wanted.rate_hz)
        move_door(door, wanted.rule)
        labels.note(door)
        yield view.frame()


def place_of(wanted: DoorSensing) -> Place:
    """Return where the camera hangs, which follows from the seed."""
    return draw_place(np.random.default_rng([wanted.seed, PLACE_STREAM]), wanted.sheet)


def move_door(door: GuardedDoor, rule: DoorRule) -> None:
    """Let the door know what it is to do now."""
    first = door.first()
    door.pin(high=rule == "truth" and first is not None and first.wearing == "mask")


def _play(door: GuardedDoor, wanted: DoorSensing, until_s: float) -> None:
    """Let people come and go unseen."""
    for number in range(int(until_s * wanted.rate_hz)):
        door.run_until(number / wanted.rate_hz)
        move_door(door, wanted.rule)


def crowded_s(wanted: DoorSensing, *, people: int = 2, within_s: float = 1800.0) -> float:
    """Return when so many people are in sight for the first time, while somebody stands first; else 0.

    Args:
        wanted: What is simulated.
        people: How many.
        within_s: It is looked for so long.
    """
    door = GuardedDoor(wanted.scenario, wanted.seed)
    for number in range(int(within_s * wanted.rate_hz)):
        door.run_until(number / wanted.rate_hz)
        move_door(door, wanted.rule)
        if len(door.in_sight()) >= people and door.first() is not None:
            return door.now_s
    return 0.0
