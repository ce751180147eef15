"""How fast a firmware executes at each core clock, learnt from the cycle model, for who only counts instructions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcu_models.emulators.virtual_clock import Executed

FEWEST_INSTRUCTIONS = 100
"""A clock at which fewer were executed says nothing; one instruction a cycle is assumed there."""


def instruction_rates(executed: Mapping[int, Executed]) -> dict[int, float]:
    """Return instructions a second by core clock in Hz.

    Args:
        executed: What the firmware executed under the cycle model, at work as it is to be emulated elsewhere: the rate
            is the mean over its own mix of instructions and memory waits.
    """
    return {
        clock_hz: clock_hz * one.instructions / one.cycles
        for clock_hz, one in executed.items()
        if one.instructions >= FEWEST_INSTRUCTIONS and one.cycles > 0
    }
