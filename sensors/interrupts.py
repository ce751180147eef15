"""The interrupt unit of a Grid-EYE: pixels beyond levels, their table, the status flags and the INT pin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

INTEN, INTMOD_ABSOLUTE = 0x01, 0x02
INTF, OVF_IRS = 0x02, 0x04


class InterruptUnit:
    """Compares each new image with an upper and a lower level, like a doorbell with 64 buttons.

    In absolute mode the pixels themselves are compared, in difference mode their change since the previous
    image. A pixel's bit is set beyond a level and cleared again once the pixel is back by the hysteresis.
    The INTF flag stays until it is cleared. Levels are in steps of 0.25 degC, zero after a power cycle.

    Args:
        low_limit: Lowest pixel value within the part's range, in steps.
        high_limit: Highest such value.
    """

    def __init__(self, low_limit: int, high_limit: int) -> None:
        self.control = 0
        self.status = 0
        self._limits = (low_limit, high_limit)
        self._levels = (0, 0, 0)
        self._beyond = np.zeros(64, dtype=np.bool_)

    @property
    def pin_is_low(self) -> bool:
        """Whether the INT pin is asserted."""
        return bool(self.control & INTEN and self.status & INTF)

    def set_levels(self, upper: int, lower: int, hysteresis: int) -> None:
        """Take new levels; they hold from the next image on."""
        self._levels = (upper, lower, hysteresis)

    def table_byte(self, index: int) -> int:
        """Return the bits of pixels 8 * index + 1 to 8 * index + 8, the lowest in bit 0."""
        return int(np.packbits(self._beyond[8 * index : 8 * index + 8], bitorder="little")[0])

    def reset_flags(self) -> None:
        """Clear the table and all flags."""
        self._beyond[:] = False
        self.status = 0

    def write_control(self, value: int) -> bool:
        """Take a value for INTC; False when it sets bits that do not exist."""
        if value & ~(INTEN | INTMOD_ABSOLUTE):
            return False
        self.control = value
        return True

    def clear(self, mask: int) -> bool:
        """Clear the flags in `mask`, and with INTF the table; False when it names flags that do not exist."""
        if mask & ~(INTF | OVF_IRS):
            return False
        self.status &= ~mask
        if mask & INTF:
            self._beyond[:] = False
        return True

    def look(self, image: NDArray[np.int64], previous: NDArray[np.int64]) -> None:
        """Compare a new image, (64,) steps, with the levels."""
        value = image if self.control & INTMOD_ABSOLUTE else image - previous
        upper, lower, hysteresis = self._levels
        beyond = (value > upper) | (value < lower)
        back = (value <= upper - hysteresis) & (value >= lower + hysteresis)
        self._beyond = beyond | (self._beyond & ~back)
        self.status |= INTF if self._beyond.any() else 0
        low, high = self._limits
        self.status |= OVF_IRS if ((image < low) | (image > high)).any() else 0
