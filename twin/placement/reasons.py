"""Why a design is good: what it loses without each of its nodes, and when it is hung a little off."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from scenarios.room import Scenario
from twin.placement.starts import inside
from twin.placement.trials import Days, Trial, judge

if TYPE_CHECKING:
    from twin.placement.design import Design, Hanging
    from twin.placement.objectives import Judged, Objective
    from twin.sweeps.runner import Runner

OFF_M = 0.3
"""A node hung so far from where it was meant: as far as a ceiling's grid of panels may ask for; assumed."""

LOWER_M = 0.2
_DIRECTIONS = ((1, 0), (-1, 0), (0, 1), (0, -1))


@dataclass(frozen=True)
class Why:
    """What becomes of a design when it is changed, on other days than those of the search.

    Attributes:
        objective: What it is judged by.
        judged: The design itself.
        without: Its error without each of its nodes; empty for one node.
        off: Its error with all nodes off by `OFF_M` to the east, west, north and south.
        lower: Its error with all nodes lower by `LOWER_M`.
    """

    objective: Objective
    judged: Judged
    without: tuple[float, ...]
    off: tuple[float, ...]
    lower: float

    def in_words(self) -> list[str]:
        """Return what to say of it."""
        off = f"Hung {OFF_M:g} m off it errs by {min(self.off):.3g} to {max(self.off):.3g}"
        said = [
            self._seen_in_words(),
            f"{off} instead of {self.judged.error:.3g}; {LOWER_M:g} m lower by {self.lower:.3g}.",
        ]
        said += [
            f"Without sensor {number} it errs by {error:.3g}." for number, error in enumerate(self.without, start=1)
        ]
        return said

    def _seen_in_words(self) -> str:
        judged = self.judged
        if self.objective == "in_out":
            return (
                f"{judged.unseen:.0%} of those who pass a door are missed; "
                f"of what is told, nobody passed in {judged.miscounted:.0%}."
            )
        return (
            f"{judged.unseen:.0%} of people's time nobody has them in view, {judged.seen_twice:.0%} of it several do."
        )


def reasons(design: Design, scenario: str, objective: Objective, days: Days, runner: Runner) -> Why:
    """Return what becomes of a design when it is changed.

    Args:
        design: The design.
        scenario: The plan, as JSON.
        objective: What it is judged by.
        days: On which days.
        runner: What computes.
    """
    room = Scenario.model_validate_json(scenario, strict=True)
    fewer = [design[:place] + design[place + 1 :] for place in range(len(design))] if len(design) > 1 else []
    moved = [tuple(_moved(one, room, *direction) for one in design) for direction in _DIRECTIONS]
    lower = tuple(replace(one, mount=replace(one.mount, height_m=one.mount.height_m - LOWER_M)) for one in design)
    tried = [design, *fewer, *moved, lower]
    judged = runner.in_order(judge, [Trial(scenario, one, objective, days) for one in tried])
    errors = [float(one.error) for one in judged]
    count = len(fewer)
    return Why(objective, judged[0], tuple(errors[1 : 1 + count]), tuple(errors[1 + count : -1]), errors[-1])


def _moved(one: Hanging, room: Scenario, east: int, north: int) -> Hanging:
    mount = one.mount
    x_m, y_m = inside(room, *np.clip((mount.x_m + east * OFF_M, mount.y_m + north * OFF_M), 0, _size_m(room)).tolist())
    return replace(one, mount=replace(mount, x_m=x_m, y_m=y_m))


def _size_m(room: Scenario) -> tuple[float, float]:
    return room.room.size_x_m, room.room.size_y_m
