"""Figures of what was where: the floor plan with people and the sensor's footprint, and what the sensor saw."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from sensors.field_of_view import HIP_RATIO, footprint_m, is_in_view, nominal_field_of_view
from twin.figures_style import ANSWER, CALM, FLOOR, HEAT, INK, MUTED, SENSOR, WRONG, styled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenarios.room import Door, Room
    from scenarios.timeline import Person
    from twin.prediction import Prediction

_MARGIN_M = 0.3
_OUTLINE_POINTS = 24


def floor_plan(prediction: Prediction, frame: int | None = None) -> go.Figure:
    """Return the room from above, with the sensor's footprint at the floor and at hip height.

    Args:
        prediction: What to draw.
        frame: Which frame's people stand in it; None draws everybody's path instead.
    """
    room = prediction.scenario.room
    people = [_paths(prediction)] if frame is None else _people(prediction, frame)
    doors = [_door(door, room) for door in prediction.scenario.doors]
    figure = styled(
        [_walls(room), *doors, *_footprints(prediction), *people],
        430,
        xaxis={"range": [-_MARGIN_M, room.size_x_m + _MARGIN_M], "title": "x in m (east)", "dtick": 1},
        yaxis={"range": [-_MARGIN_M, room.size_y_m + _MARGIN_M], "title": "y in m (north)", "dtick": 1},
    )
    figure.update_yaxes(scaleanchor="x", constrain="domain", showgrid=False)
    return figure.update_xaxes(constrain="domain", showgrid=False)


def frame_image(prediction: Prediction, frame: int) -> go.Figure:
    """Return one frame of the sensor, in degC on the scale of the whole run."""
    low_degc, high_degc = temperature_range_degc(prediction)
    image = go.Heatmap(
        z=prediction.recording.frames[frame],
        zmin=low_degc,
        zmax=high_degc,
        colorscale=HEAT,
        colorbar={"title": {"text": "degC"}, "thickness": 14, "outlinewidth": 0},
        hovertemplate="row %{y}, column %{x}: %{z:.2f} degC<extra></extra>",
    )
    figure = styled([image], 430, xaxis_title="column", yaxis={"title": "row", "autorange": "reversed"})
    figure.update_yaxes(scaleanchor="x", constrain="domain", showgrid=False, dtick=1)
    return figure.update_xaxes(constrain="domain", showgrid=False, dtick=1)


def sample_frames(prediction: Prediction) -> go.Figure:
    """Return one frame each with 0, 1, 2 and 3 people in view: the middle one of those there were, by time."""
    samples = {count: _middle_frame(prediction, count) for count in range(4)}
    titles = [_sample_title(prediction, count, frame) for count, frame in samples.items()]
    figure = make_subplots(rows=1, cols=4, subplot_titles=titles, horizontal_spacing=0.03)
    for column, frame in enumerate(samples.values(), start=1):
        frames = prediction.recording.frames
        shown = np.full(frames.shape[1:], np.nan) if frame is None else frames[frame]
        figure.add_trace(go.Heatmap(z=shown, coloraxis="coloraxis", hoverongaps=False), row=1, col=column)
    low_degc, high_degc = temperature_range_degc(prediction)
    figure.update_layout(
        styled([], 330, margin={"l": 8, "r": 8, "t": 44, "b": 56}).layout,
        coloraxis={
            "colorscale": HEAT,
            "cmin": low_degc,
            "cmax": high_degc,
            "colorbar": {
                "title": {"text": "degC", "side": "right"},
                "orientation": "h",
                "thickness": 10,
                "len": 0.5,
                "y": -0.02,
                "yanchor": "top",
                "outlinewidth": 0,
            },
        },
    )
    figure.update_annotations(font_size=12)
    figure.update_yaxes(autorange="reversed", showticklabels=False, ticks="", showgrid=False)
    figure.update_yaxes(constrain="domain", constraintoward="top")
    figure.update_xaxes(showticklabels=False, ticks="", showgrid=False, constrain="domain")
    for column in range(1, 5):
        anchor = "x" if column == 1 else f"x{column}"
        figure.update_yaxes(scaleanchor=anchor, row=1, col=column)
    return figure


def temperature_range_degc(prediction: Prediction) -> tuple[float, float]:
    """Return the ends of the colour scale: all but the most extreme pixels of the run."""
    low, high = np.percentile(prediction.recording.frames, [0.5, 99.8])
    return float(low), float(high)


def hip_height_m(prediction: Prediction) -> float:
    """Return the hip height of the population's mean stature."""
    return HIP_RATIO * prediction.scenario.population.stature_mean_m


def _middle_frame(prediction: Prediction, count: int) -> int | None:
    frames = np.flatnonzero(prediction.recording.count == count)
    return int(frames[len(frames) // 2]) if len(frames) else None


def _sample_title(prediction: Prediction, count: int, frame: int | None) -> str:
    if frame is None:
        return f"<b>{count} in view</b><br><span style='color:{MUTED}'>never occurred</span>"
    answer = int(prediction.count[frame])
    color = ANSWER if answer == count else WRONG
    said = "no answer" if answer < 0 else f"answered {answer}"
    return f"<b>{count} in view</b><br><span style='color:{color}'>{said}</span>"


def _walls(room: Room) -> go.Scatter:
    x_m, y_m = room.size_x_m, room.size_y_m
    return go.Scatter(
        x=[0, x_m, x_m, 0, 0],
        y=[0, 0, y_m, y_m, 0],
        mode="lines",
        line={"color": INK, "width": 5},
        fill="toself",
        fillcolor=FLOOR,
        hoverinfo="skip",
        showlegend=False,
    )


def _door(door: Door, room: Room) -> go.Scatter:
    along_m = [door.centre_m - door.width_m / 2, door.centre_m + door.width_m / 2]
    across_m = {"south": 0.0, "west": 0.0, "north": room.size_y_m, "east": room.size_x_m}[door.wall]
    across = [across_m, across_m]
    x, y = (along_m, across) if door.wall in {"north", "south"} else (across, along_m)
    return go.Scatter(
        x=x,
        y=y,
        mode="lines",
        line={"color": "#e9dcc3", "width": 8},
        name="door",
        hoverinfo="skip",
    )


def _footprints(prediction: Prediction) -> list[go.Scatter]:
    hip_m = hip_height_m(prediction)
    return [
        _footprint(prediction, 0.0, "field of view at the floor", "dot", "rgba(217,130,43,0.06)"),
        _footprint(prediction, hip_m, f"at hips ({hip_m:.2f} m)", "solid", "rgba(217,130,43,0.16)"),
    ]


def _footprint(prediction: Prediction, height_m: float, name: str, dash: str, fill: str) -> go.Scatter:
    corners = footprint_m(prediction.mount, nominal_field_of_view(prediction.node.sensor), height_m)
    closed = np.vstack([corners, corners[:1]])
    return go.Scatter(
        x=closed[:, 0],
        y=closed[:, 1],
        mode="lines",
        line={"color": SENSOR, "width": 1.6, "dash": dash},
        fill="toself",
        fillcolor=fill,
        name=name,
        hoverinfo="skip",
    )


def _paths(prediction: Prediction) -> go.Scatter:
    """Return everybody's way as one line with gaps, to the centimetre."""
    timeline = prediction.timeline
    pieces: list[NDArray[np.float64]] = []
    for index in range(len(timeline.persons)):
        way_m = timeline.position_m[timeline.person_index == index].round(2)
        moved = np.append(True, np.any(way_m[1:] != way_m[:-1], axis=1))[: len(way_m)]
        pieces += [way_m[moved], np.full((1, 2), np.nan)]
    points = np.vstack(pieces) if pieces else np.empty((0, 2))
    return go.Scatter(
        x=points[:, 0],
        y=points[:, 1],
        mode="lines",
        line={"color": ANSWER, "width": 1},
        opacity=0.45,
        name="people's paths",
        hoverinfo="skip",
    )


def _people(prediction: Prediction, frame: int) -> list[go.Scatter]:
    timeline = prediction.timeline
    fov = nominal_field_of_view(prediction.node.sensor)
    traces: list[go.Scatter] = []
    for slot in np.flatnonzero(timeline.person_index[frame] >= 0):
        person = timeline.persons[timeline.person_index[frame, slot]]
        centre_m, heading_rad = timeline.position_m[frame, slot], float(timeline.heading_rad[frame, slot])
        seen = bool(is_in_view(centre_m, np.array(person.stature_m), prediction.mount, fov))
        traces += _body(person, centre_m, heading_rad, in_view=seen)
    return traces


def _body(person: Person, centre_m: NDArray[np.float64], heading_rad: float, *, in_view: bool) -> list[go.Scatter]:
    """Return the shoulders as an ellipse across the heading, and the head as a circle."""
    color = ANSWER if in_view else CALM
    state = "in view" if in_view else "out of view"
    label = f"{state}, {person.stature_m:.2f} m tall"
    shoulders = _ellipse(centre_m, person.shoulder_depth_m / 2, person.shoulder_breadth_m / 2, heading_rad)
    nose_m = np.array([np.cos(heading_rad), np.sin(heading_rad)]) * person.head_radius_m * 0.35
    head = _ellipse(centre_m + nose_m, person.head_radius_m, person.head_radius_m, 0.0)
    return [_outline(shoulders, color, 0.55, label), _outline(head, color, 1.0, label)]


def _outline(points_m: NDArray[np.float64], color: str, opacity: float, label: str) -> go.Scatter:
    return go.Scatter(
        x=points_m[:, 0],
        y=points_m[:, 1],
        mode="lines",
        line={"color": color, "width": 1.5},
        fill="toself",
        fillcolor=color,
        opacity=opacity,
        text=label,
        hoverinfo="text",
        hoveron="fills",
        showlegend=False,
    )


def _ellipse(
    centre_m: NDArray[np.float64], half_along_m: float, half_across_m: float, heading_rad: float
) -> NDArray[np.float64]:
    turn = np.linspace(0.0, 2.0 * np.pi, _OUTLINE_POINTS + 1)
    along, across = half_along_m * np.cos(turn), half_across_m * np.sin(turn)
    cosine, sine = np.cos(heading_rad), np.sin(heading_rad)
    return np.column_stack([along * cosine - across * sine, along * sine + across * cosine]) + centre_m
