"""Full-integer conversion of a Keras model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tensorflow as tf

if TYPE_CHECKING:
    from collections.abc import Iterator

    import keras
    import numpy as np
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
