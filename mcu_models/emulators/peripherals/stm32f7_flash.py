"""FLASH of the STM32F74x and F75x: wait states, prefetch and ART, keys and locks.

Source: RM0385, chapter 3. Programming and erasing are not modelled: beginning either is reported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcu_models.emulators.peripherals.base import Chip, Peripheral
from mcu_models.emulators.peripherals.key_lock import KEYS, OPTION_KEYS, KeyLock
from mcu_models.emulators.port import FlashTiming
from mcu_models.emulators.scheduler import nothing

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcu_models.boards.board import PeripheralSheet

_ACR, _KEYR, _OPTKEYR, _SR, _CONTROL, _OPTCR = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x14
_LOCK, _OPTLOCK = 1 << 31, 1
_OPERATIONS = 0b111 | 1 << 16


class FlashF7(Peripheral):
    """Wait states, prefetch and ART, which serve the flash as it is seen over the ITCM bus; keys and locks."""

    reset_values = {_CONTROL: _LOCK, _OPTCR: 0xC0FFAAFD}  # noqa: RUF012 - a class constant by design

    def __init__(self, name: str, chip: Chip, sheet: PeripheralSheet) -> None:
        super().__init__(name, chip, sheet)
        self.on_timing: Callable[[], None] = nothing
        self._locks = {_KEYR: (KeyLock(KEYS), _CONTROL, _LOCK), _OPTKEYR: (KeyLock(OPTION_KEYS), _OPTCR, _OPTLOCK)}
        chip.flash = self

    @property
    def timing(self) -> FlashTiming:
        """Wait states, prefetch and ART as set; the ART keeps data as it keeps instructions."""
        acr = self.registers.get(_ACR, 0)
        art = bool(acr >> 9 & 1)
        return FlashTiming(acr & 0xF, bool(acr >> 8 & 1), art, art)

    def read_register(self, offset: int) -> int:
        """Return a register; keys read as zero."""
        return 0 if offset in self._locks else super().read_register(offset)

    def write_register(self, offset: int, value: int) -> None:
        """Take a register."""
        if offset in self._locks:
            self._try_key(offset, value)
        elif offset == _SR:
            self.registers[_SR] = self.registers.get(_SR, 0) & ~value
        elif offset in (_CONTROL, _OPTCR):
            self._control(offset, value)
        else:
            self.registers[offset] = value
        if offset == _ACR:
            self.on_timing()

    def _try_key(self, offset: int, value: int) -> None:
        lock, control, bit = self._locks[offset]
        if not self.registers[control] & bit:
            return
        if lock.take(value):
            self.registers[control] &= ~bit
        elif lock.jammed:
            self.chip.report(f"{self.name}: wrong key; the lock stays shut until the next reset")

    def _control(self, offset: int, value: int) -> None:
        bit = _LOCK if offset == _CONTROL else _OPTLOCK
        if self.registers[offset] & bit:
            if value & ~bit != self.registers[offset] & ~bit:
                self.chip.report(f"{self.name}: control register written while it is locked; hardware ignores it")
            return
        if offset == _CONTROL and value & _OPERATIONS:
            self.chip.report(f"{self.name}: programming and erasing are not modelled")
        self.registers[offset] = value
