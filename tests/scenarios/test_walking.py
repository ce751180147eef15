"""Figures of how people walk: free speed, and the flow through doors."""

from __future__ import annotations

from itertools import cycle
from statistics import NormalDist

import numpy as np
import pytest

from scenarios import world
from scenarios.people import draw_walking_speed_mps
from scenarios.room import Scenario, load_scenario
from scenarios.simulation import simulate

FREE_SPEED = NormalDist(1.34, 0.26)
"""Weidmann 1993, Transporttechnik der Fussgaenger, ETH Zurich."""


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
                "rate_per_hour": 10_000.0, "capacity": 60, "linger_median_s": 1.0, "linger_spread": 0.0,
                "visits_mean": 1.0, "passing_ratio": 1.0, "exit_door": "other",
            } | arrivals,
            "population": office.population.model_dump(),
            "sensor_mount": office.sensor_mount.model_dump(),
        }
    )  # fmt: skip


def test_free_walkers_go_as_fast_as_they_want(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mean and spread within 2 % of N(1.34, 0.26) m/s.

    Five hundred people, alone in a room of 12 m, who want to walk at the mid-quantiles of the distribution: so what
    steering does to the speed shows without the sampling error of 6 % that the spread of so many draws would have.
    """
    people = 500
    wanted_mps = [FREE_SPEED.inv_cdf((index + 0.5) / people) for index in range(people)]
    queue = cycle(np.random.default_rng(1).permutation(wanted_mps))
    monkeypatch.setattr(world, "draw_walking_speed_mps", lambda _population, _rng: float(next(queue)))
    walked_mps: dict[int, float] = {}
    timeline = simulate(hall(length_m=12.0, capacity=1, rate_per_hour=10_000.0), seconds=6500, seed=1)
    amid = (timeline.position_m[:, 0, 0] > 1) & (timeline.position_m[:, 0, 0] < 11)
    for index in np.unique(timeline.person_index[amid, 0]):
        passage = np.flatnonzero(amid & (timeline.person_index[:, 0] == index))
        walked_m = np.linalg.norm(np.diff(timeline.position_m[passage, 0], axis=0), axis=1).sum()
        walked_mps[int(index)] = walked_m / (timeline.time_s[passage[-1]] - timeline.time_s[passage[0]])
    complete = sorted(walked_mps.items())[1 : people + 1]
    speeds = np.array([speed_mps for _, speed_mps in complete])
    assert len(speeds) == people
    assert speeds.mean() == pytest.approx(FREE_SPEED.mean, rel=0.02)
    assert speeds.std() == pytest.approx(FREE_SPEED.stdev, rel=0.02)
    np.testing.assert_allclose(np.sort(speeds), wanted_mps, rtol=0.02)


def test_wanted_speeds_are_those_of_the_population() -> None:
    """Mean and spread within 2 %, which is four standard errors of the spread of 20,000 draws."""
    population, rng = load_scenario("office_doorway").population, np.random.default_rng(1)
    wanted_mps = np.array([draw_walking_speed_mps(population, rng) for _ in range(20_000)])
    assert wanted_mps.mean() == pytest.approx(FREE_SPEED.mean, rel=0.02)
    assert wanted_mps.std() == pytest.approx(FREE_SPEED.stdev, rel=0.02)
    for share in (0.1, 0.25, 0.5, 0.75, 0.9):
        assert np.quantile(wanted_mps, share) == pytest.approx(FREE_SPEED.inv_cdf(share), abs=0.01)


@pytest.mark.parametrize(("width_m", "seed"), [(0.8, 1), (1.0, 1), (1.0, 2), (1.2, 1), (2.0, 1)])
def test_the_flow_through_a_door_saturates_where_it_was_measured(width_m: float, seed: int) -> None:
    """1.2 to 1.9 persons per metre and second (Seyfried et al., arXiv:0810.1945) at the door people queue for."""
    scenario = hall(width_m=width_m, capacity=45)
    # More than scenario files may ask for, so that people queue before the widest door too.
    arrivals = scenario.arrivals.model_copy(update={"rate_per_hour": 8500.0 * width_m})
    timeline = simulate(scenario.model_copy(update={"arrivals": arrivals}), seconds=120, seed=seed)
    for kind in ("enter", "leave"):
        passed = sum(event.kind == kind for event in timeline.events)
        assert 1.2 < passed / 120 / width_m < 1.9
    assert timeline.in_room.mean() > 8
