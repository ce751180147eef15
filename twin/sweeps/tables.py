"""What a sweep says on a terminal, and as one JSON object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.table import Table
from rich.text import Text

from twin.sweeps.columns import PROBLEM
from twin.sweeps.pareto import ACCURACY, PRICES, fronts, points_of
from twin.sweeps.words import SCALES, said, said_span, said_value

if TYPE_CHECKING:
    from twin.sweeps.driver import Forecast
    from twin.sweeps.pareto import Point
    from twin.sweeps.store import Identity

SHOWN: Final = 10


def best_table(rows: Any, identity: Identity) -> Table:
    """Return the most accurate combinations of a sweep's rows (a `pyarrow.Table`), and where they are on a front."""
    points = points_of(rows, identity.keys)
    title = f"{identity.title}: {rows.num_rows} runs, {len(points)} combinations"
    table = Table(title=Text(title), title_justify="left", caption_justify="left")
    for name in ("accuracy", "worst", *(SCALES[price][1] for price in PRICES), "battery"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("of", overflow="fold")
    best = fronts(points)
    for point in points[:SHOWN]:
        costs = [said(point, price).split()[0] + ("*" if point in best[price] else " ") for price in PRICES]
        accuracies = [f"{accuracy:.1%}" for accuracy in (point.figures[ACCURACY], point.accuracy_low)]
        table.add_row(*accuracies, *costs, said(point, "life_s"), Text(_short(point)))
    table.caption = Text(
        "balanced accuracy, mean of the seeds and the worst of them; mean power, energy of an inference, flash\n"
        "* no other combination is more accurate at this price"
    )
    return table


def _short(point: Point) -> str:
    """Return what is varied by the last words of the keys, or by the whole keys where these are the same."""
    last = [key.rpartition(".")[2] for key in point.values]
    names = last if len(set(last)) == len(last) else list(point.values)
    return ", ".join(f"{name} {said_value(value)}" for name, value in zip(names, point.values.values(), strict=True))


def plan_lines(forecast: Forecast) -> str:
    """Return what a sweep is about to do, in words."""
    lines = [f"{forecast.runs} runs, {forecast.done} of them done already"]
    if forecast.left_s is None:
        lines.append("nothing is left to do")
    else:
        lines.append(
            f"{forecast.runs - forecast.done} runs take about {said_span(forecast.left_s)} on {forecast.workers} "
            f"workers: {forecast.run_s:.2f} s each, {forecast.measured_on}"
        )
    return "\n".join(lines)


def sweep_answer(rows: Any, identity: Identity) -> dict[str, Any]:
    """Return what `--json` prints of a sweep that is done."""
    points = points_of(rows, identity.keys)
    problems = sum(text is not None for text in rows.column(PROBLEM).to_pylist())
    return {
        "title": identity.title,
        "runs": rows.num_rows,
        "impossible": problems,
        "best": [_as_dict(point) for point in points[:SHOWN]],
        "fronts": {price: [_as_dict(point) for point in best] for price, best in fronts(points).items()},
    }


def _as_dict(point: Point) -> dict[str, Any]:
    return {
        "values": dict(point.values),
        "runs": point.runs,
        f"{ACCURACY}_low": point.accuracy_low,
        f"{ACCURACY}_high": point.accuracy_high,
        **point.figures,
    }
