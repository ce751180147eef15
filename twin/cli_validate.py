"""The command `twin validate sensor`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from twin.cli_options import JsonOption, file_ending, print_json
from twin.terminal import frame_progress, validation_table


def validate_sensor_command(
    recording: Annotated[Path, typer.Argument(help="Recorded frames (.npz, or LINAIGE's .csv).")],
    scenario: Annotated[str, typer.Option(help="What the simulated sensors watch.")] = "office_floor",
    sensor: Annotated[str, typer.Option(help="Name from the library or path to a TOML.")] = "amg8833",
    noise: Annotated[str, typer.Option(help="Noise profile of the sensor.")] = "field",
    units: Annotated[int, typer.Option(min=1, max=1000, help="Simulated sensors.")] = 32,
    seconds: Annotated[float, typer.Option(min=60.0, max=3600.0, help="Length of each simulated recording.")] = 300.0,
    plot: Annotated[
        Path | None,
        typer.Option(parser=file_ending(".png"), metavar="<path>", help="File for a picture to judge by eye (.png)."),
    ] = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Compare a recording with the simulated sensor: noise, drift, contrast and area of people."""
    from scenarios.room import load_scenario  # noqa: PLC0415 - slow to load; --help does without
    from sensors.grid_eye_sheet import load_grid_eye, noise_profile  # noqa: PLC0415
    from sensors.recording import read_recording  # noqa: PLC0415
    from sensors.whole_file import output_target  # noqa: PLC0415
    from twin.result_files import output_folder, write_files  # noqa: PLC0415
    from twin.sensor_validation import validate_sensor  # noqa: PLC0415
    from twin.validation_picture import validation_png  # noqa: PLC0415

    target = None if plot is None else output_target(plot)
    frames, room, sheet = read_recording(recording), load_scenario(scenario), load_grid_eye(sensor)
    noise_profile(sheet, noise)
    with output_folder(target.parent if target else None), frame_progress("units") as progress:
        result = validate_sensor(
            frames,
            room,
            sheet,
            profile=noise,
            units=units,
            seconds=seconds,
            progress=progress,
            source=str(recording),
        )
        if target is not None:
            write_files(target.parent, {target.name: validation_png(result, frames)})
    if as_json:
        print_json({"rows": [row.as_dict() for row in result.rows], "air_degc": result.air_degc})
    else:
        Console().print(validation_table(result, recording.name))
