"""What happened in a room: who stood where, frame by frame. This is the ground truth of everything else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

STANDING, WALKING, SITTING = 0, 1, 2
"""Values of `Timeline.posture` in occupied slots."""

EMPTY = -1
"""Value of `Timeline.posture` and `Timeline.person_index` in empty slots."""

WALKS_ABOVE_MPS = 0.2
"""Who is faster walks, where a timeline does not state postures."""


@dataclass(frozen=True)
class Person:
    """One person's body, clothing and warmth.

    Attributes:
        stature_m: Height from floor to crown.
        shoulder_breadth_m: Width of the body across the shoulders.
        shoulder_depth_m: Depth of the body from chest to back.
        head_radius_m: Horizontal radius of the head with its hair.
        skin_degc: Temperature of the face.
        hair_ratio: Warmth of the hair's surface: 0 is the air's temperature, 1 the skin's.
        clothing_clo: Insulation of the clothing, 1 clo = 0.155 m2 K/W.
        activity_met: Metabolic rate, 1 met = 58.15 W/m2 of skin.
        cold_k: How much colder than in equilibrium the clothing's surface is on entering.
        has_hat: Whether a hat covers the hair.
    """

    stature_m: float
    shoulder_breadth_m: float
    shoulder_depth_m: float
    head_radius_m: float
    skin_degc: float
    hair_ratio: float
    clothing_clo: float
    activity_met: float = 1.5
    cold_k: float = 0.0
    has_hat: bool = False


@dataclass(frozen=True)
class RoomObject:
    """A thing in the room, as an upright box; it hides what is behind it.

    Attributes:
        name: What the scenario calls it.
        kind: What it is.
        x_m: Its middle along the room's x axis.
        y_m: Its middle along the room's y axis.
        size_x_m: Its extent along x.
        size_y_m: Its extent along y.
        bottom_m: Height of its underside above the floor.
        top_m: Height of its top above the floor.
        surface_degc: Temperature of its surface; None: that of the room.
        emissivity: Emissivity of its surface in the thermal infrared.
    """

    name: str
    kind: Literal["furniture", "radiator", "screen", "sun_patch", "cup"]
    x_m: float
    y_m: float
    size_x_m: float
    size_y_m: float
    bottom_m: float
    top_m: float
    surface_degc: float | None
    emissivity: float


@dataclass(frozen=True)
class Event:
    """Somebody came in or went out through a door.

    Attributes:
        time_s: When the person appeared in the doorway, or vanished from it.
        kind: The direction.
        person_index: Index into the timeline's persons, who count from 0 in the order of entry.
        door: Name of the door; empty in timelines that do not tell.
    """

    time_s: float
    kind: Literal["enter", "leave"]
    person_index: int
    door: str = ""


@dataclass(frozen=True)
class Timeline:
    """People over time, N frames of S slots; a person keeps one slot while in the room.

    Attributes:
        time_s: (N,) float64, i / frame rate.
        person_index: (N, S) int32, index into `persons`, -1 where the slot is empty.
        position_m: (N, S, 2) float64, x and y of the body's axis, nan where the slot is empty.
        heading_rad: (N, S) float64, where the body faces, counter-clockwise from east; nan when empty.
        speed_mps: (N, S) float64, nan when empty.
        persons: Everybody who has been in the room by the last frame, in the order of entry. In a chunk of a longer
            timeline these are also those of the chunks before, so that an index means the same person in all.
        events: Entries and exits in order of time; in a chunk, those after the previous chunk's last frame and up
            to its own last frame.
        air_degc: Temperature of the air.
        floor_degc: Temperature of the floor.
        wall_degc: Temperature of the walls.
        room_size_m: Extent along x and y of the room, or of the box around it when it is not rectangular.
        posture: (N, S) int8, -1 empty, 0 standing, 1 walking, 2 sitting; None: as the speed says, walking above
            `WALKS_ABOVE_MPS` and standing below.
        objects: What else is in the room.
        drift_k: (N,) float64, slow drift to be added to the temperatures of air, floor and walls; None: none.
        floor_gradient_k_per_m: How the floor's temperature rises along x and y from the middle of `room_size_m`.
        entered_s: (P,) float64, when each of `persons` came in, negative before the timeline began; None: unknown.
    """

    time_s: NDArray[np.float64]
    person_index: NDArray[np.int32]
    position_m: NDArray[np.float64]
    heading_rad: NDArray[np.float64]
    speed_mps: NDArray[np.float64]
    persons: tuple[Person, ...]
    events: tuple[Event, ...]
    air_degc: float
    floor_degc: float
    wall_degc: float
    room_size_m: tuple[float, float]
    posture: NDArray[np.int8] | None = None
    objects: tuple[RoomObject, ...] = ()
    drift_k: NDArray[np.float64] | None = None
    floor_gradient_k_per_m: tuple[float, float] = (0.0, 0.0)
    entered_s: NDArray[np.float64] | None = None

    @property
    def in_room(self) -> NDArray[np.int64]:
        """(N,) int64, how many people are in the room in each frame."""
        return np.asarray((self.person_index >= 0).sum(axis=1), dtype=np.int64)
