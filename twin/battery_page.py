"""The battery's page: one self-contained HTML file with budget, interval, what matters and what to change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twin.battery_tables import verdict
from twin.figures_battery import budget_figure, cycle_figure, discharge_figure, tornado_figure
from twin.report_page import bullets, card, chart, heading, page, paragraph, table, tile
from twin.spans_of_time import said, said_range
from twin.units_of_power import watts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from twin.energy.outlook import BatteryOutlook

NOT_MODELLED = (
    "Radios that repeat a message because nobody acknowledged it, joining a network, updates of the firmware.",
    "A battery that is cold in the morning and warm at noon: its temperature is one value.",
    "Corrosion of contacts, batteries of different age in one holder, cells of another maker.",
    "Charge that decoupling capacitors leak.",
)


def battery_html(outlooks: Sequence[BatteryOutlook]) -> bytes:
    """Return the page of one or several nodes; the same bytes whenever the outlooks are the same."""
    title = "Battery life" if len(outlooks) > 1 else outlooks[0].title
    parts = [part for index, outlook in enumerate(outlooks) for part in _node(outlook, index)]
    return page(title, parts).encode()


def _node(outlook: BatteryOutlook, index: int) -> Iterator[str]:
    yield heading(outlook.title, 1)
    yield paragraph(
        f"Node {outlook.node} on {outlook.battery}. Watched in {outlook.scenario} for {outlook.watched_s:g} s, "
        f"{outlook.seeds} times with other people and noise.",
        "under",
    )
    yield paragraph(verdict(outlook), "verdict")
    yield f'<div class="tiles">{"".join(_tiles(outlook))}</div>'
    yield '<div class="grid">'
    yield from _cards(outlook, index)
    yield "</div>"


def _tiles(outlook: BatteryOutlook) -> Iterator[str]:
    yield tile(said(outlook.life.p50_s), f"battery life; {said_range(outlook.life)} in 8 of 10 cases")
    yield tile(watts(outlook.average_power_w), "average power from the battery")
    yield tile(f"{outlook.looking:.1%}", "of the time the node looks at frames")
    first = outlook.changes[0] if outlook.changes else None
    yield tile(
        "-" if first is None else said(first.life_s), "nothing helps" if first is None else f"if you {first.what}"
    )


def _cards(outlook: BatteryOutlook, index: int) -> Iterator[str]:
    yield card(
        "Where the power goes", "Average, all bars on one scale.", chart(f"budget-{index}", budget_figure(outlook))
    )
    yield card(
        "What matters most",
        "Life with one value at the low or the high end of its range. * assumed",
        chart(f"tornado-{index}", tornado_figure(outlook)),
    )
    yield card("One cycle", "Current out of the battery.", chart(f"cycle-{index}", cycle_figure(outlook)), wide=True)
    yield card(
        "How the life ends",
        f"Voltage under the worst pulse: {outlook.discharge.ends_by}.",
        chart(f"life-{index}", discharge_figure(outlook)),
        wide=True,
    )
    if outlook.changes:
        rows = [(c.what, f"{said(c.life_s)} ({c.times:.3g} times)", c.price) for c in outlook.changes]
        yield card("What could be changed", "Each alone, all values as stated.", table(rows), wide=True)
    yield card("How far to trust this", "", _trust(outlook), wide=True)


def _trust(outlook: BatteryOutlook) -> str:
    return "".join(
        [
            paragraph(
                "The interval holds 8 of 10 lives, each with every datasheet value drawn from its range and with the "
                "people of one of the runs; values without a range are taken as 5, 10 or 30 % uncertain, as they are "
                "measured, from a datasheet or assumed."
            ),
            heading("What is not modelled", 3),
            bullets(NOT_MODELLED),
            heading(f"Assumed values ({len(outlook.assumed)})", 3),
            bullets(outlook.assumed, keys=True),
        ]
    )
