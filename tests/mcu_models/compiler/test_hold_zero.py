"""The background of each pixel: learnt from what stays, not from people, and without ever running out of its range."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mcu_models.compiler.hold_zero import LIMIT, VALUES_PER_DEGC, above_background

if TYPE_CHECKING:
    from numpy.typing import NDArray

FRAMES = hnp.arrays(np.int16, (12, 16), elements=st.integers(40, 140))
ANYTHING = hnp.arrays(np.int16, (12, 16), elements=st.integers(-32768, 32767))
ROOM_STEPS = 88
PERSON = (slice(3, 5), slice(3, 5))
PERSON_STEPS = 12


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    """Compile before hypothesis sets deadlines."""
    above_background(np.zeros((1, 64), np.int16), 8)


def room(frames: int, seed: int) -> NDArray[np.float64]:
    """Return (N, 8, 8) steps: a floor with a pattern of 1 degC and noise of 0.25 degC."""
    generator = np.random.default_rng(seed)
    return ROOM_STEPS + generator.normal(0, 4, (8, 8)) + generator.normal(0, 1, (frames, 8, 8))


def above_degc(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (N, 8, 8) degC above the background."""
    raw = steps.round().reshape(len(steps), -1).astype(np.int16)
    return (above_background(raw, 8) / VALUES_PER_DEGC).reshape(steps.shape)


def written_out(raw: list[list[int]], columns: int) -> list[list[int]]:
    """Return what the definition gives, word by word, in integers without limits."""
    pixels = len(raw[0])
    background, mean, age = [0] * pixels, [0] * pixels, [0] * pixels
    answer = []
    for frame in raw:
        value = [64 * step - (b + 128) // 256 for step, b in zip(frame, background, strict=True)]
        level = sorted(value)[(pixels - 1) // 2]
        value = [v - level for v in value]
        answer.append(value)
        mean = [m + (v - m + 2) // 4 for m, v in zip(mean, value, strict=True)]
        warm = {divmod(p, columns) for p in range(pixels) if mean[p] > 179}
        for p in range(pixels):
            row, column = divmod(p, columns)
            if any((r, c) in warm for r in range(row - 1, row + 2) for c in range(column - 1, column + 2)):
                share = 4096
            elif mean[p] < -179:
                share, age[p] = 8, min(age[p], 10)
            else:
                share = next(
                    (2**k for k, last in zip(range(4, 8), (7, 29, 75, 165), strict=True) if age[p] < last), 256
                )
                age[p] += 1
            background[p] += 256 * value[p] // share
    return answer


@given(FRAMES, st.sampled_from([2, 4, 8, 16]))
def test_the_background_is_as_defined(raw: NDArray[np.int16], columns: int) -> None:
    assert above_background(raw, columns).tolist() == written_out(raw.tolist(), columns)


def test_the_background_is_as_defined_for_a_long_time() -> None:
    """700 frames reach every age; somebody stays, and something cold comes and goes."""
    steps = room(700, seed=1)
    steps[200:500, *PERSON] += PERSON_STEPS
    steps[300:400, 7] -= 10
    raw = steps.round().reshape(700, 64).astype(np.int16)
    assert above_background(raw, 8).tolist() == written_out(raw.tolist(), 8)


@given(ANYTHING)
def test_whatever_the_pixels_values_stay_within_their_limit(raw: NDArray[np.int16]) -> None:
    above = above_background(raw, 4).astype(np.int64)
    assert np.abs(above).max() <= LIMIT
    assert (np.sort(above, axis=1)[:, 7] == 0).all(), "the lower median is the level"


def test_the_ends_of_the_range_are_64_degc_from_zero() -> None:
    raw = np.repeat([[-32768, 255], [-256, 32767]], [1, 1], axis=1).astype(np.int16)
    assert above_background(np.tile(raw[:1], (1, 8)), 4).max() == LIMIT
    assert above_background(np.tile(raw[1:], (1, 8)), 4).max() == LIMIT


@given(ANYTHING, st.integers(1, 11))
def test_no_frame_is_told_by_a_later_one(raw: NDArray[np.int16], frames: int) -> None:
    assert np.array_equal(above_background(raw[:frames], 4), above_background(raw, 4)[:frames])


@given(FRAMES, hnp.arrays(np.int16, (12, 1), elements=st.integers(-100, 100)))
def test_what_all_pixels_share_changes_nothing(raw: NDArray[np.int16], shared: NDArray[np.int16]) -> None:
    assert np.array_equal(above_background(raw, 4), above_background(raw + shared, 4))


@given(FRAMES)
def test_a_mirrored_room_gives_mirrored_values(raw: NDArray[np.int16]) -> None:
    above = above_background(raw, 4).reshape(12, 4, 4)
    for turned in (lambda x: x[:, ::-1], lambda x: x[:, :, ::-1], lambda x: x.swapaxes(1, 2)):
        mirrored = np.ascontiguousarray(turned(raw.reshape(12, 4, 4))).reshape(12, 16)
        assert np.array_equal(above_background(mirrored, 4).reshape(12, 4, 4), turned(above))


def test_the_pattern_of_an_empty_floor_is_learnt() -> None:
    """After a minute less than 0.1 degC is left of a pattern that spans 2 degC."""
    generator = np.random.default_rng(2)
    pattern = generator.uniform(-8, 0, (8, 8))
    steps = ROOM_STEPS + pattern + generator.normal(0, 1, (900, 8, 8))
    assert np.abs(above_degc(steps)[600:].mean(axis=0)).max() < 0.1


@pytest.mark.parametrize("begin", [0, 600])
def test_somebody_who_stays_for_two_minutes_stays_in_view(begin: int) -> None:
    """There at power-on or come later, 3 degC over the floor stay more than 2 degC; the floor beside stays cold."""
    generator = np.random.default_rng(3)
    steps = ROOM_STEPS + generator.normal(0, 0.5, (begin + 1200, 8, 8))
    steps[begin:, *PERSON] += PERSON_STEPS
    above = above_degc(steps)
    assert above[-100:, *PERSON].mean(axis=0).min() > 2.0
    floor = np.delete(above[-100:].mean(axis=0).ravel(), [27, 28, 35, 36])
    assert np.abs(floor).max() < 0.3


def test_somebody_who_walks_leaves_no_trace() -> None:
    """Ten walks along a row, a pixel a second: the floor behind is within 0.2 degC of the floor beside."""
    generator = np.random.default_rng(4)
    steps = ROOM_STEPS + generator.normal(0, 0.5, (600 + 10 * 80, 8, 8))
    for frame in range(600, len(steps)):
        steps[frame, 3:5, (frame - 600) // 10 % 8] += PERSON_STEPS
    behind = above_degc(np.concatenate([steps, ROOM_STEPS + generator.normal(0, 0.5, (20, 8, 8))]))[-20:].mean(axis=0)
    assert np.abs(behind).max() < 0.3


def test_what_was_warm_and_went_is_no_hole_for_long() -> None:
    """A chair in the background for an hour is gone from it within five seconds after it was moved."""
    generator = np.random.default_rng(5)
    steps = ROOM_STEPS + generator.normal(0, 0.5, (36_000 + 100, 8, 8))
    steps[:36_000, *PERSON] += PERSON_STEPS
    above = above_degc(steps)
    assert above[35_900:36_000, *PERSON].max() < 1.0
    assert above[36_000, *PERSON].min() < -2.0
    assert above[36_050:, *PERSON].mean(axis=0).min() > -0.3


def test_noise_with_a_mean_beside_its_median_moves_no_background_out_of_its_range() -> None:
    """Eleven hours in which the background, uncentred, would wander by 100 degC: its pattern is still there."""
    generator = np.random.default_rng(6)
    pattern = generator.uniform(-8, 0, 64)
    noise = generator.exponential(1.0, (20_000, 64)).astype(np.float32)
    raw = np.tile((ROOM_STEPS + pattern + noise).round().astype(np.int16), (20, 1))
    left = above_background(raw, 8)[-20_000:].mean(axis=0) / VALUES_PER_DEGC
    assert np.std(left) < 0.1
