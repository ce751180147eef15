"""The command line."""

from __future__ import annotations

import json
import os
import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol, TypeVar

import typer
from rich.console import Console

from datasheet.bad_input import BadInputError, nearest_name
from mcu_models.emulators.renode.process import RenodeError
from twin.cli_faults import faults_command
from twin.cli_options import folder_named
from twin.cli_placement import coverage_command, place_command, watch_command
from twin.cli_sweep import sweep_command
from twin.cli_testing import run_suite_command
from twin.emulated_node import NodeFailedError
from twin.host_node import LevelsDisagreeError
from twin.sweeps.runner import RunnerLostError
from twin.terminal import (
    accuracy_table,
    frame_progress,
    predicted_accuracy_table,
    prediction_table,
    validation_table,
    wake_up_table,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from rich.console import RenderableType

    from mcu_models.emulators.backends import BackendName
    from mcu_models.firmware.image import MemorySizes
    from mcu_models.firmware.network_library import WeightsPlace
    from mcu_models.networks.library import NetworkEntry
    from twin.door.prediction import DoorPrediction, DoorRequest
    from twin.doorway.prediction import DoorwayPrediction
    from twin.emulated_node import Progress
    from twin.prediction import Level, Prediction


class _Predicted(Protocol):
    def as_result(self) -> dict[str, Any]: ...


PredictionT = TypeVar("PredictionT", bound=_Predicted)

OK, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
NETWORK_ALONE = "network"
SHOWN_DISTURBANCES = 20
"""So many lines of what a fault plan has done are shown on the terminal."""


def _file_ending(*endings: str) -> Callable[[str], Path]:
    """Return what reads an option that names a file with one of these endings."""

    def read(text: str) -> Path:
        path = Path(text)
        if path.suffix.lower() not in endings or text.endswith(os.sep):
            raise typer.BadParameter(f"{text!r} must be a file that ends in {' or '.join(endings)}")
        return path

    return read


def _address(text: str) -> int:
    """Return the address that an option names: decimal, or hexadecimal behind 0x."""
    try:
        return int(text, 0)
    except ValueError:
        raise typer.BadParameter(f"{text!r} must be an address such as 0x08000000") from None


app = typer.Typer(
    name="twin",
    help="Digital twin of sensors and microcontrollers: accuracy, latency and battery life before any hardware exists.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command(name="coverage")(coverage_command)
app.command(name="place")(place_command)
app.command(name="watch")(watch_command)
app.command(name="sweep")(sweep_command)
app.command(name="test")(run_suite_command)
app.command(name="faults")(faults_command)
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]
SeedOption = Annotated[int, typer.Option(min=0, help="Everything random follows from it.")]


def run(arguments: list[str]) -> int:
    """Run one command and return its exit status: 0 done, 1 the work failed, 2 bad input, 130 interrupted."""
    try:
        # Outside standalone mode, Typer returns the status of an Exit; it makes 130 of Ctrl-C.
        status = app(arguments, standalone_mode=False)
    except typer.TyperException as error:
        return _complain(error.format_message(), BAD_INPUT)
    except BadInputError as error:
        return _complain(str(error), BAD_INPUT)
    except (NodeFailedError, LevelsDisagreeError, RenodeError, RunnerLostError) as error:
        return _complain(str(error), FAILED)
    except OSError as error:
        return _complain(f"cannot read or write: {error.strerror}", FAILED)
    if status == INTERRUPTED:
        return _complain("interrupted; nothing was written", INTERRUPTED)
    return status if isinstance(status, int) else OK


def _complain(text: str, status: int) -> int:
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    errors.print(" ".join(text.split()), markup=False, style="red" if errors.is_terminal else None)
    return status


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, allow_nan=False))


@app.command(name="run")
def run_command(
    scenario: Annotated[str, typer.Argument(help="Name from the library or path to a TOML.")],
    node: Annotated[str, typer.Option(help="Name from the library or path to a TOML.")],
    level: Annotated[str, typer.Option(help="host or emulated.")] = "emulated",
    backend: Annotated[str, typer.Option(help="What emulates: unicorn or renode.")] = "unicorn",
    seconds: Annotated[
        float | None,
        typer.Option(
            min=1.0, max=86400.0, help="Length; default 600, of a guarded door 120 on the host, 20 in emulation."
        ),
    ] = None,
    seed: SeedOption = 1,
    deployments: Annotated[
        int | None,
        typer.Option(max=1000, help="Further deployments behind the intervals; 0: none. Default 20, of a door 8."),
    ] = None,
    network: Annotated[str | None, typer.Option(help="Of a guarded door: another network than the node's.")] = None,
    faces: Annotated[
        Path | None,
        typer.Option(parser=folder_named, metavar="<path>", help="Of a guarded door: folder of images for its people."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            parser=folder_named, metavar="<path>", help="Folder for result.json, report.html and what was seen."
        ),
    ] = None,
    as_json: JsonOption = False,  # noqa: FBT002 - a flag
) -> None:
    """Predict what a node does in a scenario: accuracy, latency, energy and battery life; or who a door lets in."""
    from twin.door.node import is_door_node  # noqa: PLC0415 - slow to load; --help does without
    from twin.doorway.session import counts_passages  # noqa: PLC0415
    from twin.library import is_guarded_door  # noqa: PLC0415

    _one_of("--level", level, ("host", "emulated"))
    chosen: Level = "host" if level == "host" else "emulated"
    emulator = _backend(backend)
    has_camera, is_door = is_door_node(node), is_guarded_door(scenario)
    if has_camera != is_door:
        needs = "guards a door with its camera" if has_camera else "looks into rooms"
        raise BadInputError("command line", "SCENARIO", scenario, f"does not fit: the node {node} {needs}")
    if is_door:
        request = _door_request(seconds, seed, chosen, emulator, deployments, faces)
        _run_door(scenario, node, request, network=network, out=out, as_json=as_json)
        return
    _refuse_options({"--network": network, "--faces": faces}, "is of guarded doors")
    if counts_passages(node):
        _run_doorway(
            scenario, node, out, seconds=600.0 if seconds is None else seconds, seed=seed, level=chosen,
            backend=emulator, deployments=20 if deployments is None else deployments, as_json=as_json,
        )  # fmt: skip
        return
    _run_room(
        scenario, node, out, seconds=600.0 if seconds is None else seconds, seed=seed, level=chosen, backend=emulator,
        deployments=20 if deployments is None else deployments, as_json=as_json,
    )  # fmt: skip


def _run_room(
    scenario: str,
    node: str,
    out: Path | None,
    *,
    seconds: float,
    seed: int,
    level: Level,
    backend: BackendName,
    deployments: int,
    as_json: bool,
) -> None:
    from twin.session import result_files, run_by_name  # noqa: PLC0415

    def predict(progress: Progress) -> Prediction:
        return run_by_name(
            scenario, node, seconds=seconds, seed=seed, level=level, backend=backend, deployments=deployments,
            progress=progress,
        )  # fmt: skip

    _predict("frames", predict, result_files, prediction_table, out, as_json=as_json)


def _predict(
    unit: str,
    predict: Callable[[Progress], PredictionT],
    files: Callable[[PredictionT], Mapping[str, bytes]],
    table: Callable[[PredictionT, Path | None], RenderableType],
    out: Path | None,
    *,
    as_json: bool,
) -> None:
    """Predict with progress in `unit`, write the files if a folder is named, and print the result."""
    from twin.result_files import output_folder, write_files  # noqa: PLC0415

    with output_folder(out), frame_progress(unit) as progress:
        prediction = predict(progress)
        if out is not None:
            write_files(out, files(prediction))
    if as_json:
        _print_json(prediction.as_result())
    else:
        Console().print(table(prediction, out))


def _run_doorway(
    scenario: str,
    node: str,
    out: Path | None,
    *,
    seconds: float,
    seed: int,
    level: Level,
    backend: BackendName,
    deployments: int,
    as_json: bool,
) -> None:
    from twin.doorway.prediction import DoorwayRequest  # noqa: PLC0415
    from twin.doorway.session import doorway_files, run_doorway_by_name  # noqa: PLC0415
    from twin.doorway.tables import doorway_table  # noqa: PLC0415

    request = DoorwayRequest(seconds, seed, level, backend, deployments)

    def predict(progress: Progress) -> DoorwayPrediction:
        return run_doorway_by_name(scenario, node, request, progress=progress)

    _predict("frames", predict, doorway_files, doorway_table, out, as_json=as_json)


def _door_request(
    seconds: float | None, seed: int, level: Level, backend: BackendName, deployments: int | None, faces: Path | None
) -> DoorRequest:
    from twin.door.prediction import DEPLOYMENTS, DoorRequest  # noqa: PLC0415

    number = DEPLOYMENTS if deployments is None else deployments
    return DoorRequest(seconds=seconds, seed=seed, level=level, backend=backend, deployments=number, faces=faces)


def _run_door(
    scenario: str,
    node: str,
    request: DoorRequest,
    *,
    network: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    from twin.door.session import door_files, run_door_by_name  # noqa: PLC0415
    from twin.door.tables import door_table  # noqa: PLC0415

    def predict(progress: Progress) -> DoorPrediction:
        return run_door_by_name(scenario, node, request, network=network, progress=progress)

    _predict("seconds", predict, door_files, door_table, out, as_json=as_json)


@app.command()
def sense(
    scenario: Annotated[str, typer.Argument(help="Name from the library or path to a TOML: a room or a guarded door.")],
    out: Annotated[
        Path | None,
        typer.Option(
            parser=_file_ending(".npz", ".resd"),
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
        typer.Option(parser=_file_ending(".png"), metavar="<path>", help="Of a door: contact sheet of frames (.png)."),
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
    from twin.library import is_guarded_door  # noqa: PLC0415

    if is_guarded_door(scenario):
        of_room = {"--noise": noise}
        _refuse_options(of_room, "is of rooms, seen by thermal sensors")
        _sense_door(
            scenario, out, sheet, sensor="ov7725" if sensor is None else sensor, seconds=seconds or 60.0, seed=seed,
            fps=fps, rule=door, faces=faces, as_json=as_json,
        )  # fmt: skip
        return
    of_door = {"--sheet": sheet, "--fps": fps, "--door": door, "--faces": faces}
    _refuse_options(of_door, "is of guarded doors, seen by a camera")
    if out is None:
        raise BadInputError("command line", "--out", None, "is missing: a file for the frames")
    _sense_room(
        scenario, out, sensor=sensor or "amg8833", noise=noise or "field", seconds=seconds or 600.0, seed=seed,
        as_json=as_json,
    )  # fmt: skip


def _refuse_options(given: dict[str, Any], said: str) -> None:
    for option, value in given.items():
        if value is not None:
            raise BadInputError("command line", option, str(value), said)


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
        _print_json(summary)
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
        _print_json(summary)
        return
    if sheet is not None:
        typer.echo(str(sheet))
    if out is not None:
        typer.echo(
            f"{out}: {summary['frames']} frames; first at the door: nobody {summary['frames_of_nobody']}, "
            f"with a mask {summary['frames_with_mask']}, without {summary['frames_without_mask']}"
        )


@app.command()
def evaluate(
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
    from mcu_models.networks.library import find_network  # noqa: PLC0415
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
        _print_json({**head, **around, **accuracy.as_dict()})
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
        _print_json({**head, **found.as_dict()})
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


@app.command(name="predict-accuracy")
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
        _print_json({"network": network, **predicted.as_dict()})
    else:
        Console().print(predicted_accuracy_table(predicted, network))


@app.command(name="wake-up")
def wake_up_command(
    network: Annotated[str, typer.Argument(help="Name from the library or path to a .tflite.")],
    recording: Annotated[Path, typer.Argument(help="Recorded or simulated frames (.npz), as empty as the place is.")],
    board: Annotated[str, typer.Option(help="Name of a board or path to its folder.")] = "stm32l4a6zg",
    easy: Annotated[bool, typer.Option("--easy", help="Judge accuracy by frames marked as easy to label.")] = False,  # noqa: FBT002
    compiler: Annotated[str | None, typer.Option(help="gcc or zig; default: what is there.")] = None,
    plot: Annotated[
        Path | None, typer.Option(parser=_file_ending(".png"), metavar="<path>", help="File for the curve (.png).")
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
        _print_json({"network": network, "recording": str(recording), "board": on.name, **curve.as_dict()})
    else:
        Console().print(wake_up_table(curve, f"{network} on {recording.name}, {on.name}"))


@app.command(name="battery")
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
    from scenarios.room import load_scenario  # noqa: PLC0415
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
        _print_json(answer)
    elif len(outlooks) == 1:
        Console().print(outlook_view(outlooks[0]))
    else:
        Console().print(comparison_table(outlooks))


@app.command()
def build(
    network: Annotated[str, typer.Argument(help="Name from the library or path to a .tflite.")],
    out: Annotated[
        Path, typer.Option(parser=folder_named, metavar="<path>", help="Folder for sources, image and map.")
    ],
    board: Annotated[str, typer.Option(help="Name of a board or path to its folder.")] = "stm32l4a6zg",
    app_name: Annotated[
        str | None,
        typer.Option(
            "--app", help="Application; default: people_counter for a library network, else the network alone."
        ),
    ] = None,
    weights: Annotated[str, typer.Option(help="Of a network alone: flash, ram or tcm.")] = "flash",
    compiler: Annotated[str | None, typer.Option(help="gcc or zig; default: what is there.")] = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Generate C from a network and build the firmware, or with `--app network` the network alone."""
    from mcu_models.boards.board import find_board  # noqa: PLC0415
    from mcu_models.firmware.builder import build_firmware  # noqa: PLC0415
    from mcu_models.firmware.network_library import build_network  # noqa: PLC0415
    from mcu_models.firmware.toolchain import find_toolchain  # noqa: PLC0415
    from mcu_models.networks.library import find_network  # noqa: PLC0415

    entry, place = find_network(network), _weights_place(weights)
    chosen = app_name or ("people_counter" if entry.row else NETWORK_ALONE)
    with_board, toolchain = find_board(board), find_toolchain(compiler)
    if chosen == NETWORK_ALONE and entry.has_rules:
        raise BadInputError("--app", "", chosen, f"{entry.path.name} holds rules and no network; use people_counter")
    if chosen == NETWORK_ALONE:
        alone = build_network(entry.path, board=with_board, out_dir=out, toolchain=toolchain, weights=place)
        _print_build(alone.elf, alone.map, alone.compiler, alone.sizes, as_json=as_json)
        return
    if place != "flash":
        raise BadInputError("--weights", "", weights, f"only of a network alone (--app {NETWORK_ALONE})")
    result = build_firmware(entry, board=with_board, app=chosen, out_dir=out, toolchain=toolchain)
    _print_build(result.elf, result.map, result.compiler, result.sizes, as_json=as_json)


def _print_build(elf: Path, map_file: Path, compiler: str, sizes: MemorySizes, *, as_json: bool) -> None:
    summary = {
        "elf": str(elf),
        "map": str(map_file),
        "compiler": compiler,
        "flash_bytes": {"code": sizes.flash_code_bytes, "weights": sizes.flash_weights_bytes},
        "ram_bytes": {
            "static": sizes.ram_bytes,
            "arena": sizes.ram_arena_bytes,
            "frontend": sizes.ram_frontend_bytes,
        },
    }
    if as_json:
        _print_json(summary)
    else:
        typer.echo(
            f"{elf}: {sizes.flash_code_bytes} bytes of code, {sizes.flash_weights_bytes} of weights, "
            f"{sizes.ram_bytes} of RAM, of which arena {sizes.ram_arena_bytes}, "
            f"front end {sizes.ram_frontend_bytes}; {compiler}"
        )


def _weights_place(name: str) -> WeightsPlace:
    from mcu_models.firmware.network_library import WEIGHTS_PLACES  # noqa: PLC0415

    for place in WEIGHTS_PLACES:
        if place == name:
            return place
    raise BadInputError("--weights", "", name, nearest_name(name, WEIGHTS_PLACES))


@app.command()
def profile(
    networks: Annotated[list[str], typer.Argument(help="Names from the library or paths to .tflite files.")],
    board: Annotated[
        list[str] | None, typer.Option(help="Name of a board or path to its folder; may be given several times.")
    ] = None,
    compare: Annotated[bool, typer.Option("--compare", help="Totals of several networks side by side.")] = False,  # noqa: FBT002
    weights: Annotated[str, typer.Option(help="Memory of the weights: flash, ram or tcm.")] = "flash",
    clock_mhz: Annotated[float | None, typer.Option(min=0.1, help="Core clock; default: the board's highest.")] = None,
    compiler: Annotated[str | None, typer.Option(help="gcc or zig; default: what is there.")] = None,
    frame: Annotated[
        str | None, typer.Option(help="Frames of the camera that two must fit of, such as 320x240; default 200x200.")
    ] = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Show what a network costs on a board: cycles, memory, time and energy, layer by layer."""
    from mcu_models.boards.board import find_board  # noqa: PLC0415
    from mcu_models.firmware.toolchain import find_toolchain  # noqa: PLC0415
    from mcu_models.networks.library import find_network  # noqa: PLC0415
    from twin.memory_verdict import frames_of  # noqa: PLC0415
    from twin.network_profile import profile_network  # noqa: PLC0415
    from twin.profile_tables import profile_table, totals_table  # noqa: PLC0415

    frames = None if frame is None else frames_of(frame)
    place, toolchain = _weights_place(weights), find_toolchain(compiler)
    clock_hz = None if clock_mhz is None else clock_mhz * 1e6
    boards = [find_board(name) for name in board or ["stm32l4a6zg"]]
    profiles = [
        profile_network(entry, one, toolchain=toolchain, weights=place, clock_hz=clock_hz, frames=frames)
        for entry in [find_network(name) for name in networks]
        for one in boards
    ]
    if as_json:
        several = {"profiles": [one.as_dict() for one in profiles]}
        _print_json(several if len(profiles) > 1 else profiles[0].as_dict())
        return
    console = Console()
    for one in () if compare else profiles:
        console.print(profile_table(one))
    if compare or len(profiles) > 1:
        console.print(totals_table(profiles))


@app.command()
def emulate(
    image: Annotated[
        str, typer.Argument(help="Name of a reference image or path to an ELF, Intel HEX, S-record or raw binary file.")
    ],
    board: Annotated[str, typer.Option(help="Name of a board or path to its folder.")] = "stm32l4a6zg",
    backend: Annotated[str, typer.Option(help="What emulates: unicorn or renode.")] = "unicorn",
    until: Annotated[str | None, typer.Option(help="Stop when a UART has sent this text.")] = None,
    seconds: Annotated[float | None, typer.Option(min=0.0, max=864000.0, help="Virtual time; default 10.")] = None,
    uart_in: Annotated[str | None, typer.Option(help="Text that arrives at the UART.")] = None,
    uart_script: Annotated[
        Path | None, typer.Option(help="File of lines: expect TEXT, send TEXT, send-raw TEXT, wait S, timeout S.")
    ] = None,
    frames: Annotated[Path | None, typer.Option(help="Frames the sensor shows (.npz).")] = None,
    network: Annotated[str | None, typer.Option(help="Compare the answers with this network on the host.")] = None,
    load_address: Annotated[
        int | None,
        typer.Option(parser=_address, metavar="<address>", help="Of a raw binary; default: where flash begins."),
    ] = None,
    trace: Annotated[
        Path | None,
        typer.Option(parser=_file_ending(".json"), metavar="<path>", help="File for https://ui.perfetto.dev (.json)."),
    ] = None,
    profile_cycles: Annotated[bool, typer.Option("--profile", help="Print cycles by function and by line.")] = False,  # noqa: FBT002
    profile_out: Annotated[
        Path | None,
        typer.Option(parser=_file_ending(".json"), metavar="<path>", help="File for https://speedscope.app (.json)."),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Accesses that are not modelled are a failure.")] = False,  # noqa: FBT002
    faults: Annotated[Path | None, typer.Option(help="File of faults to inject (.toml).")] = None,
    host_seconds: Annotated[
        float, typer.Option(min=0.001, max=1e7, help="End the run, as a failure, when it has taken so long.")
    ] = 600.0,
    host_memory_mib: Annotated[
        int,
        typer.Option("--host-memory", min=256, max=1 << 20, help="End the run when it needs more MiB than so many."),
    ] = 4096,
    exact_memory: Annotated[bool, typer.Option("--exact-memory", help="Charge each data access by itself.")] = False,  # noqa: FBT002
    gdb: Annotated[
        int | None,
        typer.Option(
            min=0, max=65535, metavar="<port>", help="Wait for GDB on this loopback port; 0: any that is free."
        ),
    ] = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Run a firmware image on an emulated board."""
    from twin.cycle_tables import cycle_tables  # noqa: PLC0415
    from twin.emulation import EmulationRequest, emulate_image  # noqa: PLC0415
    from twin.host_limits import limited  # noqa: PLC0415

    begin = time.perf_counter()
    request = EmulationRequest(
        image, board, _backend(backend), until, seconds, uart_in, uart_script, frames, network,
        load_address, trace, profile_cycles, profile_out, strict, faults, host_seconds, exact_memory, gdb,
    )  # fmt: skip
    limits: AbstractContextManager[Callable[[], bool]]
    if gdb is None:
        limits = limited(memory_bytes=host_memory_mib << 20, host_seconds=host_seconds)
    else:  # a debugger may hold the firmware for as long as somebody thinks
        limits = nullcontext(lambda: time.perf_counter() - begin > host_seconds)
    with frame_progress("frames") as progress, limits as time_is_up:
        emulation = emulate_image(
            request, progress, give_up=time_is_up, announce=lambda text: typer.echo(text, err=True)
        )
    emulation.answer["host_s"] = round(time.perf_counter() - begin, 3)
    if as_json:
        _print_json(emulation.answer)
    else:
        _print_emulation(emulation.answer)
        if emulation.post_mortem is not None:
            typer.echo(emulation.post_mortem.text(), err=True)
        if profile_cycles and emulation.profile is not None:
            Console().print(cycle_tables(emulation.profile))
    if not emulation.as_expected:
        raise typer.Exit(FAILED)


@app.command(name="renode-export")
def renode_export(
    node: Annotated[str, typer.Argument(help="Name from the library or path to a TOML.")],
    out: Annotated[
        Path, typer.Option(parser=folder_named, metavar="<path>", help="Folder for platform, script, models, test.")
    ],
    scenario: Annotated[str, typer.Option(help="What the sensor sees.")] = "office_doorway",
    seconds: Annotated[float, typer.Option(min=1.0, max=3600.0, help="Length of the scenario.")] = 60.0,
    seed: SeedOption = 1,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Write a node as a folder that Renode runs alone, with a test of what is predicted."""
    from scenarios.room import load_scenario  # noqa: PLC0415
    from twin.node import load_node  # noqa: PLC0415
    from twin.renode_export import renode_files  # noqa: PLC0415
    from twin.result_files import output_folder, write_files  # noqa: PLC0415

    room, chosen = load_scenario(scenario), load_node(node)
    with output_folder(out), frame_progress("frames") as progress:
        files = renode_files(room, chosen, seconds=seconds, seed=seed, progress=progress)
        write_files(out, files)
    if as_json:
        _print_json({"out": str(out), "files": sorted(files)})
    else:
        test = next(name for name in files if name.endswith(".robot"))
        typer.echo(f"{out}: {len(files)} files; renode-test {out / test}")


validate_app = typer.Typer(help="Hold the twin beside reality.", no_args_is_help=True)
app.add_typer(validate_app, name="validate")


@validate_app.command(name="sensor")
def validate_sensor_command(
    recording: Annotated[Path, typer.Argument(help="Recorded frames (.npz, or LINAIGE's .csv).")],
    scenario: Annotated[str, typer.Option(help="What the simulated sensors watch.")] = "office_floor",
    sensor: Annotated[str, typer.Option(help="Name from the library or path to a TOML.")] = "amg8833",
    noise: Annotated[str, typer.Option(help="Noise profile of the sensor.")] = "field",
    units: Annotated[int, typer.Option(min=1, max=1000, help="Simulated sensors.")] = 32,
    seconds: Annotated[float, typer.Option(min=60.0, max=3600.0, help="Length of each simulated recording.")] = 300.0,
    plot: Annotated[
        Path | None,
        typer.Option(parser=_file_ending(".png"), metavar="<path>", help="File for a picture to judge by eye (.png)."),
    ] = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Compare a recording with the simulated sensor: noise, drift, contrast and area of people."""
    from scenarios.room import load_scenario  # noqa: PLC0415
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
        _print_json({"rows": [row.as_dict() for row in result.rows], "air_degc": result.air_degc})
    else:
        Console().print(validation_table(result, recording.name))


scenario_app = typer.Typer(help="Look at scenarios.", no_args_is_help=True)
app.add_typer(scenario_app, name="scenario")


@scenario_app.command(name="show")
def scenario_show(
    scenario: Annotated[str, typer.Argument(help="Name from the library or path to a TOML.")],
    out: Annotated[
        Path | None,
        typer.Option(
            parser=_file_ending(".png"), metavar="<path>", help="File for the drawing (.png); default NAME.png."
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


@app.command(name="list")
def list_command(
    what: Annotated[
        str, typer.Argument(help="boards, sensors, cameras, networks, scenarios, doors, nodes, batteries, images ...")
    ],
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """List what the library holds."""
    from twin.library import names  # noqa: PLC0415

    found = names(what)
    if as_json:
        _print_json({what: found})
    else:
        typer.echo("\n".join(found))


def _print_emulation(answer: dict[str, Any]) -> None:
    for line in answer["uart"]:
        typer.echo(line)
    rate = answer["virtual_s"] / max(answer["host_s"], 1e-9)
    summary = (
        f"{answer['end']}: {answer['virtual_s']:.3f} s virtual ({answer['sleep_s']:.3f} s asleep), "
        f"{answer['instructions']} instructions, {answer['cycles']} cycles, {rate:.0f} times real time"
    )
    if "mismatches" in answer:
        summary += f"; {answer['frames']} frames, {answer['mismatches']} mismatches with the host"
    if answer.get("trace", {}).get("dropped"):
        summary += f"; the trace was full, {answer['trace']['dropped']} events are missing"
    if "injected" in answer:
        summary += f"; {answer['injected_count']} injected faults took effect"
    if answer["detail"]:
        summary += f"; {answer['detail']}"
    injected = answer.get("injected", [])
    lines = [f"{one['time_s']:.6f} s {one['fault']}: {one['what']}" for one in injected[:SHOWN_DISTURBANCES]]
    if len(injected) > SHOWN_DISTURBANCES:
        lines.append(f"and {answer['injected_count'] - SHOWN_DISTURBANCES} more; --json lists {len(injected)}")
    typer.echo("\n".join([summary, *lines, *answer["problems"]]), err=True)


def _backend(name: str) -> BackendName:
    from mcu_models.emulators.backends import BACKEND_NAMES  # noqa: PLC0415

    for backend in BACKEND_NAMES:
        if backend == name:
            return backend
    raise BadInputError("command line", "--backend", name, f"must be {' or '.join(BACKEND_NAMES)}")


def _one_of(option: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise BadInputError("command line", option, value, f"must be {' or '.join(allowed)}")


def _easy_mask(path: Path, confidence: Any) -> Any:
    if confidence is None:
        raise BadInputError(
            path, "confidence", None, "is missing: --easy needs the recording to say which frames are easy"
        )
    if not (confidence == 1).any():
        raise BadInputError(path, "confidence", None, "marks no frame as easy")
    return confidence == 1
