"""Fits one mask network, the same bytes for the same seed; needs the extra `train`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from training.fitting import be_repeatable
from training.mask_augmentation import AS_SEEN, Augmentation
from training.mask_networks import DROPOUT, build_mask_network
from training.protocol import cosine_rate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from training.mask_data import Pictures

_AT_ONCE = 1000


@dataclass(frozen=True)
class MaskEffort:
    """How long and how fast: Adam, its rate falling to nothing along a cosine.

    The published optimiser and schedule could not be looked up; all of this is assumed.

    Attributes:
        epochs: The weights of the best one on validation pictures are kept.
        batch: Pictures in a batch.
        rate: The first learning rate.
    """

    epochs: int = 36
    batch: int = 64
    rate: float = 1.5e-3


@dataclass(frozen=True)
class MaskCourse:
    """What a mask network is and is trained by.

    Attributes:
        network: One of `training.mask_networks.NETWORKS`.
        augmentation: How pictures are varied.
        dropout: Share left out after each layer.
        effort: How long and how fast.
        seed: Of weights and batches.
    """

    network: str = "mask_cnn"
    augmentation: Augmentation = field(default_factory=Augmentation)
    dropout: float = DROPOUT
    effort: MaskEffort = field(default_factory=MaskEffort)
    seed: int = 1


def fit_mask(course: MaskCourse, train: Pictures, validation: Pictures) -> keras.Model:
    """Return a new network, trained; of all epochs the one that tells validation pictures best."""
    be_repeatable(course.seed)
    keras.backend.clear_session()
    model = build_mask_network(course.network, dropout=course.dropout)
    effort, rng = course.effort, np.random.default_rng(course.seed)
    step = _step(model, keras.optimizers.Adam(effort.rate))
    steps = max(len(train) // effort.batch, 1)
    best, weights = -1.0, model.get_weights()
    for epoch in range(effort.epochs):
        for number, index in enumerate(np.array_split(rng.permutation(len(train)), steps)):
            rate = cosine_rate(effort.rate, (epoch + number / steps) / effort.epochs)
            step(course.augmentation.batch(train.views, index, rng), train.masked[index], rate)
        found = _told(model, validation, rng)
        if found > best:
            best, weights = found, model.get_weights()
    model.set_weights(weights)
    return model


def scores(model: keras.Model, seen: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return (N,) the float network's probability of a mask for pictures (N, 32, 32, 3)."""
    parts = [seen[begin : begin + _AT_ONCE] for begin in range(0, len(seen), _AT_ONCE)]
    found = [model.predict_on_batch(part.astype(np.float32) / np.float32(255))[:, 0] for part in parts]
    return np.concatenate(found)


def representative_pictures(course: MaskCourse, train: Pictures, number: int = 500) -> NDArray[np.float32]:
    """Return (number + 2, 32, 32, 3) pictures to take ranges from.

    Black and white ones are among them, so that an input's code is its level less 128.
    """
    rng = np.random.default_rng(course.seed)
    index = rng.integers(0, len(train), number)
    some = course.augmentation.batch(train.views, index, rng)
    ends = np.stack([np.zeros_like(some[0]), np.ones_like(some[0])])
    return np.concatenate([ends, some])


def _told(model: keras.Model, validation: Pictures, rng: np.random.Generator) -> float:
    """Return the accuracy on validation pictures as the firmware scales them."""
    seen = AS_SEEN.batch(validation.views, np.arange(len(validation)), rng)
    parts = [seen[begin : begin + _AT_ONCE] for begin in range(0, len(seen), _AT_ONCE)]
    told = np.concatenate([model.predict_on_batch(part)[:, 0] for part in parts]) >= 0.5
    return float((told == validation.masked).mean())


def _step(model: keras.Model, optimizer: keras.optimizers.Optimizer) -> Any:
    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator, unused-ignore]
    def run(images: tf.Tensor, masked: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            told = model(images, training=True)[:, 0]
            loss = tf.reduce_mean(keras.losses.binary_crossentropy(masked, told))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))

    def step(images: NDArray[np.float32], masked: NDArray[np.bool_], rate: float) -> None:
        optimizer.learning_rate = rate
        run(tf.constant(images), tf.constant(masked.astype(np.float32)))

    return step
