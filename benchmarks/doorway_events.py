"""How often a doorway counter is right: at the office's door, at wide doors with one and two arrays, in warm rooms.

    python benchmarks/doorway_events.py [office|heights|doors|air|speeds ...]

Seeds are none of those that the rules were chosen on (below 200). Each run has other people and other sensor units,
with the noise of parts in the field. Intervals hold the true share in 90 of 100 cases.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from scenarios.room import load_scenario
from twin.doorway.config import DoorwayConfig
from twin.doorway.watching import event_accuracy
from twin.node import load_node

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scenarios.room import Scenario
    from twin.doorway.accuracy import EventAccuracy, Share
    from twin.node import Node

FIRST_SEED = 7000
SECONDS = 600.0
HALF_APART_M = 0.35


def at_door(**where: float | str) -> Node:
    """Return the library's node, hung elsewhere."""
    return load_node("doorway_counter").changed(doorway=DoorwayConfig.model_validate(where))


def measured(scenario: Scenario, nodes: Sequence[Node], runs: int, first_seed: int = FIRST_SEED) -> EventAccuracy:
    """Return how often nodes are right in several runs together."""
    together = event_accuracy(scenario, nodes, seconds=SECONDS, seed=first_seed)
    for seed in range(first_seed + 1, first_seed + runs):
        together += event_accuracy(scenario, nodes, seconds=SECONDS, seed=seed)
    return together


def show(name: str, found: EventAccuracy) -> None:
    """Print one line."""
    shares = {"right": found.right, "one by one": found.one_by_one, "groups": found.groups, "false": found.false}
    print(f"{name:44s}" + "  ".join(f"{key} {_said(share)}" for key, share in shares.items()), end="")
    print(f"  F1 {found.f1 or 0.0:.4f}  drift {found.drift:+d} in {found.seconds / 3600:.1f} h", flush=True)


def _said(share: Share) -> str:
    value = "-" if share.value is None else f"{share.value:.1%}"
    return f"{value} ({share.count}/{share.of}; {share.low:.1%} to {share.high:.1%})"


def office() -> None:
    """The library's node at the library's office."""
    found = measured(load_scenario("office_doorway"), [load_node("doorway_counter")], runs=20)
    show("office_doorway", found)
    print(f"  coming in {_said(found.entering)}, going out {_said(found.leaving)}")


def heights() -> None:
    """Lower, nearer to the door and farther from it."""
    scenario = load_scenario("office_doorway")
    for height_m in (2.3, 2.5, 2.7):
        show(f"office_doorway, {height_m:g} m high", measured(scenario, [at_door(height_m=height_m)], runs=5))
    for inside_m in (0.3, 0.45, 0.6, 0.75, 0.9):
        show(f"office_doorway, {inside_m:g} m inside", measured(scenario, [at_door(inside_m=inside_m)], runs=5))
    for line_m in (0.2, 0.3, 0.4, 0.5, 0.6):
        show(f"office_doorway, line {line_m:g} m inside", measured(scenario, [at_door(line_m=line_m)], runs=5))


def doors() -> None:
    """Every door of three more rooms, with one array and with two side by side."""
    for name in ("corridor_two_way", "lift_lobby", "shop_entrance"):
        scenario = load_scenario(name)
        for index, door in enumerate(scenario.doors):
            named = scenario.door_name(index)
            one = [at_door(door=named)]
            two = [at_door(door=named, across_m=side * HALF_APART_M) for side in (-1, 1)]
            for count, nodes in (("one", one), ("two", two)):
                show(f"{name}, {named} ({door.width_m:g} m), {count}", measured(scenario, nodes, runs=4))


def air() -> None:
    """The office from cool to skin-warm."""
    scenario = load_scenario("office_doorway")
    for air_degc in (18.0, 20.0, 22.0, 24.0, 26.0, 27.0, 28.0, 29.0, 30.0):
        warmer = {"air_degc": air_degc, "floor_degc": air_degc - 0.5, "wall_degc": air_degc - 0.2}
        room = scenario.room.model_copy(update=warmer)
        found = measured(scenario.model_copy(update={"room": room}), [load_node("doorway_counter")], runs=5)
        show(f"office_doorway at {air_degc:g} degC", found)


def speeds() -> None:
    """People in a hurry, each as fast as the next but for 0.1 m/s."""
    scenario = load_scenario("office_doorway")
    for speed_mps in (1.7, 2.0, 2.3):
        faster = {"walking_speed_mean_mps": speed_mps, "walking_speed_sd_mps": 0.1}
        population = scenario.population.model_copy(update=faster)
        hurried = scenario.model_copy(update={"population": population})
        found = measured(hurried, [load_node("doorway_counter")], runs=5, first_seed=FIRST_SEED + 100)
        show(f"office_doorway at {speed_mps:g} m/s", found)


PARTS: dict[str, Callable[[], None]] = {
    "office": office,
    "heights": heights,
    "doors": doors,
    "air": air,
    "speeds": speeds,
}

if __name__ == "__main__":
    for part in sys.argv[1:] or PARTS:
        PARTS[part]()
