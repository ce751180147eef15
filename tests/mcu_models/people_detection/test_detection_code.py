"""The firmware's detector: answer for answer that of the host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from mcu_models.people_detection import detection
from mcu_models.people_detection.detection import counts
from mcu_models.people_detection.detection_code import detection_sources

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from mcu_models.people_detection.parameters import DetectionParameters


def room_with_people(frames: int, seed: int) -> NDArray[np.int16]:
    """Return (N, 64) frames in which up to four warm pixels wander."""
    generator = np.random.default_rng(seed)
    steps = 88 + generator.normal(0, 2, (8, 8)) + generator.normal(0, 1.3, (frames, 8, 8))
    for first in range(50, frames - 50, 50):
        for row, column in generator.integers(0, 7, (generator.integers(0, 5), 2)):
            steps[first : first + 50, row : row + 2, column : column + 2] += generator.uniform(2, 10)
    return steps.round().reshape(frames, 64).astype(np.int16)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"threshold": 102, "human_area": 4},
        {"smoothed_frames": 1, "dropped_frames": 0, "smoothing": 256, "background_rate": 256, "dropped_area": 0},
        {"smoothed_frames": 7, "dropped_frames": 3, "smoothing": 0, "human_area": 0},
        {"smoothed_frames": 32, "dropped_frames": 0, "threshold": 1, "background_rate": 1, "largest_count": 64},
    ],
)
def test_the_generated_c_counts_as_the_host_does(
    changes: dict[str, int],
    parameters: DetectionParameters,
    hard_frames: NDArray[np.int16],
    host_detector: Callable[[DetectionParameters], Any],
) -> None:
    """Whatever the rules are set to, and again after a reset."""
    values = parameters._replace(**changes)
    compiled = host_detector(values)
    generator = np.random.default_rng(3)
    random = generator.integers(-32768, 32768, (500, 64)).astype(np.int16)
    slow = np.cumsum(generator.integers(-3, 4, (4000, 64)), axis=0).clip(-600, 600).astype(np.int16)
    for raw in (room_with_people(4000, 1), hard_frames, random, slow):
        assert np.array_equal(compiled.counts(raw), counts(raw, values))


def test_a_background_of_narrow_integers_stays_within_them(
    parameters: DetectionParameters, host_detector: Callable[[DetectionParameters], Any]
) -> None:
    """One half rises slowly and falls at once for an hour, which drags what is under the other half to its limit."""
    rising = np.tile(np.arange(-512, 512, 4).repeat(9), 16)
    raw = np.full((len(rising), 64), 511)
    raw[:8] = -512
    raw[8:, :8] = rising[8:, np.newaxis]
    raw = raw.astype(np.int16)
    assert np.array_equal(host_detector(parameters).counts(raw), counts(raw, parameters))


def test_regions_of_any_shape_are_found_alike(
    parameters: DetectionParameters, host_detector: Callable[[DetectionParameters], Any]
) -> None:
    """Random pixels of every density, all, none, single ones, chequers, and combs and spirals, the longest to fill."""
    generator = np.random.default_rng(4)
    row, column = np.indices((15, 15))
    comb = (column % 2 == 0) | ((row == 0) & (column % 4 == 1)) | ((row == 14) & (column % 4 == 3))
    shapes = [np.ones((15, 15), bool), np.zeros((15, 15), bool), (row % 2 == 0) & (column % 2 == 0)]
    shapes += [(row + column) % 2 == 0, comb, comb.T, spiral_of(15), spiral_of(15)[::-1], spiral_of(15).T]
    shapes += [generator.random((15, 15)) < share for share in np.linspace(0.02, 0.9, 300)]
    for shape in shapes:
        left = shape.copy()
        humans = detection._humans(left, parameters)
        assert host_detector(parameters).humans(shape)[0] == humans
        assert np.array_equal(host_detector(parameters).humans(shape)[1], left)


def spiral_of(size: int) -> NDArray[np.bool_]:
    """Return a way that winds inwards, one pixel from itself."""
    way = np.zeros((size, size), bool)
    row, column, length, (down, right) = 0, -1, size, (0, 1)
    while length > 0:
        for _ in range(length):
            row, column = row + down, column + right
            way[row, column] = True
        length -= 2 if right == 0 or length == size else 0
        down, right = right, -down
    return way


def test_arm_instructions_count_as_the_host_does(
    parameters: DetectionParameters, hard_frames: NDArray[np.int16], core_detector: Any
) -> None:
    """In a room with people and in frames that are hard, again after a reset."""
    for raw in (room_with_people(600, 5), hard_frames[-400:], room_with_people(100, 6)):
        assert core_detector.counts(raw) == counts(raw, parameters).tolist()


def test_the_values_stand_in_the_source(parameters: DetectionParameters) -> None:
    source = detection_sources(parameters)["counter.c"]
    for line in ("THRESHOLD 77", "SMOOTHING 26", "BACKGROUND_RATE 26", "HUMAN_AREA 6", "DROPPED_AREA 3"):
        assert f"#define PEOPLE_DETECTION_{line}\n" in source
    assert "float" not in source
