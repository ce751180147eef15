"""One trial: a design is hung in simulated days, its gateway learns from some and is judged on others."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from scenarios.room import Scenario
from scenarios.simulation import simulate
from twin.placement.design import Design, nodes_of
from twin.placement.moments import Units, judge_moments
from twin.placement.objectives import Judged, Objective, mean_of

if TYPE_CHECKING:
    from scenarios.timeline import Timeline

LEARNT, SEARCHED, CHOSEN, REPORTED = range(4)
"""What days are for: to find where people are, to search, to choose among the best found, to report. No day
serves two, and each purpose has units of the sensors of its own."""


@dataclass(frozen=True)
class Days:
    """Simulated days of a plan.

    Attributes:
        seed: Everything random follows from it.
        purpose: What they are for.
        number: How many.
        seconds: How long each is.
        units: Units of each sensor among which they are shared out.
    """

    seed: int
    purpose: int
    number: int
    seconds: float
    units: int = 2


@dataclass(frozen=True)
class Trial:
    """A design to be judged.

    Attributes:
        scenario: The plan, as JSON, which can be told from others.
        design: What hangs in it.
        objective: What it is judged by.
        days: On which days.
    """

    scenario: str
    design: Design
    objective: Objective
    days: Days


def judge(trial: Trial) -> Judged:
    """Return how wrong a design is, over the trial's days.

    Raises:
        BadInputError: A node does not exist, cannot be used, or hangs outside.
    """
    return mean_of(judge_days(trial))


def judge_days(trial: Trial) -> list[Judged]:
    """Return how wrong a design is in each part of the trial's days: for each unit, twice."""
    if trial.objective == "in_out":
        from twin.placement.door_trials import judge_events  # noqa: PLC0415 - few searches need it

        return judge_events(trial)
    days = trial.days
    seeds = [day_seed(days.seed, days.purpose, day) for day in range(days.number)]
    units = Units(day_seed(days.seed, days.purpose, -1), days.units, has_chosen_axes=days.purpose != REPORTED)
    return judge_moments(trial.scenario, nodes_of(trial.design), seeds, days.seconds, trial.objective, units)


def day_seed(seed: int, purpose: int, day: int) -> int:
    """Return the seed of a day; day -1 stands for the units of the sensors."""
    return int(np.random.SeedSequence([seed, purpose, day + 1]).generate_state(1)[0])


@lru_cache(maxsize=64)
def day_timeline(scenario: str, seconds: float, seed: int) -> Timeline:
    """Return the people of a day; the same for every design."""
    return simulate(_scenario(scenario), seconds=seconds, seed=seed)


@lru_cache(maxsize=4)
def _scenario(scenario: str) -> Scenario:
    return Scenario.model_validate_json(scenario, strict=True)
