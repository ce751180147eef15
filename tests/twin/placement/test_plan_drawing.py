"""Plans as figures: what is drawn is where it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from scenarios.room import load_scenario
from sensors.mount import Mount
from twin.placement.footprints import pixel_outlines_m
from twin.placement.hanging import load_hung_node
from twin.placement.plan_drawing import CLICKS, SENSORS, Shown, field_outline_m, plan_figure
from twin.placement.plan_remarks import floor_m2, remarks, seen_m2


def traces(*args: Any) -> dict[str, Any]:
    return {trace.name: trace for trace in plan_figure(*args).data if trace.name}


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


def test_clicks_are_answered_on_the_floor_only() -> None:
    """Points to click on lie on multiples of their distance, within the outline."""
    scenario = load_scenario("office_doorway")
    clicks = traces(scenario, [load_hung_node("ceiling_counter@2,2,2.7")], Shown(0, has_clicks=True))[CLICKS]
    x_m, y_m = np.asarray(clicks.x), np.asarray(clicks.y)
    assert len(x_m) == 17 * 21
    assert np.allclose(x_m % 0.25, 0)
    assert (x_m.min(), x_m.max(), y_m.min(), y_m.max()) == (0, 4, 0, 5)


@pytest.mark.parametrize("name", ["open_plan_day", "shop_entrance", "lift_lobby"])
def test_every_sensor_is_a_numbered_mark(name: str) -> None:
    """Sensors are told apart by their number, which a click gives back."""
    nodes = [load_hung_node("ceiling_counter@1,1,2.5"), load_hung_node("ceiling_counter_rules@2,1,2.5")]
    marks = traces(load_scenario(name), nodes)[SENSORS]
    assert list(marks.text) == ["1", "2"]
    assert [list(number) for number in marks.customdata] == [[0], [1]]
    assert "ceiling_counter_rules" in marks.hovertext[1]


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
