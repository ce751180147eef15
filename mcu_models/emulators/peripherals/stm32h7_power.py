"""PWR of the STM32H742/743/753 and of the STM32H7A3/7B3: supply, voltage scales, low-power modes.

Source: RM0433 (H743) and RM0455 (H7A3), chapters "Power control". Modelled: the supply set-up, which can be written
once and before which the voltage scale stays as after reset; the scales with the time they take; VOS0 of the H743 by
the over-drive bit of its SYSCFG; the choice between Stop and Standby; the flags of both; the lock of the backup
domain; the ready flags of backup regulator and USB supply. Not modelled: voltage detectors, battery, temperature
thresholds, wake-up pins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcu_models.emulators.peripherals.base import Chip, Peripheral

if TYPE_CHECKING:
    from mcu_models.boards.board import PeripheralSheet

_CR1, _CSR1, _CR2, _CR3, _CPUCR, _D3CR, _WKUPCR, _WKUPFR = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x18, 0x20, 0x24
_DBP, _READY = 1 << 8, 1 << 13
_BREN, _BRRDY, _USB33DEN, _USB33RDY = 1, 1 << 16, 1 << 24, 1 << 26
_STOPF, _SBF, _CSSF = 1 << 5, 1 << 6, 1 << 9
_SUPPLY_BITS = 0xFF
SETTLE_S = 20e-6
"""Time of the regulator to settle: an assumption, of the order of its start-up time."""


class PwrH743(Peripheral):
    """Voltage scales 1 to 3 by D3CR, scale 0 by the over-drive bit on top of scale 1."""

    status_registers = frozenset({_CSR1, _D3CR})
    reset_values = {  # noqa: RUF012 - a class constant by design
        _CR1: 0xF000C000, _CSR1: 0x4000, _CR3: 0x6, _D3CR: 0x4000,
    }  # fmt: skip
    scales = ("vos3", "vos3", "vos2", "vos1")
    """Voltage scale by the value of VOS."""
    standby_bits = 0b111
    """Bits of CPUCR that must all be set for Standby: one for each domain."""

    def __init__(self, name: str, chip: Chip, sheet: PeripheralSheet) -> None:
        super().__init__(name, chip, sheet)
        chip.power = self
        self._supply_written = False
        self._overdrive = False
        self._boosted = False
        if chip.retained.reset_cause == "standby":
            self.registers[_CPUCR] = _SBF

    @property
    def deep_mode(self) -> str:
        """Standby when every domain may enter it; otherwise Stop with SVOS3, 4 or 5 as "stop0", "stop1", "stop2"."""
        if self.registers.get(_CPUCR, 0) & self.standby_bits == self.standby_bits:
            return "standby"
        return ("stop2", "stop2", "stop1", "stop0")[self.registers[_CR1] >> 14 & 3]

    @property
    def range_name(self) -> str:
        """The voltage scale that is reached."""
        if self._boosted:
            return "vos0"
        return self.scales[self.registers[_CSR1] >> 14 & 3]

    @property
    def backup_writable(self) -> bool:
        """PWR_CR1.DBP."""
        return bool(self.registers[_CR1] & _DBP)

    def set_overdrive(self, *, on: bool) -> None:
        """Take the over-drive bit of the SYSCFG, which makes scale 0 of scale 1."""
        if on != self._overdrive:
            if on and self.scales[self.registers[_D3CR] >> 14 & 3] != "vos1":
                self.chip.report(f"{self.name}: over-drive switched on in a voltage scale other than 1")
            self._overdrive = on
            self._begin_scale()

    def before_stop(self) -> None:
        """Note in CPUCR that a Stop mode was entered; the over-drive must be off by then (RM0433, VOS0 sequence)."""
        if self._overdrive:
            self.chip.report(f"{self.name}: Stop mode entered in voltage scale 0")
        self.registers[_CPUCR] = self.registers.get(_CPUCR, 0) | _STOPF

    def write_register(self, offset: int, value: int) -> None:
        """Take a register."""
        if offset == _CR3:
            self._write_supply(value)
        elif offset == _D3CR:
            self._write_scale(value)
        elif offset == _CR2:
            self.registers[_CR2] = (value & ~_BRRDY) | (_BRRDY if value & _BREN else 0)
        elif offset == _CPUCR:
            kept = 0 if value & _CSSF else self.registers.get(_CPUCR, 0) & (_STOPF | _SBF)
            self.registers[_CPUCR] = (value & ~(_STOPF | _SBF | _CSSF)) | kept
        elif offset == _WKUPCR:
            self.registers[_WKUPFR] = self.registers.get(_WKUPFR, 0) & ~value
        elif offset not in (_CSR1, _WKUPFR):
            self.registers[offset] = value

    def _write_supply(self, value: int) -> None:
        """Take CR3: which regulators feed the core can be said once after power-on."""
        before = self.registers[_CR3]
        if self._supply_written and (value ^ before) & _SUPPLY_BITS:
            self.chip.report(f"{self.name}: supply set up a second time; hardware ignores it")
        supply = before if self._supply_written else self._first_supply(value)
        ready = _USB33RDY if value & _USB33DEN else 0
        self.registers[_CR3] = (value & ~(_SUPPLY_BITS | _USB33RDY)) | (supply & _SUPPLY_BITS) | ready
        if not self._supply_written:
            self._supply_written = True
            self._begin_scale()

    def _first_supply(self, value: int) -> int:
        """Return what the first write leaves: SCUEN falls."""
        return value & ~(1 << 2)

    def _write_scale(self, value: int) -> None:
        if not self._supply_written and value >> 14 & 3 != self.registers[_D3CR] >> 14 & 3:
            self.chip.report(f"{self.name}: voltage scale chosen before the supply is set up; hardware ignores it")
            return
        changed = (value ^ self.registers[_D3CR]) >> 14 & 3
        self.registers[_D3CR] = (value & ~_READY) | (self.registers[_D3CR] & _READY)
        if changed:
            self._begin_scale()

    def _begin_scale(self) -> None:
        """Begin to settle at the scale that is asked for."""
        self.registers[_D3CR] &= ~_READY
        self.registers[_CSR1] &= ~_READY
        self.after(SETTLE_S, self._settled, "scale")

    def _settled(self) -> None:
        self.registers[_D3CR] |= _READY
        self.registers[_CSR1] = (self.registers[_CSR1] & ~0xC000) | _READY | self.registers[_D3CR] & 0xC000
        self._boosted = self._overdrive
        if self.chip.flash is not None:
            self.chip.flash.on_timing()


class PwrH7a3(PwrH743):
    """Voltage scales 0 to 3 by SRDCR; the switching converter is part of the supply set-up."""

    reset_values = {_CR1: 0xF000C000, _CSR1: 0, _CR3: 0x6, _D3CR: 0}  # noqa: RUF012 - a class constant by design
    scales = ("vos3", "vos2", "vos1", "vos0")
    standby_bits = 0b100

    def _first_supply(self, value: int) -> int:
        """Return what the first write leaves: all of it."""
        return value
