"""Keras networks of the six families; needs the extra `train`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

from training.architectures import KERNEL, SIDE

if TYPE_CHECKING:
    from training.architectures import Architecture


def build(architecture: Architecture, *, batch: int | None = None) -> keras.Model:
    """Return the untrained network, from (8, 8, channels), or (window, 8, 8, 1) where frames are joined, to 4 logits.

    Args:
        architecture: What to build.
        batch: A fixed batch, so that no shape is computed at run time on a microcontroller; None takes any.
    """
    inputs = keras.Input(input_shape(architecture), batch_size=batch)
    rows = -1 if batch is None else batch
    features = inputs
    if architecture.joint is not None:
        features = _as_images(inputs, rows, architecture)
    for layer in architecture.image_layers:
        is_pool = layer.kind == "P"
        made = keras.layers.MaxPooling2D(2) if is_pool else keras.layers.Conv2D(layer.size, KERNEL, activation="relu")
        features = made(features)
    features = _joined(features, rows, architecture)
    for units in architecture.dense_units[:-1]:
        features = keras.layers.Dense(units, activation="relu")(features)
    return keras.Model(inputs, keras.layers.Dense(architecture.dense_units[-1])(features))


def input_shape(architecture: Architecture) -> tuple[int, ...]:
    """Return the shape of one input, without the batch."""
    image = (SIDE, SIDE, architecture.channels)
    return image if architecture.joint is None else (architecture.window, *image)


def _as_images(inputs: Any, rows: int, architecture: Architecture) -> Any:
    """Return the frames of all windows as one batch of images: all go through the same layers."""
    images = rows * architecture.window if rows > 0 else -1
    return keras.ops.reshape(inputs, (images, SIDE, SIDE, 1))


def _joined(features: Any, rows: int, architecture: Architecture) -> Any:
    """Return (batch, features) of a window."""
    joint = architecture.joint
    if joint is None:
        return keras.layers.Flatten()(features)
    size = int(features.shape[1] * features.shape[2] * features.shape[3])
    if joint.kind == "Cat":
        return keras.ops.reshape(features, (rows, architecture.window * size))
    series = keras.ops.reshape(features, (rows, architecture.window, size))
    if joint.kind == "L":
        return keras.layers.LSTM(joint.size)(series)
    return keras.layers.Flatten()(keras.layers.Conv1D(joint.size, KERNEL, activation="relu")(series))
