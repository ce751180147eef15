"""An image fits a board when its memories hold it and a vector table stands where the core looks."""

from __future__ import annotations

import struct

import pytest

from datasheet.bad_input import BadInputError
from mcu_models.boards.board import find_board
from mcu_models.emulators.image import FirmwareImage, Segment
from mcu_models.emulators.image_fit import require_fit

BOARD = find_board("stm32l4a6zg")
FLASH, STACK_TOP = 0x08000000, 0x20001000


def image(*segments: tuple[int, bytes]) -> FirmwareImage:
    return FirmwareImage("test", "0" * 64, tuple(Segment(*segment) for segment in segments), (), {})


def vectors(entry: int, stack: int = STACK_TOP) -> bytes:
    return struct.pack("<II", stack, entry)


@pytest.mark.parametrize("base", [FLASH, 0])
def test_a_vector_table_may_be_loaded_to_any_address_of_the_flash(base: int) -> None:
    require_fit(BOARD, image((base, vectors(base + 0x201))))


def test_a_vector_table_may_come_in_pieces() -> None:
    table = vectors(FLASH + 0x201)
    require_fit(BOARD, image((FLASH + 4, table[4:]), (FLASH, table[:4])))


@pytest.mark.parametrize(
    "table", [vectors(FLASH + 0x200), vectors(0x40000001), vectors(FLASH + 0x201, stack=0x1000_0000 - 64), b""]
)
def test_what_is_no_vector_table_is_refused(table: bytes) -> None:
    with pytest.raises(BadInputError, match="has no vector table at 0x08000000"):
        require_fit(BOARD, image((FLASH, table)))


def test_what_lies_outside_the_memories_is_refused() -> None:
    with pytest.raises(BadInputError, match="loads 4 bytes at 0x30000000, outside stm32l4a6zg"):
        require_fit(BOARD, image((FLASH, vectors(FLASH + 0x201)), (0x30000000, b"\0" * 4)))
