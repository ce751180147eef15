"""Alternatives as points of two figures, and the line of those that no other beats in both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from twin.figures_style import ANSWER, CALM, INK, styled

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Alternative:
    """One alternative.

    Attributes:
        name: What is said of it on hovering.
        x: The figure across.
        y: The figure upwards.
    """

    name: str
    x: float
    y: float


def unbeaten(
    alternatives: Sequence[Alternative], *, more_x_is_better: bool, more_y_is_better: bool = True
) -> list[Alternative]:
    """Return those to which no other is at least as good in both figures and better in one, by their x."""
    across, upwards = (-1.0 if is_more else 1.0 for is_more in (more_x_is_better, more_y_is_better))
    kept: list[Alternative] = []
    for one in sorted(alternatives, key=lambda one: (across * one.x, upwards * one.y, one.name)):
        if not kept or upwards * one.y < upwards * kept[-1].y:
            kept.append(one)
    return sorted(kept, key=lambda one: one.x)


def pareto_figure(
    alternatives: Sequence[Alternative],
    *,
    x_title: str,
    y_title: str,
    more_x_is_better: bool,
    more_y_is_better: bool = True,
    is_log: bool = False,
    y_format: str = ".0%",
) -> go.Figure:
    """Return alternatives as points, with a line through those that no other beats.

    Args:
        alternatives: What to draw.
        x_title: What the axis across says.
        y_title: What the axis upwards says.
        more_x_is_better: Whether more of it is better, or less.
        more_y_is_better: The same of the other axis.
        is_log: Whether the axis across is logarithmic.
        y_format: How numbers upwards are written.
    """
    best = unbeaten(alternatives, more_x_is_better=more_x_is_better, more_y_is_better=more_y_is_better)
    others = [one for one in alternatives if one not in best]
    traces = [
        _points(others, CALM, "other alternatives", "markers"),
        _points(best, ANSWER, "none is better in both", "lines+markers"),
    ]
    figure = styled(
        traces,
        380,
        xaxis={"title": x_title, "type": "log" if is_log else "linear"},
        yaxis={"title": y_title, "tickformat": y_format},
        hovermode="closest",
    )
    return figure.update_traces(marker={"size": 11, "line": {"width": 1, "color": INK}})


def _points(alternatives: Sequence[Alternative], color: str, name: str, mode: str) -> go.Scatter:
    return go.Scatter(
        x=[one.x for one in alternatives],
        y=[one.y for one in alternatives],
        mode=mode,
        line={"color": color, "width": 1.5, "dash": "dot"},
        marker={"color": color},
        text=[one.name for one in alternatives],
        hovertemplate="%{text}<br>%{x:.3g}, %{y:.3g}<extra></extra>",
        name=name,
    )
