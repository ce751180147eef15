"""What a scenario file says: the room, its doors, where people linger, who they are, when they come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from datasheet.config import Config, find_in_library, read_config

if TYPE_CHECKING:
    from pathlib import Path

BODY_CLEARANCE_M = 0.3
"""Nobody's axis comes nearer to a wall: half of a broad pair of shoulders, rounded up."""

TRUNCATION_SD = 2.5
"""Bodies and speeds are normal draws within so many standard deviations."""

SHORTEST_STATURE_M = 0.4
"""No population may reach below: shorter than any newborn."""

Positive = Annotated[float, Field(gt=0)]
SizeM = Annotated[float, Field(ge=2 * BODY_CLEARANCE_M, le=100)]
# The clothing's heat balance holds for air of 10 to 30 degC and 0 to 2 clo (ISO 7730:2005, scope).
AirDegc = Annotated[float, Field(ge=10, le=30)]
Clo = Annotated[float, Field(ge=0, le=2)]
# Heated floors and cold outer walls; the sensor reads up to 80 degC.
SurfaceDegc = Annotated[float, Field(ge=-10, le=50)]
BodyDegc = Annotated[float, Field(ge=15, le=45)]
Ratio = Annotated[float, Field(ge=0, le=1)]
Wall = Literal["north", "south", "east", "west"]


class Room(Config):
    """A rectangular room with its south-west corner at the origin; x goes east, y goes north, z up."""

    size_x_m: SizeM
    size_y_m: SizeM
    ceiling_height_m: Annotated[float, Field(gt=0.5, le=20)]
    air_degc: AirDegc
    floor_degc: SurfaceDegc
    wall_degc: SurfaceDegc


class Door(Config):
    """An opening in a wall; `centre_m` runs along the wall from its west or south end."""

    wall: Wall
    centre_m: Positive
    width_m: Annotated[float, Field(ge=2 * BODY_CLEARANCE_M)]


class Place(Config):
    """Where one person at a time may linger; `weight` is relative to the other places."""

    x_m: float
    y_m: float
    weight: Annotated[float, Field(gt=0, le=1e6)]


class Arrivals(Config):
    """Who comes when.

    After each arrival, with probability `accompanied_ratio`, somebody of the same group follows two seconds
    behind; otherwise the next group begins after an exponential time with the mean 3600 s / `rate_per_hour`. So
    `rate_per_hour` is the rate at which groups come while none is arriving: with ratio p, groups hold
    1 / (1 - p) people on average and begin every 3600 s / `rate_per_hour` + 2 s * p / (1 - p). Who finds
    `capacity` people in the room, or waiting at its doors, goes away.
    Each stay at a place is lognormal with median `linger_median_s` and log-scale `linger_spread`; the number of
    places visited is one plus a geometric number, `visits_mean` on average.
    """

    rate_per_hour: Annotated[float, Field(ge=0, le=10_000)]
    accompanied_ratio: Annotated[float, Field(ge=0, lt=1)]
    capacity: Annotated[int, Field(ge=1, le=20)]
    linger_median_s: Annotated[float, Field(gt=0, le=86_400)]
    linger_spread: Annotated[float, Field(ge=0, le=3)]
    visits_mean: Annotated[float, Field(ge=1, le=20)]


class Population(Config):
    """How people differ. A hair ratio of 0 is hair as warm as the air, of 1 as warm as the skin."""

    stature_mean_m: Annotated[float, Field(ge=0.5, le=2.5)]
    stature_sd_m: Annotated[float, Field(ge=0, le=0.3)]
    walking_speed_mean_mps: Annotated[float, Field(gt=0, le=3)]
    walking_speed_sd_mps: Annotated[float, Field(ge=0, le=1)]
    clothing_low_clo: Clo
    clothing_high_clo: Clo
    skin_low_degc: BodyDegc
    skin_high_degc: BodyDegc
    hair_low_ratio: Ratio
    hair_high_ratio: Ratio

    @model_validator(mode="after")
    def _nobody_is_too_short(self) -> Self:
        largest_m = (self.stature_mean_m - SHORTEST_STATURE_M) / TRUNCATION_SD
        if self.stature_sd_m > largest_m:
            allowed = f"must not be above {largest_m:.3g}, so that nobody is shorter than {SHORTEST_STATURE_M:g} m"
            raise _fault("stature_sd_m", self.stature_sd_m, allowed)
        return self

    @model_validator(mode="after")
    def _ranges_are_in_order(self) -> Self:
        for name in ("clothing", "skin", "hair"):
            unit = {"clothing": "clo", "skin": "degc", "hair": "ratio"}[name]
            low, high = (getattr(self, f"{name}_{end}_{unit}") for end in ("low", "high"))
            if low > high:
                raise _fault(f"{name}_low_{unit}", low, f"must not be above {name}_high_{unit} ({high:g})")
        return self


class SensorMount(Config):
    """Where this installation hangs its sensor, looking straight down."""

    x_m: float
    y_m: float
    height_m: Annotated[float, Field(gt=0.5)]
    yaw_deg: Annotated[float, Field(ge=-360, le=360)]


class Scenario(Config):
    """A room and the people who use it."""

    name: Annotated[str, Field(min_length=1)]
    description: str
    room: Room
    doors: Annotated[tuple[Door, ...], Field(min_length=1)]
    places: Annotated[tuple[Place, ...], Field(min_length=1)]
    arrivals: Arrivals
    population: Population
    sensor_mount: SensorMount

    @model_validator(mode="after")
    def _everything_fits_into_the_room(self) -> Self:
        for index, door in enumerate(self.doors):
            _check_door(f"doors[{index}]", door, self.room)
        for index, place in enumerate(self.places):
            _check_point(f"places[{index}]", place, self.room, BODY_CLEARANCE_M)
        _check_mount(self.sensor_mount, self.room)
        if len(self.places) < self.arrivals.capacity:
            raise _fault("arrivals.capacity", self.arrivals.capacity, "must not exceed the number of places")
        return self


def load_scenario(name_or_path: str) -> Scenario:
    """Return the scenario that a library name or a path means.

    Raises:
        BadInputError: There is no such scenario, or it does not hold together.
    """
    return read_scenario(find_in_library(name_or_path, "scenarios.library", kind="scenario"))


def read_scenario(path: Path) -> Scenario:
    """Return the scenario at `path`.

    Raises:
        BadInputError: The file says something that cannot be.
    """
    return read_config(path, Scenario)


def wall_length_m(wall: Wall, room: Room) -> float:
    """Return how long a wall of `room` is."""
    return room.size_x_m if wall in {"north", "south"} else room.size_y_m


def _check_door(key: str, door: Door, room: Room) -> None:
    length_m, half_m = wall_length_m(door.wall, room), door.width_m / 2
    if door.centre_m - half_m < 0 or door.centre_m + half_m > length_m:
        raise _fault(f"{key}.centre_m", door.centre_m, f"the door must lie within its wall of {length_m:g} m")


def _check_point(key: str, point: Place | SensorMount, room: Room, clearance_m: float) -> None:
    for name, value, size_m in (("x_m", point.x_m, room.size_x_m), ("y_m", point.y_m, room.size_y_m)):
        if not clearance_m <= value <= size_m - clearance_m:
            limits = f"{clearance_m:g} to {size_m - clearance_m:g}"
            raise _fault(f"{key}.{name}", value, f"must be inside the room, {limits} m")


def _check_mount(mount: SensorMount, room: Room) -> None:
    _check_point("sensor_mount", mount, room, 0.0)
    if mount.height_m > room.ceiling_height_m:
        raise _fault(
            "sensor_mount.height_m",
            mount.height_m,
            f"must not be above the ceiling at {room.ceiling_height_m:g} m",
        )


def _fault(key: str, found: float, allowed: str) -> PydanticCustomError:
    return PydanticCustomError("does_not_fit", "{allowed}", {"subkey": key, "found": found, "allowed": allowed})
