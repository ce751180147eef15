"""The command `twin battery`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from twin.cli_options import JsonOption, SeedOption, folder_named, print_json
from twin.terminal import frame_progress


def battery_command(
    nodes: Annotated[list[str], typer.Argument(help="Names from the library or paths to TOMLs; several side by side.")],
    scenario: Annotated[
        str, typer.Option(help="Where the node is watched: name from the library or path to a TOML.")
    ] = "office_doorway",
    seconds: Annotated[float, typer.Option(min=10.0, max=86400.0, help="How long it is watched, each time.")] = 60.0,
    seeds: Annotated[int, typer.Option(min=1, max=100, help="How often it is watched, with other people.")] = 3,
    years_limit: Annotated[float, typer.Option(min=0.01, max=100.0, help="No life is computed beyond.")] = 20.0,
    battery: Annotated[str | None, typer.Option(help="Another battery than the node's own.")] = None,
    seed: SeedOption = 1,
    out: Annotated[
        Path | None,
        typer.Option(parser=folder_named, metavar="<path>", help="Folder for battery.json and battery.html."),
    ] = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Predict how long a node's battery lasts, what takes its charge, and what to change first."""
    from scenarios.room import load_scenario  # noqa: PLC0415 - slow to load; --help does without
    from twin.battery_page import battery_html  # noqa: PLC0415
    from twin.battery_prediction import outlook_of, watch  # noqa: PLC0415
    from twin.battery_tables import comparison_table, outlook_view  # noqa: PLC0415
    from twin.node import load_node  # noqa: PLC0415
    from twin.result_files import as_json_bytes, output_folder, write_files  # noqa: PLC0415

    room, hung = load_scenario(scenario), [load_node(name, battery=battery) for name in nodes]
    with output_folder(out), frame_progress("runs") as progress:
        outlooks = [
            outlook_of(
                watch(node, room, seconds=seconds, seeds=seeds, seed=seed, progress=progress),
                years_limit=years_limit,
                seed=seed,
            )
            for node in hung
        ]
        answer = outlooks[0].as_dict() if len(outlooks) == 1 else {"nodes": [one.as_dict() for one in outlooks]}
        if out is not None:
            write_files(out, {"battery.json": as_json_bytes(answer), "battery.html": battery_html(outlooks)})
    if as_json:
        print_json(answer)
    elif len(outlooks) == 1:
        Console().print(outlook_view(outlooks[0]))
    else:
        Console().print(comparison_table(outlooks))
