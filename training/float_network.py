"""Conversion of a Keras model that keeps float32 input, output and arithmetic; needs the extra `train`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import tensorflow as tf

if TYPE_CHECKING:
    import keras


def convert_to_float(model: keras.Model, weights: Literal["float32", "float16", "dynamic_range"]) -> bytes:
    """Return the .tflite of `model`, its weights in float32, in float16, or, the large ones, in int8.

    Args:
        model: Of a fixed batch of one, so that no shape is computed at run time.
        weights: What becomes of them.
    """
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if weights != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if weights == "float16":
        converter.target_spec.supported_types = [tf.float16]
    return bytes(converter.convert())
