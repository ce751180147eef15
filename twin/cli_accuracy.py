"""The commands that are about accuracy: `twin evaluate`, `twin predict-accuracy` and `twin wake-up`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from datasheet.bad_input import BadInputError
from twin.cli_options import JsonOption, SeedOption, file_ending, print_json
from twin.terminal import accuracy_table, frame_progress, predicted_accuracy_table, wake_up_table

if TYPE_CHECKING:
    from mcu_models.networks.library import NetworkEntry


def evaluate_command(
    network: Annotated[str, typer.Argument(help="Name from the library or path to a .tflite.")],
    recording: Annotated[
        Path, typer.Argument(help="Frames (.npz); for a network for images also a folder: with_mask, without_mask.")
    ],
    easy: Annotated[bool, typer.Option("--easy", help="Only frames marked as easy to label.")] = False,  # noqa: FBT002
    threshold: Annotated[
        float | None,
        typer.Option(min=0.0, max=1.0, help="Of a network for images: a mask is told from this probability on."),
    ] = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Measure the accuracy of a network on recorded or simulated frames, or on images."""
    from mcu_models.networks.library import find_network  # noqa: PLC0415 - slow to load; --help does without
    from sensors.recording import read_recording  # noqa: PLC0415
    from twin.host_node import count_recording  # noqa: PLC0415
    from twin.image_evaluation import looks_at_images, require_matching  # noqa: PLC0415
    from twin.metrics import count_accuracy  # noqa: PLC0415

    entry = find_network(network)
    for_images = looks_at_images(entry)
    require_matching(entry, recording, for_images=for_images)
    if for_images:
        _evaluate_images(entry, network, recording, easy=easy, threshold=threshold, as_json=as_json)
        return
    if threshold is not None:
        raise BadInputError("--threshold", "", threshold, f"is of networks for images; {network} counts people")
    frames = read_recording(recording)
    truth, counted = frames.count, count_recording(entry, frames)
    if easy:
        asked = _easy_mask(recording, frames.confidence)
        truth, counted = truth[asked], counted[asked]
    accuracy, around = count_accuracy(truth, counted), _around_network(entry)
    if as_json:
        head = {"network": network, "recording": str(recording), "frames": len(truth)}
        print_json({**head, **around, **accuracy.as_dict()})
    else:
        table = accuracy_table(accuracy, f"{network} on {recording.name}, {len(truth)} frames")
        table.add_row("counted with", "rules" if entry.has_rules else _in_words(around))
        Console().print(table)


def _evaluate_images(
    entry: NetworkEntry, network: str, source: Path, *, easy: bool, threshold: float | None, as_json: bool
) -> None:
    from twin.image_accuracy import image_accuracy, image_accuracy_table, printable  # noqa: PLC0415
    from twin.image_evaluation import score_source, threshold_of  # noqa: PLC0415

    if easy:
        raise BadInputError("--easy", "", None, "images have no marks of being easy to label; leave it out")
    least = threshold_of(entry, threshold)
    with frame_progress("images") as progress:
        scored = score_source(entry, source, progress)
    found = image_accuracy(scored, least)
    if as_json:
        head = {"network": network, "recording": str(source), "images": len(scored.names), "frontend": "area_rgb565"}
        print_json({**head, **found.as_dict()})
    else:
        title = f"{network} on {printable(source.name)}, {len(scored.names):,} images"
        Console().print(image_accuracy_table(found, title))


def _around_network(entry: NetworkEntry) -> dict[str, Any]:
    """Return what is done around a network; rules, which do all themselves, have no front end and no window."""
    from mcu_models.compiler.reader import read_network  # noqa: PLC0415
    from mcu_models.compiler.window import window_of  # noqa: PLC0415

    window = None if entry.has_rules else window_of(read_network(entry.path)).frames
    return {"frontend": entry.frontend, "window": window, "votes": entry.votes, "wake_up_degc": entry.wake_up_degc}


def _in_words(around: dict[str, Any]) -> str:
    wake_up = "no wake-up" if around["wake_up_degc"] is None else f"wake-up at {around['wake_up_degc']:g} degC"
    return f"{around['frontend']}, window {around['window']}, votes {around['votes']}, {wake_up}"


def predict_accuracy_command(
    network: Annotated[str, typer.Argument(help="Name from the library or path to a .tflite.")],
    scenarios: Annotated[list[str], typer.Argument(help="Names from the library or paths to TOMLs.")],
    sensor: Annotated[str, typer.Option(help="Name from the library or path to a TOML.")] = "amg8833",
    noise: Annotated[str, typer.Option(help="Noise profile of the sensor.")] = "field",
    deployments: Annotated[int, typer.Option(min=2, max=10000, help="Of each scenario.")] = 20,
    seconds: Annotated[float, typer.Option(min=1.0, max=86400.0, help="Length of each deployment.")] = 180.0,
    seed: SeedOption = 1,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Predict how accurately a network counts, with an interval over simulated deployments."""
    from mcu_models.networks.library import find_network  # noqa: PLC0415
    from scenarios.room import load_scenario  # noqa: PLC0415
    from sensors.grid_eye_sheet import load_grid_eye, noise_profile  # noqa: PLC0415
    from twin.accuracy_prediction import Deployments, predict_accuracy  # noqa: PLC0415
    from twin.node import scenario_mount  # noqa: PLC0415

    entry, sheet, rooms = find_network(network), load_grid_eye(sensor), [load_scenario(name) for name in scenarios]
    noise_profile(sheet, noise)
    places = [(room, scenario_mount(room)) for room in rooms]
    wanted = Deployments(number=deployments, seconds=seconds, seed=seed, profile=noise)
    with frame_progress("deployments") as progress:
        predicted = predict_accuracy(entry, places, sheet, wanted, progress=progress)
    if predicted.empty:
        said = f"nobody was in view in {deployments} deployments of {seconds:g} s: make --seconds longer"
        raise BadInputError("scenario", "", predicted.empty[0], said)
    if as_json:
        print_json({"network": network, **predicted.as_dict()})
    else:
        Console().print(predicted_accuracy_table(predicted, network))


def wake_up_command(
    network: Annotated[str, typer.Argument(help="Name from the library or path to a .tflite.")],
    recording: Annotated[Path, typer.Argument(help="Recorded or simulated frames (.npz), as empty as the place is.")],
    board: Annotated[str, typer.Option(help="Name of a board or path to its folder.")] = "stm32l4a6zg",
    easy: Annotated[bool, typer.Option("--easy", help="Judge accuracy by frames marked as easy to label.")] = False,  # noqa: FBT002
    compiler: Annotated[str | None, typer.Option(help="gcc or zig; default: what is there.")] = None,
    plot: Annotated[
        Path | None, typer.Option(parser=file_ending(".png"), metavar="<path>", help="File for the curve (.png).")
    ] = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Show what it saves, and what it costs, to run a network only when somebody may be in view."""
    from mcu_models.boards.board import find_board  # noqa: PLC0415
    from mcu_models.firmware.toolchain import find_toolchain  # noqa: PLC0415
    from mcu_models.networks.library import find_network  # noqa: PLC0415
    from sensors.recording import read_recording  # noqa: PLC0415
    from sensors.whole_file import output_target  # noqa: PLC0415
    from twin.result_files import output_folder, write_files  # noqa: PLC0415
    from twin.wake_up_curve import wake_up_costs, wake_up_curve  # noqa: PLC0415
    from twin.wake_up_picture import wake_up_png  # noqa: PLC0415

    target = None if plot is None else output_target(plot)
    entry, frames, on = find_network(network), read_recording(recording), find_board(board)
    asked = _easy_mask(recording, frames.confidence) if easy else None
    with output_folder(target.parent if target else None):
        costs = wake_up_costs(entry, on, toolchain=find_toolchain(compiler))
        curve = wake_up_curve(entry, frames, costs, asked=asked)
        if target is not None:
            write_files(target.parent, {target.name: wake_up_png(curve, f"{entry.path.stem}\non {recording.name}")})
    if as_json:
        print_json({"network": network, "recording": str(recording), "board": on.name, **curve.as_dict()})
    else:
        Console().print(wake_up_table(curve, f"{network} on {recording.name}, {on.name}"))


def _easy_mask(path: Path, confidence: Any) -> Any:
    if confidence is None:
        raise BadInputError(
            path, "confidence", None, "is missing: --easy needs the recording to say which frames are easy"
        )
    if not (confidence == 1).any():
        raise BadInputError(path, "confidence", None, "marks no frame as easy")
    return confidence == 1
