"""Figures of a guarded door: who stood there and what was answered, frames as the camera and the network saw them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mcu_models.compiler.area_scale import rgb_of_565
from twin.energy.regulator import REGULATORS
from twin.figures_style import ANSWER, CALM, GRID, INK, MUTED, SENSOR, WRONG, styled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from twin.door.guard import Kept, Look
    from twin.door.prediction import DoorPrediction

SHOWN_FRAMES: Final = 8
MASK_RGB: Final = "#2a9d8f"
_PRESENT_Y, _PIN_Y, _LEAF_Y, _LEAF_HEIGHT = 3.0, 2.0, 1.0, 0.8
_LEAF_M: Final = 0.6
"""Half the width of the drawn door."""
_STEP_COLOURS: Final = {"capture": CALM, "scale": SENSOR, "inference": ANSWER, "decision": INK}


def door_over_time(prediction: DoorPrediction, cursor_s: float | None = None) -> go.Figure:
    """Return score and votes over time, with who stood first, what the pin did and how far the door was open.

    Args:
        prediction: What to draw.
        cursor_s: Time marked by an upright line; None for none.
    """
    looks, seconds = prediction.log.looks, prediction.request.span_s
    time_s = [look.sight.time_s for look in looks]
    figure = make_subplots(rows=3, cols=1, shared_xaxes=True, row_heights=[0.3, 0.25, 0.45], vertical_spacing=0.05)
    figure.add_trace(_line(time_s, [look.score / 255 for look in looks], "sure of a mask", CALM), 1, 1)
    distance_m = [look.sight.distance_m if look.sight.queue else None for look in looks]
    figure.add_trace(_line(time_s, distance_m, "nearest face", SENSOR), 2, 1)
    for name, colour, holds in (
        ("nearest wears a mask", MASK_RGB, _wears_mask),
        ("nearest wears none, or badly", WRONG, _wears_none),
    ):
        figure.add_trace(_bar(_spans(looks, holds), _PRESENT_Y, colour, name), 3, 1)
    figure.add_trace(_bar(_pin_spans(prediction), _PIN_Y, INK, "pin high"), 3, 1)
    leaf = [look.sight.openness * _LEAF_HEIGHT + _LEAF_Y - _LEAF_HEIGHT / 2 for look in looks]
    figure.add_trace(_line(time_s, leaf, "door's leaf", ANSWER), 3, 1)
    figure.update_layout(**styled([], 480).layout.to_plotly_json())
    figure.update_layout(height=480, hovermode="x unified", dragmode="zoom", legend={"y": 1.04})
    figure.update_xaxes(range=[0, seconds], gridcolor=GRID, hoverformat=".2f")
    figure.update_xaxes(title="time in s", row=3, col=1)
    figure.update_yaxes(gridcolor=GRID)
    figure.update_yaxes(range=[-0.05, 1.05], title="network", row=1, col=1)
    figure.update_yaxes(rangemode="tozero", title="face in m", row=2, col=1)
    figure.update_yaxes(
        range=[0.4, 3.5],
        tickvals=[_LEAF_Y, _PIN_Y, _PRESENT_Y],
        ticktext=["door", "pin", "nearest"],
        row=3,
        col=1,
    )
    if cursor_s is not None:
        figure.add_vline(x=cursor_s, line={"color": INK, "width": 1.5, "dash": "dot"})
    return figure


def kept_frames(prediction: DoorPrediction, kept: Sequence[Kept]) -> go.Figure:
    """Return frames with the pictures that the network saw of them below, each with its answer."""
    number = max(len(kept), 1)
    figure = make_subplots(rows=2, cols=number, vertical_spacing=0.02, horizontal_spacing=0.01)
    for column, one in enumerate(kept, start=1):
        figure.add_trace(go.Image(z=rgb_of_565(one.frame), hoverinfo="skip"), 1, column)
        figure.add_trace(go.Image(z=one.picture, hoverinfo="skip"), 2, column)
        look = prediction.log.looks[one.number]
        said = f"{look.sight.time_s:.1f} s: {look.score / 255:.0%}{', open' if look.opens else ''}"
        figure.add_annotation(
            text=said, x=100, y=-14, xref=f"x{column if column > 1 else ''}", yref=f"y{column if column > 1 else ''}",
            showarrow=False, font={"size": 11, "color": MASK_RGB if look.sight.wearing == "mask" else MUTED},
        )  # fmt: skip
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    return figure.update_layout(height=60 + 2 * 1060 // number, margin={"l": 4, "r": 4, "t": 28, "b": 4})


def camera_frame(kept: Kept) -> go.Figure:
    """Return a frame of 200 x 200 pixels, and beside it the 32 x 32 that the network saw."""
    figure = make_subplots(rows=1, cols=2, horizontal_spacing=0.03, subplot_titles=("200 x 200", "32 x 32"))
    figure.add_trace(go.Image(z=rgb_of_565(kept.frame), hoverinfo="skip"), 1, 1)
    figure.add_trace(go.Image(z=kept.picture, hoverinfo="skip"), 1, 2)
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    return figure.update_layout(height=330, margin={"l": 4, "r": 4, "t": 28, "b": 4})


def door_and_queue(prediction: DoorPrediction, kept: Kept) -> go.Figure:
    """Return the door from above with its two leaves, the camera beside it, and the queue by what people wear."""
    look, far_m = prediction.log.looks[kept.number], prediction.scenario.behaviour.comes_from_m
    opened_m = look.sight.openness * _LEAF_M
    leaves = [(-_LEAF_M - opened_m, -opened_m), (opened_m, _LEAF_M + opened_m)]
    traces: list[go.Scatter] = [
        go.Scatter(
            x=ends, y=[0, 0], mode="lines", line={"color": ANSWER, "width": 9}, showlegend=False, hoverinfo="skip"
        )
        for ends in leaves
    ]
    for name, colour, worn in (("mask", MASK_RGB, True), ("none, or badly", WRONG, False)):
        there = [one for one in kept.queue if (one.wearing == "mask") == worn]
        traces.append(
            go.Scatter(
                x=[0.0 for _ in there],
                y=[one.distance_m for one in there],
                text=[one.wearing.replace("_", " ") for one in there],
                mode="markers+text",
                textposition="middle right",
                marker={"size": 26, "color": colour, "line": {"color": INK, "width": 1}},
                name=name,
                hoverinfo="skip",
            )
        )
    camera = {"symbol": "square", "size": 12, "color": INK}
    traces.append(go.Scatter(x=[0.0], y=[0.0], mode="markers", marker=camera, name="camera", hoverinfo="skip"))
    return styled(
        traces,
        330,
        xaxis={"range": [-2 * _LEAF_M - 0.1, 2 * _LEAF_M + 0.1], "visible": False},
        yaxis={"range": [far_m + 0.2, -0.3], "title": "m from the camera"},
    )


def chosen_frames(prediction: DoorPrediction, number: int = SHOWN_FRAMES) -> list[Kept]:
    """Return kept frames with somebody in sight, spread evenly over them; not picked by hand."""
    there = [one for one in prediction.log.kept if one.queue] or prediction.log.kept
    shown = np.linspace(0, len(there) - 1, min(number, len(there)))
    return [there[round(one)] for one in shown]


def steps_of_a_frame(prediction: DoorPrediction) -> go.Figure:
    """Return when each step of a frame runs: capture of the next frame beside scaling, inference and decision."""
    timing = prediction.timing
    begins_s = {"capture": 0.0}
    time_s = timing.period_s
    for name in ("scale", "inference", "decision"):
        begins_s[name] = time_s
        time_s += timing.steps_s[name]
    bars = [
        go.Bar(
            y=["this frame"], x=[timing.steps_s[name] * 1e3], base=[begin_s * 1e3], orientation="h", name=name,
            marker={"color": _STEP_COLOURS[name]}, hovertemplate=f"{name}: %{{x:.2f}} ms<extra></extra>",
        )
        for name, begin_s in begins_s.items()
    ]  # fmt: skip
    following = go.Bar(
        y=["next frame"], x=[timing.steps_s["capture"] * 1e3], base=[timing.period_s * 1e3], orientation="h",
        marker={"color": CALM}, showlegend=False, hovertemplate="capture: %{x:.2f} ms<extra></extra>",
    )  # fmt: skip
    return styled([*bars, following], 190, barmode="overlay", xaxis_title="ms", yaxis={"autorange": "reversed"})


def power_of_consumers(prediction: DoorPrediction) -> go.Figure:
    """Return the average power of each consumer."""
    powers_w = prediction.power.powers_w
    names = sorted(powers_w, key=lambda name: powers_w[name])
    colours = [CALM if name == REGULATORS else ANSWER for name in names]
    return styled(
        [go.Bar(y=names, x=[powers_w[name] * 1e3 for name in names], orientation="h", marker={"color": colours})],
        60 + 44 * len(names),
        xaxis_title="mW",
        margin={"l": 170, "r": 16, "t": 8, "b": 44},
    )


def _wears_mask(look: Look) -> bool:
    return look.sight.wearing == "mask"


def _wears_none(look: Look) -> bool:
    return look.sight.queue > 0 and look.sight.wearing != "mask"


def _line(xs: Sequence[float], ys: Sequence[float | None], name: str, colour: str) -> go.Scatter:
    return go.Scatter(x=xs, y=ys, mode="lines", name=name, line={"color": colour, "width": 1.5}, connectgaps=False)


def _bar(spans: Sequence[tuple[float, float]], y: float, colour: str, name: str) -> go.Scatter:
    xs: list[float | None] = []
    for begin_s, end_s in spans:
        xs += [begin_s, end_s, None]
    return go.Scatter(
        x=xs, y=[None if x is None else y for x in xs], mode="lines", name=name, hoverinfo="skip",
        line={"color": colour, "width": 14},
    )  # fmt: skip


def _spans(looks: Sequence[Look], holds: Callable[[Look], bool]) -> list[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    begin_s: float | None = None
    last_s = 0.0
    for look in looks:
        last_s = look.sight.time_s
        if holds(look):
            begin_s = last_s if begin_s is None else begin_s
        elif begin_s is not None:
            found.append((begin_s, last_s))
            begin_s = None
    return found if begin_s is None else [*found, (begin_s, last_s)]


def _pin_spans(prediction: DoorPrediction) -> list[tuple[float, float]]:
    moves = prediction.world.moves
    ends_s = [move.time_s for move in moves[1::2]] + [prediction.request.span_s]
    return [(rise.time_s, end_s) for rise, end_s in zip(moves[::2], ends_s, strict=False)]
