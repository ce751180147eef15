"""What is shown of a node at a door on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from twin.doorway.figures_in_words import caveats, event_rows, mount_text, power_rows, speed_rows, verdict, watched

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import RenderableType

    from twin.doorway.prediction import DoorwayPrediction


def doorway_table(prediction: DoorwayPrediction, out: Path | None) -> RenderableType:
    """Return the prediction as it is shown on a terminal."""
    title = f"{prediction.node.config.title} in {prediction.scenario.name}"
    table = Table(title=Text(title), title_justify="left", show_header=False)
    table.add_row("Events", watched(prediction), "")
    for rows in (event_rows(prediction.deployed), speed_rows(prediction), power_rows(prediction)):
        for row in rows:
            table.add_row(*row)
        table.add_section()
    parts: list[RenderableType] = [table, Text(verdict(prediction)), Text(mount_text(prediction))]
    parts += [Text(line) for line in caveats(prediction)]
    parts += [Text(f"the firmware did what the hardware would not honour: {one}") for one in prediction.trace.problems]
    if out is not None:
        parts.append(Text(f"written to {out}: result.json, passages.npz, report.html"))
    return Group(*parts)
