"""How long a battery lasts under an average current."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from datasheet.config import find_in_library
from datasheet.quantity import Coulomb, PerSecond, Quantity, Ratio, Volt
from datasheet.sheet import Sheet, load_sheet

if TYPE_CHECKING:
    from mcu_models.power import Current

_LIBRARY = "twin.batteries"


class BatterySheet(Sheet):
    """A battery as far as average currents matter.

    `usable` is the share of the capacity that is delivered before the node's supply fails; `self_discharge` the
    share of the capacity lost per second on the shelf.
    """

    title: str
    nominal_v: Volt
    capacity_c: Coulomb
    usable: Ratio
    self_discharge_per_s: PerSecond


@dataclass(frozen=True)
class Life:
    """Battery life and the interval it lies in when every input is at its better or worse end."""

    life_s: float
    low_s: float
    high_s: float


def load_battery(name_or_path: str) -> BatterySheet:
    """Return a battery of the library by name, or of a file of the user's own.

    Raises:
        BadInputError: No such battery, or its file cannot be used.
    """
    return load_sheet(find_in_library(name_or_path, _LIBRARY, kind="battery"), BatterySheet)


def battery_life(battery: BatterySheet, load: Current) -> Life:
    """Return how long a fresh battery carries an average load.

    Charge over current: capacity x usable / (load + capacity x self-discharge). Valid for loads far below the
    cell's rating, where capacity does not depend on the load; voltage, temperature and pulses are not modelled.

    Args:
        battery: The battery.
        load: Average current drawn from it.
    """
    usable, lost = battery.usable, battery.self_discharge_per_s
    return Life(
        life_s=_life_s(battery, load.typical_a, usable.value, lost.value),
        low_s=_life_s(battery, load.high_a, _low(usable), _high(lost)),
        high_s=_life_s(battery, load.low_a, _high(usable), _low(lost)),
    )


def charge_bound_s(battery: BatterySheet, current_a: float) -> float:
    """Return the time in which `current_a` alone takes the whole nominal capacity: no life is longer."""
    return battery.capacity_c.value / current_a


def _life_s(battery: BatterySheet, load_a: float, usable: float, lost_per_s: float) -> float:
    capacity_c = battery.capacity_c.value
    return capacity_c * usable / (load_a + capacity_c * lost_per_s)


def _low(quantity: Quantity) -> float:
    return quantity.value if quantity.low is None else quantity.low


def _high(quantity: Quantity) -> float:
    return quantity.value if quantity.high is None else quantity.high
