"""Where an array hangs at a door, and where the line then lies in its image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from datasheet.bad_input import BadInputError
from scenarios.room import load_scenario
from sensors.mount import Mount
from twin.doorway.config import DoorwayConfig
from twin.doorway.hanging import watch, watch_at
from twin.node import load_node

if TYPE_CHECKING:
    from scenarios.room import Scenario
    from twin.doorway.hanging import Watch
    from twin.node import Node


def seen(scenario: Scenario, node: Node, mount: Mount, **config: Any) -> Watch:
    return watch_at(scenario, mount, node.sensor, DoorwayConfig(**config))


def test_the_library_s_node_hangs_at_the_ceiling_just_inside_the_door(office: Scenario, node: Node) -> None:
    """The line, 0.2 m nearer to the door than the array, lies a little below the middle of the image."""
    where = watch(node, office)
    assert (where.door, where.mount) == ("south_1", Mount(2.0, 0.6, 2.7, 0.0, 0.0))
    assert (where.line.axis, where.line.inward) == (0, -1)
    assert 70 < where.line.place < 90


@pytest.mark.parametrize(
    ("door", "x_m", "y_m", "yaw_deg"), [("west end", 0.6, 1.2, 270.0), ("east end", 11.4, 1.2, 90.0)]
)
def test_at_any_wall_the_image_s_top_is_turned_into_the_room(
    door: str, x_m: float, y_m: float, yaw_deg: float, node: Node
) -> None:
    scenario = load_scenario("corridor_two_way")
    hung = node.changed(doorway=DoorwayConfig(door=door))
    where = watch(hung, scenario)
    assert (where.mount.x_m, where.mount.y_m, where.mount.yaw_deg) == pytest.approx((x_m, y_m, yaw_deg))
    assert (where.line.axis, where.line.inward) == (0, -1)


@pytest.mark.parametrize(
    ("yaw_deg", "axis", "inward"), [(0.0, 0, -1), (90.0, 1, 1), (180.0, 0, 1), (270.0, 1, -1), (10.0, 0, -1)]
)
def test_a_turned_array_has_a_turned_line(yaw_deg: float, axis: int, inward: int, office: Scenario, node: Node) -> None:
    line = seen(office, node, Mount(2.0, 0.6, 2.7, yaw_deg)).line
    assert (line.axis, line.inward) == (axis, inward)


def test_a_tilted_array_on_the_wall_beside_the_door_has_the_line_where_it_sees_it(office: Scenario, node: Node) -> None:
    """At 0.4 m from the wall and 25 degrees into the room, what is below lies low in the image."""
    upright, tilted = (seen(office, node, Mount(2.0, 0.4, 2.7, 0.0, tilt)).line for tilt in (0.0, 20.0))
    assert upright.place == pytest.approx(64, abs=1)
    assert tilted.place == pytest.approx(64 + 16 * 20 / 7.5, abs=6)


@pytest.mark.parametrize("place", [40.0, 64.0, 90.0])
@pytest.mark.parametrize("yaw_deg", [0.0, 90.0, 180.0])
def test_places_along_the_line_are_told_in_metres_across_the_door(
    place: float, yaw_deg: float, office: Scenario, node: Node
) -> None:
    """To the right of those who walk in, whichever way the array is turned; a pixel is about 0.21 m wide there."""
    where = seen(office, node, Mount(2.0, 0.4, 2.7, yaw_deg))
    sign = {0.0: 1, 90.0: 1, 180.0: -1}[yaw_deg]
    assert where.across_m(place) == pytest.approx(sign * (place - 64) / 16 * 0.215, abs=0.06)


def test_the_nearest_door_is_watched_or_the_one_that_is_named(node: Node) -> None:
    lobby = load_scenario("lift_lobby")
    mount = Mount(4.2, 3.4, 2.7)
    assert seen(lobby, node, mount).door == "lift east"
    with pytest.raises(BadInputError, match=r"doorway: doorway\.door is 'lift'; did you mean 'lift (west|east)'"):
        seen(lobby, node, mount, door="lift")


@pytest.mark.parametrize(
    ("mount", "complaint"),
    [
        (Mount(2.0, 3.0, 2.7), r"the line 0\.4 m behind the door must lie in view"),
        (Mount(2.0, 0.6, 1.0), r"must lie in view"),
        (Mount(3.9, 0.6, 2.7), r"mount is '\(3\.9, 0\.6\)'; the door must lie in view"),
        (Mount(2.0, 0.6, 2.7, 45.0), r"mount\.yaw_deg is 45\.0; must turn rows or columns along the door"),
    ],
)
def test_a_mount_from_which_the_line_is_not_seen_well_is_refused(
    mount: Mount, complaint: str, office: Scenario, node: Node
) -> None:
    with pytest.raises(BadInputError, match=complaint):
        seen(office, node, mount)


def test_an_array_above_the_ceiling_is_refused(office: Scenario, node: Node) -> None:
    high = node.changed(doorway=DoorwayConfig(height_m=3.0))
    with pytest.raises(BadInputError, match=r"doorway\.height_m is 3\.0; must not be above the ceiling"):
        high.mount_in(office)


def test_only_who_passes_the_door_counts(node: Node) -> None:
    """Of the lobby's lift, 1.1 m wide, the image holds more than the door; of the hall's 1.8 m it does not."""
    lobby = load_scenario("lift_lobby")
    narrow, wide = (watch(node.changed(doorway=DoorwayConfig(door=door)), lobby).line for door in ("lift west", "hall"))
    assert 0 < narrow.first < 40
    assert 88 < narrow.last < 128
    assert (wide.first, wide.last) == (0, 128)


@pytest.mark.parametrize(("name", "across_m"), [("doorway_counter_left", -0.35), ("doorway_counter_right", 0.35)])
def test_two_nodes_for_wide_doors_hang_beside_each_other(name: str, across_m: float) -> None:
    mount = watch(load_node(name), load_scenario("corridor_two_way")).mount
    assert mount.y_m == pytest.approx(1.2 - across_m)
