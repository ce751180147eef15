"""A core whose registers forget, and a chip that is reset out of turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcu_models.emulators.faulty_chip import Once

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcu_models.emulators.fault_sheets import RegisterBitFlip
    from mcu_models.emulators.peripherals.base import Chip


class RegisterFlip(Once):
    """Inverts one bit of a core register.

    Args:
        key: Of the fault.
        sheet: Which, and when.
        flip: Inverts bits of a register and returns what it held before and holds now; None within a block of code.
    """

    def __init__(self, key: str, sheet: RegisterBitFlip, flip: Callable[[str, int], tuple[int, int] | None]) -> None:
        super().__init__(key, sheet.at_s)
        self._sheet = sheet
        self._flip = flip

    def _happen(self, chip: Chip) -> bool:
        name, bit = self._sheet.name, self._sheet.bit
        flipped = self._flip(name, 1 << (bit or 0))
        if flipped is None:
            return False
        before, after = flipped
        if bit is None:
            self._note(chip, f"flag {name.upper()} inverted, it is {after} now")
        else:
            self._note(chip, f"bit {bit} of {name} inverted, {before:#010x} is {after:#010x} now")
        return True


class WatchdogBite(Once):
    """Resets the chip as its independent watchdog would."""

    def _happen(self, chip: Chip) -> bool:
        self._note(chip, "reset as by the watchdog")
        chip.request_reset("iwdg")
        return True
