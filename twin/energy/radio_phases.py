"""What the phases of every radio are made of: one current for a while, or a transmitter's at an output power."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from datasheet.bad_input import BadInputError
from twin.energy.draw import Draw, Phase

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from datasheet.quantity import Quantity
    from twin.energy.radio_sheet import StageSheet

RADIO = "radio"
"""Name of the consumer and of its rail."""


def radio_phase(name: str, duration_s: float, key: str, current: Quantity) -> Phase:
    """Return a phase in which the radio draws one current of its datasheet."""
    return Phase(name, duration_s, (Draw(RADIO, RADIO, key, current),))


def stage_phases(key: str, stages: tuple[StageSheet, ...]) -> Iterator[Phase]:
    """Yield the phases of a datasheet's list of stages."""
    for index, stage in enumerate(stages):
        yield radio_phase(stage.name, stage.duration_s.value, f"{key}[{index}].current", stage.current_a)


def check_power(source: str | Path, levels: Mapping[str, Quantity], power_dbm: float) -> None:
    """Refuse an output power outside the datasheet's.

    Raises:
        BadInputError: It is.
    """
    known = sorted(map(float, levels))
    if not known[0] <= power_dbm <= known[-1]:
        allowed = f"the part sends with {known[0]:g} to {known[-1]:g} dBm"
        raise BadInputError(source, "radio.tx_power_dbm", power_dbm, allowed)


def transmit_draws(key: str, levels: Mapping[str, Quantity], power_dbm: float) -> tuple[Draw, ...]:
    """Return the current at an output power, linear between the two of the datasheet that are nearest.

    Args:
        key: File stem and dotted key of the table.
        levels: Currents by output power in dBm, written as text.
        power_dbm: Between the lowest and the highest of them.
    """
    names = sorted(levels, key=float)
    below, above = next(
        ((low, high) for low, high in pairwise(names) if float(low) <= power_dbm <= float(high)), (names[0], names[0])
    )
    span = float(above) - float(below)
    share = (power_dbm - float(below)) / span if span else 0.0
    weights = {below: 1.0 - share, above: share} if span else {below: 1.0}
    return tuple(
        Draw(RADIO, RADIO, f"{key}.{name}", levels[name], weight) for name, weight in weights.items() if weight > 0
    )
