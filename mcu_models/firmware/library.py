"""Finds firmware images: the reference images that come with the twin, or one built for the occasion."""

from __future__ import annotations

import tempfile
import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasheet.bad_input import BadInputError, nearest_name
from datasheet.regular_file import is_file
from mcu_models.compiler.door_decision import USUAL_POLICY
from mcu_models.emulators.image import FirmwareImage, read_image
from mcu_models.firmware.builder import build_firmware
from mcu_models.firmware.toolchain import find_toolchain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcu_models.boards.board import Board
    from mcu_models.networks.library import NetworkEntry

MANIFEST = "manifest.toml"


@dataclass(frozen=True)
class Firmware:
    """An image with what is known of its making.

    Attributes:
        image: The image.
        compiler: The compiler and its version.
        flash_bytes: Code and constants.
        ram_bytes: Static data, without the stack.
    """

    image: FirmwareImage
    compiler: str
    flash_bytes: int
    ram_bytes: int


def image_names() -> tuple[str, ...]:
    """Return the names of the reference images."""
    return tuple(sorted(_rows()))


def find_image(name_or_path: str) -> FirmwareImage:
    """Return a reference image by name, or the user's own by path.

    Raises:
        BadInputError: There is none, it is not an ELF image for Cortex-M, or it differs from its manifest row.
    """
    rows = _rows()
    if name_or_path in rows:
        return _reference(name_or_path, rows[name_or_path]).image
    path = Path(name_or_path)
    if not is_file(path):
        raise BadInputError("image", "", name_or_path, f"no such file; {nearest_name(name_or_path, rows)}")
    return read_image(path)


def firmware_for(network: NetworkEntry, board: Board, app: str) -> Firmware:
    """Return the firmware that runs `network` on `board`: the reference image if there is one, else a fresh build.

    Raises:
        BadInputError: There is no reference image and no compiler, or the network cannot be compiled.
    """
    wanted = {"network_sha256": network.sha256, "frontend": network.frontend, "board": board.name, "app": app}
    for name, row in _rows().items():
        same = all(row[key] == value for key, value in wanted.items())
        around = row.get("votes", 1), row.get("wake_up_degc"), USUAL_POLICY
        if same and around == (network.votes, network.wake_up_degc, network.door_policy):
            return _reference(name, row)
    return _build(network, board, app)


def _build(network: NetworkEntry, board: Board, app: str) -> Firmware:
    with tempfile.TemporaryDirectory() as folder:
        result = build_firmware(
            network, board=board, app=app, out_dir=Path(folder) / "build", toolchain=find_toolchain()
        )
        sizes = result.sizes
        return Firmware(
            image=read_image(result.elf),
            compiler=result.compiler,
            flash_bytes=sizes.flash_code_bytes + sizes.flash_weights_bytes,
            ram_bytes=sizes.ram_bytes,
        )


def _reference(name: str, row: Mapping[str, Any]) -> Firmware:
    path = _folder() / row["file"]
    image = read_image(path)
    if image.sha256 != row["sha256"]:
        raise BadInputError(path, "sha256", image.sha256, f"{MANIFEST} row {name!r} says {row['sha256']}")
    return Firmware(image, row["compiler"], row["flash_bytes"], row["ram_bytes"])


def _folder() -> Path:
    return Path(str(resources.files("mcu_models.firmware.images")))


def _rows() -> dict[str, dict[str, Any]]:
    path = _folder() / MANIFEST
    if not path.is_file():
        return {}
    rows: dict[str, dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))
    return rows
