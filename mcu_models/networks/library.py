"""Finds networks: those that come with the twin, by name, and a user's own, by path."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from datasheet.bad_input import BadInputError, nearest_name
from mcu_models.compiler.frontend import find_frontend

if TYPE_CHECKING:
    from collections.abc import Mapping

MANIFEST: Final = "manifest.toml"
DEFAULT_FRONTEND: Final = "minus_median"
_ROWS: Final = "network"


@dataclass(frozen=True)
class NetworkEntry:
    """A network and what is known of it.

    Attributes:
        path: The .tflite file.
        sha256: Digest of the file, in hexadecimal.
        frontend: Name of the front end that prepares its input.
        row: Everything its manifest row says; empty for a user's own file.
    """

    path: Path
    sha256: str
    frontend: str
    row: Mapping[str, Any] = field(default_factory=dict)


def network_names() -> tuple[str, ...]:
    """Return the names of the networks that come with the twin.

    Raises:
        BadInputError: The manifest cannot be read.
    """
    return tuple(sorted(_read_manifest(_library_folder())))


def find_network(name_or_path: str | Path) -> NetworkEntry:
    """Return a network by its library name, or by the path of a .tflite file.

    A user's own file gets the front end `minus_median`; the manifest names that of a library network.

    Raises:
        BadInputError: There is none of this name, or a library file is not the one its manifest row
            was written for.
    """
    text = str(name_or_path)
    path = Path(name_or_path)
    if path.suffix == ".tflite" or path.is_file():
        return _own_network(path)
    folder = _library_folder()
    rows = _read_manifest(folder)
    if text not in rows:
        raise BadInputError("network", "", text, f"no such name and no .tflite file; {nearest_name(text, rows)}")
    return _library_network(folder, text, rows[text])


def read_library(folder: Path) -> dict[str, NetworkEntry]:
    """Return every network of a folder that holds a `manifest.toml`, each checked against its row.

    Raises:
        BadInputError: The manifest or a network cannot be read, or a digest differs.
    """
    return {name: _library_network(folder, name, row) for name, row in _read_manifest(folder).items()}


def _library_folder() -> Path:
    return Path(str(resources.files("mcu_models.networks")))


def _own_network(path: Path) -> NetworkEntry:
    folder = _library_folder()
    if path.resolve().parent == folder.resolve():
        for name, row in _read_manifest(folder).items():
            if row["file"] == path.name:
                return _library_network(folder, name, row)
    return NetworkEntry(path, _digest(path), DEFAULT_FRONTEND)


def _library_network(folder: Path, name: str, row: Mapping[str, Any]) -> NetworkEntry:
    path = folder / row["file"]
    sha256 = _digest(path)
    if sha256 != row["sha256"]:
        raise BadInputError(path, "sha256", sha256, f"{MANIFEST} row {name!r} says {row['sha256']}")
    return NetworkEntry(path, sha256, row["frontend"], row)


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise BadInputError(path, "", None, f"cannot be read: {error.strerror}") from None


def _read_manifest(folder: Path) -> dict[str, dict[str, Any]]:
    path = folder / MANIFEST
    if not path.is_file():
        return {}
    try:
        rows = tomllib.loads(path.read_text(encoding="utf-8")).get(_ROWS, [])
    except (OSError, ValueError) as error:
        raise BadInputError(path, "", None, f"cannot be read: {error}") from None
    if not isinstance(rows, list):
        raise BadInputError(path, _ROWS, type(rows).__name__, f"expected rows, each headed [[{_ROWS}]]")
    return {_row_name(_checked_row(path, row)): row for row in rows}


def _row_name(row: Mapping[str, Any]) -> str:
    return str(row.get("name", row["file"].removesuffix(".tflite")))


def _checked_row(path: Path, row: Any) -> dict[str, Any]:
    for key in ("file", "sha256", "frontend"):
        value = row.get(key) if isinstance(row, dict) else None
        if not isinstance(value, str):
            raise BadInputError(path, f"{_ROWS}.{key}", value, "every row needs this text")
    if Path(row["file"]).name != row["file"]:
        raise BadInputError(path, f"{_ROWS}.file", row["file"], "expected a file's name in the manifest's folder")
    find_frontend(row["frontend"], str(path))
    checked: dict[str, Any] = row
    return checked
