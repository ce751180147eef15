"""Figures of a sweep as they are read: with unit, and no more digits than mean something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from twin import spans_of_time
from twin.sweeps.pareto import ACCURACY

if TYPE_CHECKING:
    from twin.sweeps.axes import Value
    from twin.sweeps.pareto import Point

SCALES: Final = {
    "average_power_w": (1e3, "mW", "average power"),
    "inference_j": (1e6, "\u00b5J", "energy of an inference"),
    "flash_bytes": (1e-3, "kB", "flash"),
}
"""Unit that a figure is shown in, and its name."""


def said(point: Point, figure: str) -> str:
    """Return a figure of a combination with its unit: one of `SCALES`, or "life_s"."""
    if figure == "life_s":
        return spans_of_time.said(point.figures[figure])
    factor, unit, _ = SCALES[figure]
    return f"{point.figures[figure] * factor:.4g} {unit}"


def said_accuracy(point: Point) -> str:
    """Return the balanced accuracy, and its range over several seeds."""
    mean = f"{point.figures[ACCURACY]:.1%}"
    return mean if point.runs == 1 else f"{mean} ({point.accuracy_low:.1%} to {point.accuracy_high:.1%})"


def said_value(value: Value | None) -> str:
    """Return a varied value."""
    return "-" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def said_values(point: Point) -> str:
    """Return what is varied, by key."""
    return ", ".join(f"{key} {said_value(value)}" for key, value in point.values.items()) or "as it is"


def said_span(span_s: float) -> str:
    """Return how long something takes."""
    if span_s < 90:
        return f"{span_s:.0f} s"
    return f"{span_s / 60:.0f} min" if span_s < 90 * 60 else f"{span_s / 3600:.1f} h"
