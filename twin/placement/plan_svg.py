"""A plan with its sensors as one SVG: light enough to be drawn anew at every move of a slider.

Its unit is the metre; x goes to the right from the plan's west side, y down from its north side.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from scenarios.geometry import outline
from twin.figures_style import CALM, FLOOR, FONT, INK, MUTED, PAPER
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

    from scenarios.room import Scenario, Thing
    from twin.node import Node

MARGIN_SHARE = 0.07
"""Of the plan's longer side, around it."""

_DASHES = {"floor": "1.5 4", "seat": "7 4", "head": "none"}


def plan_svg(scenario: Scenario, nodes: Sequence[Node], *, selected: int, plane: str) -> str:
    """Return a plan with the sensors that hang in it, or outside.

    Sensors carry their number, from 0, as `data-sensor`; all text of files is escaped.

    Args:
        scenario: The plan.
        nodes: What hangs in it.
        selected: Number of the node whose fields are drawn at all heights, with its pixels.
        plane: Name of the height of the pixels, one of `PLANES_M`.
    """
    room = scenario.room
    margin_m = margin_of_m(scenario)
    box = (-margin_m, -margin_m, room.size_x_m + 2 * margin_m, room.size_y_m + 2 * margin_m)
    parts = [
        *_room(scenario),
        *_ticks(scenario),
        *(_fields(scenario, node, number, selected, plane) for number, node in enumerate(nodes)),
        *(_mark(scenario, node, number, selected) for number, node in enumerate(nodes)),
    ]
    view = " ".join(f"{value:.3f}" for value in box)
    return (
        f'<svg viewBox="{view}" role="img" aria-label="plan with {len(nodes)} sensors" font-family="{escape(FONT)}" '
        f'fill="none" stroke-linejoin="round">{"".join(parts)}</svg>'
    )


def margin_of_m(scenario: Scenario) -> float:
    """Return how much room there is around the plan."""
    return MARGIN_SHARE * max(scenario.room.size_x_m, scenario.room.size_y_m)


def _room(scenario: Scenario) -> Iterable[str]:
    room = scenario.room
    corners = np.array(outline(room).exterior.coords)
    yield _path(scenario, [corners], INK, 4, fill=FLOOR)
    for thing in scenario.objects:
        yield _thing(scenario, thing)
    walls = [np.array(wall.points_m) for wall in scenario.walls]
    if walls:
        yield _path(scenario, walls, INK, 2.5, is_closed=False)
    for index, door in enumerate(scenario.doors):
        yield _path(scenario, [opening_m(door, room)], DOOR_COLOR, 7, is_closed=False, title=door_told(scenario, index))
    for place in scenario.places:
        x, y, half = place.x_m, room.size_y_m - place.y_m, _unit_m(scenario) * 0.6
        look = f'stroke="{CALM}" stroke-width="1" vector-effect="non-scaling-stroke"'
        if place.posture == "sitting":
            yield f'<rect x="{x - half:.3f}" y="{y - half:.3f}" width="{2 * half:.3f}" height="{2 * half:.3f}" {look}/>'
        else:
            yield f'<circle cx="{x:.3f}" cy="{y:.3f}" r="{half:.3f}" {look}/>'


def _thing(scenario: Scenario, thing: Thing) -> str:
    fill, line = WARM if is_warm(thing, scenario.room) else FURNITURE
    drawn = _path(scenario, [box_m(thing)], line, 1.2, fill=fill, title=thing_told(thing))
    size_m = 2.2 * _unit_m(scenario)
    if thing.size_x_m < 0.6 * size_m * len(thing.name) or thing.size_y_m < 1.2 * size_m:
        return drawn
    return drawn + _text(thing.x_m, scenario.room.size_y_m - thing.y_m, thing.name, size_m, MUTED)


def _ticks(scenario: Scenario) -> Iterable[str]:
    """Return metres along the south and the west side."""
    room, step_m = scenario.room, tick_m(max(scenario.room.size_x_m, scenario.room.size_y_m))
    away_m, size_m = margin_of_m(scenario) * 0.6, 2.2 * _unit_m(scenario)
    for x in np.arange(0, room.size_x_m + 1e-9, step_m):
        yield _text(float(x), room.size_y_m + away_m, f"{x:g}", size_m, MUTED)
    for y in np.arange(0, room.size_y_m + 1e-9, step_m):
        yield _text(-away_m, room.size_y_m - float(y), f"{y:g}", size_m, MUTED)


def _fields(scenario: Scenario, node: Node, number: int, selected: int, plane: str) -> str:
    mount, sheet, color = mount_of(scenario, node), node.sensor, sensor_color(number)
    drawn = ""
    for name in PLANES_M if number == selected else (plane,):
        pixels_m = pixel_outlines_m(mount, sheet, PLANES_M[name])
        if number == selected and name == plane:
            drawn += _path(scenario, list(pixels_m), color, 0.6, fill=color, opacity=0.08)
        border_m = field_outline_m(pixels_m, (sheet.rows, sheet.columns))
        drawn += _path(scenario, [border_m], color, 1.8 if name == "head" else 1.4, dash=_DASHES[name])
    return drawn


def _mark(scenario: Scenario, node: Node, number: int, selected: int) -> str:
    mount, unit_m = mount_of(scenario, node), _unit_m(scenario)
    x, y = mount.x_m, scenario.room.size_y_m - mount.y_m
    ring = INK if number == selected else PAPER
    circle = (
        f'<circle cx="{x:.3f}" cy="{y:.3f}" r="{2.1 * unit_m:.3f}" fill="{sensor_color(number)}" stroke="{ring}" '
        'stroke-width="2" vector-effect="non-scaling-stroke"/>'
    )
    title = f"<title>{escape(sensor_told(node, mount, number))}</title>"
    label = _text(x, y, str(number + 1), 2.6 * unit_m, PAPER)
    return f'<g class="sensor" data-sensor="{number}">{title}{circle}{label}</g>'


def _unit_m(scenario: Scenario) -> float:
    """Return a hundredth of the plan's longer side, as the measure of text and marks."""
    return max(scenario.room.size_x_m, scenario.room.size_y_m) / 100


def _text(x: float, y: float, text: str, size_m: float, color: str) -> str:
    return (
        f'<text x="{x:.3f}" y="{y:.3f}" font-size="{size_m:.3f}" fill="{color}" text-anchor="middle" '
        f'dominant-baseline="central" pointer-events="none">{escape(text)}</text>'
    )


def _path(
    scenario: Scenario,
    pieces: Sequence[NDArray[np.float64]],
    color: str,
    width_px: float,
    *,
    fill: str = "none",
    opacity: float = 1.0,
    dash: str = "none",
    is_closed: bool = True,
    title: str = "",
) -> str:
    """Return lines, or areas, through points on the plan; the width is that on the screen."""
    end = "Z" if is_closed else ""
    size_y_m = scenario.room.size_y_m
    drawn = "".join("M" + "L".join(f"{x:.3f} {size_y_m - y:.3f}" for x, y in piece.tolist()) + end for piece in pieces)
    said = f"<title>{escape(title)}</title>" if title else ""
    return (
        f'<path d="{drawn}" fill="{fill}" fill-opacity="{opacity:g}" stroke="{color}" stroke-width="{width_px:g}" '
        f'stroke-dasharray="{dash}" vector-effect="non-scaling-stroke">{said}</path>'
    )
