"""People before several sensors as figures: where they are, what each sensor sees, and who is counted over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from scenarios.timeline import SITTING, STANDING, WALKING, WALKS_ABOVE_MPS
from twin.figures_style import ANSWER, CALM, HEAT, INK, WRONG, styled
from twin.placement.plan_drawing import field_traces, height_px, plan_axes, room_traces, sensor_marks
from twin.placement.plan_shapes import sensor_color

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from scenarios.room import Scenario
    from scenarios.timeline import Event, Timeline
    from twin.fusion.watching import Watched
    from twin.node import Node

_OUTLINE_POINTS = 16
_IN_WORDS = {STANDING: "standing", WALKING: "walking", SITTING: "sitting"}


def people_figure(scenario: Scenario, nodes: Sequence[Node], watched: Watched, frame: int) -> go.Figure:
    """Return the plan with the people of a frame, those in view of any sensor in colour."""
    fields, marks = field_traces(scenario, nodes, "seat"), sensor_marks(scenario, nodes)
    people = _people(watched, frame)
    return plan_axes(styled([*room_traces(scenario), *fields, *people, marks], height_px(scenario)), scenario)


def frames_figure(watched: Watched, frame: int) -> go.Figure:
    """Return one frame of each sensor side by side, with its count; each on its own scale, of the same span."""
    recordings = watched.recordings
    columns = min(len(recordings), 2)
    rows = -(-len(recordings) // columns)
    lows_degc, span_k = scales(watched)
    titles = [
        f"<b>sensor {number + 1}</b> counts <b>{_said(watched.counts[number, frame])}</b>"
        f"<br>{low_degc:.1f} to {low_degc + span_k:.1f} degC"
        for number, low_degc in enumerate(lows_degc)
    ]
    figure = make_subplots(
        rows=rows, cols=columns, subplot_titles=titles, horizontal_spacing=0.06, vertical_spacing=0.28 / rows
    )
    for number, recording in enumerate(recordings):
        image = go.Heatmap(
            z=recording.frames[frame].astype(np.float32),
            zmin=lows_degc[number],
            zmax=lows_degc[number] + span_k,
            colorscale=HEAT,
            showscale=False,
            hovertemplate="row %{y}, column %{x}: %{z:.2f} degC<extra></extra>",
        )
        figure.add_trace(image, row=number // columns + 1, col=number % columns + 1)
    figure.update_layout(styled([], 250 * rows + 50, margin={"l": 8, "r": 8, "t": 56, "b": 8}).layout)
    figure.update_annotations(font_size=13)
    figure.update_xaxes(showticklabels=False, ticks="", showgrid=False, constrain="domain")
    figure.update_yaxes(autorange="reversed", showticklabels=False, ticks="", showgrid=False)
    figure.update_yaxes(constrain="domain", constraintoward="top")
    for number in range(len(recordings)):
        anchor = "x" if number == 0 else f"x{number + 1}"
        figure.update_yaxes(scaleanchor=anchor, row=number // columns + 1, col=number % columns + 1)
    return figure


def counts_figure(watched: Watched, fused: NDArray[np.int64], cursor_s: float | None = None) -> go.Figure:
    """Return over time who is in view of any sensor, what they answer together and each alone, and who came and went.

    Args:
        watched: What the sensors saw and counted.
        fused: (N,) what a gateway makes of the counts.
        cursor_s: Time marked by an upright line; None for none.
    """
    time_s = watched.timeline.time_s
    lines = [
        _steps(time_s, count, f"sensor {number + 1}", sensor_color(number), 1.0, "dot")
        for number, count in enumerate(watched.counts)
    ]
    lines += [
        _steps(time_s, fused, "all together", ANSWER, 2.2, "solid"),
        _steps(time_s, watched.in_view, "in view of any (true)", INK, 1.6, "solid"),
        _steps(time_s, watched.truth, "in the room (true)", CALM, 1.2, "dash"),
    ]
    top = max(3, int(watched.truth.max(initial=0)), int(fused.max(initial=0)))
    figure = styled(
        [*lines, *_events(watched.timeline, top + 0.5)],
        320,
        xaxis={"title": "time in s", "range": [0, float(time_s[-1])], "hoverformat": ".1f"},
        yaxis={"title": "people", "dtick": 1 if top < 12 else None, "range": [-0.3, top + 0.9]},
        hovermode="x unified",
        dragmode="zoom",
    )
    if cursor_s is not None:
        figure.add_vline(x=cursor_s, line={"color": INK, "width": 1.5, "dash": "dot"})
    return figure


def scales(watched: Watched) -> tuple[list[float], float]:
    """Return the cold end of each sensor's colour scale, and the span of all: all but the most extreme pixels.

    Units differ by offsets of some kelvin: on one scale for all, one would be dark and another one bright.
    """
    ends = np.array([np.percentile(recording.frames[::5], [0.5, 99.8]) for recording in watched.recordings])
    return [float(low) for low in ends[:, 0]], float((ends[:, 1] - ends[:, 0]).max())


def in_words(event: Event) -> str:
    """Return who did what by which door."""
    way = "came in" if event.kind == "enter" else "went out"
    return f"person {event.person_index + 1} {way}{f' by {event.door}' if event.door else ''}"


def _said(count: int) -> str:
    return "nothing" if count < 0 else str(count)


def _people(watched: Watched, frame: int) -> list[go.Scatter]:
    timeline = watched.timeline
    slots = np.flatnonzero(timeline.person_index[frame] >= 0)
    seen = watched.seen_by[frame, slots] > 0
    traces = [
        _bodies(timeline, frame, slots[of], color, name, is_head=is_head)
        for of, color, name in ((seen, ANSWER, "in view"), (~seen, CALM, "out of view"))
        for is_head in (False, True)
    ]
    centre_m = timeline.position_m[frame, slots]
    told = go.Scatter(
        x=centre_m[:, 0],
        y=centre_m[:, 1],
        mode="markers",
        marker={"size": 14, "opacity": 0},
        hovertext=[_told(watched, frame, slot) for slot in slots],
        hoverinfo="text",
        showlegend=False,
    )
    return [*traces, told]


def _told(watched: Watched, frame: int, slot: np.int64) -> str:
    timeline = watched.timeline
    number = int(timeline.person_index[frame, slot])
    mask = int(watched.seen_by[frame, slot])
    seen_by = [str(bit + 1) for bit in range(len(watched.mounts)) if mask >> bit & 1]
    seen = f"in view of {', '.join(seen_by)}" if seen_by else "in view of none"
    stature_m = timeline.persons[number].stature_m
    return f"person {number + 1}, {_posture(timeline, frame, slot)}, {stature_m:.2f} m tall<br>{seen}"


def _posture(timeline: Timeline, frame: int, slot: np.int64) -> str:
    if timeline.posture is not None:
        return _IN_WORDS[int(timeline.posture[frame, slot])]
    return _IN_WORDS[WALKING if timeline.speed_mps[frame, slot] > WALKS_ABOVE_MPS else STANDING]


def _bodies(
    timeline: Timeline, frame: int, slots: NDArray[np.int64], color: str, name: str, *, is_head: bool
) -> go.Scatter:
    """Return shoulders, or heads, of people as one line with gaps."""
    pieces: list[NDArray[np.float64]] = [np.full((1, 2), np.nan)]
    for slot in slots:
        person = timeline.persons[timeline.person_index[frame, slot]]
        centre_m, heading_rad = timeline.position_m[frame, slot], float(timeline.heading_rad[frame, slot])
        half_m = (person.shoulder_depth_m / 2, person.shoulder_breadth_m / 2)
        if is_head:
            half_m = (person.head_radius_m, person.head_radius_m)
        pieces += [_ellipse(centre_m, half_m, heading_rad), np.full((1, 2), np.nan)]
    points = np.concatenate(pieces).round(3).astype(np.float32)
    return go.Scatter(
        x=points[:, 0],
        y=points[:, 1],
        mode="lines",
        line={"color": color, "width": 1.5},
        fill="toself",
        fillcolor=color,
        opacity=1.0 if is_head else 0.5,
        name=name,
        showlegend=is_head,
        hoverinfo="skip",
    )


def _ellipse(centre_m: NDArray[np.float64], half_m: tuple[float, float], heading_rad: float) -> NDArray[np.float64]:
    turn = np.linspace(0.0, 2.0 * np.pi, _OUTLINE_POINTS + 1)
    along, across = half_m[0] * np.cos(turn), half_m[1] * np.sin(turn)
    cosine, sine = np.cos(heading_rad), np.sin(heading_rad)
    return np.column_stack([along * cosine - across * sine, along * sine + across * cosine]) + centre_m


def _steps(
    time_s: NDArray[np.float64], count: NDArray[np.int64], name: str, color: str, width: float, dash: str
) -> go.Scatter:
    """Return a step line of the moments at which a count changes, and the end."""
    changes = np.flatnonzero(np.diff(count, prepend=count[0] - 1))
    return go.Scatter(
        x=[*time_s[changes].tolist(), float(time_s[-1])],
        y=[*count[changes].tolist(), int(count[-1])],
        mode="lines",
        line={"shape": "hv", "color": color, "width": width, "dash": dash},
        name=name,
    )


def _events(timeline: Timeline, at: float) -> list[go.Scatter]:
    looks = {"enter": ("came in", "triangle-up", ANSWER), "leave": ("went out", "triangle-down", WRONG)}
    traces = []
    for kind, (name, symbol, color) in looks.items():
        events = [event for event in timeline.events if event.kind == kind]
        traces.append(
            go.Scatter(
                x=[event.time_s for event in events],
                y=[at] * len(events),
                mode="markers",
                marker={"symbol": symbol, "size": 9, "color": color},
                name=name,
                hovertext=[in_words(event) for event in events],
                hoverinfo="text",
            )
        )
    return traces
