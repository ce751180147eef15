"""A plan as tables to be edited: corners, doors, walls, things and places; and the plan that edited tables make."""

from __future__ import annotations

import tempfile
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import shapely
import tomli_w

from datasheet.bad_input import BadInputError
from scenarios.room import Scenario, read_scenario
from twin.placement.plan import load_plan, scenario_toml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "LARGEST_UPLOAD_BYTES",
    "BadInputError",
    "Rows",
    "Scenario",
    "changed_plan",
    "plan_of_toml",
    "plan_of_upload",
    "plan_tables",
    "table_of",
]
"""Pages know no room but `twin`: they find here what a plan is, and what is said of a bad one."""

Rows = list[dict[str, Any]]

LARGEST_UPLOAD_BYTES = 5_000_000

_ROOM_KEYS = ("ceiling_height_m", "air_degc", "floor_degc", "wall_degc")
_COLUMNS = {
    "doors": ("name", "wall", "centre_m", "width_m", "kind"),
    "things": ("name", "kind", "x_m", "y_m", "size_x_m", "size_y_m", "bottom_m", "top_m", "surface_degc"),
    "places": ("x_m", "y_m", "posture", "heading_deg", "zone", "weight"),
}
_FILE_KEYS = {"doors": "doors", "things": "objects", "places": "places"}
_TABLE_OF = {
    "doors": "doors",
    "objects": "things",
    "places": "places",
    "walls": "walls",
    "arrivals": "places",
    "staff": "places",
    "meetings": "places",
}


def plan_tables(scenario: Scenario) -> dict[str, Rows]:
    """Return a plan as rows: "room" (one), "corners", "walls" (piece by piece), "doors", "things", "places".

    Rows of the last three carry in "number" which of the plan's they are; a new row has none.
    """
    room = scenario.room
    size_x_m, size_y_m = room.size_x_m, room.size_y_m
    corners_m = room.outline_m or ((0.0, 0.0), (size_x_m, 0.0), (size_x_m, size_y_m), (0.0, size_y_m))
    pieces = [piece for wall in scenario.walls for piece in pairwise(wall.points_m)]
    tables: dict[str, Rows] = {
        "room": [{key: getattr(room, key) for key in _ROOM_KEYS}],
        "corners": [{"x_m": float(x_m), "y_m": float(y_m)} for x_m, y_m in corners_m],
        "walls": [{"x1_m": a[0], "y1_m": a[1], "x2_m": b[0], "y2_m": b[1]} for a, b in pieces],
    }
    for table, held in (("doors", scenario.doors), ("things", scenario.objects), ("places", scenario.places)):
        columns = _COLUMNS[table]
        tables[table] = [
            {"number": number, **{column: getattr(one, column) for column in columns}}
            for number, one in enumerate(held)
        ]
    return tables


def changed_plan(scenario: Scenario, tables: Mapping[str, Rows]) -> Scenario:
    """Return the plan that edited tables make, through the same checks as a file.

    What no table shows (people, lifts, emissivities) stays. Where the plan's own place for a sensor lies outside
    afterwards it moves inside.

    Raises:
        BadInputError: Something in the tables cannot be; `table_of` says in which.
    """
    file: dict[str, Any] = tomllib.loads(scenario_toml(scenario).decode())
    rows = {name: [row for row in map(_cleaned, table) if _is_filled(row)] for name, table in tables.items()}
    for table, key in _FILE_KEYS.items():
        file[key] = _merged(file.get(key, []), rows[table], _COLUMNS[table])
    walls = _numbers("walls", rows["walls"], ("x1_m", "y1_m", "x2_m", "y2_m"))
    file["walls"] = [{"points_m": [[x1_m, y1_m], [x2_m, y2_m]]} for x1_m, y1_m, x2_m, y2_m in walls]
    file["room"] |= rows["room"][0]
    _set_outline(file["room"], _numbers("room.outline_m", rows["corners"], ("x_m", "y_m")))
    _move_inside(file)
    return plan_of_toml(tomli_w.dumps(file).encode())


def plan_of_toml(content: bytes) -> Scenario:
    """Return the plan of a scenario's TOML that lies in no folder, called "plan" in complaints.

    Raises:
        BadInputError: It cannot be used, or names a drawing beside it.
    """
    try:
        return plan_of_upload("plan.toml", content)
    except BadInputError as error:
        raise BadInputError("plan", error.key, error.value, error.allowed) from error


def plan_of_upload(name: str, content: bytes) -> Scenario:
    """Return the plan of a file of that name and content: a scenario's TOML or a DXF drawing.

    Raises:
        BadInputError: It is neither, too large, cannot be used, or names a drawing beside it.
    """
    ending = Path(name).suffix.lower()
    if ending not in {".toml", ".dxf"}:
        raise BadInputError(name, "", None, "must be a scenario (.toml) or a drawing (.dxf)")
    if len(content) > LARGEST_UPLOAD_BYTES:
        raise BadInputError(name, "", None, f"must not be larger than {LARGEST_UPLOAD_BYTES // 1_000_000} MB")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{_plain_stem(name)}{ending}"
        path.write_bytes(content)
        try:
            if ending == ".dxf":
                return load_plan(str(path))
            _refuse_drawings(path)
            return read_scenario(path)
        except BadInputError as error:
            raise BadInputError(name, error.key, error.value, error.allowed.replace(f"{folder}/", "")) from error


def table_of(error: BadInputError) -> str:
    """Return which table a complaint about a plan is about."""
    if error.key.startswith("room.outline_m") or error.key in {"room", "room.size_x_m", "room.size_y_m"}:
        return "corners"
    return _TABLE_OF.get(error.key.partition(".")[0].partition("[")[0], "room")


def _refuse_drawings(path: Path) -> None:
    """Refuse a scenario whose outline is in another file: only this one was sent."""
    try:
        room = tomllib.loads(path.read_text("utf-8")).get("room")
    except (ValueError, RecursionError):
        return  # which the reader of scenarios tells better
    if isinstance(room, dict) and "plan" in room:
        raise BadInputError(path, "room.plan", room["plan"], "cannot be found from here: upload the drawing itself")


def _plain_stem(name: str) -> str:
    letters = (letter if letter.isascii() and letter.isalnum() else "_" for letter in Path(name).stem.lower())
    return "".join(letters)[:60] or "plan"


def _cleaned(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a row is filled in."""
    return {key: value for key, value in row.items() if value is not None and value == value and value != ""}  # noqa: PLR0124


def _is_filled(row: Mapping[str, Any]) -> bool:
    return bool(row.keys() - {"number"})


def _merged(old: Sequence[dict[str, Any]], rows: Rows, columns: Sequence[str]) -> list[dict[str, Any]]:
    """Return rows as a file says them, with what they do not show of those they were made from."""
    merged = []
    for row in rows:
        number = int(row.get("number", -1))
        kept = old[number] if 0 <= number < len(old) else {}
        unseen = {key: value for key, value in kept.items() if key not in columns}
        merged.append(unseen | {column: row[column] for column in columns if column in row})
    return merged


def _numbers(key: str, rows: Rows, columns: Sequence[str]) -> list[list[float]]:
    """Return rows of numbers, none of which may be left out."""
    for index, row in enumerate(rows):
        for column in columns:
            if column not in row:
                raise BadInputError("plan", f"{key}[{index}]", None, f"{column} is required and missing")
    return [[float(row[column]) for column in columns] for row in rows]


def _set_outline(room: dict[str, Any], corners_m: list[list[float]]) -> None:
    """Say the outline as a size where it is a rectangle at the origin."""
    for key in ("size_x_m", "size_y_m", "outline_m"):
        room.pop(key, None)
    shape = _shape(corners_m)
    if shape is not None and len(corners_m) == 4 and shape.equals(shapely.box(0, 0, *shape.bounds[2:])):
        room["size_x_m"], room["size_y_m"] = shape.bounds[2:]
    else:
        room["outline_m"] = corners_m


def _shape(corners_m: list[list[float]]) -> shapely.Polygon | None:
    """Return the outline of corners, or None where they make none."""
    shape = shapely.Polygon(corners_m) if len(corners_m) >= 3 else None
    return shape if shape is not None and shape.is_valid and shape.area > 0 else None


def _move_inside(file: dict[str, Any]) -> None:
    """Hang the plan's own sensor within the outline and under the ceiling if it lies outside otherwise."""
    room, mount = file["room"], file["sensor_mount"]
    size_m = (room.get("size_x_m", 0.0), room.get("size_y_m", 0.0))
    shape = _shape(room["outline_m"]) if "outline_m" in room else shapely.box(0, 0, *size_m)
    if shape is not None and not shape.covers(shapely.Point(mount["x_m"], mount["y_m"])):
        middle = shape.representative_point()
        mount["x_m"], mount["y_m"] = round(middle.x, 2), round(middle.y, 2)
    mount["height_m"] = min(mount["height_m"], room["ceiling_height_m"])
