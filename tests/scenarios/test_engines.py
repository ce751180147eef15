"""Which engine moves people who walk, and what JuPedSim must keep to where it is installed."""

from __future__ import annotations

import importlib.util
import sys
from importlib import resources
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pytest
import shapely

from datasheet.bad_input import BadInputError
from scenarios.geometry import walkable_floor
from scenarios.room import CrowdModel, Scenario, load_scenario, read_scenario
from scenarios.simulation import simulate, simulate_chunks
from scenarios.steering import SEPARATION_M
from scenarios.world import World

if TYPE_CHECKING:
    from pathlib import Path

    from scenarios.timeline import Timeline

OFFICE = (resources.files("scenarios.library") / "office_doorway.toml").read_text()

needs_jupedsim = pytest.mark.skipif(
    importlib.util.find_spec("jupedsim") is None, reason="needs JuPedSim: pip install 'edge-sensor-twin[crowd]'"
)


def with_jupedsim(scenario: Scenario) -> Scenario:
    return scenario.model_copy(update={"crowd": CrowdModel(engine="jupedsim")})


def office_file(folder: Path, engine: str) -> Path:
    path = folder / "room.toml"
    path.write_text(f'{OFFICE}\n[crowd]\nengine = "{engine}"\n')
    return path


def hall(*, width_m: float = 1.0, length_m: float = 8.0, **arrivals: object) -> Scenario:
    """Return a hall through which people walk from the west door to the east door."""
    office = load_scenario("office_doorway")
    return Scenario.model_validate(
        {
            "name": "hall",
            "description": "people walk through",
            "room": office.room.model_dump() | {"size_x_m": length_m, "size_y_m": 3.0},
            "doors": (
                {"wall": "west", "centre_m": 1.5, "width_m": width_m, "direction": "in"},
                {"wall": "east", "centre_m": 1.5, "width_m": width_m, "direction": "out"},
            ),
            "arrivals": {
                "rate_per_hour": 8500.0, "capacity": 45, "linger_median_s": 1.0, "linger_spread": 0.0,
                "visits_mean": 1.0, "passing_ratio": 1.0, "exit_door": "other",
            } | arrivals,
            "population": office.population.model_dump(),
            "sensor_mount": office.sensor_mount.model_dump(),
            "crowd": {"engine": "jupedsim"},
        }
    )  # fmt: skip


def check_distances(scenario: Scenario, timeline: Timeline) -> None:
    """Assert that nobody is in a wall, in furniture or in anybody, as for the built-in engine."""
    present = timeline.person_index >= 0
    assert shapely.contains_xy(walkable_floor(scenario).buffer(1e-6), timeline.position_m[present]).all()
    breadths_m = np.array([*(person.shoulder_breadth_m for person in timeline.persons), np.nan])
    half_m = breadths_m[timeline.person_index] / 2
    for one, other in combinations(range(timeline.person_index.shape[1]), 2):
        both = present[:, one] & present[:, other]
        apart_m = np.linalg.norm(timeline.position_m[both, one] - timeline.position_m[both, other], axis=1)
        assert (apart_m >= np.maximum(half_m[both, one] + half_m[both, other], SEPARATION_M) - 1e-6).all()


def test_the_built_in_engine_is_the_default(tmp_path: Path) -> None:
    assert read_scenario(office_file(tmp_path, "built_in")) == load_scenario("office_doorway")


def test_an_unknown_engine_is_refused_by_key(tmp_path: Path) -> None:
    with pytest.raises(BadInputError) as caught:
        read_scenario(office_file(tmp_path, "jupiter"))
    assert caught.value.key == "crowd.engine"
    assert "'built_in' or 'jupedsim'" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_the_package_the_file_is_refused_by_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jupedsim", None)
    path = office_file(tmp_path, "jupedsim")
    with pytest.raises(BadInputError) as caught:
        read_scenario(path)
    assert str(caught.value).startswith(f"{path}: crowd.engine is 'jupedsim'; must be \"built_in\"")
    assert "edge-sensor-twin[crowd]" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_the_package_no_world_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the scenario does not come from a file."""
    monkeypatch.setitem(sys.modules, "jupedsim", None)
    with pytest.raises(BadInputError, match=r"crowd\.engine"):
        World(with_jupedsim(load_scenario("office_doorway")), seed=1)


@needs_jupedsim
@pytest.mark.parametrize("name", ["office_doorway", "shop_entrance", "corridor_two_way"])
def test_the_same_seed_gives_the_same_bytes_in_one_piece_and_in_chunks(name: str) -> None:
    busy = with_jupedsim(load_scenario(name)).model_copy(update={"start_hour": 12.0})
    whole, again = (simulate(busy, seconds=60, seed=5) for _ in range(2))
    pieces = list(simulate_chunks(busy, seconds=60, seed=5, chunk_s=7.0))
    assert whole.in_room.max() > 1
    assert whole.position_m.tobytes() == again.position_m.tobytes()
    assert whole.position_m.tobytes() == np.concatenate([piece.position_m for piece in pieces]).tobytes()
    assert whole.heading_rad.tobytes() == np.concatenate([piece.heading_rad for piece in pieces]).tobytes()


@needs_jupedsim
def test_it_is_not_the_built_in_engine_that_walks() -> None:
    office = load_scenario("office_doorway")
    built_in, jupedsim = (simulate(scenario, seconds=60, seed=1) for scenario in (office, with_jupedsim(office)))
    assert built_in.persons[0] == jupedsim.persons[0]
    assert built_in.position_m.tobytes() != jupedsim.position_m.tobytes()


@needs_jupedsim
@pytest.mark.parametrize(
    ("name", "hour", "busy"),
    [
        ("shop_entrance", 17.0, 3.0),
        ("lift_lobby", 8.5, 1.0),
        ("corridor_two_way", 12.0, 3.0),
        ("meeting_room", 9.95, 1.0),
        ("open_plan_day", 9.45, 1.0),
    ],
)
def test_nobody_is_inside_anybody_or_anything(name: str, hour: float, busy: float) -> None:
    """Also between the steps of the simulation."""
    scenario = with_jupedsim(load_scenario(name))
    rate_per_hour = busy * scenario.arrivals.highest_rate_per_hour
    arrivals = scenario.arrivals.model_copy(update={"rate_per_hour": rate_per_hour, "schedule": ()})
    scenario = scenario.model_copy(update={"start_hour": hour, "arrivals": arrivals})
    timeline = simulate(scenario, seconds=200, seed=2, frame_rate_hz=32.0)
    assert timeline.in_room.max() > 2
    check_distances(scenario, timeline)


@needs_jupedsim
def test_a_lone_walker_goes_as_fast_as_they_want() -> None:
    """Within 0.5 %, for one after the other in a hall of 12 m."""
    scenario = hall(length_m=12.0, capacity=1)
    world = World(scenario, seed=1)
    walker = world.newcomer()
    world.env.process(world.come_in(walker, 0))
    world.run_until(1)
    world.crowd.walk(walker, (11.0, 1.5))
    world.run_until(20)
    (begin_m, _), begin_tick = world.crowd.position(walker), world.env.now
    world.run_until(begin_tick + 40)
    walked_mps = (world.crowd.position(walker)[0] - begin_m) / ((world.env.now - begin_tick) * 0.1)
    assert walked_mps == pytest.approx(walker.speed_mps, rel=5e-3)


@needs_jupedsim
@pytest.mark.parametrize("width_m", [0.8, 1.0, 1.2, 2.0])
def test_the_flow_through_a_door_saturates_where_it_was_measured(width_m: float) -> None:
    """1.2 to 1.9 persons per metre and second (Seyfried et al., arXiv:0810.1945), people queueing."""
    scenario = hall(width_m=width_m)
    arrivals = scenario.arrivals.model_copy(update={"rate_per_hour": 8500.0 * width_m})
    timeline = simulate(scenario.model_copy(update={"arrivals": arrivals}), seconds=120, seed=1)
    passed = sum(event.kind == "leave" for event in timeline.events)
    assert 1.2 < passed / 120 / width_m < 1.9
    assert timeline.in_room.mean() > 8


@needs_jupedsim
def test_who_leaves_the_floor_of_jupedsim_is_put_back() -> None:
    """JuPedSim stops when anybody is off its floor; the run goes on, with nobody off ours."""
    from scenarios import jupedsim_engine  # noqa: PLC0415

    class Adrift:
        """A simulation that stops in every thirtieth iteration."""

        def __init__(self, simulation: object) -> None:
            self._simulation = simulation
            self._iterations = 0

        def __getattr__(self, name: str) -> object:
            return getattr(self._simulation, name)

        def iterate(self) -> None:
            self._iterations += 1
            if self._iterations % 30 == 0:
                raise RuntimeError("Point is outside of accessible area")
            self._simulation.iterate()  # type: ignore[attr-defined]

    begun: list[Adrift] = []

    class Engine(jupedsim_engine.JuPedSimEngine):
        def _begin(self) -> None:
            super()._begin()
            self._simulation = Adrift(self._simulation)
            begun.append(self._simulation)

    scenario = hall()
    world = World(scenario, seed=1)
    world.crowd._engine = Engine(world.crowd.floor)
    walker = world.newcomer()
    world.env.process(world.come_in(walker, 0))
    world.run_until(1)
    arrived = world.crowd.walk(walker, (7.0, 1.5))
    world.run_until(200)
    assert arrived.processed
    assert len(begun) > 3
