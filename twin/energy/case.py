"""Everything a battery life follows from, and the life that follows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from twin.energy.discharge import lives
from twin.energy.node_load import rails_of
from twin.energy.rails import budget_w
from twin.energy.timetable import Surroundings, week

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from twin.energy.battery_sheet import BatterySheet
    from twin.energy.demand import Timetable
    from twin.energy.discharge import Lives
    from twin.energy.harvest import Harvester
    from twin.energy.node_load import Consumers
    from twin.energy.rails import RailLoad
    from twin.energy.uncertainty import Draws
    from twin.energy.usage import Usage
    from twin.energy.week import WeekHours


@dataclass(frozen=True)
class Case:
    """A node with its battery, as far as the life of the battery follows from it.

    Attributes:
        battery: The battery.
        consumers: All that draws current.
        usage: How the node spends its time while it is open.
        closed: The same while it is closed; None for a node that never is.
        opening: When it is open; None for always.
        harvester: What charges the battery; None for nothing.
        temperature_degc: Of the battery.
        capacitance_f: Capacitor at its terminals.
        years_limit: Nothing is computed beyond.
    """

    battery: BatterySheet
    consumers: Consumers
    usage: Usage
    closed: Usage | None
    opening: WeekHours | None
    harvester: Harvester | None
    temperature_degc: float
    capacitance_f: float
    years_limit: float

    @property
    def battery_v(self) -> float:
        """Nominal voltage of the battery."""
        return self.battery.nominal_v.value

    @property
    def open_share(self) -> float:
        """Share of the week in which the node is open."""
        return 1.0 if self.opening is None or self.closed is None else self.opening.share

    def without_sensor(self) -> Case:
        """Return the case if the sensor drew nothing."""
        return replace(self, consumers=self.consumers.without_sensor())

    def of_runs(self, run: NDArray[np.int64]) -> Case:
        """Return the case of (n,) lives, each like one of the runs."""
        closed = None if self.closed is None else self.closed.of_runs(run)
        return replace(self, usage=self.usage.of_runs(run), closed=closed)

    def mean(self) -> Case:
        """Return the case of one life that is like all runs together."""
        closed = None if self.closed is None else self.closed.mean()
        return replace(self, usage=self.usage.mean(), closed=closed)


def lives_of(case: Case, draws: Draws, *, history_of: int | None = None) -> Lives:
    """Return the lives of a case, one for each draw; `history_of` is the one to be drawn out.

    Raises:
        BadInputError: The battery cannot deliver the node's pulses at all.
    """
    return lives(case.battery, draws, timetable_of(case, draws), years_limit=case.years_limit, history_of=history_of)


def timetable_of(case: Case, draws: Draws) -> Timetable:
    """Return what the battery is asked for in the course of a week."""
    opened = rails_of(case.consumers, case.usage)
    closed = opened if case.closed is None else rails_of(case.consumers, case.closed)

    def load_at(time_s: float) -> Mapping[str, RailLoad]:
        return opened if case.opening is None or case.opening.is_open(time_s) else closed

    def harvested_at(time_s: float) -> NDArray[np.float64]:
        return np.zeros(draws.number) if case.harvester is None else case.harvester.power_w(time_s, draws)

    edges = set() if case.opening is None else set(case.opening.edges_s)
    if case.harvester is not None:
        edges |= set(case.harvester.edges_s)
    around = Surroundings(case.temperature_degc, case.capacitance_f)
    return week(load_at, harvested_at, edges, around, draws)


def budget_of(case: Case, draws: Draws) -> dict[str, NDArray[np.float64]]:
    """Return the average power of each consumer over the week; the sum is what the battery gives at nominal voltage."""
    powers: dict[str, NDArray[np.float64]] = {}
    parts = [(case.usage, case.open_share)]
    if case.closed is not None and case.open_share < 1:
        parts.append((case.closed, 1 - case.open_share))
    for usage, share in parts:
        for name, power_w in budget_w(rails_of(case.consumers, usage), draws, case.battery_v).items():
            powers[name] = powers.get(name, np.zeros(draws.number)) + share * power_w
    return powers
