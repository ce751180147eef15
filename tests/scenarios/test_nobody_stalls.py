"""A crowd never stalls: whoever is on the way arrives, and whoever wants to leave gets out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from datasheet.config import library_names
from scenarios.agenda import start
from scenarios.motion import Strides
from scenarios.room import Scenario, load_scenario
from scenarios.simulation import simulate
from scenarios.steering import STEP_S
from scenarios.timeline import SITTING
from scenarios.world import WARM_UP_TICKS, World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenarios.crowd import Walker
    from scenarios.world import Process

ON_FOOT_S = 60.0
"""Nobody in the library is on foot for longer between two stays, queues at doors included; the longest seen is 45 s."""

OUT_WITHIN_S = 60.0
"""Whoever wants to leave is out by then."""

BUSY_HOURS = [
    ("office_doorway", 0.0, 1800),
    ("office_floor", 0.0, 1800),
    ("corridor_two_way", 12.0, 1800),
    ("meeting_room", 9.95, 6000),
    ("shop_entrance", 17.0, 1800),
    ("lift_lobby", 8.5, 1800),
    ("open_plan_day", 8.0, 16_000),
]


class Watched(World):
    """A world that notes how long people take to leave, and how long those have tried who are still there."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        super().__init__(scenario, seed)
        self.began_tick: dict[int, float] = {}
        self.took_s: list[float] = []

    def go_out(self, walker: Walker, door: int) -> Process:
        self.began_tick[id(walker)] = self.env.now
        yield from super().go_out(walker, door)
        self.took_s.append((self.env.now - self.began_tick.pop(id(walker))) * STEP_S)

    @property
    def still_trying_s(self) -> list[float]:
        return [(self.env.now - tick) * STEP_S for tick in self.began_tick.values()]


def watch(scenario: Scenario, *, seconds: float, seed: int) -> Watched:
    world = Watched(scenario, seed)
    start(world)
    world.run_until(WARM_UP_TICKS + round(seconds / STEP_S))
    return world


def on_foot_s(world: World) -> Iterator[float]:
    """Yield how long each walk lasted, from one stay to the next."""
    for trace in world.crowd.traces:
        for piece in trace.pieces:
            if isinstance(piece, Strides):
                yield (min(piece.end_tick, world.env.now) - piece.start_tick) * STEP_S


def test_every_scenario_to_which_somebody_comes_is_watched() -> None:
    assert {name for name, _, _ in BUSY_HOURS} | {"empty_room_with_radiator"} == set(library_names("scenarios.library"))


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(("name", "hour", "seconds"), BUSY_HOURS)
def test_in_the_library_everybody_arrives_and_gets_out(name: str, hour: float, seconds: float, seed: int) -> None:
    world = watch(load_scenario(name).model_copy(update={"start_hour": hour}), seconds=seconds, seed=seed)
    walks_s = list(on_foot_s(world))
    assert len(walks_s) > 10
    assert max(walks_s) < ON_FOOT_S
    assert len(world.took_s) > 3
    assert max(world.took_s + world.still_trying_s) < OUT_WITHIN_S


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_counter_flow_in_a_corridor_keeps_flowing(seed: int) -> None:
    """As many people as the doors let in, half of them in each direction: all go on."""
    corridor = load_scenario("corridor_two_way")
    busy = corridor.arrivals.model_copy(update={"rate_per_hour": 1800.0, "schedule": (), "capacity": 40})
    world = watch(corridor.model_copy(update={"arrivals": busy}), seconds=600, seed=seed)
    assert len(world.took_s) > 250
    assert max(on_foot_s(world)) < ON_FOOT_S


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("rate_per_hour", [400.0, 1000.0])
def test_opposing_streams_pass_a_narrow_opening(seed: int, rate_per_hour: float) -> None:
    """Through an opening of 1.0 m in an inner wall, which has no queue, people get in both directions."""
    corridor = load_scenario("corridor_two_way")
    table = corridor.model_dump() | {
        "room": corridor.room.model_dump() | {"size_x_m": 8.0, "size_y_m": 4.0},
        "doors": tuple(door.model_dump() | {"centre_m": 2.0} for door in corridor.doors),
        "walls": ({"points_m": ((4.0, 0.0), (4.0, 1.5))}, {"points_m": ((4.0, 2.5), (4.0, 4.0))}),
        "arrivals": corridor.arrivals.model_dump()
        | {"rate_per_hour": rate_per_hour, "schedule": (), "capacity": 12, "group_sizes": ()},
        "sensor_mount": corridor.sensor_mount.model_dump() | {"x_m": 2.0},
    }
    world = watch(Scenario.model_validate(table), seconds=600, seed=seed)
    assert len(world.took_s) > 50


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_those_who_come_and_those_who_go_pass_one_door(seed: int) -> None:
    """As many people as there is room for, who stay for 20 s, come and go by one door of 1.0 m at the same time."""
    office = load_scenario("office_doorway")
    places = tuple({"x_m": 0.7 + 1.2 * column, "y_m": 2.2 + 1.2 * row} for column in range(4) for row in range(3))
    scenario = Scenario.model_validate(
        office.model_dump()
        | {
            "room": office.room.model_dump() | {"size_x_m": 5.0, "size_y_m": 5.2},
            "doors": (office.doors[0].model_dump() | {"centre_m": 2.5, "width_m": 1.0},),
            "places": places,
            "arrivals": office.arrivals.model_dump()
            | {"rate_per_hour": 10_000.0, "accompanied_ratio": 0.0, "capacity": 12, "linger_median_s": 20.0,
               "linger_spread": 0.0, "visits_mean": 1.0},
        }
    )  # fmt: skip
    world = watch(scenario, seconds=600, seed=seed)
    assert len(world.took_s) > 100
    assert max(on_foot_s(world)) < ON_FOOT_S


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_a_meeting_ends_with_everybody_leaving(seed: int) -> None:
    """All eight sit where there is a seat, and half a minute of stragglers and a minute after the end all are out."""
    room = load_scenario("meeting_room")
    meeting = room.meetings[0].model_copy(update={"attendees": 8})
    timeline = simulate(room.model_copy(update={"meetings": (meeting,)}), seconds=650, seed=seed)
    assert timeline.posture is not None
    sitting = timeline.posture == SITTING
    assert sitting.sum(axis=1).max() == 8
    seats_m = np.array([(place.x_m, place.y_m) for place in room.places])
    off_m = np.linalg.norm(timeline.position_m[sitting][:, np.newaxis] - seats_m, axis=2).min(axis=1)
    assert off_m.max() < 0.11
    end_s = (meeting.start_hour - room.start_hour) * 3600 + meeting.minutes * 60
    assert timeline.in_room[timeline.time_s > end_s + 90].max() == 0
