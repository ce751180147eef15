"""EXTI: edges of pins and of internal lines become pending bits, and those become interrupts.

Source: RM0351 and RM0432, chapter 14. Modelled: the lines of both register banks, edges by RTSR and FTSR, software
events, pending bits, the port of each pin by SYSCFG_EXTICR. Direct lines (LPTIM, I2C, USART wake-up) have no pending
bit: their peripherals drive the NVIC themselves. Not modelled: event mode for WFE.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcu_models.emulators.peripherals.base import Chip, Peripheral

if TYPE_CHECKING:
    from mcu_models.boards.board import PeripheralSheet

_IMR, _RTSR, _FTSR, _SWIER, _PR, _BANK = 0x00, 0x08, 0x0C, 0x10, 0x14, 0x20
_EXTICR = 0x08
PORTS = "ABCDEFGHIJK"


class ExtiL4(Peripheral):
    """EXTI with the registers and lines of STM32L4.

    Interrupt lines, as far as the board gives them: EXTI0, 1, 2, 3, 4, 9_5, 15_10, PVD, RTC_ALARM, TAMP_STAMP,
    RTC_WKUP, COMP. Options: `syscfg`, the name of the part that holds EXTICR (SYSCFG unless given).
    """

    reset_values = {0x00: 0xFF820000, 0x20: 0xFFFFFF87}  # noqa: RUF012 - a class constant by design
    _GROUPS: tuple[tuple[int, ...], ...] = (
        (0,), (1,), (2,), (3,), (4,), tuple(range(5, 10)), tuple(range(10, 16)), (16, 35, 36, 37, 38), (18,), (19,),
        (20,), (21, 22),
    )  # fmt: skip

    def __init__(self, name: str, chip: Chip, sheet: PeripheralSheet) -> None:
        super().__init__(name, chip, sheet)
        chip.edges = self

    def pin_changed(self, port: str, pin: int, *, high: bool) -> None:
        """Hear that a pin has changed its level; only one port is connected to each line."""
        syscfg = self.chip.peripherals.get(str(self.sheet.options.get("syscfg", "SYSCFG")))
        word = syscfg.registers.get(_EXTICR + 4 * (pin // 4), 0) if syscfg else 0
        if port == f"GPIO{PORTS[min(word >> 4 * (pin % 4) & 0xF, len(PORTS) - 1)]}":
            self.line_changed(pin, high=high)

    def line_changed(self, line: int, *, high: bool) -> None:
        """Hear that a line has changed its level; it becomes pending when that edge is chosen."""
        if self._bit(_RTSR if high else _FTSR, line):
            self._pend(line)

    def write_register(self, offset: int, value: int) -> None:
        """Take a register; a one clears a pending bit, and in SWIER makes one."""
        bank, register = divmod(offset, _BANK)
        if register == _PR:
            self.registers[offset] = self.registers.get(offset, 0) & ~value
            swier = offset - _PR + _SWIER
            self.registers[swier] = self.registers.get(swier, 0) & ~value
        elif register == _SWIER:
            rising = value & ~self.registers.get(offset, 0)
            self.registers[offset] = value
            for bit in range(32):
                if rising >> bit & 1 and self._bit(_IMR, 32 * bank + bit):
                    self._pend(32 * bank + bit)
        else:
            self.registers[offset] = value
        self._update_interrupts()

    def _bit(self, register: int, line: int) -> int:
        return self.registers.get(_BANK * (line // 32) + register, 0) >> (line % 32) & 1

    def _pend(self, line: int) -> None:
        offset = _BANK * (line // 32) + _PR
        self.registers[offset] = self.registers.get(offset, 0) | 1 << line % 32
        self._update_interrupts()

    def _update_interrupts(self) -> None:
        for number, lines in enumerate(self._GROUPS[: len(self.sheet.irqs)]):
            high = any(self._bit(_PR, line) and self._bit(_IMR, line) for line in lines)
            self.set_interrupt(high=high, line=number)
