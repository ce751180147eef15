"""The spots of a plan on which people may stand: cells of a square grid over the floor."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from datasheet.bad_input import BadInputError
from scenarios.geometry import outline, walkable_floor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenarios.room import Scenario

MOST_SPOTS = 100_000
"""A room of 30 x 30 m at 0.1 m; more would take the memory of a small computer."""


@dataclass(frozen=True)
class Spots:
    """Cells of a grid whose south-west corner is the plan's.

    Attributes:
        step_m: Their side.
        shape: Rows (from the south) and columns (from the west) of the grid.
        cell: (S,) int64, numbers of the cells in which people can be, row by row.
    """

    step_m: float
    shape: tuple[int, int]
    cell: NDArray[np.int64]

    def __len__(self) -> int:
        """How many spots there are."""
        return len(self.cell)

    @property
    def position_m(self) -> NDArray[np.float64]:
        """(S, 2) x and y of the cells' middles."""
        row, column = np.divmod(self.cell, self.shape[1])
        return np.stack([(column + 0.5) * self.step_m, (row + 0.5) * self.step_m], axis=1)

    def as_grid(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (rows, columns) of (S,) values, nan where nobody can be; row 0 lies in the south."""
        grid = np.full(self.shape[0] * self.shape[1], np.nan)
        grid[self.cell] = values
        return grid.reshape(self.shape)


def spots_of(scenario: Scenario, step_m: float) -> Spots:
    """Return the spots of the floor on which the axis of a body may be, clear of walls and furniture.

    Raises:
        BadInputError: There would be none, or more than `MOST_SPOTS`.
    """
    room = scenario.room
    shape = (math.ceil(room.size_y_m / step_m - 1e-9), math.ceil(room.size_x_m / step_m - 1e-9))
    if shape[0] * shape[1] > MOST_SPOTS:
        least_m = math.sqrt(room.size_x_m * room.size_y_m / MOST_SPOTS)
        raise BadInputError("command line", "step", step_m, f"must be {least_m:.2g} m at least for {scenario.name}")
    every = Spots(step_m, shape, np.arange(shape[0] * shape[1]))
    floor = shapely.intersection(walkable_floor(scenario), outline(scenario.room))
    inside = shapely.contains_xy(floor, every.position_m)
    if not inside.any():
        raise BadInputError("command line", "step", step_m, f"leaves no spot of {scenario.name} to stand on")
    return Spots(step_m, shape, np.flatnonzero(inside))
