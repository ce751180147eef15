"""The command `twin test`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape

from twin.cli_options import folder_named

if TYPE_CHECKING:
    from twin.testing.suite import Case, Suite
    from twin.testing.suite_case import CaseResult

FAILED: Final = 1
INTERRUPTED: Final = 130
_SIGNS: Final = {
    "passed": "[green]passed[/]",
    "failed": "[red]failed[/]",
    "error": "[red]error[/]",
    "timed out": "[red]timed out[/]",
    "skipped": "[yellow]skipped[/]",
}


def run_suite_command(
    suite: Annotated[Path, typer.Argument(help="TOML of boards, of what is played, and of what goes wrong.")],
    case: Annotated[
        list[str] | None, typer.Option(help="Only cases of this name; * stands for any characters. May be repeated.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Cases at the same time.")] = 2,
    host_seconds: Annotated[float, typer.Option(min=0.1, help="Time on the host that each case may take.")] = 60.0,
    retries: Annotated[int, typer.Option(min=0, max=10, help="Run a case that did not pass so often again.")] = 0,
    junit: Annotated[Path | None, typer.Option(help="Write the results as JUnit XML to this file.")] = None,
    artefacts: Annotated[
        Path | None, typer.Option(parser=folder_named, metavar="<path>", help="Folder for what failed cases leave.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of lines.")] = False,  # noqa: FBT002
) -> None:
    """Test firmware in emulation: boards x scenarios x faults from one file, each case in a process of its own."""
    from sensors.whole_file import output_target  # noqa: PLC0415
    from twin.result_files import output_folder, write_files  # noqa: PLC0415
    from twin.testing.junit import junit_xml  # noqa: PLC0415 - slow to load; --help does without
    from twin.testing.suite import read_suite  # noqa: PLC0415
    from twin.testing.suite_runner import RunnerOptions, run_cases  # noqa: PLC0415

    read = read_suite(suite)
    chosen = _chosen(read, case or [])
    options = RunnerOptions(suite, jobs, host_seconds, retries, artefacts)
    console = Console(stderr=as_json)
    with output_folder(None if junit is None else junit.parent):
        if junit is not None:
            output_target(junit)
        try:
            results = run_cases(chosen, options, lambda result: _tell(console, result))
        except KeyboardInterrupt:
            typer.echo("interrupted", err=True)
            sys.exit(INTERRUPTED)
        if junit is not None:
            write_files(junit.parent, {junit.name: junit_xml(read.title, results)})
    bad = [result for result in results if result.counts]
    if as_json:
        answer = {"title": read.title, "passed": not bad, "cases": [asdict(result) for result in results]}
        typer.echo(json.dumps(answer, indent=2))
    else:
        _sum_up(console, results)
    if bad:
        raise typer.Exit(FAILED)


def _chosen(suite: Suite, patterns: list[str]) -> list[Case]:
    from datasheet.bad_input import BadInputError, nearest_name  # noqa: PLC0415

    for pattern in patterns:
        if not any(fnmatchcase(case.name, pattern) for case in suite.cases):
            names = [case.name for case in suite.cases]
            raise BadInputError("command line", "--case", pattern, f"no case; {nearest_name(pattern, names)}")
    if not patterns:
        return list(suite.cases)
    return [case for case in suite.cases if any(fnmatchcase(case.name, pattern) for pattern in patterns)]


def _tell(console: Console, result: CaseResult) -> None:
    tries = f", try {result.tries}" if result.tries > 1 else ""
    quarantine = ", in quarantine" if result.is_quarantined and result.outcome != "passed" else ""
    took = f"{result.virtual_s:.1f} s in {result.host_s:.1f} s"
    line = f"{_SIGNS[result.outcome]} {escape(result.name)} [dim]({took}{tries}{quarantine})[/]"
    # A command that a console has broken into lines cannot be copied.
    console.print(line, highlight=False, soft_wrap=True)
    if result.told:
        console.print(
            "".join(f"    {line}\n" for line in result.told.splitlines()),
            end="",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )


def _sum_up(console: Console, results: list[CaseResult]) -> None:
    outcomes = [result.outcome for result in results]
    counted = [f"{outcomes.count(one)} {one}" for one in dict.fromkeys(_SIGNS) if one in outcomes]
    quarantined = sum(result.is_quarantined and result.outcome != "passed" for result in results)
    told = f", {quarantined} of them in quarantine" if quarantined else ""
    console.print(", ".join(counted) + told, highlight=False)
