"""The code that runs at every translated block and every data access, compiled by numba.

It shares one array of 64-bit words with `BlockHook` (the layout below) and never calls Python: a block pair it has
not seen stops the emulator, and Python decodes it before the run goes on.
"""

from __future__ import annotations

import ctypes

import llvmlite.binding
import numpy as np
from numba import carray, cfunc, njit, types
from unicorn import arm_const
from unicorn.unicorn_py3.unicorn import uclib

from datasheet.compile_cache import ensure_compile_cache

ensure_compile_cache(__file__)

# The addresses of functions differ from process to process; as named symbols they can stay in numba's disk cache.
for _function in ("uc_emu_stop", "uc_reg_read", "uc_reg_write"):
    llvmlite.binding.add_symbol(_function, ctypes.cast(getattr(uclib, _function), ctypes.c_void_p).value)
_emu_stop = types.ExternalFunction("uc_emu_stop", types.int32(types.voidptr))
_reg_read = types.ExternalFunction("uc_reg_read", types.int32(types.voidptr, types.int32, types.int64))
_reg_write = types.ExternalFunction("uc_reg_write", types.int32(types.voidptr, types.int32, types.int64))

NEVER = 2**62
"""A count that is not reached."""

# Words of the header.
CYCLES, INSTRUCTIONS, DEADLINE, PREVIOUS, STOP_REASON, GRACE = range(6)
MISSED_PC, MISSED_SIZE, UNMASK_WATCH = range(6, 9)
FLASH_BASE, FLASH_SIZE, WAIT_STATES, PREFETCH, INSTRUCTION_CACHE, DATA_CACHE = range(9, 15)
TIME_STAMP, STALL_CYCLES, DATA_STALL_CYCLES, LAST_DATA_GRANULE = range(15, 19)
HALF_CYCLES, CURRENT_EDGE, GRANULE_SHIFT, REGION, MISPREDICTIONS = range(19, 24)
L1_CACHES, UNALIGNED_CYCLES, UNALIGNED_ODD_CYCLES, UNALIGNED_STORES, REGISTER_VALUE = range(24, 29)
ACCESS_INDEX, LAST_MEMORY, CROSSING_CYCLES, LEARNT_RUN = range(29, 33)
PHASE, WINDOW_END, UNMEASURED, DATA_FRACTION, LAZY_FLOAT_CYCLES = range(33, 38)
L1_CODE_ON, L1_DATA_ON, L1I_SETS, L1D_SETS = range(38, 42)
RECENT_AT, FLOATS_OFF, FAULT_ADDRESS, TRAP_UNALIGNED, BLOCK_CYCLES = range(42, 47)
CALLS_WATCHED, CALL_DEPTH, CALL_LOG_AT = range(47, 50)
HEADER_WORDS = 50
"""Costs of edges and regions are in half cycles, which a dual-issue core can gain; stalls are whole cycles."""

# Why the emulator was stopped.
REASON_NONE, REASON_DEADLINE, REASON_NEW_EDGE, REASON_UNMASKED, REASON_WINDOW = range(5)
REASON_FLOAT, REASON_UNALIGNED = range(5, 7)

# What data accesses are charged: each as it comes, from the mean of its edge while nobody looks, or from the mean
# while the caches are filled again. MEASURING is charged as EXACT is, and adds to the means.
EXACT, MEASURING, REUSING, WARMING = range(4)
MEAN_SHIFT = 8
"""Mean cycles of an edge's data accesses are kept in 1/256 cycles."""
UNKNOWN_MEAN = -1
UNMEASURED_LIMIT = 10_000
"""Instructions of unknown edges that end a window at once."""
ENOUGH_RUNS = 16
"""Runs of an edge under observation until its mean counts as known."""

EDGE_SLOTS = 1 << 17
PADDING_WORDS = 72
"""Tables of a power of two in length would put the entries of one edge all into one set of the host's cache."""
MAX_EDGES = EDGE_SLOTS // 2 + PADDING_WORDS
MAX_BLOCKS = (1 << 15) + PADDING_WORDS
LINE_SHIFT = 5
LINE_BYTES = 1 << LINE_SHIFT
INSTRUCTION_LINES = 32
DATA_LINES = 8
MAX_FLASH_LINES = (2 << 20) // LINE_BYTES
MAX_REGIONS = 4096
MAX_MEMORIES = 32
PIPELINED_WORDS = 4
"""Words of a block's bit field of accesses."""
# Cortex-M7: two ways for instructions, four for data (DDI 0489F, 5.2); sets by the size of the caches.
L1I_WAYS, L1D_WAYS = 2, 4
MAX_L1I_SETS, MAX_L1D_SETS = 1024, 512
"""Of 64 KB, the largest that the core can be made with."""

# Calls under way: function, address it returns to, stack pointer at its entry, cycles by then.
CALL_WORDS = 4
DEEPEST_CALL = 256
"""Calls under way that are remembered; those further in are not measured."""
MAX_FUNCTIONS = 1 << 14
FUNCTION_WORDS = 5
"""Of each function: calls that have ended, and the cycles of the last, the shortest, the longest and all."""
RETURN_MARKS = 1 << 10
"""Counts of calls under way by some bits of where they return to, so that most blocks need no look at them."""
CALL_LOG = 1 << 14
"""Calls and returns remembered, a power of two: which (function doubled, 1 more for a return), and cycles by then."""

# Which unaligned accesses stop the engine: none, those of instructions that must be aligned, all.
TRAP_NONE, TRAP_SOME, TRAP_ALL = range(3)

RECENT_BLOCKS = 32
"""Blocks remembered for a post-mortem; a power of two."""

# Sections behind the header.
RECENT = HEADER_WORDS
EDGE_KEY = RECENT + RECENT_BLOCKS
EDGE_ID = EDGE_KEY + EDGE_SLOTS
EDGE_COST = EDGE_ID + EDGE_SLOTS
EDGE_BLOCK = EDGE_COST + MAX_EDGES
EDGE_COUNT = EDGE_BLOCK + MAX_EDGES
EDGE_STALL = EDGE_COUNT + MAX_EDGES
EDGE_SEEN = EDGE_STALL + MAX_EDGES
EDGE_DATA = EDGE_SEEN + MAX_EDGES
EDGE_MEAN = EDGE_DATA + MAX_EDGES
BLOCK_START = EDGE_MEAN + MAX_EDGES
BLOCK_SIZE = BLOCK_START + MAX_BLOCKS
BLOCK_INSTRUCTIONS = BLOCK_SIZE + MAX_BLOCKS
BLOCK_FLAGS = BLOCK_INSTRUCTIONS + MAX_BLOCKS
BLOCK_REGION = BLOCK_FLAGS + MAX_BLOCKS
BLOCK_FILL = BLOCK_REGION + MAX_BLOCKS
BLOCK_BRANCH = BLOCK_FILL + MAX_BLOCKS
BLOCK_PENALTY = BLOCK_BRANCH + MAX_BLOCKS
BLOCK_HISTORY = BLOCK_PENALTY + MAX_BLOCKS
BLOCK_RUN = BLOCK_HISTORY + MAX_BLOCKS
BLOCK_RUN_TAKEN = BLOCK_RUN + MAX_BLOCKS
BLOCK_RUN_PASSED = BLOCK_RUN_TAKEN + MAX_BLOCKS
BLOCK_ACCESSES = BLOCK_RUN_PASSED + MAX_BLOCKS
BLOCK_PIPELINED = BLOCK_ACCESSES + MAX_BLOCKS
REGION_HALVES = BLOCK_PIPELINED + MAX_BLOCKS * PIPELINED_WORDS
MEMORY_FIRST = REGION_HALVES + MAX_REGIONS
MEMORY_LAST = MEMORY_FIRST + MAX_MEMORIES
MEMORY_FILL = MEMORY_LAST + MAX_MEMORIES
MEMORY_REST = MEMORY_FILL + MAX_MEMORIES
MEMORY_BUSY = MEMORY_REST + MAX_MEMORIES
L1I_TAG = MEMORY_BUSY + MAX_MEMORIES
L1I_STAMP = L1I_TAG + MAX_L1I_SETS * L1I_WAYS
L1D_TAG = L1I_STAMP + MAX_L1I_SETS * L1I_WAYS
L1D_STAMP = L1D_TAG + MAX_L1D_SETS * L1D_WAYS
LINE_SLOT = L1D_STAMP + MAX_L1D_SETS * L1D_WAYS
I_TAG = LINE_SLOT + MAX_FLASH_LINES
I_STAMP = I_TAG + INSTRUCTION_LINES
I_VALID = I_STAMP + INSTRUCTION_LINES
D_TAG = I_VALID + INSTRUCTION_LINES
D_STAMP = D_TAG + DATA_LINES
D_VALID = D_STAMP + DATA_LINES
BLOCK_FUNCTION = D_VALID + DATA_LINES
FUNCTION = BLOCK_FUNCTION + MAX_BLOCKS
CALL = FUNCTION + MAX_FUNCTIONS * FUNCTION_WORDS
RETURN_MARK = CALL + DEEPEST_CALL * CALL_WORDS
LOG = RETURN_MARK + RETURN_MARKS
ARENA_WORDS = LOG + 2 * CALL_LOG

FLAG_MAY_UNMASK, FLAG_CONDITIONAL_ACCESS, FLAG_FLOAT, FLAG_ALIGNED_ACCESS = 1, 2, 4, 8
BRANCH_CONDITIONAL, BRANCH_INDIRECT = 1, 2
ALIGNED_MNEMONICS = (
    "ldrd", "strd", "ldm", "stm", "push", "pop", "ldrex", "strex", "vldr", "vstr", "vldm", "vstm", "vpush", "vpop",
)  # fmt: skip
"""Instructions that fault at an unaligned address, whatever CCR says (DDI 0403E, A3.2.1)."""
_READ = 16
"""UC_MEM_READ."""
_XPSR, _SP, _LR = arm_const.UC_ARM_REG_XPSR, arm_const.UC_ARM_REG_SP, arm_const.UC_ARM_REG_LR
_IF_THEN_BITS = 0x0600FC00
"""ITSTATE within xPSR (DDI 0403E, B1.4.2)."""

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
def _line_slot(arena, line):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return the slot of a line of flash in the instruction cache, after making it the one used last."""
    slot = arena[LINE_SLOT + line] - 1
    if slot < 0 or arena[I_TAG + slot] != line + 1:
        slot = _replace_line(arena, I_TAG, I_STAMP, I_VALID, INSTRUCTION_LINES, line + 1)
        arena[LINE_SLOT + line] = slot + 1
    arena[TIME_STAMP] += 1
    arena[I_STAMP + slot] = arena[TIME_STAMP]
    return slot


@njit(cache=True)
def _fetch_stall(arena, start, size, cycles, sequential):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return the cycles a block at flash offset `start` waits for its instructions."""
    shift = arena[GRANULE_SHIFT]
    first = start >> shift
    last = (start + size - 1) >> shift
    per_line_shift = LINE_SHIFT - shift
    in_line = (np.int64(1) << per_line_shift) - 1
    missing = np.int64(0)
    first_missing = False
    granule = first
    while granule <= last:
        line = granule >> per_line_shift
        end = min(last, granule | in_line)
        wanted = ((np.int64(2) << (end & in_line)) - 1) & ~((np.int64(1) << (granule & in_line)) - 1)
        slot = _line_slot(arena, line)
        absent = wanted if arena[INSTRUCTION_CACHE] == 0 else wanted & ~arena[I_VALID + slot]
        if absent != 0:
            arena[I_VALID + slot] |= wanted
            if granule == first and absent & (np.int64(1) << (first & in_line)) != 0:
                first_missing = True
            while absent != 0:
                missing += 1
                absent &= absent - 1
        granule = end + 1
    if missing == 0:
        return np.int64(0)
    return _missing_stall(arena, missing, first_missing and not sequential, cycles, last - first + 1)


@njit(cache=True)
def _missing_stall(arena, missing, fresh, cycles, granules):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return what reading the missing granules costs; one that is jumped to is waited for in full."""
    wait = arena[WAIT_STATES]
    followers = missing - 1 if fresh else missing
    stall = wait if fresh else np.int64(0)
    if arena[PREFETCH] == 0:
        return stall + followers * wait
    # With prefetch, a granule is read while the one before it executes.
    return stall + max(np.int64(0), followers * (wait + 1) - followers * cycles // granules)


@njit(cache=True)
def _misses(arena, tags, stamps, sets, ways, line):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Look a line up in a cache and put it there: least recently used way. Return whether it was missing.

    The number of sets is a power of two.
    """
    base = (line & (sets - 1)) * ways
    arena[TIME_STAMP] += 1
    victim = base
    for way in range(base, base + ways):
        if arena[tags + way] == line + 1:
            arena[stamps + way] = arena[TIME_STAMP]
            return False
        if arena[stamps + way] < arena[stamps + victim]:
            victim = way
    arena[tags + victim] = line + 1
    arena[stamps + victim] = arena[TIME_STAMP]
    return True


@njit(cache=True)
def _code_fill(arena, pc, size, fill):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return the cycles to bring the lines of a block into the instruction cache."""
    cycles = np.int64(0)
    for line in range(pc >> LINE_SHIFT, ((pc + size - 1) >> LINE_SHIFT) + 1):
        if fill < 0:
            cycles -= fill
        elif arena[L1_CODE_ON] == 0 or _misses(arena, L1I_TAG, L1I_STAMP, arena[L1I_SETS], L1I_WAYS, line):
            cycles += fill
    return cycles


@njit(cache=True)
def _expects_taken(arena, block):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Guess a conditional branch: it turns after as many equal outcomes as twice before, else by a 2-bit counter."""
    run = arena[BLOCK_RUN + block]
    known = arena[(BLOCK_RUN_TAKEN if run > 0 else BLOCK_RUN_PASSED) + block]
    if known & 1 and known >> 1 <= arena[LEARNT_RUN]:
        return (run > 0) != (abs(run) == known >> 1)
    return arena[BLOCK_HISTORY + block] >= 2


@njit(cache=True)
def _learn_outcome(arena, block, taken):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Note an outcome: the 2-bit counter, the run of equal ones, and the length of the run that it ends."""
    history = arena[BLOCK_HISTORY + block]
    arena[BLOCK_HISTORY + block] = min(history + 1, 3) if taken else max(history - 1, 0)
    run = arena[BLOCK_RUN + block]
    if run == 0 or (run > 0) == taken:
        arena[BLOCK_RUN + block] = run + (1 if taken else -1)
        return
    place = (BLOCK_RUN_TAKEN if run > 0 else BLOCK_RUN_PASSED) + block
    length = abs(run)
    arena[place] = 2 * length + (1 if arena[place] >> 1 == length else 0)
    arena[BLOCK_RUN + block] = 1 if taken else -1


@njit(cache=True)
def _mispredicted(arena, block, pc):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Tell whether the branch at the end of `block` went where the predictor did not expect, and teach it."""
    if arena[BLOCK_BRANCH + block] == BRANCH_INDIRECT:
        expected = arena[BLOCK_HISTORY + block]
        arena[BLOCK_HISTORY + block] = pc
        return expected != pc
    taken = arena[BLOCK_START + block] + arena[BLOCK_SIZE + block] != pc
    wrong = _expects_taken(arena, block) != taken
    _learn_outcome(arena, block, taken)
    return wrong


@njit(cache=True)
def _block_stall(arena, block, previous, pc, size, cost):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return the cycles the block waits for its instructions and for a wrong guess of the branch before it."""
    stall = np.int64(0)
    if arena[L1_CACHES] != 0:
        if arena[BLOCK_FILL + block] != 0:
            stall = _code_fill(arena, pc, size, arena[BLOCK_FILL + block])
        if arena[BLOCK_BRANCH + previous] != 0 and _mispredicted(arena, previous, pc):
            arena[MISPREDICTIONS] += 1
            stall += arena[BLOCK_PENALTY + previous]
    elif arena[WAIT_STATES] != 0:
        start = pc - arena[FLASH_BASE]
        if start >= 0 and start < arena[FLASH_SIZE]:
            came_from = arena[BLOCK_START + previous] + arena[BLOCK_SIZE + previous]
            stall = _fetch_stall(arena, start, size, cost // 2, previous != 0 and came_from == pc)
    return stall


@njit(cache=True)
def _data_cycles(arena, edge, instructions):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return what the data accesses of an edge are charged before they come, by what they have cost on average.

    While they are watched, that is nothing; what is not known well enough is counted, by instructions.
    """
    if arena[PHASE] <= MEASURING:
        if arena[PHASE] == MEASURING:
            if arena[EDGE_SEEN + edge] < ENOUGH_RUNS:
                arena[UNMEASURED] += instructions
            arena[EDGE_SEEN + edge] += 1
        return np.int64(0)
    mean = arena[EDGE_MEAN + edge]
    if mean <= 0:
        if mean == UNKNOWN_MEAN and arena[WINDOW_END] != NEVER:
            arena[UNMEASURED] += instructions
            if arena[UNMEASURED] > UNMEASURED_LIMIT:
                arena[WINDOW_END] = 0
        return np.int64(0)
    fraction = arena[DATA_FRACTION] + mean
    arena[DATA_FRACTION] = fraction & ((1 << MEAN_SHIFT) - 1)
    cycles = fraction >> MEAN_SHIFT
    arena[DATA_STALL_CYCLES] += cycles
    return cycles


@njit(cache=True)
def _register_value(uc, arena, register):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return a core register."""
    arena[REGISTER_VALUE] = 0
    _reg_read(uc, register, arena[REGISTER_VALUE : REGISTER_VALUE + 1].ctypes.data)
    return arena[REGISTER_VALUE]


@njit(inline="always", cache=True)
def _log_call(arena, what):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    place = LOG + 2 * (arena[CALL_LOG_AT] & (CALL_LOG - 1))
    arena[place] = what
    arena[place + 1] = arena[CYCLES]
    arena[CALL_LOG_AT] += 1


@njit(cache=True)
def _drop_call(arena, has_ended):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Take the innermost call off, and book its cycles if it has ended as it should."""
    arena[CALL_DEPTH] -= 1
    call = CALL + arena[CALL_DEPTH] * CALL_WORDS
    arena[RETURN_MARK + (arena[call + 1] >> 1 & (RETURN_MARKS - 1))] -= 1
    _log_call(arena, 2 * arena[call] + 1)
    if not has_ended:
        return
    spent = arena[CYCLES] - arena[call + 3]
    function = FUNCTION + arena[call] * FUNCTION_WORDS
    is_first = arena[function] == 0
    arena[function] += 1
    arena[function + 1] = spent
    arena[function + 2] = spent if is_first else min(arena[function + 2], spent)
    arena[function + 3] = max(arena[function + 3], spent)
    arena[function + 4] += spent


@njit(cache=True)
def leave_calls(arena, pc, stack):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """End the innermost call that returns to here with this stack pointer, and whatever it has called."""
    depth = arena[CALL_DEPTH] - 1
    while depth >= 0:
        call = CALL + depth * CALL_WORDS
        if arena[call + 1] == pc and arena[call + 2] == stack:
            break
        depth -= 1
    if depth < 0:
        return
    # Calls by a jump, at the end of a function, return together.
    while depth > 0:
        outer = CALL + (depth - 1) * CALL_WORDS
        if arena[outer + 1] != pc or arena[outer + 2] != stack:
            break
        depth -= 1
    while arena[CALL_DEPTH] > depth:
        call = CALL + (arena[CALL_DEPTH] - 1) * CALL_WORDS
        _drop_call(arena, arena[call + 1] == pc and arena[call + 2] == stack)


@njit(cache=True)
def _enter_call(uc, arena, function):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Note that a function begins; a jump back to its own first instruction is no call."""
    stack = _register_value(uc, arena, _SP)
    target = _register_value(uc, arena, _LR) & ~np.int64(1)
    # What was entered with a lower stack pointer, or with the same from elsewhere, has been left unseen.
    while arena[CALL_DEPTH] > 0:
        call = CALL + (arena[CALL_DEPTH] - 1) * CALL_WORDS
        is_again = arena[call] == function and arena[call + 1] != target
        if arena[call + 2] > stack or (arena[call + 2] == stack and not is_again):
            break
        _drop_call(arena, False)  # noqa: FBT003
    depth = arena[CALL_DEPTH] - 1
    while depth >= 0:
        call = CALL + depth * CALL_WORDS
        if arena[call + 1] != target or arena[call + 2] != stack:
            break
        if arena[call] == function:
            return
        depth -= 1
    if arena[CALL_DEPTH] >= DEEPEST_CALL:
        return
    call = CALL + arena[CALL_DEPTH] * CALL_WORDS
    arena[CALL_DEPTH] += 1
    arena[call], arena[call + 1], arena[call + 2], arena[call + 3] = function, target, stack, arena[CYCLES]
    arena[RETURN_MARK + (target >> 1 & (RETURN_MARKS - 1))] += 1
    _log_call(arena, 2 * function)


@njit(inline="always", cache=True)
def _watch_calls(uc, arena, block, pc):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Notice the calls that end before a block, and the one that begins with it; the block is not yet charged."""
    if arena[CALLS_WATCHED] == 0:
        return
    if arena[RETURN_MARK + (pc >> 1 & (RETURN_MARKS - 1))] != 0:
        leave_calls(arena, pc, _register_value(uc, arena, _SP))
    function = arena[BLOCK_FUNCTION + block]
    if function != 0:
        _enter_call(uc, arena, function)


@njit(inline="always", cache=True)
def _begin_block(arena, block, edge, pc):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    arena[RECENT + (arena[RECENT_AT] & (RECENT_BLOCKS - 1))] = pc
    arena[RECENT_AT] += 1
    arena[PREVIOUS] = block
    arena[CURRENT_EDGE] = edge
    arena[ACCESS_INDEX] = 0


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
    if arena[INSTRUCTIONS] >= arena[WINDOW_END]:
        arena[STOP_REASON] = REASON_WINDOW
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
    if arena[FLOATS_OFF] != 0 and arena[BLOCK_FLAGS + block] & FLAG_FLOAT != 0:
        arena[STOP_REASON] = REASON_FLOAT
        _emu_stop(uc)
        return
    _watch_calls(uc, arena, block, pc)
    cost = arena[EDGE_COST + edge]
    stall = _block_stall(arena, block, previous, pc, size, cost)
    arena[STALL_CYCLES] += stall
    if arena[PHASE] != EXACT:
        stall += _data_cycles(arena, edge, arena[BLOCK_INSTRUCTIONS + block])
    if arena[LAZY_FLOAT_CYCLES] != 0 and arena[BLOCK_FLAGS + block] & FLAG_FLOAT != 0:
        stall += arena[LAZY_FLOAT_CYCLES]
        arena[LAZY_FLOAT_CYCLES] = 0
    arena[EDGE_STALL + edge] += stall
    arena[EDGE_COUNT + edge] += 1
    halves = cost + 2 * stall
    if arena[BLOCK_REGION + block] != 0:
        arena[REGION] = arena[BLOCK_REGION + block]
    arena[REGION_HALVES + arena[REGION]] += halves
    halves += arena[HALF_CYCLES]
    arena[CYCLES] += halves >> 1
    arena[HALF_CYCLES] = halves & 1
    arena[INSTRUCTIONS] += arena[BLOCK_INSTRUCTIONS + block]
    arena[BLOCK_CYCLES] = cost >> 1
    _begin_block(arena, block, edge, pc)


@njit(cache=True)
def _flash_data_stall(arena, address):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return the wait states of one data read from flash through the ART data cache."""
    shift = arena[GRANULE_SHIFT]
    granule = (np.int64(address) - arena[FLASH_BASE]) >> shift
    if granule == arena[LAST_DATA_GRANULE]:
        return np.int64(0)
    arena[LAST_DATA_GRANULE] = granule
    per_line_shift = LINE_SHIFT - shift
    line = (granule >> per_line_shift) + 1
    bit = np.int64(1) << (granule & ((np.int64(1) << per_line_shift) - 1))
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
        return arena[WAIT_STATES]
    return np.int64(0)


@njit(cache=True)
def _charge_data(arena, cycles, waiting):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Add the cycles a data access of the running block takes, of which it spends some waiting for memory."""
    if arena[PHASE] == WARMING:
        return
    if arena[PHASE] == MEASURING:
        arena[EDGE_DATA + arena[CURRENT_EDGE]] += cycles
    arena[CYCLES] += cycles
    arena[DATA_STALL_CYCLES] += waiting
    arena[EDGE_STALL + arena[CURRENT_EDGE]] += cycles
    arena[REGION_HALVES + arena[REGION]] += 2 * cycles


@njit(cache=True)
def _unaligned_cycles(arena, kind, address, size):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return what an access across its natural boundary costs more than an aligned one."""
    if address & (min(size, 4) - 1) == 0 or (kind != _READ and arena[UNALIGNED_STORES] == 0):
        return np.int64(0)
    return arena[UNALIGNED_ODD_CYCLES] if address & 1 and size > 2 else arena[UNALIGNED_CYCLES]


@njit(cache=True)
def _memory_at(arena, address):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return which memory `address` lies in; it is most often the one of the access before."""
    last = arena[LAST_MEMORY]
    if arena[MEMORY_FIRST + last] <= address <= arena[MEMORY_LAST + last]:
        return last
    for memory in range(MAX_MEMORIES):
        if arena[MEMORY_FIRST + memory] <= address <= arena[MEMORY_LAST + memory]:
            return np.int64(memory)
    return last


@njit(cache=True)
def _line_cycles(arena, memory, first_word):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return the cycles until the first word of a line is there; the line before it may still be coming."""
    # The whole block has been charged at its start: of its cycles, those behind this access have not passed yet.
    accesses = arena[BLOCK_ACCESSES + arena[PREVIOUS]]
    left = max(np.int64(0), accesses - arena[ACCESS_INDEX])
    now = arena[CYCLES] - (arena[BLOCK_CYCLES] * left // accesses if accesses > 0 else 0)
    wait = max(np.int64(0), arena[MEMORY_BUSY + memory] - now) + first_word
    arena[MEMORY_BUSY + memory] = now + wait + arena[MEMORY_REST + memory]
    return wait


@njit(cache=True)
def _crossing_cycles(arena, memory):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return what an access costs that cannot hide behind the load before it because that went elsewhere."""
    index = arena[ACCESS_INDEX]
    arena[ACCESS_INDEX] = index + 1
    if memory == arena[LAST_MEMORY] or index >= 64 * PIPELINED_WORDS:
        return np.int64(0)
    word = arena[BLOCK_PIPELINED + arena[PREVIOUS] * PIPELINED_WORDS + (index >> 6)]
    return arena[CROSSING_CYCLES] if word >> (index & 63) & 1 else np.int64(0)


@njit(inline="always", cache=True)
def _must_be_aligned(arena):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Tell whether the running block may hold an access that faults when unaligned."""
    trap = arena[TRAP_UNALIGNED]
    if trap == TRAP_SOME:
        return arena[BLOCK_FLAGS + arena[PREVIOUS]] & FLAG_ALIGNED_ACCESS != 0
    return trap == TRAP_ALL


@njit(cache=True)
def _forget_if_then(uc, arena):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Clear the if-then state that Unicorn leaves behind when a hook sees an access within an IT block.

    Left as it is, the next block would be translated as if its first instructions belonged to that IT block. The
    engine stores the state itself where a translated block ends within one.
    """
    if arena[BLOCK_FLAGS + arena[PREVIOUS]] & FLAG_CONDITIONAL_ACCESS == 0:
        return
    place = arena[REGISTER_VALUE : REGISTER_VALUE + 1].ctypes.data
    arena[REGISTER_VALUE] = 0
    _reg_read(uc, _XPSR, place)
    if arena[REGISTER_VALUE] & _IF_THEN_BITS != 0:
        arena[REGISTER_VALUE] &= ~np.int64(_IF_THEN_BITS)
        _reg_write(uc, _XPSR, place)


@cfunc(types.void(types.voidptr, types.int32, types.uint64, types.int32, types.int64, types.voidptr), cache=True)
def on_access(uc, kind, address_word, size, value, data):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201, ARG001
    """Charge what one data access costs beyond its instruction: boundaries crossed, caches missed, wait states."""
    arena = carray(data, (ARENA_WORDS,), dtype=np.int64)
    _forget_if_then(uc, arena)
    address = np.int64(address_word)
    if address & (min(size, 4) - 1) != 0 and _must_be_aligned(arena):
        arena[STOP_REASON] = REASON_UNALIGNED
        arena[FAULT_ADDRESS] = address
        _emu_stop(uc)
        return
    memory = _memory_at(arena, address)
    cycles = _unaligned_cycles(arena, kind, address, size)
    waiting = np.int64(0)
    if arena[L1_CACHES] != 0:
        arena[ACCESS_INDEX] += 1
        fill = arena[MEMORY_FILL + memory]
        if fill != 0:
            if arena[L1_DATA_ON] == 0 or fill < 0:
                waiting = abs(fill) if kind == _READ else np.int64(0)
            elif _misses(arena, L1D_TAG, L1D_STAMP, arena[L1D_SETS], L1D_WAYS, address >> LINE_SHIFT):
                waiting = _line_cycles(arena, memory, fill)
    else:
        cycles += _crossing_cycles(arena, memory)
        offset = address - arena[FLASH_BASE]
        if arena[WAIT_STATES] != 0 and kind == _READ and offset >= 0 and offset < arena[FLASH_SIZE]:
            waiting = _flash_data_stall(arena, address)
    arena[LAST_MEMORY] = memory
    if cycles + waiting != 0:
        _charge_data(arena, cycles + waiting, waiting)
