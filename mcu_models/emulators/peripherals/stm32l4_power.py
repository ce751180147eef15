"""PWR of the STM32L4 and L4+: low-power modes, voltage ranges, wake-up flags, the lock of the backup domain.

Source: RM0351 and RM0432, chapter 5. Modelled: LPMS, VOS with the time it takes to rise, range 1 boost mode (L4+),
DBP, low-power run as a flag, the flags of wake-up and Standby. Not modelled: pull-ups kept in Standby, the voltage
detectors, which always see enough.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mcu_models.emulators.peripherals.base import Chip, Peripheral

if TYPE_CHECKING:
    from mcu_models.boards.board import PeripheralSheet

_CR1, _CR3, _SR1, _SR2, _SCR, _CR5 = 0x00, 0x08, 0x10, 0x14, 0x18, 0x80
_LPR, _DBP, _REGLPS, _REGLPF, _VOSF, _R1MODE, _SBF = 1 << 14, 1 << 8, 1 << 8, 1 << 9, 1 << 10, 1 << 8, 1 << 8
VOLTAGE_RISE_S = 20e-6
"""From range 2 to range 1: DS11585, table of embedded voltage regulator wake-up times, typical."""


class PwrL4(Peripheral):
    """Which mode WFI with SLEEPDEEP enters, the voltage range, and the lock of the backup domain."""

    reset_values = {_CR1: 0x200, _CR3: 0x8000, _SR2: _REGLPS, _CR5: _R1MODE}  # noqa: RUF012 - a class constant
    status_registers = frozenset({_SR1, _SR2})
    _MODES = ("stop0", "stop1", "stop2", "standby", "shutdown", "shutdown", "shutdown", "shutdown")

    def __init__(self, name: str, chip: Chip, sheet: PeripheralSheet) -> None:
        super().__init__(name, chip, sheet)
        chip.power = self
        if chip.retained.reset_cause == "standby":
            self.registers[_SR1] = _SBF

    @property
    def deep_mode(self) -> str:
        """PWR_CR1.LPMS as a mode name."""
        return self._MODES[self.registers[_CR1] & 7]

    @property
    def backup_writable(self) -> bool:
        """PWR_CR1.DBP."""
        return bool(self.registers[_CR1] & _DBP)

    @property
    def range_name(self) -> str:
        """Range 1 or range 2; the boost mode of range 1 is a range of its own."""
        if self.registers[_CR1] >> 9 & 3 == 2:
            return "range2"
        return "range1" if self.registers[_CR5] & _R1MODE or not self._has_boost else "boost"

    @property
    def _has_boost(self) -> bool:
        return self.chip.board is not None and "boost" in self.chip.board.flash.ranges

    def write_register(self, offset: int, value: int) -> None:
        """Take a register; status bits are cleared through SCR."""
        before = self.range_name
        if offset == _CR1:
            self._control(value)
        elif offset == _SCR:
            self.registers[_SR1] = self.registers.get(_SR1, 0) & ~(value & 0x11F)
        elif offset not in (_SR1, _SR2):
            self.registers[offset] = value
        if self.range_name != before and self.chip.flash is not None:
            self.chip.flash.on_timing()  # the wait states are held against the range

    def _control(self, value: int) -> None:
        rises = self.registers[_CR1] >> 9 & 3 == 2 and value >> 9 & 3 == 1
        self.registers[_CR1] = value
        self._set_status(_REGLPF, high=bool(value & _LPR))
        if rises:
            self._set_status(_VOSF, high=True)
            self.after(VOLTAGE_RISE_S, partial(self._set_status, _VOSF, high=False))

    def _set_status(self, flag: int, *, high: bool) -> None:
        status = self.registers[_SR2]
        self.registers[_SR2] = status | flag if high else status & ~flag
