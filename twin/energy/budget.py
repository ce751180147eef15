"""Where the energy goes: average power by consumer, as the battery gives it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from twin.energy.case import budget_of
from twin.energy.regulator import REGULATORS
from twin.energy.uncertainty import Sampled, Typical

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from twin.energy.case import Case

__all__ = ["REGULATORS", "SENSOR", "EnergyBudget", "energy_budget"]

SENSOR: Final = "sensor"
_SAMPLES: Final = 1000


@dataclass(frozen=True)
class EnergyBudget:
    """Average powers of a node, all values as their sheets state them.

    Attributes:
        powers_w: Of each consumer at its own rail, and of the regulators as heat.
        low_w: In one of ten cases the sum is less than this, over the ranges of all values.
        high_w: In one of ten cases it is more.
        sensor_share: Share of the battery's power that goes the way of the sensor, its regulator's heat included.
        sensor_a: Average current of the sensor, from its rail.
        period_s: Time from frame to frame.
    """

    powers_w: Mapping[str, float]
    low_w: float
    high_w: float
    sensor_share: float
    sensor_a: float
    period_s: float

    @property
    def average_power_w(self) -> float:
        """Average power out of the battery."""
        return sum(self.powers_w.values())

    def greatest(self) -> tuple[str, float]:
        """Return the consumer that takes most, and its share of the battery's power; heat is no consumer."""
        names = [name for name in self.powers_w if name != REGULATORS]
        name = max(names, key=lambda one: self.powers_w[one])
        return name, self.sensor_share if name == SENSOR else self.powers_w[name] / self.average_power_w


def energy_budget(case: Case, *, period_s: float, seed: int) -> EnergyBudget:
    """Return the budget of a node whose frames come every `period_s`."""
    mean = case.mean()
    powers_w = {name: float(power_w[0]) for name, power_w in budget_of(mean, Typical()).items()}
    without = budget_of(mean.without_sensor(), Typical())
    total_w = sum(powers_w.values())
    rest_w = float(_sum(without)[0])
    sampled_w = _sum(budget_of(mean, Sampled(seed, _SAMPLES)))
    low_w, high_w = np.percentile(sampled_w, [10, 90])
    return EnergyBudget(
        powers_w=powers_w,
        low_w=float(low_w),
        high_w=float(high_w),
        sensor_share=1 - rest_w / total_w,
        sensor_a=powers_w.get(SENSOR, 0.0) / case.consumers.rails[SENSOR].supply_v,
        period_s=period_s,
    )


def _sum(powers_w: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    return np.asarray(np.sum(list(powers_w.values()), axis=0))
