"""A week of a node: when it is open or closed, lit or dark, and what the battery is asked for meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from twin.energy.demand import Pulse, Stretch, Timetable
from twin.energy.radio_phases import RADIO
from twin.energy.rails import FromBattery, average, instant, needed_v
from twin.energy.week import DAY_S, WEEK_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray

    from twin.energy.rails import Part, RailLoad
    from twin.energy.uncertainty import Draws

    Rails = Mapping[str, RailLoad]


@dataclass(frozen=True)
class Surroundings:
    """What the node does not decide itself.

    Attributes:
        temperature_degc: Of the battery.
        capacitance_f: Capacitor at its terminals.
    """

    temperature_degc: float
    capacitance_f: float


def week(
    load_at: Callable[[float], Rails],
    harvested_at: Callable[[float], NDArray[np.float64]],
    edges_s: Iterable[float],
    around: Surroundings,
    draws: Draws,
) -> Timetable:
    """Return the timetable of a week that begins on Monday at midnight.

    Args:
        load_at: What flows from the rails at a time of the week.
        harvested_at: (n,) power that a harvester gives at a time of the week.
        edges_s: Times of the week at which any of this changes; none when it never does.
        around: Battery, temperature, capacitor.
        draws: Where datasheet values are taken from.
    """
    inner = sorted({edge for edge in edges_s if 0 < edge < WEEK_S})
    marks = [0.0, *inner, WEEK_S] if inner else [0.0, DAY_S]
    known: dict[int, Stretch] = {}
    stretches = []
    for begin_s, end_s in pairwise(marks):
        middle_s = (begin_s + end_s) / 2  # an edge itself may round to either side
        rails = load_at(middle_s)
        if id(rails) not in known:
            known[id(rails)] = _stretch(rails, around, draws)
        stretches.append(_lasting(known[id(rails)], end_s - begin_s, harvested_at(middle_s)))
    return Timetable(tuple(stretches))


def _stretch(rails: Rails, around: Surroundings, draws: Draws) -> Stretch:
    none = np.zeros(draws.number)
    given = sum((average(rail, draws) for rail in rails.values()), FromBattery(none, none))
    return Stretch(
        duration_s=0.0,
        current_a=given.current_a,
        power_w=given.power_w,
        pulses=_pulses(rails, around, draws),
        temperature_degc=around.temperature_degc,
        harvested_w=none,
    )


def _lasting(stretch: Stretch, duration_s: float, harvested_w: NDArray[np.float64]) -> Stretch:
    return Stretch(
        duration_s, stretch.current_a, stretch.power_w, stretch.pulses, stretch.temperature_degc, harvested_w
    )


def _pulses(rails: Rails, around: Surroundings, draws: Draws) -> tuple[Pulse, ...]:
    """Return the heaviest moments: all rails at their heaviest at once, without the radio and with it.

    Behind a capacitor it is not the greatest current of a radio that counts but the greatest charge: where that is
    another part of the message, it is a pulse of its own.
    """
    heaviest = {name: rail.heaviest(draws) for name, rail in rails.items()}
    pulses = [_pulse("computing", rails, {**heaviest, RADIO: None}, heaviest.get("board"), around, draws)]
    sending = heaviest.get(RADIO)
    if sending is not None:
        pulses.append(_pulse("sending", rails, heaviest, sending, around, draws))
        longest = rails[RADIO].heaviest(draws, by_charge=True)
        if longest is not None and longest is not sending:
            pulses.append(_pulse(longest.name, rails, {**heaviest, RADIO: longest}, longest, around, draws))
    return tuple(pulses)


def _pulse(
    name: str,
    rails: Rails,
    on: Mapping[str, Part | None],
    lasting: Part | None,
    around: Surroundings,
    draws: Draws,
) -> Pulse:
    none = np.zeros(draws.number)
    given, needed = FromBattery(none, none), none
    for rail_name, rail in rails.items():
        part = on.get(rail_name)
        given += instant(rail, part, draws)
        needed = np.maximum(needed, needed_v(rail, part, draws))
    return Pulse(
        name=name,
        duration_s=0.0 if lasting is None else lasting.longest_s,
        rest_s=_rest_s(lasting),
        current_a=given.current_a,
        power_w=given.power_w,
        needed_v=needed,
        capacitance_f=around.capacitance_f,
    )


def _rest_s(part: Part | None) -> float:
    """Return the time from the end of a part to its next beginning, on average."""
    share = 0.0 if part is None else float(np.mean(part.share))
    return 0.0 if part is None or share == 0 else part.longest_s * max(1.0 / share - 1.0, 0.0)
