"""Writes docs/validation.md from what the benchmarks have printed.

    python benchmarks/validation_page.py                                 the page, from docs/validation/*.json
    python benchmarks/validation_page.py --run NAME... [--files DIR]     runs checks first, and keeps what they print

Checks stand in validation.toml. DIR holds what others published, under the names that stand behind FILES in a check's
command; its own path is not kept. A run is kept with its command, its date and the machine's kind.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

HERE: Final = Path(__file__).parent
DOCS: Final = HERE.parent / "docs"
RUNS: Final = DOCS / "validation"
PAGE: Final = DOCS / "validation.md"
PLACEHOLDER: Final = "FILES"
WIDTH: Final = "120"


@dataclass(frozen=True)
class Run:
    """What a command has printed.

    Attributes:
        command: As it was run, without the user's own paths.
        date: ISO date.
        machine: Architecture and Python.
        output: All lines of standard output.
    """

    command: str
    date: str
    machine: str
    output: tuple[str, ...]

    def figure(self, pattern: str) -> str:
        """Return the groups of the first line that a pattern matches.

        Raises:
            LookupError: No line does.
        """
        for line in self.output:
            if match := re.match(pattern, line):
                return " / ".join(match.groups())
        raise LookupError(f"{self.command}: no line matches {pattern}")


def read_checks() -> dict[str, Any]:
    """Return checks and what is shown elsewhere."""
    return tomllib.loads((HERE / "validation.toml").read_text(encoding="utf-8"))


def read_run(name: str) -> Run:
    """Return what a check printed last."""
    kept = json.loads((RUNS / f"{name}.json").read_text(encoding="utf-8"))
    return Run(kept["command"], kept["date"], kept["machine"], tuple(kept["output"]))


def keep_run(check: Mapping[str, Any], files: Path) -> None:
    """Run a check and keep what it prints."""
    words = [word.replace(PLACEHOLDER, str(files), 1) for word in check["command"]]
    words[0] = str(Path(sys.executable).parent / words[0])
    environment = os.environ | {"COLUMNS": WIDTH, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(  # noqa: S603 - commands of validation.toml
        words, cwd=HERE.parent, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    machine = f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}"
    kept = {
        "command": " ".join(check["command"]),
        "date": dt.datetime.now(tz=dt.UTC).date().isoformat(),
        "machine": machine,
        "output": [line.rstrip() for line in done.stdout.replace(f"{files}{os.sep}", "").splitlines()],
    }
    RUNS.mkdir(exist_ok=True)
    text = json.dumps(kept, indent=1, ensure_ascii=False)
    (RUNS / f"{check['name']}.json").write_text(text + "\n", encoding="utf-8")


def page() -> str:
    """Return the page as Markdown."""
    checks = read_checks()
    runs = {check["name"]: read_run(check["name"]) for check in checks["check"]}
    return "\n".join([*_head(checks["check"], runs), *_sections(checks["check"], runs), *_rest(checks["elsewhere"])])


def _head(checks: Iterable[Mapping[str, Any]], runs: Mapping[str, Run]) -> Iterator[str]:
    yield "# Validation"
    yield ""
    yield "<!-- Written by benchmarks/validation_page.py; change validation.toml or run the checks anew. -->"
    yield ""
    yield "What the models say beside what others measured or published. Every figure is read from what a command has"
    yield "printed; the whole output follows below. What was fitted to what says the text beside it."
    yield ""
    yield "| check | figure | |"
    yield "|---|---|---|"
    for check in checks:
        for figure in check.get("figure", ()):
            value = runs[check["name"]].figure(figure["pattern"])
            yield f"| [{check['title']}](#{check['name']}) | {figure['says']} | {value} |"
    yield ""


def _sections(checks: Iterable[Mapping[str, Any]], runs: Mapping[str, Run]) -> Iterator[str]:
    for check in checks:
        run = runs[check["name"]]
        yield f"## {check['title']} {{ #{check['name']} }}"
        yield ""
        yield f"{check['question']} {check['reading']}"
        yield ""
        yield f"Run on {run.date} ({run.machine}). Needs {check['needs']}."
        yield ""
        yield f"    {run.command}"
        yield ""
        yield from ("```text", *run.output, "```", "")


def _rest(elsewhere: Iterable[Mapping[str, str]]) -> Iterator[str]:
    yield "## Shown elsewhere"
    yield ""
    yield "These were not run for this page. Their last figures, with the conditions they were taken under, stand"
    yield "beside the model that they test; the most important ones are also in the README."
    yield ""
    yield "| check | command | why not here | figures |"
    yield "|---|---|---|---|"
    for one in elsewhere:
        yield f"| {one['title']} | `{one['command']}` | {one['why']} | [{one['page']}]({one['page']}) |"
    yield ""


def main() -> None:
    """Run what is asked for, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--run", nargs="+", default=[], metavar="NAME")
    parser.add_argument("--files", type=Path, default=Path(PLACEHOLDER), metavar="DIR")
    arguments = parser.parse_args()
    checks = {check["name"]: check for check in read_checks()["check"]}
    if unknown := set(arguments.run) - set(checks):
        parser.error(f"{', '.join(sorted(unknown))}: no check; there are {', '.join(checks)}")
    for name in arguments.run:
        keep_run(checks[name], arguments.files.absolute())
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE.relative_to(HERE.parent)}: {len(checks)} checks")


if __name__ == "__main__":
    main()
