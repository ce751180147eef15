"""Plans: scenarios, drawings, and sensors hung in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ezdxf
import numpy as np
import pytest

from datasheet.bad_input import BadInputError
from scenarios.room import load_scenario, read_scenario
from scenarios.simulation import simulate
from sensors.field_of_view import footprint_m, nominal_field_of_view
from sensors.mount import Mount
from twin.library import names
from twin.node import load_node
from twin.placement.footprints import pixel_outlines_m
from twin.placement.hanging import hung, load_hung_node, node_toml
from twin.placement.plan import load_plan, scenario_toml
from twin.placement.starts import regular_grid

if TYPE_CHECKING:
    from pathlib import Path

BOX_M = [(0.0, 0.0), (6.0, 0.0), (6.0, 8.0), (0.0, 8.0)]


def draw(path: Path, corners: list[tuple[float, float]] = BOX_M, *, units: int = 6, doors: bool = True) -> str:
    drawing = ezdxf.new(units=units)
    space = drawing.modelspace()
    space.add_lwpolyline(corners, close=True, dxfattribs={"layer": "WALLS"})
    if doors:
        space.add_line((1.0, 0.0), (2.0, 0.0), dxfattribs={"layer": "DOORS"})
    drawing.saveas(path)
    return str(path)


def test_a_drawing_becomes_a_plan_with_its_doors_and_assumed_people(tmp_path: Path) -> None:
    plan = load_plan(draw(tmp_path / "My office.dxf"), ceiling_height_m=3.1)
    assert (plan.name, plan.room.size_x_m, plan.room.ceiling_height_m) == ("my_office", 6.0, 3.1)
    assert (plan.doors[0].wall, plan.doors[0].centre_m, plan.doors[0].width_m) == ("south", 1.5, 1.0)
    assert plan.places
    assert "assumed" in plan.description
    assert simulate(plan, seconds=200, seed=1).in_room.max() > 0


def test_a_drawing_without_doors_gets_one(tmp_path: Path) -> None:
    plan = load_plan(draw(tmp_path / "a.dxf", doors=False))
    assert plan.doors[0].wall in {"west", "east"}
    assert plan.doors[0].centre_m == pytest.approx(4.0)


def _with_a_wall_across(path: Path, ends_m: list[tuple[float, float]]) -> str:
    drawing = ezdxf.readfile(draw(path, doors=False))
    for west_m, east_m in ends_m:
        drawing.modelspace().add_line((west_m, 4.0), (east_m, 4.0), dxfattribs={"layer": "WALLS"})
    drawing.saveas(path)
    return str(path)


def test_a_door_that_nobody_drew_is_put_where_no_wall_stands_in_its_way(tmp_path: Path) -> None:
    plan = load_plan(_with_a_wall_across(tmp_path / "a.dxf", [(0.0, 2.5), (3.5, 6.0)]))
    assert plan.doors[0].centre_m in {2.0, 6.0}
    assert {place.y_m < 4 for place in plan.places} == {True, False}


def test_where_a_wall_splits_the_room_people_stay_on_the_side_of_the_door(tmp_path: Path) -> None:
    plan = load_plan(_with_a_wall_across(tmp_path / "a.dxf", [(0.0, 6.0)]))
    assert {place.y_m < 4 for place in plan.places} == {plan.doors[0].centre_m < 4}
    assert simulate(plan, seconds=200, seed=1).in_room.max() > 0


@pytest.mark.parametrize("name", names("scenarios"))
def test_a_plan_written_down_is_the_same_plan(name: str, tmp_path: Path) -> None:
    plan = load_scenario(name)
    (tmp_path / "plan.toml").write_bytes(scenario_toml(plan))
    assert read_scenario(tmp_path / "plan.toml") == plan


@pytest.mark.parametrize(
    ("corners", "units", "said"),
    [
        ([(0, 0), (6, 0), (0, 8), (6, 8)], 6, "cross itself"),
        (BOX_M, 0, "INSUNITS"),
        (BOX_M, 7, "INSUNITS"),
        ([(0, 0), (10_000, 0), (10_000, 10_000), (0, 10_000)], 6, "100 m across"),
    ],
)
def test_a_drawing_that_is_no_plan_is_refused_in_one_line(
    corners: list[tuple[float, float]], units: int, said: str, tmp_path: Path
) -> None:
    with pytest.raises(BadInputError, match=said) as error:
        load_plan(draw(tmp_path / "a.dxf", corners, units=units))
    assert "\n" not in str(error.value)


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.dxf").write_bytes(b"0\n" * 5_000_001)
    with pytest.raises(BadInputError, match="larger than 8 MB"):
        load_plan(str(tmp_path / "a.dxf"))


def test_a_door_in_the_middle_of_a_room_is_refused(tmp_path: Path) -> None:
    path = draw(tmp_path / "a.dxf")
    drawing = ezdxf.readfile(path)
    drawing.modelspace().add_line((3.0, 3.0), (4.0, 3.0), dxfattribs={"layer": "DOORS"})
    drawing.saveas(path)
    with pytest.raises(BadInputError, match="outermost wall"):
        load_plan(path)


def test_a_scenario_says_its_own_ceiling() -> None:
    with pytest.raises(BadInputError, match="ceiling"):
        load_plan("office_doorway", ceiling_height_m=3.0)


def test_a_node_is_hung_where_the_command_line_says(tmp_path: Path) -> None:
    node = load_hung_node("ceiling_counter@1,2,2.5,90,10")
    assert node.mount_in(load_scenario("office_floor")) == Mount(1.0, 2.0, 2.5, 90.0, 10.0)
    moved = hung(node, Mount(1.5, 2.0, 2.6))
    (tmp_path / "own.toml").write_bytes(node_toml(moved))
    assert load_node(str(tmp_path / "own.toml")).config.mount == moved.config.mount
    assert load_hung_node("ceiling_counter").config.mount is None


@pytest.mark.parametrize(
    "text",
    ["ceiling_counter@1,2", "ceiling_counter@1,2,x", "ceiling_counter@1,2,nan", "ceiling_counter@1,2,3,4,5,6",
     "ceiling_counter@1,2,99", "ceiling_counter@1,2,2.5,0,120", "celing_counter@1,2,2.5"],
)  # fmt: skip
def test_a_place_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadInputError):
        load_hung_node(text)


def test_pixels_fill_the_field_of_view() -> None:
    sheet, mount = load_node("ceiling_counter").sensor, Mount(2.0, 2.0, 2.7, 30.0)
    pixels = pixel_outlines_m(mount, sheet, 0.0)
    assert pixels.shape == (64, 4, 2)
    corners = mount.to_sensor(footprint_m(mount, nominal_field_of_view(sheet), 0.0))
    across = mount.to_sensor(pixels[24:32].mean(axis=1))
    assert np.ptp(across[:, 0]) == pytest.approx(np.ptp(corners[:, 0]) * 7 / 8, rel=0.15)
    middle = pixels.mean(axis=1)
    top, bottom = mount.to_sensor(middle[3]), mount.to_sensor(middle[59])
    assert top[1] > 0 > bottom[1]
    assert pixel_outlines_m(mount, sheet, 3.0) == pytest.approx(np.broadcast_to([2.0, 2.0], (64, 4, 2)))


@pytest.mark.parametrize("number", [1, 2, 3, 4, 6])
def test_a_regular_grid_is_even(number: int) -> None:
    mounts = regular_grid(load_scenario("shop_entrance"), number, 3.0)
    assert len(mounts) == number
    assert np.mean([mount.x_m for mount in mounts]) == pytest.approx(4.0, abs=0.8)
    assert np.mean([mount.y_m for mount in mounts]) == pytest.approx(3.5, abs=0.8)
    assert len({(mount.x_m, mount.y_m) for mount in mounts}) == number
