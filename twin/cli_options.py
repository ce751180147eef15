"""What several commands share: what their options mean, JSON as the answer, exit statuses."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from datasheet.bad_input import BadInputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcu_models.emulators.backends import BackendName

OK, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
"""Exit statuses: done, the work failed, bad input, ended by Ctrl-C."""

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]
SeedOption = Annotated[int, typer.Option(min=0, help="Everything random follows from it.")]


def folder_named(text: str) -> Path:
    """Return the folder that an option names; "" would quietly mean the current one."""
    if not text:
        raise typer.BadParameter("must be the name of a folder")
    return Path(text)


def file_ending(*endings: str) -> Callable[[str], Path]:
    """Return what reads an option that names a file with one of these endings."""

    def read(text: str) -> Path:
        path = Path(text)
        if path.suffix.lower() not in endings or text.endswith(os.sep):
            raise typer.BadParameter(f"{text!r} must be a file that ends in {' or '.join(endings)}")
        return path

    return read


def backend_named(name: str) -> BackendName:
    """Return the emulator that `--backend` names."""
    from mcu_models.emulators.backends import BACKEND_NAMES  # noqa: PLC0415 - slow to load; --help does without

    for backend in BACKEND_NAMES:
        if backend == name:
            return backend
    raise BadInputError("command line", "--backend", name, f"must be {' or '.join(BACKEND_NAMES)}")


def refuse_options(given: dict[str, Any], said: str) -> None:
    """Raise BadInputError for the first option in `given` that has a value; `said` tells what it belongs to."""
    for option, value in given.items():
        if value is not None:
            raise BadInputError("command line", option, str(value), said)


def print_json(value: Any) -> None:
    """Print the one object that `--json` promises."""
    typer.echo(json.dumps(value, indent=2, allow_nan=False))
