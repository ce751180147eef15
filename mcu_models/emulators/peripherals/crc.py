"""CRC of STM32L4, F7 and H7: any polynomial of 7, 8, 16 or 32 bits, with inversions.

Source: RM0351, chapter 15. Modelled: words, half words and bytes written to DR, POLYSIZE, REV_IN, REV_OUT, INIT, POL,
IDR. The four bus clocks of a word, during which the hardware holds up the core, are not charged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcu_models.emulators.peripherals.base import Chip, Peripheral

if TYPE_CHECKING:
    from mcu_models.boards.board import PeripheralSheet

_DR, _CR, _INIT, _POL = 0x00, 0x08, 0x10, 0x14
_RESET, _REV_OUT = 1, 1 << 7
_WIDTHS = (32, 16, 8, 7)
_UNITS = (0, 8, 16, 32)
"""Bits within which REV_IN turns the order round."""


class Crc(Peripheral):
    """A remainder that every write to DR carries on."""

    reset_values = {_INIT: 0xFFFFFFFF, _POL: 0x04C11DB7}  # noqa: RUF012 - a class constant by design

    def __init__(self, name: str, chip: Chip, sheet: PeripheralSheet) -> None:
        super().__init__(name, chip, sheet)
        self._remainder = self.registers[_INIT]

    def reset(self) -> None:
        """Go back to the state after reset."""
        super().reset()
        self._remainder = self.registers[_INIT]

    def read_register(self, offset: int) -> int:
        """Return a register; DR shows the remainder."""
        if offset != _DR:
            return super().read_register(offset)
        width = self._width
        value = self._remainder & ((1 << width) - 1)
        return _reversed(value, width, width) if self.registers.get(_CR, 0) & _REV_OUT else value

    def write(self, offset: int, size: int, value: int) -> None:
        """Take `size` bytes; those for DR are divided in one go."""
        if offset & ~3 == _DR:
            self._divide(value, 8 * size)
        else:
            super().write(offset, size, value)

    def write_register(self, offset: int, value: int) -> None:
        """Take a register; CR.RESET and INIT set the remainder."""
        if offset == _DR:
            self._divide(value, 32)
            return
        self.registers[offset] = value & ~_RESET if offset == _CR else value
        if offset == _INIT or (offset == _CR and value & _RESET):
            self._remainder = self.registers[_INIT]

    @property
    def _width(self) -> int:
        return _WIDTHS[self.registers.get(_CR, 0) >> 3 & 3]

    def _divide(self, value: int, bits: int) -> None:
        unit = _UNITS[self.registers.get(_CR, 0) >> 5 & 3]
        data = _reversed(value, bits, min(unit, bits)) if unit else value
        width, polynomial = self._width, self.registers[_POL]
        mask, remainder = (1 << width) - 1, self._remainder
        for bit in range(bits - 1, -1, -1):
            feedback = (remainder >> (width - 1) ^ data >> bit) & 1
            remainder = (remainder << 1 ^ (polynomial if feedback else 0)) & mask
        self._remainder = remainder


def _reversed(value: int, bits: int, unit: int) -> int:
    """Return `value` with the order of bits turned round in each unit."""
    turned = 0
    for begin in range(0, bits, unit):
        for bit in range(unit):
            turned |= (value >> (begin + bit) & 1) << (begin + unit - 1 - bit)
    return turned
