"""An LSTM that TensorFlow's converter recognises and quantises in full, unlike `keras.layers.LSTM`; needs `train`.

The converter makes one UNIDIRECTIONAL_SEQUENCE_LSTM of any function that says it implements an LSTM and has the
operands and results of Keras's own (tensorflow/compiler/mlir/lite/transforms/prepare_composite_functions_tf.cc and
utils/lstm_utils.cc). What the function itself computes is thrown away, but has the right shapes.
"""

from __future__ import annotations

from typing import Any, Final

import keras
import tensorflow as tf

GATES: Final = 4
"""Input, forget, cell and output gate, in this order in each weight."""

_ATTRIBUTES: Final = {
    # Anything behind `lstm_` will do. Keras has a random word there.
    "api_implements": "lstm_of_a_people_counter",
    "api_preferred_device": "CPU",
    "time_major": False,
    "go_backwards": False,
}


class FusedLstm(keras.layers.Layer):  # type: ignore[misc, unused-ignore]
    """`keras.layers.LSTM` with the weights in the same order: (batch, steps, features) to the last (batch, units)."""

    def __init__(self, units: int, **words: Any) -> None:
        super().__init__(**words)
        self.units = units

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the weights."""
        columns = GATES * self.units
        self.kernel = self.add_weight(shape=(input_shape[-1], columns), name="kernel")
        self.recurrent_kernel = self.add_weight(shape=(self.units, columns), name="recurrent_kernel")
        self.bias = self.add_weight(shape=(columns,), initializer="zeros", name="bias")

    def compute_output_spec(self, series: Any, **_: Any) -> keras.KerasTensor:
        """Return the output's shape without tracing the loop."""
        return keras.KerasTensor((series.shape[0], self.units))

    def call(self, series: Any) -> Any:
        """Return the hidden state after the last step."""
        run = tf.function(_lstm, autograph=False, experimental_attributes=_ATTRIBUTES)
        nothing = tf.zeros((series.shape[0], self.units))
        weights = [tf.convert_to_tensor(one) for one in (self.kernel, self.recurrent_kernel, self.bias)]
        return run(series, nothing, nothing, *weights)[0]


def lstm_step(inputs: Any, hidden: Any, cell: Any, kernel: Any, recurrent_kernel: Any, bias: Any) -> tuple[Any, Any]:
    """Return hidden state and cell state after one more step."""
    gates = tf.matmul(inputs, kernel) + tf.matmul(hidden, recurrent_kernel) + bias
    into, kept, new, out = tf.split(gates, GATES, axis=1)
    cell = tf.sigmoid(kept) * cell + tf.sigmoid(into) * tf.tanh(new)
    return tf.sigmoid(out) * tf.tanh(cell), cell


def _lstm(series: Any, hidden: Any, cell: Any, kernel: Any, recurrent_kernel: Any, bias: Any) -> tuple[Any, ...]:
    """Return, as Keras does, last output, all outputs, hidden state, cell state and where it ran."""
    steps = series.shape[1]
    by_time = tf.transpose(series, (1, 0, 2))
    outputs = tf.TensorArray(tf.float32, size=steps, element_shape=hidden.shape)

    def step(time: Any, hidden: Any, cell: Any, outputs: Any) -> tuple[Any, ...]:
        hidden, cell = lstm_step(by_time[time], hidden, cell, kernel, recurrent_kernel, bias)
        return time + 1, hidden, cell, outputs.write(time, hidden)

    start = (tf.constant(0), hidden, cell, outputs)
    _, hidden, cell, outputs = tf.while_loop(lambda time, *_: time < steps, step, start)
    return hidden, tf.transpose(outputs.stack(), (1, 0, 2)), hidden, cell, tf.constant(1.0)
