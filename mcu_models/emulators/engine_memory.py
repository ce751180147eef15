"""The memories of a board in a Unicorn engine: where they are mapped, and how a DMA controller reaches them."""

from __future__ import annotations

import ctypes
import struct
from typing import TYPE_CHECKING, Any

from unicorn import unicorn_const

if TYPE_CHECKING:
    from mcu_models.boards.board import Board


def map_memories(engine: Any, board: Board) -> list[Any]:
    """Map every memory of a board, at all its addresses; return the buffers behind them, in the board's order.

    The engine does not keep the buffers alive.
    """
    buffers = []
    for memory in board.sheet.memories.values():
        buffer = ctypes.create_string_buffer(memory.size)
        if memory.kind == "rom":
            ctypes.memset(buffer, 0xFF, memory.size)
            for offset, word in memory.contents.items():
                struct.pack_into("<I", buffer, offset, word)
        buffers.append(buffer)
        access = unicorn_const.UC_PROT_READ | unicorn_const.UC_PROT_EXEC
        if memory.kind in ("ram", "tcm"):
            access |= unicorn_const.UC_PROT_WRITE
        for base in (memory.base, *memory.aliases):
            engine.mem_map_ptr(base, memory.size, access, buffer)
    return buffers


class EngineMemory:
    """The memories of the chip as a DMA controller reaches them."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine

    def read(self, address: int, length: int) -> bytes:
        """Return bytes."""
        return bytes(self._engine.mem_read(address, length))

    def write(self, address: int, data: bytes) -> None:
        """Store bytes."""
        self._engine.mem_write(address, data)
