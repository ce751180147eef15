"""From a trained mask network to its .tflite, in float32 and in int8; needs the extra `train`."""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING

import keras
import tensorflow as tf

from training.leftovers import without_leftovers
from training.mask_networks import build_mask_network

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray


def converted(model: keras.Model, representative: NDArray[np.float32] | None) -> bytes:
    """Return the .tflite of a trained network, the same bytes for the same weights.

    Weights have a scale for each output channel, dense layers' too, and the batch is left open: with both the file
    comes within 1 % of the published size.

    Args:
        model: The network, which stays as it is.
        representative: (M, 32, 32, 3) pictures that ranges of activations are taken from, for int8; None for float32.
    """

    def one_by_one() -> Iterator[list[NDArray[np.float32]]]:
        for row in range(len(representative if representative is not None else ())):
            yield [representative[row : row + 1]]  # type: ignore[index]

    # Keras numbers what it builds, and the names are in the file.
    weights, name = model.get_weights(), model.name
    keras.backend.clear_session()
    fresh = build_mask_network(name)
    fresh.set_weights(weights)
    converter = tf.lite.TFLiteConverter.from_keras_model(fresh)
    if representative is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = one_by_one
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = tf.int8
        converter.inference_output_type = tf.int8
        converter._experimental_disable_per_channel_quantization_for_dense_layers = False  # noqa: SLF001 - no public way
    with contextlib.redirect_stdout(io.StringIO()):
        return without_leftovers(bytes(converter.convert()))
