"""Figures of how well people are counted: counts over time, and which counts are confused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from twin.figures_style import ANSWER, CALM, INK, TRUTH, WRONG, styled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.prediction import Prediction

_RUG_Y = -0.45
"""Where wrong frames are marked, below the count of 0 people; unanswered frames lie at -1."""


def count_labels(prediction: Prediction) -> list[int]:
    """Return the counts that the rows and columns of the confusion matrix stand for."""
    looked = prediction.trace.looked
    seen = {*prediction.recording.count[looked].tolist(), *prediction.count[looked].tolist()}
    return sorted({0, 1, 2, 3, *seen})


def count_over_time(prediction: Prediction, cursor_s: float | None = None) -> go.Figure:
    """Return true and answered count over time, wrong frames marked in red below; an answer holds until the next look.

    Args:
        prediction: What to draw.
        cursor_s: Time marked by an upright line; None for none.
    """
    time_s, truth = prediction.recording.time_s, prediction.recording.count
    looked, count = prediction.trace.looked, _held(prediction)
    period_s = prediction.budget.period_s
    is_wrong = looked & (truth != count)
    wrong = _stretches(time_s, is_wrong, period_s)
    share = f"wrong in {np.mean(is_wrong[looked]):.1%} of frames"
    figure = styled(
        [
            _steps(time_s, count, period_s, "answered", ANSWER, 1.5),
            _steps(time_s, truth, period_s, "in view (true)", TRUTH, 1.6),
            go.Scatter(
                x=wrong,
                y=[None if x is None else _RUG_Y for x in wrong],
                mode="lines",
                line={"color": WRONG, "width": 9, "simplify": False},
                name=share,
                hoverinfo="skip",
            ),
        ],
        300,
        xaxis_title="time in s",
        yaxis={"title": "people in view", "dtick": 1, "range": [min(-0.75, count.min() - 0.3), _top(prediction)]},
        hovermode="x unified",
        dragmode="zoom",
    )
    figure.update_xaxes(range=[0, float(time_s[-1]) + period_s], hoverformat=".1f")
    if cursor_s is not None:
        figure.add_vline(x=cursor_s, line={"color": INK, "width": 1.5, "dash": "dot"})
    return figure


def _held(prediction: Prediction) -> NDArray[np.int64]:
    """Return the last answer at each frame; before the first look the first."""
    looks = np.flatnonzero(prediction.trace.looked)
    last = np.searchsorted(looks, np.arange(len(prediction.count)), side="right") - 1
    return np.asarray(prediction.count[looks[np.maximum(last, 0)]])


def confusion_matrix(prediction: Prediction) -> go.Figure:
    """Return the confusion matrix; colour and figure are shares of the frames with that many people in view."""
    matrix = np.array(prediction.accuracy.confusion, dtype=np.float64)
    total = matrix.sum(axis=1, keepdims=True)
    share = np.divide(matrix, total, out=np.full_like(matrix, np.nan), where=total > 0)
    names = ["none" if n < 0 else str(n) for n in count_labels(prediction)]
    figure = styled(
        [go.Heatmap(z=share, x=names, y=names, zmin=0, zmax=1, colorscale=_shades(), showscale=False, xgap=2, ygap=2)],
        430,
        xaxis={"title": "answered", "type": "category"},
        yaxis={"title": "in view (true)", "type": "category", "autorange": "reversed"},
    )
    for row, true_name in enumerate(names):
        for column, name in enumerate(names):
            text = _cell(matrix[row, column], share[row, column])
            color = "white" if share[row, column] > 0.5 else INK if matrix[row, column] else CALM
            figure.add_annotation(x=name, y=true_name, text=text, showarrow=False, font={"color": color})
    return figure.update_xaxes(showgrid=False).update_yaxes(showgrid=False)


def _cell(frames: float, share: float) -> str:
    if not frames:
        return "&#8211;" if np.isnan(share) else "0"
    part = "&lt;1%" if share < 0.005 else f"{share:.0%}"
    return f"<b>{part}</b><br><span style='font-size:11px'>{frames:.0f}</span>"


def _shades() -> list[list[object]]:
    return [[0.0, "#f4f7f9"], [0.5, "#7fbccd"], [1.0, "#075e76"]]


def _top(prediction: Prediction) -> float:
    return max(3, int(prediction.recording.count.max()), int(prediction.count.max())) + 0.4


def _steps(
    time_s: NDArray[np.float64], count: NDArray[np.int64], period_s: float, name: str, color: str, width: float
) -> go.Scatter:
    """Return a step line of the frames at which the count changes, and the end."""
    changes = np.flatnonzero(np.diff(count, prepend=count[0] - 1))
    return go.Scatter(
        x=[*time_s[changes].tolist(), float(time_s[-1]) + period_s],
        y=[*count[changes].tolist(), int(count[-1])],
        mode="lines",
        line={"shape": "hv", "color": color, "width": width},
        name=name,
    )


def _stretches(time_s: NDArray[np.float64], marked: NDArray[np.bool_], period_s: float) -> list[float | None]:
    """Return begin, end, None of every unbroken run of marked frames."""
    edges = np.diff(np.concatenate(([0], marked.astype(np.int64), [0])))
    points: list[float | None] = []
    for begin, end in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True):
        points += [float(time_s[begin]), float(time_s[end - 1]) + period_s, None]
    return points
