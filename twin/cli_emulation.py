"""The commands for emulators: `twin emulate` and `twin renode-export`."""

from __future__ import annotations

import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from twin.cli_options import FAILED, JsonOption, SeedOption, backend_named, file_ending, folder_named, print_json
from twin.terminal import frame_progress

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

SHOWN_DISTURBANCES = 20
"""So many lines of what a fault plan has done are shown on the terminal."""


def _address(text: str) -> int:
    """Return the address that an option names: decimal, or hexadecimal behind 0x."""
    try:
        return int(text, 0)
    except ValueError:
        raise typer.BadParameter(f"{text!r} must be an address such as 0x08000000") from None


def emulate_command(
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
        typer.Option(parser=file_ending(".json"), metavar="<path>", help="File for https://ui.perfetto.dev (.json)."),
    ] = None,
    profile_cycles: Annotated[bool, typer.Option("--profile", help="Print cycles by function and by line.")] = False,  # noqa: FBT002
    profile_out: Annotated[
        Path | None,
        typer.Option(parser=file_ending(".json"), metavar="<path>", help="File for https://speedscope.app (.json)."),
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
    from twin.cycle_tables import cycle_tables  # noqa: PLC0415 - slow to load; --help does without
    from twin.emulation import EmulationRequest, emulate_image  # noqa: PLC0415
    from twin.host_limits import limited  # noqa: PLC0415

    begin = time.perf_counter()
    request = EmulationRequest(
        image, board, backend_named(backend), until, seconds, uart_in, uart_script, frames, network,
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
        print_json(emulation.answer)
    else:
        _print_emulation(emulation.answer)
        if emulation.post_mortem is not None:
            typer.echo(emulation.post_mortem.text(), err=True)
        if profile_cycles and emulation.profile is not None:
            Console().print(cycle_tables(emulation.profile))
    if not emulation.as_expected:
        raise typer.Exit(FAILED)


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


def renode_export_command(
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
        print_json({"out": str(out), "files": sorted(files)})
    else:
        test = next(name for name in files if name.endswith(".robot"))
        typer.echo(f"{out}: {len(files)} files; renode-test {out / test}")
