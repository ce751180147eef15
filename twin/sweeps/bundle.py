"""A scenario and a node as files of their own: what a run is made from, wherever it is played."""

from __future__ import annotations

import hashlib
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER: Final = "@the-folder-of-this-run@"
"""Stands in a node's TOML for the folder that its files come to lie in."""


@dataclass(frozen=True)
class Bundle:
    """Files by their place in a folder.

    Attributes:
        files: Place and content. The first is the scenario, the second the node; those behind are what these name.
    """

    files: tuple[tuple[str, bytes], ...]

    @property
    def scenario_sha256(self) -> str:
        """Digest of the scenario's files."""
        return _digest(file for file in self.files if file[0].startswith("scenario/"))

    @property
    def node_sha256(self) -> str:
        """Digest of the node's files; parts of the library are in it by name."""
        return _digest(file for file in self.files if not file[0].startswith("scenario/"))

    @contextmanager
    def unpacked(self) -> Iterator[tuple[Path, Path]]:
        """Give the paths of scenario and node, in a private folder that goes away with the block."""
        with tempfile.TemporaryDirectory(prefix="twin-run-") as folder:
            paths = [self._unpack(Path(folder), place, content) for place, content in self.files]
            yield paths[0], paths[1]

    def _unpack(self, folder: Path, place: str, content: bytes) -> Path:
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        is_node = place.startswith("node/")
        path.write_bytes(content.replace(FOLDER.encode(), str(folder).encode()) if is_node else content)
        return path


def _digest(files: Iterator[tuple[str, bytes]]) -> str:
    digest = hashlib.sha256()
    for place, content in files:
        digest.update(f"{place}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()
