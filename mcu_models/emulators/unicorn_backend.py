"""An STM32 emulated with Unicorn: core and memories by Unicorn, time, exceptions and peripherals by us."""

from __future__ import annotations

import ctypes
import math
import struct
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from unicorn import Uc, UcError, arm_const, unicorn_const

from datasheet.bad_input import BadInputError, nearest_name
from mcu_models.emulators import native_hook as native
from mcu_models.emulators.bare_core import CPU_MODELS
from mcu_models.emulators.block_hook import BlockHook
from mcu_models.emulators.call_times import CallTimes
from mcu_models.emulators.connections import Connections, Transcript
from mcu_models.emulators.core_registers import RegisterGroup
from mcu_models.emulators.data_penalties import DataPenalties
from mcu_models.emulators.debug_target import UnicornDebugTarget
from mcu_models.emulators.engine_memory import EngineMemory, map_memories
from mcu_models.emulators.exceptions import ExceptionUnit
from mcu_models.emulators.faults import (
    DIVIDE_BY_ZERO,
    FAULT_NAMES,
    INVALID_STATE,
    NO_COPROCESSOR,
    SVC_MASKED,
    UNALIGNED,
    UNDEFINED_INSTRUCTION,
    Cause,
    FaultRecord,
    FaultUnit,
    data_bus_error,
    instruction_bus_error,
)
from mcu_models.emulators.function_trace import FunctionTrace
from mcu_models.emulators.image_fit import require_fit
from mcu_models.emulators.interrupt_controller import SV_CALL
from mcu_models.emulators.interruption import deferred_interrupt
from mcu_models.emulators.machine import Machine
from mcu_models.emulators.memory_timing import NO_CACHES, CacheState, MemoryTiming
from mcu_models.emulators.peripherals.dcmi import Dcmi
from mcu_models.emulators.peripherals.i2c_v2 import I2cV2
from mcu_models.emulators.peripherals.usart import Usart
from mcu_models.emulators.peripherals.watchdogs import Iwdg
from mcu_models.emulators.port import RunOutcome, UartLine
from mcu_models.emulators.snapshot import Snapshot, copied
from mcu_models.emulators.virtual_clock import Executed, PowerState, StateSpan, VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mcu_models.boards.board import Board
    from mcu_models.emulators.frame_source import FrameSource
    from mcu_models.emulators.image import FirmwareImage
    from mcu_models.emulators.peripherals.base import Peripheral, Retained
    from mcu_models.emulators.port import End, I2cDevice, PinEdge
    from mcu_models.emulators.trace_events import TraceEvent

MAX_FAULTS = 16
MAX_TRAPPED_DIVIDES = 4096
"""Each divide that is watched costs the host memory; firmware that writes code can make them without end."""
OSCILLATOR_TOLERANCE = 0.01
"""How much faster than nominal a clock may run before it counts as too fast; oscillators are no better than that."""
LOOK_ACCESSES = 10_000
"""Accesses to registers, and blocks that are traced, after which the engine comes back, so that Ctrl-C and whoever
wants to give up are heard."""
TRANSLATED_BYTES = 64 << 20
"""Host memory for translated code, which starts anew when it is full. The engine would take 1 GiB, and ends the process
when the host does not give it."""
SLICE_S = 0.5
"""The engine comes back at least this often in virtual time, so that Ctrl-C is heard."""
_NOWHERE = 0xFFFFFF00
"""`until` is compiled into translated code, so it has to be an address that is never reached."""
_SVC, _BREAKPOINT, _EXCEPTION_EXIT, _PREFETCH_ABORT = 2, 7, 8, 3
_SVC_MASK_RETURN = 0xFFFFFF00
_WFE, _YIELD = 0xBF20, 0xBF10
_THUMB = 1 << 24
_BRANCH_TO_SELF = b"\xfe\xe7"
_LOST_IN = ("standby", "shutdown")
"""Modes that lose the RAM and end in a reset (RM0351, 5.3.9 and 5.3.10)."""
_LOCKED_UP = "run"
"""Mode in which time passes for a core that is dead but draws what it draws while it runs."""
_REGISTERS = {f"r{n}": arm_const.UC_ARM_REG_R0 + n for n in range(13)} | {
    "sp": arm_const.UC_ARM_REG_SP,
    "psp": arm_const.UC_ARM_REG_PSP,
    "lr": arm_const.UC_ARM_REG_LR,
    "xpsr": arm_const.UC_ARM_REG_XPSR,
}
_FLAG_PLACES = {name: (arm_const.UC_ARM_REG_APSR_NZCV, 31 - place) for place, name in enumerate("nzcv")}


class UnicornEmulator:
    """One microcontroller with one image, from power-on.

    Virtual time starts at 0 with the reset vector. Time passes with the cycles the timing model charges, jumps
    to the next event while the core sleeps, and also while firmware polls a status register that cannot change
    before that event.

    Args:
        board: What to emulate.
        image: What to run.
        exact_memory: Charge every data access by itself, which is several times slower; else the mean of what its
            edge has cost is charged once that is known (`DataPenalties`).

    Raises:
        BadInputError: The image does not fit the board's memories, or has no vector table.

    Attributes:
        faults: Faults taken so far, the first few.
        resets: Causes of the resets since power-on.
    """

    def __init__(self, board: Board, image: FirmwareImage, *, exact_memory: bool = False) -> None:
        self.board = board
        self.image = image
        self.faults: list[FaultRecord] = []
        self.resets: list[str] = []
        self._engine: Any = Uc(unicorn_const.UC_ARCH_ARM, unicorn_const.UC_MODE_THUMB)
        self._engine.ctl_set_cpu_model(CPU_MODELS[board.core])
        self._engine.ctl_set_tcg_buffer_size(TRANSLATED_BYTES)
        self._buffers = map_memories(self._engine, board)
        self._hook = BlockHook(self._engine, board)
        self._penalties = DataPenalties(self._hook, exact=exact_memory)
        self._memory_timing = MemoryTiming(self._hook, board)
        self._clock = VirtualClock(self._hook, int(board.sheet.clocks.reset_hz.value))
        self._clock.on_change(self._plan_is_stale)
        self.connections = Connections()
        self._memory = EngineMemory(self._engine)
        self._problems: dict[str, None] = {}
        self._reset_cause = ""
        self._trapped_divides: set[int] = set()
        self._trace: FunctionTrace | None = None
        self._paused = False
        self._waits_for_event = False
        self._taken_at_event = 0
        self._in_haste = False
        self._stale = False
        self._is_executing = False
        self._accesses = 0
        self._operating_point = 0, 0
        self._make_machine()
        for index, (base, size, _) in enumerate(self._machine.regions()):
            self._map_registers(index, base, size)
        self._engine.hook_add(unicorn_const.UC_HOOK_INTR, self._on_interrupt)
        self._engine.hook_add(unicorn_const.UC_HOOK_INSN_INVALID, self._on_hint)
        self._engine.hook_add(unicorn_const.UC_HOOK_MEM_INVALID, self._on_bus_error)
        self._load()
        self._start()
        self._end: End | None = None
        self._detail = ""
        self._until_s = math.inf
        self._callback_error: BaseException | None = None
        self._asleep: PowerState | None = None
        self._cause: Cause | None = None

    # -- building ------------------------------------------------------------------------------------------

    def _make_machine(self, retained: Retained | None = None) -> None:
        """Make the parts around the core as after a reset, and wire them to this emulator."""
        machine = Machine(
            self.board,
            self._hook,
            self._clock,
            connections=self.connections,
            memory=self._memory,
            problems=self._problems,
            where=self._where,
            retained=retained,
        )
        machine.tree.on_clock = self._set_clock
        machine.flash.on_timing = self._set_memory_timing
        machine.system.on_memory = self._set_memory_timing
        machine.scheduler.changed = self._plan_is_stale
        machine.nvic.changed = self._plan_is_stale
        machine.chip.on_reset_request = self._request_reset
        self._machine = machine
        self._program_state = RegisterGroup(self._engine, (arm_const.UC_ARM_REG_PC, arm_const.UC_ARM_REG_XPSR))
        self._exceptions = ExceptionUnit(self._engine, self._hook, machine.nvic, machine.system)
        if self._trace is not None:
            self._exceptions.on_exception = self._trace.exception
        self._fault_unit = FaultUnit(machine.nvic, machine.system, self._exceptions)
        self._registers = [registers for _, _, registers in machine.regions()]

    def _map_registers(self, index: int, base: int, size: int) -> None:
        def read(_engine: object, offset: int, width: int, _data: object) -> int:
            try:
                value = self._registers[index].read(offset, width)
                self._accesses += 1
                if self._stale or self._accesses > LOOK_ACCESSES:
                    self._accessed()
            except Exception as error:  # noqa: BLE001 - must not unwind through the engine's C code
                return self._fail(error)
            return value

        def write(_engine: object, offset: int, width: int, value: int, _data: object) -> None:
            try:
                self._registers[index].write(offset, width, value)
                self._accesses += 1
                if self._stale or self._accesses > LOOK_ACCESSES:
                    self._accessed()
            except Exception as error:  # noqa: BLE001
                self._fail(error)

        self._engine.mmio_map(base, size, read, None, write, None)

    def _accessed(self) -> None:
        """Plan anew behind an access that has changed something, and look around now and then."""
        if self._stale:
            self._replan()
        if self._accesses > LOOK_ACCESSES:
            self._accesses = 0
            self._hook.deadline_cycles = 0

    def _load(self) -> None:
        require_fit(self.board, self.image)
        for segment in self.image.segments:
            self._engine.mem_write(segment.address, segment.data)

    def _start(self) -> None:
        """Begin at the reset vector."""
        self._operating_point = 0, 0
        stack, entry = struct.unpack("<II", self._engine.mem_read(self.board.memory("flash").base, 8))
        self._engine.reg_write(arm_const.UC_ARM_REG_MSP, stack)
        self._pc = entry & ~1
        self._hook.break_sequence()
        self._set_memory_timing()

    # -- what the outside uses -----------------------------------------------------------------------------

    def attach_i2c(self, bus: str, device: I2cDevice) -> None:
        """Put `device` on the I2C bus named `bus`.

        Raises:
            BadInputError: The board has no such bus.
        """
        buses = [name for name, p in self._machine.chip.peripherals.items() if isinstance(p, I2cV2)]
        if bus not in buses:
            raise BadInputError(self.board.name, "i2c bus", bus, f"one of {', '.join(buses)}")
        self.connections.devices_on(bus)[device.address] = device

    def attach_camera(self, port: str, source: FrameSource) -> None:
        """Let the camera interface named `port`, such as "DCMI", take the frames of `source`.

        Raises:
            BadInputError: The board has no such interface.
        """
        ports = [name for name, p in self._machine.chip.peripherals.items() if isinstance(p, Dcmi)]
        if port not in ports:
            allowed = f"one of {', '.join(ports)}" if ports else "this board has no camera interface"
            raise BadInputError(self.board.name, "camera interface", port, allowed)
        self.connections.cameras[port] = source

    def peripheral(self, name: str) -> Peripheral:
        """Return the model of a peripheral, as it is until the next reset.

        Raises:
            BadInputError: The board has none of this name.
        """
        peripherals = self._machine.chip.peripherals
        if name not in peripherals:
            raise BadInputError(self.board.name, "peripheral", name, nearest_name(name, peripherals))
        return peripherals[name]

    def send_uart(self, text: str, port: str | None = None) -> None:
        """Let `text` arrive as UTF-8 at the receiver of a UART; without a name, at all that can receive.

        A byte that is no UTF-8 stands in `text` as PEP 383 has it: `chr(0xDC00 + byte)`, from 0x80 to 0xff.
        """
        for name, uart in self._uarts():
            if port in (None, name):
                uart.receive(text)

    def on_uart_line(self, listener: Callable[[UartLine], None]) -> None:
        """Call `listener` with every line, at the virtual time at which it is complete."""
        self.connections.listeners.on_line.append(listener)

    def on_pin_edge(self, listener: Callable[[PinEdge], None]) -> None:
        """Call `listener` with every edge of a pin that firmware drives, at its virtual time.

        Time is that of the block which holds the store, as for all registers. A reset lets go of all pins. Standby
        does so as well, but here it comes with the reset that ends it.
        """
        self.connections.listeners.on_pin_edge.append(listener)

    def uart_lines(self, port: str | None = None) -> list[UartLine]:
        """Return the complete lines sent so far, of one UART or of all, in order of time."""
        return self.connections.uart_lines(port)

    def uart_text(self, port: str | None = None) -> str:
        """Return all that has been sent so far, line ends included, of one UART or of all, one after the other."""
        return self.connections.uart_text(port)

    def transcript(self, port: str) -> Transcript:
        """Return what one UART has sent so far."""
        return self.connections.transcripts.get(port, Transcript())

    def residency_s(self) -> Mapping[PowerState, float]:
        """Return the seconds spent in each power state since power-on."""
        return self._clock.residency_s()

    def executed(self) -> Mapping[int, Executed]:
        """Return what the core has executed at each clock, in Hz; time that was passed while polling is no part."""
        return self._clock.executed()

    def recent_spans(self) -> tuple[StateSpan, ...]:
        """Return the last few stretches of time by power state."""
        return self._clock.recent_spans()

    @property
    def now_s(self) -> float:
        """Virtual time since power-on."""
        return self._clock.now_s

    @property
    def cycles(self) -> int:
        """Core cycles executed."""
        return self._hook.cycles

    @property
    def problems(self) -> tuple[str, ...]:
        """Accesses the hardware would not honour or that are not modelled, each once."""
        return tuple(self._problems)

    @property
    def flash_stall_cycles(self) -> tuple[int, int]:
        """Cycles waited for flash: instruction fetch, data."""
        return self._hook.flash_stall_cycles

    def function_cycles(self) -> dict[str, int]:
        """Return the cycles spent in each function so far."""
        spent: dict[str, int] = {}
        for address, half_cycles, _ in self._hook.profile():
            name = self.image.function_at(address)
            spent[name] = spent.get(name, 0) + half_cycles
        return {name: half_cycles // 2 for name, half_cycles in spent.items()}

    def time_calls(self, others: Mapping[str, int] | None = None) -> CallTimes:
        """Time every call of a function from now on; `others` names addresses that the image has no symbols for.

        Raises:
            BadInputError: There are more functions than can be watched.
        """
        return CallTimes(self._hook, self.image, others)

    def call_events(self, times: CallTimes) -> Iterator[TraceEvent]:
        """Yield the last calls and returns, in order of time."""
        return times.events(self._clock)

    def read_memory(self, address: int, length: int) -> bytes:
        """Return `length` bytes of memory as the core sees them."""
        return bytes(self._engine.mem_read(address, length))

    @property
    def pc(self) -> int:
        """Address of the next instruction."""
        return int(self._pc)

    @pc.setter
    def pc(self, address: int) -> None:
        self._pc = address
        self._hook.break_sequence()

    def flip_register(self, name: str, bits: int) -> tuple[int, int] | None:
        """Invert bits of r0 to r12, sp, lr or pc, or bit 0 of a flag (n, z, c, v); return it before and after.

        Nothing happens, and None is returned, while a block of code executes.
        """
        if self._is_executing:
            return None
        if name == "pc":
            self.pc = (before := self._pc) ^ bits
            return before, self._pc
        register, place = _FLAG_PLACES.get(name) or (_REGISTERS[name], 0)
        word = int(self._engine.reg_read(register))
        self._engine.reg_write(register, word ^ bits << place)
        after = int(self._engine.reg_read(register))
        return (word >> place & 1, after >> place & 1) if name in _FLAG_PLACES else (word, after)

    def lock_up(self) -> bool:
        """Let a core whose run has ended in a fault, or at a breakpoint without a debugger, wait for its watchdog.

        Time passes in the next runs, and peripherals go on, until the independent watchdog resets the chip. Returns
        False, and does nothing, if that does not run.
        """
        planned = (self._machine.scheduler.time_of((dog.name, "")) for dog in self._watchdogs())
        if all(math.isinf(bite_s) for bite_s in planned):
            return False
        self._asleep = PowerState(_LOCKED_UP, self._clock.clock_hz)
        return True

    def recent_blocks(self) -> tuple[int, ...]:
        """Return the addresses of the last blocks that ran, the newest last."""
        return self._hook.recent_blocks()

    def pause(self) -> None:
        """Stop the engine before the instruction that a hook of the engine sees; the run then asks its `give_up`."""
        self._paused = True
        self._engine.emu_stop()

    def debug_target(self, until_s: float) -> UnicornDebugTarget:
        """Return this microcontroller as a debugger sees it; its firmware counts as ended at `until_s`."""
        return UnicornDebugTarget(self, self._engine, until_s)

    def step_instruction(self, until_s: float) -> None:
        """Execute one instruction, or what comes instead: an exception is entered, a sleep passed to its next event."""
        self._until_s, self._end, self._detail = until_s, None, ""
        if self._asleep is None:
            before = self._pc
            self._machine.scheduler.run_due(self._clock.now_s)
            self._pc = self._exceptions.take_next(self._pc)
            if self._pc == before:
                self._execute_one()
        else:
            self._sleep(self._asleep)

    def _execute_one(self) -> None:
        """Run the engine for one instruction, and charge that alone."""
        instruction = self._hook.block_at(self._pc, 4).instructions[0]
        cost = self._hook.cost_alone(instruction)
        cycles, instructions = self._hook.cycles, self._hook.instructions
        self._hook.deadline_cycles = native.NEVER
        while self._end is None:
            self._run_engine(_NOWHERE, count=1)
            if self._hook.stop_reason != native.REASON_NEW_EDGE:
                break
            self._hook.learn_edge()
        self._hook.set_counts(cycles + cost, instructions + 1)
        self._hook.break_sequence()
        if self._cause is None and instruction.mnemonic == "wfi":
            self._fall_asleep()
        self._cause = None

    def block_profile(self) -> Iterator[tuple[int, int, int]]:
        """Yield (block address, half cycles with waiting, times run), once for each way a block was come to."""
        return self._hook.profile()

    def trace_events(self, sink: Callable[[TraceEvent], bool]) -> None:
        """Hand every call, return, exception, power state and line to `sink` from now on, until it returns False.

        Every block then costs host time in Python: some million instructions a second remain.
        """
        self._trace = FunctionTrace(self.image, sink, self._clock_s)
        self._trace.state(PowerState("run", self._clock.clock_hz))
        self._exceptions.on_exception = self._trace.exception
        self.connections.listeners.on_line.append(self._trace.line)
        self._engine.hook_add(unicorn_const.UC_HOOK_BLOCK, self._on_traced_block)

    def _on_traced_block(self, _engine: object, pc: int, _size: int, _data: object) -> None:
        if self._trace is not None and self._hook.stop_reason == native.REASON_NONE:
            self._trace.block(pc)
            self._accesses += 1
            if self._accesses > LOOK_ACCESSES:
                self._accessed()

    def _clock_s(self) -> float:
        return self._clock.now_s

    def _enter_state(self, state: PowerState) -> None:
        if self._trace is not None:
            self._trace.state(state)

    def run(
        self,
        *,
        until_s: float,
        until_text: str | None = None,
        give_up: Callable[[], bool] | None = None,
    ) -> RunOutcome:
        """Run until virtual time `until_s`, or until what a UART sends from now on contains `until_text`.

        Args:
            until_s: Virtual time since power-on.
            until_text: What to wait for. If the last run has waited for it in vain, it may have begun in that one.
            give_up: Asked now and then, every few milliseconds of host time or more; True ends the run.
        """
        self._until_s = until_s
        self._end = None
        self._detail = ""
        self._in_haste = False
        awaited = self.connections.awaited(until_text or "", self.stop_soon)
        with deferred_interrupt() as interrupted, awaited if until_text else nullcontext():
            while self._end is None and not interrupted():
                self._step()
                if awaited.has_come and self._end is None:
                    self._end = "until"
                if give_up is not None and self._end is None and give_up():
                    self._end, self._detail = "seconds", f"gave up in {self._where()}"
        return self._outcome()

    # -- snapshots and resets ------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """Return the whole state, attached devices included; listeners are not part of it."""
        memories = tuple(bytes(buffer) for buffer in self._buffers)
        state = (*self._state(), self._pc, self._asleep, self.faults, self.resets)
        context = self._engine.context_save()
        return Snapshot(self, self.now_s, context, memories, self._hook.state(), self._copied(state))

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a snapshot that this emulator made; it may be restored again and again.

        Peripherals, connections and attached devices are copies from then on: ask for them anew. Listeners stay.

        Raises:
            ValueError: Another emulator made it.
        """
        if snapshot.owner is not self:
            raise ValueError("a snapshot can be restored only by the emulator that made it")
        self._engine.context_restore(snapshot.context)
        for buffer, content in zip(self._buffers, snapshot.memories, strict=True):
            ctypes.memmove(buffer, content, len(content))
        self._hook.restore(snapshot.hook)
        *parts, self._pc, self._asleep, self.faults, self.resets = self._copied(snapshot.state)
        self._machine, self._exceptions, self._fault_unit, self._clock, connections, *rest = parts
        self._penalties, self._memory_timing, self._problems, self._trapped_divides, self._reset_cause = rest
        self.connections = connections
        self._registers = [registers for _, _, registers in self._machine.regions()]
        self._operating_point = 0, 0
        self._replan()

    def _state(self) -> tuple[Any, ...]:
        machine = (self._machine, self._exceptions, self._fault_unit, self._clock, self.connections)
        rest = (self._penalties, self._memory_timing, self._problems, self._trapped_divides, self._reset_cause)
        return (*machine, *rest)

    def _copied(self, state: tuple[Any, ...]) -> tuple[Any, ...]:
        sheet = self.board.sheet
        constant = (self.board, sheet, sheet.clocks, *sheet.peripherals.values(), *sheet.memories.values())
        return copied(state, (self, self._engine, self._hook, self._memory, *constant))

    def stop_soon(self) -> None:
        """Let the engine come back before its next block, and no poll pass time until then."""
        self._in_haste = True
        self._hook.deadline_cycles = 0

    def _request_reset(self, cause: str) -> None:
        self._reset_cause = cause
        self._hook.deadline_cycles = 0

    def _reset(self, cause: str) -> None:
        """Begin anew: registers of core and peripherals as after reset, memories as they are, time goes on."""
        self.resets.append(cause)
        self._reset_cause = ""
        self._asleep = None
        if cause in _LOST_IN:
            for memory, buffer in zip(self.board.sheet.memories.values(), self._buffers, strict=True):
                if memory.kind in ("ram", "tcm"):
                    ctypes.memset(buffer, 0, memory.size)
        retained = self._machine.chip.retained
        retained.reset_cause = cause
        self._make_machine(retained)
        for register in (arm_const.UC_ARM_REG_PRIMASK, arm_const.UC_ARM_REG_BASEPRI, arm_const.UC_ARM_REG_FAULTMASK):
            self._engine.reg_write(register, 0)
        self._engine.reg_write(arm_const.UC_ARM_REG_XPSR_NZCVQG, 1 << 24)
        self._engine.reg_write(arm_const.UC_ARM_REG_CONTROL, 0)
        self._engine.reg_write(arm_const.UC_ARM_REG_APSR_NZCV, 0)
        self._clock.set_clock(int(self.board.sheet.clocks.reset_hz.value))
        self._start()

    # -- running -------------------------------------------------------------------------------------------

    def _step(self) -> None:
        """Run to the next stop of the engine, and do what it stopped for."""
        self._machine.scheduler.run_due(self._clock.now_s)
        if self._clock.now_s >= self._until_s:
            self._end = "seconds"
            return
        if self._reset_cause:
            self._reset(self._reset_cause)
        if self._asleep is not None:
            self._sleep(self._asleep)
            return
        try:
            self._pc = self._exceptions.take_next(self._pc)
        except UcError:
            self._stop_for_ever("lockup: the stack is outside memory")
            return
        if self._exceptions.has_bad_vector:
            self._bad_vector()
            return
        self._replan()
        self._run_engine(_NOWHERE)
        if self._end is None:
            self._after_stop()

    def _bad_vector(self) -> None:
        self._exceptions.has_bad_vector = False
        self._raise_fault(INVALID_STATE)

    def _run_engine(self, until: int, *, count: int = 0) -> None:
        """Let the engine run until it stops, or for `count` instructions; what it could not do becomes a fault."""
        self._hook.before_run()
        self._cause = None
        error: UcError | None = None
        self._is_executing = True
        try:
            self._engine.emu_start(self._pc | 1, until, count=count)
        except UcError as raised:
            error = raised
        self._is_executing = False
        if self._callback_error is not None:
            raise self._callback_error
        pc, xpsr = self._program_state.read()
        self._pc = pc & ~1
        if error is None and self._cause is None and not xpsr & _THUMB:
            self._cause = INVALID_STATE
        if error is not None and self._cause is None:
            self._cause = UNDEFINED_INSTRUCTION if error.errno == unicorn_const.UC_ERR_INSN_INVALID else None
            if self._cause is None:
                self._stop_for_ever(f"{error} at {self._pc:#010x}")
        if self._exceptions.has_bad_vector:
            self._bad_vector()
        elif self._cause is not None:
            self._raise_fault(self._cause)

    def _after_stop(self) -> None:
        if self._cause is not None:
            self._cause = None
        elif self._paused:
            self._paused = False
            self._hook.break_sequence()
        elif self._waits_for_event:
            self._waits_for_event = False
            self._fall_asleep()
        else:
            self._follow(self._hook.stop_reason)
        if self._machine.system.reset_requested:
            self._reset("software")
        elif self.faults and self._machine.nvic.active and self._is_stuck():
            fault = self.faults[-1]
            self._stop_for_ever(f"{fault.exception}: {fault.cause} at {fault.pc:#010x} in {fault.function}")

    def _follow(self, reason: int) -> None:
        """Do what the native hook stopped the engine for; without a reason, it was WFI."""
        if reason == native.REASON_NEW_EDGE:
            self._hook.learn_edge()
            self._trap_divides()
        elif reason == native.REASON_WINDOW:
            self._penalties.window_ended()
        elif reason == native.REASON_FLOAT:
            self._float_without_unit()
        elif reason == native.REASON_UNALIGNED:
            self._unaligned()
        elif reason == native.REASON_NONE:
            self._fall_asleep()

    def _is_stuck(self) -> bool:
        """Tell whether a handler loops on one instruction, as default handlers do."""
        return self.board.holds(self._pc, 2) and bool(self._engine.mem_read(self._pc, 2) == _BRANCH_TO_SELF)

    def _float_without_unit(self) -> None:
        """Run up to the first floating-point instruction of the block, and raise the fault there."""
        self._hook.set_traps(floats_off=False, unaligned=False)
        # What has been translated already does not know of the new place to stop at.
        self._engine.ctl_flush_tb()
        instructions = self._hook.block_at(self._pc, 64).instructions
        target = next((i.address for i in instructions if i.mnemonic.startswith("v")), self._pc)
        while self._pc != target and self._end is None:
            self._run_engine(target)
            if self._hook.stop_reason != native.REASON_NEW_EDGE:
                break
            self._hook.learn_edge()
        self._engine.ctl_flush_tb()
        self._set_traps()
        self._raise_fault(NO_COPROCESSOR)

    def _unaligned(self) -> None:
        """Raise a fault if the access that stopped the engine may not be unaligned; go on otherwise."""
        instruction = self._hook.block_at(self._pc, 4).instructions[0]
        address = self._hook.fault_address
        if self._machine.system.traps_unaligned or instruction.mnemonic.startswith(native.ALIGNED_MNEMONICS):
            self._raise_fault(Cause(UNALIGNED.exception, UNALIGNED.status, f"{UNALIGNED.text} to {address:#010x}"))
        else:
            self._hook.allow_unaligned()
            self._hook.break_sequence()

    def _trap_divides(self) -> None:
        """Watch the divides of the blocks known so far, if firmware wants to trap a divisor of zero."""
        if not self._machine.system.traps_divide_by_zero:
            return
        for address, divisor in self._hook.new_divides():
            if len(self._trapped_divides) >= MAX_TRAPPED_DIVIDES:
                self._machine.chip.report(f"only {MAX_TRAPPED_DIVIDES} divides are watched for a divisor of zero")
                return
            if address not in self._trapped_divides:
                self._trapped_divides.add(address)
                kind = unicorn_const.UC_HOOK_CODE
                self._engine.hook_add(kind, self._on_divide, user_data=divisor, begin=address, end=address)
                self._engine.ctl_flush_tb()

    def _on_divide(self, _engine: object, _address: int, _size: int, divisor: int) -> None:
        if self._machine.system.traps_divide_by_zero and self._engine.reg_read(divisor) == 0:
            self._cause = DIVIDE_BY_ZERO
            self._engine.emu_stop()

    def _raise_fault(self, cause: Cause) -> None:
        """Take the exception that a fault becomes; without one that could be taken, the core locks up."""
        number = self._fault_unit.pend(cause)
        name = FAULT_NAMES[number] if number is not None else "lockup"
        self._note_fault(name, cause)
        if number is None:
            self._stop_for_ever(f"lockup: {cause.text} at {self._pc:#010x} in {self.image.function_at(self._pc)}")
            return
        self._hook.break_sequence()
        try:
            self._pc = self._exceptions.take_next(self._pc)
        except UcError:
            self._stop_for_ever(f"lockup: the stack is outside memory at {self._pc:#010x}, after {cause.text}")
            return
        if self._exceptions.has_bad_vector or not self.board.holds(self._pc, 2):
            fault = self.faults[-1]
            self._stop_for_ever(f"no handler for {name}: {cause.text} at {fault.pc:#010x} in {fault.function}")

    def _note_fault(self, name: str, cause: Cause) -> None:
        if len(self.faults) >= MAX_FAULTS:
            # The first tells how it began, the last how it ended.
            del self.faults[-1]
        registers = {register: int(self._engine.reg_read(code)) for register, code in _REGISTERS.items()}
        record = FaultRecord(
            time_s=self.now_s,
            exception=name,
            cause=cause.text,
            pc=self._pc,
            function=self.image.function_at(self._pc),
            registers=registers,
            status=self._machine.system.fault_status,
            hard_status=self._machine.system.hard_fault_status,
            last_blocks=self._hook.recent_blocks(),
        )
        self.faults.append(record)

    def _stop_for_ever(self, detail: str) -> None:
        self._end, self._detail = "fault", f"{detail}, last block in {self._where()}"

    def _on_bus_error(self, _engine: object, access: int, address: int, _size: int, _value: int, _data: object) -> bool:
        """Note what nothing answers; the engine then gives up with the instruction not carried out."""
        if access in (unicorn_const.UC_MEM_FETCH_UNMAPPED, unicorn_const.UC_MEM_FETCH_PROT):
            self._cause = instruction_bus_error(address)
        elif access == unicorn_const.UC_MEM_WRITE_PROT:
            self._cause = data_bus_error(address, "write to read-only memory at")
        elif access == unicorn_const.UC_MEM_WRITE_UNMAPPED:
            self._cause = data_bus_error(address, "write where there is no memory, at")
        else:
            self._cause = data_bus_error(address, "read where there is no memory, at")
        return False

    def _plan_is_stale(self) -> None:
        """Hear that events or interrupts have changed; one access to a register often changes several."""
        self._stale = True

    def _replan(self) -> None:
        """Stop the engine in time for whatever comes next."""
        self._stale = False
        waiting = self._machine.nvic.candidate() is not None
        if self._in_haste or (
            waiting and self._machine.nvic.next_exception(self._exceptions.execution_priority()) is not None
        ):
            self._hook.deadline_cycles = 0
        else:
            self._hook.watch_unmasking(watch=waiting)
            stop_s = min(self._machine.scheduler.next_s, self._until_s, self._clock.now_s + SLICE_S)
            self._hook.deadline_cycles = self._clock.cycles_at(stop_s)

    def _preempts(self) -> bool:
        return self._machine.nvic.next_exception(self._exceptions.execution_priority()) is not None

    def _fall_asleep(self) -> None:
        """WFI: sleep, unless something is already waiting to be taken."""
        self._hook.break_sequence()
        if self._wakes():
            return
        deep = self._machine.power.deep_mode if self._machine.system.sleep_deep else None
        if deep is not None:
            self._machine.system.systick.stop_clock()
        if deep is not None and deep.startswith("stop"):
            self._machine.tree.enter_stop()
        self._asleep = PowerState(deep or "sleep", 0 if deep else self._clock.clock_hz)
        self._enter_state(self._asleep)

    def _sleep(self, state: PowerState) -> None:
        """Pass the time in `state` to the next event; wake up if it asks for that."""
        next_s = min(self._machine.scheduler.next_s, self._until_s)
        if math.isinf(next_s):
            self._end, self._detail = "halt", f"sleeps for ever in {self.image.function_at(self._pc)}"
            return
        self._clock.sleep_until(next_s, state)
        self._machine.scheduler.run_due(self._clock.now_s)
        wakes = self._machine.chip.woken if state.mode in _LOST_IN else state.mode != _LOCKED_UP and self._wakes()
        if not self._reset_cause and not wakes:
            return
        self._asleep = None
        self._enter_state(PowerState("run", self._clock.clock_hz))
        if self._reset_cause:
            return
        if state.mode in _LOST_IN:
            self._reset(state.mode)
        elif state.clock_hz == 0:
            self._clock.spin_until(self._clock.now_s + self.board.sheet.power.stop_wakeup_s.value)
            self._machine.system.systick.start_clock()
            self._machine.chip.after_stop()

    def _wakes(self) -> bool:
        return self._machine.nvic.wakes(basepri=self._exceptions.basepri)

    def _on_interrupt(self, _engine: object, number: int, _data: object) -> None:
        try:
            self._dispatch(number)
        except UcError:
            self._stop_for_ever("lockup: the stack is outside memory")
            self._engine.emu_stop()
        except Exception as error:  # noqa: BLE001 - must not unwind through the engine's C code
            self._fail(error)

    def _dispatch(self, number: int) -> None:
        pc = self._engine.reg_read(arm_const.UC_ARM_REG_PC)
        if number == _SVC:
            self._machine.nvic.pending.add(SV_CALL)
            if self._machine.nvic.next_exception(self._exceptions.execution_priority()) is None:
                # An SVC that cannot be taken at once escalates (DDI 0403E, B1.5.15).
                self._machine.nvic.pending.discard(SV_CALL)
                self._cause = SVC_MASKED
                self._engine.emu_stop()
                return
            self._go(self._exceptions.take_next(pc & ~1))
        elif number == _EXCEPTION_EXIT or (number == _PREFETCH_ABORT and pc >= _SVC_MASK_RETURN):
            self._leave_handler(pc | 1)
        elif number == _BREAKPOINT:
            self._end, self._detail = "halt", f"breakpoint in {self.image.function_at(pc & ~1)}"
            self._engine.emu_stop()
        else:
            self._cause = INVALID_STATE if number == _PREFETCH_ABORT else UNDEFINED_INSTRUCTION
            self._engine.emu_stop()

    def _leave_handler(self, return_code: int) -> None:
        if not self._machine.nvic.active:
            self._cause = INVALID_STATE
            self._engine.emu_stop()
            return
        self._go(self._exceptions.leave(return_code))
        if self._machine.system.sleep_on_exit and not self._machine.nvic.active:
            # The engine stops without a reason, as it does at WFI.
            self._engine.emu_stop()

    def _go(self, pc: int) -> None:
        self._engine.reg_write(arm_const.UC_ARM_REG_PC, pc | 1)
        self._replan()

    def _on_hint(self, _engine: object, _data: object) -> bool:
        """WFE and YIELD reach us as invalid instructions; YIELD may be skipped (DDI 0403E, A7.7.263).

        WFE goes on at once when an exception has been taken since the last one, and sleeps as WFI does otherwise. An
        event that is no interrupt, by SEV or by EXTI, does not wake it.
        """
        behind = self._engine.reg_read(arm_const.UC_ARM_REG_PC) & ~1
        code = int(struct.unpack("<H", self._engine.mem_read(behind - 2, 2))[0])
        if code == _WFE and self._exceptions.taken == self._taken_at_event:
            self._waits_for_event = True
            self._engine.emu_stop()
        self._taken_at_event = self._exceptions.taken if code == _WFE else self._taken_at_event
        return code in (_WFE, _YIELD)

    def _fail(self, error: BaseException) -> int:
        self._callback_error = error
        self._engine.emu_stop()
        return 0

    def _set_clock(self) -> None:
        hz, divider = self._machine.tree.core_hz, self._machine.tree.bus_divider
        if hz > 0 and (hz, divider) != self._operating_point:
            self._operating_point = hz, divider
            self._clock.set_clock(hz)
            self._enter_state(PowerState("run", hz))
            self._set_memory_timing()

    def _set_memory_timing(self) -> None:
        """Take over how firmware has set up flash, bus, caches and traps."""
        system = self._machine.system
        caches = NO_CACHES
        if self.board.core == "cortex-m7":
            caches = CacheState(system.code_cache_on, system.data_cache_on, system.mpu.uncached())
        self._memory_timing.set_up(self._machine.flash.timing, self._machine.tree.bus_divider, caches)
        self._set_traps()
        self._check_flash_timing()

    def _set_traps(self) -> None:
        system = self._machine.system
        self._hook.set_traps(floats_off=not system.floats_enabled, unaligned=system.traps_unaligned)

    def _check_flash_timing(self) -> None:
        """The core clock must suit the wait states and the voltage range."""
        limits = self.board.sheet.flash.ranges[self._machine.power.range_name].limit_hz.values[0]
        wait_states = min(self._machine.flash.timing.wait_states, len(limits) - 1)
        divider = self._machine.tree.bus_divider
        if self._clock.clock_hz / divider > limits[wait_states] * (1 + OSCILLATOR_TOLERANCE):
            self._machine.chip.report(
                f"core at {self._clock.clock_hz / 1e6:g} MHz with {wait_states} flash wait states; "
                f"the hardware allows {limits[wait_states] * divider / 1e6:g} MHz"
            )

    def _where(self) -> str:
        return self.image.function_at(self._pc if self._asleep is not None else self._hook.last_pc)

    def _watchdogs(self) -> list[Iwdg]:
        return [part for part in self._machine.chip.peripherals.values() if isinstance(part, Iwdg)]

    def _uarts(self) -> list[tuple[str, Usart]]:
        return [(name, p) for name, p in self._machine.chip.peripherals.items() if isinstance(p, Usart)]

    def _outcome(self) -> RunOutcome:
        assert self._end is not None  # noqa: S101 - run loops until there is one
        residency = self._clock.residency_s()
        return RunOutcome(
            end=self._end,
            instructions=self._hook.instructions,
            cycles=self._hook.cycles,
            virtual_s=self._clock.now_s,
            sleep_s=sum(span for state, span in residency.items() if state.mode != "run"),
            detail=self._detail,
        )
