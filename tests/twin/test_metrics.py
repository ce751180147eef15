"""Accuracy figures against worked examples and plain arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.metrics import count_accuracy

COUNTS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60)


def test_a_worked_example() -> None:
    truth = np.array([0, 0, 0, 0, 1, 1, 2, 3])
    count = np.array([0, 0, 0, 1, 1, 0, 2, 1])
    got = count_accuracy(truth, count)
    assert got.balanced_accuracy == pytest.approx((3 / 4 + 1 / 2 + 1 + 0) / 4)
    assert got.accuracy == pytest.approx(5 / 8)
    assert got.mse == pytest.approx((1 + 1 + 4) / 8)
    assert got.mae == pytest.approx((1 + 1 + 2) / 8)
    assert got.confusion == ((3, 1, 0, 0), (1, 1, 0, 0), (0, 0, 1, 0), (0, 1, 0, 0))


def test_classes_that_never_occur_do_not_count() -> None:
    """A wrong answer of a class that is not there lowers the recall of the others only."""
    assert count_accuracy(np.array([0, 0, 1, 1]), np.array([0, 3, 1, 1])).balanced_accuracy == pytest.approx(0.75)


def test_an_unanswered_frame_is_a_wrong_one() -> None:
    assert count_accuracy(np.array([0, 1]), np.array([0, -1])).accuracy == pytest.approx(0.5)


@given(COUNTS)
def test_the_confusion_matrix_holds_every_frame_and_gives_the_accuracy(pairs: list[tuple[int, int]]) -> None:
    truth, count = np.array(pairs).T
    got = count_accuracy(truth, count)
    matrix = np.array(got.confusion)
    assert matrix.sum() == len(pairs)
    assert got.accuracy == pytest.approx(np.trace(matrix) / len(pairs))
    recalls = [matrix[k, k] / matrix[k].sum() for k in range(len(matrix)) if matrix[k].sum()]
    assert got.balanced_accuracy == pytest.approx(np.mean(recalls))
