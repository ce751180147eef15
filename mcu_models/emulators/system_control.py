"""The system control space of ARMv7-M at 0xE000E000: SysTick, NVIC registers, SCB; and the DWT cycle counter.

Source: ARMv7-M Architecture Reference Manual (Arm DDI 0403E), sections B3.2-B3.4 and C1.8.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mcu_models.emulators.interrupt_controller import FIRST_IRQ, NMI, PEND_SV, SYS_TICK
from mcu_models.emulators.memory_map import PeripheralSpace
from mcu_models.emulators.memory_timing import cache_bytes
from mcu_models.emulators.protection_unit import MPU_REGIONS, ProtectionUnit
from mcu_models.emulators.scheduler import nothing

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcu_models.boards.board import Board
    from mcu_models.emulators.block_hook import BlockHook
    from mcu_models.emulators.faults import Cause
    from mcu_models.emulators.interrupt_controller import InterruptController
    from mcu_models.emulators.peripherals.base import Chip
    from mcu_models.emulators.scheduler import Scheduler
    from mcu_models.emulators.virtual_clock import VirtualClock

_ICSR, _VTOR, _AIRCR, _SCR, _CPUID, _SHCSR, _CPACR = 0xD04, 0xD08, 0xD0C, 0xD10, 0xD00, 0xD24, 0xD88
_DEMCR = 0xDFC
_CFSR, _HFSR, _MMFAR, _BFAR = 0xD28, 0xD2C, 0xD34, 0xD38
_CLIDR, _CCSIDR, _CSSELR = 0xD78, 0xD80, 0xD84
_MPU_TYPE, _MPU_END = 0xD90, 0xDBC
_CODE_CACHE, _DATA_CACHE = 1 << 17, 1 << 16
"""CCR.IC and CCR.DC of a Cortex-M7."""
_VECTKEY = 0x05FA
_RETTOBASE, _ISRPENDING = 11, 22
"""Bits of ICSR."""
_CCR, _FPCCR, _MVFR0, _MVFR1 = 0xD14, 0xF34, 0xF40, 0xF44
_RESET_VALUES = {_AIRCR: 0xFA050000, _CCR: 0x200, _FPCCR: 0xC0000000, _MVFR0: 0x10110021, _MVFR1: 0x11000011}
"""Stack alignment and lazy floating-point stacking on; single precision (Cortex-M4 TRM, 100166_0001)."""
_READ_ONLY = frozenset({0x4, _CPUID, _MVFR0, _MVFR1})
_CPUIDS = {"cortex-m4": 0x410FC241, "cortex-m7": 0x411FC271}
"""Of STM32L4 (r0p1) and H7 (r1p1); `cpuid` in `board.toml` says what another part has."""


class SysTick:
    """The 24-bit down counter, clocked by the core clock (or an eighth of it).

    Switched off it keeps its value; written, it is cleared and begins with the reload value. It stands still while the
    core clock does, that is in the Stop modes.
    """

    def __init__(self, clock: VirtualClock, scheduler: Scheduler, nvic: InterruptController) -> None:
        self._clock, self._scheduler, self._nvic = clock, scheduler, nvic
        self._control = 0
        self._reload = 0
        self._wrapped = False
        self._counts = False
        self._due_s = 0.0
        self._rate_hz = 0.0
        self._left_ticks: float | None = None
        """Ticks until the counter wraps, while it stands still; None when it has been cleared."""
        clock.on_change(self._clock_changed)

    def read(self, offset: int) -> int:
        """Return CSR, RVR, CVR or CALIB; reading CSR clears COUNTFLAG."""
        if offset == 0x0:
            value = self._control | (int(self._wrapped) << 16)
            self._wrapped = False
            return value
        if offset == 0x8:
            return self._current()
        return self._reload if offset == 0x4 else 0

    def write(self, offset: int, value: int) -> None:
        """Take CSR, RVR or CVR; any write to CVR clears the counter, RVR counts from the next wrap on."""
        self._hold()
        if offset == 0x0:
            self._control = value & 7
        elif offset == 0x4:
            self._reload = value & 0xFFFFFF
        elif offset == 0x8:
            self._wrapped = False
            self._left_ticks = None
        self._go_on()

    def stop_clock(self) -> None:
        """Stand still: a Stop mode has switched the core clock off."""
        self._hold()

    def start_clock(self) -> None:
        """Count on from where the clock was stopped."""
        self._go_on()

    def _clock_changed(self) -> None:
        if self._counts:
            self._hold()
            self._go_on()

    def _current(self) -> int:
        left = (self._due_s - self._clock.now_s) * self._rate_hz if self._counts else self._left_ticks
        # A wrap is due in a tick more than the counter says.
        return 0 if left is None else max(0, math.ceil(left - 1e-6) - 1)

    def _hold(self) -> None:
        if self._counts:
            self._left_ticks = max(0.0, (self._due_s - self._clock.now_s) * self._rate_hz)
            self._counts = False
            self._scheduler.cancel(self)

    def _go_on(self) -> None:
        if not self._control & 1 or self._reload == 0:
            return
        self._rate_hz = self._clock.clock_hz if self._control & 4 else self._clock.clock_hz / 8
        left = self._reload + 1 if self._left_ticks is None else self._left_ticks
        self._counts = True
        self._due_s = self._clock.now_s + left / self._rate_hz
        self._scheduler.at(self._due_s, self, self._expire)

    def _expire(self) -> None:
        self._wrapped = True
        if self._control & 2:
            self._nvic.pend(SYS_TICK)
        self._due_s += (self._reload + 1) / self._rate_hz
        self._scheduler.at(self._due_s, self, self._expire)


class SystemControl:
    """Registers of the system control space, except for the debug ones.

    `sleep_deep` and `vector_table` are what the core asks for; everything else acts on the interrupt controller.

    Attributes:
        vector_table: VTOR.
        fault_status: CFSR.
        hard_fault_status: HFSR.
        mpu: The memory protection unit.
        systick: The system timer.
        on_memory: Called when caches or protection regions have changed.
    """

    def __init__(self, board: Board, nvic: InterruptController, systick: SysTick) -> None:
        core = board.core
        self.vector_table = board.memory("flash").base
        self.fault_status = 0
        self.hard_fault_status = 0
        self.mpu = ProtectionUnit(MPU_REGIONS[core])
        self.on_memory: Callable[[], None] = nothing
        self._cache_bytes = cache_bytes(board) if core == "cortex-m7" else None
        self._nvic = nvic
        self.systick = systick
        self._scr = 0
        interrupt_lines = (nvic.count - FIRST_IRQ - 1) // 32
        cpuid = board.sheet.cpuid or _CPUIDS[core]
        self._plain: dict[int, int] = {**_RESET_VALUES, _CPUID: cpuid, 0x4: interrupt_lines}
        self.reset_requested = False

    @property
    def sleep_deep(self) -> bool:
        """SCR.SLEEPDEEP: WFI enters a Stop or Standby mode."""
        return bool(self._scr & 4)

    @property
    def trace_enabled(self) -> bool:
        """DEMCR.TRCENA: the DWT works."""
        return bool(self._plain.get(_DEMCR, 0) >> 24 & 1)

    @property
    def sleep_on_exit(self) -> bool:
        """SCR.SLEEPONEXIT: the return to thread mode sleeps at once."""
        return bool(self._scr & 2)

    def read(self, offset: int, size: int) -> int:
        """Return `size` bytes at `offset` from 0xE000E000."""
        if 0x010 <= offset < 0x020:
            return self.systick.read(offset - 0x010)
        if 0x100 <= offset < 0x340:
            return self._read_bits(offset)
        if _is_priority(offset):
            return sum(self._nvic.priority[n] << (8 * i) for i, n in self._priorities(offset, size))
        if _MPU_TYPE <= offset < _MPU_END:
            return self.mpu.read(offset - _MPU_TYPE)
        return self._read_scb(offset, size)

    def _read_scb(self, offset: int, size: int) -> int:
        if offset == _ICSR:
            return self._icsr()
        if offset in (_VTOR, _SCR):
            return self.vector_table if offset == _VTOR else self._scr
        if _CFSR <= offset < _CFSR + 4:
            return self.fault_status >> (8 * (offset - _CFSR)) & ((1 << (8 * size)) - 1)
        if offset == _HFSR:
            return self.hard_fault_status
        if self._cache_bytes is not None and offset in (_CLIDR, _CCSIDR):
            return 0x09000003 if offset == _CLIDR else self._cache_size_id()
        return self._plain.get(offset, 0)

    def _cache_size_id(self) -> int:
        """Return CCSIDR of the cache that CSSELR names: lines of 32 bytes (DDI 0403E, B4.8.4)."""
        assert self._cache_bytes is not None  # noqa: S101 - asked by the caller
        for_code = self._plain.get(_CSSELR, 0) & 1
        ways = 2 if for_code else 4
        sets = self._cache_bytes[0 if for_code else 1] // (32 * ways)
        return 0xF0000001 | (sets - 1) << 13 | (ways - 1) << 3

    @property
    def code_cache_on(self) -> bool:
        """CCR.IC."""
        return bool(self._plain[_CCR] & _CODE_CACHE)

    @property
    def data_cache_on(self) -> bool:
        """CCR.DC."""
        return bool(self._plain[_CCR] & _DATA_CACHE)

    @property
    def traps_divide_by_zero(self) -> bool:
        """CCR.DIV_0_TRP."""
        return bool(self._plain[_CCR] & 1 << 4)

    @property
    def traps_unaligned(self) -> bool:
        """CCR.UNALIGN_TRP."""
        return bool(self._plain[_CCR] & 1 << 3)

    @property
    def floats_enabled(self) -> bool:
        """CPACR opens coprocessors 10 and 11."""
        return self._plain.get(_CPACR, 0) >> 20 & 0xF != 0

    @property
    def stacks_floats(self) -> bool:
        """FPCCR.ASPEN: frames hold the floating-point registers."""
        return bool(self._plain[_FPCCR] >> 31 & 1)

    @property
    def stacks_floats_late(self) -> bool:
        """FPCCR.LSPEN: their place is reserved, and filled at the first floating-point instruction."""
        return bool(self._plain[_FPCCR] >> 30 & 1)

    def note_fault(self, cause: Cause) -> None:
        """Set the status and address registers of a fault."""
        self.fault_status |= cause.status
        if cause.address is not None:
            self._plain[_BFAR if cause.status >> 15 & 1 else _MMFAR] = cause.address

    def write(self, offset: int, size: int, value: int) -> None:
        """Take `size` bytes at `offset` from 0xE000E000."""
        if 0x010 <= offset < 0x020:
            self.systick.write(offset - 0x010, value)
        elif 0x100 <= offset < 0x300:
            self._write_bits(offset, value)
        elif _is_priority(offset):
            for i, number in self._priorities(offset, size):
                self._nvic.set_priority(number, (value >> (8 * i)) & 0xFF)
        elif offset == 0xF00:
            self._nvic.pend(FIRST_IRQ + (value & 0x1FF))
        else:
            self._write_scb(offset, size, value)

    def _write_scb(self, offset: int, size: int, value: int) -> None:
        if offset == _ICSR:
            self._write_icsr(value)
        elif offset == _VTOR:
            self.vector_table = value & 0xFFFFFF80
        elif offset == _SCR:
            self._scr = value
        elif offset == _AIRCR:
            self._write_aircr(value)
        elif offset == _SHCSR:
            for bit, number in ((16, 4), (17, 5), (18, 6)):
                self._nvic.set_enabled(number, enabled=bool(value >> bit & 1))
            self._plain[offset] = value
        elif _MPU_TYPE <= offset < _MPU_END:
            self.mpu.write(offset - _MPU_TYPE, value)
            self.on_memory()
        elif offset not in _READ_ONLY:
            self._write_plain(offset, size, value)

    def _write_plain(self, offset: int, size: int, value: int) -> None:
        if _CFSR <= offset < _CFSR + 4:
            self.fault_status &= ~((value & ((1 << (8 * size)) - 1)) << (8 * (offset - _CFSR)))
        elif offset == _HFSR:
            self.hard_fault_status &= ~value
        else:
            self._plain[offset] = value
            if offset in (_CCR, _CPACR):
                self.on_memory()

    def _icsr(self) -> int:
        active = self._nvic.active[-1] if self._nvic.active else 0
        candidate = self._nvic.candidate() or 0
        pending = self._nvic.pending
        word = active | candidate << 12 | int(len(self._nvic.active) == 1) << _RETTOBASE
        word |= int(any(number >= FIRST_IRQ for number in pending)) << _ISRPENDING
        return word | int(NMI in pending) << 31 | int(PEND_SV in pending) << 28 | int(SYS_TICK in pending) << 26

    def _write_icsr(self, value: int) -> None:
        for bit, number in ((31, NMI), (28, PEND_SV), (26, SYS_TICK)):
            if value >> bit & 1:
                self._nvic.pend(number)
        for bit, number in ((27, PEND_SV), (25, SYS_TICK)):
            if value >> bit & 1:
                self._nvic.unpend(number)

    def _write_aircr(self, value: int) -> None:
        if value >> 16 != _VECTKEY:
            return
        self._nvic.set_grouping(value >> 8 & 7)
        self._plain[_AIRCR] = 0xFA050000 | (value & 0x700)
        self.reset_requested |= bool(value & 4)

    def _read_bits(self, offset: int) -> int:
        sets = {
            0x100: self._nvic.enabled,
            0x180: self._nvic.enabled,
            0x200: self._nvic.pending,
            0x280: self._nvic.pending,
        }
        chosen = sets.get(offset & ~0x7F, set(self._nvic.active))
        first = FIRST_IRQ + (offset & 0x7F) * 8
        return sum(1 << i for i in range(32) if first + i in chosen)

    def _write_bits(self, offset: int, value: int) -> None:
        first = FIRST_IRQ + (offset & 0x7F) * 8
        for number in (first + i for i in range(32) if value >> i & 1):
            group = offset & ~0x7F
            if group in (0x100, 0x180):
                self._nvic.set_enabled(number, enabled=group == 0x100)
            elif group == 0x200:
                self._nvic.pend(number)
            else:
                self._nvic.unpend(number)

    def _priorities(self, offset: int, size: int) -> list[tuple[int, int]]:
        first = FIRST_IRQ + offset - 0x400 if offset < 0xD00 else 4 + offset - 0xD18
        return [(i, first + i) for i in range(size) if first + i < self._nvic.count]


def _is_priority(offset: int) -> bool:
    return 0x400 <= offset < 0x5F0 or 0xD18 <= offset < 0xD24


class CycleCounter:
    """DWT CYCCNT: core cycles while the core executes; it stands still in sleep.

    Source: DDI 0403E C1.8; that it stops with the core clock gated is the behaviour without a debugger.
    """

    def __init__(self, hook: BlockHook, system: SystemControl) -> None:
        self._hook = hook
        self._system = system
        self._plain: dict[int, int] = {0x0: 0x40000000}
        self._value = 0
        self._since = 0

    def read(self, offset: int, size: int) -> int:  # noqa: ARG002 - the width of the access does not matter
        """Return a DWT register; zero while DEMCR.TRCENA keeps the unit off."""
        if not self._system.trace_enabled:
            return 0
        if offset == 0x4:
            return self._count()
        return self._plain.get(offset, 0)

    def write(self, offset: int, size: int, value: int) -> None:  # noqa: ARG002
        """Take a DWT register, unless DEMCR.TRCENA keeps the unit off."""
        if not self._system.trace_enabled:
            return
        if offset in (0x0, 0x4):
            self._value = value if offset == 0x4 else self._count()
            self._since = self._hook.cycles
        if offset == 0x0:
            self._plain[0x0] = 0x40000000 | (value & 0xFFFFFF)
        elif offset != 0x4:
            self._plain[offset] = value

    def _count(self) -> int:
        """Return the counter: it runs while CTRL.CYCCNTENA is set and stands still otherwise."""
        elapsed = self._hook.cycles - self._since if self._plain[0x0] & 1 else 0
        return (self._value + elapsed) & 0xFFFFFFFF


class SystemSpace:
    """The private peripheral bus: system control, cycle counter, and debug units of which registers are kept.

    Attributes:
        others: What else the board places here, such as its identity register.
    """

    _BASE = 0xE0000000
    _CONTROL, _DWT, _PAGE = 0xE000, 0x1000, 0x1000

    def __init__(
        self, system: SystemControl, counter: CycleCounter, chip: Chip, hook: BlockHook, where: Callable[[], str]
    ) -> None:
        self._pages: dict[int, SystemControl | CycleCounter] = {self._CONTROL: system, self._DWT: counter}
        self._kept: dict[int, int] = {}
        self.others = PeripheralSpace(self._BASE, chip, hook, where)

    def read(self, offset: int, size: int) -> int:
        """Return `size` bytes at `offset`."""
        page = self._pages.get(offset & ~(self._PAGE - 1))
        if page is not None:
            return page.read(offset & (self._PAGE - 1), size)
        return self._kept.get(offset, 0) if self._is_debug(offset) else self.others.read(offset, size)

    def write(self, offset: int, size: int, value: int) -> None:
        """Take `size` bytes at `offset`."""
        page = self._pages.get(offset & ~(self._PAGE - 1))
        if page is not None:
            page.write(offset & (self._PAGE - 1), size, value)
        elif self._is_debug(offset):
            self._kept[offset] = value
        else:
            self.others.write(offset, size, value)

    @staticmethod
    def _is_debug(offset: int) -> bool:
        """Tell whether a trace or breakpoint unit of the core lies there: ITM, FPB, TPIU, ETM."""
        return offset < 0x1000 or 0x2000 <= offset < 0x3000 or 0x40000 <= offset < 0x42000
