"""Fits one network, the same bytes for the same seed; needs the extra `train`."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from training.architectures import CLASSES
from training.families import ConvertedLayers, build
from training.protocol import Plateau, cosine_rate, metrics
from training.windows import inputs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from training.architectures import Architecture
    from training.windows import Batch, Frames, Mixture

_AT_ONCE = 4096
_OUT_OF_THE_RUNNING = 30.0
"""Taken from the logits of counts of which a frame's origin knows nothing: e^-30 is as good as no share."""


@dataclass(frozen=True)
class Effort:
    """How long and how fast.

    Attributes:
        epochs: At most so many; the weights of the best one on validation frames are kept.
        steps: Batches in an epoch.
        batch: Frames in a batch.
        rate: The first learning rate.
        schedule: "cosine" falls over all epochs; "plateau" is the published schedule, with early stopping.
    """

    epochs: int = 16
    steps: int = 500
    batch: int = 512
    rate: float = 4e-3
    schedule: str = "cosine"


def be_repeatable(seed: int) -> None:
    """Make TensorFlow compute the same in every run: its seeds, one thread, no operation that depends on timing."""
    with contextlib.suppress(RuntimeError):  # it has begun to compute, with the threads that it has
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


@dataclass(frozen=True)
class Course:
    """What a network is trained by.

    Attributes:
        architecture: What it is.
        mixture: What batches are drawn from.
        validation: Frames that choose the epoch.
        chosen: (M,) which of them.
        effort: How long and how fast.
        seed: Of weights and batches.
    """

    architecture: Architecture
    mixture: Mixture
    validation: Frames
    chosen: NDArray[np.intp]
    effort: Effort
    seed: int


def fit(course: Course) -> keras.Model:
    """Return a new network, trained."""
    be_repeatable(course.seed)
    return improve(build(course.architecture), course)


def improve(model: keras.Model, course: Course) -> keras.Model:
    """Return `model`, trained on from its weights, with those of the epoch that counted validation frames best."""
    effort = course.effort
    rng = np.random.default_rng(course.seed)
    optimizer = keras.optimizers.Adam(effort.rate)
    step = _step(model, optimizer)
    plateau = Plateau(effort.rate)
    best, weights = -1.0, model.get_weights()
    for epoch in range(effort.epochs):
        losses = []
        for number in range(effort.steps):
            done = (epoch + number / effort.steps) / effort.epochs
            is_cosine = effort.schedule == "cosine"
            optimizer.learning_rate = cosine_rate(effort.rate, done) if is_cosine else plateau.rate
            losses.append(float(step(course.mixture.draw(effort.batch, course.architecture, CLASSES, rng))))
        found = _validated(model, course)
        if found > best:
            best, weights = found, model.get_weights()
        plateau.after_epoch(float(np.mean(losses)))
        if effort.schedule == "plateau" and plateau.stops:
            break
    model.set_weights(weights)
    return model


def _validated(model: keras.Model, course: Course) -> float:
    """Return the balanced accuracy on validation frames, without votes."""
    counted = counts(model, course.validation, course.chosen, course.architecture)
    return metrics(course.validation.count[course.chosen], counted).balanced_accuracy


def counts(
    model: keras.Model, frames: Frames, index: NDArray[np.intp], architecture: Architecture
) -> NDArray[np.int64]:
    """Return (M,) what the float network counts in the windows that end with the frames `index`; no voting."""
    parts = [index[begin : begin + _AT_ONCE] for begin in range(0, len(index), _AT_ONCE)]
    found = [model.predict_on_batch(inputs(frames, part, architecture)).argmax(axis=1) for part in parts]
    return np.concatenate(found).astype(np.int64)


def _step(model: keras.Model, optimizer: keras.optimizers.Optimizer) -> Any:
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction=None)

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator, unused-ignore]
    def run(images: tf.Tensor, count: tf.Tensor, weight: tf.Tensor, absent: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            logits = model(images, training=True) - _OUT_OF_THE_RUNNING * absent
            loss = tf.reduce_mean(weight * cross_entropy(count, logits))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    def step(batch: Batch) -> tf.Tensor:
        arrays = (batch.inputs, batch.count, batch.weight, batch.absent.astype(np.float32))
        return run(*(tf.constant(array) for array in arrays))

    return step


def fixed_batch(model: keras.Model, architecture: Architecture) -> keras.Model:
    """Return the trained network for one input at a time, its tensors named the same whatever was built before.

    Keras numbers what it builds, and the names are in the converted file.
    """
    keras.backend.clear_session()
    fixed = build(architecture, batch=1, layers=ConvertedLayers())
    fixed.set_weights(model.get_weights())
    return fixed
