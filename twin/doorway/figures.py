"""Figures of a node at a door: who passed and what it told, over time and in the image; where the power goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from mcu_models.compiler.frontend import raw_from_degc
from mcu_models.people_tracking.parameters import PLACES_PER_PIXEL, load_tracker
from mcu_models.people_tracking.spots import PIXELS, SIDE
from mcu_models.people_tracking.tracker import followed
from twin.doorway.accuracy import WITHIN_S
from twin.doorway.pairing import paired
from twin.figures_energy import power_bars, share
from twin.figures_style import ANSWER, CALM, INK, TRUTH, WRONG, styled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twin.doorway.events import DoorEvent
    from twin.doorway.prediction import DoorwayPrediction

_FIRST_SECONDS = 60.0
"""Ways through the image are drawn for so long: more would hide each other."""


def people_inside(prediction: DoorwayPrediction) -> go.Figure:
    """Return ins less outs over time, as they were and as they were told, with what was missed or told wrongly."""
    truth, told = prediction.truth, prediction.told
    pairs = paired(truth, told, within_s=WITHIN_S)
    missed = [event for index, event in enumerate(truth) if index not in {i for i, _ in pairs}]
    wrong = [event for index, event in enumerate(told) if index not in {j for _, j in pairs}]
    end_s = prediction.span_s
    figure = styled(
        [
            _steps(told, end_s, "told", ANSWER, 3),
            _steps(truth, end_s, "true", TRUTH, 1.4),
            _marks(missed, truth, "missed", "circle-open"),
            _marks(wrong, told, "told, nobody passed", "x"),
        ],
        320,
        xaxis={"title": "time in s", "range": [0, end_s]},
        yaxis={"title": "came in less went out", "dtick": 2},
        hovermode="x",
    )
    figure.update_layout(dragmode="zoom")
    return figure


def _steps(events: Sequence[DoorEvent], end_s: float, name: str, color: str, width: float) -> go.Scatter:
    time_s = [0.0, *(event.time_s for event in events), end_s]
    level = _levels(events)
    line = {"color": color, "width": width, "shape": "hv"}
    return go.Scatter(x=time_s, y=[0, *level, level[-1] if level else 0], mode="lines", line=line, name=name)


def _levels(events: Sequence[DoorEvent]) -> list[int]:
    return [int(level) for level in np.cumsum([1 if event.kind == "enter" else -1 for event in events])]


def _marks(some: Sequence[DoorEvent], of: Sequence[DoorEvent], name: str, symbol: str) -> go.Scatter:
    level = dict(zip((id(event) for event in of), _levels(of), strict=True))
    return go.Scatter(
        x=[event.time_s for event in some],
        y=[level[id(event)] for event in some],
        mode="markers",
        marker={"color": WRONG, "size": 11, "symbol": symbol, "line": {"width": 2, "color": WRONG}},
        name=f"{name}: {len(some)}",
        text=[event.kind for event in some],
    )


def ways_through_image(prediction: DoorwayPrediction, seconds: float = _FIRST_SECONDS) -> go.Figure:
    """Return how far along the way through the door each track was, over time, with the line and its band."""
    frames = prediction.recording.frames[: round(seconds / prediction.budget.period_s)]
    parameters, line = load_tracker(prediction.node.network.path), prediction.seen.line
    _, seen = followed(raw_from_degc(frames).reshape(-1, PIXELS), parameters, line)
    time_s = prediction.recording.time_s[: len(frames)]
    tracks: list[go.Scatter] = []
    for track in range(seen.shape[1]):
        is_there = seen[:, track, 2] > 0
        inward = (seen[:, track, line.axis] - line.place) * line.inward / PLACES_PER_PIXEL
        fresh = is_there & (seen[:, track, 2] == 1)
        place = np.where(is_there & ~fresh, inward, np.nan)
        tracks.append(go.Scatter(x=time_s, y=place, mode="lines", line={"color": ANSWER, "width": 2}, showlegend=False))
    for kind, symbol in (("enter", "triangle-up"), ("leave", "triangle-down")):
        at = [event.time_s for event in prediction.truth if event.kind == kind and event.time_s < seconds]
        marker = {"color": TRUTH, "size": 10, "symbol": symbol}
        tracks.append(go.Scatter(x=at, y=[0] * len(at), mode="markers", marker=marker, name=f"{kind}, true"))
    band = parameters.band / PLACES_PER_PIXEL
    figure = styled(
        tracks,
        320,
        xaxis={"title": "time in s", "range": [0, seconds]},
        yaxis={"title": "pixels inside the line", "range": [-SIDE / 2, SIDE * 0.75]},
    )
    figure.add_hrect(y0=-band, y1=band, fillcolor=CALM, opacity=0.25, line_width=0)
    figure.add_hline(y=0, line={"color": INK, "width": 1, "dash": "dot"})
    return figure


def power_by_consumer(prediction: DoorwayPrediction) -> go.Figure:
    """Return the average power of each consumer, greatest on top."""
    total_w = prediction.budget.average_power_w

    def text(power_w: float) -> str:
        return f" <b>{power_w * 1e3:.3g} mW</b>, {share(power_w / total_w)}"

    return power_bars(prediction.budget.powers_w, text, title="average power in mW", row_px=36, room=1.5)
