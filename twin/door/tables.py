"""What is shown of a guarded door on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from twin.door.figures_in_words import door_rows, memory_rows, power_rows, speed_rows, verdict

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import RenderableType

    from twin.door.prediction import DoorPrediction


def door_table(prediction: DoorPrediction, out: Path | None) -> RenderableType:
    """Return the prediction as it is shown on a terminal."""
    title = f"{prediction.node.config.title} in {prediction.scenario.name}"
    table = Table(title=Text(title), title_justify="left", show_header=False)
    for rows in (door_rows, speed_rows, power_rows, memory_rows):
        for row in rows(prediction):
            table.add_row(*row)
        table.add_section()
    parts: list[RenderableType] = [table, Text(verdict(prediction))]
    parts += [Text(f"the firmware did what the hardware would not honour: {one}") for one in prediction.log.problems]
    if out is not None:
        parts.append(Text(f"written to {out}: result.json, looks.npz, report.html"))
    return Group(*parts)
