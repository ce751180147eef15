"""From an event to its answer."""

from __future__ import annotations

import numpy as np
import pytest

from twin.latency import event_to_answer_s

PERIOD_S = 0.1
DELAY_S = 0.055


def waits(truth: list[int], count: list[int]) -> list[float]:
    delays = np.full(len(truth), DELAY_S)
    got = event_to_answer_s(np.array(truth), np.array(count), delays, period_s=PERIOD_S)
    return got.tolist()


def test_an_answer_in_the_first_frame_waits_half_a_period_and_the_delay() -> None:
    assert waits([0, 0, 1, 1], [0, 0, 1, 1]) == pytest.approx([PERIOD_S / 2 + DELAY_S])


def test_a_late_answer_waits_whole_periods_more() -> None:
    assert waits([0, 0, 1, 1, 1], [0, 0, 0, 0, 1]) == pytest.approx([2.5 * PERIOD_S + DELAY_S])


def test_a_change_that_is_over_before_it_is_answered_does_not_count() -> None:
    assert waits([0, 1, 0, 0], [0, 0, 0, 0]) == pytest.approx([PERIOD_S / 2 + DELAY_S])


def test_no_change_no_wait() -> None:
    assert waits([1, 1, 1], [0, 1, 2]) == []
