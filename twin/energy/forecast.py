"""From a case to what is said of it: interval, budget, what matters, one life drawn out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from twin.energy.case import budget_of, lives_of
from twin.energy.outlook import LifeRange
from twin.energy.sensitivity import tornado
from twin.energy.uncertainty import Sampled, Typical

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.energy.case import Case
    from twin.energy.sensitivity import Influence

LIVES = 2000
"""Lives behind an interval: its ends then move by about 2 % from seed to seed."""
_RUN = "scenario run"


def life_range(case: Case, *, seed: int, number: int = LIVES) -> LifeRange:
    """Return the interval of the life over datasheet ranges and runs of the scenario."""
    life_s = sampled_lives_s(case, seed=seed, number=number)
    p10, p50, p90 = np.percentile(life_s, [10, 50, 90])
    return LifeRange(float(p10), float(p50), float(p90))


def sampled_lives_s(case: Case, *, seed: int, number: int) -> NDArray[np.float64]:
    """Return (number,) lives, each with every value drawn from its range and with one of the runs."""
    draws = Sampled(seed, number)
    runs = len(case.usage.messages_per_s)
    run = draws.generator(_RUN).integers(0, runs, number)
    return lives_of(case.of_runs(run), draws).life_s


def typical_life_s(case: Case) -> float:
    """Return the life with all values as their sheets state them."""
    return float(lives_of(case.mean(), Typical()).life_s[0])


def typical_budget_w(case: Case) -> dict[str, float]:
    """Return the average power of each consumer with all values as their sheets state them."""
    return {name: float(power_w[0]) for name, power_w in budget_of(case.mean(), Typical()).items()}


def influences(case: Case) -> list[Influence]:
    """Return what moves the life most."""
    mean = case.mean()
    return tornado(lambda draws: lives_of(mean, draws).life_s)
