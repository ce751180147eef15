"""What budgets came to, as a table in Markdown: for a pull request, or the summary of a job in CI."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twin.testing.budgets import UNITS, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from twin.testing.budgets import Comparison, Verdict


def summary(comparisons: Iterable[Comparison], baseline: str) -> str:
    """Return a table in Markdown of what grew and by how much, the worst first."""
    order: dict[Verdict, int] = {"grew": 0, "new": 1, "shrank": 2, "within": 3}
    rows = sorted(dict.fromkeys(comparisons), key=lambda one: (order[one.verdict], one.budget, one.place, one.value))
    if not rows:
        return ""
    grown = sum(one.verdict == "grew" for one in rows)
    new = sum(one.verdict == "new" for one in rows)
    bad = [f"{grown} of {len(rows)} values grew too much"] if grown else []
    bad += [f"{new} of {len(rows)} values are not in the baseline"] if new else []
    head = ", ".join(bad) or f"all {len(rows)} values within their budgets"
    lines = [f"### Firmware budgets: {head}", "", f"Compared with `{baseline}`.", ""]
    lines += ["| | budget | board | value | baseline | now | change | allowed |", "|---|---|---|---|--:|--:|--:|--:|"]
    return "\n".join([*lines, *(_row(one) for one in rows)]) + "\n"


def _row(one: Comparison) -> str:
    sign = {"grew": "❌", "new": "❔", "shrank": "⬇️", "within": "✅"}[one.verdict]
    unit = UNITS.get(one.value, "")
    before = "-" if one.baseline is None else shown(one.baseline)
    share = f" ({one.growth / one.baseline:+.2%})" if one.baseline else ""
    change = "new" if one.baseline is None else f"{shown(one.growth, sign=True)}{share}"
    value = f"{one.value}{f' ({unit.strip()})' if unit else ''}"
    allowed = "-" if one.baseline is None else shown(one.allowed, sign=True)
    cells = [sign, one.budget, one.place, value, before, shown(one.measured), change, allowed]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
