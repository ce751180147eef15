"""The network's input, beside its definition written out in plain integers."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mcu_models.compiler.frontend import frontend_table, prepare, raw_from_degc
from mcu_models.compiler.reader import read_network
from mcu_models.networks.library import find_network
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


@pytest.mark.parametrize("frontend", ["minus_median", "hold_zero"])
def test_training_sees_what_the_firmware_sees(frontend: str) -> None:
    """Consecutive frames become the same codes by training's arithmetic and by the firmware's table."""
    generator = np.random.default_rng(3)
    steps = 88 + generator.normal(0, 3, (8, 8)) + generator.normal(0, 1, (300, 8, 8))
    steps[100:, 3:5, 3:5] += 12
    frames = (steps.round() / 4).astype(np.float32)
    network = read_network(find_network("people_c8_p_fc").path)
    expected = prepare(raw_from_degc(frames), frontend_table(network, frontend))
    assert np.array_equal(int8_input(frames, network.input.scale, network.input.zero_point, frontend), expected)
    stood_for = (expected.astype(np.float64) - network.input.zero_point) * network.input.scale
    exact = float_input(frames, frontend)
    inside = (expected > -128) & (expected < 127)
    assert inside.mean() > 0.9
    assert np.abs(exact - stood_for)[inside].max() <= network.input.scale / 2 + 1e-5
