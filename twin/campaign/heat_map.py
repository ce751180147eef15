"""A campaign as heat maps: kinds of faults by outcome, and what bit flips hit by outcome."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from twin.campaign.tables import by_kind, by_target
from twin.campaign.verdict import OUTCOMES
from twin.figures_style import ANSWER, INK, MUTED, PAPER, WRONG

if TYPE_CHECKING:
    from collections.abc import Mapping

    from twin.campaign.session import CampaignResult

MOST_ROWS: Final = 20
"""So many variables or registers are shown, those with the most harm; the others are one row."""
_OTHERS: Final = "others"
_ROW_INCH, _HEAD_INCH, _FOOT_INCH, _WIDTH_INCH = 0.32, 1.1, 0.01, 6.4
_KIND_WORDS: Final = {
    "i2c_nack": "I2C not acknowledged",
    "i2c_stuck": "I2C bus stuck",
    "i2c_brown_out": "sensor without supply",
    "i2c_data": "wrong data",
    "ram_bit_flip": "bit flip in RAM",
    "register_bit_flip": "bit flip in a register",
    "clock_drift": "clock drift",
    "uart_loss": "UART lost or damaged",
    "watchdog_reset": "reset by watchdog",
}
_GOOD: Final = 2
"""Of the outcomes the first two are good ones; they have a colour of their own."""


def heat_map_png(result: CampaignResult) -> bytes:
    """Return the heat maps of a campaign as PNG; a row's shares add up to one, numbers are faults."""
    kinds = {_KIND_WORDS[kind]: counts for kind, counts in by_kind(result).items()}
    maps = {"Kind of fault": kinds}
    for title, kind in (("Bit flips in RAM", "ram_bit_flip"), ("Bit flips in registers", "register_bit_flip")):
        if found := by_target(result, kind):
            maps[title] = _shortened(found)
    beside = list(maps)[-1:] if len(maps) > 1 else []
    columns = [column for column in ([title for title in maps if title not in beside], beside) if column]
    heights = [sum(len(maps[title]) * _ROW_INCH + _HEAD_INCH for title in column) for column in columns]
    tallest = max(heights)
    figure = Figure(figsize=(_WIDTH_INCH * len(columns), tallest), dpi=110, layout="constrained", facecolor=PAPER)
    parts = figure.subfigures(1, len(columns), squeeze=False)[0]
    for part, column, height in zip(parts, columns, heights, strict=True):
        ratios = [len(maps[title]) * _ROW_INCH + _HEAD_INCH for title in column] + [tallest - height + _FOOT_INCH]
        axes = part.subplots(len(ratios), 1, squeeze=False, gridspec_kw={"height_ratios": ratios})[:, 0]
        axes[-1].set_axis_off()
        for axis, title in zip(axes[:-1], column, strict=True):
            _draw(axis, title, maps[title])
    campaign = result.campaign
    title = f"{campaign.title}: {len(result.rows)} faults in {result.image} on {result.board}, seed {campaign.seed}"
    figure.suptitle(title, color=INK, fontsize=12, x=0.01, ha="left")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _shortened(found: dict[str, Mapping[str, int]]) -> dict[str, Mapping[str, int]]:
    """Put what has the least harm together."""
    if len(found) <= MOST_ROWS:
        return found
    names = list(found)
    rest = [found[name] for name in names[MOST_ROWS - 1 :]]
    together = {outcome: sum(counts[outcome] for counts in rest) for outcome in OUTCOMES}
    kept: dict[str, Mapping[str, int]] = {name: found[name] for name in names[: MOST_ROWS - 1]}
    return kept | {f"{len(rest)} {_OTHERS}": together}


def _draw(axis: Any, title: str, rows: dict[str, Mapping[str, int]]) -> None:
    counts = np.array([[row[outcome] for outcome in OUTCOMES] for row in rows.values()])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    for columns, color in ((slice(0, _GOOD), ANSWER), (slice(_GOOD, None), WRONG)):
        part = np.full(shares.shape, np.nan)
        part[:, columns] = shares[:, columns]
        axis.imshow(part, cmap=LinearSegmentedColormap.from_list("", [PAPER, color]), vmin=0, vmax=1, aspect="auto")
    for (row, column), count in np.ndenumerate(counts):
        if count:
            color = PAPER if shares[row, column] > 0.55 else INK
            axis.text(column, row, str(count), ha="center", va="center", color=color, fontsize=9)
    axis.set_title(title, loc="left", color=INK, fontsize=10, pad=24)
    axis.xaxis.tick_top()
    axis.set_xticks(range(len(OUTCOMES)), [outcome.replace(" ", "\n") for outcome in OUTCOMES], color=MUTED, fontsize=8)
    axis.set_yticks(range(len(rows)), list(rows), color=INK, fontsize=9)
    axis.tick_params(length=0)
    axis.set_xticks(np.arange(0.5, len(OUTCOMES) - 1), minor=True)
    axis.set_yticks(np.arange(0.5, len(rows) - 1), minor=True)
    axis.grid(which="minor", color="#d5dbe1", linewidth=0.8)
    axis.tick_params(which="minor", length=0)
    for spine in axis.spines.values():
        spine.set_color("#d5dbe1")
