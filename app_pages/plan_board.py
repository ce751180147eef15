"""The plan as a drawing in the page that tells where it is clicked, and where a sensor is dragged to.

Streamlit draws a Plotly figure from nothing whenever anything in it changes, which takes longer than a slider may; this
drawing takes what is new.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from twin.placement.plan_svg import plan_svg

if TYPE_CHECKING:
    from collections.abc import Callable

    from twin.node import Node
    from twin.placement.plan_tables import Scenario

SNAP_M = 0.05
"""Places that are clicked or dragged to are multiples of it."""

_KEY = "plan_board"
_CSS = """
.plan-board svg { width: 100%; max-height: 640px; display: block; cursor: crosshair; touch-action: none; }
.plan-board .sensor { cursor: grab; }
.plan-board .where { font-size: 0.8rem; min-height: 1.4em; text-align: right; opacity: 0.7; }
"""
_JS = """
export default function ({ parentElement, data, setTriggerValue }) {
    const board = parentElement.querySelector('.plan-board .drawing');
    const where = parentElement.querySelector('.plan-board .where');
    if (!board.dragged) { board.innerHTML = data.svg; }
    const plan = board.querySelector('svg');
    const at = event => {
        const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(plan.getScreenCTM().inverse());
        const snapped = value => Math.round(value / data.snap_m) * data.snap_m;
        return { x: snapped(point.x), y: snapped(data.size_y_m - point.y) };
    };
    plan.onpointerdown = event => {
        const sensor = event.target.closest('.sensor');
        board.dragged = { sensor, x: event.clientX, y: event.clientY, is_moved: false };
        plan.setPointerCapture(event.pointerId);
    };
    plan.onpointermove = event => {
        const place = at(event), drag = board.dragged;
        where.textContent = `${place.x.toFixed(2)}, ${place.y.toFixed(2)} m`;
        if (!drag || !drag.sensor) { return; }
        drag.is_moved = drag.is_moved || Math.hypot(event.clientX - drag.x, event.clientY - drag.y) > 4;
        const scale = 1 / plan.getScreenCTM().a;
        const by = [(event.clientX - drag.x) * scale, (event.clientY - drag.y) * scale];
        drag.sensor.setAttribute('transform', `translate(${by[0]} ${by[1]})`);
    };
    plan.onpointerup = event => {
        const drag = board.dragged;
        board.dragged = null;
        if (!drag) { return; }
        const sensor = drag.sensor ? Number(drag.sensor.dataset.sensor) : -1;
        setTriggerValue('touched', { ...at(event), sensor, is_moved: drag.is_moved });
    };
    plan.onpointercancel = () => { board.dragged = null; board.innerHTML = data.svg; };
    plan.onpointerleave = () => { where.textContent = ''; };
}
"""
_BOARD = st.components.v2.component(
    "plan_board",
    html='<div class="plan-board"><div class="drawing"></div><div class="where"></div></div>',
    css=_CSS,
    js=_JS,
    isolate_styles=False,
)


@dataclass(frozen=True)
class Touch:
    """What was done on the plan.

    Attributes:
        x_m: Where.
        y_m: Where.
        sensor: Number of the sensor that was clicked or dragged; None for the floor.
        is_moved: Whether it was dragged.
    """

    x_m: float
    y_m: float
    sensor: int | None
    is_moved: bool


def plan_board(
    scenario: Scenario, nodes: list[Node], *, selected: int, plane: str, on_touch: Callable[[], None]
) -> None:
    """Draw a plan that tells what is done on it; arguments as of `plan_svg`."""
    svg = plan_svg(scenario, nodes, selected=selected, plane=plane)
    data = {"svg": svg, "size_y_m": scenario.room.size_y_m, "snap_m": SNAP_M}
    _BOARD(data=data, key=_KEY, on_touched_change=on_touch)


def last_touch(scenario: Scenario, sensors: int) -> Touch | None:
    """Return what was done on the plan just now; None where it was outside or makes no sense."""
    said: Any = st.session_state.get(_KEY, {}).get("touched")
    if not isinstance(said, dict):
        return None
    room, sensor = scenario.room, said.get("sensor")
    x_m, y_m = _place_m(said.get("x"), room.size_x_m), _place_m(said.get("y"), room.size_y_m)
    if x_m is None or y_m is None or not isinstance(sensor, int):
        return None
    return Touch(x_m, y_m, sensor if 0 <= sensor < sensors else None, bool(said.get("is_moved")))


def _place_m(said: object, size_m: float) -> float | None:
    """Return a place along a side of the room; None where it lies beyond, or is no number."""
    if not isinstance(said, int | float) or not math.isfinite(said) or not 0 <= said <= size_m + 1e-9:
        return None
    return round(float(said), 3)
