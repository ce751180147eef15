"""PWR of the STM32F74x and F75x: voltage scales with over-drive, low-power modes, the lock of the backup domain.

Source: RM0385, chapter 4. Modelled: scales 1 to 3 and the over-drive with the time they take, the choice between Stop
and Standby, the ready flag of the backup regulator. Not modelled: under-drive, voltage detector, wake-up pins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcu_models.emulators.peripherals.base import Chip, Peripheral

if TYPE_CHECKING:
    from mcu_models.boards.board import PeripheralSheet

_CR1, _CSR1 = 0x00, 0x04
_PDDS, _CSBF, _DBP, _ODEN, _ODSWEN = 1 << 1, 1 << 3, 1 << 8, 1 << 16, 1 << 17
_BRE, _BRR, _VOSRDY, _ODRDY, _ODSWRDY, _SBF = 1 << 9, 1 << 3, 1 << 14, 1 << 16, 1 << 17, 1 << 1
SETTLE_S = 20e-6
"""Time of the regulator to settle: an assumption, of the order of its start-up time."""


class PwrF7(Peripheral):
    """Voltage scales 1 to 3, the over-drive on top of scale 1, Stop or Standby, the lock of the backup domain."""

    status_registers = frozenset({_CSR1})
    reset_values = {_CR1: 0xC000, _CSR1: _VOSRDY}  # noqa: RUF012 - a class constant by design
    _SCALES = ("scale3", "scale3", "scale2", "scale1")

    def __init__(self, name: str, chip: Chip, sheet: PeripheralSheet) -> None:
        super().__init__(name, chip, sheet)
        chip.power = self
        if chip.retained.reset_cause == "standby":
            self.registers[_CSR1] |= _SBF

    @property
    def deep_mode(self) -> str:
        """Standby with PDDS; otherwise Stop with the main regulator as "stop0", with the low-power one as "stop1"."""
        control = self.registers[_CR1]
        if control & _PDDS:
            return "standby"
        return "stop1" if control & 1 else "stop0"

    @property
    def range_name(self) -> str:
        """The voltage scale, "overdrive" when that is switched through."""
        if self.registers[_CSR1] & _ODSWRDY:
            return "overdrive"
        return self._SCALES[self.registers[_CR1] >> 14 & 3]

    @property
    def backup_writable(self) -> bool:
        """PWR_CR1.DBP."""
        return bool(self.registers[_CR1] & _DBP)

    def before_stop(self) -> None:
        """End the over-drive, as the hardware does on the way into a Stop mode (RM0385, over-drive mode)."""
        self.registers[_CR1] &= ~(_ODEN | _ODSWEN)
        self.registers[_CSR1] &= ~(_ODRDY | _ODSWRDY)

    def write_register(self, offset: int, value: int) -> None:
        """Take a register; voltages settle after a while."""
        if offset == _CSR1:
            ready = _BRR if value & _BRE else 0
            self.registers[_CSR1] = (self.registers[_CSR1] & ~(_BRE | _BRR | 0x100)) | value & (_BRE | 0x100) | ready
        elif offset == _CR1:
            self._control(value)
        else:
            self.registers[offset] = value

    def _control(self, value: int) -> None:
        changed = value ^ self.registers[_CR1]
        if value & _ODSWEN and not self.registers[_CSR1] & _ODRDY:
            self.chip.report(f"{self.name}: over-drive switched through before it is ready")
        self.registers[_CR1] = value & ~_CSBF
        if value & _CSBF:
            self.registers[_CSR1] &= ~_SBF
        if changed >> 14 & 3:
            self.registers[_CSR1] &= ~_VOSRDY
        self.registers[_CSR1] &= ~(0 if value & _ODEN else _ODRDY | _ODSWRDY)
        self.registers[_CSR1] &= ~(0 if value & _ODSWEN else _ODSWRDY)
        if changed & (0xC000 | _ODEN | _ODSWEN):
            self.after(SETTLE_S, self._settled, "scale")

    def _settled(self) -> None:
        control = self.registers[_CR1]
        flags = _VOSRDY | (_ODRDY if control & _ODEN else 0) | (_ODSWRDY if control & _ODSWEN else 0)
        self.registers[_CSR1] |= flags
        if self.chip.flash is not None:
            self.chip.flash.on_timing()
