"""Coverage as a table: a row for each spot, with shares and intervals by posture."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from twin.placement.coverage_map import IN_WORDS

if TYPE_CHECKING:
    from twin.placement.coverage import Coverage


def coverage_csv(found: Coverage) -> bytes:
    """Return x_m, y_m and, for each posture and all together, shares detected and counted right with both ends."""
    columns = {"x_m": found.spots.position_m[:, 0], "y_m": found.spots.position_m[:, 1]}
    for posture in (*found.postures, None):
        for what in IN_WORDS:
            low, high = found.interval(what, posture)
            name = f"{what}_{posture or 'all'}"
            columns |= {name: found.share(what, posture), f"{name}_low": low, f"{name}_high": high}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([f"{value:.4g}" for value in row] for row in zip(*columns.values(), strict=True))
    return text.getvalue().encode()
