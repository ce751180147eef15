"""The network's input, beside its definition written out in plain integers."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from training.frontend import SPAN_K, difference_steps, float_input, int8_input

STEPS = arrays.arrays(np.int16, (2, 8, 8), elements=st.integers(-80, 320))


@given(STEPS)
def test_the_median_is_the_lower_one(steps: np.ndarray) -> None:
    found = difference_steps((steps / 4).astype(np.float32))
    for frame, difference in zip(steps, found, strict=True):
        median = sorted(frame.ravel().tolist())[31]
        assert difference.tolist() == (frame - median).tolist()


@given(STEPS)
def test_a_warmer_room_changes_nothing(steps: np.ndarray) -> None:
    frames = (steps / 4).astype(np.float32)
    assert np.array_equal(difference_steps(frames), difference_steps(frames + np.float32(3.5)))


@given(STEPS, st.sampled_from([2.0**-4, 2.0**-3, 0.0625 * 3]), st.integers(-128, 0))
def test_quantised_input_rounds_halves_away_from_zero(steps: np.ndarray, scale: float, zero_point: int) -> None:
    frames = (steps / 4).astype(np.float32)
    found = int8_input(frames, scale, zero_point)[..., 0]
    for difference, value in zip(difference_steps(frames).ravel(), found.ravel(), strict=True):
        exact = Fraction(int(difference), 4) / Fraction(scale)
        away = int(abs(exact) + Fraction(1, 2)) * (1 if exact >= 0 else -1)
        assert value == min(max(away + zero_point, -128), 127)


@given(STEPS)
def test_float_input_is_clipped_degrees(steps: np.ndarray) -> None:
    inputs = float_input((steps / 4).astype(np.float32))
    assert inputs.shape == (2, 8, 8, 1)
    assert inputs.min() >= SPAN_K[0]
    assert inputs.max() <= SPAN_K[1]
    assert np.array_equal(inputs * 4, np.round(inputs * 4))
