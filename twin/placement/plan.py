"""Plans to hang sensors in: scenarios, and drawings of which nothing is known but walls and doors."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
import tomli_w
from pydantic import ValidationError

from datasheet.bad_input import BadInputError
from datasheet.explain import explain
from scenarios.floor_plan import DOORS_LAYER, read_plan
from scenarios.geometry import walkable_floor
from scenarios.room import Room, Scenario, load_scenario

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scenarios.floor_plan import FloorPlan

CEILING_M = 2.7
"""Of a drawing whose ceiling nobody states; assumed: a usual office."""

MOST_PLACES = 60
"""Places to linger, spread over a drawing's floor."""

_PLACE_STEP_M = 1.2
_DOOR_WIDTH_M = 0.9
_ON_THE_SIDE_M = 0.1
_ALONG_SIDE = (0.5, 0.25, 0.75)
"""Where along a side a door is put that nobody has drawn; a wall may stand in the way of one."""
# Of a drawing alone: an office at rest, and its people; all assumed.
_TEMPERATURES = {"air_degc": 22.0, "floor_degc": 21.5, "wall_degc": 21.8}
_ARRIVALS = {
    "rate_per_hour": 120.0,
    "linger_median_s": 30.0,
    "linger_spread": 0.6,
    "visits_mean": 2.0,
    "accompanied_ratio": 0.2,
}
_POPULATION = {
    "stature_mean_m": 1.71,
    "stature_sd_m": 0.09,
    "walking_speed_mean_mps": 1.34,
    "walking_speed_sd_mps": 0.26,
    "clothing_low_clo": 0.5,
    "clothing_high_clo": 1.2,
    "skin_low_degc": 33.0,
    "skin_high_degc": 35.0,
    "hair_low_ratio": 0.1,
    "hair_high_ratio": 0.5,
}
_M2_PER_PERSON = 8.0
"""How many people a drawing's room holds at most: of the order of one to so much floor; assumed."""


def load_plan(name_or_path: str, *, ceiling_height_m: float | None = None) -> Scenario:
    """Return the plan that a name of the library, a scenario's TOML or a DXF drawing means.

    A drawing gets a usual office's temperatures, people, and places all over its floor; a door where the drawing has
    none. All of this is assumed: `scenario_toml` writes it down, to be changed.

    Args:
        name_or_path: The plan.
        ceiling_height_m: Of a drawing, `CEILING_M` by default; a scenario says its own.

    Raises:
        BadInputError: It is no plan, or a ceiling is stated twice.
    """
    if Path(name_or_path).suffix.lower() != ".dxf":
        scenario = load_scenario(name_or_path)
        if ceiling_height_m is not None:
            own_m = scenario.room.ceiling_height_m
            raise BadInputError("command line", "ceiling", ceiling_height_m, f"{name_or_path} says it: {own_m:g} m")
        return scenario
    path = Path(name_or_path)
    return _scenario_of(path, read_plan(path), CEILING_M if ceiling_height_m is None else ceiling_height_m)


def scenario_toml(scenario: Scenario) -> bytes:
    """Return a scenario as its file would say it, without what it leaves to its defaults."""
    table = scenario.model_dump(mode="json", exclude_defaults=True)
    if scenario.room.outline_m:
        for key in ("size_x_m", "size_y_m"):
            table["room"].pop(key)
    return tomli_w.dumps(_without_none(table)).encode()


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(child) for key, child in value.items() if child is not None}
    if isinstance(value, list):
        return [_without_none(child) for child in value]
    return value


def _scenario_of(path: Path, plan: FloorPlan, ceiling_m: float) -> Scenario:
    """Return the scenario that a drawing becomes."""
    size_x_m, size_y_m = (max(point[axis] for point in plan.outline_m) for axis in range(2))
    table: dict[str, Any] = {
        "name": _name_of(path),
        "description": f"{size_x_m:g} x {size_y_m:g} m as drawn in {path.name}; people and temperatures are assumed",
        "room": {
            "size_x_m": size_x_m,
            "size_y_m": size_y_m,
            "ceiling_height_m": ceiling_m,
            "outline_m": plan.outline_m,
            **_TEMPERATURES,
        },
        "doors": [_door(path, line, size_x_m, size_y_m) for line in plan.doors_m],
        "walls": [{"points_m": piece} for piece in plan.inner_walls_m],
        "population": _POPULATION,
        "arrivals": {**_ARRIVALS, "rate_per_hour": 0.0, "capacity": 1},
        "sensor_mount": {**_middle(plan), "height_m": ceiling_m, "yaw_deg": 0.0},
    }
    bare = _checked(path, table) if plan.doors_m else _with_a_door(path, plan, table)
    table["places"] = _places(bare)
    if table["places"]:
        capacity = max(1, min(round(bare_area_m2(bare) / _M2_PER_PERSON), len(table["places"])))
        table["arrivals"] = {**_ARRIVALS, "capacity": capacity}
    return _checked(path, table)


def _with_a_door(path: Path, plan: FloorPlan, table: dict[str, Any]) -> Scenario:
    """Put the first door into a table that no wall stands in the way of, and return its scenario."""
    size_x_m, size_y_m = table["room"]["size_x_m"], table["room"]["size_y_m"]
    openings = _openings(plan)
    if not openings:
        raise BadInputError(
            path, DOORS_LAYER, None, f"a wall of {_DOOR_WIDTH_M:g} m along x or y is needed for the door"
        )
    for opening in openings:
        table["doors"] = [_door(path, opening, size_x_m, size_y_m)]
        with suppress(BadInputError):
            return _checked(path, table)
    table["doors"] = [_door(path, openings[0], size_x_m, size_y_m)]
    return _checked(path, table)


def _checked(path: Path, table: dict[str, Any]) -> Scenario:
    try:
        return Scenario.model_validate_json(json.dumps(table), strict=True)
    except ValidationError as error:
        raise explain(path, error, Scenario) from error


def _name_of(path: Path) -> str:
    kept = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in path.stem.lower())
    return kept[:100] or "plan"


def bare_area_m2(scenario: Scenario) -> float:
    """Return the area on which the axes of bodies may be."""
    return float(walkable_floor(scenario).area)


def _middle(plan: FloorPlan) -> dict[str, float]:
    """Return a point well within the outline, as near to its middle as can be."""
    outline = shapely.Polygon(plan.outline_m)
    inside = outline.centroid if outline.contains(outline.centroid) else outline.representative_point()
    return {"x_m": round(inside.x, 2), "y_m": round(inside.y, 2)}


def _places(scenario: Scenario) -> list[dict[str, float]]:
    """Return places all over the floor that can be walked to from the first door, evenly spread."""
    room: Room = scenario.room
    door = shapely.Point(*_opening(scenario.doors[0], room))
    floor = min(shapely.get_parts(walkable_floor(scenario)), key=lambda part: float(part.distance(door))).buffer(-0.05)
    step_m = max(_PLACE_STEP_M, math.sqrt(room.size_x_m * room.size_y_m / MOST_PLACES))
    across = [np.arange(step_m / 2, size_m, step_m) for size_m in (room.size_x_m, room.size_y_m)]
    grid = np.stack(np.meshgrid(*across), axis=-1).reshape(-1, 2)
    doors = shapely.union_all([shapely.Point(*_opening(door, room)).buffer(0.8) for door in scenario.doors])
    free = shapely.contains_xy(shapely.difference(floor, doors), grid)
    return [{"x_m": round(float(x), 2), "y_m": round(float(y), 2)} for x, y in grid[free]]


def _opening(door: Any, room: Room) -> tuple[float, float]:
    across_m = {"south": 0.0, "west": 0.0, "north": room.size_y_m, "east": room.size_x_m}[door.wall]
    return (door.centre_m, across_m) if door.wall in {"north", "south"} else (across_m, door.centre_m)


def _openings(plan: FloorPlan) -> list[list[list[float]]]:
    """Return openings along the box around the room: in the middle of its longest side, then elsewhere in it."""
    size_m = np.max(plan.outline_m, axis=0)
    ends = list(zip(plan.outline_m, [*plan.outline_m[1:], plan.outline_m[0]], strict=True))
    sides = [(np.array(a), np.array(b)) for a, b in ends if _wall_of([a, b], *size_m) is not None]
    lengths_m = [float(np.linalg.norm(end - begin)) for begin, end in sides]
    found = []
    for index in np.argsort([-length_m for length_m in lengths_m], kind="stable"):
        (begin, end), length_m = sides[index], lengths_m[index]
        half = (end - begin) / length_m * _DOOR_WIDTH_M / 2
        middles = [
            begin + (end - begin) * share
            for share in _ALONG_SIDE
            if length_m * min(share, 1 - share) >= _DOOR_WIDTH_M / 2
        ]
        found += [[list(middle - half), list(middle + half)] for middle in middles]
    return found


def _door(path: Path, line: Sequence[Sequence[float]], size_x_m: float, size_y_m: float) -> dict[str, Any]:
    wall = _wall_of(line, size_x_m, size_y_m)
    if wall is None:
        at = ", ".join(f"({x:g}, {y:g})" for x, y in line)
        raise BadInputError(path, DOORS_LAYER, at, "a door must lie in an outermost wall along x or y")
    axis = 0 if wall in {"north", "south"} else 1
    low, high = sorted(point[axis] for point in line)
    return {"wall": wall, "centre_m": round((low + high) / 2, 3), "width_m": round(high - low, 3)}


def _wall_of(line: Sequence[Sequence[float]], size_x_m: float, size_y_m: float) -> str | None:
    """Return the side of the box around the room along which a line runs."""
    sides = {"south": (1, 0.0), "north": (1, size_y_m), "west": (0, 0.0), "east": (0, size_x_m)}
    for wall, (axis, value_m) in sides.items():
        if all(abs(point[axis] - value_m) <= _ON_THE_SIDE_M for point in line):
            return wall
    return None
