"""Coverage as a picture: maps of the plan by posture, and what coverage depends on."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import shapely
from matplotlib.figure import Figure
from matplotlib.patches import Polygon

from twin.figures_style import ANSWER, INK, MUTED, SENSOR, WRONG
from twin.placement.coverage import BLIND_BELOW
from twin.placement.footprints import PLANES_M, pixel_outlines_m
from twin.scenario_picture import draw_room

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from twin.placement.coverage import Coverage
    from twin.placement.studies import Studied, Studies

_MAP = "viridis"
_MARGIN_M = 0.3
_PANEL_INCH = 4.0
_DPI = 110
_PLANE_COLORS = {"floor": MUTED, "seat": ANSWER, "head": SENSOR}
_IN_WORDS = {"detected": "detected", "right": "counted right"}


def coverage_png(found: Coverage, studies: Studies | None = None) -> bytes:
    """Return maps of the plan, for each posture detected and counted right, and the studies below, as PNG."""
    room = found.scenario.room
    tall = min(max(room.size_y_m / room.size_x_m, 0.5), 1.8) * _PANEL_INCH
    below = 0 if studies is None else 1
    columns = len(found.postures) + 1
    with mpl.rc_context({"font.size": 9, "text.color": INK}):
        figure = Figure(figsize=(columns * _PANEL_INCH, 2 * tall + below * 3.2 + 0.6), dpi=_DPI, layout="constrained")
        parts = figure.subfigures(1 + below, 1, height_ratios=[2 * tall, 3.2][: 1 + below], squeeze=False)[:, 0]
        _draw_maps(parts[0], found)
        if studies is not None:
            _draw_studies(parts[1], studies)
        figure.suptitle(_title(found), x=0.01, ha="left", fontsize=11)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _title(found: Coverage) -> str:
    names = ", ".join(sorted({node.name for node in found.nodes}))
    return (
        f"{found.scenario.name}: {len(found.nodes)} x {names}; {found.people} people a spot and posture, "
        f"{len(found.spots)} spots of {found.spots.step_m:g} m (simulated)"
    )


def _draw_maps(part: Any, found: Coverage) -> None:
    axes = part.subplots(2, len(found.postures) + 1, squeeze=False)
    image = None
    for row, what in enumerate(("detected", "right")):
        for column, posture in enumerate(found.postures):
            image = _draw_map(axes[row, column], found, what, posture)
            mean = float(found.share(what, posture).mean())
            axes[row, column].set_title(f"{posture}: {_IN_WORDS[what]} {mean:.0%} of the floor's people", fontsize=9)
    part.colorbar(image, ax=axes[:, -2], shrink=0.6, label="share of people")
    _draw_blind(axes[0, -1], found)
    _draw_pixels(axes[1, -1], found)


def _set_up(axis: Any, found: Coverage) -> None:
    room = found.scenario.room
    draw_room(axis, found.scenario)
    axis.set_xlim(-_MARGIN_M, room.size_x_m + _MARGIN_M)
    axis.set_ylim(-_MARGIN_M, room.size_y_m + _MARGIN_M)
    axis.set_aspect("equal")
    axis.tick_params(labelsize=7, colors=MUTED)


def _draw_map(axis: Any, found: Coverage, what: str, posture: str) -> Any:
    _set_up(axis, found)
    grid = found.spots.as_grid(found.share(what, posture))
    image = _image(axis, found, grid, cmap=_MAP, vmin=0.0, vmax=1.0, alpha=0.9)
    _draw_sensors(axis, found)
    return image


def _image(axis: Any, found: Coverage, grid: NDArray[Any], **look: Any) -> Any:
    rows, columns = found.spots.shape
    extent = (0, columns * found.spots.step_m, 0, rows * found.spots.step_m)
    return axis.imshow(grid, origin="lower", extent=extent, interpolation="nearest", zorder=1.5, **look)


def _draw_sensors(axis: Any, found: Coverage) -> None:
    for node in found.nodes:
        mount = node.mount_in(found.scenario)
        axis.plot(mount.x_m, mount.y_m, "o", color="white", markeredgecolor=SENSOR, markersize=7, zorder=4)
        axis.annotate(
            f"{mount.height_m:g} m", (mount.x_m, mount.y_m), xytext=(6, 5), textcoords="offset points", fontsize=7,
            color="white", zorder=4,
        )  # fmt: skip


def _draw_blind(axis: Any, found: Coverage) -> None:
    """Draw in how many postures each spot is blind."""
    _set_up(axis, found)
    blind = np.sum([found.blind(posture) for posture in found.postures], axis=0).astype(float)
    grid = found.spots.as_grid(np.where(blind > 0, blind, np.nan))
    _image(axis, found, grid, cmap="Reds", vmin=0.0, vmax=len(found.postures), alpha=0.6)
    area_m2 = float(found.blind().sum()) * found.spots.step_m**2
    axis.set_title(f"blind, below {BLIND_BELOW:.0%}: {area_m2:.1f} m$^2$ ({found.blind().mean():.0%})", fontsize=9)
    for node in found.nodes:
        mount = node.mount_in(found.scenario)
        axis.plot(mount.x_m, mount.y_m, "o", color="white", markeredgecolor=SENSOR, markersize=7, zorder=4)


def _draw_pixels(axis: Any, found: Coverage) -> None:
    """Draw each sensor's pixels at the floor, and what they enclose at the floor, at seats and at heads."""
    _set_up(axis, found)
    for node in found.nodes:
        mount = node.mount_in(found.scenario)
        for plane, height_m in PLANES_M.items():
            color = _PLANE_COLORS[plane]
            if height_m >= mount.height_m:
                continue
            pixels = pixel_outlines_m(mount, node.sensor, height_m)
            for corners in pixels if plane == "floor" else ():
                axis.add_patch(Polygon(corners, fill=False, edgecolor=color, linewidth=0.4, alpha=0.7, zorder=3))
            edge = np.array(shapely.MultiPoint(pixels.reshape(-1, 2)).convex_hull.exterior.coords)
            axis.add_patch(Polygon(edge, fill=False, edgecolor=color, linewidth=1.5, zorder=3))
    for plane, color in _PLANE_COLORS.items():
        axis.plot([], [], color=color, label=f"{plane} ({PLANES_M[plane]:g} m)")
    axis.legend(loc="lower center", ncols=3, frameon=False, fontsize=7, bbox_to_anchor=(0.5, -0.2))
    axis.set_title("pixels' fields (half value)", fontsize=9)


def _draw_studies(part: Any, studies: Studies) -> None:
    left, middle, right = part.subplots(1, 3)
    _draw_study(left, studies.by_height, "mounting height in m")
    _draw_study(middle, studies.by_air, "air in degC (floor and walls with it)")
    _draw_things(right, studies.things)
    left.legend(frameon=False, fontsize=8)


def _draw_study(axis: Any, table: Sequence[Studied], what: str) -> None:
    values = [one.value for one in table]
    axis.plot(values, [one.detected for one in table], "o-", color=ANSWER, label="detected")
    axis.plot(values, [one.right for one in table], "s-", color=SENSOR, label="counted right")
    axis.plot(values, [one.blind for one in table], "--", color=WRONG, label="blind share of the floor")
    axis.set(xlabel=what, ylim=(0, 1))
    axis.grid(alpha=0.25, linewidth=0.5)


def _draw_things(axis: Any, table: Sequence[Studied]) -> None:
    names = [f"with its {one.value:.0f} things" if one.value else "without things" for one in table]
    place = np.arange(len(table))
    axis.bar(place - 0.2, [one.detected for one in table], 0.4, color=ANSWER)
    axis.bar(place + 0.2, [one.right for one in table], 0.4, color=SENSOR)
    axis.set_xticks(place, names)
    axis.set(ylim=(0, 1), xlabel="furniture, radiators, screens, cups")
    axis.grid(alpha=0.25, linewidth=0.5, axis="y")
