"""The three networks that tell a mask from none: a small CNN, SqueezeNet, and SqueezeNet less two fire modules.

The layers of the published CNN (arXiv 2011.14858) can no longer be looked up. The one here is the one of convolutions
without padding, pools and dense layers that has the published 128,193 parameters and the published size. SqueezeNet is
version 1.1 of arXiv 1602.07360, whose first layers halve a picture of 32 x 32 as they halve larger ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import keras

from training.mask_views import SIDE_PX

if TYPE_CHECKING:
    from collections.abc import Callable

CNN_PARAMETERS: Final = 128_193
DROPOUT: Final = 0.02
"""Share left out after each layer of the CNN; the published shares are not known, this is assumed."""
_SQUEEZENET_DROPOUT: Final = 0.5
"""Before the last convolution, as SqueezeNet has it."""
_FIRES: Final = ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256))
_LEFT_OUT: Final = 2
_POOLS_BEFORE: Final = (0, 2, 4)
"""A pool goes before these fire modules."""

NETWORKS: Final = ("mask_cnn", "squeezenet", "squeezenet_modified")


def build_mask_network(name: str, *, dropout: float = DROPOUT, batch: int | None = None) -> keras.Model:
    """Return a new network: (32, 32, 3) from 0 to 1 in, the probability of a mask out.

    Args:
        name: One of `NETWORKS`.
        dropout: Share left out after each layer of the CNN; 0 also leaves out SqueezeNet's own.
        batch: A fixed one, for conversion.
    """
    seen = keras.Input((SIDE_PX, SIDE_PX, 3), batch_size=batch)
    build: dict[str, Callable[[keras.KerasTensor], keras.KerasTensor]] = {
        "mask_cnn": lambda tensor: _cnn(tensor, dropout),
        "squeezenet": lambda tensor: _squeezenet(tensor, len(_FIRES), dropout),
        "squeezenet_modified": lambda tensor: _squeezenet(tensor, len(_FIRES) - _LEFT_OUT, dropout),
    }
    model = keras.Model(seen, build[name](seen), name=name)
    if name == "mask_cnn" and model.count_params() != CNN_PARAMETERS:
        raise ValueError(f"the CNN has {model.count_params()} parameters instead of {CNN_PARAMETERS}")
    return model


def _cnn(tensor: keras.KerasTensor, dropout: float) -> keras.KerasTensor:
    for filters in (32, 64, 128):
        tensor = keras.layers.Conv2D(filters, 3, activation="relu")(tensor)
        tensor = keras.layers.MaxPooling2D(2)(tensor)
        tensor = keras.layers.Dropout(dropout)(tensor)
    tensor = keras.layers.Flatten()(tensor)
    for units in (64, 32):
        tensor = keras.layers.Dense(units, activation="relu")(tensor)
        tensor = keras.layers.Dropout(dropout)(tensor)
    return keras.layers.Dense(1, activation="sigmoid")(tensor)


def _squeezenet(tensor: keras.KerasTensor, fires: int, dropout: float) -> keras.KerasTensor:
    tensor = _convolution(64, 3, strides=2)(tensor)
    for number, (squeezed, expanded) in enumerate(_FIRES[:fires]):
        if number in _POOLS_BEFORE:
            tensor = keras.layers.MaxPooling2D(3, strides=2, padding="same")(tensor)
        tensor = _fire(tensor, squeezed, expanded)
    tensor = keras.layers.Dropout(_SQUEEZENET_DROPOUT if dropout else 0.0)(tensor)
    tensor = keras.layers.Conv2D(1, 1)(tensor)
    tensor = keras.layers.GlobalAveragePooling2D()(tensor)
    return keras.layers.Activation("sigmoid")(tensor)


def _fire(tensor: keras.KerasTensor, squeezed: int, expanded: int) -> keras.KerasTensor:
    """Return what a fire module makes of a tensor: few channels, and of them many, by 1 x 1 and by 3 x 3."""
    few = _convolution(squeezed, 1)(tensor)
    return keras.layers.Concatenate()([_convolution(expanded, 1)(few), _convolution(expanded, 3)(few)])


def _convolution(filters: int, size: int, strides: int = 1) -> keras.layers.Layer:
    return keras.layers.Conv2D(
        filters, size, strides=strides, padding="same", activation="relu", kernel_initializer="he_uniform"
    )
