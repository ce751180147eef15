"""Ranges of values and drawing from them."""

from __future__ import annotations

import numpy as np
import pytest

from datasheet.quantity import Evidence, Quantity
from twin.energy.sensitivity import tornado
from twin.energy.uncertainty import Draws, Sampled, Typical, plausible_range


def quantity(
    value: float, evidence: Evidence = "datasheet", low: float | None = None, high: float | None = None
) -> Quantity:
    return Quantity(value, "A", "a test", evidence, low, high)


@pytest.mark.parametrize(("evidence", "spread"), [("measured", 0.05), ("datasheet", 0.1), ("assumed", 0.3)])
def test_without_a_range_the_evidence_gives_one(evidence: Evidence, spread: float) -> None:
    assert plausible_range(quantity(2.0, evidence)) == pytest.approx((2 - 2 * spread, 2 + 2 * spread))


def test_a_missing_end_follows_from_the_evidence() -> None:
    assert plausible_range(quantity(2.0, "datasheet", high=5.0)) == pytest.approx((1.8, 5.0))


def test_draws_stay_in_the_range_and_gather_at_the_value() -> None:
    drawn = Sampled(1, 20_000).of("a.key", quantity(2.0, low=1.0, high=5.0))
    assert drawn.min() >= 1
    assert drawn.max() <= 5
    assert drawn.mean() == pytest.approx((1 + 2 + 5) / 3, rel=0.01)


def test_the_same_key_gives_the_same_draws_and_another_key_others() -> None:
    one = quantity(2.0)
    first, again, other = (Sampled(1, 50).of(key, one) for key in ("a", "a", "b"))
    np.testing.assert_array_equal(first, again)
    assert abs(np.corrcoef(first, other)[0, 1]) < 0.5


def test_a_value_without_spread_is_itself() -> None:
    np.testing.assert_array_equal(Sampled(1, 3).of("a", quantity(2.0, low=2.0, high=2.0)), [2.0, 2.0, 2.0])


def test_the_tornado_moves_one_value_at_a_time() -> None:
    """A life of capacity / (a + b): each end is computed with the other value as stated, greatest swing first."""
    capacity, a, b = quantity(10.0, low=10, high=10), quantity(1.0, low=0.5, high=2.0), quantity(1.0, low=0.9, high=1.1)

    def life_s(draws: Draws) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.asarray(draws.of("c", capacity) / (draws.of("a", a) + draws.of("b", b)))

    first, second = tornado(life_s)
    assert (first.key, second.key) == ("a", "b")
    assert (first.at_low_s, first.at_high_s) == pytest.approx((10 / 1.5, 10 / 3))
    assert (second.at_low_s, second.at_high_s) == pytest.approx((10 / 1.9, 10 / 2.1))


def test_values_can_be_put_in_by_hand() -> None:
    draws = Typical({"a": np.array([1.0, 2.0])}, 2)
    np.testing.assert_array_equal(draws.of("a", quantity(5.0)), [1.0, 2.0])
    np.testing.assert_array_equal(draws.of("b", quantity(5.0)), [5.0, 5.0])
