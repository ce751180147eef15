"""What draws current: a datasheet value times how much of it, at a supply rail, for a while."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datasheet.quantity import Quantity


@dataclass(frozen=True)
class Draw:
    """One datasheet value's part of a consumer's current.

    The current is `quantity` times `factor`: 108 uA/MHz times 80 MHz, or a current in ampere times 1. It stays a
    product so that another value can be put in for the quantity, drawn from its range or chosen by a slider.

    Attributes:
        consumer: Whose current it is, as budgets name it.
        rail: The supply rail it flows from.
        key: File stem and dotted key of the value, such as "stm32l4a6zg.power.run.dynamic".
        quantity: The value.
        factor: What it is multiplied by to give ampere.
    """

    consumer: str
    rail: str
    key: str
    quantity: Quantity
    factor: float = 1.0


@dataclass(frozen=True)
class Phase:
    """A stretch of time in which nothing changes: who draws what.

    Attributes:
        name: What the node does.
        duration_s: How long.
        draws: All that draw current meanwhile, at whichever rail.
    """

    name: str
    duration_s: float
    draws: tuple[Draw, ...]
