"""What lies where in RAM: the variables of an image, and its stack."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from elftools.elf.elffile import ELFFile

from mcu_models.emulators.debug_lines import DAMAGED
from mcu_models.emulators.fault_injection import RAM_KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcu_models.boards.board import Board
    from mcu_models.emulators.image import FirmwareImage

STACK: Final = "stack"


@dataclass(frozen=True)
class Place:
    """A stretch of RAM.

    Attributes:
        name: A variable, "stack", or a memory of the board.
        address: Of its first byte.
        size: Bytes.
    """

    name: str
    address: int
    size: int


def variables(board: Board, image: FirmwareImage) -> list[Place]:
    """Return the variables that an image has in RAM, by address; none when it has no symbols that can be read."""
    try:
        found = list(_objects(image.elf))
    except DAMAGED:
        return []
    ram = memories(board)
    inside = {place for place in found if any(_holds(memory, place) for memory in ram)}
    return sorted(inside, key=lambda place: (place.address, place.name))


def memories(board: Board) -> list[Place]:
    """Return the board's RAM, memory by memory."""
    sheets = board.sheet.memories.items()
    return [Place(name, sheet.base, sheet.size) for name, sheet in sheets if sheet.kind in RAM_KINDS]


def stack(board: Board, image: FirmwareImage, size: int) -> list[Place]:
    """Return the last bytes below the initial stack pointer, which the vector table begins with."""
    flash = board.memory("flash").base
    for segment in image.segments:
        if segment.address <= flash <= segment.address + len(segment.data) - 4:
            (top,) = struct.unpack_from("<I", segment.data, flash - segment.address)
            place = Place(STACK, top - size, size)
            return [place] if size and any(_holds(memory, place) for memory in memories(board)) else []
    return []


def _objects(elf: bytes) -> Iterator[Place]:
    table = ELFFile(io.BytesIO(elf)).get_section_by_name(".symtab") if elf else None
    for symbol in [] if table is None else table.iter_symbols():
        if symbol["st_info"]["type"] == "STT_OBJECT" and symbol["st_size"]:
            yield Place(symbol.name.partition(".")[0], symbol["st_value"], symbol["st_size"])


def _holds(memory: Place, place: Place) -> bool:
    return memory.address <= place.address and place.address + place.size <= memory.address + memory.size
