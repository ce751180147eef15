"""Where a datasheet value may really lie, and drawing from there."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from datasheet.quantity import Evidence, Quantity

SPREAD_WITHOUT_RANGE: Mapping[Evidence, float] = {"measured": 0.05, "datasheet": 0.10, "assumed": 0.30}
"""Half of the range, relative to the value, where a datasheet gives none: assumed. Typical values of makers differ by
about a tenth from part to part; what is assumed may be a third off."""


class Draws(Protocol):
    """Values of quantities, as many at a time as lives are computed."""

    @property
    def number(self) -> int:
        """How many values of each quantity."""

    def of(self, key: str, quantity: Quantity) -> NDArray[np.float64]:
        """Return (number,) values of a quantity, in its SI unit; the same key always gives the same values."""


def plausible_range(quantity: Quantity) -> tuple[float, float]:
    """Return the lowest and the highest value a quantity may have.

    A missing end follows from the evidence, by `SPREAD_WITHOUT_RANGE`; so does the whole range where the sheet states
    none.
    """
    spread = abs(quantity.value) * SPREAD_WITHOUT_RANGE[quantity.evidence]
    low = quantity.value - spread if quantity.low is None else quantity.low
    high = quantity.value + spread if quantity.high is None else quantity.high
    return low, high


@dataclass(frozen=True)
class Typical:
    """Every quantity at the value its sheet states, but for those put in by hand.

    Attributes:
        instead: Values by key that stand for those of the sheets; (number,) arrays or single ones.
        number: How many values of each.
    """

    instead: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    number: int = 1

    def of(self, key: str, quantity: Quantity) -> NDArray[np.float64]:
        """Return the sheet's value, or the one put in for it."""
        return np.broadcast_to(self.instead.get(key, np.array(quantity.value)), (self.number,))


@dataclass(frozen=True)
class Sampled:
    """Every quantity drawn anew for each life: triangular over its plausible range, most often at its value.

    Attributes:
        seed: Everything random follows from it and the key.
        number: How many lives.
    """

    seed: int
    number: int

    def of(self, key: str, quantity: Quantity) -> NDArray[np.float64]:
        """Return (number,) draws; keys are independent of each other."""
        low, high = plausible_range(quantity)
        if low == high:
            return np.full(self.number, quantity.value)
        return self.generator(key).triangular(low, quantity.value, high, self.number)

    def generator(self, key: str) -> np.random.Generator:
        """Return the random numbers that belong to a key."""
        words = np.frombuffer(hashlib.sha256(key.encode()).digest(), dtype=np.uint32)
        return np.random.default_rng([self.seed, *words.tolist()])
