"""Lets numba compile where it can write neither beside the code nor in a home directory."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import numba


def ensure_compile_cache(source: str) -> None:
    """Give numba a private temporary folder for compiled code, if it would find no other place.

    Call it before a function is decorated with `cache=True`: without a writable place numba refuses to import it.
    The folder is new for each process, since a folder others can write to must not hold code; it is removed at exit.

    Args:
        source: `__file__` of the module with the function; compiled code is kept beside it when that is allowed.
    """
    if numba.config.CACHE_DIR or _is_writable(Path(source).parent) or _is_writable(_user_cache()):
        return
    folder = tempfile.mkdtemp(prefix="edge-sensor-twin-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    numba.config.CACHE_DIR = folder


def _user_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())


def _is_writable(folder: Path) -> bool:
    """Tell whether `folder`, or the nearest folder above it that exists, can be written to."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    return existing.is_dir() and os.access(existing, os.W_OK)
