"""Whatever the scenario and the seed: nobody is ever inside anybody, a wall, or a piece of furniture."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from datasheet.config import library_names
from scenarios.geometry import outline, walkable_floor
from scenarios.room import Scenario, load_scenario
from scenarios.simulation import simulate
from scenarios.steering import SEPARATION_M

if TYPE_CHECKING:
    from scenarios.timeline import Timeline

NAMES = library_names("scenarios.library")
STAFFED_HOUR = 8.6


def check(scenario: Scenario, timeline: Timeline) -> None:
    """Assert the rules on distances, at the frames of the timeline."""
    floor = walkable_floor(scenario).buffer(1e-6)
    present = timeline.person_index >= 0
    assert shapely.contains_xy(floor, timeline.position_m[present]).all()
    breadths_m = np.array([*(person.shoulder_breadth_m for person in timeline.persons), np.nan])
    half_m = breadths_m[timeline.person_index] / 2
    for one, other in combinations(range(timeline.person_index.shape[1]), 2):
        both = present[:, one] & present[:, other]
        apart_m = np.linalg.norm(timeline.position_m[both, one] - timeline.position_m[both, other], axis=1)
        least_m = np.maximum(half_m[both, one] + half_m[both, other], SEPARATION_M)
        assert (apart_m >= least_m - 1e-6).all()


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    name=st.sampled_from(NAMES),
    seed=st.integers(0, 2**31),
    busy=st.sampled_from([1.0, 3.0]),
    frame_rate_hz=st.sampled_from([10.0, 32.0]),
)
def test_in_the_library(name: str, seed: int, busy: float, frame_rate_hz: float) -> None:
    """Also between the steps of the simulation, which is what the higher frame rate looks at."""
    scenario = load_scenario(name)
    arrivals = scenario.arrivals.model_copy(
        update={"rate_per_hour": scenario.arrivals.rate_per_hour * busy, "schedule": ()}
    )
    update = {"arrivals": arrivals} | ({"start_hour": STAFFED_HOUR} if scenario.staff else {})
    scenario = scenario.model_copy(update=update)
    check(scenario, simulate(scenario, seconds=150, seed=seed, frame_rate_hz=frame_rate_hz))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_around_a_full_table(seed: int) -> None:
    """Also where eight people sit down, 0.75 m apart, and get up again."""
    room = load_scenario("meeting_room")
    meeting = room.meetings[0].model_copy(update={"attendees": 8})
    timeline = simulate(room.model_copy(update={"meetings": (meeting,)}), seconds=550, seed=seed, frame_rate_hz=32.0)
    check(room, timeline)
    assert timeline.in_room.max() == 8


@pytest.mark.parametrize("hour", [9.45, 11.7])
def test_between_occupied_desks(hour: float) -> None:
    """Also where people squeeze past colleagues who sit, on their way to a meeting and back."""
    day = load_scenario("open_plan_day").model_copy(update={"start_hour": hour})
    timeline = simulate(day, seconds=600, seed=1, frame_rate_hz=32.0)
    check(day, timeline)
    assert timeline.in_room.max() >= 8


@settings(max_examples=30, deadline=None, derandomize=True)
@given(data=st.data(), seed=st.integers(0, 2**31))
def test_in_rooms_with_furniture_and_two_doors(data: st.DataObject, seed: int) -> None:
    office = load_scenario("office_doorway")
    x_m, y_m = data.draw(st.floats(1.4, 3.2)), data.draw(st.floats(2.2, 4.2))
    table = {
        "name": "table", "kind": "furniture", "x_m": x_m, "y_m": y_m,
        "size_x_m": data.draw(st.floats(0.1, 1.0)), "size_y_m": data.draw(st.floats(0.1, 1.0)), "top_m": 0.8,
    }  # fmt: skip
    away = [{"x_m": 0.6, "y_m": y} for y in (1.5, 2.6, 3.7, 5.0)] + [{"x_m": 4.4, "y_m": y} for y in (1.5, 2.6, 3.7)]
    scenario = Scenario.model_validate(
        office.model_dump()
        | {
            "room": office.room.model_dump() | {"size_x_m": 5.0, "size_y_m": 6.0},
            "doors": (
                {"wall": "south", "centre_m": 2.5, "width_m": data.draw(st.floats(0.6, 2.4))},
                {"wall": "west", "centre_m": 4.4, "width_m": 1.0, "kind": "hinged", "opening_s": 1.0},
            ),
            "places": tuple(away),
            "objects": (table,),
            "arrivals": office.arrivals.model_dump()
            | {
                "rate_per_hour": 2000.0, "capacity": 7, "linger_median_s": 4.0, "exit_door": "any",
                "accompanied_ratio": 0.0, "group_sizes": (1.0, 1.0, 1.0),
            },
        }
    )  # fmt: skip
    timeline = simulate(scenario, seconds=90, seed=seed, frame_rate_hz=20.0)
    check(scenario, timeline)
    assert timeline.in_room.max() >= 3


@pytest.mark.parametrize("name", NAMES)
def test_the_floor_people_walk_on_keeps_clear_of_what_stands_on_it(name: str) -> None:
    scenario = load_scenario(name)
    floor = walkable_floor(scenario)
    inside = floor.intersection(outline(scenario.room))
    for thing in scenario.objects:
        if thing.is_in_the_way:
            box = shapely.box(
                thing.x_m - thing.size_x_m / 2, thing.y_m - thing.size_y_m / 2,
                thing.x_m + thing.size_x_m / 2, thing.y_m + thing.size_y_m / 2,
            )  # fmt: skip
            assert box.distance(inside) > 0.26
    assert not inside.is_empty
