"""Where Renode is on this machine."""

from __future__ import annotations

import io
import os
import shutil
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import Any

from datasheet.bad_input import BadInputError

ENVIRONMENT = "RENODE"
TESTED_VERSION = "1.16.1"
_HOW = (
    f"Renode {TESTED_VERSION} is needed: its path in the environment variable {ENVIRONMENT}, or `renode` on PATH, or "
    "as renode-run has fetched it (docs/renode.md)"
)


def find_renode() -> Path:
    """Return Renode's executable: of RENODE in the environment, else as renode-run has downloaded it, else on PATH.

    Raises:
        BadInputError: There is none, or RENODE names something that cannot be executed.
    """
    chosen = os.environ.get(ENVIRONMENT)
    if chosen:
        if not _can_run(Path(chosen)):
            raise BadInputError("environment", ENVIRONMENT, chosen, "must be the path of Renode's executable")
        return Path(chosen).resolve()
    found = _downloaded() or shutil.which("renode")
    if found is None:
        raise BadInputError("command line", "--backend", "renode", _HOW)
    return Path(found).resolve()


def is_renode_there() -> bool:
    """Tell whether Renode can be found."""
    try:
        find_renode()
    except BadInputError:
        return False
    return True


def _downloaded() -> Path | None:
    """Return what renode-run has downloaded; None without renode-run or before `renode-run download`."""
    try:
        renode_run: Any = import_module("renode_run")
    except ImportError:
        return None
    try:
        # It talks on standard output, and would download by itself.
        with redirect_stdout(io.StringIO()):
            path = renode_run.get_default_renode_path(try_to_download=False, use_system_renode=False)
    except (Exception, SystemExit):  # noqa: BLE001 - a tool of others, of any version: what it cannot find is not there
        return None
    return Path(path) if path is not None and _can_run(Path(path)) else None


def _can_run(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)
