"""Figures, folds, weights and schedules, beside scikit-learn and worked examples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, mean_absolute_error, mean_squared_error

from mcu_models.compiler import vote
from training.protocol import (
    PLATEAU_FACTOR,
    Fold,
    Plateau,
    as_json,
    class_weights,
    cosine_rate,
    folds,
    metrics,
    over_folds,
    voted,
)

PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60)


@given(PAIRS)
def test_figures_agree_with_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    truth, counted = np.array(pairs).T
    found = metrics(truth, counted)
    recalls = [np.mean(counted[truth == one] == one) for one in np.unique(truth)]
    assert found.balanced_accuracy == pytest.approx(np.mean(recalls))
    assert found.accuracy == pytest.approx(np.mean(truth == counted))
    assert found.weighted_f1 == pytest.approx(f1_score(truth, counted, average="weighted", zero_division=0))
    assert found.mse == pytest.approx(mean_squared_error(truth, counted))
    assert found.mae == pytest.approx(mean_absolute_error(truth, counted))
    assert np.sum(found.matrix) == found.frames == len(pairs)


def test_folds_weigh_as_much_as_they_have_frames() -> None:
    parts = [
        as_json(metrics(np.array([0, 1]), np.array([0, 1]))),
        as_json(metrics(np.zeros(6, int), np.array([0, 0, 0, 1, 1, 1]))),
    ]
    found = over_folds(parts)
    assert found["accuracy"]["mean"] == pytest.approx((2 * 1.0 + 6 * 0.5) / 8)
    assert found["accuracy"]["deviation"] == pytest.approx(np.sqrt((2 * 0.375**2 + 6 * 0.125**2) / 8))


def test_every_session_but_the_first_is_left_out_once() -> None:
    assert folds([1, 2, 3]) == [Fold(2, (1, 3)), Fold(3, (1, 2))]
    assert folds([2, 3]) == [Fold(2, (3,)), Fold(3, (2,))]
    assert folds([2]) == []


def test_class_weights_make_every_count_weigh_the_same() -> None:
    count = np.array([0] * 6 + [1] * 3 + [3])
    weights = class_weights(count)
    assert [weights[one] * np.sum(count == one) for one in (0, 1, 3)] == pytest.approx([10 / 3] * 3)
    assert weights[2] == 0
    assert weights[count].mean() == pytest.approx(1)


def test_the_rate_falls_after_five_epochs_without_progress_and_training_ends_after_ten() -> None:
    plateau = Plateau(1.0)
    for loss in (3.0, 2.0, 2.0, 2.0, 2.0, 2.0):
        plateau.after_epoch(loss)
    assert (plateau.rate, plateau.stops) == (1.0, False)
    plateau.after_epoch(2.0)
    assert plateau.rate == pytest.approx(PLATEAU_FACTOR)
    for _ in range(4):
        plateau.after_epoch(2.0)
    assert not plateau.stops
    plateau.after_epoch(2.0)
    assert plateau.stops


def test_progress_starts_the_patience_anew() -> None:
    plateau = Plateau(1.0)
    for loss in np.linspace(5, 1, 30):
        plateau.after_epoch(float(loss))
    assert (plateau.rate, plateau.stops) == (1.0, False)


def test_the_cosine_goes_from_the_first_rate_through_its_half_to_zero() -> None:
    assert [cosine_rate(0.4, done) for done in (0, 0.5, 1)] == pytest.approx([0.4, 0.2, 0])


@given(st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=12), min_size=1, max_size=4), st.integers(1, 9))
def test_blocks_vote_by_themselves_as_on_the_microcontroller(blocks: list[list[int]], votes: int) -> None:
    lengths = [len(block) for block in blocks]
    start = np.repeat(np.cumsum([0, *lengths[:-1]]), lengths)
    expected = [vote.voted(np.array(block), votes).tolist() for block in blocks]
    assert voted(np.concatenate(blocks), start, votes).tolist() == [count for block in expected for count in block]


def test_a_vote_takes_the_most_frequent_and_of_equals_the_latest() -> None:
    counted = np.array([1, 1, 0, 0, 2, 3, 3, 0])
    start = np.array([0, 0, 0, 0, 0, 5, 5, 5])
    assert voted(counted, start, 3).tolist() == [1, 1, 1, 0, 0, 3, 3, 3]
    assert voted(counted, start, 1).tolist() == counted.tolist()
    assert voted(np.array([0, 1, 2]), np.zeros(3, int), 3).tolist() == [0, 1, 2]
