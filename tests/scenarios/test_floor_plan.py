"""Rooms that are not rectangles: outlines in TOML, drawings in DXF, walls within."""

from __future__ import annotations

import re
from importlib import resources
from typing import TYPE_CHECKING

import ezdxf
import numpy as np
import pytest
import shapely

from datasheet.bad_input import BadInputError
from scenarios.floor_plan import read_plan
from scenarios.geometry import walkable_floor
from scenarios.room import read_scenario
from scenarios.simulation import simulate

if TYPE_CHECKING:
    from pathlib import Path

OFFICE = (resources.files("scenarios.library") / "office_doorway.toml").read_text()
SIZES = "size_x_m = 4.0\nsize_y_m = 5.0\n"
CORNERS_M = [(0.0, 0.0), (4.0, 0.0), (4.0, 5.0), (2.0, 5.0), (2.0, 8.0), (0.0, 8.0)]


def draw(path: Path, *, unit: int = 4, per_metre: float = 1000.0, layer: str = "walls", is_closed: bool = True) -> None:
    """Draw an L-shaped room, moved away from the origin, with a wall inside it."""
    drawing = ezdxf.new(units=unit)
    space = drawing.modelspace()
    corners = [((x_m + 10) * per_metre, (y_m - 3) * per_metre) for x_m, y_m in CORNERS_M]
    space.add_lwpolyline(corners[:5], dxfattribs={"layer": layer})
    space.add_line(corners[4], corners[5], dxfattribs={"layer": layer})
    if is_closed:
        space.add_line(corners[5], corners[0], dxfattribs={"layer": layer})
    wall = [(10 * per_metre, 3.5 * per_metre), (10.8 * per_metre, 3.5 * per_metre)]
    space.add_line(*wall, dxfattribs={"layer": layer})
    space.add_line((0, 0), (99, 99), dxfattribs={"layer": "FURNITURE"})
    drawing.saveas(path)


@pytest.mark.parametrize(("unit", "per_metre"), [(4, 1000.0), (6, 1.0), (1, 1 / 0.0254)])
def test_the_units_of_a_drawing_are_honoured(tmp_path: Path, unit: int, per_metre: float) -> None:
    draw(tmp_path / "plan.dxf", unit=unit, per_metre=per_metre)
    plan = read_plan(tmp_path / "plan.dxf")
    drawn = shapely.Polygon(plan.outline_m)
    assert drawn.symmetric_difference(shapely.Polygon(CORNERS_M)).area < 0.01
    assert shapely.LineString(plan.inner_walls_m[0]).length == pytest.approx(0.8, abs=0.01)
    assert np.min(plan.outline_m, axis=0).tolist() == [0.0, 0.0]


def test_people_walk_in_a_room_as_drawn(tmp_path: Path) -> None:
    draw(tmp_path / "plan.dxf")
    (tmp_path / "room.toml").write_text(OFFICE.replace(SIZES, 'plan = "plan.dxf"\n'))
    scenario = read_scenario(tmp_path / "room.toml")
    assert (scenario.room.size_x_m, scenario.room.size_y_m) == pytest.approx((4.0, 8.0))
    timeline = simulate(scenario, seconds=200, seed=1)
    assert timeline.room_size_m == pytest.approx((4.0, 8.0))
    inside = timeline.position_m[timeline.person_index >= 0]
    assert len(inside) > 500
    assert shapely.contains_xy(walkable_floor(scenario).buffer(1e-6), inside).all()


def test_people_find_their_way_around_a_corner(tmp_path: Path) -> None:
    """A place that cannot be seen from the door is reached all the same."""
    points = ", ".join(f"[{x_m}, {y_m}]" for x_m, y_m in [(0, 0), (4, 0), (4, 8), (2.5, 8), (2.5, 3), (0, 3)])
    text = OFFICE.replace(SIZES, f"outline_m = [{points}]\n")
    text = text[: text.index("[[places]]")] + "[[places]]\nx_m = 3.3\ny_m = 7.5\n\n" + text[text.index("[arrivals]") :]
    text = text.replace("centre_m = 2.0", "centre_m = 0.6").replace("capacity = 3", "capacity = 1")
    (tmp_path / "room.toml").write_text(text)
    scenario = read_scenario(tmp_path / "room.toml")
    timeline = simulate(scenario, seconds=200, seed=1)
    apart_m = np.hypot(timeline.position_m[:, 0, 0] - 3.3, timeline.position_m[:, 0, 1] - 7.5)
    assert (apart_m < 0.2).sum() > 100
    floor = walkable_floor(scenario).buffer(1e-6)
    assert shapely.contains_xy(floor, timeline.position_m[timeline.person_index >= 0]).all()


def l_shaped(x_m: float, y_m: float) -> str:
    """Return a room of 4 x 8 m of which the north-east quarter is not part, with a sensor at this point."""
    points = ", ".join(f"[{x_m}, {y_m}]" for x_m, y_m in CORNERS_M)
    text = OFFICE.replace(SIZES, f"outline_m = [{points}]\n")
    return re.sub(r"(\[sensor_mount\]\n)x_m = \S+\ny_m = \S+", rf"\1x_m = {x_m}\ny_m = {y_m}", text)


def test_a_sensor_outside_the_outline_is_refused(tmp_path: Path) -> None:
    """Also where it is inside the box around the room."""
    (tmp_path / "room.toml").write_text(l_shaped(3.0, 7.0))
    with pytest.raises(BadInputError, match="must be inside the outline") as caught:
        read_scenario(tmp_path / "room.toml")
    assert caught.value.key == "sensor_mount.x_m"
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("x_m", "y_m"), [(1.0, 7.0), (2.0, 7.0), (4.0, 5.0)])
def test_a_sensor_may_hang_anywhere_within_the_outline_also_on_a_wall(tmp_path: Path, x_m: float, y_m: float) -> None:
    (tmp_path / "room.toml").write_text(l_shaped(x_m, y_m))
    assert read_scenario(tmp_path / "room.toml").sensor_mount.y_m == y_m


def draw_squares(path: Path, *corners_m: tuple[float, float], side_m: float = 3.0) -> None:
    """Draw squares with their south-west corners at these points."""
    drawing = ezdxf.new(units=6)
    for x_m, y_m in corners_m:
        ring = [(x_m, y_m), (x_m + side_m, y_m), (x_m + side_m, y_m + side_m), (x_m, y_m + side_m)]
        drawing.modelspace().add_lwpolyline(ring, close=True, dxfattribs={"layer": "WALLS"})
    drawing.saveas(path)


@pytest.mark.parametrize("corners_m", [[(0, 0), (4, 0)], [(0, 0), (4, 0), (8, 0)], [(0, 0), (3, 3)]])
def test_rooms_apart_are_refused(tmp_path: Path, corners_m: list[tuple[float, float]]) -> None:
    """None of them is dropped without a word; two that touch at a corner only are apart, too."""
    draw_squares(tmp_path / "plan.dxf", *corners_m)
    with pytest.raises(BadInputError, match=rf"enclose {len(corners_m)} areas apart") as caught:
        read_plan(tmp_path / "plan.dxf")
    assert "\n" not in str(caught.value)


def test_rooms_side_by_side_are_one_with_a_wall_between(tmp_path: Path) -> None:
    draw_squares(tmp_path / "plan.dxf", (0, 0), (3, 0))
    plan = read_plan(tmp_path / "plan.dxf")
    assert shapely.Polygon(plan.outline_m).area == pytest.approx(18.0)
    assert sum(shapely.LineString(wall).length for wall in plan.inner_walls_m) == pytest.approx(3.0, abs=0.01)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e300"])
def test_a_drawing_with_a_coordinate_that_is_no_length_is_refused(tmp_path: Path, value: str) -> None:
    draw_squares(tmp_path / "plan.dxf", (0, 0), side_m=3.25)
    text = (tmp_path / "plan.dxf").read_text()
    assert "\n3.25\n" in text
    (tmp_path / "plan.dxf").write_text(text.replace("\n3.25\n", f"\n{value}\n", 1))
    with pytest.raises(BadInputError, match="coordinates must be") as caught:
        read_plan(tmp_path / "plan.dxf")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("drawing", "said"),
    [
        ({"is_closed": False}, "must enclose an area"),
        ({"layer": "0"}, "there must be LINE or LWPOLYLINE"),
        ({"unit": 0}, "must be one of 1, 2, 4, 5, 6, 14"),
        ({"unit": 6}, "0.6 to 100 m across"),
    ],
)
def test_a_drawing_that_shows_no_room_is_refused(tmp_path: Path, drawing: dict[str, object], said: str) -> None:
    draw(tmp_path / "plan.dxf", **drawing)  # type: ignore[arg-type]
    with pytest.raises(BadInputError, match=said) as caught:
        read_plan(tmp_path / "plan.dxf")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [None, b"", b"no drawing", b"  0\nSECTION\n  2\nHEADER\n", bytes(range(256)) * 9])
def test_what_is_no_drawing_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "plan.dxf").write_bytes(content)
    (tmp_path / "room.toml").write_text(OFFICE.replace(SIZES, 'plan = "plan.dxf"\n'))
    with pytest.raises(BadInputError) as caught:
        read_scenario(tmp_path / "room.toml")
    assert "plan.dxf" in str(caught.value)
    assert "\n" not in str(caught.value)
