"""The three networks that tell a mask from none: a small CNN, SqueezeNet, and SqueezeNet less two fire modules.

The layers of the published CNN (arXiv 2011.14858) can no longer be looked up. The one here is the one of convolutions
without padding, pools and dense layers that has the published 128,193 parameters and the published size. SqueezeNet is
version 1.1 of arXiv 1602.07360, whose first layers halve a picture of 32 x 32 as they halve larger ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import keras
import numpy as np

from training.mask_views import SIDE_PX

if TYPE_CHECKING:
    from collections.abc import Callable

CNN_PARAMETERS: Final = 128_193
DROPOUT: Final = 0.0
"""Share left out after each layer of the CNN. The published shares are not known; with as many pictures as are drawn
here the network does not learn them by heart, and does without."""
_MOMENTUM: Final = 0.98
SQUEEZENET_DROPOUT: Final = 0.5
"""Before the last convolution, as SqueezeNet has it."""
_FIRES: Final = ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256))
_LEFT_OUT: Final = 2
_POOLS_BEFORE: Final = (0, 2, 4)
"""A pool goes before these fire modules."""

_FOLDED: Final = (keras.layers.Conv2D, keras.layers.Dense)
_NORMED: Final = "{}_normed"

NETWORKS: Final = ("mask_cnn", "squeezenet", "squeezenet_modified")


def build_mask_network(name: str, *, dropout: float = DROPOUT, normed: bool = False) -> keras.Model:
    """Return a new network: (32, 32, 3) from 0 to 1 in, the probability of a mask out.

    Args:
        name: One of `NETWORKS`.
        dropout: Share left out after each layer of the CNN, or before the last convolution of SqueezeNet.
        normed: Whether each layer but the last is followed by batch normalisation, to learn with; `folded` takes
            it out again.
    """
    seen = keras.Input((SIDE_PX, SIDE_PX, 3))
    build: dict[str, Callable[[keras.KerasTensor], keras.KerasTensor]] = {
        "mask_cnn": lambda tensor: _cnn(tensor, dropout, normed),
        "squeezenet": lambda tensor: _squeezenet(tensor, len(_FIRES), dropout, normed),
        "squeezenet_modified": lambda tensor: _squeezenet(tensor, len(_FIRES) - _LEFT_OUT, dropout, normed),
    }
    model = keras.Model(seen, build[name](seen), name=name)
    if name == "mask_cnn" and not normed and model.count_params() != CNN_PARAMETERS:
        raise ValueError(f"the CNN has {model.count_params()} parameters instead of {CNN_PARAMETERS}")
    return model


def fold(model: keras.Model, plain: keras.Model) -> None:
    """Make a network without batch normalisation compute what a trained one with it does.

    A layer's kernel and bias take over the factor and the shift that normalisation ends up at for each channel, so
    that it costs nothing when the network runs.

    Args:
        model: The trained one, of `build_mask_network`; without normalisation its weights are taken as they are.
        plain: One of the same name without normalisation, whose weights are replaced.
    """
    layers = ([one for one in network.layers if isinstance(one, _FOLDED)] for network in (model, plain))
    for layer, target in zip(*layers, strict=True):
        kernel, bias = layer.get_weights()
        if any(one.name == _NORMED.format(layer.name) for one in model.layers):
            normed = model.get_layer(_NORMED.format(layer.name))
            gamma, beta, mean, variance = normed.get_weights()
            factor = gamma / np.sqrt(variance + normed.epsilon)
            kernel, bias = kernel * factor, beta + (bias - mean) * factor
        target.set_weights([kernel, bias])


def _activated(layer: keras.layers.Layer, tensor: keras.KerasTensor, *, normed: bool) -> keras.KerasTensor:
    """Return what a layer makes of a tensor, then perhaps normalisation, then ReLU."""
    if not normed:
        layer.activation = keras.activations.relu
        return layer(tensor)
    tensor = keras.layers.BatchNormalization(momentum=_MOMENTUM, name=_NORMED.format(layer.name))(layer(tensor))
    return keras.layers.ReLU()(tensor)


def _cnn(tensor: keras.KerasTensor, dropout: float, normed: bool) -> keras.KerasTensor:  # noqa: FBT001 - bound above
    for filters in (32, 64, 128):
        tensor = _activated(keras.layers.Conv2D(filters, 3), tensor, normed=normed)
        tensor = keras.layers.MaxPooling2D(2)(tensor)
        tensor = keras.layers.Dropout(dropout)(tensor)
    tensor = keras.layers.Flatten()(tensor)
    for units in (64, 32):
        tensor = _activated(keras.layers.Dense(units), tensor, normed=normed)
        tensor = keras.layers.Dropout(dropout)(tensor)
    return keras.layers.Dense(1, activation="sigmoid")(tensor)


def _squeezenet(tensor: keras.KerasTensor, fires: int, dropout: float, normed: bool) -> keras.KerasTensor:  # noqa: FBT001
    tensor = _activated(_convolution(64, 3, strides=2), tensor, normed=normed)
    for number, (squeezed, expanded) in enumerate(_FIRES[:fires]):
        if number in _POOLS_BEFORE:
            tensor = keras.layers.MaxPooling2D(3, strides=2, padding="same")(tensor)
        tensor = _fire(tensor, squeezed, expanded, normed=normed)
    tensor = keras.layers.Dropout(dropout)(tensor)
    tensor = keras.layers.Conv2D(1, 1)(tensor)
    tensor = keras.layers.GlobalAveragePooling2D()(tensor)
    return keras.layers.Activation("sigmoid")(tensor)


def _fire(tensor: keras.KerasTensor, squeezed: int, expanded: int, *, normed: bool) -> keras.KerasTensor:
    """Return what a fire module makes of a tensor: few channels, and of them many, by 1 x 1 and by 3 x 3."""
    few = _activated(_convolution(squeezed, 1), tensor, normed=normed)
    many = [_activated(_convolution(expanded, size), few, normed=normed) for size in (1, 3)]
    return keras.layers.Concatenate()(many)


def _convolution(filters: int, size: int, strides: int = 1) -> keras.layers.Layer:
    return keras.layers.Conv2D(filters, size, strides=strides, padding="same", kernel_initializer="he_uniform")
