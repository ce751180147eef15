"""Quantisation-aware training: a trained network learns to count with int8 weights and activations; needs `train`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from training.fake_quant import SimulatedLayers, TrainedRanges, trained_ranges
from training.families import build
from training.fitting import be_repeatable, improve

if TYPE_CHECKING:
    import keras

    from training.fitting import Course, Effort

_EPOCHS_SHARE: Final = 4
_RATE_SHARE: Final = 10
"""A fourth of the epochs, the first learning rate a tenth, along a cosine."""


def train_quantised(model: keras.Model, course: Course) -> tuple[keras.Model, TrainedRanges]:
    """Return a network of plain layers with new weights, and the ranges of its activations.

    The epoch is the one that, simulated in int8, counted the validation frames best.

    Args:
        model: The trained network, which stays as it is.
        course: What it was trained by; its effort is cut down by `tuning`.
    """
    weights = [variable.numpy() for variable in model.trainable_variables]
    be_repeatable(course.seed)
    simulated = build(course.architecture, layers=SimulatedLayers())
    for variable, value in zip(simulated.trainable_variables, weights, strict=True):
        variable.assign(value)
    improve(simulated, replace(course, effort=tuning(course.effort)))
    plain = build(course.architecture)
    plain.set_weights([variable.numpy() for variable in simulated.trainable_variables])
    return plain, trained_ranges(simulated)


def tuning(effort: Effort) -> Effort:
    """Return how long and how fast a network that is trained already learns to be quantised."""
    epochs = max(effort.epochs // _EPOCHS_SHARE, 1)
    return replace(effort, epochs=epochs, rate=effort.rate / _RATE_SHARE, schedule="cosine")
