"""What a scenario file says: the room, its doors, what stands in it, where people linger, who and when they come."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

from datasheet.bad_input import BadInputError
from datasheet.config import Config, find_in_library
from datasheet.explain import explain
from datasheet.toml_file import read_toml
from scenarios.engines import check_installed
from scenarios.timeline import RoomObject
from scenarios.visitors import (
    TRUNCATION_SD,
    Arrivals,
    Hour,
    Meeting,
    Population,
    Staff,
    fault,
)

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "BODY_CLEARANCE_M",
    "TRUNCATION_SD",
    "Arrivals",
    "CrowdModel",
    "Door",
    "InnerWall",
    "Lift",
    "Meeting",
    "Place",
    "Population",
    "Room",
    "Scenario",
    "SensorMount",
    "Staff",
    "Thing",
    "Wall",
    "load_scenario",
    "read_scenario",
    "wall_length_m",
]

BODY_CLEARANCE_M = 0.3
"""Nobody's axis comes nearer to a wall: half of a broad pair of shoulders, rounded up."""

OVERHEAD_M = 2.0
"""People pass below furniture whose underside is higher."""

_NAME = re.compile(r"[a-z0-9_-]{1,100}")

Positive = Annotated[float, Field(gt=0)]
SizeM = Annotated[float, Field(ge=2 * BODY_CLEARANCE_M, le=100)]
CoordinateM = Annotated[float, Field(ge=0, le=100)]
# The clothing's heat balance holds for air of 10 to 30 degC and 0 to 2 clo (ISO 7730:2005, scope).
AirDegc = Annotated[float, Field(ge=10, le=30)]
# Heated floors and cold outer walls; the sensor reads up to 80 degC.
SurfaceDegc = Annotated[float, Field(ge=-10, le=50)]
Wall = Literal["north", "south", "east", "west"]


class Room(Config):
    """A room with its south-west corner at the origin; x goes east, y goes north, z up.

    It is a rectangle unless `outline_m` gives its corners, in order; `size_x_m` and `size_y_m` are then those of
    the box around it, and may be left out. `plan` names a DXF drawing beside the scenario's file that gives the
    outline. The temperatures of air, floor and walls rise and fall together by `drift_amplitude_k` over
    `drift_period_s`; that of the floor rises along x and y by `floor_gradient_k_per_m`. `outdoor_degc` is how warm
    it is where people come from; as warm as the room when left out.
    """

    size_x_m: SizeM
    size_y_m: SizeM
    ceiling_height_m: Annotated[float, Field(gt=0.5, le=20)]
    air_degc: AirDegc
    floor_degc: SurfaceDegc
    wall_degc: SurfaceDegc
    outline_m: Annotated[tuple[tuple[CoordinateM, CoordinateM], ...], Field(max_length=2000)] = ()
    plan: str = ""
    drift_amplitude_k: Annotated[float, Field(ge=0, le=10)] = 0.0
    drift_period_s: Annotated[float, Field(ge=10, le=1e6)] = 3600.0
    floor_gradient_k_per_m: tuple[Annotated[float, Field(ge=-5, le=5)], Annotated[float, Field(ge=-5, le=5)]] = (
        0.0,
        0.0,
    )
    outdoor_degc: Annotated[float, Field(ge=-40, le=50)] | None = None

    @model_validator(mode="after")
    def _the_outline_fits(self) -> Self:
        if not self.outline_m:
            return self
        if len(self.outline_m) < 3:
            raise fault("outline_m", len(self.outline_m), "must have three corners at least")
        for axis, name in enumerate("xy"):
            low, high = (extreme(point[axis] for point in self.outline_m) for extreme in (min, max))
            size_m = getattr(self, f"size_{name}_m")
            if low != 0:
                raise fault("outline_m", low, f"the smallest {name} of the outline must be 0")
            if abs(high - size_m) > 1e-9:
                raise fault(f"size_{name}_m", size_m, f"must be that of the outline, {high:g} m, or be left out")
        return self


class Lift(Config):
    """A lift behind a door: a car comes after an exponential time, `interval_s` on average and 15 s at least.

    As many people as a Poisson number with mean `alighting_mean` get out of it, and up to `car_capacity` of those
    who wait for a lift get in.
    """

    interval_s: Annotated[float, Field(ge=15, le=86_400)]
    alighting_mean: Annotated[float, Field(ge=0, le=20)]
    car_capacity: Annotated[int, Field(ge=1, le=40)] = 8


class Door(Config):
    """An opening in a wall; `centre_m` runs along the wall from its west or south end.

    A "hinged" or "sliding" door takes `opening_s` to open when somebody comes, and stays open for `stays_open_s`
    after the last one. People go through one behind the other, in the order in which they came to it; through a
    door of `BOTH_WAYS_M` and more in both directions at once. `weight` is the share of those who come by it.
    """

    wall: Wall
    centre_m: Positive
    width_m: Annotated[float, Field(ge=2 * BODY_CLEARANCE_M)]
    name: str = ""
    kind: Literal["open", "hinged", "sliding"] = "open"
    opening_s: Annotated[float, Field(ge=0, le=60)] = 0.0
    stays_open_s: Annotated[float, Field(ge=0, le=600)] = 2.0
    direction: Literal["both", "in", "out"] = "both"
    weight: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    lift: Lift | None = None

    @model_validator(mode="after")
    def _openings_stand_open(self) -> Self:
        if self.kind == "open" and self.opening_s:
            raise fault("opening_s", self.opening_s, 'must be 0 for a door of the kind "open"')
        return self


class Place(Config):
    """Where one person at a time may linger; `weight` is relative to the other places.

    Visitors go to places without a zone; the staff's desks are of the zone "desk", and so on. `heading_deg` is where
    people face, counter-clockwise from east; left out, they look about.
    """

    x_m: float
    y_m: float
    weight: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    posture: Literal["standing", "sitting"] = "standing"
    heading_deg: Annotated[float, Field(ge=-360, le=360)] | None = None
    zone: str = ""


class InnerWall(Config):
    """A thin wall within the room, from point to point; people walk around it."""

    points_m: Annotated[tuple[tuple[CoordinateM, CoordinateM], ...], Field(min_length=2, max_length=2000)]


class Thing(Config):
    """A thing in the room, as an upright box; see `scenarios.timeline.RoomObject`."""

    name: Annotated[str, Field(min_length=1)]
    kind: Literal["furniture", "radiator", "screen", "sun_patch", "cup"]
    x_m: float
    y_m: float
    size_x_m: Annotated[float, Field(gt=0, le=100)]
    size_y_m: Annotated[float, Field(gt=0, le=100)]
    bottom_m: Annotated[float, Field(ge=0, le=20)] = 0.0
    top_m: Annotated[float, Field(gt=0, le=20)]
    surface_degc: Annotated[float, Field(ge=-20, le=150)] | None = None
    # Paint, wood, cloth, plastics, stone: 0.90 to 0.97 between 8 and 14 um.
    emissivity: Annotated[float, Field(gt=0, le=1)] = 0.94

    @model_validator(mode="after")
    def _it_has_a_height(self) -> Self:
        if self.top_m <= self.bottom_m:
            raise fault("top_m", self.top_m, f"must be above bottom_m ({self.bottom_m:g})")
        return self

    @property
    def is_in_the_way(self) -> bool:
        """Whether people walk around it."""
        return self.kind not in {"sun_patch", "cup"} and self.bottom_m < OVERHEAD_M

    def as_room_object(self) -> RoomObject:
        """Return it as timelines carry it."""
        return RoomObject(**self.model_dump())


class SensorMount(Config):
    """Where this installation hangs its sensor: `tilt_deg` 0 looks straight down, 90 horizontally towards the yaw."""

    x_m: float
    y_m: float
    height_m: Annotated[float, Field(gt=0.5)]
    yaw_deg: Annotated[float, Field(ge=-360, le=360)]
    tilt_deg: Annotated[float, Field(ge=0, le=90)] = 0.0


class CrowdModel(Config):
    """What moves people who walk; see `scenarios.engines`. "jupedsim" needs the extra `crowd`."""

    engine: Literal["built_in", "jupedsim"] = "built_in"


class Scenario(Config):
    """A room and the people who use it. At time 0 the clock on the wall shows `start_hour`.

    Files are named after a scenario: its `name` holds lower-case letters, digits, `_` and `-` only.
    """

    name: str
    description: str
    room: Room
    doors: Annotated[tuple[Door, ...], Field(min_length=1, max_length=20)]
    places: Annotated[tuple[Place, ...], Field(max_length=500)] = ()
    arrivals: Arrivals
    population: Population
    sensor_mount: SensorMount
    walls: Annotated[tuple[InnerWall, ...], Field(max_length=2000)] = ()
    objects: Annotated[tuple[Thing, ...], Field(max_length=500)] = ()
    staff: Staff | None = None
    meetings: Annotated[tuple[Meeting, ...], Field(max_length=100)] = ()
    start_hour: Hour = 0.0
    crowd: CrowdModel = CrowdModel()

    @field_validator("name")
    @classmethod
    def _the_name_is_no_path(cls, name: str) -> str:
        if not _NAME.fullmatch(name):
            allowed = "must be 1 to 100 lower-case letters, digits, '_' and '-'"
            raise PydanticCustomError("does_not_fit", "{allowed}", {"allowed": allowed})
        return name

    @model_validator(mode="after")
    def _everything_fits_into_the_room(self) -> Self:
        for index, door in enumerate(self.doors):
            _check_door(f"doors[{index}]", door, self.room)
        for index, place in enumerate(self.places):
            _check_point(f"places[{index}]", place, self.room, BODY_CLEARANCE_M)
        for index, thing in enumerate(self.objects):
            _check_point(f"objects[{index}]", thing, self.room, 0.0)
            if thing.top_m > self.room.ceiling_height_m:
                height_m = self.room.ceiling_height_m
                raise fault(f"objects[{index}].top_m", thing.top_m, f"must not be above the ceiling at {height_m:g} m")
        _check_point("sensor_mount", self.sensor_mount, self.room, 0.0)
        _check_mount_height(self.sensor_mount, self.room)
        return self

    @model_validator(mode="after")
    def _there_is_a_place_for_everybody(self) -> Self:
        arrivals = self.arrivals
        stays = arrivals.highest_rate_per_hour > 0 and not arrivals.passing_ratio
        if stays and len(self.places_of("")) < arrivals.capacity:
            raise fault("arrivals.capacity", arrivals.capacity, "must not exceed the number of places")
        if self.staff is not None and len(self.places_of("desk")) < self.staff.count:
            raise fault("staff.count", self.staff.count, 'must not exceed the number of places of the zone "desk"')
        for index, meeting in enumerate(self.meetings):
            if len(self.places_of(meeting.zone)) < meeting.attendees:
                allowed = f"must not exceed the number of places of the zone {meeting.zone!r}"
                raise fault(f"meetings[{index}].attendees", meeting.attendees, allowed)
        return self

    @model_validator(mode="after")
    def _doors_lead_in_and_out(self) -> Self:
        ordinary = [door for door in self.doors if door.lift is None]
        for way in ("in", "out"):
            if not any(door.direction in {"both", way} for door in ordinary):
                raise fault("doors[0].direction", self.doors[0].direction, f'one door, not a lift, must lead "{way}"')
        names = [door.name for door in self.doors if door.name]
        for index, door in enumerate(self.doors):
            if door.name and names.count(door.name) > 1:
                raise fault(f"doors[{index}].name", door.name, "must not be that of another door")
        return self

    @model_validator(mode="after")
    def _people_can_reach_everything(self) -> Self:
        from scenarios.geometry import find_fault  # noqa: PLC0415

        found = find_fault(self)
        if found is not None:
            raise fault(*found)
        return self

    def places_of(self, zone: str) -> list[int]:
        """Return the indices of the places of a zone."""
        return [index for index, place in enumerate(self.places) if place.zone == zone]

    def door_name(self, index: int) -> str:
        """Return the name of a door: its own, or else its wall and number."""
        return self.doors[index].name or f"{self.doors[index].wall}_{index + 1}"

    @property
    def slots(self) -> int:
        """How many people may be in the room at once."""
        guests = max((meeting.attendees for meeting in self.meetings), default=0)
        return self.arrivals.capacity + (self.staff.count if self.staff else 0) + guests


def load_scenario(name_or_path: str) -> Scenario:
    """Return the scenario that a library name or a path means.

    Raises:
        BadInputError: There is no such scenario, or it does not hold together.
    """
    return read_scenario(find_in_library(name_or_path, "scenarios.library", kind="scenario"))


def read_scenario(path: Path) -> Scenario:
    """Return the scenario at `path`, with the floor plan that it names.

    Raises:
        BadInputError: The file says something that cannot be.
    """
    table = read_toml(path)
    room = table.get("room")
    if isinstance(room, dict):
        if isinstance(room.get("plan"), str):
            _draw_plan(path, table, room)
        _measure_outline(room)
    try:
        scenario = Scenario.model_validate_json(json.dumps(table, default=str), strict=True)
    except ValidationError as error:
        raise explain(path, error, Scenario) from error
    check_installed(path, scenario)
    return scenario


def _draw_plan(path: Path, table: dict[str, object], room: dict[str, object]) -> None:
    """Put the outline and the inner walls of the drawing that a scenario names into its tables."""
    from scenarios.floor_plan import read_plan  # noqa: PLC0415

    for key in ("outline_m", "size_x_m", "size_y_m"):
        if key in room:
            raise BadInputError(path, f"room.{key}", room[key], "must be left out where a plan is given")
    plan = read_plan(path.parent / str(room["plan"]))
    room["outline_m"] = plan.outline_m
    own = table.get("walls", [])
    if isinstance(own, list):
        table["walls"] = [*own, *({"points_m": line} for line in plan.inner_walls_m)]


def _measure_outline(room: dict[str, object]) -> None:
    """Fill in the size of the box around an outline where it is left out."""
    outline_m = room.get("outline_m")
    if isinstance(outline_m, list) and all(_is_point(point) for point in outline_m):
        for axis, key in enumerate(("size_x_m", "size_y_m")):
            room.setdefault(key, max((point[axis] for point in outline_m), default=0.0))


def _is_point(given: object) -> bool:
    return isinstance(given, list) and len(given) == 2 and all(isinstance(value, int | float) for value in given)


def wall_length_m(wall: Wall, room: Room) -> float:
    """Return how long a wall of `room` is."""
    return room.size_x_m if wall in {"north", "south"} else room.size_y_m


def _check_door(key: str, door: Door, room: Room) -> None:
    length_m, half_m = wall_length_m(door.wall, room), door.width_m / 2
    if door.centre_m - half_m < 0 or door.centre_m + half_m > length_m:
        raise fault(f"{key}.centre_m", door.centre_m, f"the door must lie within its wall of {length_m:g} m")


def _check_point(key: str, point: Place | SensorMount | Thing, room: Room, clearance_m: float) -> None:
    for name, value, size_m in (("x_m", point.x_m, room.size_x_m), ("y_m", point.y_m, room.size_y_m)):
        if not clearance_m <= value <= size_m - clearance_m:
            limits = f"{clearance_m:g} to {size_m - clearance_m:g}"
            raise fault(f"{key}.{name}", value, f"must be inside the room, {limits} m")


def _check_mount_height(mount: SensorMount, room: Room) -> None:
    if mount.height_m > room.ceiling_height_m:
        raise fault(
            "sensor_mount.height_m",
            mount.height_m,
            f"must not be above the ceiling at {room.ceiling_height_m:g} m",
        )
