"""Whether an image fits a board: its memories, and a vector table where the core looks for one."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from datasheet.bad_input import BadInputError

if TYPE_CHECKING:
    from mcu_models.boards.board import Board, MemorySheet
    from mcu_models.emulators.image import FirmwareImage

_VECTORS = struct.Struct("<II")


def require_fit(board: Board, image: FirmwareImage) -> None:
    """Make sure that an image fits the board's memories and has a vector table.

    Raises:
        BadInputError: It does not.
    """
    for segment in image.segments:
        if not board.holds(segment.address, len(segment.data)):
            where = f"loads {len(segment.data)} bytes at {segment.address:#010x}, outside {board.name}"
            raise BadInputError(image.name, "", None, where)
    flash = board.memory("flash")
    stack, entry = _VECTORS.unpack(_loaded(image, flash, _VECTORS.size))
    if not entry & 1 or not board.holds(stack - 4, 4) or not board.holds(entry & ~1, 2):
        missing = f"has no vector table at {flash.base:#010x} with stack and entry in memories of {board.name}"
        raise BadInputError(image.name, "", None, missing)


def _loaded(image: FirmwareImage, memory: MemorySheet, length: int) -> bytes:
    """Return what an image loads to the beginning of a memory, at whichever of its addresses; else zeros."""
    data = bytearray(length)
    for segment in image.segments:
        for base in (memory.base, *memory.aliases):
            begin, end = max(segment.address, base), min(segment.address + len(segment.data), base + length)
            if begin < end:
                data[begin - base : end - base] = segment.data[begin - segment.address : end - segment.address]
    return bytes(data)
