"""People over time: where they may be, how fast they go, and that chance is repeatable."""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
import simpy

from scenarios.agenda import Visits, start
from scenarios.doors import Direction, DoorKeeper
from scenarios.geometry import OUTSIDE_M, doorway, walkable_floor
from scenarios.room import Door, Scenario, load_scenario
from scenarios.simulation import simulate, simulate_chunks
from scenarios.timeline import SITTING, STANDING, WALKING
from scenarios.world import World

if TYPE_CHECKING:
    from collections.abc import Generator

    from scenarios.timeline import Timeline


@pytest.fixture(scope="module")
def office() -> Scenario:
    return load_scenario("office_doorway")


@pytest.fixture(scope="module")
def ten_minutes(office: Scenario) -> Timeline:
    return simulate(office, seconds=600, seed=1)


def test_frames_have_the_stated_shapes_and_times(ten_minutes: Timeline) -> None:
    assert ten_minutes.time_s.tolist() == [index / 10 for index in range(6000)]
    assert ten_minutes.person_index.shape == (6000, 3)
    assert ten_minutes.person_index.dtype == np.int32
    assert ten_minutes.position_m.shape == (6000, 3, 2)


def test_a_slot_is_empty_exactly_where_everything_about_it_is_nan(ten_minutes: Timeline) -> None:
    empty = ten_minutes.person_index < 0
    assert 0 < empty.sum() < empty.size
    for values in (ten_minutes.position_m[..., 0], ten_minutes.heading_rad, ten_minutes.speed_mps):
        assert np.array_equal(np.isnan(values), empty)


def test_nobody_walks_through_a_wall(office: Scenario, ten_minutes: Timeline) -> None:
    import shapely  # noqa: PLC0415

    floor = walkable_floor(office).buffer(1e-6)
    present = ten_minutes.person_index >= 0
    assert shapely.contains_xy(floor, ten_minutes.position_m[present]).all()


def test_nobody_is_inside_anybody(ten_minutes: Timeline) -> None:
    position_m = ten_minutes.position_m
    for one, other in combinations(range(3), 2):
        distance_m = np.linalg.norm(position_m[:, one] - position_m[:, other], axis=1)
        assert np.nanmin(distance_m) >= 0.5 - 1e-6


def test_nobody_runs_or_jumps(ten_minutes: Timeline) -> None:
    same = ten_minutes.person_index[1:] == ten_minutes.person_index[:-1]
    step_m = np.linalg.norm(np.diff(ten_minutes.position_m, axis=0), axis=2)
    assert np.nanmax(np.where(same, step_m, np.nan)) < 0.25
    assert np.nanmax(ten_minutes.speed_mps) < 2.3


def test_people_who_linger_are_not_statues(ten_minutes: Timeline) -> None:
    slow = ten_minutes.speed_mps < 0.3
    assert slow.sum() > 500
    assert np.mean(ten_minutes.speed_mps[slow] > 0.005) > 0.5


def test_everybody_enters_and_leaves_by_the_door(office: Scenario, ten_minutes: Timeline) -> None:
    door = office.doors[0]
    for event in ten_minutes.events:
        frame = int(np.ceil(event.time_s * 10 - 1e-6)) - (event.kind == "leave")
        slot = np.flatnonzero(ten_minutes.person_index[frame] == event.person_index)[0]
        x_m, y_m = ten_minutes.position_m[frame, slot]
        assert abs(x_m - door.centre_m) < door.width_m / 2
        assert -OUTSIDE_M - 1e-6 <= y_m < 0


def test_everybody_who_enters_in_time_leaves_again(ten_minutes: Timeline) -> None:
    entered = {event.person_index for event in ten_minutes.events if event.kind == "enter" and event.time_s < 400}
    left = {event.person_index for event in ten_minutes.events if event.kind == "leave"}
    assert len(entered) > 10
    assert entered <= left


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(office: Scenario) -> None:
    first, again, other = (simulate(office, seconds=60, seed=seed) for seed in (5, 5, 6))
    assert first.position_m.tobytes() == again.position_m.tobytes()
    assert first.persons == again.persons
    assert first.position_m.tobytes() != other.position_m.tobytes()


def test_a_longer_run_begins_like_a_shorter_one(office: Scenario) -> None:
    short, long = (simulate(office, seconds=seconds, seed=2) for seconds in (30, 60))
    assert np.array_equal(short.position_m[:290], long.position_m[:290], equal_nan=True)


def test_the_frame_rate_changes_the_sampling_not_the_people(office: Scenario) -> None:
    coarse, fine = (simulate(office, seconds=30, seed=3, frame_rate_hz=rate_hz) for rate_hz in (10, 20))
    np.testing.assert_allclose(fine.position_m[::2], coarse.position_m, atol=1e-9)


def test_a_room_nobody_comes_to_stays_empty(office: Scenario) -> None:
    quiet = office.arrivals.model_copy(update={"rate_per_hour": 0.0})
    timeline = simulate(office.model_copy(update={"arrivals": quiet}), seconds=10, seed=1)
    assert (timeline.person_index == -1).all()
    assert timeline.persons == ()
    assert timeline.events == ()


@pytest.fixture(scope="module")
def crowd(office: Scenario) -> Scenario:
    """Return the office with a second door, at which people queue."""
    doors = (*office.doors, Door(wall="north", centre_m=2.0, width_m=0.9))
    arrivals = office.arrivals.model_copy(update={"capacity": 7, "rate_per_hour": 2000.0})
    return office.model_copy(update={"doors": doors, "arrivals": arrivals})


@pytest.mark.parametrize("seed", range(4))
def test_with_two_doors_nobody_vanishes(crowd: Scenario, seed: int) -> None:
    """At every frame as many slots are occupied as people have come through a door and not yet left."""
    timeline = simulate(crowd, seconds=300, seed=seed)
    left_s = {event.person_index: event.time_s for event in timeline.events if event.kind == "leave"}
    assert timeline.entered_s is not None
    spans_s = np.array([(entry_s, left_s.get(index, np.inf)) for index, entry_s in enumerate(timeline.entered_s)])
    time_s = timeline.time_s[:, np.newaxis] + 1e-6
    present = ((spans_s[:, 0] <= time_s) & (time_s < spans_s[:, 1])).sum(axis=1)
    assert np.array_equal(timeline.in_room, present)
    assert present.max() == 7
    assert len(timeline.persons) == len(np.unique(timeline.person_index)) - 1


def test_people_are_numbered_in_the_order_of_entry(crowd: Scenario) -> None:
    entered = [event.person_index for event in simulate(crowd, seconds=300, seed=0).events if event.kind == "enter"]
    assert len(entered) > 20
    assert all(earlier < later for earlier, later in pairwise(entered))


def test_the_widest_allowed_spreads_and_weights_can_be_simulated(office: Scenario) -> None:
    weights = [5e-324, 1e6, 1e6, 1e-300, 1.0, 1e6, 5e-324]
    places = [place.model_dump() | {"weight": weight} for place, weight in zip(office.places, weights, strict=True)]
    arrivals = office.arrivals.model_dump() | {
        "rate_per_hour": 10_000.0, "accompanied_ratio": 0.0, "capacity": 7,
        "linger_median_s": 86_400.0, "linger_spread": 3.0, "visits_mean": 20.0,
    }  # fmt: skip
    widest = Scenario.model_validate(office.model_dump() | {"places": tuple(places), "arrivals": arrivals})
    timeline = simulate(widest, seconds=30, seed=1)
    assert (timeline.person_index >= 0).any(axis=0).all()


def test_groups_are_delayed_by_the_time_a_group_takes_to_arrive(
    office: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Groups begin every 3600 s / rate + 2 s * p / (1 - p), as the scenario's documentation says."""
    ratio, rate_per_hour, hours = 0.5, 600.0, 4
    arrivals = office.arrivals.model_copy(update={"accompanied_ratio": ratio, "rate_per_hour": rate_per_hour})
    arrived: list[int] = []
    monkeypatch.setattr(Visits, "admit", lambda _visits, size, _door=None: arrived.append(size))
    world = World(office.model_copy(update={"arrivals": arrivals}), seed=1)
    start(world)
    world.run_until(hours * 36_000)
    per_group = 1 / (1 - ratio)
    expected = hours * 3600 / (3600 / rate_per_hour + 2 * ratio / (1 - ratio)) * per_group
    assert len(arrived) == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize(("name", "hour"), [("office_doorway", 0.0), ("open_plan_day", 8.6), ("lift_lobby", 8.5)])
@pytest.mark.parametrize("chunk_s", [0.1, 7.3, 1000.0])
def test_chunks_join_to_the_whole_to_the_last_bit(name: str, hour: float, chunk_s: float) -> None:
    scenario = load_scenario(name).model_copy(update={"start_hour": hour})
    seconds = 20.0 if chunk_s < 1 else 300.0
    whole = simulate(scenario, seconds=seconds, seed=2)
    chunks = list(simulate_chunks(scenario, seconds=seconds, seed=2, chunk_s=chunk_s))
    assert (whole.person_index >= 0).any()
    assert_joined(chunks, whole)


def assert_joined(chunks: list[Timeline], whole: Timeline) -> None:
    """Assert that the chunks are the whole, to the last bit."""
    for part in ("time_s", "person_index", "position_m", "heading_rad", "speed_mps", "posture", "drift_k", "in_room"):
        joined = np.concatenate([getattr(chunk, part) for chunk in chunks])
        assert joined.tobytes() == getattr(whole, part).tobytes(), part
    assert tuple(event for chunk in chunks for event in chunk.events) == whole.events
    assert chunks[-1].persons == whole.persons
    assert np.array_equal(chunks[-1].entered_s, whole.entered_s)


@pytest.mark.parametrize("frame_rate_hz", [1.0, 5.0, 20.0])
@pytest.mark.parametrize("chunk_s", [0.05, 0.2, 0.25, 7.3])
def test_chunks_join_at_other_frame_rates(office: Scenario, frame_rate_hz: float, chunk_s: float) -> None:
    """Also where a chunk is shorter than a step of the simulation, or than a frame."""
    whole = simulate(office, seconds=40, seed=2, frame_rate_hz=frame_rate_hz)
    chunks = list(simulate_chunks(office, seconds=40, seed=2, frame_rate_hz=frame_rate_hz, chunk_s=chunk_s))
    assert (whole.person_index >= 0).any()
    assert len(chunks) > 1
    assert_joined(chunks, whole)


def test_nobody_comes_by_a_door_that_leads_out(crowd: Scenario) -> None:
    doors = (
        crowd.doors[0].model_copy(update={"direction": "in", "name": "front"}),
        crowd.doors[1].model_copy(update={"direction": "out", "name": "back"}),
    )
    timeline = simulate(crowd.model_copy(update={"doors": doors}), seconds=200, seed=1)
    assert {(event.kind, event.door) for event in timeline.events} == {("enter", "front"), ("leave", "back")}


def test_a_door_opens_once_for_those_who_follow_closely_and_again_later(office: Scenario) -> None:
    env, passed = simpy.Environment(), []
    door = office.doors[0].model_copy(update={"kind": "sliding", "opening_s": 1.0, "stays_open_s": 2.0})
    keeper = DoorKeeper(env, door, doorway(door, office.room), 0)

    def passer(tick: int, direction: Direction) -> Generator[simpy.Event, object, None]:
        yield env.timeout(tick)
        yield keeper.request(direction)
        passed.append((env.now, direction))
        yield env.timeout(5)
        keeper.release(direction)

    comes: list[tuple[int, Direction]] = [(0, "in"), (1, "in"), (2, "out"), (3, "in"), (30, "out"), (99, "out")]
    for tick, direction in comes:
        env.process(passer(tick, direction))
    env.run()
    assert passed == [(10, "in"), (10, "in"), (15, "out"), (20, "in"), (30, "out"), (109, "out")]


def test_rates_follow_the_hour_of_the_day() -> None:
    shop = load_scenario("shop_entrance")
    rush, night = (
        len(simulate(shop.model_copy(update={"start_hour": hour}), seconds=600, seed=1).persons)
        for hour in (17.0, 21.0)
    )
    assert rush > 20
    assert night == 0


def test_groups_walk_side_by_side() -> None:
    """In a corridor where only pairs come, the nearest other is beside, not before or behind."""
    corridor = load_scenario("corridor_two_way")
    arrivals = corridor.arrivals.model_copy(
        update={"group_sizes": (0.0, 1.0), "rate_per_hour": 40.0, "schedule": (), "capacity": 2}
    )
    timeline = simulate(corridor.model_copy(update={"arrivals": arrivals}), seconds=1200, seed=1)
    x_m = timeline.position_m[:, :2, 0]
    amid = ((x_m > 4) & (x_m < 8)).all(axis=1)
    offset_m = np.abs(timeline.position_m[amid, 0] - timeline.position_m[amid, 1])
    assert amid.sum() > 100
    assert np.median(offset_m[:, 0]) < 0.25
    assert 0.5 <= np.median(offset_m[:, 1]) < 0.8


def test_people_sit_at_meetings_and_face_the_table() -> None:
    room = load_scenario("meeting_room")
    timeline = simulate(room, seconds=600, seed=1)
    assert timeline.posture is not None
    sitting = timeline.posture == SITTING
    assert sitting.sum(axis=1).max() == 5
    table = room.objects[0]
    to_table = np.arctan2(table.y_m - timeline.position_m[..., 1], table.x_m - timeline.position_m[..., 0])
    off = np.abs(np.angle(np.exp(1j * (timeline.heading_rad - to_table))))[sitting]
    assert np.median(off) < 0.8
    assert timeline.in_room[-1] == 0


def test_postures_say_what_people_do(ten_minutes: Timeline) -> None:
    assert ten_minutes.posture is not None
    assert np.array_equal(ten_minutes.posture < 0, ten_minutes.person_index < 0)
    assert np.nanmin(ten_minutes.speed_mps[ten_minutes.posture == WALKING]) > 0.2
    assert (ten_minutes.posture == STANDING).sum() > 500


def test_lifts_bring_people_and_take_them_away() -> None:
    timeline = simulate(load_scenario("lift_lobby"), seconds=900, seed=1)
    seen = {(event.kind, event.door.split()[0]) for event in timeline.events}
    assert seen == {("enter", "hall"), ("leave", "hall"), ("enter", "lift"), ("leave", "lift")}


def test_the_office_day_has_its_hours() -> None:
    """Nobody at night; nearly everybody at their desks in the afternoon; some of them out for lunch."""
    day = load_scenario("open_plan_day")
    sat = {}
    for hour in (3.0, 10.6, 16.6, 21.0):
        timeline = simulate(day.model_copy(update={"start_hour": hour}), seconds=60, seed=1)
        assert timeline.posture is not None
        sat[hour] = int((timeline.posture[-1] == SITTING).sum())
    assert sat[3.0] == sat[21.0] == 0
    assert sat[16.6] >= 8


def test_who_comes_from_the_cold_is_colder_than_who_does_not() -> None:
    shop = load_scenario("shop_entrance")
    cold_k = np.array([person.cold_k for person in simulate(shop, seconds=600, seed=1).persons])
    assert 0.1 < (cold_k == 0).mean() < 0.4
    assert 5 < np.median(cold_k[cold_k > 0]) < 16
    warm = shop.model_copy(update={"room": shop.room.model_copy(update={"outdoor_degc": None})})
    assert {person.cold_k for person in simulate(warm, seconds=600, seed=1).persons} == {0.0}


def test_things_and_drift_are_handed_on() -> None:
    room = load_scenario("empty_room_with_radiator")
    timeline = simulate(room, seconds=1500, seed=1)
    assert {thing.kind for thing in timeline.objects} == {"furniture", "radiator", "screen", "sun_patch", "cup"}
    assert timeline.drift_k is not None
    assert timeline.drift_k.max() == pytest.approx(0.8, abs=1e-3)
    assert timeline.floor_gradient_k_per_m == (0.0, -0.2)
    assert timeline.in_room.max() == 0
