"""Where an image's cycles went, as tables for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from mcu_models.emulators.cycle_profile import OTHER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcu_models.emulators.cycle_profile import CycleProfile, ProfileRow

MOST_ROWS = 25


def cycle_tables(profile: CycleProfile) -> Group:
    """Return the most expensive functions and, where the image says it, the most expensive lines."""
    tables = [_table("function", profile.functions, profile)]
    if profile.lines:
        tables.append(_table("line", profile.lines, profile))
    return Group(*tables)


def _table(what: str, rows: Sequence[ProfileRow], profile: CycleProfile) -> Table:
    table = Table(title=Text(f"cycles by {what}"), title_justify="left")
    table.add_column(what, overflow="fold")
    for name in ("cycles", "share", "runs"):
        table.add_column(name, justify="right", no_wrap=True)
    all_cycles = profile.cycles + profile.other_cycles
    others = rows[MOST_ROWS:]
    shown = [(_name(row, what), row.cycles, f"{row.runs:,}") for row in rows[:MOST_ROWS]]
    shown.append((f"({len(others):,} others)", sum(row.cycles for row in others), ""))
    shown.append((OTHER, profile.other_cycles, ""))
    for name, cycles, runs in shown:
        if cycles:
            table.add_row(Text(name), f"{cycles:,.0f}", f"{cycles / all_cycles:.1%}", runs)
    return table


def _name(row: ProfileRow, what: str) -> str:
    return row.function if what == "function" else f"{row.line or '?'} {row.function}"
