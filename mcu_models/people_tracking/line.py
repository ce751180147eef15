"""The line in the image that people are counted at: what an installer sets, and where it stands in the firmware."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from mcu_models.emulators.image import FirmwareImage

SYMBOL: Final = "doorway_line"
"""The constant in flash that firmware reads the line from."""


class DoorLine(NamedTuple):
    """A line along the rows or columns of the image.

    Attributes:
        axis: 0: the line is a row, and people pass from row to row; 1: it is a column.
        place: Which row or column, in sixteenths of a pixel; the middle of pixel 0 is at 8.
        inward: 1: who comes in goes to higher rows or columns; -1: to lower ones.
        first: People who pass the line from here on count, in sixteenths of a pixel along it.
        last: Up to here.
    """

    axis: int
    place: int
    inward: int
    first: int
    last: int

    def image_bytes(self) -> bytes:
        """Return the firmware's `struct doorway_line`."""
        return struct.pack("<5i", *self)

    def applied_to(self, image: FirmwareImage) -> FirmwareImage:
        """Return a firmware image with this line in it.

        Raises:
            BadInputError: The firmware knows no lines.
        """
        return image.with_symbol(SYMBOL, self.image_bytes())


MIDDLE_LINE: Final = DoorLine(axis=0, place=64, inward=-1, first=0, last=128)
"""Across the middle of the image; who goes up in it comes in. Firmware has it until an installer sets another."""
