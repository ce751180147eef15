"""A chip whose memory forgets and whose oscillators are off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcu_models.emulators.connections import Disturbance

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from mcu_models.emulators.fault_sheets import ClockDrift, RamUpsets
    from mcu_models.emulators.peripherals.base import Chip

HOUR_S = 3600.0
_SOON_S = 1e-9
"""Less than a cycle: the engine comes back before its next block."""


class Once:
    """Something that happens to a chip at one moment, and not again behind a reset.

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
        """Plan it, unless it has happened."""
        self._chip = chip
        if not self._is_done:
            chip.scheduler.at(self._at_s, self, self._act)

    def _act(self) -> None:
        assert self._chip is not None  # noqa: S101 - it has been plugged in
        self._is_done = self._happen(self._chip)
        if not self._is_done:
            self._chip.scheduler.at(self._chip.clock.now_s + _SOON_S, self, self._act)

    def _happen(self, chip: Chip) -> bool:
        """Do it; False to be asked again before the next block of code."""
        raise NotImplementedError

    def _note(self, chip: Chip, what: str) -> None:
        chip.connections.disturbed(Disturbance(chip.clock.now_s, self._key, what))


class BitFlip(Once):
    """Inverts one bit of memory; a reset does not put it right.

    Args:
        key: Of the fault.
        at_s: When.
        address: Of the byte.
        bit: Of that byte.
    """

    def __init__(self, key: str, at_s: float, address: int, bit: int) -> None:
        super().__init__(key, at_s)
        self._place = address, bit

    def _happen(self, chip: Chip) -> bool:
        _invert(chip, self._key, *self._place)
        return True


class Upsets:
    """Inverts bits by chance, one after the other: the times between them are exponentially distributed."""

    def __init__(
        self, key: str, sheet: RamUpsets, spans: Sequence[tuple[int, int]], generator: np.random.Generator
    ) -> None:
        """Take first address and bytes of every stretch of memory that is meant."""
        self._key = key
        self._end_s = sheet.end_s
        self._spans = tuple(spans)
        self._bytes = sum(size for _, size in spans)
        self._mean_s = mean_interval_s(sheet, self._bytes)
        self._generator = generator
        self._next_s = sheet.from_s + generator.exponential(self._mean_s)
        self._chip: Chip | None = None

    def plug_in(self, chip: Chip) -> None:
        """Plan the next one."""
        self._chip = chip
        if self._next_s < self._end_s:
            chip.scheduler.at(self._next_s, self, self._act)

    def _act(self) -> None:
        assert self._chip is not None  # noqa: S101 - it has been plugged in
        place = int(self._generator.integers(8 * self._bytes))
        _invert(self._chip, self._key, self._address(place // 8), place % 8)
        self._next_s += self._generator.exponential(self._mean_s)
        self.plug_in(self._chip)

    def _address(self, place: int) -> int:
        for base, size in self._spans:
            if place < size:
                return base + place
            place -= size
        raise AssertionError("a place within all bytes lies in one of the spans")


def mean_interval_s(sheet: RamUpsets, size: int) -> float:
    """Return the mean time between upsets in `size` bytes."""
    return HOUR_S / (sheet.per_bit_hour * 8 * size)


def _invert(chip: Chip, key: str, address: int, bit: int) -> None:
    assert chip.memory is not None  # noqa: S101 - a whole chip has memory
    before = chip.memory.read(address, 1)[0]
    after = before ^ 1 << bit
    chip.memory.write(address, bytes([after]))
    what = f"bit {bit} of {address:#010x} inverted, {before:#04x} is {after:#04x} now"
    chip.connections.disturbed(Disturbance(chip.clock.now_s, key, what))


class Drift:
    """Lets an oscillator run fast or slow."""

    def __init__(self, key: str, sheet: ClockDrift) -> None:
        self._key = key
        self._sheet = sheet
        self._has_begun = False
        self._chip: Chip | None = None

    def plug_in(self, chip: Chip) -> None:
        """Tell the new clock tree of it: at once if it has begun, as nothing counts yet that would have to be told."""
        self._chip = chip
        if self._has_begun:
            chip.drift_ppm[self._sheet.oscillator] = self._sheet.ppm
            chip.scheduler.at(chip.clock.now_s, self, self._retune)
        else:
            chip.scheduler.at(self._sheet.from_s, self, self._begin)

    def _begin(self) -> None:
        assert self._chip is not None  # noqa: S101 - it has been plugged in
        self._has_begun = True
        self._chip.drift_ppm[self._sheet.oscillator] = self._sheet.ppm
        what = f"{self._sheet.oscillator.upper()} off by {self._sheet.ppm:+g} ppm"
        self._chip.connections.disturbed(Disturbance(self._chip.clock.now_s, self._key, what))
        self._retune()

    def _retune(self) -> None:
        if self._chip is not None and self._chip.tree is not None:
            self._chip.tree.on_clock()
            self._chip.clocks_changed()
