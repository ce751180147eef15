"""FLASH of the STM32H7: wait states, and the keys and locks of its two banks.

Source: RM0433 (H743) and RM0455 (H7A3), chapters "Embedded flash memory". Each bank has a window of its own; the
access control and the option registers are seen in both. Programming and erasing are not modelled: beginning either
is reported.
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

_ACR, _KEYR, _OPTKEYR, _CR, _SR, _CCR, _OPTCR = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x14, 0x18
_BANK = 0x100
_SHARED = frozenset({_ACR, _OPTKEYR, _OPTCR, 0x1C, 0x20, 0x24})
_LOCK = 1
_OPERATIONS = 0b1110
"""PG, SER and BER: what a bank has been told to do."""


class FlashH7(Peripheral):
    """Wait states act at once, in clocks of the AXI bus; there is neither prefetch nor a cache of the flash's own."""

    reset_values = {_ACR: 0x37, _CR: 0x31, _CR + _BANK: 0x31, _OPTCR: 1}  # noqa: RUF012 - a class constant by design

    def __init__(self, name: str, chip: Chip, sheet: PeripheralSheet) -> None:
        super().__init__(name, chip, sheet)
        self.on_timing: Callable[[], None] = nothing
        self._locks = {
            _KEYR: (KeyLock(KEYS), _CR),
            _KEYR + _BANK: (KeyLock(KEYS), _CR + _BANK),
            _OPTKEYR: (KeyLock(OPTION_KEYS), _OPTCR),
        }
        chip.flash = self

    @property
    def timing(self) -> FlashTiming:
        """Wait states as set."""
        return FlashTiming(self.registers[_ACR] & 0xF, prefetch=False, instruction_cache=False, data_cache=False)

    @staticmethod
    def _home(offset: int) -> int:
        return offset - _BANK if offset - _BANK in _SHARED else offset

    def read_register(self, offset: int) -> int:
        """Return a register; keys read as zero."""
        home = self._home(offset)
        return 0 if home in self._locks else super().read_register(home)

    def write_register(self, offset: int, value: int) -> None:
        """Take a register."""
        home = self._home(offset)
        if home in self._locks:
            self._try_key(home, value)
        elif home in (_CR, _CR + _BANK, _OPTCR):
            self._control(home, value)
        elif home in (_CCR, _CCR + _BANK):
            status = home - _CCR + _SR
            self.registers[status] = self.registers.get(status, 0) & ~value
        elif home not in (_SR, _SR + _BANK):
            self.registers[home] = value
        if home == _ACR:
            self.on_timing()

    def _try_key(self, home: int, value: int) -> None:
        lock, control = self._locks[home]
        if not self.registers[control] & _LOCK:
            return
        if lock.take(value):
            self.registers[control] &= ~_LOCK
        elif lock.jammed:
            self.chip.report(f"{self.name}: wrong key; the lock stays shut until the next reset")

    def _control(self, home: int, value: int) -> None:
        if self.registers[home] & _LOCK:
            if value & ~_LOCK != self.registers[home] & ~_LOCK:
                self.chip.report(f"{self.name}: control register written while it is locked; hardware ignores it")
            return
        if home != _OPTCR and value & _OPERATIONS:
            self.chip.report(f"{self.name}: programming and erasing are not modelled")
        self.registers[home] = value
