"""Rebuilds the reference images and their manifest: `python -m mcu_models.firmware.reference_image`.

The images are committed, so that predictions need no cross compiler. They are built with arm-none-eabi-gcc.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from importlib import resources
from pathlib import Path

from mcu_models.boards.board import find_board
from mcu_models.emulators.image import read_image
from mcu_models.firmware.builder import BuildResult, build_firmware
from mcu_models.firmware.library import MANIFEST
from mcu_models.firmware.toolchain import find_toolchain
from mcu_models.networks.library import NetworkEntry, find_network

REFERENCES = (
    ("people_counter_stm32l4a6zg", "people_c16_p_c16_fc_w3", "stm32l4a6zg", "people_counter"),
    ("doorway_counter_stm32l4a6zg", "doorway_rules", "stm32l4a6zg", "doorway_counter"),
    ("mask_door_stm32h743vi", "mask_cnn", "stm32h743vi", "mask_door"),
)
"""Name, network, board and app of each reference image."""


def main() -> None:
    """Build every reference image and write the manifest."""
    folder = Path(str(resources.files("mcu_models.firmware.images")))
    rows = [_rebuild(folder, *reference) for reference in REFERENCES]
    (folder / MANIFEST).write_text("\n".join(rows), encoding="utf-8")


def _rebuild(folder: Path, name: str, network: str, board: str, app: str) -> str:
    entry = find_network(network)
    with tempfile.TemporaryDirectory() as scratch:
        result = build_firmware(
            entry,
            board=find_board(board),
            app=app,
            out_dir=Path(scratch) / "build",
            toolchain=find_toolchain("gcc"),
        )
        shutil.copyfile(result.elf, folder / f"{name}.elf")
        return _row(name, board, app, entry, result, read_image(folder / f"{name}.elf").sha256)


def _row(name: str, board: str, app: str, network: NetworkEntry, result: BuildResult, sha256: str) -> str:
    sizes = result.sizes
    values = {
        "file": f"{name}.elf",
        "sha256": sha256,
        "board": board,
        "app": app,
        "network_sha256": network.sha256,
        "frontend": network.frontend,
        "compiler": result.compiler,
        "flags": " ".join(result.flags),
        "rebuild": "python -m mcu_models.firmware.reference_image",
    }
    lines = [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
    lines.append(f"flash_bytes = {sizes.flash_code_bytes + sizes.flash_weights_bytes}")
    lines.append(f"ram_bytes = {sizes.ram_bytes}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
