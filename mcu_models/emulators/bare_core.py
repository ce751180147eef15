"""A core with its memories and nothing else: runs single functions of an image and counts what they cost.

What is charged: the pipeline (`mcu_models.timing`), accesses across their natural boundary, and on a Cortex-M4 the
wait states of its flash through prefetch and the ART caches, on a Cortex-M7 the misses of its level-1 caches and
of its branch predictor. The line used longest ago gives way, a store that misses waits as a load does, and dirty
lines are written back for nothing. Not charged: contention with DMA, refresh of external memories, interrupts.
Caches and predictor stay warm from call to call, as in a firmware's loop, until `empty_caches`.

How far whole images lay from measured ones: `mcu_models.timing.validated_error` and docs/timing_and_power.md.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from unicorn import Uc, UcError, arm_const, unicorn_const

from datasheet.bad_input import BadInputError, nearest_name
from mcu_models.emulators import native_hook as native
from mcu_models.emulators.block_hook import NEVER, BlockHook
from mcu_models.emulators.data_penalties import DataPenalties
from mcu_models.emulators.engine_memory import map_memories
from mcu_models.emulators.interruption import deferred_interrupt
from mcu_models.emulators.memory_timing import CacheState, MemoryTiming
from mcu_models.emulators.port import FlashTiming

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcu_models.boards.board import Board
    from mcu_models.emulators.image import FirmwareImage

Penalties = Literal["exact", "reused", "none"]
CPU_MODELS = {
    "cortex-m4": arm_const.UC_CPU_ARM_CORTEX_M4,
    "cortex-m7": arm_const.UC_CPU_ARM_CORTEX_M7,
}
DEFAULT_MAX_CYCLES = 20_000_000_000
DEFAULT_MAX_STACK_BYTES = 0x4000
_RETURN = 0x1F000000
"""Where called functions return to: a page of its own, in a region no STM32 uses."""
_PAGE = 0x1000
_PAINT = 0xA5C3A5C3
_SLICE_CYCLES = 200_000_000
"""The engine comes back at least this often, so that Ctrl-C is heard."""
_REGISTERS = (arm_const.UC_ARM_REG_R0, arm_const.UC_ARM_REG_R1, arm_const.UC_ARM_REG_R2, arm_const.UC_ARM_REG_R3)


class FunctionFaultError(RuntimeError):
    """A called function did what the core cannot: an access outside the memories, an undefined instruction."""


@dataclass(frozen=True)
class FunctionRun:
    """One call of a function.

    Attributes:
        symbol: What was called.
        result: What it left in r0.
        instructions: Instructions executed.
        cycles: Core cycles, from its first instruction to its return.
        cycles_by_symbol: Of which in each function itself, without those it called; they add up to `cycles`.
        cycles_by_region: Of which in each region asked for, with what it called; they add up to `cycles`, and
            what ran before any region was entered stands under "".
        stall_cycles: Of which waiting for memory, by wait states or missing lines, and for wrongly predicted branches.
        stack_bytes: Depth of the stack below its top.
        clock_hz: Core clock.
        wait_states: Of the flash, in clocks of its bus.
    """

    symbol: str
    result: int
    instructions: int
    cycles: int
    cycles_by_symbol: dict[str, int]
    cycles_by_region: dict[str, int]
    stall_cycles: int
    stack_bytes: int
    clock_hz: float
    wait_states: int

    @property
    def latency_s(self) -> float:
        """How long it took."""
        return self.cycles / self.clock_hz


class BareCore:
    """A core, its memories and an image, at one operating point, with caches and prefetch on.

    The image's initialised data is put where start-up code would copy it; no start-up code runs. The stack begins
    at the symbol `stack_top`, without one at the end of the first tightly coupled memory that is not code's, else
    of the first RAM, and takes `max_stack_bytes` below it: what lies there is overwritten at every call.

    Args:
        board: Core, memories and wait states.
        image: What to load.
        clock_hz: Core clock; the board's highest when left out.
        max_stack_bytes: Depth the stack may have; less when .bss ends within.
        penalties: What accesses to data are charged: "exact", each by itself; "reused", the mean of what its edge
            has cost, once that is known (`DataPenalties`); "none", nothing, and code waits for no memory either.

    Raises:
        BadInputError: The image does not fit the memories, or the board does not allow the clock.
    """

    def __init__(
        self,
        board: Board,
        image: FirmwareImage,
        *,
        clock_hz: float | None = None,
        max_stack_bytes: int = DEFAULT_MAX_STACK_BYTES,
        penalties: Penalties = "exact",
    ) -> None:
        self.board = board
        self.image = image
        self.point = board.operating_point(clock_hz)
        self._engine: Any = Uc(unicorn_const.UC_ARCH_ARM, unicorn_const.UC_MODE_THUMB)
        self._engine.ctl_set_cpu_model(CPU_MODELS[board.core])
        self._buffers = map_memories(self._engine, board)
        self._engine.mem_map(_RETURN, _PAGE, unicorn_const.UC_PROT_ALL)
        self._hook = BlockHook(self._engine, board)
        self._penalties = DataPenalties(self._hook, exact=penalties != "reused")
        if penalties == "none":
            self._hook.begin_phase(native.REUSING, NEVER)
        else:
            self._set_memory_timing()
        self._load()
        self._stack_top = image.symbols.get("stack_top", self._default_stack_top())
        self._stack_floor = self._lowest_stack_address(max_stack_bytes)
        self._fault = ""
        self._engine.hook_add(unicorn_const.UC_HOOK_INTR, self._on_exception)

    def read(self, address: int, length: int) -> bytes:
        """Return `length` bytes of memory.

        Raises:
            BadInputError: They do not all lie in one memory of the board.
        """
        self._require(address, length)
        return bytes(self._engine.mem_read(address, length))

    def write(self, address: int, data: bytes) -> None:
        """Store bytes.

        Raises:
            BadInputError: They do not all lie in one memory of the board, or reach into the stack.
        """
        self._require(address, len(data))
        if address < self._stack_top and address + len(data) > self._stack_floor:
            stack = f"{self._stack_floor:#010x} to {self._stack_top:#010x} is the stack"
            raise BadInputError(self.board.name, "address", hex(address), stack)
        self._engine.mem_write(address, data)

    def address_of(self, symbol: str) -> int:
        """Return the address of a function or an object of the image.

        Raises:
            BadInputError: It has no such symbol.
        """
        if symbol not in self.image.symbols:
            names = (name for name in self.image.symbols if name)
            raise BadInputError(self.image.name, "symbol", symbol, nearest_name(symbol, names))
        return self.image.symbols[symbol]

    def empty_caches(self) -> None:
        """Forget what caches and branch predictor hold, as after a reset."""
        self._hook.empty_caches()

    def call(
        self,
        symbol: str,
        *arguments: int,
        regions: Sequence[str] = (),
        max_cycles: int = DEFAULT_MAX_CYCLES,
    ) -> FunctionRun:
        """Call a function and return what it took.

        Args:
            symbol: Name of the function.
            arguments: Integers or addresses, as in C: four in registers, the rest on the stack. Results in memory
                are read back with `read`.
            regions: Functions that shall be charged with what they call, such as the layers of a network. A
                function called from one region that is itself one is charged alone, and what follows its return
                in the caller falls to the caller again.
            max_cycles: Give up behind so many.

        Raises:
            BadInputError: No such symbol.
            FunctionFaultError: The function faulted, did not end, or needed too much stack.
        """
        address = self.address_of(symbol)
        self._hook.set_regions(self._extent(name) for name in regions)
        self._hook.clear_profile()
        self._hook.break_sequence()
        start = self._counts()
        self._paint_stack()
        self._prepare(arguments)
        self._run(address & ~1, max_cycles)
        spent = [end - begin for end, begin in zip(self._counts(), start, strict=True)]
        return self._result(symbol, spent, regions)

    # -- building ------------------------------------------------------------------------------------------

    def _set_memory_timing(self) -> None:
        """M4: wait states behind prefetch and the ART caches. M7: lines missing in the level-1 caches."""
        timing = FlashTiming(self.point.wait_states, prefetch=True, instruction_cache=True, data_cache=True)
        MemoryTiming(self._hook, self.board).set_up(timing, self.point.bus_divider, CacheState(code=True, data=True))

    def _load(self) -> None:
        for segment in self.image.segments:
            for address in {segment.address, segment.address if segment.run_address is None else segment.run_address}:
                if not self.board.holds(address, len(segment.data)):
                    where = f"loads {len(segment.data)} bytes at {address:#010x}, outside {self.board.name}"
                    raise BadInputError(self.image.name, "", None, where)
                self._engine.mem_write(address, segment.data)

    def _default_stack_top(self) -> int:
        memories = self.board.sheet.memories.values()
        tightly = [m for m in memories if m.kind == "tcm" and m.base]
        memory = tightly[0] if tightly else self.board.memory("ram")
        return memory.base + memory.size

    def _lowest_stack_address(self, max_stack_bytes: int) -> int:
        """Return how far down the stack may reach: not into .bss, nor out of its memory."""
        memory = next((m for m in self.board.sheet.memories.values() if m.holds(self._stack_top - 4, 4)), None)
        if memory is None:
            raise BadInputError(self.image.name, "stack_top", hex(self._stack_top), "must be the end of a RAM")
        bss_end = self.image.symbols.get("bss_end", 0)
        floor = max(self._stack_top - max_stack_bytes, memory.base)
        return (max(floor, bss_end) if bss_end < self._stack_top else floor) + 3 & ~3

    # -- one call ------------------------------------------------------------------------------------------

    def _counts(self) -> tuple[int, int, int]:
        return self._hook.half_cycles, self._hook.instructions, sum(self._hook.flash_stall_cycles)

    def _paint_stack(self) -> None:
        words = (self._stack_top - self._stack_floor) // 4
        self._engine.mem_write(self._stack_floor, struct.pack("<I", _PAINT) * words)

    def _prepare(self, arguments: Sequence[int]) -> None:
        words = [argument & 0xFFFFFFFF for argument in arguments]
        for register, word in zip(_REGISTERS, words, strict=False):
            self._engine.reg_write(register, word)
        on_stack = words[len(_REGISTERS) :]
        # AAPCS: the stack is a multiple of eight bytes at a call.
        pointer = self._stack_top - (4 * len(on_stack) + 7 & ~7)
        self._engine.mem_write(pointer, struct.pack(f"<{len(on_stack)}I", *on_stack))
        self._engine.reg_write(arm_const.UC_ARM_REG_SP, pointer)
        self._engine.reg_write(arm_const.UC_ARM_REG_LR, _RETURN | 1)

    def _run(self, pc: int, max_cycles: int) -> None:
        limit = self._hook.cycles + max_cycles
        self._fault = ""
        with deferred_interrupt() as interrupted:
            while pc != _RETURN and not interrupted():
                if self._hook.cycles >= limit:
                    raise FunctionFaultError(f"{self.image.name}: no end after {max_cycles} cycles, at {pc:#010x}")
                pc = self._run_slice(pc, limit)

    def _run_slice(self, pc: int, limit: int) -> int:
        self._hook.deadline_cycles = min(limit, self._hook.cycles + _SLICE_CYCLES)
        self._hook.before_run()
        try:
            self._engine.emu_start(pc | 1, _RETURN)
        except UcError as error:
            self._fault = str(error)
        pc = int(self._engine.reg_read(arm_const.UC_ARM_REG_PC)) & ~1
        if self._fault or (self._hook.stop_reason == native.REASON_NONE and pc != _RETURN):
            where = self.image.function_at(self._hook.last_pc)
            what = self._fault or "stopped, as by WFI"
            raise FunctionFaultError(f"{self.image.name}: {what} at {pc:#010x}, last block in {where}")
        if self._hook.stop_reason == native.REASON_NEW_EDGE:
            self._hook.learn_edge()
        elif self._hook.stop_reason == native.REASON_WINDOW:
            self._penalties.window_ended()
        return pc

    def _on_exception(self, _engine: object, number: int, _data: object) -> None:
        self._fault = f"exception {number} of the core (SVC, BKPT or an undefined instruction)"
        self._engine.emu_stop()

    def _result(self, symbol: str, spent: Sequence[int], regions: Sequence[str]) -> FunctionRun:
        half_cycles, instructions, stall_cycles = spent
        by_symbol: dict[str, int] = {}
        for address, halves, _ in self._hook.profile():
            name = self.image.function_at(address)
            by_symbol[name] = by_symbol.get(name, 0) + halves
        by_region = {n: h for n, h in zip(("", *regions), self._hook.region_half_cycles(), strict=True) if n or h}
        cycles = half_cycles // 2
        return FunctionRun(
            symbol=symbol,
            result=int(self._engine.reg_read(arm_const.UC_ARM_REG_R0)),
            instructions=instructions,
            cycles=cycles,
            cycles_by_symbol=_whole_cycles(by_symbol, cycles),
            cycles_by_region=_whole_cycles(by_region, cycles),
            stall_cycles=stall_cycles,
            stack_bytes=self._stack_bytes(),
            clock_hz=self.point.clock_hz,
            wait_states=self.point.wait_states,
        )

    def _stack_bytes(self) -> int:
        length = self._stack_top - self._stack_floor
        words = np.frombuffer(self._engine.mem_read(self._stack_floor, length), dtype="<u4")
        touched = np.flatnonzero(words != _PAINT)
        if len(touched) and touched[0] == 0:
            raise FunctionFaultError(f"{self.image.name}: the stack grew beyond the {length} bytes it may have")
        return 4 * (len(words) - int(touched[0])) if len(touched) else 0

    # -- small things --------------------------------------------------------------------------------------

    def _extent(self, symbol: str) -> tuple[int, int]:
        """Return where the code of a function lies: address, size."""
        address = self.address_of(symbol) & ~1
        return next((f.address, max(f.size, 2)) for f in self.image.functions if f.address == address)

    def _require(self, address: int, length: int) -> None:
        if not self.board.holds(address, length):
            raise BadInputError(self.board.name, "address", hex(address), f"{length} bytes there are not all memory")


def _whole_cycles(half_cycles: dict[str, int], total: int) -> dict[str, int]:
    """Round shares to whole cycles so that they still add up to `total`, largest first."""
    whole = {name: halves // 2 for name, halves in sorted(half_cycles.items(), key=lambda item: -item[1])}
    odd = sorted(name for name, halves in half_cycles.items() if halves % 2)
    for name in odd[: max(0, total - sum(whole.values()))]:
        whole[name] += 1
    return whole
