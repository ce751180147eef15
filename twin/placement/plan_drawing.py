"""A plan from above: walls, doors, what stands in it, places to linger, and sensors with what their pixels look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
import shapely

from scenarios.geometry import outline
from sensors.mount import Mount
from twin.figures_style import ANSWER, CALM, FLOOR, INK, MUTED, PAPER, SENSOR, WRONG, styled
from twin.node import scenario_mount
from twin.placement.footprints import PLANES_M, pixel_outlines_m

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from scenarios.room import Door, Room, Scenario, Thing
    from twin.node import Node

CLICK_STEP_M = 0.25
"""Between points that answer to a click, on plans that are small enough."""

SENSOR_COLORS = (SENSOR, ANSWER, "#7a4fb5", "#3d8b4f", "#b5487f", "#8a6d1f", "#3f62c4", "#5d6b78")
"""One for each sensor, and again from the first."""

CLICKS, SENSORS = "clicks", "sensors"
"""Names of the traces that answer to clicks; their points carry x and y, and the number of a sensor."""

_MOST_CLICK_POINTS = 1_200
_MARGIN_M = 0.35
_WIDEST_PX, _LOWEST_PX, _HIGHEST_PX = 600, 260, 560
_DASHES = {"floor": "dot", "seat": "dash", "head": "solid"}
_FURNITURE = ("#e7e0d4", "#b7aa95")
_WARM = ("rgba(200,50,30,0.22)", WRONG)
_WARMER_THAN_ROOM_K = 2.0
"""Things so much warmer than the room are drawn as warm; assumed."""


@dataclass(frozen=True)
class Shown:
    """How sensors are drawn.

    Attributes:
        selected: Number of the sensor whose pixels are drawn; None for none.
        plane: Name of the height of these pixels, one of `PLANES_M`.
        has_clicks: Whether there are points that answer to a click.
        has_outlines: Whether the other fields are drawn too, at all heights.
    """

    selected: int | None = None
    plane: str = "head"
    has_clicks: bool = False
    has_outlines: bool = True


def plan_figure(scenario: Scenario, nodes: Sequence[Node], shown: Shown | None = None) -> go.Figure:
    """Return a plan with the sensors that hang in it.

    Args:
        scenario: The plan.
        nodes: What hangs in it, or outside.
        shown: How sensors are drawn.
    """
    how = Shown() if shown is None else shown
    clicks = [click_points(scenario)] if how.has_clicks else []
    return plan_axes(
        styled([*room_traces(scenario), *clicks, *sensor_traces(scenario, nodes, how)], height_px(scenario)), scenario
    )


def height_px(scenario: Scenario) -> int:
    """Return how high a figure of a plan is, so that a metre is as long along x as along y."""
    room = scenario.room
    ratio = (room.size_y_m + 2 * _MARGIN_M) / (room.size_x_m + 2 * _MARGIN_M)
    return round(min(max(_WIDEST_PX * ratio, _LOWEST_PX), _HIGHEST_PX)) + 70


def plan_axes(figure: go.Figure, scenario: Scenario) -> go.Figure:
    """Return the figure with axes in metres of the same scale that end a little outside the walls."""
    room = scenario.room
    axes = {"showgrid": False, "constrain": "domain", "dtick": _tick_m(max(room.size_x_m, room.size_y_m))}
    figure.update_xaxes(range=[-_MARGIN_M, room.size_x_m + _MARGIN_M], title="x in m (east)", **axes)
    figure.update_yaxes(range=[-_MARGIN_M, room.size_y_m + _MARGIN_M], title="y in m (north)", scaleanchor="x", **axes)
    return figure.update_layout(
        uirevision=scenario.name, hovermode="closest", margin={"l": 52, "r": 8, "t": 8, "b": 44}
    )


def mount_of(scenario: Scenario, node: Node) -> Mount:
    """Return where a node hangs, be it inside or not."""
    own = node.config.mount
    if own is None:
        return scenario_mount(scenario)
    return Mount(own.x_m, own.y_m, own.height_m, own.yaw_deg, own.tilt_deg)


def field_outline_m(pixels_m: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.float64]:
    """Return (P, 2) corners of the border of a whole field, from the corners of its pixels row by row.

    Args:
        pixels_m: As `pixel_outlines_m` returns them.
        shape: Rows and columns.
    """
    grid = pixels_m.reshape(*shape, 4, 2)
    sides = [
        grid[0, :, [3, 2]].transpose(1, 0, 2),
        grid[:, -1, [2, 1]],
        grid[-1, ::-1, [1, 0]].transpose(1, 0, 2),
        grid[::-1, 0, [0, 3]],
    ]
    return np.concatenate([side.reshape(-1, 2) for side in sides])


def room_traces(scenario: Scenario) -> list[go.Scatter]:
    """Return what a plan is without sensors: floor, walls, things, doors, places."""
    warm = [thing for thing in scenario.objects if is_warm(thing, scenario.room)]
    cool = [thing for thing in scenario.objects if thing not in warm]
    things = [_things(found, look) for found, look in ((cool, _FURNITURE), (warm, _WARM)) if found]
    return [
        _floor(scenario.room),
        *things,
        *_walls(scenario),
        *_labels(scenario),
        *_doors(scenario),
        *_places(scenario),
    ]


def is_warm(thing: Thing, room: Room) -> bool:
    """Return whether a thing stands out from the room's own temperature."""
    return thing.surface_degc is not None and thing.surface_degc > room.air_degc + _WARMER_THAN_ROOM_K


def click_points(scenario: Scenario) -> go.Scatter:
    """Return points all over the floor that cannot be seen and answer to clicks, on multiples of their distance."""
    room = scenario.room
    step_m = CLICK_STEP_M
    while room.size_x_m * room.size_y_m / step_m**2 > _MOST_CLICK_POINTS:
        step_m *= 2
    across = [np.arange(0, size_m + 1e-9, step_m) for size_m in (room.size_x_m, room.size_y_m)]
    grid = np.stack(np.meshgrid(*across), axis=-1).reshape(-1, 2)
    inside = grid[shapely.intersects_xy(outline(room), grid)]
    return go.Scatter(
        x=inside[:, 0].astype(np.float32),
        y=inside[:, 1].astype(np.float32),
        mode="markers",
        marker={"size": 14, "opacity": 0},
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
        hovertemplate="%{x:.2f}, %{y:.2f} m<extra></extra>",
        name=CLICKS,
        showlegend=False,
    )


def sensor_traces(scenario: Scenario, nodes: Sequence[Node], shown: Shown) -> list[go.Scatter]:
    """Return sensors as numbered marks, their fields at all heights, and one sensor's pixels."""
    traces: list[go.Scatter] = []
    for number, node in enumerate(nodes):
        is_first = number == (shown.selected or 0)
        if shown.has_outlines:
            planes = list(PLANES_M) if number == shown.selected or shown.selected is None else [shown.plane]
            traces += [_field(scenario, node, plane, number, is_named=is_first) for plane in planes]
        if number == shown.selected:
            traces.append(_pixels(scenario, node, shown.plane, number))
    return [*traces, _marks(scenario, nodes, shown.selected)]


def _tick_m(longest_m: float) -> float:
    return next(tick_m for tick_m in (1, 2, 5, 10, 20) if longest_m / tick_m <= 14)


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


def _box(thing: Thing) -> NDArray[np.float64]:
    half = np.array([thing.size_x_m, thing.size_y_m]) / 2
    signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    return np.array([thing.x_m, thing.y_m]) + signs * half


def _things(things: Sequence[Thing], look: tuple[str, str]) -> go.Scatter:
    fill, line = look
    boxes = _gapped((_box(thing) for thing in things), is_closed=True)
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
            customdata=[_told(thing) for thing in things],
            mode="text+markers",
            marker={"size": 8, "opacity": 0},
            textfont={"size": 11, "color": MUTED},
            hovertemplate="%{customdata}<extra></extra>",
            showlegend=False,
        )
    ]


def _told(thing: Thing) -> str:
    warm = "" if thing.surface_degc is None else f", {thing.surface_degc:g} degC"
    return f"{thing.name} ({thing.kind}), {thing.bottom_m:g} to {thing.top_m:g} m high{warm}"


def _opening(door: Door, room: Room) -> NDArray[np.float64]:
    along_m = np.array([door.centre_m - door.width_m / 2, door.centre_m + door.width_m / 2])
    across_m = {"south": 0.0, "west": 0.0, "north": room.size_y_m, "east": room.size_x_m}[door.wall]
    ends = [along_m, np.full(2, across_m)]
    return np.stack(ends if door.wall in {"north", "south"} else ends[::-1], axis=1)


def _doors(scenario: Scenario) -> list[go.Scatter]:
    openings = [_opening(door, scenario.room) for door in scenario.doors]
    middles = np.array([opening.mean(axis=0) for opening in openings])
    names = [f"{scenario.door_name(i)}: {door.width_m:g} m, {door.kind}" for i, door in enumerate(scenario.doors)]
    lines = _line(_gapped(openings, is_closed=False), line={"color": "#e9c98f", "width": 7})
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


def _field(scenario: Scenario, node: Node, plane: str, number: int, *, is_named: bool) -> go.Scatter:
    pixels_m = pixel_outlines_m(mount_of(scenario, node), node.sensor, PLANES_M[plane])
    border = field_outline_m(pixels_m, (node.sensor.rows, node.sensor.columns))
    return _line(
        _gapped([border], is_closed=True),
        line={"color": _color(number), "width": 1.8 if plane == "head" else 1.4, "dash": _DASHES[plane]},
        name=f"field at {plane} height ({PLANES_M[plane]:g} m)" if PLANES_M[plane] else "field on the floor",
        legendgroup=plane,
        showlegend=is_named,
    )


def _pixels(scenario: Scenario, node: Node, plane: str, number: int) -> go.Scatter:
    pixels_m = pixel_outlines_m(mount_of(scenario, node), node.sensor, PLANES_M[plane])
    return _line(
        _gapped(pixels_m, is_closed=True),
        line={"color": _color(number), "width": 0.6},
        fill="toself",
        fillcolor=_faint(_color(number)),
        name=f"its {len(pixels_m)} pixels there",
        showlegend=True,
    )


def _marks(scenario: Scenario, nodes: Sequence[Node], selected: int | None) -> go.Scatter:
    mounts = [mount_of(scenario, node) for node in nodes]
    return go.Scatter(
        x=[mount.x_m for mount in mounts],
        y=[mount.y_m for mount in mounts],
        text=[str(number + 1) for number in range(len(nodes))],
        customdata=[[number] for number in range(len(nodes))],
        hovertext=[
            f"sensor {number + 1}: {node.name}<br>{mount.height_m:.2f} m high, tilt {mount.tilt_deg:g}, "
            f"yaw {mount.yaw_deg:g} degrees"
            for number, (node, mount) in enumerate(zip(nodes, mounts, strict=True))
        ],
        hoverinfo="text",
        mode="markers+text",
        marker={
            "size": 20,
            "opacity": 1,
            "color": [_color(number) for number in range(len(nodes))],
            "line": {"color": [INK if number == selected else PAPER for number in range(len(nodes))], "width": 2},
        },
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
        textfont={"color": PAPER, "size": 12},
        name=SENSORS,
        showlegend=False,
    )


def _color(number: int) -> str:
    return SENSOR_COLORS[number % len(SENSOR_COLORS)]


def _faint(color: str) -> str:
    red, green, blue = (int(color[first : first + 2], 16) for first in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.07)"
