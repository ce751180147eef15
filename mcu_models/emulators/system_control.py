"""The system control space of ARMv7-M at 0xE000E000: SysTick, NVIC registers, SCB; and the DWT cycle counter.

Source: ARMv7-M Architecture Reference Manual (Arm DDI 0403E), sections B3.2-B3.4 and C1.8.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mcu_models.emulators.interrupt_controller import FIRST_IRQ, NMI, PEND_SV, SYS_TICK
from mcu_models.emulators.memory_map import PeripheralSpace

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcu_models.emulators.block_hook import BlockHook
    from mcu_models.emulators.interrupt_controller import InterruptController
    from mcu_models.emulators.peripherals.base import Chip
    from mcu_models.emulators.scheduler import Scheduler
    from mcu_models.emulators.virtual_clock import VirtualClock

_ICSR, _VTOR, _AIRCR, _SCR, _CPUID, _SHCSR, _CPACR = 0xD04, 0xD08, 0xD0C, 0xD10, 0xD00, 0xD24, 0xD88
_DEMCR = 0xDFC
_VECTKEY = 0x05FA
_CCR, _FPCCR, _MVFR0, _MVFR1 = 0xD14, 0xF34, 0xF40, 0xF44
_RESET_VALUES = {_AIRCR: 0xFA050000, _CCR: 0x200, _FPCCR: 0xC0000000, _MVFR0: 0x10110021, _MVFR1: 0x11000011}
"""Stack alignment and lazy floating-point stacking on; single precision (Cortex-M4 TRM, 100166_0001)."""
_READ_ONLY = frozenset({0x4, _CPUID, _MVFR0, _MVFR1})
_CPUIDS = {"cortex-m4": 0x410FC241, "cortex-m7": 0x411FC271}


class SysTick:
    """The 24-bit down counter, clocked by the core clock (or an eighth of it).

    It is stopped while the core clock is, that is in the Stop modes; its events are kept in core cycles.
    """

    def __init__(self, clock: VirtualClock, hook: BlockHook, scheduler: Scheduler, nvic: InterruptController) -> None:
        self._clock, self._hook, self._scheduler, self._nvic = clock, hook, scheduler, nvic
        self._control = 0
        self._reload = 0
        self._wrapped = False
        self._start_s = 0.0
        clock.on_change(self._restart)

    @property
    def _tick_hz(self) -> float:
        return self._clock.clock_hz if self._control & 4 else self._clock.clock_hz / 8

    @property
    def _running(self) -> bool:
        return bool(self._control & 1) and self._reload > 0

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
        """Take CSR, RVR or CVR; any write to CVR clears the counter."""
        if offset == 0x0:
            self._control = value & 7
        elif offset == 0x4:
            self._reload = value & 0xFFFFFF
            return
        elif offset == 0x8:
            self._wrapped = False
        self._restart()

    def _current(self) -> int:
        if not self._running:
            return 0
        ticks = math.floor((self._clock.now_s - self._start_s) * self._tick_hz)
        return (self._reload - ticks) % (self._reload + 1)

    def _restart(self) -> None:
        self._start_s = self._clock.now_s
        self._plan()

    def _plan(self) -> None:
        if self._running:
            due_s = self._start_s + (self._reload + 1) / self._tick_hz
            self._scheduler.at(due_s, self, self._expire)
        else:
            self._scheduler.cancel(self)

    def _expire(self) -> None:
        self._start_s += (self._reload + 1) / self._tick_hz
        self._wrapped = True
        if self._control & 2:
            self._nvic.pend(SYS_TICK)
        self._plan()


class SystemControl:
    """Registers of the system control space, except for the debug ones.

    `sleep_deep` and `vector_table` are what the core asks for; everything else acts on the interrupt controller.
    """

    def __init__(self, core: str, vector_table: int, nvic: InterruptController, systick: SysTick) -> None:
        self.vector_table = vector_table
        self._nvic = nvic
        self._systick = systick
        self._scr = 0
        interrupt_lines = (nvic.count - FIRST_IRQ - 1) // 32
        self._plain: dict[int, int] = {**_RESET_VALUES, _CPUID: _CPUIDS[core], 0x4: interrupt_lines}
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
            return self._systick.read(offset - 0x010)
        if 0x100 <= offset < 0x340:
            return self._read_bits(offset)
        if _is_priority(offset):
            return sum(self._nvic.priority[n] << (8 * i) for i, n in self._priorities(offset, size))
        if offset == _ICSR:
            return self._icsr()
        if offset in (_VTOR, _SCR):
            return self.vector_table if offset == _VTOR else self._scr
        return self._plain.get(offset, 0)

    def write(self, offset: int, size: int, value: int) -> None:
        """Take `size` bytes at `offset` from 0xE000E000."""
        if 0x010 <= offset < 0x020:
            self._systick.write(offset - 0x010, value)
        elif 0x100 <= offset < 0x300:
            self._write_bits(offset, value)
        elif _is_priority(offset):
            for i, number in self._priorities(offset, size):
                self._nvic.set_priority(number, (value >> (8 * i)) & 0xFF)
        elif offset == 0xF00:
            self._nvic.pend(FIRST_IRQ + (value & 0x1FF))
        else:
            self._write_scb(offset, value)

    def _write_scb(self, offset: int, value: int) -> None:
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
        elif offset not in _READ_ONLY:
            self._plain[offset] = value

    def _icsr(self) -> int:
        active = self._nvic.active[-1] if self._nvic.active else 0
        candidate = self._nvic.candidate() or 0
        pend_sv, tick = PEND_SV in self._nvic.pending, SYS_TICK in self._nvic.pending
        return active | candidate << 12 | int(pend_sv) << 28 | int(tick) << 26

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
