"""Whether the door opens: scores of several frames and whether somebody is near, in the firmware's integers.

`kernels/door_decision.h` is the same. Somebody is near when enough pixels of the small picture differ from what is
usually there; what all pixels have in common is left out, for the camera's exposure changes it. The usual picture is a
running mean that follows quickly while nobody is near and slowly otherwise: what is left standing becomes usual.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

import numpy as np

from datasheet.bad_input import BadInputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_FRAMES: Final = 32
_LUMA: Final = np.array([77, 150, 29], dtype=np.int64)
"""Red, green and blue in brightness, in 256ths: ITU-R BT.601."""
_FRACTION_BITS: Final = 8


@dataclass(frozen=True)
class DoorPolicy:
    """When the door opens.

    Attributes:
        frames: So many of the last frames count.
        needed: So many of them must show a mask, with somebody near.
        least_percent: How certain of a mask the network must be for a frame to count.
        pixel_levels: A pixel has changed when it differs by more than so many levels of 255.
        near_pixels: Somebody is near when so many pixels of the small picture have changed.
        empty_shift: The usual picture follows by 1 / 2^shift a frame while nobody is near ...
        near_shift: ... and while somebody is.

    Raises:
        BadInputError: A value is outside its range.
    """

    frames: int = 16
    needed: int = 14
    least_percent: int = 80
    pixel_levels: int = 24
    near_pixels: int = 100
    empty_shift: int = 5
    near_shift: int = 12

    @property
    def least_share(self) -> float:
        """How certain of a mask the network must be, 0 to 1."""
        return self.least_percent / 100

    def __post_init__(self) -> None:
        ranges = {
            "frames": (1, MOST_FRAMES),
            "needed": (1, self.frames),
            "least_percent": (1, 99),
            "pixel_levels": (0, 255),
            "near_pixels": (1, 65535),
            "empty_shift": (0, 15),
            "near_shift": (0, 15),
        }
        for field in fields(self):
            value, (low, high) = getattr(self, field.name), ranges[field.name]
            if type(value) is not int or not low <= value <= high:
                raise BadInputError("door", field.name, value, f"must be a whole number from {low} to {high}")


USUAL_POLICY: Final = DoorPolicy()


class DoorDecision:
    """Decides frame by frame, from power-on.

    Args:
        policy: When the door opens.
        least_code: The network's output code from which on a mask counts as worn correctly.

    Attributes:
        is_near: Whether somebody was near in the last frame.
    """

    def __init__(self, policy: DoorPolicy, least_code: int) -> None:
        self._policy = policy
        self._least_code = least_code
        self._usual: NDArray[np.int64] | None = None
        self._history = 0
        self.is_near = False

    def next(self, picture: NDArray[np.uint8], code: int) -> bool:
        """Take a frame; return whether the door opens.

        Args:
            picture: (rows, columns, 3) uint8, the small picture.
            code: What the network answered.
        """
        policy = self._policy
        self.is_near = self._looks_near((picture.astype(np.int64) @ _LUMA >> 8).reshape(-1))
        shown = self.is_near and code >= self._least_code
        self._history = (self._history << 1 | shown) & ((1 << policy.frames) - 1)
        return self.is_near and self._history.bit_count() >= policy.needed

    def _looks_near(self, levels: NDArray[np.int64]) -> bool:
        if self._usual is None:
            self._usual = levels << _FRACTION_BITS
            return False
        apart = levels - (self._usual >> _FRACTION_BITS)
        common = int(apart.sum()) // len(levels)
        is_near = int((np.abs(apart - common) > self._policy.pixel_levels).sum()) >= self._policy.near_pixels
        shift = self._policy.near_shift if is_near else self._policy.empty_shift
        self._usual = self._usual + ((levels << _FRACTION_BITS) - self._usual >> shift)
        return is_near
