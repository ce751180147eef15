"""Simulated int8 has the levels of int8, and gradients pass it; the fused LSTM is Keras's."""

from __future__ import annotations

import importlib.util
from importlib import resources

import numpy as np
import pytest

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("tensorflow") is None, reason="needs TensorFlow, which only training does"
    ),
    # TensorFlow's own deprecations are not ours.
    pytest.mark.filterwarnings("ignore"),
]


def test_each_filter_has_127_levels_of_its_own_and_each_gate() -> None:
    from training.fake_quant import rounded_by_filter, rounded_by_gate, rounded_whole  # noqa: PLC0415

    weights = np.random.default_rng(1).normal(size=(3, 3, 2, 4)).astype(np.float32) * np.array([1, 10, 0.1, 3], "f")
    step = np.abs(weights).max(axis=(0, 1, 2)) / 127
    np.testing.assert_allclose(rounded_by_filter(weights), np.round(weights / step) * step, atol=1e-5)
    dense = weights.reshape(-1, 8)
    step = np.abs(dense).max() / 127
    np.testing.assert_allclose(rounded_whole(dense), np.round(dense / step) * step, atol=1e-5)
    gates = np.concatenate([np.asarray(rounded_whole(dense[:, 2 * gate : 2 * gate + 2])) for gate in range(4)], axis=1)
    np.testing.assert_array_equal(rounded_by_gate(dense), gates)


def test_a_range_holds_zero_starts_with_the_first_batch_and_follows_the_next_slowly() -> None:
    from training.fake_quant import MovingRange  # noqa: PLC0415

    layer = MovingRange()
    layer(np.array([2.0, 6.0], np.float32), training=True)
    assert layer.span == (0, 6)
    layer(np.array([-1.0, 2.0], np.float32), training=True)
    assert layer.span == pytest.approx((-0.01, 5.96))
    layer(np.array([-100.0, 100.0], np.float32))
    assert layer.span == pytest.approx((-0.01, 5.96))
    assert float(layer(np.array([100.0], np.float32))[0]) == pytest.approx(5.96, abs=0.03)


def test_every_weight_of_a_simulated_lstm_learns() -> None:
    import tensorflow as tf  # noqa: PLC0415

    from training.architectures import read_architecture  # noqa: PLC0415
    from training.fake_quant import SimulatedLayers  # noqa: PLC0415
    from training.families import build  # noqa: PLC0415

    model = build(read_architecture("cnn_lstm", "C8-P-C8-L8-FC", 3), layers=SimulatedLayers())
    with tf.GradientTape() as tape:
        logits = model(np.random.default_rng(2).normal(0, 2, (16, 3, 8, 8, 1)).astype(np.float32), training=True)
        loss = tf.reduce_sum(logits[:, 1])
    assert all(np.any(one != 0) for one in map(np.asarray, tape.gradient(loss, model.trainable_variables)))


def test_the_fused_lstm_is_the_lstm_of_keras_with_its_weights() -> None:
    import keras  # noqa: PLC0415

    from training.fused_lstm import FusedLstm  # noqa: PLC0415

    series = np.random.default_rng(3).normal(size=(2, 5, 6)).astype(np.float32)
    exact, fused = keras.layers.LSTM(4), FusedLstm(4)
    expected = exact(series)
    fused.build(series.shape)
    fused.set_weights(exact.get_weights())
    np.testing.assert_allclose(fused(series), expected, atol=1e-6)


def test_ranges_must_be_as_many_as_layers_with_weights() -> None:
    from training.fake_quant import TrainedRanges  # noqa: PLC0415
    from training.int8_ranges import with_ranges  # noqa: PLC0415

    content = resources.files("mcu_models.networks").joinpath("people_c8_p_fc.tflite").read_bytes()
    assert with_ranges(content, TrainedRanges(((-4.0, 8.0), (0.0, 9.0), (-3.0, 3.0)), None)) != content
    with pytest.raises(ValueError, match="fewer ranges"):
        with_ranges(content, TrainedRanges(((-4.0, 8.0), (0.0, 9.0)), None))
    with pytest.raises(ValueError, match="more ranges"):
        with_ranges(content, TrainedRanges(((-4.0, 8.0),) * 4, None))
