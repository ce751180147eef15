"""Coverage and searches as they are shown on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from twin.placement.coverage import BLIND_BELOW
from twin.placement.objectives import ERROR_IN_WORDS
from twin.spans_of_time import said

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import RenderableType

    from twin.placement.coverage import Coverage
    from twin.placement.search import Found
    from twin.placement.studies import Studied, Studies


def coverage_view(found: Coverage, studies: Studies | None, out: Path | None) -> RenderableType:
    """Return means by posture, false alarms, and what coverage depends on."""
    title = (
        f"{found.scenario.name}: {len(found.spots)} spots of {found.spots.step_m:g} m, "
        f"{found.people} people at each in each posture"
    )
    table = Table(title=Text(title), title_justify="left")
    for name in ("posture", "detected", "counted right", f"blind (below {BLIND_BELOW:.0%})"):
        table.add_column(name, justify="left" if name == "posture" else "right")
    for posture, row in found.summary().items():
        blind = f"{row['blind_area_m2']:.1f} m2, {row['blind_share']:.0%}"
        table.add_row(posture, f"{row['detected']:.1%}", f"{row['counted_right']:.1%}", blind)
    alarms = ", ".join(f"{rate:.2%}" for rate in found.false_alarms)
    lines: list[RenderableType] = [table, Text(f"Looks at the empty room answered with somebody: {alarms}")]
    if studies is not None:
        lines += [
            _study("mounting height, m", studies.by_height),
            _study("air, degC", studies.by_air),
            _study("things in the room", studies.things),
        ]
    lines.append(Text("Simulated single people; nothing of this is measured. Groups hide each other: see twin place."))
    if out is not None:
        lines.append(Text(f"written to {out}"))
    return Group(*lines)


def _study(name: str, studied: tuple[Studied, ...]) -> Table:
    table = Table(show_header=True)
    table.add_column(name, justify="right")
    for column in ("detected", "counted right", "blind"):
        table.add_column(column, justify="right")
    for one in studied:
        table.add_row(f"{one.value:g}", f"{one.detected:.1%}", f"{one.right:.1%}", f"{one.blind:.0%}")
    return table


def search_view(found: Found, out: Path | None) -> RenderableType:
    """Return the best of each number of nodes beside a grid, the recommended places, and why."""
    title = f"{found.space.scenario.name}: {len(found.tried)} designs tried; error: {ERROR_IN_WORDS[found.objective]}"
    table = Table(title=Text(title), title_justify="left")
    for name in ("sensors", "cost", "first battery empty", "error", "of a regular grid", "better by"):
        table.add_column(name, justify="right")
    for number in sorted(found.best):
        best, grid = found.best[number], found.grids[number]
        gain = f"{1 - best.error / grid.error:.0%}" if grid.error > 0 else "-"
        error = f"{best.error:.3f} ± {best.error_sd_of_mean:.3f}"
        table.add_row(str(number), f"{best.tried.cost:g}", said(best.tried.life_s), error, f"{grid.error:.3f}", gain)
    places = Table(title=Text("Recommended"), title_justify="left")
    for name in ("node", "x, m", "y, m", "height, m", "yaw, deg", "tilt, deg"):
        places.add_column(name, justify="left" if name == "node" else "right")
    for hanging in found.recommended.tried.design:
        mount = hanging.mount
        values = (mount.x_m, mount.y_m, mount.height_m, mount.yaw_deg, mount.tilt_deg)
        places.add_row(hanging.node, *(f"{value:g}" for value in values))
    lines: list[RenderableType] = [table, places, *(Text(line) for line in found.why.in_words())]
    if found.start is not None:
        lines.append(Text(f"Your own placement errs by {found.start.error:.3f}."))
    lines.append(Text("Errors are of simulated days that the search has not seen; nothing of this is measured."))
    if out is not None:
        lines.append(Text(f"written to {out}"))
    return Group(*lines)
