"""The commands that show a scenario as a sensor sees it: `twin sense` and `twin scenario show`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from datasheet.bad_input import BadInputError
from twin.cli_options import JsonOption, SeedOption, file_ending, folder_named, print_json, refuse_options
from twin.terminal import frame_progress


def sense_command(
    scenario: Annotated[str, typer.Argument(help="Name from the library or path to a TOML: a room or a guarded door.")],
    out: Annotated[
        Path | None,
        typer.Option(
            parser=file_ending(".npz", ".resd"),
            metavar="<path>",
            help="File for frames and ground truth (.npz), or for the frames of a Grid-EYE in Renode alone (.resd).",
        ),
    ] = None,
    sensor: Annotated[
        str | None, typer.Option(help="Name from the library or path to a TOML; default amg8833, of a door ov7725.")
    ] = None,
    noise: Annotated[str | None, typer.Option(help="Noise profile of a thermal sensor; default field.")] = None,
    seconds: Annotated[
        float | None, typer.Option(min=1.0, max=86400.0, help="Length; default 600, of a door 60.")
    ] = None,
    seed: SeedOption = 1,
    sheet: Annotated[
        Path | None,
        typer.Option(parser=file_ending(".png"), metavar="<path>", help="Of a door: contact sheet of frames (.png)."),
    ] = None,
    fps: Annotated[float | None, typer.Option(help="Of a door: frames a second; default 10.")] = None,
    door: Annotated[
        str | None,
        typer.Option(help="Of a door: truth opens it for a mask worn correctly, closed never; default truth."),
    ] = None,
    faces: Annotated[
        Path | None,
        typer.Option(parser=folder_named, metavar="<path>", help="Of a door: folder of images for the people in it."),
    ] = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Simulate what a sensor sees of a scenario, with the true number of people in view."""
    from twin.library import is_guarded_door  # noqa: PLC0415 - slow to load; --help does without

    if is_guarded_door(scenario):
        of_room = {"--noise": noise}
        refuse_options(of_room, "is of rooms, seen by thermal sensors")
        _sense_door(
            scenario, out, sheet, sensor="ov7725" if sensor is None else sensor, seconds=seconds or 60.0, seed=seed,
            fps=fps, rule=door, faces=faces, as_json=as_json,
        )  # fmt: skip
        return
    of_door = {"--sheet": sheet, "--fps": fps, "--door": door, "--faces": faces}
    refuse_options(of_door, "is of guarded doors, seen by a camera")
    if out is None:
        raise BadInputError("command line", "--out", None, "is missing: a file for the frames")
    _sense_room(
        scenario, out, sensor=sensor or "amg8833", noise=noise or "field", seconds=seconds or 600.0, seed=seed,
        as_json=as_json,
    )  # fmt: skip


def _sense_room(scenario: str, out: Path, *, sensor: str, noise: str, seconds: float, seed: int, as_json: bool) -> None:
    from scenarios.room import load_scenario  # noqa: PLC0415
    from sensors.grid_eye_sheet import load_grid_eye  # noqa: PLC0415
    from sensors.whole_file import output_target  # noqa: PLC0415
    from twin.result_files import output_folder  # noqa: PLC0415
    from twin.sensing_to_file import sense_to_file  # noqa: PLC0415

    target = output_target(out)
    loaded, sheet = load_scenario(scenario), load_grid_eye(sensor)
    with output_folder(target.parent), frame_progress("frames") as progress:
        count = sense_to_file(loaded, sheet, out, profile=noise, seconds=seconds, seed=seed, progress=progress)
    frames_by_count = {str(n): int((count == n).sum()) for n in sorted(set(count.tolist()))}
    summary = {"out": str(out), "frames": len(count), "frames_by_count": frames_by_count}
    if as_json:
        print_json(summary)
    else:
        shares = ", ".join(f"{n} people: {frames}" for n, frames in frames_by_count.items())
        typer.echo(f"{out}: {len(count)} frames; {shares}")


def _sense_door(
    scenario: str,
    out: Path | None,
    sheet: Path | None,
    *,
    sensor: str,
    seconds: float,
    seed: int,
    fps: float | None,
    rule: str | None,
    faces: Path | None,
    as_json: bool,
) -> None:
    from twin.image_sensing_to_file import door_sensing, write_door  # noqa: PLC0415

    if out is None and sheet is None:
        raise BadInputError("command line", "--out", None, "is missing: a file for frames, or --sheet for a picture")
    if out is not None and out.suffix.lower() != ".npz":
        raise BadInputError("command line", "--out", str(out), "frames of a camera go into an .npz file")
    wanted = door_sensing(scenario, sensor, seconds=seconds, rate_hz=fps, seed=seed, rule=rule, faces=faces)
    with frame_progress("frames") as progress:
        summary = write_door(wanted, out, sheet, progress)
    if as_json:
        print_json(summary)
        return
    if sheet is not None:
        typer.echo(str(sheet))
    if out is not None:
        typer.echo(
            f"{out}: {summary['frames']} frames; first at the door: nobody {summary['frames_of_nobody']}, "
            f"with a mask {summary['frames_with_mask']}, without {summary['frames_without_mask']}"
        )


def scenario_show_command(
    scenario: Annotated[str, typer.Argument(help="Name from the library or path to a TOML.")],
    out: Annotated[
        Path | None,
        typer.Option(
            parser=file_ending(".png"), metavar="<path>", help="File for the drawing (.png); default NAME.png."
        ),
    ] = None,
    sensor: Annotated[str, typer.Option(help="Name from the library or path to a TOML.")] = "amg8833",
    seconds: Annotated[float, typer.Option(min=1.0, max=86400.0, help="How long people walk.")] = 600.0,
    seed: SeedOption = 1,
) -> None:
    """Draw the plan, people's paths and what the sensor covers, as PNG."""
    from scenarios.room import load_scenario  # noqa: PLC0415
    from scenarios.simulation import simulate  # noqa: PLC0415
    from sensors.grid_eye_sheet import load_grid_eye  # noqa: PLC0415
    from sensors.whole_file import output_target  # noqa: PLC0415
    from twin.node import scenario_mount  # noqa: PLC0415
    from twin.result_files import output_folder, write_files  # noqa: PLC0415
    from twin.scenario_picture import scenario_png  # noqa: PLC0415

    loaded, sheet = load_scenario(scenario), load_grid_eye(sensor)
    path = out or Path(f"{loaded.name}.png")
    target = output_target(path)
    with output_folder(target.parent):
        timeline = simulate(loaded, seconds=seconds, seed=seed)
        write_files(target.parent, {target.name: scenario_png(loaded, timeline, scenario_mount(loaded), sheet)})
    typer.echo(str(path))
