"""The command `twin sweep`."""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console

from twin.cli_options import folder_named

if TYPE_CHECKING:
    from twin.sweeps.driver import Plan

FAILED: Final = 1
INTERRUPTED: Final = 130
KEPT: Final = "the finished runs are kept, run the same command again to go on"


def sweep_command(
    sweep: Annotated[str, typer.Argument(help="Name from the library or path to a TOML.")],
    out: Annotated[
        Path | None,
        typer.Option(
            parser=folder_named,
            metavar="<path>",
            help="Folder for runs.parquet and summary.html; goes on where it was ended.",
        ),
    ] = None,
    scheduler: Annotated[
        str, typer.Option(help="local, or the address of a Dask scheduler such as tcp://host:8786.")
    ] = "local",
    workers: Annotated[
        int | None,
        typer.Option(help="Runs at the same time; default: one for each core, or each thread of the cluster."),
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Only say how many runs there are, and how long.")] = False,  # noqa: FBT002
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,  # noqa: FBT002
) -> None:
    """Play many runs that differ in room, node, parts or seeds, on all cores or a cluster; resumes after any kill."""
    from datasheet.bad_input import BadInputError  # noqa: PLC0415 - slow to load; --help does without
    from twin.sweeps.driver import plan_of  # noqa: PLC0415
    from twin.sweeps.runner import RunnerLostError  # noqa: PLC0415
    from twin.sweeps.sweep_file import load_sweep  # noqa: PLC0415

    if out is None and not plan:
        raise BadInputError("command line", "--out", None, "is missing: a folder for the runs")
    loaded = plan_of(load_sweep(sweep))
    try:
        if plan:
            _forecast(loaded, out, scheduler, workers, as_json=as_json)
        elif out is not None:
            _run(loaded, out, scheduler, workers, as_json=as_json)
    except RunnerLostError as error:
        typer.echo(f"{error}; {KEPT}", err=True)
        raise typer.Exit(FAILED) from None
    except KeyboardInterrupt:
        typer.echo("interrupted" if plan else f"interrupted; {KEPT}", err=True)
        sys.exit(INTERRUPTED)


def _forecast(plan: Plan, out: Path | None, scheduler: str, workers: int | None, *, as_json: bool) -> None:
    from dataclasses import asdict  # noqa: PLC0415

    from twin.sweeps.driver import forecast  # noqa: PLC0415
    from twin.sweeps.tables import plan_lines  # noqa: PLC0415
    from twin.terminal import frame_progress  # noqa: PLC0415

    with frame_progress("checked") as progress:
        plan.check(progress)
    found = forecast(plan, out, scheduler=scheduler, workers=workers)
    typer.echo(json.dumps(asdict(found), indent=2) if as_json else plan_lines(found))


def _run(plan: Plan, out: Path, scheduler: str, workers: int | None, *, as_json: bool) -> None:
    from twin.result_files import output_folder  # noqa: PLC0415
    from twin.sweeps.driver import run_sweep  # noqa: PLC0415
    from twin.sweeps.store import read_runs, write_bytes  # noqa: PLC0415
    from twin.sweeps.summary import FILE, summary_html  # noqa: PLC0415
    from twin.sweeps.tables import best_table, sweep_answer  # noqa: PLC0415
    from twin.terminal import frame_progress  # noqa: PLC0415

    is_begun = plan.identity.check(out)
    with nullcontext() if is_begun else frame_progress("checked") as progress:
        if progress is not None:
            plan.check(progress)
    with output_folder(out), frame_progress("runs") as progress:
        run_sweep(plan, out, scheduler=scheduler, workers=workers, progress=progress)
    rows = read_runs(out)
    write_bytes(out / FILE, summary_html(rows, plan.identity))
    if as_json:
        answer: dict[str, Any] = {"out": str(out), **sweep_answer(rows, plan.identity)}
        typer.echo(json.dumps(answer, indent=2, allow_nan=False))
    else:
        Console().print(best_table(rows, plan.identity))
        typer.echo(f"written to {out}: runs.parquet, {FILE}")
