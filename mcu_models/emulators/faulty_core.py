"""A core whose registers forget, and a chip that is reset out of turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcu_models.emulators.connections import Disturbance

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcu_models.emulators.fault_sheets import RegisterBitFlip
    from mcu_models.emulators.peripherals.base import Chip

_SOON_S = 1e-9
"""Less than a cycle: the engine comes back before its next block."""


class RegisterFlip:
    """Inverts one bit of a core register, once.

    Args:
        key: Of the fault.
        sheet: Which, and when.
        flip: Inverts bits of a register and returns what it held before and holds now; None within a block of code.
    """

    def __init__(self, key: str, sheet: RegisterBitFlip, flip: Callable[[str, int], tuple[int, int] | None]) -> None:
        self._key = key
        self._sheet = sheet
        self._flip = flip
        self._is_done = False
        self._chip: Chip | None = None

    def plug_in(self, chip: Chip) -> None:
        """Plan it, unless it has happened."""
        self._chip = chip
        if not self._is_done:
            chip.scheduler.at(self._sheet.at_s, self, self._act)

    def _act(self) -> None:
        assert self._chip is not None  # noqa: S101 - it has been plugged in
        name, now_s = self._sheet.name, self._chip.clock.now_s
        flipped = self._flip(name, 1 << (self._sheet.bit or 0))
        if flipped is None:
            self._chip.scheduler.at(now_s + _SOON_S, self, self._act)
            return
        self._is_done = True
        before, after = flipped
        if self._sheet.bit is None:
            what = f"flag {name.upper()} inverted, it is {after} now"
        else:
            what = f"bit {self._sheet.bit} of {name} inverted, {before:#010x} is {after:#010x} now"
        self._chip.connections.disturbed(Disturbance(now_s, self._key, what))


class WatchdogBite:
    """Resets the chip as its independent watchdog would, once.

    Args:
        key: Of the fault.
        at_s: When.
    """

    def __init__(self, key: str, at_s: float) -> None:
        self._key = key
        self._at_s = at_s
        self._is_done = False
        self._chip: Chip | None = None

    def plug_in(self, chip: Chip) -> None:
        """Plan it, unless this chip is the one behind it."""
        self._chip = chip
        if not self._is_done:
            chip.scheduler.at(self._at_s, self, self._act)

    def _act(self) -> None:
        assert self._chip is not None  # noqa: S101 - it has been plugged in
        self._is_done = True
        self._chip.connections.disturbed(Disturbance(self._chip.clock.now_s, self._key, "reset as by the watchdog"))
        self._chip.request_reset("iwdg")
