"""Coverage as figures: a map of probabilities over the plan, and what becomes of them by height or temperature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
import shapely

from twin.figures_style import ANSWER, INK, WRONG, styled
from twin.placement.coverage import BLIND_BELOW, COVERAGE_LEVEL
from twin.placement.plan_drawing import height_px, plan_axes, room_traces, sensor_marks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from twin.placement.coverage import Coverage

IN_WORDS = {"detected": "detected", "right": "counted right"}
"""What a probability is of, in words."""

_SHADES = [[0.0, "#c8321e"], [0.5, "#f6e3b4"], [1.0, "#0b84a5"]]


def coverage_map(
    coverage: Coverage, what: str = "detected", posture: str | None = None, node: int | None = None
) -> go.Figure:
    """Return the plan with the probability at every spot, blind zones outlined; hovering tells it with its interval.

    Args:
        coverage: What to draw.
        what: "detected" or "right".
        posture: One of the coverage's; None takes all together.
        node: Number of one node alone; None takes all together.
    """
    scenario = coverage.scenario
    floor, *others = room_traces(scenario)
    floor.fill = None  # heat maps lie below lines and what they fill
    blind = [] if what == "right" else _blind_lines(coverage, coverage.share("detected", posture, node) < BLIND_BELOW)
    marks = sensor_marks(scenario, coverage.nodes, node)
    traces = [floor, _heat(coverage, what, posture, node), *others, *blind, marks]
    return plan_axes(styled(traces, height_px(scenario)), scenario)


def curves(rows: Sequence[Mapping[str, float]], key: str, title: str) -> go.Figure:
    """Return the shares detected, counted right and blind of several coverages, over what they differ in.

    Args:
        rows: One for each, with `key`, "detected", "counted_right" and "blind_share".
        key: What they differ in.
        title: What the axis says.
    """
    looks = {
        "detected": ("detected", ANSWER, "solid"),
        "counted_right": ("counted right", INK, "solid"),
        "blind_share": ("share of the floor that is blind", WRONG, "dot"),
    }
    lines = [
        go.Scatter(
            x=[row[key] for row in rows],
            y=[row[name] for row in rows],
            mode="lines+markers",
            line={"color": color, "width": 2, "dash": dash},
            name=words,
            hovertemplate="%{x:g}: %{y:.0%}<extra></extra>",
        )
        for name, (words, color, dash) in looks.items()
    ]
    return styled(lines, 300, xaxis={"title": title}, yaxis={"range": [0, 1.02], "tickformat": ".0%"})


def _heat(coverage: Coverage, what: str, posture: str | None, node: int | None) -> go.Heatmap:
    spots = coverage.spots
    low, high = coverage.interval(what, posture, node)
    rows, columns = spots.shape
    ends = np.stack([spots.as_grid(low), spots.as_grid(high)], axis=-1).astype(np.float32)
    whom = "anybody" if posture is None else f"somebody {posture}"
    return go.Heatmap(
        x=((np.arange(columns) + 0.5) * spots.step_m).round(3),
        y=((np.arange(rows) + 0.5) * spots.step_m).round(3),
        z=spots.as_grid(coverage.share(what, posture, node)).astype(np.float32),
        customdata=ends,
        zmin=0,
        zmax=1,
        colorscale=_SHADES,
        opacity=0.85,
        hoverongaps=False,
        colorbar={
            "title": {"text": IN_WORDS[what], "side": "right"},
            "thickness": 12,
            "len": 0.8,
            "outlinewidth": 0,
            "tickformat": ".0%",
        },
        hovertemplate=(
            f"x %{{x:.2f}}, y %{{y:.2f}} m<br>{whom}: %{{z:.0%}} {IN_WORDS[what]}<br>"
            f"{COVERAGE_LEVEL:.0%} Wilson interval %{{customdata[0]:.0%}} to %{{customdata[1]:.0%}}<extra></extra>"
        ),
    )


def _blind_lines(coverage: Coverage, is_blind: NDArray[np.bool_]) -> list[go.Scatter]:
    """Return the border of the spots that are blind."""
    if not is_blind.any():
        return []
    half_m = coverage.spots.step_m / 2 + 1e-6
    middle = coverage.spots.position_m[is_blind]
    cells = shapely.box(middle[:, 0] - half_m, middle[:, 1] - half_m, middle[:, 0] + half_m, middle[:, 1] + half_m)
    area = shapely.union_all(cells).simplify(half_m / 10)
    lines: list[Any] = []
    for ring in shapely.get_parts(shapely.boundary(area)):
        lines += [np.asarray(shapely.get_coordinates(ring)), np.full((1, 2), np.nan)]
    points = np.concatenate(lines).round(3).astype(np.float32)
    return [
        go.Scatter(
            x=points[:, 0],
            y=points[:, 1],
            mode="lines",
            line={"color": WRONG, "width": 1.6},
            name=f"blind: detected in less than {BLIND_BELOW:.0%} of visits",
            hoverinfo="skip",
            showlegend=True,
        )
    ]
