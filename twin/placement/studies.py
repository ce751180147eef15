"""What coverage depends on: mounting height, room temperature, things in the room."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from datasheet.bad_input import BadInputError
from twin.placement.coverage import coverage, no_progress
from twin.placement.hanging import hung

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scenarios.room import Scenario
    from twin.node import Node

STEP_M, PEOPLE, UNITS = 0.4, 40, 2
"""Coarser than the map: a study is about means over the plan."""

LOWEST_M = 2.0
"""Lower, a sensor in a ceiling hangs in people's way."""

_HEIGHTS = 5
AIR_DEGC = (18.0, 21.0, 24.0, 27.0, 30.0)
"""The heat balance of clothing holds up to 30 degC (ISO 7730:2005, scope)."""


@dataclass(frozen=True)
class Studied:
    """Means over a plan's spots, for one value of what was changed.

    Attributes:
        value: What it was: a height in metres, a temperature in degC, or the number of things.
        detected: Share of people detected.
        right: Share of people counted right.
        blind: Share of the floor where fewer than half are detected.
    """

    value: float
    detected: float
    right: float
    blind: float

    def as_dict(self) -> dict[str, float]:
        """Return it as it stands in files."""
        return {"value": self.value, "detected": self.detected, "counted_right": self.right, "blind_share": self.blind}


@dataclass(frozen=True)
class Studies:
    """What was changed, one thing at a time.

    Attributes:
        by_height: All sensors hung lower or higher, in metres; empty where no height fits below the ceiling.
        by_air: Air, floor and walls warmer or cooler by the same; in degC of the air.
        things: The plan as it is, and without its things; one entry where there are none.
    """

    by_height: tuple[Studied, ...]
    by_air: tuple[Studied, ...]
    things: tuple[Studied, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return them as they stand in files."""
        tables = {"by_height_m": self.by_height, "by_air_degc": self.by_air, "by_number_of_things": self.things}
        return {name: [one.as_dict() for one in table] for name, table in tables.items()}


def studies(
    scenario: Scenario,
    nodes: Sequence[Node],
    *,
    seed: int,
    processes: int = 1,
    progress: Callable[[int, int], None] = no_progress,
) -> Studies:
    """Return what the coverage of a plan depends on.

    Arguments as of `coverage`.

    Raises:
        BadInputError: As `coverage` does.
    """
    heights_m = heights_below(scenario.room.ceiling_height_m)
    warmths = [degc for degc in AIR_DEGC if _fits(scenario, degc)]
    rooms = [scenario] if not scenario.objects else [scenario, scenario.model_copy(update={"objects": ()})]
    of = len(heights_m) + len(warmths) + len(rooms)
    done = 0

    def studied(value: float, changed: Scenario, moved: Sequence[Node]) -> Studied:
        nonlocal done
        found = coverage(changed, moved, step_m=STEP_M, people=PEOPLE, units=UNITS, seed=seed, processes=processes)
        done += 1
        progress(done, of)
        return Studied(
            value,
            float(found.share("detected").mean()),
            float(found.share("right").mean()),
            float(found.blind().mean()),
        )

    return Studies(
        by_height=tuple(studied(height_m, scenario, at_height(nodes, scenario, height_m)) for height_m in heights_m),
        by_air=tuple(studied(degc, at_air(scenario, degc), nodes) for degc in warmths),
        things=tuple(studied(len(room.objects), room, nodes) for room in rooms),
    )


def heights_below(ceiling_m: float) -> list[float]:
    """Return mounting heights to try, up to the ceiling."""
    if ceiling_m <= LOWEST_M:
        return []
    return [round(float(height_m), 2) for height_m in np.linspace(LOWEST_M, ceiling_m, _HEIGHTS)]


def at_height(nodes: Sequence[Node], scenario: Scenario, height_m: float) -> list[Node]:
    """Return nodes hung at another height, where they are.

    Raises:
        BadInputError: It is above the ceiling.
    """
    ceiling_m = scenario.room.ceiling_height_m
    if not 0.5 <= height_m <= ceiling_m:
        raise BadInputError("command line", "height", height_m, f"must be 0.5 to {ceiling_m:g} m, the ceiling")
    return [hung(node, replace(node.mount_in(scenario), height_m=height_m)) for node in nodes]


def at_air(scenario: Scenario, air_degc: float) -> Scenario:
    """Return a scenario with air, floor and walls warmer or cooler by the same."""
    room = scenario.room
    shift_k = air_degc - room.air_degc
    warmth = {name: getattr(room, name) + shift_k for name in ("air_degc", "floor_degc", "wall_degc")}
    return scenario.model_copy(update={"room": room.model_copy(update=warmth)})


def _fits(scenario: Scenario, air_degc: float) -> bool:
    shift_k = air_degc - scenario.room.air_degc
    return all(-10 <= degc + shift_k <= 50 for degc in (scenario.room.floor_degc, scenario.room.wall_degc))
