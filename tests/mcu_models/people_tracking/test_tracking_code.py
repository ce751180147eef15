"""The firmware's doorway counter: answer for answer that of the host."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from mcu_models.people_tracking.answers import as_numbers, from_numbers, number_in
from mcu_models.people_tracking.line import MIDDLE_LINE, DoorLine
from mcu_models.people_tracking.tracker import passages

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from mcu_models.people_tracking.parameters import TrackingParameters


@cache
def crowd(frames: int, seed: int, people: int = 3) -> NDArray[np.int16]:
    """Return (N, 64) frames in which people, warm and cold, walk through the image over and over."""
    generator = np.random.default_rng(seed)
    rows, columns = np.indices((8, 8))
    steps = 88 + generator.normal(0, 1, (8, 8)) + generator.normal(0, 1.3, (frames, 8, 8))
    for _ in range(people):
        place, speed = generator.uniform(-2, 10, 2), generator.uniform(-1.2, 1.2, 2)
        warmth = generator.uniform(-12, 14)
        for frame in range(frames):
            place = place + speed
            if not (place.min() > -3 and place.max() < 11):
                place, speed = generator.uniform(-2, 10, 2), generator.uniform(-1.2, 1.2, 2)
                warmth = generator.uniform(-12, 14)
            steps[frame] += warmth * np.exp(-((rows - place[0]) ** 2 + (columns - place[1]) ** 2) / 2)
    return steps.round().reshape(frames, 64).astype(np.int16)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, MIDDLE_LINE),
        ({}, DoorLine(axis=1, place=50, inward=1, first=20, last=100)),
        ({"low": 1, "high": 1, "prominence": 1, "least_age": 2, "band": 1}, MIDDLE_LINE),
        ({"low": 300, "high": 400, "prominence": 500, "gate": 128, "speed_share": 256}, MIDDLE_LINE),
        ({"longest_gap": 0, "speed_share": 0, "longest_passage": 5, "band": 30}, DoorLine(0, 80, 1, 0, 128)),
        ({"longest_gap": 16, "gate": 128, "speed_share": 256, "low": 20, "high": 30}, DoorLine(1, 64, -1, 0, 128)),
    ],
)
def test_the_generated_c_tells_what_the_host_does(
    changes: dict[str, int],
    line: DoorLine,
    parameters: TrackingParameters,
    host_tracker: Callable[[TrackingParameters, DoorLine], Any],
) -> None:
    """Whatever the rules and the line are set to."""
    values = parameters._replace(**changes)
    compiled = host_tracker(values, line)
    generator = np.random.default_rng(3)
    random = generator.integers(-32768, 32768, (400, 64)).astype(np.int16)
    slow = np.cumsum(generator.integers(-3, 4, (2000, 64)), axis=0).clip(-600, 600).astype(np.int16)
    for raw in (crowd(3000, 1), crowd(1500, 2, people=9), random, slow):
        assert np.array_equal(compiled.passages(raw), passages(raw, values, line))


def test_the_crowd_does_pass(parameters: TrackingParameters) -> None:
    """Else the comparison above would say nothing."""
    assert passages(crowd(3000, 1), parameters, MIDDLE_LINE)[-1, :2].min() > 20


def test_an_answer_is_one_number_with_as_many_digits() -> None:
    told = np.array([[0, 0, 0], [12, 9999, 128], [9999, 3, 7]])
    numbers = as_numbers(told)
    assert numbers.tolist() == [100000000000, 100129999128, 199990003007]
    assert np.array_equal(from_numbers(numbers), told)


def test_the_number_in_a_line_is_that_of_its_totals() -> None:
    assert number_in("17 IN 12 OUT 9999 AT 128") == 100129999128
    assert number_in("17 3") is None
    assert number_in("doorway counter") is None
