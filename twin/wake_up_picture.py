"""Accuracy against energy saved, as thresholds grow: a picture to choose a wake-up threshold by."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

import matplotlib as mpl
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from twin.wake_up_curve import WakeUpCurve

_NAMED_EVERY: Final = 2
_PIXELS_PER_INCH: Final = 150


def wake_up_png(curve: WakeUpCurve, title: str) -> bytes:
    """Return the curve as PNG."""
    buffer = io.BytesIO()
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(7, 4.2), layout="constrained")
        axes = figure.subplots()
        saved = [100 * point.energy_saved for point in curve.points]
        balanced = [100 * point.balanced_accuracy for point in curve.points]
        axes.axhline(100 * curve.balanced_accuracy, color="0.6", linewidth=1, linestyle="--", label="always awake")
        axes.plot(saved, balanced, ".-", color="#4269d0", label="with a threshold")
        for point, x, y in list(zip(curve.points, saved, balanced, strict=True))[::_NAMED_EVERY]:
            text = f"{point.wake_up_degc:g} °C"
            axes.annotate(text, (x, y), xytext=(4, 5), textcoords="offset points", fontsize=7, color="0.3")
        best = curve.recommended
        if best is not None:
            at = (100 * best.energy_saved, 100 * best.balanced_accuracy)
            label = f"recommended: {best.wake_up_degc:g} °C saves {best.energy_saved:.0%}"
            axes.plot(*at, "o", color="#ff725c", markersize=9, markerfacecolor="none", label=label)
        axes.set(title=title, xlabel="energy of computing saved (%)", ylabel="balanced accuracy (%)")
        axes.grid(alpha=0.25, linewidth=0.5)
        axes.legend(frameon=False, loc="lower left")
        figure.savefig(buffer, format="png", dpi=_PIXELS_PER_INCH, metadata={"Software": None})
    return buffer.getvalue()
