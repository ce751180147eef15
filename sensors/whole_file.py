"""Files that are written complete or not at all."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING

from datasheet.bad_input import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterator


def output_target(path: Path) -> Path:
    """Return the file that writing to `path` replaces or makes: `path` itself, or where it leads as a symbolic link.

    Whole files are written beside their place and then renamed; renaming would put a regular file in the place of a
    device, a pipe or a link.

    Raises:
        BadInputError: It is there and is no regular file, or cannot be looked at.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise BadInputError(path, "", None, "must be a regular file, or one that is not there yet")
    except FileNotFoundError:
        pass
    except OSError as error:
        raise BadInputError(path, "", None, f"cannot be written: {error.strerror}") from error
    return path.resolve() if path.is_symlink() else path


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Give a temporary file that takes the place of `path` once it is complete; a symbolic link is followed.

    Raises:
        BadInputError: The file cannot be written, or is there and is no regular file.
    """
    target = output_target(path)
    try:
        descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp")
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file
            # mkstemp makes it private; recordings are as readable as any other file.
            Path(temporary).chmod(0o644)
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise BadInputError(path, "", None, f"cannot be written: {error.strerror}") from error
