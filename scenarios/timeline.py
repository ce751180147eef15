"""What happened in a room: who stood where, frame by frame. This is the ground truth of everything else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


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
    """

    stature_m: float
    shoulder_breadth_m: float
    shoulder_depth_m: float
    head_radius_m: float
    skin_degc: float
    hair_ratio: float
    clothing_clo: float


@dataclass(frozen=True)
class Event:
    """Somebody came through a door; `person_index` counts from 0 in the order of entry."""

    time_s: float
    kind: Literal["enter", "leave"]
    person_index: int


@dataclass(frozen=True)
class Timeline:
    """People over time, N frames of S slots; a person keeps one slot while in the room.

    Attributes:
        time_s: (N,) float64, i / frame rate.
        person_index: (N, S) int32, index into `persons`, -1 where the slot is empty.
        position_m: (N, S, 2) float64, x and y of the body's axis, nan where the slot is empty.
        heading_rad: (N, S) float64, where the body faces, counter-clockwise from east; nan when empty.
        speed_mps: (N, S) float64, nan when empty.
        persons: Everybody who was ever in the room.
        events: Entries and exits in order of time.
        air_degc: Temperature of the air.
        floor_degc: Temperature of the floor.
        wall_degc: Temperature of the walls.
        room_size_m: Extent of the room along x and y.
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
