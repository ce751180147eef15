"""Keras networks of the six families; needs the extra `train`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

from training.architectures import KERNEL, SIDE
from training.fused_lstm import FusedLstm

if TYPE_CHECKING:
    from training.architectures import Architecture


class PlainLayers:
    """The layers that networks are built from; a subclass may build the same networks from others."""

    def entry(self, inputs: Any) -> Any:
        """Return what the network sees of its inputs."""
        return inputs

    def conv2d(self, filters: int) -> keras.layers.Layer:
        """Return a convolution over an image."""
        return keras.layers.Conv2D(filters, KERNEL, activation="relu")

    def conv1d(self, filters: int) -> keras.layers.Layer:
        """Return a convolution over time."""
        return keras.layers.Conv1D(filters, KERNEL, activation="relu")

    def dense(self, units: int, activation: str | None) -> keras.layers.Layer:
        """Return a dense layer."""
        return keras.layers.Dense(units, activation=activation)

    def lstm(self, units: int) -> keras.layers.Layer:
        """Return an LSTM."""
        return keras.layers.LSTM(units)


class ConvertedLayers(PlainLayers):
    """The same, with the same weights, as the converter understands them."""

    def lstm(self, units: int) -> keras.layers.Layer:
        """Return an LSTM that becomes one operator."""
        return FusedLstm(units)


def build(architecture: Architecture, *, batch: int | None = None, layers: PlainLayers | None = None) -> keras.Model:
    """Return the untrained network, from (8, 8, channels), or (window, 8, 8, 1) where frames are joined, to 4 logits.

    Args:
        architecture: What to build.
        batch: A fixed batch, so that no shape is computed at run time on a microcontroller; None takes any.
        layers: What to build it from; plain layers.
    """
    make = layers or PlainLayers()
    inputs = keras.Input(input_shape(architecture), batch_size=batch)
    rows = -1 if batch is None else batch
    features = make.entry(inputs)
    if architecture.joint is not None:
        features = _as_images(features, rows, architecture)
    for layer in architecture.image_layers:
        features = (keras.layers.MaxPooling2D(2) if layer.kind == "P" else make.conv2d(layer.size))(features)
    features = _joined(features, rows, architecture, make)
    for units in architecture.dense_units[:-1]:
        features = make.dense(units, "relu")(features)
    return keras.Model(inputs, make.dense(architecture.dense_units[-1], None)(features))


def input_shape(architecture: Architecture) -> tuple[int, ...]:
    """Return the shape of one input, without the batch."""
    image = (SIDE, SIDE, architecture.channels)
    return image if architecture.joint is None else (architecture.window, *image)


def _as_images(inputs: Any, rows: int, architecture: Architecture) -> Any:
    """Return the frames of all windows as one batch of images: all go through the same layers."""
    images = rows * architecture.window if rows > 0 else -1
    return keras.ops.reshape(inputs, (images, SIDE, SIDE, 1))


def _joined(features: Any, rows: int, architecture: Architecture, make: PlainLayers) -> Any:
    """Return (batch, features) of a window."""
    joint = architecture.joint
    if joint is None:
        return keras.layers.Flatten()(features)
    size = int(features.shape[1] * features.shape[2] * features.shape[3])
    if joint.kind == "Cat":
        return keras.ops.reshape(features, (rows, architecture.window * size))
    series = keras.ops.reshape(features, (rows, architecture.window, size))
    if joint.kind == "L":
        return make.lstm(joint.size)(series)
    return keras.layers.Flatten()(make.conv1d(joint.size)(series))
