"""What a sweep has found: combinations with their figures over all seeds, and the best that can be had for a price."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any, Final

from twin.sweeps.columns import PROBLEM
from twin.sweeps.play import BYTES, FIGURES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from twin.sweeps.axes import Value

ACCURACY: Final = "balanced_accuracy"
PRICES: Final = ("average_power_w", "inference_j", "flash_bytes")
"""What accuracy is held against; the less of it the better."""

SAME_PRICE: Final = 0.005
"""Relative difference of prices that is none: far less than a datasheet is sure of."""


@dataclass(frozen=True)
class Point:
    """One combination of what is varied.

    Attributes:
        values: What is varied but the seed, by key.
        runs: How many seeds there are of it.
        figures: Mean over them, by column.
        accuracy_low: Balanced accuracy with the seed that is worst.
        accuracy_high: Balanced accuracy with the seed that is best.
    """

    values: Mapping[str, Value]
    runs: int
    figures: Mapping[str, float]
    accuracy_low: float
    accuracy_high: float


def points_of(table: Any, keys: Sequence[str]) -> list[Point]:
    """Return the combinations among rows (a `pyarrow.Table`) of runs that can be, best accuracy first."""
    varied = [key for key in keys if key != "seed"]
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in table.select([*varied, PROBLEM, *FIGURES, *BYTES]).to_pylist():
        if row[PROBLEM] is None:
            groups.setdefault(tuple(row[key] for key in varied), []).append(row)
    points = [_point(dict(zip(varied, values, strict=True)), rows) for values, rows in groups.items()]
    return sorted(points, key=lambda point: (-point.figures[ACCURACY], point.figures[PRICES[0]], str(point.values)))


def _point(values: dict[str, Value], rows: list[dict[str, Any]]) -> Point:
    known = {name: [row[name] for row in rows if row[name] is not None] for name in (*FIGURES, *BYTES)}
    # Rows come in the order in which they were done: sums must not depend on it.
    figures = {name: fmean(sorted(numbers)) for name, numbers in known.items() if numbers}
    return Point(values, len(rows), figures, min(known[ACCURACY]), max(known[ACCURACY]))


def front(points: Sequence[Point], price: str) -> list[Point]:
    """Return the points to which no other is better at a price that is no higher, or hardly; cheapest first."""
    ordered = sorted(points, key=lambda one: (one.figures[price], -one.figures[ACCURACY], str(one.values)))
    found: list[Point] = []
    best, ahead = 0.0, 0
    for point in ordered:
        while ahead < len(ordered) and ordered[ahead].figures[price] <= point.figures[price] * (1 + SAME_PRICE):
            best = max(best, ordered[ahead].figures[ACCURACY])
            ahead += 1
        if point.figures[ACCURACY] == best and not (found and found[-1].figures[ACCURACY] == best):
            found.append(point)
    return found


def fronts(points: Sequence[Point]) -> dict[str, list[Point]]:
    """Return the front of each price."""
    return {price: front(points, price) for price in PRICES}
