"""Pareto fronts: networks that no other one beats in both cost and accuracy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def pareto_front(cost: Sequence[float], score: Sequence[float]) -> NDArray[np.intp]:
    """Return which of N points form the front, by growing cost.

    A point is on it if none costs less, or as much, and scores more, or as much; of equal points the first is.

    Args:
        cost: (N,), the less the better.
        score: (N,), the more the better.
    """
    costs, scores = np.asarray(cost, np.float64), np.asarray(score, np.float64)
    order = np.lexsort((np.arange(len(costs)), -scores, costs))
    best = np.maximum.accumulate(np.concatenate([[-np.inf], scores[order]]))[:-1]
    return order[scores[order] > best]
