"""What options of several commands mean."""

from __future__ import annotations

from pathlib import Path

import typer


def folder_named(text: str) -> Path:
    """Return the folder that an option names; "" would quietly mean the current one."""
    if not text:
        raise typer.BadParameter("must be the name of a folder")
    return Path(text)
