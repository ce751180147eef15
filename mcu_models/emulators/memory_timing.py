"""What the memories of a board cost as firmware has set them up: wait states, the ART caches, the core's own caches.

A Cortex-M4 waits for its flash behind prefetch and the ART caches; the rest of its memories are as fast as the core. A
Cortex-M7 waits for lines that miss in its level-1 caches; tightly coupled memories have no wait. With a cache switched
off, every fetch or read goes to the memory; stores are buffered.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcu_models.boards.board import Board, MemorySheet
    from mcu_models.emulators.block_hook import BlockHook
    from mcu_models.emulators.port import FlashTiming

Piece = tuple[int, int, int, int]
"""A stretch of memory as the hook takes it: see `BlockHook.set_memories`."""
LINE_BYTES, BUS_BYTES = 32, 8
"""A line of the level-1 caches, and what AXI moves at once (DDI 0489F, 5.2 and 5.5)."""
DEFAULT_CACHE_BYTES = 16384
"""Each level-1 cache of STM32H7."""


@dataclass(frozen=True)
class CacheState:
    """Which level-1 caches are on, and address ranges (first, last) that the MPU keeps out of them."""

    code: bool
    data: bool
    uncached: Sequence[tuple[int, int]] = ()


NO_CACHES = CacheState(code=False, data=False)
"""Of a Cortex-M4."""


class MemoryTiming:
    """Puts a board's memories into a hook's tables."""

    def __init__(self, hook: BlockHook, board: Board) -> None:
        self._hook = hook
        self._board = board
        self._last: tuple[FlashTiming, int, CacheState] | None = None
        self._pieces: list[Piece] = []

    def set_up(self, flash: FlashTiming, bus_divider: int, caches: CacheState) -> None:
        """Charge memories so from now on.

        Args:
            flash: Wait states, prefetch and the ART caches.
            bus_divider: Core clocks per clock of the bus to flash and cached memories.
            caches: The core's own caches; a Cortex-M4 has none.
        """
        if (flash, bus_divider, caches) == self._last:
            return
        self._last = flash, bus_divider, caches
        has_caches = self._board.core == "cortex-m7"
        if has_caches:
            code_bytes, data_bytes = cache_bytes(self._board)
            self._hook.set_level_1_caches(
                code_bytes=code_bytes, data_bytes=data_bytes, code_on=caches.code, data_on=caches.data
            )
        else:
            self._hook.set_flash_timing(flash)
            if self._pieces:
                return  # only the flash waits, and no line is ever missing
        pieces: list[Piece] = []
        for memory in self._board.sheet.memories.values():
            fill = self._miss_cycles(memory, flash.wait_states, bus_divider)
            rest = self._rest_cycles(memory, flash.wait_states, bus_divider)
            for base in (memory.base, *memory.aliases):
                pieces += _pieces((base, base + memory.size - 1, fill, rest), caches.uncached)
        if pieces != self._pieces:
            self._pieces = pieces
            self._hook.set_memories(pieces, level_1_caches=has_caches)

    @staticmethod
    def _miss_cycles(memory: MemorySheet, wait_states: int, bus_divider: int) -> int:
        """Return the core cycles until the first word of a missing line is there; 0 for a memory without a wait."""
        if memory.miss_bus_cycles is None:
            return 0
        waits = wait_states if memory.kind == "flash" else 0
        return round((memory.miss_bus_cycles.value + waits) * bus_divider)

    def _rest_cycles(self, memory: MemorySheet, wait_states: int, bus_divider: int) -> int:
        """Return the core cycles that a memory needs for what of a line is left behind its first read."""
        if memory.miss_bus_cycles is None:
            return 0
        if memory.kind != "flash":
            return (LINE_BYTES // BUS_BYTES - 1) * bus_divider
        reads = LINE_BYTES // int(self._board.sheet.flash.read_bytes.value)
        return (reads - 1) * (wait_states + 1) * bus_divider


def cache_bytes(board: Board) -> tuple[int, int]:
    """Return the sizes of the core's caches for instructions and for data."""
    sheet = board.sheet.caches
    if sheet is None:
        return DEFAULT_CACHE_BYTES, DEFAULT_CACHE_BYTES
    return int(sheet.code_bytes.value), int(sheet.data_bytes.value)


def _pieces(memory: Piece, uncached: Sequence[tuple[int, int]]) -> list[Piece]:
    """Cut a memory where a range begins or ends that is kept out of the caches; such pieces have a negative fill."""
    first, last, fill, rest = memory
    cuts = {first, last + 1}
    for low, high in uncached:
        cuts |= {cut for cut in (low, high + 1) if first < cut <= last}
    return [
        (begin, end - 1, -fill if any(low <= begin <= high for low, high in uncached) else fill, rest)
        for begin, end in pairwise(sorted(cuts))
    ]
