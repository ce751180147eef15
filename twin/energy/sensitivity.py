"""Which uncertain value moves a battery's life most: one at a time, each at both ends of its range."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from twin.energy.uncertainty import Typical, plausible_range

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from datasheet.quantity import Quantity
    from twin.energy.uncertainty import Draws


@dataclass(frozen=True)
class Influence:
    """What one value does to the life.

    Attributes:
        key: The value.
        quantity: What its sheet says.
        at_low_s: The life with the value at its low end, all others as stated.
        at_high_s: The same at its high end.
    """

    key: str
    quantity: Quantity
    at_low_s: float
    at_high_s: float

    @property
    def swing_s(self) -> float:
        """How far apart the two lives are."""
        return abs(self.at_high_s - self.at_low_s)


@dataclass
class Recorder:
    """Draws that remember which values were asked for."""

    draws: Draws
    asked: dict[str, Quantity] = field(default_factory=dict)

    @property
    def number(self) -> int:
        """How many values of each quantity."""
        return self.draws.number

    def of(self, key: str, quantity: Quantity) -> NDArray[np.float64]:
        """Return what the draws behind it give."""
        self.asked[key] = quantity
        return self.draws.of(key, quantity)


def tornado(life_s: Callable[[Draws], NDArray[np.float64]]) -> list[Influence]:
    """Return the influence of every value that a life depends on, greatest first.

    Values are moved one at a time, so that what two of them do together is not seen.

    Args:
        life_s: (n,) lives for n draws.
    """
    recorder = Recorder(Typical())
    life_s(recorder)
    moved = {key: q for key, q in recorder.asked.items() if plausible_range(q)[0] < plausible_range(q)[1]}
    number = 2 * len(moved)
    if not number:
        return []
    instead = {}
    for index, (key, quantity) in enumerate(moved.items()):
        values = np.full(number, quantity.value)
        values[2 * index : 2 * index + 2] = plausible_range(quantity)
        instead[key] = values
    lives = life_s(Typical(instead, number))
    influences = [
        Influence(key, quantity, float(lives[2 * index]), float(lives[2 * index + 1]))
        for index, (key, quantity) in enumerate(moved.items())
    ]
    return sorted(influences, key=lambda influence: -influence.swing_s)
