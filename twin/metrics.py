"""How well people are counted: the figures of the published study, by scikit-learn."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import metrics

if TYPE_CHECKING:
    from numpy.typing import NDArray

CLASSES = (0, 1, 2, 3)


@dataclass(frozen=True)
class Accuracy:
    """Agreement of counts with the truth, frame by frame.

    Attributes:
        balanced_accuracy: Mean recall over the classes that occur in the truth.
        accuracy: Share of frames counted right.
        f1_weighted: F1 score, classes weighted by how often they occur.
        mse: Mean squared error of the count.
        mae: Mean absolute error of the count.
        confusion: Rows: people in view; columns: people counted; 0 to 3 and beyond when they occur.
    """

    balanced_accuracy: float
    accuracy: float
    f1_weighted: float
    mse: float
    mae: float
    confusion: tuple[tuple[int, ...], ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the keys of the result schema."""
        return {**asdict(self), "confusion": [list(row) for row in self.confusion]}


def count_accuracy(truth: NDArray[np.int64], count: NDArray[np.int64]) -> Accuracy:
    """Return the accuracy of `count` against `truth`, both (N,), N at least 1."""
    present = np.unique(truth)
    labels = sorted({*CLASSES, *present.tolist(), *np.unique(count).tolist()})
    error = count.astype(np.float64) - truth
    confusion = metrics.confusion_matrix(truth, count, labels=labels)
    return Accuracy(
        balanced_accuracy=float(metrics.recall_score(truth, count, labels=present, average="macro", zero_division=0.0)),
        accuracy=float(metrics.accuracy_score(truth, count)),
        f1_weighted=float(metrics.f1_score(truth, count, average="weighted", zero_division=0.0)),
        mse=float(np.mean(error**2)),
        mae=float(np.mean(np.abs(error))),
        confusion=tuple(tuple(int(n) for n in row) for row in confusion),
    )
