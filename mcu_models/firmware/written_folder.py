"""A folder of generated files that appears complete or not at all."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from datasheet.bad_input import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

CMAKE_FILE: Final = "CMakeLists.txt"
MARK: Final = "# Written by the twin's firmware builder."
"""First line of `CMAKE_FILE` in every folder written here: what has it may be replaced."""


@contextmanager
def written_folder(out_dir: Path) -> Iterator[Path]:
    """Give an empty folder to fill; without an error it becomes `out_dir`, in place of what was written there before.

    Raises:
        BadInputError: `out_dir` is a file, holds something else than an earlier build, or cannot be written.
    """
    _refuse_foreign(out_dir)
    try:
        out_dir.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out_dir.parent, prefix=f".{out_dir.name}-") as temporary:
            folder = Path(temporary).resolve() / "build"
            folder.mkdir()
            yield folder
            _replace(out_dir, folder, Path(temporary) / "old")
    except OSError as error:
        raise BadInputError(out_dir, "", None, f"cannot be written: {error.strerror}") from None


def _refuse_foreign(out_dir: Path) -> None:
    """Refuse to replace anything that an earlier build did not write."""
    if not out_dir.exists():
        return
    if not out_dir.is_dir():
        raise BadInputError(out_dir, "", None, "is a file; expected a new folder")
    script = out_dir / CMAKE_FILE
    ours = script.is_file() and script.read_text(encoding="utf-8", errors="replace").startswith(MARK)
    if any(out_dir.iterdir()) and not ours:
        raise BadInputError(out_dir, "", None, "is not empty and holds no earlier build; expected a new folder")


def _replace(out_dir: Path, folder: Path, old: Path) -> None:
    if out_dir.exists():
        out_dir.rename(old)
    folder.rename(out_dir)
