"""Plans as tables: what nobody edits stays as it is, and what cannot be is told of the right table."""

from __future__ import annotations

import copy
import tempfile
from typing import TYPE_CHECKING, Any

import pytest

from datasheet.bad_input import BadInputError
from scenarios.room import load_scenario
from twin.library import names
from twin.placement.plan import scenario_toml
from twin.placement.plan_tables import changed_plan, plan_of_toml, plan_of_upload, plan_tables, table_of

if TYPE_CHECKING:
    from collections.abc import Callable

    Rows = dict[str, list[dict[str, Any]]]


@pytest.mark.parametrize("name", names("scenarios"))
def test_tables_that_nobody_edited_make_the_same_plan(name: str) -> None:
    """Lifts, emissivities, meetings and staff survive the way through tables; so they do the way through TOML."""
    scenario = load_scenario(name)
    assert changed_plan(scenario, plan_tables(scenario)) == scenario
    assert plan_of_toml(scenario_toml(scenario)) == scenario


def test_an_edited_row_keeps_what_no_table_shows() -> None:
    """A lift's door that is moved stays a lift's, and a new door is an ordinary one."""
    scenario = load_scenario("lift_lobby")
    tables = copy.deepcopy(plan_tables(scenario))
    lift = next(index for index, door in enumerate(scenario.doors) if door.lift is not None)
    tables["doors"][lift]["centre_m"] += 0.1
    tables["doors"].append({"wall": "east", "centre_m": 2.0, "width_m": 0.9})
    changed = changed_plan(scenario, tables)
    assert changed.doors[lift].lift == scenario.doors[lift].lift
    assert changed.doors[lift].centre_m == pytest.approx(scenario.doors[lift].centre_m + 0.1)
    assert changed.doors[-1].lift is None


def test_a_larger_room_is_still_a_rectangle() -> None:
    """Corners that make a rectangle are said as a size; the plan's own sensor moves inside a smaller one."""
    scenario = load_scenario("office_doorway")
    tables = copy.deepcopy(plan_tables(scenario))
    for corner, (x_m, y_m) in zip(tables["corners"], ((0, 0), (3.6, 0), (3.6, 4.8), (0, 4.8)), strict=True):
        corner.update(x_m=x_m, y_m=y_m)
    tables["room"][0]["ceiling_height_m"] = 2.5
    changed = changed_plan(scenario, tables)
    assert (changed.room.size_x_m, changed.room.size_y_m, changed.room.outline_m) == (3.6, 4.8, ())
    assert changed.sensor_mount.height_m == 2.5


def edited(change: Callable[[Rows], object]) -> BadInputError:
    scenario = load_scenario("shop_entrance")
    tables = copy.deepcopy(plan_tables(scenario))
    change(tables)
    with pytest.raises(BadInputError) as caught:
        changed_plan(scenario, tables)
    return caught.value


@pytest.mark.parametrize(
    ("table", "said", "change"),
    [
        ("doors", "within its wall", lambda tables: tables["doors"][0].update(centre_m=40.0)),
        ("doors", "'north', 'south', 'east' or 'west'", lambda tables: tables["doors"][0].update(wall="up")),
        ("doors", "run along the whole door", lambda tables: tables["corners"].pop()),
        ("walls", "walls[0]; y1_m is required", lambda tables: tables["walls"].append({"x1_m": 1.0})),
        ("walls", "x2_m is required", lambda tables: tables["walls"].append(_half_a_wall())),
        ("things", "kind; is required", lambda tables: tables["things"].append({"name": "box", "x_m": 1.0})),
        ("things", "inside the room", lambda tables: tables["things"][0].update(x_m=99.0)),
        ("places", "nobody can stand", lambda tables: tables["places"][0].update(_on_a_shelf(tables))),
        ("room", "less than or equal to 30", lambda tables: tables["room"][0].update(air_degc=99.0)),
        ("corners", "greater than or equal to 0.6", lambda tables: tables["corners"].clear()),
    ],
)
def test_what_cannot_be_is_told_of_its_table(table: str, said: str, change: Callable[[Rows], object]) -> None:
    """One line names what is wrong, and which table holds it."""
    error = edited(change)
    assert table_of(error) == table
    assert said in str(error)
    assert str(error).startswith("plan: ")
    assert "\n" not in str(error)


def _half_a_wall() -> dict[str, float]:
    return {"x1_m": 1.0, "y1_m": 1.0, "x2_m": float("nan"), "y2_m": 3.0}


def _on_a_shelf(tables: Rows) -> dict[str, Any]:
    shelf = tables["things"][0]
    return {"x_m": shelf["x_m"], "y_m": shelf["y_m"]}


def test_crossing_corners_are_told_of_the_corners() -> None:
    """An outline that crosses itself is no room."""

    def cross(tables: Rows) -> None:
        tables["corners"][2], tables["corners"][3] = tables["corners"][3], tables["corners"][2]

    assert table_of(edited(cross)) == "corners"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("plan.exe", b"", "must be a scenario"),
        ("plan.toml", b"[room]\nplan = 'x.dxf'", "upload the drawing itself"),
        ("plan.toml", b"[" * 2000, "not valid TOML"),
        ("plan.toml", b"#" * 5_000_001, "5 MB"),
        ("plan.dxf", b"", "not a DXF"),
        ("plan.dxf", b"0\nSECTION\n2\nENTITIES\n0\nLINE\n", "plan.dxf"),
        ("../../plan.dxf", b"\x00" * 1000, "../../plan.dxf"),
    ],
)
def test_bad_uploads_are_one_line(name: str, content: bytes, said: str) -> None:
    """A file that is no plan is told in one line that names it as it was sent."""
    with pytest.raises(BadInputError) as caught:
        plan_of_upload(name, content)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert tempfile.gettempdir() not in str(caught.value)
