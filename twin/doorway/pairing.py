"""Which of two lists of events mean the same person: as many pairs as can be, and then as near in time as can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twin.doorway.events import DoorEvent


def paired(
    some: Sequence[DoorEvent], others: Sequence[DoorEvent], *, within_s: float, within_m: float = np.inf
) -> list[tuple[int, int]]:
    """Return pairs of indices of events at the same door, in the same direction, and near enough to each other.

    Args:
        some: Events.
        others: Events of another origin.
        within_s: Pairs are no farther apart in time.
        within_m: And no farther across the door; who was somewhere unknown is near everybody.
    """
    if not some or not others:
        return []
    away_s = np.abs(np.subtract.outer([one.time_s for one in some], [one.time_s for one in others]))
    away_m = np.abs(np.subtract.outer([one.across_m for one in some], [one.across_m for one in others]))
    same = np.array([[one.kind == other.kind and one.door == other.door for other in others] for one in some])
    may = same & (away_s <= within_s) & ~(away_m > within_m)
    # A pair more is worth any sum of times.
    worth = np.where(may, away_s - (1 + within_s) * (1 + min(len(some), len(others))), 0.0)
    return [(int(i), int(j)) for i, j in zip(*linear_sum_assignment(worth), strict=True) if may[i, j]]
