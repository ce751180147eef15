"""Arrays at doors, watched on the host."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from scenarios.room import load_scenario
from scenarios.simulation import simulate
from sensors.mount import Mount
from sensors.sensing import sense
from twin.doorway.config import DoorwayConfig
from twin.doorway.hanging import watch_at
from twin.doorway.watching import doorway_events, event_accuracy, watched_accuracy
from twin.node import load_node

if TYPE_CHECKING:
    from scenarios.room import Scenario
    from twin.node import Node

SECONDS = 240.0


def test_at_the_office_door_nearly_everybody_is_told_right(office: Scenario, node: Node) -> None:
    """On a seed that no value was chosen by."""
    found = event_accuracy(office, [node], seconds=SECONDS, seed=4100)
    assert found.right.of > 20
    assert found.one_by_one.value is not None
    assert found.one_by_one.value >= 0.95
    assert found.false.count <= 1


def test_the_same_seed_gives_the_same_figures(office: Scenario, node: Node) -> None:
    assert event_accuracy(office, [node], seconds=60, seed=5) == event_accuracy(office, [node], seconds=60, seed=5)


def test_a_second_array_tells_nobody_twice() -> None:
    """Each of them alone tells most of the same people."""
    corridor = load_scenario("corridor_two_way")
    pair = [load_node(f"doorway_counter_{side}") for side in ("left", "right")]
    both = event_accuracy(corridor, pair, seconds=SECONDS, seed=4200)
    one = event_accuracy(corridor, pair[:1], seconds=SECONDS, seed=4200)
    assert both.right.count >= one.right.count > both.right.of / 2
    assert both.false.value is not None
    assert both.false.value < 0.15


@pytest.mark.parametrize("yaw_deg", [90.0, 180.0])
def test_a_turned_array_tells_the_same_people(yaw_deg: float, office: Scenario, node: Node) -> None:
    timeline = simulate(office, seconds=SECONDS, seed=4300)
    told = []
    for yaw in (0.0, yaw_deg):
        mount = Mount(2.0, 0.6, 2.7, yaw)
        where = watch_at(office, mount, node.sensor, DoorwayConfig())
        recording = sense(timeline, mount, node.sensor, profile="datasheet", seed=1)
        told.append(doorway_events(node.network, recording, where))
    kinds = [[event.kind for event in events] for events in told]
    assert kinds[0] == kinds[1]
    assert len(kinds[0]) > 20
    across_m = np.array([[event.across_m for event in events] for events in told])
    assert np.median(np.abs(across_m[0] - across_m[1])) < 0.15


def test_doors_apart_are_judged_apart(node: Node) -> None:
    """Each array is blamed for its own door only."""
    corridor = load_scenario("corridor_two_way")
    timeline = simulate(corridor, seconds=120, seed=3)
    seen = []
    for door in ("west end", "east end"):
        hung = node.changed(doorway=DoorwayConfig(door=door))
        mount = hung.mount_in(corridor)
        recording = sense(timeline, mount, node.sensor, seed=1)
        seen.append((watch_at(corridor, mount, node.sensor, DoorwayConfig(door=door)), recording, node.network))
    apart = [watched_accuracy(timeline, [one]) for one in seen]
    assert watched_accuracy(timeline, seen) == apart[1] + apart[0]
