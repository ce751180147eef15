"""How networks are trained and judged so that figures can be compared with published ones.

Leave one session out, class weights and easy frames as in arXiv 2304.06059. The rest is assumed after public scripts
for the same data: the learning rate falls after 5 epochs without a better loss, training ends after 10, at most 500.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from sklearn.metrics import confusion_matrix

from mcu_models.compiler.vote import voted_by_block

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

CLASSES: Final = 4
FIRST_RATE: Final = 1e-3
PLATEAU_FACTOR: Final = 0.3
PLATEAU_PATIENCE: Final = 5
STOP_PATIENCE: Final = 10
_LOWEST_RATE: Final = 1e-6
_BETTER: Final = 1e-4
_ALWAYS_TRAINED: Final = 1
"""LINAIGE's session 1, by far its longest, is in every training set of the published protocol."""


@dataclass(frozen=True)
class Fold:
    """One round of cross-validation: numbers of the session that is left out, and of those trained on."""

    test: int
    train: tuple[int, ...]


def folds(sessions: Sequence[int]) -> list[Fold]:
    """Return a fold for each session but number 1, which is trained on in all of them where it is there."""
    tested = [number for number in sessions if number != _ALWAYS_TRAINED]
    return [Fold(test, tuple(number for number in sessions if number != test)) for test in tested if len(sessions) > 1]


def class_weights(count: NDArray[np.int64], classes: int = CLASSES) -> NDArray[np.float64]:
    """Return (classes,) weights of the loss, inversely to how often a count occurs, of mean one over all frames.

    A count that does not occur has weight 0.
    """
    found = np.bincount(count, minlength=classes).astype(np.float64)
    present = found > 0
    weights = np.zeros(classes)
    weights[present] = len(count) / (present.sum() * found[present])
    return weights


class Plateau:
    """The published schedule: told a loss after each epoch, it lowers the rate and says when to stop."""

    def __init__(self, rate: float = FIRST_RATE) -> None:
        self.rate = rate
        self.stops = False
        self._best = math.inf
        self._waited = 0

    def after_epoch(self, loss: float) -> None:
        """Take note of an epoch's loss."""
        if loss < self._best * (1 - _BETTER):
            self._best, self._waited = loss, 0
            return
        self._waited += 1
        if self._waited % PLATEAU_PATIENCE == 0:
            self.rate = max(self.rate * PLATEAU_FACTOR, _LOWEST_RATE)
        self.stops = self._waited >= STOP_PATIENCE


def cosine_rate(first: float, done: float) -> float:
    """Return the rate after the share `done` of training, falling to zero along half a cosine."""
    return first * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))


@dataclass(frozen=True)
class Metrics:
    """How well frames were counted.

    Attributes:
        frames: How many.
        balanced_accuracy: Mean over the counts that occur of the share counted right.
        accuracy: Share counted right.
        weighted_f1: F1 of each count, weighted by how often it occurs.
        mse: Mean square of counted less true.
        mae: Mean of its absolute value.
        matrix: Rows true, columns counted.
    """

    frames: int
    balanced_accuracy: float
    accuracy: float
    weighted_f1: float
    mse: float
    mae: float
    matrix: tuple[tuple[int, ...], ...]


def metrics(truth: NDArray[np.int64], counted: NDArray[np.int64], classes: int = CLASSES) -> Metrics:
    """Return how well `truth` was counted; both (N,), N at least 1."""
    matrix = confusion_matrix(truth, counted, labels=np.arange(classes))
    right, true, said = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    present = true > 0
    error = (counted - truth).astype(np.float64)
    f1 = 2 * right / np.maximum(true + said, 1)
    return Metrics(
        frames=len(truth),
        balanced_accuracy=float(np.mean(right[present] / true[present])),
        accuracy=float(np.mean(counted == truth)),
        weighted_f1=float(np.sum(f1 * true) / len(truth)),
        mse=float(np.mean(error**2)),
        mae=float(np.mean(np.abs(error))),
        matrix=tuple(tuple(int(cell) for cell in row) for row in matrix),
    )


def over_folds(found: Sequence[Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Return mean and deviation of each figure over folds, weighted by the `frames` of each."""
    weight = np.array([one["frames"] for one in found], dtype=np.float64)
    table = {}
    for name in ("balanced_accuracy", "accuracy", "weighted_f1", "mse", "mae"):
        values = np.array([one[name] for one in found])
        mean = float(np.average(values, weights=weight))
        deviation = math.sqrt(float(np.average((values - mean) ** 2, weights=weight)))
        table[name] = {"mean": mean, "deviation": deviation}
    return table


def as_json(found: Metrics) -> dict[str, object]:
    """Return the figures for a JSON file."""
    return asdict(found)


def voted(counted: NDArray[np.int64], start: NDArray[np.int64], votes: int) -> NDArray[np.int64]:
    """Return what each block's counts amount to when they vote, as the firmware's do.

    Args:
        counted: (N,) counts, block behind block.
        start: (N,) where each frame's block begins.
        votes: How many are looked at; fewer at the start of a block.
    """
    return voted_by_block(counted, np.unique(start), votes)
