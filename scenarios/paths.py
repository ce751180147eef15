"""Shortest ways over a floor: straight where one can, around corners, and around those who stand or sit in the way."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from scenarios.compiled import compiled
from scenarios.detours import is_clear, way_around
from scenarios.steering import is_visible

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenarios.geometry import Floor, Point

MOST_CORNERS = 1500
"""Plans with more corners to walk around would take minutes to prepare."""

NOBODY = np.empty((0, 3))
"""No discs to walk around."""


class PathFinder:
    """Ways between any two points of a floor, over its visibility graph."""

    def __init__(self, floor: Floor) -> None:
        self._borders_m = floor.borders_m
        self._corners_m = floor.corners_m
        self._onward_m, self._next = _shortest(_visible_lengths_m(self._corners_m, self._borders_m))

    def path(self, start: Point, target: Point) -> list[Point]:
        """Return the points to walk to, one after the other, the last of them `target`."""
        if not len(self._corners_m) or self.sees(start, target):
            return [target]
        first_m, last_m = self._lengths_to_corners_m(start), self._lengths_to_corners_m(target)
        total_m = first_m[:, np.newaxis] + self._onward_m + last_m[np.newaxis, :]
        begin, end = np.unravel_index(int(np.argmin(total_m)), total_m.shape)
        if not math.isfinite(total_m[begin, end]):
            return [target]
        return [*self._along(int(begin), int(end)), target]

    def is_free(self, start: Point, way: list[Point], discs_m: NDArray[np.float64]) -> bool:
        """Tell whether a way keeps clear of all discs, given as (D, 3) x, y and radius."""
        return all(is_clear(*one, *other, discs_m) for one, other in pairwise([start, *way]))

    def detour(self, start: Point, target: Point, discs_m: NDArray[np.float64]) -> list[Point] | None:
        """Return the shortest way around corners and discs, None when there is none."""
        points_m = way_around(np.array(start), np.array(target), self._corners_m, discs_m, self._borders_m)
        return [(float(x_m), float(y_m)) for x_m, y_m in points_m] or None

    def sees(self, one: Point, other: Point, discs_m: NDArray[np.float64] = NOBODY) -> bool:
        """Tell whether one can walk straight from one point to the other."""
        return bool(is_visible(*one, *other, self._borders_m) and is_clear(*one, *other, discs_m))

    def _lengths_to_corners_m(self, point: Point) -> NDArray[np.float64]:
        return _lengths_m(point[0], point[1], self._corners_m, self._borders_m)

    def _along(self, begin: int, end: int) -> list[Point]:
        corners = [begin]
        while corners[-1] != end:
            corners.append(int(self._next[corners[-1], end]))
        return [(float(x_m), float(y_m)) for x_m, y_m in self._corners_m[corners]]


@compiled
def _lengths_m(
    x_m: float, y_m: float, corners_m: NDArray[np.float64], borders_m: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (K,) distances from a point to the corners that are visible from it, infinity to the others."""
    lengths_m = np.full(corners_m.shape[0], np.inf)
    for index in range(corners_m.shape[0]):
        if is_visible(x_m, y_m, corners_m[index, 0], corners_m[index, 1], borders_m):
            lengths_m[index] = math.hypot(corners_m[index, 0] - x_m, corners_m[index, 1] - y_m)
    return lengths_m


@compiled
def _visible_lengths_m(corners_m: NDArray[np.float64], borders_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (K, K) distances between corners that see each other, infinity between the others."""
    lengths_m = np.empty((corners_m.shape[0], corners_m.shape[0]))
    for index in range(corners_m.shape[0]):
        lengths_m[index] = _lengths_m(corners_m[index, 0], corners_m[index, 1], corners_m, borders_m)
    return lengths_m


@compiled
def _shortest(lengths_m: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the lengths of shortest ways and the next corner on each (Floyd 1962, Warshall 1962)."""
    count = lengths_m.shape[0]
    onward_m = lengths_m.copy()
    following = np.empty((count, count), dtype=np.int64)
    for start in range(count):
        following[start] = np.arange(count)
    for middle in range(count):
        for start in range(count):
            for end in range(count):
                detour_m = onward_m[start, middle] + onward_m[middle, end]
                if detour_m < onward_m[start, end] - 1e-12:
                    onward_m[start, end] = detour_m
                    following[start, end] = following[start, middle]
    return onward_m, following
