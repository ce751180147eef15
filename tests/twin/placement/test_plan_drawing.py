"""Plans as drawings: what is drawn is where it is."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import numpy as np
import pytest

from scenarios.room import load_scenario
from sensors.mount import Mount
from twin.library import names
from twin.placement.footprints import pixel_outlines_m
from twin.placement.hanging import load_hung_node
from twin.placement.plan_drawing import field_traces, room_traces, sensor_marks
from twin.placement.plan_remarks import floor_m2, remarks, seen_m2
from twin.placement.plan_shapes import field_outline_m
from twin.placement.plan_svg import plan_svg


def test_the_border_of_a_field_encloses_its_pixels() -> None:
    """Every corner of every pixel lies within the border's box, and the border's corners are pixels' corners."""
    node = load_hung_node("ceiling_counter@2,2,2.7,20,30")
    pixels_m = pixel_outlines_m(Mount(2, 2, 2.7, 20, 30), node.sensor, 0.45)
    border = field_outline_m(pixels_m, (8, 8))
    assert border.shape == (64, 2)
    corners = {tuple(corner) for corner in pixels_m.reshape(-1, 2).round(9)}
    assert {tuple(corner) for corner in border.round(9)} <= corners
    assert np.allclose(border.min(axis=0), pixels_m.reshape(-1, 2).min(axis=0))
    assert np.allclose(border.max(axis=0), pixels_m.reshape(-1, 2).max(axis=0))


@pytest.mark.parametrize("name", names("scenarios"))
def test_every_plan_is_a_drawing_with_numbered_sensors(name: str) -> None:
    """The drawing is well-formed, each sensor has its number, and only the selected one shows its pixels."""
    nodes = [load_hung_node("ceiling_counter@1,1,2.5"), load_hung_node("ceiling_counter_rules@2,1,2.5")]
    drawing = ET.fromstring(  # noqa: S314 - drawn here
        plan_svg(load_scenario(name), nodes, selected=1, plane="head")
    )
    sensors = [one for one in drawing if one.get("class") == "sensor"]
    assert [one.get("data-sensor") for one in sensors] == ["0", "1"]
    assert "ceiling_counter_rules" in str(sensors[1].findtext("title"))
    pixels = [one for one in drawing if str(one.get("d")).count("Z") == 64]
    assert len(pixels) == 1


def test_a_sensor_is_drawn_where_it_hangs() -> None:
    """North is at the top: a sensor 1.5 m from the south side lies so far above the lower border of a room of 5 m."""
    scenario = load_scenario("office_doorway")
    drawing = ET.fromstring(  # noqa: S314 - drawn here
        plan_svg(scenario, [load_hung_node("ceiling_counter@1,1.5,2.5")], selected=0, plane="floor")
    )
    circle = next(one for one in drawing if one.get("class") == "sensor").find("circle")
    assert circle is not None
    assert (float(str(circle.get("cx"))), float(str(circle.get("cy")))) == (1.0, 3.5)


def test_names_of_files_are_text_in_the_drawing() -> None:
    """A plan's names cannot add anything to the page."""
    scenario = load_scenario("meeting_room")
    table, *others = scenario.objects
    named = table.model_copy(update={"name": "<script>alert(1)</script>"})
    door = scenario.doors[0].model_copy(update={"name": '"><img src=x>'})
    changed = scenario.model_copy(update={"objects": (named, *others), "doors": (door,)})
    svg = plan_svg(changed, [load_hung_node("ceiling_counter@1,1,2.5")], selected=0, plane="head")
    drawing = ET.fromstring(  # noqa: S314 - drawn here
        svg
    )
    assert {one.tag for one in drawing.iter()} == {"svg", "path", "circle", "rect", "text", "title", "g"}
    assert "<script" not in svg


def test_figures_show_the_same_plan() -> None:
    """Traces of a plan with things, and fields of two sensors with their marks."""
    scenario = load_scenario("shop_entrance")
    nodes = [load_hung_node("ceiling_counter@1,1,2.5"), load_hung_node("ceiling_counter@2,1,2.5")]
    assert len(field_traces(scenario, nodes, "seat")) == 2
    assert list(sensor_marks(scenario, nodes).text) == ["1", "2"]
    floor = room_traces(scenario)[0]
    assert (max(floor.x), max(floor.y)) == (scenario.room.size_x_m, scenario.room.size_y_m)


def test_areas_grow_towards_the_floor_and_end_at_walls() -> None:
    """A field is larger the lower the plane, and never larger than the room."""
    scenario = load_scenario("office_doorway")
    seen = seen_m2(scenario, [load_hung_node("ceiling_counter@2,2.5,2.7")])
    assert seen["head"] < seen["seat"] < seen["floor"] < floor_m2(scenario)
    corner = seen_m2(scenario, [load_hung_node("ceiling_counter@0,0,2.7")])
    assert corner["floor"] < seen["floor"] / 2


def test_remarks_tell_what_a_planner_should_know() -> None:
    """Warm things, walls, steep tilts and shared fields are told with the number of the sensor."""
    radiator = load_scenario("empty_room_with_radiator")
    warm = next(thing for thing in radiator.objects if thing.kind == "radiator")
    over = load_hung_node(f"ceiling_counter@{warm.x_m},{warm.y_m},2.7")
    assert any(warm.name in line and "1" in line for line in remarks(radiator, [over]))
    office = load_scenario("office_doorway")
    assert any("behind walls" in line for line in remarks(office, [load_hung_node("ceiling_counter@0,0,2.7")]))
    assert any("horizon" in line for line in remarks(office, [load_hung_node("ceiling_counter@2,2,2.7,0,80")]))
    near = [load_hung_node("ceiling_counter@2,2,2.7"), load_hung_node("ceiling_counter@2.3,2,2.7")]
    assert any("sensors 1 and 2 share" in line for line in remarks(office, near))
    assert remarks(office, [load_hung_node("ceiling_counter@2,2.5,2.7")]) == []
