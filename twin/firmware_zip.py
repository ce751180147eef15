"""The firmware of a node as one file: sources, image and map, as `twin build` writes them."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from mcu_models.firmware.builder import build_firmware
from mcu_models.firmware.toolchain import find_toolchain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from twin.node import Node

_FIRST_DAY = (1980, 1, 1, 0, 0, 0)
"""Of every file, so that the same content makes the same bytes."""


def firmware_zip(node: Node) -> bytes:
    """Return the folder that a node's firmware is built in, with its image, as a zip.

    Raises:
        BadInputError: There is no compiler, or the network cannot be built for the board.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "firmware"
        build_firmware(node.network, board=node.board, app=node.config.app, out_dir=out, toolchain=find_toolchain())
        files = {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}
    return zip_of(files)


def zip_of(files: Mapping[str, bytes]) -> bytes:
    """Return files by name as a zip; the same files make the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, _FIRST_DAY), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
