"""Counts cycles and instructions of a running Unicorn engine, and stops it in time for the next event."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

import numpy as np
from unicorn import unicorn_const
from unicorn.unicorn_py3.unicorn import uclib

from mcu_models.emulators import native_hook as native
from mcu_models.timing.cortex_m4 import Block, edge_cycles
from mcu_models.timing.decoding import Decoder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcu_models.emulators.port import FlashTiming

NEVER = 2**62


class BlockHook:
    """One native hook at every block: cost per edge (previous block, block), flash stalls, and a deadline.

    The cost of an edge is worked out once, in Python, when the pair is first seen. Cycles are core clock cycles
    while the core executes; sleeping adds none.
    """

    def __init__(self, engine: Any, *, flash_base: int, flash_bytes: int) -> None:
        if flash_bytes > native.MAX_FLASH_LINES * native.LINE_BYTES:
            raise ValueError(f"flash of {flash_bytes} bytes; the cache model takes at most 2 MiB")
        self._engine = engine
        self._decoder = Decoder()
        self._arena = np.zeros(native.ARENA_WORDS, dtype=np.int64)
        # Single words are read and written through this view, which is much faster than through numpy.
        self._words = memoryview(self._arena.data)
        self._words[native.DEADLINE] = NEVER
        self._arena[native.FLASH_BASE] = flash_base
        self._arena[native.FLASH_SIZE] = flash_bytes
        self._arena[native.LAST_DATA_GRANULE] = -1
        self._blocks: list[Block | None] = [None]
        self._block_of: dict[tuple[int, int], int] = {}
        self._edges = 0
        self._register(unicorn_const.UC_HOOK_BLOCK, native.on_block.address, 1, 0)
        self._register(
            unicorn_const.UC_HOOK_MEM_READ,
            native.on_flash_read.address,
            flash_base,
            flash_base + flash_bytes - 1,
        )

    def _register(self, kind: int, function: int, begin: int, end: int) -> None:
        handle = ctypes.c_size_t(0)
        status = uclib.uc_hook_add(
            self._engine._uch,  # noqa: SLF001 - the binding offers no other way to a native hook
            ctypes.byref(handle),
            kind,
            ctypes.c_void_p(function),
            ctypes.c_void_p(self._arena.ctypes.data),
            ctypes.c_uint64(begin),
            ctypes.c_uint64(end),
        )
        if status != 0:
            raise RuntimeError(f"the emulator refused a native hook (status {status})")

    @property
    def cycles(self) -> int:
        """Core cycles executed."""
        return self._words[native.CYCLES]

    @cycles.setter
    def cycles(self, cycles: int) -> None:
        self._words[native.CYCLES] = cycles

    @property
    def instructions(self) -> int:
        """Instructions executed."""
        return self._words[native.INSTRUCTIONS]

    @property
    def deadline_cycles(self) -> int:
        """Cycle count at which the engine stops before its next block."""
        return self._words[native.DEADLINE]

    @deadline_cycles.setter
    def deadline_cycles(self, cycles: int) -> None:
        self._words[native.DEADLINE] = min(cycles, NEVER)

    @property
    def flash_stall_cycles(self) -> tuple[int, int]:
        """Cycles waited for flash: instruction fetch, data."""
        return int(self._arena[native.STALL_CYCLES]), int(self._arena[native.DATA_STALL_CYCLES])

    def watch_unmasking(self, *, watch: bool) -> None:
        """Stop behind every block that may let a masked interrupt in."""
        self._words[native.UNMASK_WATCH] = int(watch)

    def set_flash_timing(self, timing: FlashTiming) -> None:
        """Use these wait states, prefetch and caches from now on; a cache switched off is emptied."""
        arena = self._arena
        arena[native.WAIT_STATES] = timing.wait_states
        arena[native.PREFETCH] = int(timing.prefetch)
        arena[native.INSTRUCTION_CACHE] = int(timing.instruction_cache)
        arena[native.DATA_CACHE] = int(timing.data_cache)
        if not timing.instruction_cache:
            arena[native.I_VALID : native.I_VALID + native.INSTRUCTION_LINES] = 0
        if not timing.data_cache:
            arena[native.D_VALID : native.D_VALID + native.DATA_LINES] = 0

    def before_run(self) -> None:
        """Let the first block of the coming run through, whatever the deadline."""
        self._words[native.STOP_REASON] = native.REASON_NONE
        self._words[native.GRACE] = 1

    def break_sequence(self) -> None:
        """Forget the previous block: an exception or a sleep came between."""
        self._words[native.PREVIOUS] = 0

    def charge(self, cycles: int) -> None:
        """Add cycles that no block accounts for, such as stacking at exception entry."""
        self._words[native.CYCLES] += cycles

    @property
    def stop_reason(self) -> int:
        """Why the last run stopped, one of the REASON values of `native_hook`."""
        return self._words[native.STOP_REASON]

    @property
    def last_pc(self) -> int:
        """Address of the block that ran last."""
        return int(self._arena[native.BLOCK_START + self._words[native.PREVIOUS]])

    def learn_edge(self) -> None:
        """Decode and price the pair of blocks the native hook stopped at."""
        if self._edges + 1 >= native.MAX_EDGES or len(self._blocks) >= native.MAX_BLOCKS:
            self.forget_edges()
        arena = self._arena
        pc, size = int(arena[native.MISSED_PC]), int(arena[native.MISSED_SIZE])
        previous = self._words[native.PREVIOUS]
        index = self._block(pc, size)
        block = self._blocks[index]
        assert block is not None  # noqa: S101 - index is never 0
        self._edges += 1
        arena[native.EDGE_COST + self._edges] = edge_cycles(self._blocks[previous], block)
        arena[native.EDGE_BLOCK + self._edges] = index
        self._insert(native.edge_key(previous, pc, size), self._edges)

    def profile(self) -> Iterator[tuple[int, int, int]]:
        """Yield (block address, cycles with fetch stalls, times run) for every edge that ran."""
        arena = self._arena
        for edge in range(1, self._edges + 1):
            count = int(arena[native.EDGE_COUNT + edge])
            if count:
                start = int(arena[native.BLOCK_START + int(arena[native.EDGE_BLOCK + edge])])
                spent = count * int(arena[native.EDGE_COST + edge]) + int(arena[native.EDGE_STALL + edge])
                yield start, spent, count

    def forget_edges(self) -> None:
        """Drop every priced edge, because the tables are full; they are learnt anew.

        Code that overwrites itself in RAM is not noticed: its blocks keep the price of what stood there first.
        """
        self._arena[native.EDGE_KEY : native.BLOCK_START] = 0
        self.break_sequence()
        self._blocks = [None]
        self._block_of.clear()
        self._edges = 0

    def _block(self, pc: int, size: int) -> int:
        known = self._block_of.get((pc, size))
        if known is not None:
            return known
        code = bytes(self._engine.mem_read(pc, size))
        block = Block(pc, size, tuple(self._decoder.decode(code, pc)))
        index = len(self._blocks)
        self._blocks.append(block)
        self._block_of[(pc, size)] = index
        arena = self._arena
        arena[native.BLOCK_START + index] = pc
        arena[native.BLOCK_SIZE + index] = size
        arena[native.BLOCK_INSTRUCTIONS + index] = len(block.instructions)
        unmasks = any(i.kind == "system" for i in block.instructions)
        arena[native.BLOCK_FLAGS + index] = native.FLAG_MAY_UNMASK if unmasks else 0
        return index

    def _insert(self, key: int, edge: int) -> None:
        arena = self._arena
        slot = int(native.slot_of(key))
        while arena[native.EDGE_KEY + slot] not in (0, key):
            slot = (slot + 1) & (native.EDGE_SLOTS - 1)
        arena[native.EDGE_KEY + slot] = key
        arena[native.EDGE_ID + slot] = edge
