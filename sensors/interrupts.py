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
    image; the first image after a reset has no previous one, and its change is zero. A pixel's bit is set
    beyond a level and cleared again once the pixel is back by the hysteresis. The INTF flag is set while the
    table is not empty and stays until it is cleared. Levels are in steps of the pixel registers, zero after a
    power cycle, so that the flag sets itself until they are written.

    Reference Specifications AMG88**, 4 February 2016, sections 4-11-4 to 4-11-6, 4-11-8 and 4-11-10. Silent
    there, and so assumed: a hysteresis larger than the distance between the levels holds a bit for ever;
    levels written anew hold from the next image on.

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
        """Whether the INT pin is asserted, as far as this unit decides."""
        return bool(self.control & INTEN and self.status & INTF)

    def power_cycle(self) -> None:
        """Forget everything."""
        self.control = 0
        self._levels = (0, 0, 0)
        self.reset_flags()

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

    def clear(self, mask: int) -> None:
        """Clear the flags in `mask`, and with INTF the table."""
        self.status &= ~mask
        if mask & INTF:
            self._beyond[:] = False

    def look(self, image: NDArray[np.int64], previous: NDArray[np.int64] | None) -> None:
        """Compare a new image, (64,) steps, with the levels; `previous` is None for the first image."""
        value = image if self.control & INTMOD_ABSOLUTE else image - (image if previous is None else previous)
        upper, lower, hysteresis = self._levels
        beyond = (value > upper) | (value < lower)
        back = (value <= upper - hysteresis) & (value >= lower + hysteresis)
        self._beyond = beyond | (self._beyond & ~back)
        self.status |= INTF if self._beyond.any() else 0
        low, high = self._limits
        self.status |= OVF_IRS if ((image < low) | (image > high)).any() else 0
