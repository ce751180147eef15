"""Full-integer conversion of a Keras model, and its evaluation on the reference kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from sklearn.metrics import confusion_matrix

from training.frontend import int8_input

if TYPE_CHECKING:
    from collections.abc import Iterator

    import keras
    from numpy.typing import NDArray


def convert_to_int8(model: keras.Model, representative: NDArray[np.float32]) -> bytes:
    """Return the .tflite of `model` with int8 weights, activations, input and output.

    Args:
        model: Of a fixed batch of one, so that no shape is computed at run time.
        representative: (M, 8, 8, 1) float inputs from which the activations' ranges are taken.
    """

    def one_by_one() -> Iterator[list[NDArray[np.float32]]]:
        for index in range(len(representative)):
            yield [representative[index : index + 1]]

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = one_by_one
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    # One scale for the whole dense layer: what CMSIS-NN and older kernels support.
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True  # noqa: SLF001
    return bytes(converter.convert())


class Int8Counter:
    """A people counter on the reference kernels, one frame at a time."""

    def __init__(self, content: bytes) -> None:
        self._interpreter = Interpreter(model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]
        self._output = self._interpreter.get_output_details()[0]
        self.scale, self.zero_point = self._input["quantization"]

    def counts(self, frames: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return (N,) int64, the class with the largest output for each (8, 8) frame; the first of equals."""
        inputs = int8_input(frames, self.scale, self.zero_point)
        return np.array([self._count(inputs[index : index + 1]) for index in range(len(inputs))], dtype=np.int64)

    def _count(self, one: NDArray[np.int8]) -> int:
        self._interpreter.set_tensor(self._input["index"], one)
        self._interpreter.invoke()
        return int(np.argmax(self._interpreter.get_tensor(self._output["index"])[0]))


def balanced_accuracy(truth: NDArray[np.int64], counts: NDArray[np.int64]) -> float:
    """Return the mean over the classes that occur of the share counted right."""
    matrix = confusion_matrix(truth, counts)
    present = matrix.sum(axis=1) > 0
    return float(np.mean(np.diag(matrix)[present] / matrix.sum(axis=1)[present]))
