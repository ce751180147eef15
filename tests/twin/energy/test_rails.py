"""Rails: what consumers draw, what the battery gives, and that nothing gets lost in between."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasheet.quantity import Quantity
from twin.energy.draw import Draw
from twin.energy.rails import Part, RailLoad, average, budget_w, instant
from twin.energy.regulator import REGULATORS, load_regulator
from twin.energy.uncertainty import Draws, Sampled, Typical

BATTERY_V = 3.7
REGULATORS_OF_THE_LIBRARY = ("ideal_linear", "tps7a02", "mcp1700", "tps62840", "tps63900")


def draw(consumer: str, current_a: float, *, rail: str = "rail") -> Draw:
    quantity = Quantity(current_a, "A", "a test", "measured", 0.8 * current_a, 1.3 * current_a)
    return Draw(consumer, rail, f"{consumer}.current", quantity)


def rail(regulator: str, always_a: float, parts: list[tuple[float, float]], supply_v: float = 1.8) -> RailLoad:
    """Return a rail with something always on and parts of a share and a current each."""
    return RailLoad(
        supply_v=supply_v,
        lowest_v=1.71,
        regulator=load_regulator(regulator),
        always=(draw("always", always_a),),
        parts=tuple(
            Part(f"part {i}", np.array([share]), 1.0, (draw(f"part {i}", current_a),))
            for i, (share, current_a) in enumerate(parts)
        ),
    )


currents = st.floats(1e-8, 0.1)


@st.composite
def loads(draw_from: st.DrawFn) -> tuple[float, list[tuple[float, float]]]:
    """Return a current that always flows, and parts whose shares are 1 together at most."""
    weights = draw_from(st.lists(st.floats(0.001, 1.0), min_size=1, max_size=6))
    left = draw_from(st.floats(0.0, 1.0))
    whole = sum(weights) + left
    return draw_from(currents), [(weight / whole, draw_from(currents)) for weight in weights]


@given(
    regulator=st.sampled_from(REGULATORS_OF_THE_LIBRARY),
    load=loads(),
    draws=st.sampled_from([Typical(), Sampled(3, 5)]),
)
def test_consumers_and_heat_are_what_the_battery_gives_part_after_part(
    regulator: str, load: tuple[float, list[tuple[float, float]]], draws: Draws
) -> None:
    """The sum over consumers equals the integral over a timeline that plays the parts one after the other."""
    one = rail(regulator, *load)
    budget = budget_w({"rail": one}, draws, BATTERY_V)
    hour_s, played_j, rest_s = 3600.0, np.zeros(draws.number), 3600.0
    for part in one.parts:
        seconds = float(part.share[0]) * hour_s
        played_j = played_j + instant(one, part, draws).at_w(BATTERY_V) * seconds
        rest_s -= seconds
    played_j = played_j + instant(one, None, draws).at_w(BATTERY_V) * max(rest_s, 0.0)
    np.testing.assert_allclose(sum(budget.values()) * hour_s, played_j, rtol=1e-9)
    assert (budget[REGULATORS] >= -1e-15).all()


@given(regulator=st.sampled_from(REGULATORS_OF_THE_LIBRARY), load=loads())
def test_each_consumer_has_its_own_current_at_its_own_rail(
    regulator: str, load: tuple[float, list[tuple[float, float]]]
) -> None:
    """Current times share times the rail's voltage, by hand: heat, which is the rest, cannot hide what is missing."""
    always_a, parts = load
    budget = budget_w({"rail": rail(regulator, *load)}, Typical(), BATTERY_V)
    assert budget["always"][0] == pytest.approx(always_a * 1.8, rel=1e-9)
    for index, (share, current_a) in enumerate(parts):
        assert budget[f"part {index}"][0] == pytest.approx(share * current_a * 1.8, rel=1e-9)


def test_a_linear_regulator_passes_the_current_on() -> None:
    """Without losses of its own it takes the rail's current from the battery, whatever the battery's voltage."""
    given_ = average(rail("ideal_linear", 1e-3, [(0.25, 8e-3)]), Typical())
    assert given_.current_a[0] == pytest.approx(1e-3 + 0.25 * 8e-3)
    assert given_.power_w[0] == 0


def test_a_converter_takes_power() -> None:
    """Behind a buck converter the current falls as the battery's voltage rises."""
    given_ = average(rail("tps62840", 0.0, [(1.0, 8e-3)]), Typical())
    assert given_.power_w[0] > 1.8 * 8e-3
    assert given_.power_w[0] < 1.8 * 8e-3 / 0.8
    low, high = ((given_.current_a + given_.power_w / volts)[0] for volts in (3.0, 4.2))
    assert low / high == pytest.approx(4.2 / 3.0, rel=1e-3)


def test_efficiency_goes_by_what_flows_at_the_same_time() -> None:
    """A converter that works at a tenth of the time is not one that works at a tenth of the current."""
    bursts = average(rail("tps62840", 0.0, [(0.001, 10e-3)]), Typical()).at_w(BATTERY_V)
    steady = average(rail("tps62840", 0.0, [(1.0, 10e-6)]), Typical()).at_w(BATTERY_V)
    assert not math.isclose(bursts[0], steady[0], rel_tol=0.01)
