"""What no datasheet of currents may say."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from pydantic_core import PydanticCustomError

from datasheet.quantity import Quantity
from datasheet.sheet import quantities

if TYPE_CHECKING:
    from collections.abc import Iterable

    from datasheet.quantity import QuantityTable
    from datasheet.sheet import Sheet

_SIGNED_UNITS = frozenset({"degC"})


def refuse_negative(sheet: Sheet) -> None:
    """Raise when a value, or the lower end of one, is negative; temperatures may be.

    Raises:
        PydanticCustomError: One is.
    """
    for key, quantity in quantities(sheet):
        least = _least(quantity)
        if quantity.unit not in _SIGNED_UNITS and least < 0:
            raise PydanticCustomError("negative", "must not be negative", {"subkey": key, "found": least})


def refuse_disorder(name: str, values: Iterable[float]) -> None:
    """Raise when values that stand for the points of a table do not ascend.

    Raises:
        ValueError: They do not.
    """
    if any(later <= earlier for earlier, later in pairwise(values)):
        raise ValueError(f"{name} must ascend")


def _least(quantity: Quantity | QuantityTable) -> float:
    if isinstance(quantity, Quantity):
        return quantity.value if quantity.low is None else quantity.low
    return min(min(row) for row in quantity.values)
