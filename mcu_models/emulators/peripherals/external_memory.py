"""Controllers of external memories, as long as there are none: FMC of the STM32F7 and H7.

Source: RM0385 and RM0433, chapters FMC. Registers are kept. Switching a bank on is reported, and so is a
command to a dynamic memory: what lies behind them is not modelled. That start-up code switches off the bank which is
on after reset is a matter of course.
"""

from __future__ import annotations

from mcu_models.emulators.peripherals.base import Peripheral

_BANKS = (0x00, 0x08, 0x10, 0x18)
_NAND_CONTROL, _SDRAM_COMMAND = 0x80, 0x150
_BANK_ON, _NAND_ON = 1, 1 << 2


class Fmc(Peripheral):
    """Banks for static memories, NAND and SDRAM with nothing connected to them."""

    reset_values = {  # noqa: RUF012 - a class constant by design
        0x00: 0x30DB, 0x08: 0x30D2, 0x10: 0x30D2, 0x18: 0x30D2, 0x04: 0x0FFFFFFF, 0x0C: 0x0FFFFFFF, 0x14: 0x0FFFFFFF,
        0x1C: 0x0FFFFFFF, 0x80: 0x18, 0x84: 0x40, 0x88: 0xFCFCFCFC, 0x8C: 0xFCFCFCFC, 0x140: 0x2D0, 0x144: 0x2D0,
        0x148: 0x0FFFFFFF, 0x14C: 0x0FFFFFFF,
    }  # fmt: skip

    def write_register(self, offset: int, value: int) -> None:
        """Take a register."""
        newly = value & ~self.registers.get(offset, 0)
        if (offset in _BANKS and newly & _BANK_ON) or (offset == _NAND_CONTROL and newly & _NAND_ON):
            self.chip.report(f"{self.name}: bank for an external memory switched on; none is modelled")
        elif offset == _SDRAM_COMMAND:
            self.chip.report(f"{self.name}: command to an external dynamic memory; none is modelled")
        self.registers[offset] = value
