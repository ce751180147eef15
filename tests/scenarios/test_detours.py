"""Ways around those who stand: as short as they can be, and none where there is none."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.detours import is_clear, way_around
from scenarios.room import Scenario, load_scenario
from scenarios.simulation import simulate
from scenarios.timeline import SITTING

if TYPE_CHECKING:
    from numpy.typing import NDArray

NO_CORNERS = np.empty((0, 2))
HALL_M = np.array([[0, 0, 10, 0], [10, 0, 10, 4], [10, 4, 0, 4], [0, 4, 0, 0]], dtype=np.float64)


def way(discs_m: list[tuple[float, float, float]], start_m: tuple[float, float] = (1.0, 2.0)) -> NDArray[np.float64]:
    """Return the way through a hall of 10 m by 4 m, from west to east."""
    return way_around(np.array(start_m), np.array([9.0, 2.0]), NO_CORNERS, np.array(discs_m).reshape(-1, 3), HALL_M)


def test_where_nobody_stands_the_way_is_straight() -> None:
    assert way([]).tolist() == [[9.0, 2.0]]


def test_around_one_person_the_way_is_that_of_a_taut_string() -> None:
    """Two tangents and an arc, to within 1 % for bending at corners instead."""
    radius_m = 0.6
    points = [(1.0, 2.0), *map(tuple, way([(5.0, 2.0, radius_m)]))]
    length_m = sum(math.dist(one, other) for one, other in pairwise(points))
    tangent_m, angle_rad = math.sqrt(4.0**2 - radius_m**2), math.acos(radius_m / 4.0)
    taut_m = 2 * tangent_m + radius_m * (math.pi - 2 * angle_rad)
    assert taut_m <= length_m < 1.01 * taut_m


@pytest.mark.parametrize(("gap_m", "passes"), [(0.05, True), (-0.05, False)])
def test_one_passes_a_gap_that_is_wide_enough(gap_m: float, *, passes: bool) -> None:
    """Three discs from wall to wall, with a gap between two of them or none."""
    radius_m = (4.0 - gap_m) / 4
    found = way([(5.0, radius_m, radius_m), (5.0, 4.0 - radius_m, radius_m)])
    assert (len(found) > 0) == passes


@given(
    discs_m=st.lists(st.tuples(st.floats(2.0, 8.0), st.floats(0.0, 4.0), st.floats(0.1, 0.9)), min_size=1, max_size=6),
    y_m=st.floats(0.5, 3.5),
)
def test_no_way_leads_through_anybody(discs_m: list[tuple[float, float, float]], y_m: float) -> None:
    found = way(discs_m, (1.0, y_m))
    for one, other in pairwise([(1.0, y_m), *map(tuple, found)] if len(found) else []):
        assert is_clear(*one, *other, np.array(discs_m))
        assert 0 <= other[1] <= 4


def test_who_cannot_get_to_a_seat_takes_another() -> None:
    """Somebody sits in the opening of a niche for hours; who wanted to sit in the niche sits elsewhere."""
    office = load_scenario("office_doorway")
    in_the_niche, elsewhere, in_the_opening = (3.1, 4.4), (1.0, 4.4), (3.4, 3.4)
    seat = {"posture": "sitting", "zone": "meeting"}
    scenario = Scenario.model_validate(
        office.model_dump()
        | {
            "walls": ({"points_m": ((2.0, 5.0), (2.0, 3.4), (2.8, 3.4))},),
            "places": (
                {"x_m": in_the_niche[0], "y_m": in_the_niche[1], "weight": 1e6} | seat,
                {"x_m": elsewhere[0], "y_m": elsewhere[1], "weight": 1e-6} | seat,
                {"x_m": in_the_opening[0], "y_m": in_the_opening[1], "posture": "sitting"},
            ),
            "meetings": ({"start_hour": 0.1, "minutes": 10.0, "attendees": 1, "zone": "meeting"},),
            "arrivals": office.arrivals.model_dump()
            | {"rate_per_hour": 10_000.0, "capacity": 1, "linger_median_s": 86_400.0, "linger_spread": 0.0},
        }
    )
    timeline = simulate(scenario, seconds=420, seed=1)
    assert timeline.posture is not None
    sits_m = timeline.position_m[-1][timeline.posture[-1] == SITTING]
    taken = sorted(
        min((elsewhere, in_the_niche, in_the_opening), key=lambda at: math.dist(at, here)) for here in sits_m
    )
    assert taken == [elsewhere, in_the_opening]
