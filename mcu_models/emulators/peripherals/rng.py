"""RNG of STM32L4, F7 and H7: a stream of words that depends on a seed alone, so that runs can be repeated.

Source: RM0351, chapter 27: a word every 40 periods of the 48 MHz clock. Modelled: enable, DRDY, its interrupt, the
flags of a missing clock. Not modelled: seed errors, and the conditioning of later families.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mcu_models.emulators.peripherals.base import Chip, Peripheral

if TYPE_CHECKING:
    from mcu_models.boards.board import PeripheralSheet

_CR, _SR, _DR = 0x00, 0x04, 0x08
_RNGEN, _IE, _DRDY, _CECS, _CEIS = 1 << 2, 1 << 3, 1, 1 << 1, 1 << 5
WORD_CLOCKS = 40


class Rng(Peripheral):
    """A word at a time. Options: `seed` (0 unless given)."""

    status_registers = frozenset({_SR})

    def __init__(self, name: str, chip: Chip, sheet: PeripheralSheet) -> None:
        super().__init__(name, chip, sheet)
        self._generator = np.random.default_rng(int(sheet.options.get("seed", 0)))

    def read_register(self, offset: int) -> int:
        """Return a register; a word is taken once, and DR reads zero until the next."""
        if offset != _DR:
            return super().read_register(offset)
        value = self.registers.get(_DR, 0)
        if self.registers.get(_SR, 0) & _DRDY:
            self._change(clear=_DRDY)
            self.registers[_DR] = 0
            self._next_word()
        return value

    def write_register(self, offset: int, value: int) -> None:
        """Take a register."""
        if offset == _SR:
            self._change(clear=~value & (_CEIS | 1 << 6))
        elif offset == _CR:
            was_on = self.registers.get(_CR, 0) & _RNGEN
            self.registers[_CR] = value
            self._change()
            if value & _RNGEN and not was_on:
                self._next_word()
            elif not value & _RNGEN:
                self.cancel()
                self._change(clear=_DRDY)

    def reset(self) -> None:
        """Switch off; the stream goes on where it was."""
        self.cancel()
        super().reset()

    def _next_word(self) -> None:
        if self.kernel_hz <= 0:
            self.chip.report(f"{self.name}: switched on while its 48 MHz clock is off")
            self._change(set_=_CECS | _CEIS)
            return
        self.after(WORD_CLOCKS / self.kernel_hz, self._ready)

    def _ready(self) -> None:
        self.registers[_DR] = int(self._generator.integers(1, 2**32))
        self._change(set_=_DRDY)

    def _change(self, *, set_: int = 0, clear: int = 0) -> None:
        flags = self.registers.get(_SR, 0) & ~clear | set_
        self.registers[_SR] = flags
        self.set_interrupt(high=bool(self.registers.get(_CR, 0) & _IE and flags & (_DRDY | _CEIS)))
