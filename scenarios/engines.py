"""What moves those who walk: the built-in steering, or another crowd engine behind the same interface.

An engine knows nothing of why people go anywhere. At every tick it is told who walks, towards which goal and how
fast, and moves each by one step; doors, queues, ways, groups and patience are the same whatever engine there is.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Protocol

from datasheet.bad_input import BadInputError
from scenarios.steering import step_walkers

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from scenarios.bodies import Bodies
    from scenarios.geometry import Floor
    from scenarios.room import Scenario

_EXTRA = "edge-sensor-twin[crowd]"


class Engine(Protocol):
    """Moves everybody who walks by one tick."""

    def step(self, order: NDArray[np.int64], bodies: Bodies, noise: NDArray[np.float64]) -> None:
        """Move everybody in `order` by one step; changes `bodies.position_m` and `bodies.velocity_mps`.

        Nobody may come too near to anybody or anything, at any instant within the step; see `steering.separation_m`.
        The same steps, in the same order, from the beginning on give the same positions.

        Args:
            order: (W,) slots of those who walk, the one nearest to its goal first.
            bodies: Everybody.
            noise: (S,) deviates between -1 and 1, new ones at every step.
        """


class BuiltInEngine:
    """The steering of `scenarios.steering`."""

    def __init__(self, floor: Floor) -> None:
        self._borders_m = floor.borders_m

    def step(self, order: NDArray[np.int64], bodies: Bodies, noise: NDArray[np.float64]) -> None:
        """Move everybody in `order` by one step; see `Engine`."""
        step_walkers(
            order, bodies.state, bodies.position_m, bodies.velocity_mps, bodies.radius_m, bodies.reach_m,
            bodies.goal_m, bodies.speed_mps, bodies.stops, noise, self._borders_m,
        )  # fmt: skip


def make_engine(scenario: Scenario, floor: Floor) -> Engine:
    """Return the engine that a scenario names.

    Raises:
        BadInputError: The package that it needs is not installed.
    """
    if scenario.crowd.engine == "built_in":
        return BuiltInEngine(floor)
    check_installed(scenario.name, scenario)
    from scenarios.jupedsim_engine import JuPedSimEngine  # noqa: PLC0415  (an optional package)

    return JuPedSimEngine(floor)


def check_installed(source: str | Path, scenario: Scenario) -> None:
    """Refuse a scenario whose engine is not installed.

    Args:
        source: What is said to hold the scenario.
        scenario: Whose engine.

    Raises:
        BadInputError: The package that the engine needs cannot be imported.
    """
    name = scenario.crowd.engine
    if name == "built_in":
        return
    try:
        importlib.import_module(name)
    except ImportError as error:
        allowed = f'must be "built_in", or install the extra "crowd": pip install \'{_EXTRA}\' ({error})'
        raise BadInputError(source, "crowd.engine", name, allowed) from error
