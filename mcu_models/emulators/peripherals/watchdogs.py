"""IWDG and WWDG of all STM32: watchdogs that ask for a reset when firmware does not refresh them.

Source: RM0351, chapters 36 (IWDG) and 37 (WWDG). Modelled: keys, prescaler, reload, window, the time that a write
takes to arrive in the IWDG's clock domain; the WWDG's counter, window and early interrupt. The IWDG goes on in Stop
and Standby, as the option bytes have it unless changed; the WWDG stands still in Stop.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from mcu_models.emulators.peripherals.base import Chip, Peripheral

if TYPE_CHECKING:
    from mcu_models.boards.board import PeripheralSheet

_KR, _PR, _RLR, _SR, _WINR = 0x00, 0x04, 0x08, 0x0C, 0x10
_REFRESH, _UNLOCK, _START = 0xAAAA, 0x5555, 0xCCCC
_ARRIVED_FLAG = {_PR: 1, _RLR: 2, _WINR: 4}
_HIGHEST = 0xFFF
WRITE_TICKS = 5
"""Periods of the prescaled clock until a write has arrived: RM0351, section 36.3.3."""


class Iwdg(Peripheral):
    """The independent watchdog, on the LSI."""

    reset_values = {_RLR: _HIGHEST, _WINR: _HIGHEST}  # noqa: RUF012 - a class constant by design
    status_registers = frozenset({_SR})

    def __init__(self, name: str, chip: Chip, sheet: PeripheralSheet) -> None:
        super().__init__(name, chip, sheet)
        self._unlocked = False
        self._refreshed_s = math.nan

    @property
    def _tick_s(self) -> float:
        assert self.chip.board is not None  # noqa: S101 - a watchdog belongs to a whole board
        return float(4 << min(self.registers.get(_PR, 0) & 7, 6)) / self.chip.oscillator_hz(
            "lsi", self.chip.board.clocks.lsi_hz.value
        )

    def read_register(self, offset: int) -> int:
        """Return a register; the key register reads as zero."""
        return 0 if offset == _KR else super().read_register(offset)

    def write_register(self, offset: int, value: int) -> None:
        """Take a key, or a setting after the key that unlocks it."""
        if offset == _KR:
            self._take_key(value & 0xFFFF)
        elif offset in _ARRIVED_FLAG and self._unlocked:
            self.registers[offset] = value & (7 if offset == _PR else _HIGHEST)
            self.registers[_SR] = self.registers.get(_SR, 0) | _ARRIVED_FLAG[offset]
            self.after(WRITE_TICKS * self._tick_s, partial(self._arrived, offset), f"write {offset}")
        elif offset in _ARRIVED_FLAG:
            self.chip.report(f"{self.name}: register {offset:#x} written without the key; hardware ignores it")

    def _arrived(self, offset: int) -> None:
        self.registers[_SR] &= ~_ARRIVED_FLAG[offset]
        if offset == _WINR and not math.isnan(self._refreshed_s):
            self._refresh()  # writing the window reloads the counter (RM0351, 36.3.2)

    def _take_key(self, key: int) -> None:
        self._unlocked = key == _UNLOCK
        if key == _START:
            self._refresh()
        elif key == _REFRESH and not math.isnan(self._refreshed_s):
            if self._count > self.registers[_WINR]:
                self._bite()
            else:
                self._refresh()

    @property
    def _count(self) -> int:
        ticks = math.floor((self.chip.clock.now_s - self._refreshed_s) / self._tick_s)
        return self.registers[_RLR] - ticks

    def _refresh(self) -> None:
        self._refreshed_s = self.chip.clock.now_s
        self.after((self.registers[_RLR] + 1) * self._tick_s, self._bite)

    def _bite(self) -> None:
        self.chip.request_reset("iwdg")


_CR, _CFR, _WSR = 0x00, 0x04, 0x08
_WDGA, _EWI, _EARLY, _LOWEST = 1 << 7, 1 << 9, 0x40, 0x3F
WWDG_CLOCKS = 4096


class Wwdg(Peripheral):
    """The window watchdog, on its bus clock. Options: `prescaler_bit` of CFR.WDGTB (7; 11 on H7)."""

    reset_values = {_CR: 0x7F, _CFR: 0x7F}  # noqa: RUF012 - a class constant by design
    status_registers = frozenset({_WSR})

    def __init__(self, name: str, chip: Chip, sheet: PeripheralSheet) -> None:
        super().__init__(name, chip, sheet)
        self._begin_s = 0.0
        self._begin_count = 0x7F

    @property
    def _tick_s(self) -> float:
        shift = int(self.sheet.options.get("prescaler_bit", 7))
        divider = 1 << (self.registers[_CFR] >> shift & (3 if shift == 7 else 7))
        return WWDG_CLOCKS * divider / self.kernel_hz if self.kernel_hz > 0 else math.inf

    @property
    def _count(self) -> int:
        if not self.registers[_CR] & _WDGA:
            return self.registers[_CR] & 0x7F
        return self._begin_count - math.floor((self.chip.clock.now_s - self._begin_s) / self._tick_s + 1e-9)

    def read_register(self, offset: int) -> int:
        """Return a register; CR shows the count."""
        if offset == _CR:
            return self.registers[_CR] & _WDGA | self._count & 0x7F
        return super().read_register(offset)

    def write_register(self, offset: int, value: int) -> None:
        """Take a register; the watchdog cannot be switched off again."""
        if offset == _CR:
            self._refresh(value)
        elif offset == _WSR:
            self.registers[_WSR] = self.registers.get(_WSR, 0) & value
            self._update_interrupt()
        else:
            self.registers[offset] = value | self.registers[_CFR] & _EWI if offset == _CFR else value
            self._plan()

    def _refresh(self, value: int) -> None:
        was_on = self.registers[_CR] & _WDGA
        early = was_on and self._count > self.registers[_CFR] & 0x7F
        self.registers[_CR] = value & 0xFF | was_on
        self._begin_s, self._begin_count = self.chip.clock.now_s, value & 0x7F
        if self.registers[_CR] & _WDGA and (early or not value & _EARLY):
            self.chip.request_reset("wwdg")
            return
        self._plan()

    def _plan(self) -> None:
        if not self.registers[_CR] & _WDGA or math.isinf(self._tick_s):
            return
        early_s = self._begin_s + (self._begin_count - _EARLY) * self._tick_s
        if early_s >= self.chip.clock.now_s:
            self.at(early_s, self._warn, "early")
        self.at(self._begin_s + (self._begin_count - _LOWEST) * self._tick_s, self._bite, "bite")

    def before_stop(self) -> None:
        """Stand still: the bus clock ends in Stop modes."""
        self._begin_count = self._count
        self.cancel("early")
        self.cancel("bite")

    def after_stop(self) -> None:
        """Count on."""
        self._begin_s = self.chip.clock.now_s
        self._plan()

    def _warn(self) -> None:
        self.registers[_WSR] = 1
        self._update_interrupt()

    def _bite(self) -> None:
        self.chip.request_reset("wwdg")

    def _update_interrupt(self) -> None:
        self.set_interrupt(high=bool(self.registers.get(_WSR, 0) and self.registers[_CFR] & _EWI))
