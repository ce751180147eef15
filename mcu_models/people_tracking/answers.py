"""What a doorway counter answers to a frame, as a line of text and as one number."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import numpy as np

from mcu_models.people_tracking.tracker import TOTALS

if TYPE_CHECKING:
    from numpy.typing import NDArray

ANSWER: Final = re.compile(r"^(\d+) IN (\d+) OUT (\d+) AT (\d+)$")
"""A line: answers before; who came in and who went out since power-on; where along the line the last one passed it."""

_PLACES: Final = 1000
_MARK: Final = TOTALS * TOTALS * _PLACES
"""Put in front, so that every answer has as many digits, as lines have nearly as many characters."""


def as_numbers(told: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (N,) one number for each answer (N, 3) of `tracker.passages`: 1, in, out, at; 4, 4 and 3 digits."""
    came_in, went_out, place = told[:, 0], told[:, 1], told[:, 2]
    return _MARK + (came_in * TOTALS + went_out) * _PLACES + place


def from_numbers(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (N, 3) what `as_numbers` was given."""
    totals, place = np.divmod(numbers % _MARK, _PLACES)
    return np.stack([*np.divmod(totals, TOTALS), place], axis=1)


def number_in(line: str) -> int | None:
    """Return the number of the answer in a line of text; None if there is none."""
    match = ANSWER.match(line)
    if match is None:
        return None
    told = np.array([[int(match[2]), int(match[3]), int(match[4])]])
    return int(as_numbers(told)[0])
