"""A sweep's page: accuracy against what it costs, the front of each price, what could not be."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import plotly.graph_objects as go

from twin.figures_style import ANSWER, CALM, INK, SENSOR, TRUTH, WRONG, styled
from twin.report_page import bullets, card, chart, heading, page, paragraph, table, tile
from twin.sweeps.columns import ASSUMED, PROBLEM
from twin.sweeps.pareto import ACCURACY, fronts, points_of
from twin.sweeps.words import SCALES, said, said_accuracy, said_value, said_values

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from twin.sweeps.pareto import Point
    from twin.sweeps.store import Identity

FILE: Final = "summary.html"
SHOWN_PROBLEMS: Final = 10
COLOURS: Final = (ANSWER, SENSOR, CALM, WRONG, TRUTH, "#6f9f3c", "#8a5fb0", "#b0875f")
FAINT: Final = "#b8c2cc"
WIDE_RATIO: Final = 20.0
"""An axis whose greatest value is so many times its least is logarithmic."""


def summary_html(rows: Any, identity: Identity) -> bytes:
    """Return the page of a sweep's rows (a `pyarrow.Table`); the same rows make the same bytes."""
    points = points_of(rows, identity.keys)
    return page(identity.title, _parts(rows, identity, points)).encode()


def _parts(rows: Any, identity: Identity, points: list[Point]) -> Iterator[str]:
    yield heading(identity.title, 1)
    yield paragraph(f"{rows.num_rows} runs; varied: {', '.join(identity.keys)}.", "under")
    problems = Counter(text for text in rows.column(PROBLEM).to_pylist() if text is not None)
    if points:
        yield f'<div class="tiles">{"".join(_tiles(points, problems.total()))}</div>'
        yield '<div class="grid">'
        yield from _charts(points)
        yield from _tables(points)
        yield "</div>"
    if problems:
        lines = [f"{times} runs: {text}" for text, times in sorted(problems.items())[:SHOWN_PROBLEMS]]
        yield card(f"{problems.total()} runs that cannot be", "", bullets(lines), wide=True)
    yield card("How far to trust this", "", bullets(_trust(rows)), wide=True)


def _tiles(points: Sequence[Point], problems: int) -> Iterator[str]:
    best, longest = points[0], max(points, key=lambda point: point.figures["life_s"])
    yield tile(str(len(points)), "combinations" + (f"; {problems} more runs cannot be" if problems else ""))
    yield tile(f"{best.figures[ACCURACY]:.1%}", "best balanced accuracy, mean of its seeds")
    yield tile(said(best, "life_s"), "life of the battery there")
    yield tile(said(longest, "life_s"), f"longest life; accuracy there {longest.figures[ACCURACY]:.1%}")


def _charts(points: list[Point]) -> Iterator[str]:
    key = _colour_key(points)
    about = f"Bars: worst and best seed. Colours: {key}." if key else "Bars: worst and best seed."
    for number, (price, best) in enumerate(fronts(points).items()):
        content = chart(f"front-{number}", _figure(points, best, price, key))
        yield card(f"Accuracy against {SCALES[price][2]}", about, content, wide=True)


def _colour_key(points: Sequence[Point]) -> str:
    """Return the first varied key whose values are few enough for a colour each."""
    for key in points[0].values:
        if 1 < len({point.values[key] for point in points}) <= len(COLOURS):
            return key
    return ""


def _figure(points: Sequence[Point], best: Sequence[Point], price: str, key: str) -> go.Figure:
    _, unit, name = SCALES[price]
    groups: dict[str, list[Point]] = {}
    for point in points:
        groups.setdefault(said_value(point.values[key]) if key else "", []).append(point)
    traces = [_line(best, price)]
    traces += [_dots(group, groups[group], price, COLOURS[n]) for n, group in enumerate(sorted(groups))]
    costs = [point.figures[price] for point in points]
    is_wide = min(costs) > 0 and max(costs) / min(costs) > WIDE_RATIO
    return styled(
        traces,
        380,
        xaxis={"title": f"{name}, {unit}", "type": "log" if is_wide else "linear"},
        yaxis={"title": "balanced accuracy", "tickformat": ".0%"},
        showlegend=True,
    )


def _line(best: Sequence[Point], price: str) -> go.Scatter:
    factor = SCALES[price][0]
    return go.Scatter(
        x=[point.figures[price] * factor for point in best],
        y=[point.figures[ACCURACY] for point in best],
        mode="lines+markers",
        name="front",
        line={"color": INK, "width": 1.5, "shape": "hv"},
        marker={"symbol": "circle-open", "size": 15, "color": INK},
        hoverinfo="skip",
    )


def _dots(name: str, points: Sequence[Point], price: str, colour: str) -> go.Scatter:
    factor = SCALES[price][0]
    means = [point.figures[ACCURACY] for point in points]
    return go.Scatter(
        x=[point.figures[price] * factor for point in points],
        y=means,
        error_y={
            "array": [point.accuracy_high - mean for point, mean in zip(points, means, strict=True)],
            "arrayminus": [mean - point.accuracy_low for point, mean in zip(points, means, strict=True)],
            "color": FAINT,
            "thickness": 1,
            "width": 0,
        },
        mode="markers",
        name=name or "combinations",
        marker={"color": colour, "size": 8},
        text=[f"{said_values(point)}<br>{said_accuracy(point)}, {said(point, price)}" for point in points],
        hoverinfo="text",
    )


def _tables(points: list[Point]) -> Iterator[str]:
    for price, best in fronts(points).items():
        rows = [(said_values(one), said(one, price), f"{said_accuracy(one)}, {said(one, 'life_s')}") for one in best]
        name = SCALES[price][2]
        yield card(
            f"Front of the {name}", "No other combination is more accurate at this price.", table(rows), wide=True
        )


def _trust(rows: Any) -> Iterator[str]:
    assumed = [number for number in rows.column(ASSUMED).to_pylist() if number is not None]
    yield "Every figure is the twin's prediction of one simulated stretch of time, none is a measurement."
    yield "Runs with the same seed meet the same people where the room is the same; a bar spans the seeds."
    if assumed:
        yield (
            f"{min(assumed)} to {max(assumed)} values behind a run are assumed, no maker states them: `twin run` lists "
            "them. A value that the sweep varies counts as assumed."
        )
