"""A digest of the code that a trained network depends on, so that results of changed code are never mixed."""

from __future__ import annotations

import ast
import functools
import hashlib
from importlib import metadata, resources
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_PACKAGES: Final = ("tensorflow-cpu", "tensorflow", "keras", "numpy", "ai-edge-litert")
_COMPILER: Final = ("mcu_models.compiler.hold_zero", "mcu_models.compiler.vote")
_TRAINING: Final = "training."


@functools.cache
def code_digest(first: str = "training.study") -> str:
    """Return the digest of the sources of `first` and of all it imports, and of the releases that they compute with.

    Followed are imports of `training`, front end and votes; sessions are data, and have a digest of their own.
    """
    digest = hashlib.sha256()
    for name in sorted(imported_modules(first)):
        digest.update(f"{name} {hashlib.sha256(source_of(name).encode()).hexdigest()}\n".encode())
    for package in _PACKAGES:
        digest.update(f"{package} {_version(package)}\n".encode())
    return digest.hexdigest()


def imported_modules(first: str, within: str = _TRAINING) -> set[str]:
    """Return the modules of `training`, front end and votes that `first` imports, and those import, itself included.

    Imports within functions and for type checkers count too.

    Args:
        first: A module's full name.
        within: How names of modules begin that are followed.
    """
    found: set[str] = set()
    waiting = [first]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _imports(source_of(name), within)
    return found


def _imports(source: str, within: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        name = node.module if isinstance(node, ast.ImportFrom) else None
        if name is not None and (name.startswith(within) or name in _COMPILER):
            yield name


def source_of(name: str) -> str:
    """Return the source of a module of this project."""
    package, _, module = name.rpartition(".")
    return Path(str(resources.files(package).joinpath(f"{module}.py"))).read_text(encoding="utf-8")


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
