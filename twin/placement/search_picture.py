"""A search as a picture: the front of cost against error, the search's course, and the design found on its plan."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Polygon

from sensors.field_of_view import HIP_RATIO, footprint_m, nominal_field_of_view
from twin.figures_style import ANSWER, INK, MUTED, SENSOR, WRONG
from twin.placement.design import nodes_of
from twin.placement.objectives import ERROR_IN_WORDS
from twin.placement.trials import SEARCHED, day_seed, day_timeline
from twin.scenario_picture import draw_room

if TYPE_CHECKING:
    from twin.placement.design import Design
    from twin.placement.search import Found, Request

_DPI = 110
_MARGIN_M = 0.4
_FRAME_STEP = 5
_BINS_PER_M = 4
_DRAWN_DAYS = 8
_DAY_S = 86_400.0


def search_png(found: Found, request: Request) -> bytes:
    """Return plan with the recommended design and a grid of as many, course of the search, and front, as PNG."""
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "text.color": INK}):
        figure = Figure(figsize=(14, 10), dpi=_DPI, layout="constrained")
        axes = figure.subplots(2, 2)
        best, grid = found.recommended, found.grids[len(found.recommended.tried.design)]
        _draw_plan(axes[0, 0], found, request, best.tried.design, f"recommended: {best.error:.3g}")
        _draw_plan(axes[0, 1], found, request, grid.tried.design, f"as many in a regular grid: {grid.error:.3g}")
        _draw_numbers(axes[1, 0], found)
        _draw_front(axes[1, 1], found)
        name = found.space.scenario.name
        figure.suptitle(f"{name}, {found.objective}: {ERROR_IN_WORDS[found.objective]} (simulated)", x=0.01, ha="left")
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _draw_plan(axis: Any, found: Found, request: Request, design: Design, title: str) -> None:
    """Draw where people are, and what each sensor has in view at their hips."""
    scenario = found.space.scenario
    room = scenario.room
    draw_room(axis, scenario)
    plan = scenario.model_dump_json()
    days = [day_timeline(plan, request.seconds, day_seed(request.seed, SEARCHED, day)) for day in range(_DRAWN_DAYS)]
    at_m = np.concatenate([day.position_m[::_FRAME_STEP][day.person_index[::_FRAME_STEP] >= 0] for day in days])
    bins = [np.arange(0, size_m + 1e-9, 1 / _BINS_PER_M) for size_m in (room.size_x_m, room.size_y_m)]
    density, *_ = np.histogram2d(at_m[:, 0], at_m[:, 1], bins=bins)
    shown = np.where(density > 0, density**0.3, np.nan).T
    axis.imshow(
        shown, origin="lower", extent=(0, bins[0][-1], 0, bins[1][-1]), cmap="Blues", alpha=0.7, zorder=1.5,
        interpolation="nearest",
    )  # fmt: skip
    hip_m = HIP_RATIO * scenario.population.stature_mean_m
    for number, node in enumerate(nodes_of(design), start=1):
        mount = node.mount_in(scenario)
        corners = footprint_m(mount, nominal_field_of_view(node.sensor), hip_m)
        axis.add_patch(Polygon(corners, facecolor=SENSOR, alpha=0.15, zorder=2))
        axis.add_patch(Polygon(corners, fill=False, edgecolor=SENSOR, linewidth=1.8, zorder=3))
        axis.plot(mount.x_m, mount.y_m, "o", color=SENSOR, markersize=6, zorder=4)
        axis.annotate(f"{number}: {mount.height_m:g} m", (mount.x_m, mount.y_m), xytext=(6, 4),
                      textcoords="offset points", fontsize=8, zorder=4)  # fmt: skip
    axis.set(xlim=(-_MARGIN_M, room.size_x_m + _MARGIN_M), ylim=(-_MARGIN_M, room.size_y_m + _MARGIN_M))
    axis.set_aspect("equal")
    axis.set_title(f"{title} (blue: where people are; boxes: view at hips)", fontsize=9, loc="left")


def _draw_numbers(axis: Any, found: Found) -> None:
    numbers = sorted(found.best)
    for table, color, label in ((found.best, ANSWER, "best found"), (found.grids, MUTED, "regular grid")):
        errors = [table[number].error for number in numbers]
        spread = [table[number].error_sd_of_mean for number in numbers]
        axis.errorbar(numbers, errors, yerr=spread, fmt="o-", color=color, capsize=3, label=label)
    if found.start is not None:
        axis.plot(len(found.start.tried.design), found.start.error, "D", color=WRONG, label="yours")
    axis.set(xlabel="sensors", ylabel="error on days the search has not seen", xticks=numbers)
    axis.set_ylim(bottom=0)
    axis.grid(alpha=0.25, linewidth=0.5)
    axis.legend(frameon=False)


def _draw_front(axis: Any, found: Found) -> None:
    cost = [one.cost for one in found.tried]
    error = [one.judged.error for one in found.tried]
    points = axis.scatter(cost, error, c=[one.life_s / _DAY_S for one in found.tried], s=14, alpha=0.6, cmap="cividis")
    front = found.front()
    axis.plot([one.cost for one in front], [one.judged.error for one in front], "o", markerfacecolor="none",
              color=WRONG, markersize=9, label="on the front of error, cost and life")  # fmt: skip
    axis.figure.colorbar(points, ax=axis, label="first battery empty, days")
    axis.set(xlabel="cost (prices as given)", ylabel="error on the days of the search")
    axis.set_ylim(bottom=0)
    axis.grid(alpha=0.25, linewidth=0.5)
    axis.legend(frameon=False)
