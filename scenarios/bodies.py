"""Everybody's body as arrays, one row a slot: what a crowd engine reads and moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scenarios.steering import ABSENT

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Bodies:
    """Where everybody is and wants to go; the arrays change in place.

    Attributes:
        state: (S,) of each slot, `ABSENT`, `STANDS` or `WALKS`.
        position_m: (S, 2) body axes.
        velocity_mps: (S, 2) velocities over the last step.
        radius_m: (S,) half shoulder breadths.
        reach_m: (S,) how far somebody who stands may sway from `position_m`.
        goal_m: (S, 2) where each wants to go.
        speed_mps: (S,) how fast, when nobody is in the way; 0 for walkers who wait.
        stops: (S,) whether to come to rest at the goal.
    """

    state: NDArray[np.int8]
    position_m: NDArray[np.float64]
    velocity_mps: NDArray[np.float64]
    radius_m: NDArray[np.float64]
    reach_m: NDArray[np.float64]
    goal_m: NDArray[np.float64]
    speed_mps: NDArray[np.float64]
    stops: NDArray[np.bool_]


def nobody_yet(slots: int) -> Bodies:
    """Return so many slots, all of them empty."""
    return Bodies(
        state=np.full(slots, ABSENT, dtype=np.int8),
        position_m=np.zeros((slots, 2)),
        velocity_mps=np.zeros((slots, 2)),
        radius_m=np.zeros(slots),
        reach_m=np.zeros(slots),
        goal_m=np.zeros((slots, 2)),
        speed_mps=np.zeros(slots),
        stops=np.zeros(slots, dtype=np.bool_),
    )
