"""How far predicted accuracy can be trusted: of each network on simulated frames, and on recorded ones."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import spearmanr

if TYPE_CHECKING:
    from collections.abc import Sequence

Row = dict[str, Any]

_NETWORK = ("family", "architecture", "window", "seed", "precision")


@dataclass(frozen=True)
class Comparison:
    """Balanced accuracy of one network, predicted and real."""

    name: str
    predicted: float
    real: float


@dataclass(frozen=True)
class Trust:
    """How well predictions met reality.

    Attributes:
        networks: How many were compared.
        mean_difference: Mean of the absolute differences.
        bias: Mean of predicted less real.
        rank_correlation: Spearman's; nan where it is not defined: for fewer than three networks, and where all have the
            same accuracy.
    """

    networks: int
    mean_difference: float
    bias: float
    rank_correlation: float


def compare(rows: Sequence[Row], predicted_on: str = "simulated", real_on: str = "recorded") -> list[Comparison]:
    """Return every network of a study's summary that was tested on both, the best predicted first."""
    tested = {
        one: {_key(row): _score(row) for row in rows if row["tested_on"] == one} for one in (predicted_on, real_on)
    }
    both = [key for key in tested[predicted_on] if key in tested[real_on]]
    found = [Comparison(_name(key), tested[predicted_on][key], tested[real_on][key]) for key in both]
    return sorted(found, key=lambda one: -one.predicted)


def trust(compared: Sequence[Comparison]) -> Trust:
    """Return how well predictions met reality; at least one comparison."""
    predicted, real = np.array([(one.predicted, one.real) for one in compared]).T
    has_ranks = len(compared) > 2 and np.ptp(predicted) > 0 and np.ptp(real) > 0
    return Trust(
        networks=len(compared),
        mean_difference=float(np.mean(np.abs(predicted - real))),
        bias=float(np.mean(predicted - real)),
        rank_correlation=float(spearmanr(predicted, real).statistic) if has_ranks else math.nan,
    )


def comparison_table(compared: Sequence[Comparison]) -> str:
    """Return the comparisons as a table in Markdown, and below it what they amount to."""
    lines = ["| network | predicted | real | difference |", "| --- | ---: | ---: | ---: |"]
    lines += [
        f"| {one.name} | {one.predicted:.1%} | {one.real:.1%} | {100 * (one.predicted - one.real):+.1f} |"
        for one in compared
    ]
    found = trust(compared)
    networks = "1 network" if found.networks == 1 else f"{found.networks} networks"
    ranks = "not defined" if math.isnan(found.rank_correlation) else f"{found.rank_correlation:.2f}"
    amount = (
        f"{networks}: mean absolute difference {100 * found.mean_difference:.1f} points, "
        f"bias {100 * found.bias:+.1f}, rank correlation {ranks}."
    )
    return "\n".join([*lines, "", amount]) + "\n"


def _key(row: Row) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in _NETWORK)


def _score(row: Row) -> float:
    return float(row["figures"]["balanced_accuracy"]["mean"])


def _name(key: tuple[Any, ...]) -> str:
    family, architecture, window, seed, precision = key
    return f"{family} {architecture}, window {window}, {precision}, seed {seed}"
