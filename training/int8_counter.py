"""A converted people counter on the reference kernels, and how well it counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.metrics import confusion_matrix

from training.frontend import int8_input
from training.int8_inference import Int8Inference

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Int8Counter:
    """A people counter on the reference kernels, one frame at a time."""

    def __init__(self, content: bytes) -> None:
        self._network = Int8Inference(content)

    def counts(self, frames: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return (N,) int64, the class with the largest output for each (8, 8) frame; the first of equals."""
        return self._network.counts_of_codes(int8_input(frames, self._network.scale, self._network.zero_point))


def balanced_accuracy(truth: NDArray[np.int64], counts: NDArray[np.int64]) -> float:
    """Return the mean over the classes that occur of the share counted right."""
    matrix = confusion_matrix(truth, counts)
    present = matrix.sum(axis=1) > 0
    return float(np.mean(np.diag(matrix)[present] / matrix.sum(axis=1)[present]))
