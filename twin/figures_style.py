"""The common look of all figures: colours, fonts and axes on a light background."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

INK = "#1c2733"
MUTED = "#66727f"
GRID = "#e6eaee"
PAPER = "#ffffff"
TRUTH = "#1c2733"
ANSWER = "#0b84a5"
WRONG = "#c8321e"
SENSOR = "#d9822b"
CALM = "#7b8fa3"
FLOOR = "#fbfaf7"
FONT = "system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif"
HEAT = ["#0d0829", "#3b0f6f", "#7a1d6d", "#b93556", "#e8602d", "#fba40a", "#f8d847", "#fcffa4"]
"""Cold to warm, as matplotlib's inferno, whose own first colour Streamlit would replace by one of its theme's."""

CONFIG = {"displayModeBar": False, "displaylogo": False, "responsive": True}
"""How every figure behaves in a browser."""


def styled(traces: list[Any], height_px: int, **layout: Any) -> go.Figure:
    """Return a figure of `traces` in the common look; `layout` adds to it."""
    figure = go.Figure(data=traces)
    figure.update_layout(
        template="none",
        height=height_px,
        margin={"l": 56, "r": 16, "t": 16, "b": 48},
        font={"family": FONT, "size": 13, "color": INK},
        paper_bgcolor=PAPER,
        plot_bgcolor=PAPER,
        dragmode=False,
        hoverlabel={"font": {"family": FONT}},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "xanchor": "left"},
    )
    axis = {"gridcolor": GRID, "zeroline": False, "linecolor": GRID, "tickcolor": GRID, "automargin": True}
    figure.update_xaxes(**axis)
    figure.update_yaxes(**axis)
    return figure.update_layout(**layout)
