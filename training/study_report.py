"""What a study found, to look at: fronts of accuracy against parameters and MACs, and the networks one would deploy.

    PYTHONPATH=. python -m training.study_report out/study/summary.json

writes `accuracy_on_<test>.png` and `deployed_on_<test>.md` beside the summary, for each thing it was tested on, and
`predicted_and_real.md` where that is both simulated and recorded frames. The picture has the axes of Figure 5 of
arXiv 2304.06059, the table the columns and names of its Table IV: `Top` counts best; `Size-L` and `MAC-L` have the
fewest parameters and MACs; `Size-H` and `MAC-H` the fewest of those that count at most `HIGH_LOSS` worse than `Top`.
That bound is assumed after the published rows, which lose 5 and 6 points; -Q stands for int8, of either kind.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from datasheet.bad_input import BadInputError
from sensors.whole_file import whole_file
from training.architectures import FAMILIES
from training.pareto import pareto_front
from training.predicted_accuracy import compare, comparison_table
from training.quantisation import INT8_PRECISIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes

HIGH_LOSS: Final = 0.065
_DRAWN: Final = ("float32", *INT8_PRECISIONS)
_COSTS: Final = {"parameters": "parameters", "macs": "MACs for an answer"}
_MARKERS: Final = dict(zip(FAMILIES, "osDv^P", strict=True))
_COLOURS: Final = dict(zip(FAMILIES, ("#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#a463f2", "#9c6b4e"), strict=True))
_PIXELS_PER_INCH: Final = 150

Row = dict[str, Any]


def main(words: Sequence[str] | None = None) -> None:
    """Write pictures and tables; bad input ends it with one line and status 2."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("summary", type=Path, help="summary.json of a study")
    arguments = parser.parse_args(words)
    try:
        for path in write_report(read_summary(arguments.summary), arguments.summary.parent):
            print(path)
    except BadInputError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from error


def read_summary(path: Path) -> list[Row]:
    """Return the rows of a study's summary.

    Raises:
        BadInputError: It cannot be read, or is not one.
    """
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInputError(path, "", None, f"cannot be read: {error}") from None
    needed = {"family", "architecture", "window", "parameters", "macs", "tested_on", "precision", "figures"}
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) and needed <= set(row) for row in rows):
        raise BadInputError(path, "", None, "must be the summary.json of a study, with at least one network")
    return rows


def write_report(rows: list[Row], folder: Path) -> list[Path]:
    """Write a picture and a table for each thing that the networks were tested on; return their paths."""
    written = []
    for test in dict.fromkeys(row["tested_on"] for row in rows):
        tested = [row for row in rows if row["tested_on"] == test]
        picture, table = folder / f"accuracy_on_{test}.png", folder / f"deployed_on_{test}.md"
        with whole_file(picture) as file:
            draw(tested, test).savefig(file, format="png", dpi=_PIXELS_PER_INCH, metadata={"Software": None})
        with whole_file(table) as file:
            file.write(deployed_table(tested).encode())
        written += [picture, table]
    compared = compare(rows)
    if compared:
        with whole_file(folder / "predicted_and_real.md") as file:
            file.write(comparison_table(compared).encode())
        written.append(folder / "predicted_and_real.md")
    return written


def score(row: Row) -> float:
    """Return a row's balanced accuracy."""
    return float(row["figures"]["balanced_accuracy"]["mean"])


def fronts(rows: list[Row], cost: str) -> dict[str, list[Row]]:
    """Return the Pareto front of each precision over `cost`, by growing cost."""
    by_precision = {one: [row for row in rows if row["precision"] == one] for one in _precisions(rows)}
    return {
        precision: [found[k] for k in pareto_front([row[cost] for row in found], [score(row) for row in found])]
        for precision, found in by_precision.items()
    }


def deployed(rows: list[Row]) -> dict[str, Row]:
    """Return the networks one would deploy, by the published names; int8 ones end in -Q."""
    chosen = {}
    for precisions, suffix in ((("float32",), ""), (INT8_PRECISIONS, "-Q")):
        of_one = [row for row in rows if row["precision"] in precisions]
        if not of_one:
            continue
        best = max(of_one, key=score)
        good = [row for row in of_one if score(row) >= score(best) - HIGH_LOSS]
        chosen[f"Top{suffix}"] = best
        for name, cost in (("Size", "parameters"), ("MAC", "macs")):
            chosen[f"{name}-H{suffix}"] = min(good, key=lambda row, cost=cost: (row[cost], -score(row)))  # type: ignore[misc]
            chosen[f"{name}-L{suffix}"] = min(of_one, key=lambda row, cost=cost: (row[cost], -score(row)))  # type: ignore[misc]
    return chosen


def deployed_table(rows: list[Row]) -> str:
    """Return the networks one would deploy as a table in Markdown."""
    head = (
        "network", "family", "window", "architecture", "precision", "balanced accuracy", "accuracy", "F1", "MSE", "MAE",
        "parameters", "MACs",
    )  # fmt: skip
    lines = [" | ".join(head), " | ".join("---" for _ in head)]
    lines += [" | ".join(_cells(name, row)) for name, row in deployed(rows).items()]
    return "".join(f"| {line} |\n" for line in lines)


def _cells(name: str, row: Row) -> Iterator[str]:
    figures = row["figures"]
    yield from (name, row["family"], str(row["window"]), row["architecture"], row["precision"])
    for one in ("balanced_accuracy", "accuracy"):
        yield f"{100 * figures[one]['mean']:.1f} ± {100 * figures[one]['deviation']:.1f} %"
    for one in ("weighted_f1", "mse", "mae"):
        yield f"{figures[one]['mean']:.3f}"
    yield from (f"{row['parameters']:,}", f"{row['macs']:,}")


def _precisions(rows: list[Row]) -> list[str]:
    return list(dict.fromkeys(row["precision"] for row in rows))


def draw(rows: list[Row], test: str) -> Figure:
    """Return balanced accuracy against parameters and against MACs, with fronts, and a line of panels for a precision.

    Other precisions than float32 and int8 are drawn where there is none of these.
    """
    there = _precisions(rows)
    precisions = [one for one in _DRAWN if one in there] or there
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(10, 1.2 + 3.6 * len(precisions)), layout="constrained")
        panels = figure.subplots(len(precisions), len(_COSTS), sharey=True, squeeze=False)
        for line, precision in zip(panels, precisions, strict=True):
            for panel, cost in zip(line, _COSTS, strict=True):
                _draw_panel(panel, [row for row in rows if row["precision"] == precision], cost, precision)
        marks, names = panels[0, 0].get_legend_handles_labels()
        figure.legend(marks, names, loc="outside lower center", ncols=4, frameon=False)
        networks = len({(row["family"], row["architecture"], row["window"]) for row in rows})
        figure.suptitle(f"Counting people on 8 x 8 pixels, tested on {test} frames: {networks} networks")
    return figure


def _draw_panel(panel: Axes, rows: list[Row], cost: str, precision: str) -> None:
    for family in FAMILIES:
        of_one = [row for row in rows if row["family"] == family]
        if of_one:
            panel.plot(
                [row[cost] for row in of_one], [100 * score(row) for row in of_one], _MARKERS[family],
                color=_COLOURS[family], alpha=0.75, markersize=5, markeredgewidth=0, label=family.replace("_", " "),
            )  # fmt: skip
    front = fronts(rows, cost)[precision]
    panel.plot(
        [row[cost] for row in front], [100 * score(row) for row in front], "k-", linewidth=1, label="Pareto front"
    )
    _name_ends(panel, front, cost)
    panel.margins(x=0.08, y=0.1)
    panel.set(xscale="log", xlabel=_COSTS[cost], ylabel=f"balanced accuracy, {precision} (%)")
    panel.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    panel.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    panel.xaxis.set_minor_formatter(NullFormatter())
    panel.grid(alpha=0.25, linewidth=0.5)


def _name_ends(panel: Axes, front: list[Row], cost: str) -> None:
    """Write beside the first and the last network of a front what it is."""
    for row, shift, side in ((front[0], (6, -9), "left"), (front[-1], (0, 6), "right")):
        at = (row[cost], 100 * score(row))
        text = f"{row['architecture']}, {row['window']}"
        panel.annotate(text, at, xytext=shift, textcoords="offset points", fontsize=7, ha=side)


if __name__ == "__main__":
    main()
