"""Ways around people who stand or sit in the way, besides walls and furniture.

Everybody who does not move is a disc that a walker's axis must not enter. The shortest way that avoids discs bends
around them; here it bends at the corners of a polygon around each disc. A* (Hart, Nilsson and Raphael 1968, IEEE
Transactions on Systems Science and Cybernetics 4(2):100-107) looks for it over these corners and those of the floor.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from scenarios.compiled import compiled
from scenarios.steering import is_visible

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CORNERS_OF_A_DISC = 16
_CLEAR_OF_A_DISC_M = 1e-3


@compiled
def is_clear(x_m: float, y_m: float, to_x_m: float, to_y_m: float, discs_m: NDArray[np.float64]) -> bool:
    """Tell whether a straight way keeps out of all discs.

    Args:
        x_m: Where it begins.
        y_m: Where it begins.
        to_x_m: Where it ends.
        to_y_m: Where it ends.
        discs_m: (D, 3) x, y and radius.
    """
    dx_m, dy_m = to_x_m - x_m, to_y_m - y_m
    square_m2 = dx_m * dx_m + dy_m * dy_m
    for index in range(discs_m.shape[0]):
        rx_m, ry_m = discs_m[index, 0] - x_m, discs_m[index, 1] - y_m
        share = 0.0 if square_m2 == 0 else min(max((rx_m * dx_m + ry_m * dy_m) / square_m2, 0.0), 1.0)
        if math.hypot(rx_m - share * dx_m, ry_m - share * dy_m) < discs_m[index, 2]:
            return False
    return True


@compiled
def way_around(
    start_m: NDArray[np.float64],
    target_m: NDArray[np.float64],
    corners_m: NDArray[np.float64],
    discs_m: NDArray[np.float64],
    borders_m: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return (P, 2) the points to walk to, the last of them the target; none when there is no way.

    Args:
        start_m: (2,) where to begin.
        target_m: (2,) where to end.
        corners_m: (K, 2) corners of the floor.
        discs_m: (D, 3) x, y and radius of what to walk around.
        borders_m: (M, 4) x and y of both ends of each border of the floor.
    """
    nodes_m = _nodes_m(start_m, target_m, corners_m, discs_m)
    count = nodes_m.shape[0]
    length_m, before = np.full(count, np.inf), np.full(count, -1)
    is_done = np.zeros(count, dtype=np.bool_)
    for node in range(1, count):
        is_done[node] = not is_clear(nodes_m[node, 0], nodes_m[node, 1], nodes_m[node, 0], nodes_m[node, 1], discs_m)
    length_m[0] = 0.0
    for _ in range(count):
        here = _most_promising(nodes_m, length_m, is_done)
        if here < 0:
            break
        if here == 1:
            return _trail_m(nodes_m, before)
        is_done[here] = True
        _go_on(here, nodes_m, length_m, before, is_done, discs_m, borders_m)
    return np.empty((0, 2))


@compiled
def _go_on(
    here: int,
    nodes_m: NDArray[np.float64],
    length_m: NDArray[np.float64],
    before: NDArray[np.int64],
    is_done: NDArray[np.bool_],
    discs_m: NDArray[np.float64],
    borders_m: NDArray[np.float64],
) -> None:
    """Note the nodes to which the way through `here` is the shortest found so far."""
    x_m, y_m = nodes_m[here, 0], nodes_m[here, 1]
    for node in range(nodes_m.shape[0]):
        to_x_m, to_y_m = nodes_m[node, 0], nodes_m[node, 1]
        onward_m = length_m[here] + math.hypot(to_x_m - x_m, to_y_m - y_m)
        if (
            not is_done[node]
            and onward_m < length_m[node] - 1e-12
            and is_clear(x_m, y_m, to_x_m, to_y_m, discs_m)
            and is_visible(x_m, y_m, to_x_m, to_y_m, borders_m)
        ):
            length_m[node], before[node] = onward_m, here


@compiled
def _nodes_m(
    start_m: NDArray[np.float64],
    target_m: NDArray[np.float64],
    corners_m: NDArray[np.float64],
    discs_m: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return start, target, corners of the floor and corners around each disc."""
    first = 2 + corners_m.shape[0]
    nodes_m = np.empty((first + _CORNERS_OF_A_DISC * discs_m.shape[0], 2))
    nodes_m[0], nodes_m[1], nodes_m[2:first] = start_m, target_m, corners_m
    for disc in range(discs_m.shape[0]):
        out_m = discs_m[disc, 2] / math.cos(math.pi / _CORNERS_OF_A_DISC) + _CLEAR_OF_A_DISC_M
        for corner in range(_CORNERS_OF_A_DISC):
            angle_rad = 2 * math.pi * corner / _CORNERS_OF_A_DISC
            nodes_m[first, 0] = discs_m[disc, 0] + out_m * math.cos(angle_rad)
            nodes_m[first, 1] = discs_m[disc, 1] + out_m * math.sin(angle_rad)
            first += 1
    return nodes_m


@compiled
def _most_promising(nodes_m: NDArray[np.float64], length_m: NDArray[np.float64], is_done: NDArray[np.bool_]) -> int:
    """Return the node with the shortest way through it if all were straight from there; -1 when none is left."""
    best, best_m = -1, np.inf
    for node in range(nodes_m.shape[0]):
        if not is_done[node] and length_m[node] < np.inf:
            total_m = length_m[node] + math.hypot(nodes_m[node, 0] - nodes_m[1, 0], nodes_m[node, 1] - nodes_m[1, 1])
            if total_m < best_m:
                best, best_m = node, total_m
    return best


@compiled
def _trail_m(nodes_m: NDArray[np.float64], before: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the nodes from after the start to the target."""
    count, node = 0, 1
    while node != 0:
        count, node = count + 1, before[node]
    trail_m = np.empty((count, 2))
    node = 1
    for index in range(count - 1, -1, -1):
        trail_m[index] = nodes_m[node]
        node = before[node]
    return trail_m
