"""People over time: where they may be, how fast they go, and that chance is repeatable."""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from scenarios import simulation
from scenarios.geometry import OUTSIDE_M, walkable_floor
from scenarios.room import Door, Scenario, load_scenario
from scenarios.sampling import sample_traces
from scenarios.simulation import simulate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenarios.sampling import Trace
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

    floor = walkable_floor(office.room, office.doors).buffer(1e-6)
    present = ten_minutes.person_index >= 0
    assert shapely.contains_xy(floor, ten_minutes.position_m[present]).all()


def test_nobody_is_inside_anybody(ten_minutes: Timeline) -> None:
    position_m = ten_minutes.position_m
    for one, other in combinations(range(3), 2):
        distance_m = np.linalg.norm(position_m[:, one] - position_m[:, other], axis=1)
        assert np.nanmin(distance_m) > 0.45


def test_nobody_runs_or_jumps(ten_minutes: Timeline) -> None:
    same = ten_minutes.person_index[1:] == ten_minutes.person_index[:-1]
    step_m = np.linalg.norm(np.diff(ten_minutes.position_m, axis=0), axis=2)
    assert np.nanmax(np.where(same, step_m, np.nan)) < 0.25
    assert np.nanmax(ten_minutes.speed_mps) < 2.2


def test_people_who_linger_are_not_statues(ten_minutes: Timeline) -> None:
    slow = ten_minutes.speed_mps < 0.3
    assert slow.sum() > 500
    assert np.mean(ten_minutes.speed_mps[slow] > 0.005) > 0.5


def test_free_walking_speed_is_that_of_the_population(office: Scenario) -> None:
    speeds = np.concatenate([simulate(office, seconds=300, seed=seed).speed_mps.ravel() for seed in range(3)])
    assert 1.1 < np.median(speeds[speeds > 0.6]) < 1.6


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
def test_with_two_doors_nobody_vanishes(crowd: Scenario, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """At every frame as many slots are occupied as people have come through a door and not yet left."""
    kept: list[Trace] = []

    def keep(scenario: Scenario, traces: list[Trace], time_s: NDArray[np.float64]) -> Timeline:
        kept.extend(traces)
        return sample_traces(scenario, traces, time_s)

    monkeypatch.setattr(simulation, "sample_traces", keep)
    timeline = simulate(crowd, seconds=300, seed=seed)
    spans_s = np.array([(trace.steps[0][0], trace.steps[-1][0]) for trace in kept if trace.steps])
    time_s = timeline.time_s[:, np.newaxis] + 1e-6
    present = ((spans_s[:, 0] <= time_s) & (time_s < spans_s[:, 1])).sum(axis=1)
    assert np.array_equal((timeline.person_index >= 0).sum(axis=1), present)
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


def test_groups_are_delayed_by_the_time_a_group_takes_to_arrive(office: Scenario) -> None:
    """Groups begin every 3600 s / rate + 2 s * p / (1 - p), as the scenario's documentation says."""
    ratio, rate_per_hour, hours = 0.5, 600.0, 4
    arrivals = office.arrivals.model_copy(
        update={"accompanied_ratio": ratio, "rate_per_hour": rate_per_hour, "capacity": 20, "linger_median_s": 1.0}
    )
    world = simulation._World(office.model_copy(update={"arrivals": arrivals}), seed=1)
    arrived: list[float] = []

    class Doorkeeper(list[object]):
        """A full room, which notes who finds it full."""

        def __len__(self) -> int:
            arrived.append(world.env.now)
            return 20

    world.present = Doorkeeper()  # type: ignore[assignment]
    world.run(hours * 3600)
    per_group = 1 / (1 - ratio)
    expected = hours * 3600 / (3600 / rate_per_hour + 2 * ratio / (1 - ratio)) * per_group
    assert len(arrived) == pytest.approx(expected, rel=0.05)
