"""SYSCFG and the hardware semaphores of the STM32H7.

Source: RM0433, chapters HSEM and SYSCFG; RM0455 has the same registers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcu_models.emulators.peripherals.base import Chip, Peripheral
from mcu_models.emulators.peripherals.stm32h7_power import PwrH743

if TYPE_CHECKING:
    from mcu_models.boards.board import PeripheralSheet

_CCCSR, _PWRCR = 0x20, 0x2C
_COMPENSATE, _COMPENSATED, _ODEN = 1, 1 << 8, 1


class SyscfgH7(Peripheral):
    """Compensation cell, over-drive of the core supply; the rest is kept and does nothing."""

    def write_register(self, offset: int, value: int) -> None:
        """Take a register; the compensation cell is ready at once."""
        if offset == _CCCSR:
            value = (value & ~_COMPENSATED) | (_COMPENSATED if value & _COMPENSATE else 0)
        self.registers[offset] = value
        self._tell_overdrive()

    def reset(self) -> None:
        """Go back to the state after reset, without over-drive."""
        super().reset()
        self._tell_overdrive()

    def _tell_overdrive(self) -> None:
        if isinstance(self.chip.power, PwrH743):
            self.chip.power.set_overdrive(on=bool(self.registers.get(_PWRCR, 0) & _ODEN))


class Hsem(Peripheral):
    """Semaphores, taken by a read of RLR or by a write of R that names the core, freed by a write without LOCK.

    The option `core` is the identity of the core on its bus, `semaphores` their number. Freeing one sets its bit of
    the status; with its bit of the enable register the interrupt comes. Not modelled: clearing all of a core's.
    """

    _LOCK = 1 << 31
    _RLR, _IER, _ICR, _ISR, _MISR = 0x80, 0x100, 0x104, 0x108, 0x10C

    def __init__(self, name: str, chip: Chip, sheet: PeripheralSheet) -> None:
        super().__init__(name, chip, sheet)
        self._core = int(sheet.options.get("core", 3)) << 8
        self._count = int(sheet.options.get("semaphores", 32))

    def read_register(self, offset: int) -> int:
        """Return a register; reading RLR takes the semaphore if it is free."""
        if self._RLR <= offset < self._RLR + 4 * self._count:
            return self._take(offset - self._RLR, self._LOCK | self._core)
        if offset == self._MISR:
            return self.registers.get(self._ISR, 0) & self.registers.get(self._IER, 0)
        return super().read_register(offset)

    def write_register(self, offset: int, value: int) -> None:
        """Take a register."""
        if offset < 4 * self._count:
            self._write_semaphore(offset, value)
        elif offset == self._ICR:
            self.registers[self._ISR] = self.registers.get(self._ISR, 0) & ~value
        elif offset != self._ISR:
            self.registers[offset] = value
        self.set_interrupt(high=bool(self.read_register(self._MISR)))

    def _take(self, offset: int, owner: int) -> int:
        if not self.registers.get(offset, 0) & self._LOCK:
            self.registers[offset] = owner
        return self.registers[offset]

    def _write_semaphore(self, offset: int, value: int) -> None:
        """Take or free: core and process must be those of the owner, or it has no effect."""
        if value & self._LOCK:
            self._take(offset, value & (self._LOCK | 0xFFFF))
        elif self.registers.get(offset, 0) == self._LOCK | value & 0xFFFF:
            self.registers[offset] = 0
            self.registers[self._ISR] = self.registers.get(self._ISR, 0) | 1 << offset // 4
