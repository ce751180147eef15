"""A scenario as a drawing: floor plan, people's paths, and what the sensor covers."""

from __future__ import annotations

import io
import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle

from scenarios.geometry import doorway, outline
from sensors.field_of_view import HIP_RATIO, footprint_m, nominal_field_of_view
from twin.figures_style import ANSWER, CALM, FLOOR, INK, MUTED, SENSOR, WRONG

if TYPE_CHECKING:
    from scenarios.room import Scenario, Thing
    from scenarios.timeline import Timeline
    from sensors.grid_eye_sheet import GridEyeSheet
    from sensors.mount import Mount

_LONG_SIDE_INCH = 10.0
_MARGIN_M = 0.4
_THING_COLORS = {
    "furniture": CALM,
    "radiator": WRONG,
    "screen": "#6a4c93",
    "sun_patch": "#f2c14e",
    "cup": WRONG,
}


def scenario_png(scenario: Scenario, timeline: Timeline, mount: Mount, sheet: GridEyeSheet) -> bytes:
    """Return the plan of `scenario` with the paths of `timeline`, as PNG."""
    figure = _canvas(scenario)
    axis = figure.subplots()
    draw_room(axis, scenario)
    _draw_paths(axis, timeline)
    _draw_sensor(axis, scenario, mount, sheet)
    _finish(axis, scenario, timeline)
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _canvas(scenario: Scenario) -> Figure:
    room = scenario.room
    scale = _LONG_SIDE_INCH / max(room.size_x_m, room.size_y_m)
    return Figure(
        figsize=(max(room.size_x_m * scale, 5.0) + 1.0, max(room.size_y_m * scale, 4.0) + 1.5),
        dpi=90,
        layout="constrained",
    )


def draw_room(axis: Any, scenario: Scenario) -> None:
    """Draw floor, walls, doors, things and places of a scenario."""
    floor = np.array(outline(scenario.room).exterior.coords)
    axis.add_patch(Polygon(floor, facecolor=FLOOR, edgecolor=INK, linewidth=3, joinstyle="miter"))
    for wall in scenario.walls:
        axis.plot(*np.array(wall.points_m).T, color=INK, linewidth=3)
    for door in scenario.doors:
        way = doorway(door, scenario.room)
        ends = [way.at(0.0, side * door.width_m / 2) for side in (-1, 1)]
        axis.plot(*np.array(ends).T, color="#e3c796", linewidth=6, solid_capstyle="butt")
        axis.annotate(door.name or "door", way.at(-0.25), ha="center", va="center", fontsize=8, color=MUTED)
    for thing in scenario.objects:
        axis.add_patch(_box(thing))
    for place in scenario.places:
        mark = "s" if place.posture == "sitting" else "x"
        axis.plot(place.x_m, place.y_m, mark, color=MUTED, markersize=5)


def _box(thing: Thing) -> Rectangle:
    corner = (thing.x_m - thing.size_x_m / 2, thing.y_m - thing.size_y_m / 2)
    color = _THING_COLORS[thing.kind]
    return Rectangle(corner, thing.size_x_m, thing.size_y_m, facecolor=color, edgecolor=INK, alpha=0.45)


def _draw_paths(axis: Any, timeline: Timeline) -> None:
    """One line a person; slots are shared, so a line ends where another person takes the slot."""
    for slot in range(timeline.person_index.shape[1]):
        owners = timeline.person_index[:, slot]
        for begin, end in _stays(owners):
            axis.plot(*timeline.position_m[begin:end, slot].T, color=ANSWER, linewidth=0.8, alpha=0.5)


def _stays(owners: np.ndarray[Any, np.dtype[np.int32]]) -> list[tuple[int, int]]:
    """Return where each stay of one person in a slot begins and ends."""
    bounds = [0, *(np.flatnonzero(np.diff(owners)) + 1).tolist(), len(owners)]
    return [(a, b) for a, b in itertools.pairwise(bounds) if owners[a] >= 0]


def _draw_sensor(axis: Any, scenario: Scenario, mount: Mount, sheet: GridEyeSheet) -> None:
    fov = nominal_field_of_view(sheet)
    hip_m = HIP_RATIO * scenario.population.stature_mean_m
    for height_m, style, name in ((0.0, "--", "floor"), (hip_m, "-", f"hips ({hip_m:.2f} m)")):
        corners = footprint_m(mount, fov, height_m)
        axis.add_patch(
            Polygon(corners, fill=False, edgecolor=SENSOR, linestyle=style, linewidth=1.8, label=f"view at {name}")
        )
    axis.plot(mount.x_m, mount.y_m, "o", color=SENSOR, markersize=7, label=f"sensor, {mount.height_m:g} m up")


def _finish(axis: Any, scenario: Scenario, timeline: Timeline) -> None:
    room = scenario.room
    minutes = len(timeline.time_s) and (timeline.time_s[-1] - timeline.time_s[0]) / 60
    entered = sum(event.kind == "enter" for event in timeline.events)
    title = f"{scenario.name}: {minutes:.0f} minutes, {entered} people came in"
    axis.figure.suptitle(title, x=0.02, ha="left", color=INK)
    axis.set_xlim(-_MARGIN_M, room.size_x_m + _MARGIN_M)
    axis.set_ylim(-_MARGIN_M, room.size_y_m + _MARGIN_M)
    axis.set_aspect("equal")
    axis.set_xlabel("x in m (east)")
    axis.set_ylabel("y in m (north)")
