"""The code that runs at every translated block and every flash data read, compiled by numba.

It shares one array of 64-bit words with `BlockHook` (the layout below) and never calls Python: a block pair it has
not seen stops the emulator, and Python decodes it before the run goes on.
"""

from __future__ import annotations

import ctypes

import llvmlite.binding
import numpy as np
from numba import carray, cfunc, njit, types
from unicorn.unicorn_py3.unicorn import uclib

from datasheet.compile_cache import ensure_compile_cache

ensure_compile_cache(__file__)

# The address of uc_emu_stop differs from process to process; as a named symbol it can stay in numba's disk cache.
llvmlite.binding.add_symbol("uc_emu_stop", ctypes.cast(uclib.uc_emu_stop, ctypes.c_void_p).value)
_emu_stop = types.ExternalFunction("uc_emu_stop", types.int32(types.voidptr))

# Words of the header.
CYCLES, INSTRUCTIONS, DEADLINE, PREVIOUS, STOP_REASON, GRACE = range(6)
MISSED_PC, MISSED_SIZE, UNMASK_WATCH = range(6, 9)
FLASH_BASE, FLASH_SIZE, WAIT_STATES, PREFETCH, INSTRUCTION_CACHE, DATA_CACHE = range(9, 15)
TIME_STAMP, STALL_CYCLES, DATA_STALL_CYCLES, LAST_DATA_GRANULE = range(15, 19)
HEADER_WORDS = 32

# Why the emulator was stopped.
REASON_NONE, REASON_DEADLINE, REASON_NEW_EDGE, REASON_UNMASKED = range(4)

EDGE_SLOTS = 1 << 17
MAX_EDGES = EDGE_SLOTS // 2
MAX_BLOCKS = 1 << 15
GRANULE_BYTES = 8
LINE_BYTES = 32
INSTRUCTION_LINES = 32
DATA_LINES = 8
MAX_FLASH_LINES = (2 << 20) // LINE_BYTES

# Sections behind the header.
EDGE_KEY = HEADER_WORDS
EDGE_ID = EDGE_KEY + EDGE_SLOTS
EDGE_COST = EDGE_ID + EDGE_SLOTS
EDGE_BLOCK = EDGE_COST + MAX_EDGES
EDGE_COUNT = EDGE_BLOCK + MAX_EDGES
EDGE_STALL = EDGE_COUNT + MAX_EDGES
BLOCK_START = EDGE_STALL + MAX_EDGES
BLOCK_SIZE = BLOCK_START + MAX_BLOCKS
BLOCK_INSTRUCTIONS = BLOCK_SIZE + MAX_BLOCKS
BLOCK_FLAGS = BLOCK_INSTRUCTIONS + MAX_BLOCKS
LINE_SLOT = BLOCK_FLAGS + MAX_BLOCKS
I_TAG = LINE_SLOT + MAX_FLASH_LINES
I_STAMP = I_TAG + INSTRUCTION_LINES
I_VALID = I_STAMP + INSTRUCTION_LINES
D_TAG = I_VALID + INSTRUCTION_LINES
D_STAMP = D_TAG + DATA_LINES
D_VALID = D_STAMP + DATA_LINES
ARENA_WORDS = D_VALID + DATA_LINES

FLAG_MAY_UNMASK = 1

_EMPTY = np.int64(0)
_HASH = np.uint64(0x9E3779B97F4A7C15)


@njit(types.int64(types.int64), inline="always", cache=True)
def slot_of(key: int) -> int:
    """Return the first slot to look for `key` in the table of edges."""
    return np.int64((np.uint64(key) * _HASH) >> np.uint64(47))  # type: ignore[return-value]


@njit(types.int64(types.int64, types.int64, types.int64), inline="always", cache=True)
def edge_key(previous: int, pc: int, size: int) -> int:
    """Return the key of the edge from block `previous` to the block of `size` bytes at `pc`; never 0."""
    return (previous << 46) | ((pc >> 1) << 14) | (size & 0x1FFF) | 0x2000


@njit(inline="always", cache=True)
def _find_edge(arena, key):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    slot = slot_of(key)
    while True:
        found = arena[EDGE_KEY + slot]
        if found == key:
            return arena[EDGE_ID + slot]
        if found == _EMPTY:
            return np.int64(0)
        slot = (slot + 1) & (EDGE_SLOTS - 1)


@njit(cache=True)
def _replace_line(arena, tag, stamp, valid, lines, line):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Give `line` the least recently used slot of a cache and return that slot."""
    victim = 0
    for slot in range(1, lines):
        if arena[stamp + slot] < arena[stamp + victim]:
            victim = slot
    arena[tag + victim] = line
    arena[valid + victim] = 0
    return victim


@njit(cache=True)
def _fetch_stall(arena, start, size, cycles, sequential):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return the cycles a block at flash offset `start` waits for its instructions."""
    wait = arena[WAIT_STATES]
    granules = ((start + size - 1) // GRANULE_BYTES) - start // GRANULE_BYTES + 1
    stall = np.int64(0)
    followers = np.int64(0)
    fresh = not sequential
    for granule in range(start // GRANULE_BYTES, (start + size - 1) // GRANULE_BYTES + 1):
        line = granule >> 2
        bit = np.int64(1) << (granule & 3)
        slot = arena[LINE_SLOT + line] - 1
        if slot < 0 or arena[I_TAG + slot] != line + 1:
            slot = _replace_line(arena, I_TAG, I_STAMP, I_VALID, INSTRUCTION_LINES, line + 1)
            arena[LINE_SLOT + line] = slot + 1
        arena[TIME_STAMP] += 1
        arena[I_STAMP + slot] = arena[TIME_STAMP]
        if arena[I_VALID + slot] & bit == 0 or arena[INSTRUCTION_CACHE] == 0:
            arena[I_VALID + slot] |= bit
            if fresh:
                stall += wait
            else:
                followers += 1
        fresh = False
    if arena[PREFETCH] == 0:
        return stall + followers * wait
    # With prefetch, a granule is read while the one before it executes.
    return stall + max(np.int64(0), followers * (wait + 1) - followers * cycles // granules)


@cfunc(types.void(types.voidptr, types.uint64, types.uint32, types.voidptr), cache=True)
def on_block(uc, pc_word, size_word, data):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Charge the block at `pc_word`, or stop before it."""
    arena = carray(data, (ARENA_WORDS,), dtype=np.int64)
    pc = np.int64(pc_word)
    size = np.int64(size_word)
    previous = arena[PREVIOUS]
    if arena[GRACE] != 0:
        arena[GRACE] = 0
    elif arena[CYCLES] >= arena[DEADLINE]:
        arena[STOP_REASON] = REASON_DEADLINE
        _emu_stop(uc)
        return
    elif arena[UNMASK_WATCH] != 0 and arena[BLOCK_FLAGS + previous] & FLAG_MAY_UNMASK != 0:
        arena[STOP_REASON] = REASON_UNMASKED
        _emu_stop(uc)
        return
    edge = _find_edge(arena, edge_key(previous, pc, size))
    if edge == 0:
        arena[MISSED_PC] = pc
        arena[MISSED_SIZE] = size
        arena[STOP_REASON] = REASON_NEW_EDGE
        _emu_stop(uc)
        return
    block = arena[EDGE_BLOCK + edge]
    cost = arena[EDGE_COST + edge]
    if arena[WAIT_STATES] != 0:
        start = pc - arena[FLASH_BASE]
        if start >= 0 and start < arena[FLASH_SIZE]:
            came_from = arena[BLOCK_START + previous] + arena[BLOCK_SIZE + previous]
            stall = _fetch_stall(arena, start, size, cost, previous != 0 and came_from == pc)
            arena[STALL_CYCLES] += stall
            arena[EDGE_STALL + edge] += stall
            cost += stall
    arena[EDGE_COUNT + edge] += 1
    arena[CYCLES] += cost
    arena[INSTRUCTIONS] += arena[BLOCK_INSTRUCTIONS + block]
    arena[PREVIOUS] = block


@cfunc(types.void(types.voidptr, types.int32, types.uint64, types.int32, types.int64, types.voidptr), cache=True)
def on_flash_read(uc, kind, address, size, value, data):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201, ARG001
    """Charge the wait states of one data read from flash."""
    arena = carray(data, (ARENA_WORDS,), dtype=np.int64)
    wait = arena[WAIT_STATES]
    if wait == 0:
        return
    granule = (np.int64(address) - arena[FLASH_BASE]) // GRANULE_BYTES
    if granule == arena[LAST_DATA_GRANULE]:
        return
    arena[LAST_DATA_GRANULE] = granule
    line = (granule >> 2) + 1
    bit = np.int64(1) << (granule & 3)
    found = -1
    for slot in range(DATA_LINES):
        if arena[D_TAG + slot] == line:
            found = slot
    if found < 0:
        found = _replace_line(arena, D_TAG, D_STAMP, D_VALID, DATA_LINES, line)
    arena[TIME_STAMP] += 1
    arena[D_STAMP + found] = arena[TIME_STAMP]
    if arena[D_VALID + found] & bit == 0 or arena[DATA_CACHE] == 0:
        arena[D_VALID + found] |= bit
        arena[CYCLES] += wait
        arena[DATA_STALL_CYCLES] += wait
