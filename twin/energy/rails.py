"""Supply rails: what flows from each, through its regulator, out of the battery."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twin.energy.regulator import REGULATORS, battery_side, needed_input_v

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from twin.energy.draw import Draw
    from twin.energy.regulator import RegulatorSheet
    from twin.energy.uncertainty import Draws

    Drawn = NDArray[np.float64]


@dataclass(frozen=True)
class Part:
    """What the consumers of one rail do for a share of the time.

    Attributes:
        name: What they do.
        share: (n,) or a single one: share of the time.
        longest_s: How long it lasts at a stretch, at most.
        draws: What flows meanwhile, beside what always does.
    """

    name: str
    share: Drawn
    longest_s: float
    draws: tuple[Draw, ...]


@dataclass(frozen=True)
class RailLoad:
    """What flows from one rail: some of it always, the rest in parts that exclude each other.

    Attributes:
        supply_v: Voltage of the rail.
        lowest_v: Voltage its consumers stand at least.
        regulator: What makes it from the battery.
        always: What flows at all times.
        parts: What flows for shares of the time, which together are 1 at most.
    """

    supply_v: float
    lowest_v: float
    regulator: RegulatorSheet
    always: tuple[Draw, ...]
    parts: tuple[Part, ...]

    def flowing(self, part: Part | None) -> tuple[Draw, ...]:
        """Return what flows while `part` is on; None is the time beside all parts."""
        return self.always if part is None else (*self.always, *part.draws)

    def heaviest(self, draws: Draws, *, by_charge: bool = False) -> Part | None:
        """Return the part with the greatest current, or charge, on the average of the lives; None without parts."""

        def weight(part: Part) -> float:
            return float(current_a(part.draws, draws).mean()) * (part.longest_s if by_charge else 1.0)

        return max(self.parts, key=weight, default=None)


@dataclass(frozen=True)
class FromBattery:
    """What a battery gives: at a terminal voltage V, `current_a` + `power_w` / V."""

    current_a: Drawn
    power_w: Drawn

    def __add__(self, other: FromBattery) -> FromBattery:
        return FromBattery(self.current_a + other.current_a, self.power_w + other.power_w)

    def scaled(self, share: Drawn | float) -> FromBattery:
        """Return what is given on average if this is given for a share of the time."""
        return FromBattery(self.current_a * share, self.power_w * share)

    def at_w(self, battery_v: float) -> Drawn:
        """Return the power at a terminal voltage."""
        return self.current_a * battery_v + self.power_w


def current_a(parts: tuple[Draw, ...], draws: Draws) -> Drawn:
    """Return the current of several draws, (n,)."""
    flows = (draws.of(draw.key, draw.quantity) * draw.factor for draw in parts)
    return sum(flows, np.zeros(draws.number))


def instant(rail: RailLoad, part: Part | None, draws: Draws) -> FromBattery:
    """Return what the battery gives for a rail while `part` is on; None is the time beside all parts."""
    rail_a = current_a(rail.flowing(part), draws)
    given_a, given_w = battery_side(rail.regulator, draws, rail_v=rail.supply_v, rail_current_a=rail_a)
    return FromBattery(given_a, given_w)


def average(rail: RailLoad, draws: Draws) -> FromBattery:
    """Return what the battery gives for a rail on average."""
    given = [instant(rail, part, draws).scaled(share) for part, share in _shares(rail)]
    return sum(given, FromBattery(np.zeros(draws.number), np.zeros(draws.number)))


def consumers_w(rail: RailLoad, draws: Draws) -> dict[str, Drawn]:
    """Return the average power of each consumer at its rail, (n,) each."""
    powers: dict[str, Drawn] = {}
    for part, share in _shares(rail):
        for draw in rail.flowing(part):
            power_w = draws.of(draw.key, draw.quantity) * draw.factor * share * rail.supply_v
            powers[draw.consumer] = powers.get(draw.consumer, np.zeros(draws.number)) + power_w
    return powers


def needed_v(rail: RailLoad, part: Part | None, draws: Draws) -> Drawn:
    """Return the battery voltage below which the rail is too low for its consumers while `part` is on, (n,)."""
    rail_a = current_a(rail.flowing(part), draws)
    return needed_input_v(rail.regulator, draws, lowest_rail_v=rail.lowest_v, rail_current_a=rail_a)


def budget_w(rails: Mapping[str, RailLoad], draws: Draws, battery_v: float) -> dict[str, Drawn]:
    """Return the average power of each consumer and of the regulators; the sum is the battery's."""
    powers: dict[str, Drawn] = {}
    taken_w = np.zeros(draws.number)
    for rail in rails.values():
        taken_w = taken_w + average(rail, draws).at_w(battery_v)
        for consumer, power_w in consumers_w(rail, draws).items():
            powers[consumer] = powers.get(consumer, np.zeros(draws.number)) + power_w
    powers[REGULATORS] = taken_w - sum(powers.values(), np.zeros(draws.number))
    return powers


def _shares(rail: RailLoad) -> Iterator[tuple[Part | None, Drawn]]:
    """Yield each part with its share of the time, and None with the share that is left."""
    left = np.array(1.0)
    for part in rail.parts:
        left = left - part.share
        yield part, part.share
    yield None, np.maximum(left, 0.0)
