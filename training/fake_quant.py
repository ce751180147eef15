"""Layers that compute as their int8 counterparts will, within rounding, and can be trained; needs the extra `train`.

Simulated are int8 weights (a scale for each filter of a convolution, one for a dense layer, one for each gate's two
weights in an LSTM, zero always exact) and int8 activations: the network's input, the output of every layer with
weights, and an LSTM's hidden state after each step. Not simulated are what loses next to nothing: int32 biases, and an
LSTM's 16 bits of gates and cells. Gradients pass the rounding as if it were not there, and stop where a value is
clipped (B. Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
Inference", doi:10.1109/CVPR.2018.00286).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import keras
import tensorflow as tf

from training.architectures import KERNEL
from training.families import PlainLayers
from training.fused_lstm import GATES, FusedLstm, lstm_step
from training.windows import SPAN_K

_DECAY: Final = 0.99
_NARROWEST: Final = 1e-3
_SMALLEST: Final = 1e-8


@dataclass(frozen=True)
class TrainedRanges:
    """What int8 activations reach from and to.

    Attributes:
        activations: Of the input and of each layer with weights, in their order.
        cell: The largest value of an LSTM's cells; None without one.
    """

    activations: tuple[tuple[float, float], ...]
    cell: float | None


class MovingRange(keras.layers.Layer):  # type: ignore[misc, unused-ignore]
    """Makes 256 levels of values; what they span follows the batches that are trained on, and holds zero."""

    def build(self, _: Any) -> None:
        """Make the range, which starts at -1 to 1."""
        self.low = self._number("low", -1.0)
        self.high = self._number("high", 1.0)
        self.batches = self._number("batches", 0.0)

    def _number(self, name: str, value: float) -> Any:
        start = keras.initializers.Constant(value)
        return self.add_weight(shape=(), initializer=start, trainable=False, name=name)

    def call(self, values: Any, training: bool | None = None) -> Any:  # noqa: FBT001 - Keras passes it so
        """Return the values, rounded and clipped."""
        if training:
            self.follow(values)
        return self.rounded(values)

    def follow(self, values: Any) -> None:
        """Move towards the range of the values; the first batch sets it."""
        kept = tf.where(tf.convert_to_tensor(self.batches) < 1, 0.0, _DECAY)
        low = tf.minimum(tf.reduce_min(values), 0.0)
        high = tf.maximum(tf.reduce_max(values), _NARROWEST)
        self.low.assign(kept * self.low + (1 - kept) * low)
        self.high.assign(kept * self.high + (1 - kept) * high)
        self.batches.assign_add(1.0)

    def rounded(self, values: Any) -> Any:
        """Return the values, rounded and clipped, and leave the range as it is."""
        low, high = tf.convert_to_tensor(self.low), tf.convert_to_tensor(self.high)
        return tf.quantization.fake_quant_with_min_max_vars(values, low, high)

    @property
    def span(self) -> tuple[float, float]:
        """From where to where."""
        return float(self.low), float(self.high)


def rounded_by_filter(kernel: Any) -> Any:
    """Return a convolution's weights as int8 has them, the largest of each filter at 127."""
    weights = tf.convert_to_tensor(kernel)
    largest = tf.reduce_max(tf.abs(weights), axis=range(len(weights.shape) - 1)) + _SMALLEST
    return tf.quantization.fake_quant_with_min_max_vars_per_channel(weights, -largest, largest, narrow_range=True)


def rounded_whole(kernel: Any) -> Any:
    """Return weights as int8 has them, the largest at 127."""
    weights = tf.convert_to_tensor(kernel)
    largest = tf.reduce_max(tf.abs(weights)) + _SMALLEST
    return tf.quantization.fake_quant_with_min_max_vars(weights, -largest, largest, narrow_range=True)


def rounded_by_gate(kernel: Any) -> Any:
    """Return an LSTM's weights as int8 has them, the largest of each gate at 127."""
    return tf.concat([rounded_whole(gate) for gate in tf.split(tf.convert_to_tensor(kernel), GATES, axis=1)], axis=1)


class _WithRange:
    """A layer of Keras' own that keeps the range of its outputs."""

    def __init__(self, *words: Any, **named: Any) -> None:
        super().__init__(*words, **named)
        self.range = MovingRange()


class _SimulatedConvolution(_WithRange):
    """What convolutions over images and over time compute alike."""

    def call(self, inputs: Any, training: bool | None = None) -> Any:  # noqa: FBT001 - Keras passes it so
        """Return the outputs, rounded and clipped."""
        layer: Any = self
        sums = layer.convolution_op(inputs, rounded_by_filter(layer.kernel)) + tf.convert_to_tensor(layer.bias)
        return self.range(layer.activation(sums), training=training)


class SimulatedConv2D(_SimulatedConvolution, keras.layers.Conv2D):  # type: ignore[misc, unused-ignore]
    """A convolution over an image, in int8."""


class SimulatedConv1D(_SimulatedConvolution, keras.layers.Conv1D):  # type: ignore[misc, unused-ignore]
    """A convolution over time, in int8."""


class SimulatedDense(_WithRange, keras.layers.Dense):  # type: ignore[misc, unused-ignore]
    """A dense layer, in int8."""

    def call(self, inputs: Any, training: bool | None = None) -> Any:  # noqa: FBT001 - Keras passes it so
        """Return the outputs, rounded and clipped."""
        sums = tf.matmul(inputs, rounded_whole(self.kernel)) + tf.convert_to_tensor(self.bias)
        return self.range(self.activation(sums), training=training)


class SimulatedLstm(FusedLstm):
    """An LSTM with int8 weights and an int8 hidden state, over a number of steps that is fixed."""

    def __init__(self, units: int, **words: Any) -> None:
        super().__init__(units, **words)
        self.range = MovingRange()
        self.cell_range = MovingRange()

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make weights and ranges."""
        super().build(input_shape)
        self.range.build(None)
        self.cell_range.build(None)

    def call(self, series: Any, training: bool | None = None) -> Any:  # noqa: FBT001 - Keras passes it so
        """Return the hidden state after the last step, rounded and clipped."""
        weights = rounded_by_gate(self.kernel), rounded_by_gate(self.recurrent_kernel), tf.convert_to_tensor(self.bias)
        hidden = cell = tf.zeros((tf.shape(series)[0], self.units))
        exact, cells = [], []
        for time in range(series.shape[1]):
            new, cell = lstm_step(series[:, time], hidden, cell, *weights)
            hidden = self.range.rounded(new)
            exact.append(new)
            cells.append(cell)
        if training:
            self.range.follow(tf.stack(exact))
            self.cell_range.follow(tf.stack(cells))
        return hidden


class SimulatedLayers(PlainLayers):
    """Networks built from these compute in int8 as far as that can be trained."""

    def entry(self, inputs: Any) -> Any:
        """Return the inputs in levels."""
        return SimulatedInput()(inputs)

    def conv2d(self, filters: int) -> keras.layers.Layer:
        """Return a convolution over an image."""
        return SimulatedConv2D(filters, KERNEL, activation="relu")

    def conv1d(self, filters: int) -> keras.layers.Layer:
        """Return a convolution over time."""
        return SimulatedConv1D(filters, KERNEL, activation="relu")

    def dense(self, units: int, activation: str | None) -> keras.layers.Layer:
        """Return a dense layer."""
        return SimulatedDense(units, activation=activation)

    def lstm(self, units: int) -> keras.layers.Layer:
        """Return an LSTM."""
        return SimulatedLstm(units)


class SimulatedInput(keras.layers.Layer):  # type: ignore[misc, unused-ignore]
    """Makes 256 levels of inputs, which are clipped to `SPAN_K` before."""

    def call(self, inputs: Any) -> Any:
        """Return the inputs, rounded."""
        return tf.quantization.fake_quant_with_min_max_args(inputs, *SPAN_K)


def trained_ranges(model: keras.Model) -> TrainedRanges:
    """Return the ranges that a network of `SimulatedLayers` has been trained with."""
    layers = [layer for layer in model.layers if hasattr(layer, "range")]
    cells = [layer.cell_range.span for layer in layers if isinstance(layer, SimulatedLstm)]
    largest = max(abs(end) for end in cells[0]) if cells else None
    return TrainedRanges((SPAN_K, *(layer.range.span for layer in layers)), largest)
