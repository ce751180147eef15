"""FLASH of the STM32L4 and L4+: the interface's timing, locks and keys, option bytes to be read, erasing.

Source: RM0351 and RM0432, chapter 3. Modelled: ACR, the unlocking of CR and of the option bytes (a wrong key locks
until reset), error flags, erasing of pages and banks through the memories of the chip with their time, OPTR with
DBANK. Not modelled: programming by stores to the flash, ECC, PCROP and write protection.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mcu_models.emulators.peripherals.base import Chip, Peripheral
from mcu_models.emulators.port import FlashTiming
from mcu_models.emulators.scheduler import nothing

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcu_models.boards.board import PeripheralSheet

_ACR, _PDKEYR, _KEYR, _OPTKEYR, _SR, _CR, _OPTR = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x14, 0x20
_KEYS = {_KEYR: (0x45670123, 0xCDEF89AB), _OPTKEYR: (0x08192A3B, 0x4C5D6E7F), _PDKEYR: (0x04152637, 0xFAFBFCFD)}
_LOCKS = {_KEYR: 1 << 31, _OPTKEYR: 1 << 30}
_LOCK, _OPTLOCK, _STRT, _PER, _MER1, _MER2, _BKER, _EOPIE = (
    1 << 31, 1 << 30, 1 << 16, 1 << 1, 1 << 2, 1 << 15, 1 << 11, 1 << 24,
)  # fmt: skip
_BSY, _EOP, _DBANK = 1 << 16, 1, 1 << 22
ERASE_S = 22.02e-3
"""Of a page or a bank, typical: DS11585, table of flash memory characteristics."""


class FlashL4(Peripheral):
    """Wait states, prefetch and the ART caches; keys and locks; erasing.

    Options: `page_bytes`, the bytes of a page (2048 unless given). Interrupt line: FLASH.
    """

    reset_values = {_ACR: 0x600, _CR: 0xC0000000, _OPTR: 0xFFEFF8AA}  # noqa: RUF012 - a class constant by design
    status_registers = frozenset({_SR})

    def __init__(self, name: str, chip: Chip, sheet: PeripheralSheet) -> None:
        super().__init__(name, chip, sheet)
        self.on_timing: Callable[[], None] = nothing
        self._keys_seen: dict[int, int] = {}
        self._page_bytes = int(sheet.options.get("page_bytes", 2048))
        chip.flash = self

    @property
    def timing(self) -> FlashTiming:
        """Wait states, prefetch and caches as set."""
        acr = self.registers[_ACR]
        return FlashTiming(acr & 0xF, bool(acr >> 8 & 1), bool(acr >> 9 & 1), bool(acr >> 10 & 1))

    @property
    def is_dual_bank(self) -> bool:
        """Whether the option byte DBANK splits the flash into two banks of 64-bit reads (L4+)."""
        return bool(self.registers[_OPTR] & _DBANK)

    def read_register(self, offset: int) -> int:
        """Return a register; keys read as zero."""
        return 0 if offset in _KEYS else super().read_register(offset)

    def write_register(self, offset: int, value: int) -> None:
        """Take a register; ACR acts at once."""
        if offset in _KEYS:
            self._take_key(offset, value)
        elif offset == _SR:
            self.registers[_SR] = self.registers.get(_SR, 0) & ~(value & 0xFFFF)
            self._update_interrupt()
        elif offset == _CR:
            self._control(value)
        elif offset >= _OPTR and self.registers[_CR] & _OPTLOCK:
            self.chip.report(f"{self.name}: option bytes written while locked; hardware ignores it")
        else:
            self.registers[offset] = value
            if offset == _ACR:
                self.on_timing()

    def _take_key(self, offset: int, key: int) -> None:
        """Unlock after both keys in order; a wrong one locks until the next reset (RM0351, 3.3.5)."""
        seen = self._keys_seen.get(offset, 0)
        lock = _LOCKS.get(offset, 0)
        if lock and not self.registers[_CR] & lock:
            return
        if seen < 0 or key != _KEYS[offset][seen]:
            self.chip.report(f"{self.name}: wrong key; the lock stays until reset")
            self._keys_seen[offset] = -1
        elif seen == 1:
            self._keys_seen[offset] = 0
            self.registers[_CR] &= ~lock
        else:
            self._keys_seen[offset] = 1

    def _control(self, value: int) -> None:
        before = self.registers[_CR]
        if before & _LOCK:
            self.chip.report(f"{self.name}: CR written while locked; hardware ignores it")
            return
        self.registers[_CR] = value | before & _OPTLOCK
        self._update_interrupt()
        if value & _STRT and value & (_PER | _MER1 | _MER2):
            self.registers[_SR] = self.registers.get(_SR, 0) | _BSY
            self.after(ERASE_S, partial(self._erased, value))

    def _erased(self, control: int) -> None:
        self.registers[_CR] &= ~_STRT
        self.registers[_SR] = self.registers[_SR] & ~_BSY | (_EOP if control & _EOPIE else 0)
        for address, length in self._erased_parts(control):
            if self.chip.memory is not None:
                self.chip.memory.write(address, b"\xff" * length)
        self._update_interrupt()

    def _erased_parts(self, control: int) -> list[tuple[int, int]]:
        """Return address and bytes of what an erase clears."""
        assert self.chip.board is not None  # noqa: S101 - the flash belongs to a whole board
        flash = next(memory for memory in self.chip.board.memories.values() if memory.kind == "flash")
        bank_bytes = flash.size // 2
        if control & _PER:
            bank = bank_bytes if control & _BKER else 0
            return [(flash.base + bank + (control >> 3 & 0xFF) * self._page_bytes, self._page_bytes)]
        banks = ((_MER1, flash.base), (_MER2, flash.base + bank_bytes))
        return [(base, bank_bytes) for bit, base in banks if control & bit]

    def _update_interrupt(self) -> None:
        self.set_interrupt(high=bool(self.registers[_CR] & _EOPIE and self.registers.get(_SR, 0) & _EOP))
