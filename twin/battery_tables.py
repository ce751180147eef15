"""A battery outlook on a terminal: one node in full, several side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from twin.figures_energy import consumer_title, share
from twin.spans_of_time import said, said_range
from twin.units_of_power import watts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from twin.energy.outlook import BatteryOutlook
    from twin.energy.sensitivity import Influence

_SHOWN_INFLUENCES = 6
_SHOWN_CHANGES = 4


def outlook_view(outlook: BatteryOutlook) -> RenderableType:
    """Return verdict, budget, what matters and what could be changed."""
    parts: list[RenderableType] = [
        Panel(Text(verdict(outlook)), title=Text(outlook.title), title_align="left"),
        budget_table(outlook),
        _bounds_table(outlook),
        _influence_table(outlook),
    ]
    if outlook.changes:
        parts.append(_change_table(outlook))
    parts.append(Text(f"{len(outlook.assumed)} of the values behind this are assumed; --json names them.", style="dim"))
    return Group(*parts)


def verdict(outlook: BatteryOutlook) -> str:
    """Return one sentence: how long, how sure, what ends it, what to change first."""
    life = outlook.life
    beyond = life.p10_s >= outlook.years_limit_s
    span = f"beyond {said(life.p50_s)}" if beyond else f"{said(life.p50_s)} ({said_range(life)} in 8 of 10 cases)"
    sentences = [f"On {outlook.battery} the node lives {span}; {outlook.discharge.ends_by}."]
    if outlook.changes:
        first = outlook.changes[0]
        sentences.append(f"First thing to change: {first.what}: {said(outlook.typical_s)} -> {said(first.life_s)}.")
    return " ".join(sentences)


def budget_table(outlook: BatteryOutlook) -> Table:
    """Return the average power by consumer, greatest first."""
    table = Table(title=Text("Budget, average from the battery"), title_justify="left")
    for column in ("consumer", "power", "share"):
        table.add_column(column, justify="left" if column == "consumer" else "right")
    for name, power_w in sorted(outlook.by_consumer_w.items(), key=lambda item: -item[1]):
        table.add_row(consumer_title(name), watts(power_w), share(power_w / outlook.average_power_w))
    table.add_section()
    table.add_row("all", watts(outlook.average_power_w), "")
    return table


def comparison_table(outlooks: Sequence[BatteryOutlook]) -> Table:
    """Return several nodes side by side."""
    table = Table(title=Text("Side by side"), title_justify="left")
    table.add_column("")
    for outlook in outlooks:
        table.add_column(Text(outlook.node), justify="right")
    rows = {
        "battery": [o.battery_name for o in outlooks],
        "life, middle": [said(o.life.p50_s) for o in outlooks],
        "8 of 10 cases": [said_range(o.life) for o in outlooks],
        "average power": [watts(o.average_power_w) for o in outlooks],
        "looks at frames": [share(o.looking) + " of the time" for o in outlooks],
    }
    for title, cells in rows.items():
        table.add_row(title, *cells)
    table.add_section()
    for consumer in _consumers(outlooks):
        cells = [watts(o.by_consumer_w[consumer]) if consumer in o.by_consumer_w else "-" for o in outlooks]
        table.add_row(consumer_title(consumer), *cells)
    table.add_section()
    table.add_row("change first", *(o.changes[0].what if o.changes else "-" for o in outlooks))
    return table


def _consumers(outlooks: Sequence[BatteryOutlook]) -> list[str]:
    """Return all consumers, the greatest anywhere first."""
    greatest: dict[str, float] = {}
    for outlook in outlooks:
        for name, power_w in outlook.by_consumer_w.items():
            greatest[name] = max(greatest.get(name, 0.0), power_w)
    return sorted(greatest, key=lambda name: -greatest[name])


def _bounds_table(outlook: BatteryOutlook) -> Table:
    bounds = outlook.bounds
    table = Table(title=Text("Bounds, nominal charge"), title_justify="left", show_header=False)
    if bounds.sensor_alone_s is not None:
        table.add_row("the sensor alone empties it in", said(bounds.sensor_alone_s))
    table.add_row("inference and sleep alone, without sensor and losses", said(bounds.inference_alone_s))
    table.add_row("one start of the sensor until it is stable", f"{bounds.sensor_start_j:.3f} J")
    return table


def _influence_table(outlook: BatteryOutlook) -> Table:
    table = Table(title=Text("What matters most: life with one value at its low and high end"), title_justify="left")
    for column in ("value", "evidence", "low", "high"):
        table.add_column(column, justify="left" if column in ("value", "evidence") else "right")
    for influence in outlook.influences[:_SHOWN_INFLUENCES]:
        table.add_row(*_influence_row(influence))
    return table


def _influence_row(influence: Influence) -> tuple[str, ...]:
    return influence.key, influence.quantity.evidence, said(influence.at_low_s), said(influence.at_high_s)


def _change_table(outlook: BatteryOutlook) -> Table:
    table = Table(title=Text("What could be changed"), title_justify="left")
    for column in ("change", "life", "times", "price"):
        table.add_column(column, justify="right" if column in ("life", "times") else "left")
    for change in outlook.changes[:_SHOWN_CHANGES]:
        table.add_row(change.what, said(change.life_s), f"{change.times:.3g}", change.price)
    return table
