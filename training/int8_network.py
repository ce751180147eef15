"""Full-integer conversion of a Keras model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf
from tensorflow.lite.python.convert import mlir_quantize

from training.fused_lstm import FusedLstm
from training.int8_ranges import with_ranges, with_wide_cells

if TYPE_CHECKING:
    from collections.abc import Iterator

    import keras
    import numpy as np
    from numpy.typing import NDArray

    from training.fake_quant import TrainedRanges


def convert_to_int8(model: keras.Model, representative: NDArray[np.float32]) -> bytes:
    """Return the .tflite of `model` with int8 weights, activations, input and output.

    Args:
        model: Of a fixed batch of one, so that no shape is computed at run time.
        representative: (M, ...) float inputs from which the activations' ranges are taken.
    """
    if any(isinstance(layer, FusedLstm) for layer in model.layers):
        return _quantised(with_wide_cells(_calibrated(model, representative)))
    return bytes(_converter(model, representative).convert())


def convert_to_int8_with_ranges(
    model: keras.Model, representative: NDArray[np.float32], ranges: TrainedRanges
) -> bytes:
    """Return the same with ranges that are known.

    Args:
        model: Of a fixed batch of one.
        representative: (M, ...) float inputs, one at least: the converter measures before the ranges are replaced.
        ranges: Of all activations.
    """
    return _quantised(with_ranges(_calibrated(model, representative), ranges))


def _calibrated(model: keras.Model, representative: NDArray[np.float32]) -> bytes:
    """Return the .tflite in float32 with measured ranges."""
    converter = _converter(model, representative)
    converter._experimental_calibrate_only = True  # noqa: SLF001 - there is no public way to see ranges
    return bytes(converter.convert())


def _quantised(calibrated: bytes) -> bytes:
    """Return what the converter makes of measured ranges."""
    return bytes(
        mlir_quantize(
            calibrated,
            input_data_type=tf.int8,
            output_data_type=tf.int8,
            disable_per_channel_for_dense_layers=True,
        )
    )


def _converter(model: keras.Model, representative: NDArray[np.float32]) -> Any:
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
    return converter
