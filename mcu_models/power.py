"""Supply current of a microcontroller by power state, supply and voltage range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datasheet.quantity import Quantity
    from mcu_models.boards.board import CurrentSheet, PowerSheet, RangeCurrentSheet, SupplySheet
    from mcu_models.emulators.virtual_clock import PowerState

FIXED_MODES = ("stop0", "stop1", "stop2", "standby", "shutdown")
"""Modes whose current does not depend on a clock."""


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


class StateDraw(NamedTuple):
    """One product of a state's current: `quantity` times `factor` is in ampere.

    Attributes:
        key: File stem and dotted key of the value, such as "stm32l4a6zg.power.run.dynamic".
        quantity: The value.
        factor: What it is multiplied by: 1 for a current, the core clock for a current per hertz.
    """

    key: str
    quantity: Quantity
    factor: float


@dataclass(frozen=True)
class SupplyPoint:
    """How a microcontroller is supplied, where that is not as its sheet takes for granted.

    Attributes:
        supply: Name of one of the sheet's other supplies; empty for the one that it states first.
        rail_v: Voltage of the rail; None for the sheet's own.
        range_name: Voltage range of the core; empty for the one that the sheet takes at this clock.
    """

    supply: str = ""
    rail_v: float | None = None
    range_name: str = ""


AS_STATED = SupplyPoint()
"""The supply that the sheet states first, at its own voltage."""


def current_of(quantity: Quantity) -> Current:
    """Return a datasheet current with its range; without a range, the value itself."""
    low_a = quantity.value if quantity.low is None else quantity.low
    high_a = quantity.value if quantity.high is None else quantity.high
    return Current(quantity.value, low_a, high_a)


def state_draws(
    sheet_stem: str, power: PowerSheet, state: PowerState, point: SupplyPoint = AS_STATED
) -> tuple[StateDraw, ...]:
    """Return the products whose sum is the supply current in a power state.

    Linear in the core clock while clocked: static + dynamic x clock, both by voltage range of the core where the sheet
    has them. Behind a linear regulator the current does not depend on the supply; a switching converter takes about
    constant power, so that its current is inversely proportional to the voltage of the rail, while clocked. Valid for
    peripherals mostly idle and code from flash with its caches on, which is how the published values were taken.

    Args:
        sheet_stem: What keys begin with: the board's name.
        power: The board's currents.
        state: The power state.
        point: The supply, where it is not the one that the sheet states first.

    Raises:
        ValueError: The board's sheet knows no such state, supply or voltage range.
    """
    if state.mode in FIXED_MODES:
        return (StateDraw(f"{sheet_stem}.power.{state.mode}", getattr(power, f"{state.mode}_a"), 1.0),)
    if state.mode not in ("run", "sleep"):
        raise ValueError(f"no current is known for power state {state}")
    supply, key = _supply(power, point.supply)
    sheet = supply.run if state.mode == "run" else supply.sleep
    if sheet is None:
        sheet, key = power.sleep, "power"
    clocked, key = _range(sheet, f"{sheet_stem}.{key}.{state.mode}", state.clock_hz, point.range_name)
    share = 1.0 if point.rail_v is None or supply.kind == "ldo" else supply.supply_v.value / point.rail_v
    return (
        StateDraw(f"{key}.static", clocked.static_a, share),
        StateDraw(f"{key}.dynamic", clocked.dynamic_a_per_hz, share * state.clock_hz),
    )


def state_current(power: PowerSheet, state: PowerState, point: SupplyPoint = AS_STATED) -> Current:
    """Return the supply current in a power state, as `state_draws` makes it up.

    Raises:
        ValueError: The board's sheet knows no such state, supply or voltage range.
    """
    parts = (current_of(draw.quantity).scaled(draw.factor) for draw in state_draws("", power, state, point))
    return sum(parts, Current(0.0, 0.0, 0.0))


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


def wake_up_time(power: PowerSheet, mode: str) -> Quantity:
    """Return how long the chip takes from a low-power mode to its first instruction.

    The emulators charge the run current meanwhile; no charge of its own is published for any of the boards.

    Raises:
        ValueError: The board's sheet does not say.
    """
    if mode.startswith("stop"):
        return power.stop_wakeup_s
    if mode not in power.wakeup_s:
        raise ValueError(f"no wake-up time is known from {mode}")
    return power.wakeup_s[mode]


def _supply(power: PowerSheet, name: str) -> tuple[PowerSheet | SupplySheet, str]:
    """Return the sheet of a supply, and the key that its values begin with."""
    if not name:
        return power, "power"
    if name not in power.supplies:
        raise ValueError(f"no supply {name!r}; known: {', '.join(sorted(power.supplies)) or 'none'}")
    return power.supplies[name], f"power.supplies.{name}"


def _range(sheet: CurrentSheet, key: str, clock_hz: float, name: str) -> tuple[CurrentSheet | RangeCurrentSheet, str]:
    """Return the currents that hold at a clock, and the key that they begin with."""
    if name:
        if name not in sheet.ranges:
            raise ValueError(f"no currents for range {name!r}; known: {', '.join(sheet.ranges) or 'none'}")
        return sheet.ranges[name], f"{key}.ranges.{name}"
    for other, range_sheet in sheet.ranges.items():
        if range_sheet.used_up_to_hz is not None and clock_hz <= range_sheet.used_up_to_hz.value:
            return range_sheet, f"{key}.ranges.{other}"
    return sheet, key
