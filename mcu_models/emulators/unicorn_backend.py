"""An STM32 emulated with Unicorn: core and memories by Unicorn, time, exceptions and peripherals by us."""

from __future__ import annotations

import ctypes
import math
import struct
from typing import TYPE_CHECKING, Any

from unicorn import Uc, UcError, arm_const, unicorn_const

from datasheet.bad_input import BadInputError, nearest_name
from mcu_models.emulators import native_hook as native
from mcu_models.emulators.bare_core import CPU_MODELS
from mcu_models.emulators.block_hook import BlockHook
from mcu_models.emulators.connections import AwaitedText, Connections
from mcu_models.emulators.exceptions import ExceptionUnit
from mcu_models.emulators.interrupt_controller import SV_CALL
from mcu_models.emulators.interruption import deferred_interrupt
from mcu_models.emulators.machine import Machine
from mcu_models.emulators.peripherals.i2c_v2 import I2cV2
from mcu_models.emulators.peripherals.usart import Usart
from mcu_models.emulators.port import RunOutcome, UartLine
from mcu_models.emulators.virtual_clock import PowerState, StateSpan, VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcu_models.boards.board import Board
    from mcu_models.emulators.image import FirmwareImage
    from mcu_models.emulators.peripherals.base import Peripheral
    from mcu_models.emulators.port import End, I2cDevice

SLICE_S = 0.5
"""The engine comes back at least this often in virtual time, so that Ctrl-C is heard."""
_NOWHERE = 0xFFFFFF00
"""`until` is compiled into translated code, so it has to be an address that is never reached."""
_SVC, _BREAKPOINT, _EXCEPTION_EXIT, _PREFETCH_ABORT = 2, 7, 8, 3
_SVC_MASK_RETURN = 0xFFFFFF00
_WFE, _YIELD = 0xBF20, 0xBF10


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


class UnicornEmulator:
    """One microcontroller with one image, from power-on.

    Virtual time starts at 0 with the reset vector. Time passes with the cycles the timing model charges, jumps
    to the next event while the core sleeps, and also while firmware polls a status register that cannot change
    before that event.

    Args:
        board: What to emulate.
        image: What to run.

    Raises:
        BadInputError: The image does not fit the board's memories, or has no vector table.
    """

    def __init__(self, board: Board, image: FirmwareImage) -> None:
        self.board = board
        self.image = image
        self._engine: Any = Uc(unicorn_const.UC_ARCH_ARM, unicorn_const.UC_MODE_THUMB)
        self._engine.ctl_set_cpu_model(CPU_MODELS[board.core])
        self._buffers: list[Any] = []
        self._map_memories()
        self._hook = BlockHook(self._engine, board)
        self._clock = VirtualClock(self._hook, int(board.sheet.clocks.reset_hz.value))
        self._clock.on_change(self._replan)
        self.connections = Connections()
        self._problems: dict[str, None] = {}
        self._machine = self._new_machine()
        self._exceptions = self._new_exceptions()
        for index, (base, size, _) in enumerate(self._machine.regions()):
            self._map_registers(index, base, size)
        self._engine.hook_add(unicorn_const.UC_HOOK_INTR, self._on_interrupt)
        self._engine.hook_add(unicorn_const.UC_HOOK_INSN_INVALID, self._on_hint)
        self._load(board.memory("flash").base)
        self._end: End | None = None
        self._detail = ""
        self._until_s = math.inf
        self._callback_error: BaseException | None = None
        self._asleep: PowerState | None = None

    # -- building ------------------------------------------------------------------------------------------

    def _map_memories(self) -> None:
        for memory in self.board.sheet.memories.values():
            buffer = ctypes.create_string_buffer(memory.size)
            self._buffers.append(buffer)
            access = unicorn_const.UC_PROT_READ | unicorn_const.UC_PROT_EXEC
            if memory.kind != "flash":
                access |= unicorn_const.UC_PROT_WRITE
            for base in (memory.base, *memory.aliases):
                self._engine.mem_map_ptr(base, memory.size, access, buffer)

    def _new_machine(self) -> Machine:
        """Return the parts around the core as after a reset, wired to this emulator."""
        machine = Machine(
            self.board,
            self._hook,
            self._clock,
            connections=self.connections,
            memory=EngineMemory(self._engine),
            problems=self._problems,
            where=self._where,
        )
        machine.tree.on_clock = self._set_clock
        machine.flash.on_timing = self._set_flash
        machine.scheduler.changed = self._replan
        machine.nvic.changed = self._replan
        self._registers = [registers for _, _, registers in machine.regions()]
        return machine

    def _new_exceptions(self) -> ExceptionUnit:
        return ExceptionUnit(self._engine, self._hook, self._machine.nvic, self._machine.system)

    def _map_registers(self, index: int, base: int, size: int) -> None:
        def read(_engine: object, offset: int, width: int, _data: object) -> int:
            try:
                return self._registers[index].read(offset, width)
            except Exception as error:  # noqa: BLE001 - must not unwind through the engine's C code
                return self._fail(error)

        def write(_engine: object, offset: int, width: int, value: int, _data: object) -> None:
            try:
                self._registers[index].write(offset, width, value)
            except Exception as error:  # noqa: BLE001
                self._fail(error)

        self._engine.mmio_map(base, size, read, None, write, None)

    def _load(self, flash_base: int) -> None:
        for segment in self.image.segments:
            if not self._fits(segment.address, len(segment.data)):
                raise BadInputError(
                    self.image.name,
                    "",
                    None,
                    f"loads {len(segment.data)} bytes at {segment.address:#010x}, outside {self.board.name}",
                )
            self._engine.mem_write(segment.address, segment.data)
        stack, entry = struct.unpack("<II", self._engine.mem_read(flash_base, 8))
        if not entry & 1 or not self._fits(stack - 4, 4):
            raise BadInputError(self.image.name, "", None, f"has no vector table at {flash_base:#010x}")
        self._engine.reg_write(arm_const.UC_ARM_REG_MSP, stack)
        self._pc = entry & ~1

    def _fits(self, address: int, length: int) -> bool:
        return any(memory.holds(address, length) for memory in self.board.sheet.memories.values())

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
        """Let `text` arrive at the receiver of a UART; without a name, at all that have sent or can receive."""
        for name, uart in self._uarts():
            if port in (None, name):
                uart.receive(text)

    def on_uart_line(self, listener: Callable[[UartLine], None]) -> None:
        """Call `listener` with every line, at the virtual time at which it is complete."""
        self.connections.listeners.on_line.append(listener)

    def uart_lines(self, port: str | None = None) -> list[UartLine]:
        """Return the complete lines sent so far, of one UART or of all, in order of time."""
        transcripts = self.connections.transcripts.items()
        lines = [line for name, transcript in transcripts if port in (None, name) for line in transcript.lines]
        return sorted(lines, key=lambda line: line.time_s)

    def uart_text(self, port: str | None = None) -> str:
        """Return all that has been sent so far, line ends included, of one UART or of all, one after the other."""
        transcripts = self.connections.transcripts.items()
        texts = (transcript.text for name, transcript in transcripts if port in (None, name))
        return b"".join(texts).decode("ascii", errors="replace")

    def residency_s(self) -> Mapping[PowerState, float]:
        """Return the seconds spent in each power state since power-on."""
        return self._clock.residency_s()

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

    def read_memory(self, address: int, length: int) -> bytes:
        """Return `length` bytes of memory as the core sees them."""
        return bytes(self._engine.mem_read(address, length))

    def run(self, *, until_s: float, until_text: str | None = None) -> RunOutcome:
        """Run until virtual time `until_s`, or until what a UART sends from now on contains `until_text`."""
        self._until_s = until_s
        self._end = None
        self._detail = ""
        awaited = None if until_text is None else AwaitedText(self.connections, until_text)
        with deferred_interrupt() as interrupted:
            while self._end is None and not interrupted():
                self._step()
                if awaited is not None and self._end is None and awaited.has_come():
                    self._end = "until"
        return self._outcome()

    # -- running -------------------------------------------------------------------------------------------

    def _step(self) -> None:
        """Run to the next stop of the engine, and do what it stopped for."""
        self._machine.scheduler.run_due(self._clock.now_s)
        if self._clock.now_s >= self._until_s:
            self._end = "seconds"
            return
        if self._asleep is not None:
            self._sleep(self._asleep)
            return
        self._pc = self._exceptions.take_next(self._pc)
        self._replan()
        self._hook.before_run()
        try:
            self._engine.emu_start(self._pc | 1, _NOWHERE)
        except UcError as error:
            self._pc = self._engine.reg_read(arm_const.UC_ARM_REG_PC)
            self._fault(str(error))
        if self._callback_error is not None:
            raise self._callback_error
        self._pc = self._engine.reg_read(arm_const.UC_ARM_REG_PC) & ~1
        if self._end is None:
            self._after_stop()

    def _after_stop(self) -> None:
        reason = self._hook.stop_reason
        if reason == native.REASON_NEW_EDGE:
            self._hook.learn_edge()
        elif reason == native.REASON_NONE:
            self._fall_asleep()
        if self._machine.system.reset_requested:
            self._end, self._detail = "halt", "firmware asked for a system reset"

    def _replan(self) -> None:
        """Stop the engine in time for whatever comes next."""
        waiting = self._machine.nvic.candidate() is not None
        if waiting and self._machine.nvic.next_exception(self._exceptions.execution_priority()) is not None:
            self._hook.deadline_cycles = 0
            return
        self._hook.watch_unmasking(watch=waiting)
        stop_s = min(self._machine.scheduler.next_s, self._until_s, self._clock.now_s + SLICE_S)
        self._hook.deadline_cycles = self._clock.cycles_at(stop_s)

    def _fall_asleep(self) -> None:
        """WFI: sleep, unless something is already waiting to be taken."""
        self._hook.break_sequence()
        if self._wakes():
            return
        deep = self._machine.power.deep_mode if self._machine.system.sleep_deep else None
        if deep is not None and deep.startswith("stop"):
            self._machine.tree.enter_stop()
        self._asleep = PowerState(deep or "sleep", 0 if deep else self._clock.clock_hz)

    def _sleep(self, state: PowerState) -> None:
        """Pass the time in `state` to the next event; wake up if it asks for that."""
        next_s = min(self._machine.scheduler.next_s, self._until_s)
        if math.isinf(next_s):
            self._end, self._detail = "halt", f"sleeps for ever in {self.image.function_at(self._pc)}"
            return
        self._clock.sleep_until(next_s, state)
        self._machine.scheduler.run_due(self._clock.now_s)
        if self._wakes():
            self._asleep = None
            if state.clock_hz == 0:
                self._clock.spin_until(self._clock.now_s + self.board.sheet.power.stop_wakeup_s.value)

    def _wakes(self) -> bool:
        return self._machine.nvic.wakes(basepri=self._exceptions.basepri)

    def _on_interrupt(self, _engine: object, number: int, _data: object) -> None:
        try:
            self._dispatch(number)
        except Exception as error:  # noqa: BLE001 - must not unwind through the engine's C code
            self._fail(error)

    def _dispatch(self, number: int) -> None:
        pc = self._engine.reg_read(arm_const.UC_ARM_REG_PC)
        if number == _SVC:
            self._machine.nvic.pending.add(SV_CALL)
            self._go(self._exceptions.take_next(pc & ~1))
        elif number == _EXCEPTION_EXIT or (number == _PREFETCH_ABORT and pc >= _SVC_MASK_RETURN):
            target = self._exceptions.leave(pc | 1)
            self._go(self._exceptions.take_next(target))
        elif number == _BREAKPOINT:
            self._end, self._detail = "halt", f"breakpoint in {self.image.function_at(pc & ~1)}"
            self._engine.emu_stop()
        else:
            self._fault(f"exception {number} of the core")

    def _go(self, pc: int) -> None:
        self._engine.reg_write(arm_const.UC_ARM_REG_PC, pc | 1)
        self._replan()

    def _on_hint(self, _engine: object, _data: object) -> bool:
        """WFE and YIELD reach us as invalid instructions; both may be skipped (DDI 0403E, A7.7.262, A7.7.263)."""
        behind = self._engine.reg_read(arm_const.UC_ARM_REG_PC) & ~1
        code = int(struct.unpack("<H", self._engine.mem_read(behind - 2, 2))[0])
        return code in (_WFE, _YIELD)

    def _fault(self, what: str) -> None:
        where = self.image.function_at(self._pc & ~1)
        self._end = "fault"
        self._detail = f"{what} at {self._pc & ~1:#010x} in {where}, last block in {self._where()}"
        self._engine.emu_stop()

    def _fail(self, error: BaseException) -> int:
        self._callback_error = error
        self._engine.emu_stop()
        return 0

    def _set_clock(self) -> None:
        hz = self._machine.tree.core_hz
        if hz > 0:
            self._clock.set_clock(hz)
            self._check_flash_timing()

    def _set_flash(self) -> None:
        self._hook.set_flash_timing(self._machine.flash.timing)
        self._check_flash_timing()

    def _check_flash_timing(self) -> None:
        """The core clock must suit the wait states and the voltage range."""
        limits = self.board.sheet.flash.ranges[self._machine.power.range_name].limit_hz.values[0]
        wait_states = min(self._machine.flash.timing.wait_states, len(limits) - 1)
        if self._clock.clock_hz > limits[wait_states]:
            self._machine.chip.report(
                f"core at {self._clock.clock_hz / 1e6:g} MHz with {wait_states} flash wait states; "
                f"the hardware allows {limits[wait_states] / 1e6:g} MHz"
            )

    def _where(self) -> str:
        return self.image.function_at(self._hook.last_pc)

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
