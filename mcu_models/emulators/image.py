"""Reads firmware images: ELF, Intel HEX, Motorola S-records and raw binaries, told apart by what they contain."""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING

from datasheet.bad_input import BadInputError
from datasheet.regular_file import length_of_regular_file
from mcu_models.emulators import image_elf, image_records
from mcu_models.emulators.image_model import FirmwareImage, Function, Segment

if TYPE_CHECKING:
    from pathlib import Path

    from mcu_models.boards.board import Board

__all__ = ["FirmwareImage", "Function", "Segment", "parse_image", "read_image", "read_image_for"]

MAX_IMAGE_BYTES = 64 << 20
_VECTORS = struct.Struct("<II")
_ADDRESS_SPACE = 1 << 32


def parse_image(name: str, data: bytes) -> FirmwareImage:
    """Read an image that is in memory already and says itself where it belongs.

    Raises:
        BadInputError: It is none of the formats above, or damaged.
    """
    image = _parse_addressed(name, data)
    if image is None:
        raise BadInputError(name, "", None, "must be an ELF image for a 32-bit Arm Cortex-M, Intel HEX or S-records")
    return image


def read_image(path: Path) -> FirmwareImage:
    """Read an image that says itself where it belongs: ELF, Intel HEX or S-records.

    Raises:
        BadInputError: No such file, or it is none of these, or damaged.
    """
    return parse_image(path.name, _read(path))


def read_image_for(board: Board, path: Path, *, load_address: int | None = None) -> FirmwareImage:
    """Read an image that shall run on a board; one of no other format is taken as a raw binary.

    Args:
        board: Where a raw binary belongs, and which core is there.
        path: The file.
        load_address: Where a raw binary belongs; the start of the board's flash when left out.

    Raises:
        BadInputError: The file cannot be read, is damaged, is built for another core, or has no vector table.
    """
    data = _read(path)
    image = _parse_addressed(path.name, data)
    if image is None:
        base = board.memory("flash").base if load_address is None else load_address
        image = _raw_image(path.name, data, board, base)
    elif load_address is not None:
        raise BadInputError("command line", "--load-address", hex(load_address), f"{path.name} says itself where")
    image.require_core(board.core, double_precision=board.sheet.double_precision)
    return image


def _read(path: Path) -> bytes:
    try:
        size = length_of_regular_file(path)
        if size > MAX_IMAGE_BYTES:
            raise BadInputError(path, "size", size, f"at most {MAX_IMAGE_BYTES} bytes")
        return path.read_bytes()
    except OSError as error:
        raise BadInputError(path, "", None, f"cannot be read: {error.strerror}") from error


def _parse_addressed(name: str, data: bytes) -> FirmwareImage | None:
    """Read a file that says where it belongs; return None for a raw binary."""
    if len(data) > MAX_IMAGE_BYTES:
        raise BadInputError(name, "size", len(data), f"at most {MAX_IMAGE_BYTES} bytes")
    if not data:
        raise BadInputError(name, "", None, "is empty; must be an ELF image for a 32-bit Arm Cortex-M")
    sha256 = hashlib.sha256(data).hexdigest()
    if data.startswith(image_elf.MAGIC):
        elf = image_elf.read_elf(name, data)
        return FirmwareImage(name, sha256, elf.segments, elf.functions, elf.symbols, elf.needs, data)
    if image_records.is_intel_hex(data):
        return FirmwareImage(name, sha256, image_records.read_intel_hex(name, data), (), {})
    if image_records.is_s_record(data):
        return FirmwareImage(name, sha256, image_records.read_s_record(name, data), (), {})
    return None


def _raw_image(name: str, data: bytes, board: Board, base: int) -> FirmwareImage:
    if not 0 <= base <= _ADDRESS_SPACE - len(data):
        raise BadInputError("command line", "--load-address", hex(base), "an address of 32 bits with room for the file")
    if not _is_vector_table(data, board):
        what = "is no ELF, Intel HEX or S-record file, and has no vector table at its start for a raw binary"
        words = ", ".join(f"{word:#010x}" for word in _VECTORS.unpack_from(data.ljust(_VECTORS.size, b"\0")))
        raise BadInputError(name, "", None, f"{what} on {board.name}: stack pointer and reset are {words}")
    return FirmwareImage(name, hashlib.sha256(data).hexdigest(), (Segment(base, data),), (), {})


def _is_vector_table(data: bytes, board: Board) -> bool:
    """Tell whether a file begins with a stack pointer into RAM and the address of a Thumb instruction."""
    if len(data) < _VECTORS.size:
        return False
    stack, reset = _VECTORS.unpack_from(data)
    memories = board.sheet.memories.values()
    on_stack = any(memory.kind != "flash" and memory.holds(stack - 4, 4) for memory in memories)
    return on_stack and bool(reset & 1) and any(memory.holds(reset - 1, 2) for memory in memories)
