"""Counts cycles and instructions of a running Unicorn engine, and stops it in time for the next event."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from unicorn import UcError, arm_const, unicorn_const
from unicorn.unicorn_py3.unicorn import uclib

from mcu_models.emulators import native_hook as native
from mcu_models.emulators.core_registers import RegisterGroup
from mcu_models.timing.block import Block
from mcu_models.timing.core_model import core_model
from mcu_models.timing.decoding import Decoder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from mcu_models.boards.board import Board
    from mcu_models.emulators.port import FlashTiming
    from mcu_models.timing.decoding import Instruction

NEVER = native.NEVER
_LOOP_REGISTERS = (
    arm_const.UC_ARM_REG_SP,
    arm_const.UC_ARM_REG_LR,
    *range(arm_const.UC_ARM_REG_R0, arm_const.UC_ARM_REG_R0 + 13),
)
_LOOP_STACK_BYTES = 128
"""Of the stack, where code that is not optimised keeps the counter of a loop."""
_ACCESSES = frozenset({"load", "store", "load_pc", "load_many", "store_many"})


@dataclass(frozen=True)
class HookState:
    """What a hook knows at one moment."""

    arena: NDArray[np.int64]
    blocks: tuple[Block | None, ...]
    block_of: dict[tuple[int, int], int]
    regions: tuple[tuple[int, int, int], ...]
    edges: int
    forgotten: tuple[tuple[int, int, int], ...]


class BlockHook:
    """A native hook at every block: cost per edge (previous block, block), flash stalls, and a deadline.

    The cost of an edge is worked out once, in Python, when the pair is first seen. Cycles are core clock cycles
    while the core executes; sleeping adds none.

    Args:
        engine: The Unicorn engine to count.
        board: Its core, flash and caches.
    Data accesses cost host time at each: what they wait for memory is charged as it comes at first, later mostly by
    the mean of the edge that makes them (`DataPenalties`).
    """

    def __init__(self, engine: Any, board: Board) -> None:
        flash = board.memory("flash")
        if flash.size > native.MAX_FLASH_LINES * native.LINE_BYTES:
            raise ValueError(f"flash of {flash.size} bytes; the cache model takes at most 2 MiB")
        self._engine = engine
        self._loop_registers = RegisterGroup(engine, _LOOP_REGISTERS)
        self._core = core_model(board.core)
        self._decoder = Decoder()
        self._arena = np.zeros(native.ARENA_WORDS, dtype=np.int64)
        # Single words are read and written through this view, which is much faster than through numpy.
        self._words = memoryview(self._arena.data)
        self._words[native.DEADLINE] = NEVER
        self._words[native.WINDOW_END] = NEVER
        self._words[native.LEARNT_RUN] = self._core.learnt_run
        self._arena[native.FLASH_BASE] = flash.base
        self._arena[native.FLASH_SIZE] = flash.size
        self._arena[native.GRANULE_SHIFT] = int(board.sheet.flash.read_bytes.value).bit_length() - 1
        self._arena[native.LAST_DATA_GRANULE] = -1
        self._blocks: list[Block | None] = [None]
        self._block_of: dict[tuple[int, int], int] = {}
        self._regions: list[tuple[int, int, int]] = []
        self._function_of: dict[int, int] = {}
        self._divides_known = 0
        self._edges = 0
        self._forgotten: list[tuple[int, int, int]] = []
        self._register(unicorn_const.UC_HOOK_BLOCK, native.on_block.address)
        self._charge_accesses()
        self._access_hook: ctypes.c_size_t | None = None
        self.watch_accesses(watch=True)

    def _charge_accesses(self) -> None:
        self._arena[native.CROSSING_CYCLES] = self._core.crossing_cycles
        self._arena[native.UNALIGNED_CYCLES] = self._core.unaligned_cycles
        self._arena[native.UNALIGNED_ODD_CYCLES] = self._core.unaligned_odd_cycles
        self._arena[native.UNALIGNED_STORES] = int(self._core.unaligned_stores)

    def watch_accesses(self, *, watch: bool) -> None:
        """Look at every data access from now on, or at none; must not be called while the engine runs."""
        if watch == (self._access_hook is not None):
            return
        if watch:
            kinds = unicorn_const.UC_HOOK_MEM_READ | unicorn_const.UC_HOOK_MEM_WRITE
            self._access_hook = self._register(kinds, native.on_access.address)
        else:
            uclib.uc_hook_del(self._engine._uch, self._access_hook)  # noqa: SLF001
            self._access_hook = None
            self._run_nothing()
        # Translated code has the calls of the hook built in.
        self._engine.ctl_flush_tb()

    def _run_nothing(self) -> None:
        """Start and stop the engine: only behind a run does it truly drop a hook that was deleted."""
        words, header = self._words, native.HEADER_WORDS
        before = list(words[:header])
        words[native.GRACE], words[native.DEADLINE] = 0, 0
        anywhere = words[native.FLASH_BASE]
        self._engine.emu_start(anywhere | 1, anywhere)
        self._arena[:header] = before

    def _register(self, kind: int, function: int) -> ctypes.c_size_t:
        handle = ctypes.c_size_t(0)
        status = uclib.uc_hook_add(
            self._engine._uch,  # noqa: SLF001 - the binding offers no other way to a native hook
            ctypes.byref(handle),
            kind,
            ctypes.c_void_p(function),
            ctypes.c_void_p(self._arena.ctypes.data),
            ctypes.c_uint64(1),
            ctypes.c_uint64(0),
        )
        if status != 0:
            raise RuntimeError(f"the emulator refused a native hook (status {status})")
        return handle

    @property
    def cycles(self) -> int:
        """Core cycles executed."""
        return self._words[native.CYCLES]

    @cycles.setter
    def cycles(self, cycles: int) -> None:
        self._words[native.CYCLES] = cycles

    def pass_to(self, cycles: int) -> None:
        """Let the running block take until the counter stands at `cycles`: it polls, and nothing else can happen."""
        passed = cycles - self._words[native.CYCLES]
        if passed > 0:
            self._words[native.CYCLES] = cycles
            self._words[native.EDGE_STALL + self._words[native.CURRENT_EDGE]] += passed
            self._words[native.REGION_HALVES + self._words[native.REGION]] += 2 * passed

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

    def loop_state(self) -> tuple[tuple[int, ...], bytes]:
        """Return core registers and the top of the stack: what a turn of a loop finds and leaves."""
        registers = tuple(self._loop_registers.read())
        try:
            stack = bytes(self._engine.mem_read(registers[0], _LOOP_STACK_BYTES))
        except UcError:
            stack = b""
        return registers, stack

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

    def state(self) -> HookState:
        """Return a copy of everything counted, cached and learnt."""
        return HookState(
            self._arena.copy(),
            tuple(self._blocks),
            dict(self._block_of),
            tuple(self._regions),
            self._edges,
            tuple(self._forgotten),
        )

    def restore(self, state: HookState) -> None:
        """Go back to a state of this hook; must not be called while the engine runs."""
        self._arena[:] = state.arena
        self._blocks = list(state.blocks)
        self._block_of = dict(state.block_of)
        self._regions = list(state.regions)
        self._edges = state.edges
        self._forgotten = list(state.forgotten)
        self.watch_accesses(watch=self.phase != native.REUSING)
        self._engine.ctl_flush_tb()

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

    def recent_blocks(self) -> tuple[int, ...]:
        """Return the addresses of the last blocks that ran, the newest last."""
        count, size = self._words[native.RECENT_AT], native.RECENT_BLOCKS
        newest = range(max(0, count - size), count)
        return tuple(self._words[native.RECENT + number % size] for number in newest)

    @property
    def fault_address(self) -> int:
        """Address of the access that stopped the engine as unaligned."""
        return self._words[native.FAULT_ADDRESS]

    def set_traps(self, *, floats_off: bool, unaligned: bool) -> None:
        """Stop at floating-point instructions, and at unaligned accesses: at all, or where the core always faults."""
        self._words[native.FLOATS_OFF] = int(floats_off)
        self._words[native.TRAP_UNALIGNED] = native.TRAP_ALL if unaligned else native.TRAP_SOME

    def allow_unaligned(self) -> None:
        """Let the running block make unaligned accesses: it has some that may be."""
        index = native.BLOCK_FLAGS + self._words[native.PREVIOUS]
        self._words[index] &= ~native.FLAG_ALIGNED_ACCESS

    def block_at(self, address: int, length: int) -> Block:
        """Return decoded instructions, such as those of the block the engine stopped before; up to a memory's end."""
        try:
            code = bytes(self._engine.mem_read(address, length))
        except UcError:
            if length <= 2:
                raise
            return self.block_at(address, length - 2)
        return Block(address, length, tuple(self._decoder.decode(code, address)))

    def new_divides(self) -> list[tuple[int, int]]:
        """Return address and the engine's number of the divisor's register, for each divide not returned before."""
        blocks = [block for block in self._blocks[self._divides_known :] if block is not None]
        self._divides_known = len(self._blocks)
        divides = (i for block in blocks for i in block.instructions if i.kind == "divide")
        return [(divide.address, self._engine_register(divide.operand_registers[-1])) for divide in divides]

    def _engine_register(self, listed: int) -> int:
        """Return the engine's number of a core register that the decoder lists by its own."""
        return int(getattr(arm_const, f"UC_ARM_REG_{self._decoder.register_name(listed).upper()}"))

    def cost_alone(self, instruction: Instruction) -> int:
        """Return the cycles of an instruction that nothing stands before or behind, memory apart."""
        block = Block(instruction.address, instruction.size, (instruction,))
        return (self._core.edge_half_cycles(None, block) + 1) // 2

    def set_counts(self, cycles: int, instructions: int) -> None:
        """Let both counters stand as they would if only so much had run."""
        self._words[native.CYCLES] = cycles
        self._words[native.INSTRUCTIONS] = instructions

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
        arena[native.EDGE_COST + self._edges] = self._core.edge_half_cycles(self._blocks[previous], block)
        arena[native.EDGE_BLOCK + self._edges] = index
        arena[native.EDGE_MEAN + self._edges] = native.UNKNOWN_MEAN
        self._insert(native.edge_key(previous, pc, size), self._edges)

    def profile(self) -> Iterator[tuple[int, int, int]]:
        """Yield (block address, half cycles with stalls, times run) for every edge that ran."""
        yield from self._forgotten
        arena = self._arena
        counts = arena[native.EDGE_COUNT : native.EDGE_COUNT + self._edges + 1]
        for edge in np.flatnonzero(counts[1:]) + 1:
            count = int(counts[edge])
            start = int(arena[native.BLOCK_START + int(arena[native.EDGE_BLOCK + edge])])
            spent = count * int(arena[native.EDGE_COST + edge]) + 2 * int(arena[native.EDGE_STALL + edge])
            yield start, spent, count

    def clear_profile(self) -> None:
        """Start counting edges and regions anew; what has been learnt and cached stays."""
        self._forgotten.clear()
        self._arena[native.EDGE_COUNT : native.EDGE_SEEN] = 0
        self._arena[native.REGION_HALVES : native.MEMORY_FIRST] = 0
        self._words[native.REGION] = 0

    def set_regions(self, regions: Iterable[tuple[int, int]]) -> None:
        """Charge cycles to regions, numbered from 1: the (address, size) of the code that enters each.

        Code outside all regions is charged to the one it was entered from; before the first, to region 0.
        """
        self._regions = [(start, start + size, number) for number, (start, size) in enumerate(regions, 1)]
        if len(self._regions) >= native.MAX_REGIONS:
            raise ValueError(f"{len(self._regions)} regions; at most {native.MAX_REGIONS - 1}")
        for index, block in enumerate(self._blocks):
            if block is not None:
                self._arena[native.BLOCK_REGION + index] = self._region_at(block.address)

    def watch_calls(self, addresses: Iterable[int]) -> None:
        """Time every call of the functions at these addresses from now on; they are numbered from 1.

        Raises:
            ValueError: There are more than the table holds.
        """
        self._function_of = {address: number for number, address in enumerate(addresses, 1)}
        if len(self._function_of) >= native.MAX_FUNCTIONS:
            raise ValueError(f"{len(self._function_of)} functions; at most {native.MAX_FUNCTIONS - 1}")
        for index, block in enumerate(self._blocks):
            if block is not None:
                self._arena[native.BLOCK_FUNCTION + index] = self._function_of.get(block.address, 0)
        self._words[native.CALLS_WATCHED] = 1

    def end_handler(self, return_code: int) -> None:
        """End the call of a handler that returns with this code: no block begins where that leads."""
        if self._words[native.CALLS_WATCHED]:
            native.leave_calls(self._arena, return_code & ~1, self._engine.reg_read(arm_const.UC_ARM_REG_MSP))

    def call_cycles(self, number: int) -> tuple[int, int, int, int, int]:
        """Return how many calls of a watched function have ended; cycles of the last, shortest, longest and of all."""
        first = native.FUNCTION + number * native.FUNCTION_WORDS
        calls, last, shortest, longest, total = self._words[first : first + native.FUNCTION_WORDS].tolist()
        return calls, last, shortest, longest, total

    def call_log(self) -> list[tuple[int, bool, int]]:
        """Return the last calls and returns, in order: function's number, whether it is a return, cycles by then."""
        count = self._words[native.CALL_LOG_AT]
        places = (native.LOG + 2 * (at % native.CALL_LOG) for at in range(max(0, count - native.CALL_LOG), count))
        return [(self._words[at] >> 1, bool(self._words[at] & 1), self._words[at + 1]) for at in places]

    def region_half_cycles(self) -> list[int]:
        """Return the half cycles charged to region 0, 1, 2 ... since the profile was cleared."""
        first = native.REGION_HALVES
        return [int(word) for word in self._arena[first : first + len(self._regions) + 1]]

    @property
    def half_cycles(self) -> int:
        """Cycles executed, in half cycles: a dual-issue core can end a function between two."""
        return 2 * self._words[native.CYCLES] + self._words[native.HALF_CYCLES]

    @property
    def mispredictions(self) -> int:
        """Branches that went where the predictor did not expect."""
        return self._words[native.MISPREDICTIONS]

    @property
    def phase(self) -> int:
        """How data accesses are charged, one of the phases of `native_hook`."""
        return self._words[native.PHASE]

    @property
    def unmeasured_instructions(self) -> int:
        """Instructions of edges whose data accesses are not known well enough, since the phase began."""
        return self._words[native.UNMEASURED]

    def begin_phase(self, phase: int, window_instructions: int) -> None:
        """Charge data accesses in another way, and stop the engine after so many instructions."""
        self.watch_accesses(watch=phase != native.REUSING)
        if phase in (native.REUSING, native.WARMING):
            self._work_out_means()
        self._words[native.PHASE] = phase
        self._words[native.UNMEASURED] = 0
        self._words[native.WINDOW_END] = min(self.instructions + window_instructions, NEVER)

    def fade_means(self) -> None:
        """Let what has been measured so far count half, but never for less than is needed to know a mean."""
        arena, count = self._arena, self._edges + 1
        seen = arena[native.EDGE_SEEN : native.EDGE_SEEN + count]
        spent = arena[native.EDGE_DATA : native.EDGE_DATA + count]
        well_known = seen >= 2 * native.ENOUGH_RUNS
        seen[well_known] //= 2
        spent[well_known] //= 2

    def _work_out_means(self) -> None:
        arena, count = self._arena, self._edges + 1
        seen = arena[native.EDGE_SEEN : native.EDGE_SEEN + count]
        spent = arena[native.EDGE_DATA : native.EDGE_DATA + count]
        means = (spent << native.MEAN_SHIFT) // np.maximum(seen, 1)
        arena[native.EDGE_MEAN : native.EDGE_MEAN + count] = np.where(seen > 0, means, native.UNKNOWN_MEAN)

    def defer_float_frame(self, cycles: int) -> None:
        """Charge `cycles` at the first floating-point instruction from now on; 0: no more."""
        self._words[native.LAZY_FLOAT_CYCLES] = cycles

    @property
    def float_frame_deferred(self) -> bool:
        """Whether no floating-point instruction has come since `defer_float_frame`."""
        return self._words[native.LAZY_FLOAT_CYCLES] != 0

    def set_level_1_caches(self, *, code_bytes: int, data_bytes: int, code_on: bool, data_on: bool) -> None:
        """Set size and state of the core's own caches; one that is switched off is emptied."""
        arena = self._arena
        arena[native.L1I_SETS] = code_bytes // (native.LINE_BYTES * native.L1I_WAYS)
        arena[native.L1D_SETS] = data_bytes // (native.LINE_BYTES * native.L1D_WAYS)
        if not code_on:
            arena[native.L1I_TAG : native.L1D_TAG] = 0
        if not data_on:
            arena[native.L1D_TAG : native.LINE_SLOT] = 0
        arena[native.L1_CODE_ON], arena[native.L1_DATA_ON] = int(code_on), int(data_on)

    def set_memories(self, memories: Iterable[tuple[int, int, int, int]], *, level_1_caches: bool) -> None:
        """Tell which memories there are.

        Of each: first address, last address, cycles the core waits for the first word of a missing line, and cycles
        that the memory is busy with the rest of the line, while the core goes on.

        With `level_1_caches`, the core's own caches stand in front of those with a wait; a negative wait is that of
        a memory they are kept from.

        Raises:
            ValueError: There are more than the table holds.
        """
        memories = list(memories)
        if len(memories) > native.MAX_MEMORIES:
            raise ValueError(f"{len(memories)} memories; at most {native.MAX_MEMORIES}")
        arena = self._arena
        arena[native.L1_CACHES] = int(level_1_caches)
        arena[native.MEMORY_FIRST : native.L1I_TAG] = 0
        for index, (first, last, fill, rest) in enumerate(memories):
            arena[native.MEMORY_REST + index] = rest
            arena[native.MEMORY_FIRST + index] = first
            arena[native.MEMORY_LAST + index] = last
            arena[native.MEMORY_FILL + index] = fill
        for index, block in enumerate(self._blocks):
            if block is not None:
                arena[native.BLOCK_FILL + index] = self._fill_at(block.address)

    def empty_caches(self) -> None:
        """Forget what caches and branch predictor hold, as after a reset."""
        arena = self._arena
        arena[native.L1I_TAG : native.BLOCK_FUNCTION] = 0
        arena[native.LAST_DATA_GRANULE] = -1
        arena[native.BLOCK_RUN : native.BLOCK_ACCESSES] = 0
        for index, block in enumerate(self._blocks):
            if block is not None:
                arena[native.BLOCK_HISTORY + index] = self._core.initial_history(block)

    def forget_edges(self) -> None:
        """Drop every priced edge, because the tables are full; they are learnt anew. The profile stays.

        Code that overwrites itself in RAM is not noticed: its blocks keep the price of what stood there first.
        """
        spent: dict[int, tuple[int, int]] = {}
        for address, half_cycles, count in self.profile():
            before = spent.get(address, (0, 0))
            spent[address] = before[0] + half_cycles, before[1] + count
        # By address, of which a memory has only so many; firmware that writes code makes new edges without end.
        self._forgotten = [(address, *sums) for address, sums in spent.items()]
        self._arena[native.EDGE_KEY : native.BLOCK_START] = 0
        self._arena[native.BLOCK_RUN : native.BLOCK_ACCESSES] = 0
        self.break_sequence()
        self._blocks = [None]
        self._divides_known = 0
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
        arena[native.BLOCK_FLAGS + index] = _flags(block)
        arena[native.BLOCK_REGION + index] = self._region_at(pc)
        arena[native.BLOCK_FUNCTION + index] = self._function_of.get(pc, 0)
        arena[native.BLOCK_FILL + index] = self._fill_at(pc)
        arena[native.BLOCK_BRANCH + index] = self._core.branch_kind(block)
        arena[native.BLOCK_PENALTY + index] = self._core.mispredict_cycles(block)
        arena[native.BLOCK_HISTORY + index] = self._core.initial_history(block)
        accesses = sum(i.words for i in block.instructions if i.kind in _ACCESSES)
        arena[native.BLOCK_ACCESSES + index] = accesses
        first = native.BLOCK_PIPELINED + index * native.PIPELINED_WORDS
        arena[first : first + native.PIPELINED_WORDS] = self._pipelined(block)
        return index

    def _pipelined(self, block: Block) -> list[int]:
        """Return the accesses of a block that are priced as pipelined, as signed words of 64 bits."""
        if _flags(block) & native.FLAG_CONDITIONAL_ACCESS:
            return [0] * native.PIPELINED_WORDS
        bits = self._core.pipelined_accesses(block.instructions)
        words = [bits >> (64 * word) & (1 << 64) - 1 for word in range(native.PIPELINED_WORDS)]
        return [word - (1 << 64) if word >> 63 else word for word in words]

    def _region_at(self, address: int) -> int:
        return next((number for start, end, number in self._regions if start <= address < end), 0)

    def _fill_at(self, address: int) -> int:
        arena = self._arena
        for index in range(native.MAX_MEMORIES):
            if arena[native.MEMORY_FIRST + index] <= address <= arena[native.MEMORY_LAST + index]:
                return int(arena[native.MEMORY_FILL + index])
        return 0

    def _insert(self, key: int, edge: int) -> None:
        arena = self._arena
        slot = int(native.slot_of(key))
        while arena[native.EDGE_KEY + slot] not in (0, key):
            slot = (slot + 1) & (native.EDGE_SLOTS - 1)
        arena[native.EDGE_KEY + slot] = key
        arena[native.EDGE_ID + slot] = edge


def _flags(block: Block) -> int:
    kinds = {i.kind for i in block.instructions}
    unmasks = native.FLAG_MAY_UNMASK if "system" in kinds else 0
    # A block that begins within an IT block does not hold the IT itself: any conditional access tells.
    accesses = any(i.conditional and i.kind in _ACCESSES for i in block.instructions)
    floats = native.FLAG_FLOAT if any(i.mnemonic.startswith("v") for i in block.instructions) else 0
    strict = any(i.mnemonic.startswith(native.ALIGNED_MNEMONICS) for i in block.instructions)
    floats |= native.FLAG_ALIGNED_ACCESS if strict else 0
    return unmasks | floats | (native.FLAG_CONDITIONAL_ACCESS if accesses or "it" in kinds else 0)
