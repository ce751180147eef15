"""The command `twin run`: rooms, doorways and guarded doors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol, TypeVar

import typer
from rich.console import Console

from datasheet.bad_input import BadInputError
from twin.cli_options import JsonOption, SeedOption, backend_named, folder_named, print_json, refuse_options
from twin.terminal import frame_progress, prediction_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rich.console import RenderableType

    from mcu_models.emulators.backends import BackendName
    from twin.door.prediction import DoorPrediction, DoorRequest
    from twin.doorway.prediction import DoorwayPrediction
    from twin.emulated_node import Progress
    from twin.prediction import Level, Prediction


class _Predicted(Protocol):
    def as_result(self) -> dict[str, Any]: ...


PredictionT = TypeVar("PredictionT", bound=_Predicted)


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
    emulator = backend_named(backend)
    has_camera, is_door = is_door_node(node), is_guarded_door(scenario)
    if has_camera != is_door:
        needs = "guards a door with its camera" if has_camera else "looks into rooms"
        raise BadInputError("command line", "SCENARIO", scenario, f"does not fit: the node {node} {needs}")
    if is_door:
        request = _door_request(seconds, seed, chosen, emulator, deployments, faces)
        _run_door(scenario, node, request, network=network, out=out, as_json=as_json)
        return
    refuse_options({"--network": network, "--faces": faces}, "is of guarded doors")
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


def _one_of(option: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise BadInputError("command line", option, value, f"must be {' or '.join(allowed)}")


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
        print_json(prediction.as_result())
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
