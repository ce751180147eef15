"""The command `twin faults`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from twin.cli_options import folder_named


def faults_command(
    image: Annotated[str, typer.Argument(help="Name of a reference image, or path to an image.")],
    campaign: Annotated[str, typer.Option(help="Name from the library or path to a TOML.")],
    board: Annotated[str, typer.Option(help="Name of a board or path to its folder.")] = "stm32l4a6zg",
    jobs: Annotated[int, typer.Option(help="Processes that play faults; the result does not depend on it.")] = 2,
    out: Annotated[
        Path | None,
        typer.Option(
            parser=folder_named, metavar="<path>", help="Folder for faults.csv, faults.json and heat_map.png."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,  # noqa: FBT002
) -> None:
    """Play many faults, one at a time, and tell how the firmware took each: masked, recovered, wrong or hanging."""
    from twin.campaign.heat_map import heat_map_png  # noqa: PLC0415 - slow to load; --help does without
    from twin.campaign.session import run_campaign  # noqa: PLC0415
    from twin.campaign.tables import campaign_answer, campaign_table, faults_csv  # noqa: PLC0415
    from twin.result_files import as_json_bytes, output_folder, write_files  # noqa: PLC0415
    from twin.terminal import frame_progress  # noqa: PLC0415

    with output_folder(out):
        with frame_progress("faults") as progress:
            result = run_campaign(image, board, campaign, jobs=jobs, progress=progress)
        answer = campaign_answer(result)
        if out is not None:
            pictures = {"heat_map.png": heat_map_png(result)}
            write_files(out, {"faults.csv": faults_csv(result), "faults.json": as_json_bytes(answer)} | pictures)
    if as_json:
        typer.echo(json.dumps(answer, indent=2, allow_nan=False))
        return
    Console().print(campaign_table(result))
    if out is not None:
        typer.echo(f"written to {out}: faults.csv, faults.json, heat_map.png")
