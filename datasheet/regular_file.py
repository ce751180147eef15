"""Reading a file that somebody has named, without waiting for ever or filling the memory."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from datasheet.bad_input import BadInputError

if TYPE_CHECKING:
    from pathlib import Path


def is_file(path: Path) -> bool:
    """Tell whether a path that somebody has given leads to a file; what no file system takes for a path does not."""
    try:
        return path.is_file()
    except OSError:
        return False


def length_of_regular_file(path: Path) -> int:
    """Return how many bytes a file has, before any of them is read.

    Raises:
        BadInputError: It is a folder, a pipe or a device, which may have no end.
        OSError: It is not there, or cannot be looked at.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise BadInputError(path, "", None, "cannot be read: not a regular file")
    return status.st_size


def read_regular_file(path: Path, *, limit_bytes: int) -> bytes:
    """Return what the file at `path` holds.

    Raises:
        BadInputError: The file is missing, is a folder, a pipe or a device, is longer, or cannot be read.
    """
    try:
        length_of_regular_file(path)
        with path.open("rb") as file:
            data = file.read(limit_bytes + 1)
    except FileNotFoundError as error:
        raise BadInputError(path, "", None, "there is no such file") from error
    except OSError as error:
        raise BadInputError(path, "", None, f"cannot be read: {error.strerror}") from error
    if len(data) > limit_bytes:
        raise BadInputError(path, "", None, f"must hold {limit_bytes} bytes at most")
    return data
