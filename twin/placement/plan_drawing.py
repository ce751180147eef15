"""A plan as traces of figures: walls, doors, what stands in it, places to linger, sensors and their fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from scenarios.geometry import outline
from twin.figures_style import CALM, FLOOR, INK, MUTED, PAPER
from twin.placement.footprints import PLANES_M, pixel_outlines_m
from twin.placement.plan_shapes import (
    DOOR_COLOR,
    FURNITURE,
    WARM,
    box_m,
    door_told,
    field_outline_m,
    is_warm,
    mount_of,
    opening_m,
    sensor_color,
    sensor_told,
    thing_told,
    tick_m,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from scenarios.room import Room, Scenario, Thing
    from twin.node import Node

_MARGIN_M = 0.35
_WIDEST_PX, _LOWEST_PX, _HIGHEST_PX = 600, 260, 560


def height_px(scenario: Scenario) -> int:
    """Return how high a figure of a plan is, so that a metre is as long along x as along y."""
    room = scenario.room
    ratio = (room.size_y_m + 2 * _MARGIN_M) / (room.size_x_m + 2 * _MARGIN_M)
    return round(min(max(_WIDEST_PX * ratio, _LOWEST_PX), _HIGHEST_PX)) + 70


def plan_axes(figure: go.Figure, scenario: Scenario) -> go.Figure:
    """Return the figure with axes in metres of the same scale that end a little outside the walls."""
    room = scenario.room
    axes = {"showgrid": False, "constrain": "domain", "dtick": tick_m(max(room.size_x_m, room.size_y_m))}
    figure.update_xaxes(range=[-_MARGIN_M, room.size_x_m + _MARGIN_M], title="x in m (east)", **axes)
    figure.update_yaxes(range=[-_MARGIN_M, room.size_y_m + _MARGIN_M], title="y in m (north)", scaleanchor="x", **axes)
    return figure.update_layout(
        uirevision=scenario.name, hovermode="closest", margin={"l": 52, "r": 8, "t": 8, "b": 44}
    )


def room_traces(scenario: Scenario) -> list[go.Scatter]:
    """Return what a plan is without sensors: floor, walls, things, doors, places."""
    warm = [thing for thing in scenario.objects if is_warm(thing, scenario.room)]
    cool = [thing for thing in scenario.objects if thing not in warm]
    things = [_things(found, look) for found, look in ((cool, FURNITURE), (warm, WARM)) if found]
    return [
        _floor(scenario.room),
        *things,
        *_walls(scenario),
        *_labels(scenario),
        *_doors(scenario),
        *_places(scenario),
    ]


def field_traces(scenario: Scenario, nodes: Sequence[Node], plane: str) -> list[go.Scatter]:
    """Return the borders of the nodes' fields at a height of `PLANES_M`."""
    traces = []
    for number, node in enumerate(nodes):
        pixels_m = pixel_outlines_m(mount_of(scenario, node), node.sensor, PLANES_M[plane])
        border = field_outline_m(pixels_m, (node.sensor.rows, node.sensor.columns))
        look = {"color": sensor_color(number), "width": 1.4, "dash": "dash"}
        traces.append(_line(_gapped([border], is_closed=True), line=look))
    return traces


def sensor_marks(scenario: Scenario, nodes: Sequence[Node], selected: int | None = None) -> go.Scatter:
    """Return sensors as numbered marks, one of them with a ring."""
    mounts = [mount_of(scenario, node) for node in nodes]
    numbers = range(len(nodes))
    return go.Scatter(
        x=[mount.x_m for mount in mounts],
        y=[mount.y_m for mount in mounts],
        text=[str(number + 1) for number in numbers],
        hovertext=[
            sensor_told(node, mount, number) for number, node, mount in zip(numbers, nodes, mounts, strict=True)
        ],
        hoverinfo="text",
        mode="markers+text",
        marker={
            "size": 20,
            "opacity": 1,
            "color": [sensor_color(number) for number in numbers],
            "line": {"color": [INK if number == selected else PAPER for number in numbers], "width": 2},
        },
        textfont={"color": PAPER, "size": 12},
        showlegend=False,
    )


def _gapped(pieces: Iterable[NDArray[np.float64]], *, is_closed: bool) -> NDArray[np.float32]:
    """Return lines as one with gaps."""
    gap = np.full((1, 2), np.nan)
    parts = [part for piece in pieces for part in (piece, *([piece[:1]] if is_closed else []), gap)]
    joined = np.concatenate(parts)[:-1] if parts else np.empty((0, 2))
    return np.asarray(joined.round(3), np.float32)


def _line(points_m: NDArray[np.floating[Any]], **look: Any) -> go.Scatter:
    common = {"mode": "lines", "hoverinfo": "skip", "showlegend": False}
    return go.Scatter(x=points_m[:, 0], y=points_m[:, 1], **{**common, **look})


def _floor(room: Room) -> go.Scatter:
    corners = np.array(outline(room).exterior.coords)
    return _line(corners, line={"color": INK, "width": 4}, fill="toself", fillcolor=FLOOR)


def _walls(scenario: Scenario) -> list[go.Scatter]:
    if not scenario.walls:
        return []
    pieces = _gapped((np.array(wall.points_m) for wall in scenario.walls), is_closed=False)
    return [_line(pieces, line={"color": INK, "width": 2.5})]


def _things(things: Sequence[Thing], look: tuple[str, str]) -> go.Scatter:
    fill, line = look
    boxes = _gapped((box_m(thing) for thing in things), is_closed=True)
    return _line(boxes, line={"color": line, "width": 1.2}, fill="toself", fillcolor=fill)


def _labels(scenario: Scenario) -> list[go.Scatter]:
    """Return the names of things where they fit, and all about each of them on hovering."""
    if not scenario.objects:
        return []
    things = scenario.objects
    fits = [thing.size_x_m >= 0.09 * len(thing.name) and thing.size_y_m >= 0.25 for thing in things]
    return [
        go.Scatter(
            x=[thing.x_m for thing in things],
            y=[thing.y_m for thing in things],
            text=[thing.name if does_fit else "" for thing, does_fit in zip(things, fits, strict=True)],
            customdata=[thing_told(thing) for thing in things],
            mode="text+markers",
            marker={"size": 8, "opacity": 0},
            textfont={"size": 11, "color": MUTED},
            hovertemplate="%{customdata}<extra></extra>",
            showlegend=False,
        )
    ]


def _doors(scenario: Scenario) -> list[go.Scatter]:
    openings = [opening_m(door, scenario.room) for door in scenario.doors]
    middles = np.array([opening.mean(axis=0) for opening in openings])
    names = [door_told(scenario, index) for index in range(len(scenario.doors))]
    lines = _line(_gapped(openings, is_closed=False), line={"color": DOOR_COLOR, "width": 7})
    hover = _line(middles, mode="markers", marker={"size": 12, "opacity": 0}, hoverinfo="text", hovertext=names)
    return [lines, hover]


def _places(scenario: Scenario) -> list[go.Scatter]:
    if not scenario.places:
        return []
    places = scenario.places
    points = np.array([[place.x_m, place.y_m] for place in places])
    symbols = ["square-open" if place.posture == "sitting" else "circle-open" for place in places]
    return [
        _line(
            points,
            mode="markers",
            marker={"symbol": symbols, "size": 7, "color": CALM, "opacity": 0.7},
            hoverinfo="text",
            hovertext=[f"place for {place.posture} {place.zone}".strip() for place in places],
        )
    ]
