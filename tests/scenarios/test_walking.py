"""Figures of how people walk: free speed, and the flow through a door."""

from __future__ import annotations

import numpy as np
import pytest

from scenarios.room import Scenario, load_scenario
from scenarios.simulation import simulate


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


def test_free_walkers_are_as_fast_as_the_population() -> None:
    """N(1.34, 0.26) m/s (Weidmann 1993): the mean within 2 %, the spread as closely as 1,500 walkers show it."""
    walkers = hall(length_m=12.0, capacity=1, rate_per_hour=3000.0)
    speeds: list[float] = []
    for seed in range(2):
        timeline = simulate(walkers, seconds=12_000, seed=seed)
        index = timeline.person_index[:, 0]
        here = index >= 0
        frames = np.bincount(index[here])
        mean_mps = np.bincount(index[here], weights=timeline.speed_mps[here, 0]) / np.maximum(frames, 1)
        speeds += mean_mps[frames > 40].tolist()
    assert len(speeds) > 1500
    assert np.mean(speeds) == pytest.approx(1.34, rel=0.02)
    assert np.std(speeds) == pytest.approx(0.26, rel=0.05)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_flow_through_a_door_saturates_where_it_was_measured(seed: int) -> None:
    """1.2 to 1.9 persons per metre and second (Seyfried et al., arXiv:0810.1945) at the door people queue for."""
    timeline = simulate(hall(), seconds=200, seed=seed)
    for kind in ("enter", "leave"):
        passed = sum(event.kind == kind for event in timeline.events)
        assert 1.2 < passed / 200 / 1.0 < 1.9
    assert timeline.in_room.mean() > 8
