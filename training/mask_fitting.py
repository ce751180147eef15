"""Fits one mask network, the same bytes for the same seed; needs the extra `train`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from training.fitting import be_repeatable
from training.mask_augmentation import Augmentation
from training.mask_judging import EVEN_ODDS
from training.mask_networks import DROPOUT, build_mask_network, fold
from training.mask_views import AREA
from training.protocol import cosine_rate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from training.mask_data import Pictures

_AT_ONCE = 1000
_FORGOTTEN = 10
"""Averages begin short, so that the first steps are soon forgotten."""


@dataclass(frozen=True)
class MaskEffort:
    """How long and how fast: Adam, its rate falling to nothing along a cosine.

    The published optimiser and schedule could not be looked up; all of this is assumed.

    Attributes:
        epochs: The weights of the best one on validation pictures are kept.
        batch: Pictures in a batch.
        rate: The first learning rate.
        averaging: Weights are averaged over steps, each step counting this much less than the one after it; 0 takes
            them as they are.
        smoothing: Labels are so far from 0 and 1, so that certainty is not learnt where there is none.
        normed: Whether layers are followed by batch normalisation while they learn.
    """

    epochs: int = 30
    batch: int = 64
    rate: float = 3e-3
    averaging: float = 0.998
    smoothing: float = 0.01
    normed: bool = True


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
    effort, rng = course.effort, np.random.default_rng(course.seed)
    model, mean = (_new(course) for _ in range(2))
    mean.set_weights(model.get_weights())
    step = _step(model, mean, keras.optimizers.Adam(effort.rate), effort)
    plain = build_mask_network(course.network)
    best, weights = -1.0, plain.get_weights()
    for epoch in range(effort.epochs):
        for number, of, seen, masked in _batches(course, train, rng):
            step(seen, masked, cosine_rate(effort.rate, (epoch + number / of) / effort.epochs))
        fold(mean, plain)
        found = _told(plain, validation)
        print(f"{course.network}, epoch {epoch + 1} of {effort.epochs}: {found:.2%}", flush=True)
        if found > best:
            best, weights = found, plain.get_weights()
    plain.set_weights(weights)
    return plain


def _new(course: MaskCourse) -> keras.Model:
    return build_mask_network(course.network, dropout=course.dropout, normed=course.effort.normed)


def _batches(
    course: MaskCourse, train: Pictures, rng: np.random.Generator
) -> Iterator[tuple[int, int, NDArray[np.float32], NDArray[np.bool_]]]:
    """Yield an epoch's batches with their numbers; each is varied while the one before it is learnt from."""
    parts = np.array_split(rng.permutation(len(train)), max(len(train) // course.effort.batch, 1))
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(course.augmentation.batch, train.views, parts[0], rng)
        for number, index in enumerate(parts):
            seen = coming.result()
            if number + 1 < len(parts):
                coming = pool.submit(course.augmentation.batch, train.views, parts[number + 1], rng)
            yield number, len(parts), seen, train.masked[index]


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


def _told(model: keras.Model, validation: Pictures) -> float:
    """Return the accuracy on validation pictures as the firmware scales them."""
    return float(((scores(model, validation.views[:, AREA]) >= EVEN_ODDS) == validation.masked).mean())


def _step(model: keras.Model, mean: keras.Model, optimizer: keras.optimizers.Optimizer, effort: MaskEffort) -> Any:
    """Return what learns from a batch; `mean` follows with the average of the weights."""

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator, unused-ignore]
    def run(images: tf.Tensor, masked: tf.Tensor, kept: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            told = model(images, training=True)[:, 0]
            loss = tf.reduce_mean(keras.losses.binary_crossentropy(masked, told))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        for average, now in zip(mean.weights, model.weights, strict=True):
            average.assign(now + (average - now) * kept)

    taken = 0

    def step(images: NDArray[np.float32], masked: NDArray[np.bool_], rate: float) -> None:
        nonlocal taken
        taken += 1
        optimizer.learning_rate = rate
        labels = masked * (1 - 2 * effort.smoothing) + effort.smoothing
        kept = min(effort.averaging, taken / (taken + _FORGOTTEN))
        run(tf.constant(images), tf.constant(labels.astype(np.float32)), tf.constant(np.float32(kept)))

    return step
