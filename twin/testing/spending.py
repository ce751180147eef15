"""What a machine has spent since a moment: time in each power state, and energy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from datasheet.bad_input import BadInputError
from mcu_models.power import state_current

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcu_models.boards.board import Board
    from mcu_models.emulators.virtual_clock import PowerState


@dataclass(frozen=True)
class Moment:
    """How much time had been spent in which power state by a moment.

    Attributes:
        time_s: Virtual time since power-on.
        residency_s: Seconds by power state.
    """

    time_s: float
    residency_s: Mapping[PowerState, float]


def spent_s(now: Moment, since: Moment | None) -> dict[PowerState, float]:
    """Return the seconds by power state between two moments; None stands for power-on.

    Raises:
        BadInputError: The first of them lies ahead.
    """
    if since is not None and since.time_s > now.time_s:
        raise BadInputError("since", "time_s", since.time_s, f"must not be later than now, {now.time_s:.6f} s")
    before = {} if since is None else since.residency_s
    spent = {state: seconds - before.get(state, 0.0) for state, seconds in now.residency_s.items()}
    return {state: seconds for state, seconds in spent.items() if seconds > 0}


def sleep_fraction(spent: Mapping[PowerState, float]) -> float:
    """Return the share of some time for which the core slept, in any mode; 0 of no time."""
    total_s = sum(spent.values())
    return sum(seconds for state, seconds in spent.items() if state.mode != "run") / total_s if total_s else 0.0


def energy_j(board: Board, spent: Mapping[PowerState, float]) -> float:
    """Return what a microcontroller takes in some time: typical currents of its sheet at its supply voltage."""
    power = board.sheet.power
    charge_c = sum(state_current(power, state).typical_a * seconds for state, seconds in spent.items())
    return charge_c * power.supply_v.value
