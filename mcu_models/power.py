"""Supply current of a microcontroller by power state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datasheet.quantity import Quantity
    from mcu_models.boards.board import CurrentSheet, PowerSheet
    from mcu_models.emulators.virtual_clock import PowerState


@dataclass(frozen=True)
class Current:
    """A current and the range it may lie in, in ampere."""

    typical_a: float
    low_a: float
    high_a: float

    def scaled(self, factor: float) -> Current:
        """Return the current that flows for `factor` of the time."""
        return Current(self.typical_a * factor, self.low_a * factor, self.high_a * factor)

    def __add__(self, other: Current) -> Current:
        return Current(self.typical_a + other.typical_a, self.low_a + other.low_a, self.high_a + other.high_a)


def current_of(quantity: Quantity) -> Current:
    """Return a datasheet current with its range; without a range, the value itself."""
    low_a = quantity.value if quantity.low is None else quantity.low
    high_a = quantity.value if quantity.high is None else quantity.high
    return Current(quantity.value, low_a, high_a)


def state_current(power: PowerSheet, state: PowerState) -> Current:
    """Return the supply current in a power state.

    Linear in the core clock while clocked: static + dynamic x clock. Valid for peripherals mostly idle and code from
    flash with its caches on, which is how the published values were taken.

    Raises:
        ValueError: The board's sheet knows no such state.
    """
    if state.mode in ("run", "sleep"):
        return _clocked(power.run if state.mode == "run" else power.sleep, state.clock_hz)
    fixed = {
        "stop0": power.stop0_a,
        "stop1": power.stop1_a,
        "stop2": power.stop2_a,
        "standby": power.standby_a,
        "shutdown": power.shutdown_a,
    }
    if state.mode not in fixed:
        raise ValueError(f"no current is known for power state {state}")
    return current_of(fixed[state.mode])


def average_currents(power: PowerSheet, residency_s: Mapping[PowerState, float]) -> dict[str, Current]:
    """Return the average current each state contributes, by the state's name.

    Args:
        power: The board's currents.
        residency_s: Seconds in each state; their sum is the span averaged over.
    """
    span_s = sum(residency_s.values())
    return {
        str(state): state_current(power, state).scaled(seconds / span_s)
        for state, seconds in sorted(residency_s.items(), key=lambda item: (item[0].mode, -item[0].clock_hz))
        if seconds > 0
    }


def _clocked(sheet: CurrentSheet, clock_hz: int) -> Current:
    return current_of(sheet.static_a) + current_of(sheet.dynamic_a_per_hz).scaled(clock_hz)
