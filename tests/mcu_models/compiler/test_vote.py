"""The most frequent of the last counts is the answer."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu_models.compiler.vote import LARGEST_VOTES, voted


@given(st.lists(st.integers(0, 4), min_size=1, max_size=40), st.integers(1, LARGEST_VOTES))
def test_the_answer_is_as_defined(count: list[int], votes: int) -> None:
    """Of the last counts the most frequent; of equally frequent ones the one counted last."""
    expected = []
    for frame in range(len(count)):
        ballots = count[max(frame - votes + 1, 0) : frame + 1]
        most = max(Counter(ballots).values())
        expected.append(next(one for one in ballots[::-1] if ballots.count(one) == most))
    assert voted(np.array(count), votes).tolist() == expected


@pytest.mark.parametrize(
    ("votes", "expected"), [(1, [3, 0, 0, 1, 1, 2]), (2, [3, 0, 0, 1, 1, 2]), (3, [3, 0, 0, 0, 1, 1])]
)
def test_a_worked_example(votes: int, expected: list[int]) -> None:
    assert voted(np.array([3, 0, 0, 1, 1, 2]), votes).tolist() == expected
