"""The commands that compile a network for a board: `twin build` and `twin profile`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from datasheet.bad_input import BadInputError, nearest_name
from twin.cli_options import JsonOption, folder_named, print_json

if TYPE_CHECKING:
    from mcu_models.firmware.image import MemorySizes
    from mcu_models.firmware.network_library import WeightsPlace

NETWORK_ALONE = "network"


def build_command(
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
    from mcu_models.boards.board import find_board  # noqa: PLC0415 - slow to load; --help does without
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
        print_json(summary)
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


def profile_command(
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
        print_json(several if len(profiles) > 1 else profiles[0].as_dict())
        return
    console = Console()
    for one in () if compare else profiles:
        console.print(profile_table(one))
    if compare or len(profiles) > 1:
        console.print(totals_table(profiles))
