"""RTC and TAMP of the STM32H7A3 and of the STM32L4P5: the calendar of the RTC before it, with its registers moved.

Source: RM0455, chapters RTC and TAMP. The flags of alarms and wake-up timer stand in SR and are cleared by
SCR; the backup registers belong to TAMP. Modelled and not modelled is what `rtc` says; tampers are not detected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcu_models.emulators.peripherals.base import Chip, Peripheral
from mcu_models.emulators.peripherals.rtc import Rtc

if TYPE_CHECKING:
    from mcu_models.boards.board import PeripheralSheet

_ICSR, _SR, _MISR, _SCR = 0x0C, 0x50, 0x54, 0x5C
_CR, _ISR, _ELSEWHERE = 0x08, 0x0C, 0x400
_HOMES = {
    0x00: 0x00, 0x04: 0x04, 0x08: 0x28, 0x10: 0x10, 0x14: 0x14, 0x18: _CR, 0x24: 0x24, 0x28: 0x3C, 0x2C: 0x2C,
    0x40: 0x1C, 0x44: 0x44, 0x48: 0x20, 0x4C: 0x48,
}  # fmt: skip
"""TR, DR, SSR, PRER, WUTR, CR, WPR, CALR, SHIFTR, alarms A and B: where they stand, and where they stood before."""
_INIT, _RSF, _FLAGS = 1 << 7, 1 << 5, 0x3F00


class RtcV3(Rtc):
    """The real-time clock. Options: `wakeup_line` and `alarm_line` of the EXTI through which it interrupts and wakes.

    Without these options the interrupt lines are wake-up timer and alarm.
    """

    status_registers = frozenset({_ICSR, _SR})

    def read_register(self, offset: int) -> int:
        """Return a register."""
        status = super().read_register(_ISR)
        if offset == _ICSR:
            return status & 0xFF
        if offset in (_SR, _MISR):
            enabled = super().read_register(_CR) >> 12 if offset == _MISR else 0x3F
            return status >> 8 & enabled & 0x3F
        return super().read_register(_HOMES.get(offset, _ELSEWHERE + offset))

    def write_register(self, offset: int, value: int) -> None:
        """Take a register; a zero in ICSR clears the flag of synchronisation, a one in SCR its flag of SR."""
        if offset == _ICSR:
            super().write_register(_ISR, value & 0xFF | _FLAGS)
        elif offset == _SCR:
            kept = super().read_register(_ISR) & _INIT | _RSF
            super().write_register(_ISR, kept | _FLAGS & ~(value << 8))
        elif offset not in (_SR, _MISR):
            super().write_register(_HOMES.get(offset, _ELSEWHERE + offset), value)


class Tamp(Peripheral):
    """The backup registers and the set-up of tampers, which outlive a reset and are open only with DBP."""

    def __init__(self, name: str, chip: Chip, sheet: PeripheralSheet) -> None:
        super().__init__(name, chip, sheet)
        self.registers = chip.retained.registers(name)

    def reset(self) -> None:
        """Leave everything as it is: the reset bits of the RCC reset the interface alone."""

    def write_register(self, offset: int, value: int) -> None:
        """Take a register, when the backup domain is open."""
        if self.chip.backup_writable():
            self.registers[offset] = value
        else:
            self.chip.report(f"{self.name}: register {offset:#x} written while DBP protects it; hardware ignores it")
