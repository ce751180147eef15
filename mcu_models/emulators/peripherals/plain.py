"""Peripherals of which only the registers matter: they keep what is written and do nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcu_models.emulators.peripherals.base import Chip, Peripheral

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcu_models.boards.board import PeripheralSheet


def _nobody(_latch: int) -> None:
    """Hear an output latch and do nothing."""


class RegisterBank(Peripheral):
    """EXTI, SYSCFG and their like, as far as firmware writes set-up values and reads them back."""


class Unmodelled(RegisterBank):
    """A peripheral of which only name and place are known: every access is reported, and keeps what is written."""

    modelled = False


class ExtiL4(Peripheral):
    """EXTI of STM32L4: masks as after reset, where the direct lines (LPTIM, I2C, USART wake-up) are open.

    Source: RM0351, section 14.5. Edge detection on pins is not modelled.
    """

    reset_values = {0x00: 0xFF820000, 0x20: 0xFFFFFF87}  # noqa: RUF012 - a class constant by design


class Gpio(Peripheral):
    """A port: outputs follow BSRR, BRR and ODR; an output pin reads back its level; inputs read low.

    Pins are analogue after reset, but for the debug pins of ports A and B. Source: RM0351, section 8.4.

    Attributes:
        on_output: Hears the output latch after each change.
    """

    _MODER, _IDR, _ODR, _BSRR, _BRR = 0x00, 0x10, 0x14, 0x18, 0x28
    data_registers = frozenset({0x18, 0x28})
    _RESET = {  # noqa: RUF012 - a class constant by design
        "GPIOA": {0x00: 0xABFFFFFF, 0x08: 0x0C000000, 0x0C: 0x64000000},
        "GPIOB": {0x00: 0xFFFFFEBF, 0x0C: 0x00000100},
    }

    def __init__(self, name: str, chip: Chip, sheet: PeripheralSheet) -> None:
        super().__init__(name, chip, sheet)
        self.registers |= self._RESET.get(name, {0x00: 0xFFFFFFFF})
        self.on_output: Callable[[int], None] = _nobody

    def read_register(self, offset: int) -> int:
        """Return a register; IDR shows the output latch."""
        return self.registers.get(self._ODR if offset == self._IDR else offset, 0)

    def write_register(self, offset: int, value: int) -> None:
        """Take a register; BSRR and BRR change the output latch."""
        latch = self.registers.get(self._ODR, 0)
        if offset == self._BSRR:
            self.registers[self._ODR] = (latch & ~(value >> 16)) | (value & 0xFFFF)
        elif offset == self._BRR:
            self.registers[self._ODR] = latch & ~value
        elif offset != self._IDR:
            self.registers[offset] = value
        if self.registers.get(self._ODR, 0) != latch:
            self.on_output(self.registers[self._ODR])
