"""LPTIM: the low-power timer that keeps counting in Stop 2 when LSE or LSI clocks it.

Source: RM0351, chapter 33. Modelled: internal clock, prescaler, continuous and single mode, preloaded ARR, compare and
auto-reload match interrupts, and that a write to ARR or CMP is acknowledged only after some ticks. Not modelled:
external inputs, encoder, waveform output. ARRM comes as the period ends; the chip's own delay of about a tick is not
documented.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from mcu_models.emulators.peripherals.base import Chip, Peripheral

if TYPE_CHECKING:
    from mcu_models.boards.board import PeripheralSheet

_ISR, _ICR, _IER, _CFGR, _CR, _CMP, _ARR, _CNT = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x14, 0x18, 0x1C
_CMPM, _ARRM, _CMPOK, _ARROK = 1, 1 << 1, 1 << 3, 1 << 4
_ENABLE, _SNGSTRT, _CNTSTRT = 1, 1 << 1, 1 << 2
_PRELOAD = 1 << 22
WRITE_TICKS = 4
"""Ticks until ARROK or CMPOK: 100-200 us were measured with a 32768 Hz clock (zephyrproject-rtos/zephyr, PR 46840)."""


class Lptim(Peripheral):
    """Counts ticks of its kernel clock since the start, in whole numbers, so that no drift creeps in."""

    status_registers = frozenset({_ISR})
    reset_values = {_ARR: 1}  # noqa: RUF012 - a class constant by design

    def __init__(self, name: str, chip: Chip, sheet: PeripheralSheet) -> None:
        super().__init__(name, chip, sheet)
        self._running = False
        self._single = False
        self._start_s = 0.0
        self._period_begin_ticks = 0
        self._active_arr = 1
        self._counted_hz = 0.0

    def reset(self) -> None:
        """Stop, and go back to the state after reset."""
        self._stop()
        for register in ("ARR", "CMP"):
            self.cancel(f"write {register}")
        super().reset()

    @property
    def _tick_hz(self) -> float:
        return self.kernel_hz / (1 << (self.registers.get(_CFGR, 0) >> 9 & 7))

    def read_register(self, offset: int) -> int:
        """Return a register; CNT is worked out from the time."""
        if offset == _CNT:
            return self._count()
        return super().read_register(offset)

    def write_register(self, offset: int, value: int) -> None:
        """Take a register."""
        if offset == _ICR:
            self._change(clear=value)
        elif offset == _CR:
            self._control(value)
        elif offset == _ARR:
            self._set_arr(value & 0xFFFF)
        elif offset == _CMP:
            self.registers[_CMP] = value & 0xFFFF
            self._acknowledge("CMP", _CMPOK)
            self._plan_compare()
        elif offset not in (_ISR, _CNT):
            self._configure(offset, value)

    def _configure(self, offset: int, value: int) -> None:
        if self.registers.get(_CR, 0) & _ENABLE and value != self.registers.get(offset, 0):
            self.chip.report(f"{self.name}: CFGR or IER written while the timer is enabled")
        self.registers[offset] = value
        self._change()

    def _acknowledge(self, register: str, flag: int) -> None:
        """Raise the flag that a write has arrived in the timer's clock domain; one write at a time."""
        slot = f"write {register}"
        if not math.isinf(self.chip.scheduler.time_of((self.name, slot))):
            self.chip.report(f"{self.name}: {register} written again before the last write has arrived")
        if self._tick_hz > 0:
            self.after(WRITE_TICKS / self.kernel_hz, partial(self._change, set_=flag), slot)

    def _set_arr(self, value: int) -> None:
        if not self.registers.get(_CR, 0) & _ENABLE:
            self.chip.report(f"{self.name}: ARR written while the timer is disabled; hardware ignores it")
            return
        self.registers[_ARR] = value
        self._acknowledge("ARR", _ARROK)
        if not self.registers.get(_CFGR, 0) & _PRELOAD and self._running:
            self._active_arr = value
            self._plan_reload()

    def _control(self, value: int) -> None:
        self.registers[_CR] = value & _ENABLE
        if not value & _ENABLE:
            if value & (_SNGSTRT | _CNTSTRT):
                self.chip.report(f"{self.name}: started while the timer is disabled; hardware ignores it")
            self._stop()
        elif value & (_SNGSTRT | _CNTSTRT) and not self._running:
            self._single = bool(value & _SNGSTRT)
            self._start()

    def _stop(self) -> None:
        self._running = False
        self.cancel("reload")
        self.cancel("compare")

    def _start(self) -> None:
        if self._tick_hz <= 0:
            self.chip.report(f"{self.name}: started while its kernel clock is off")
            return
        self._running = True
        self._counted_hz = self._tick_hz
        self._start_s = self.chip.clock.now_s
        self._period_begin_ticks = 0
        self._begin_period()

    def clock_changed(self) -> None:
        """Count on at the new clock, from the same fraction of a tick; one that has stopped is waited for."""
        if not self._running:
            return
        hz = self._tick_hz
        if hz <= 0 or hz == self._counted_hz:
            return
        now_s = self.chip.clock.now_s
        self._start_s = now_s - (now_s - self._start_s) * self._counted_hz / hz
        self._counted_hz = hz
        self._plan_reload()
        self._plan_compare()

    def _begin_period(self) -> None:
        self._active_arr = self.registers[_ARR]
        self._plan_reload()
        self._plan_compare()

    def _plan_reload(self) -> None:
        ticks = self._period_begin_ticks + self._active_arr + 1
        self.at(self._start_s + ticks / self._tick_hz, self._reload, "reload")

    def _plan_compare(self) -> None:
        self.cancel("compare")
        compare = self.registers.get(_CMP, 0)
        if self._running and 0 < compare < self._active_arr:
            due_s = self._start_s + (self._period_begin_ticks + compare) / self._tick_hz
            if due_s > self.chip.clock.now_s:
                self.at(due_s, partial(self._change, set_=_CMPM), "compare")

    def _reload(self) -> None:
        self._period_begin_ticks += self._active_arr + 1
        self._change(set_=_ARRM)
        if self._single:
            self._running = False
        else:
            self._begin_period()

    def _count(self) -> int:
        if not self._running:
            return 0
        ticks = math.floor((self.chip.clock.now_s - self._start_s) * self._tick_hz)
        return min(ticks - self._period_begin_ticks, self._active_arr)

    def _change(self, *, set_: int = 0, clear: int = 0) -> None:
        flags = (self.registers.get(_ISR, 0) & ~clear) | set_
        self.registers[_ISR] = flags
        self.set_interrupt(high=bool(flags & self.registers.get(_IER, 0)))
