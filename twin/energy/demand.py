"""What a battery is asked for: the border between what draws current and what gives it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Drawn = NDArray[np.float64]
    """(n,) values, one for each life that is computed at the same time."""


@dataclass(frozen=True)
class Pulse:
    """The heaviest a node asks for at once, and the voltage it must not fall below meanwhile.

    At a terminal voltage V the current is `current_a` + `power_w` / V: linear regulators ask for a current, switching
    ones for a power.

    Attributes:
        name: What the node does meanwhile.
        duration_s: How long it lasts.
        rest_s: How long the battery has rested before it, which matters to cells that passivate.
        current_a: (n,) part of the current that does not depend on the voltage.
        power_w: (n,) part that is taken as power.
        needed_v: (n,) terminal voltage below which the node fails.
        capacitance_f: Capacitor at the battery's terminals, which gives the beginning of a pulse.
    """

    name: str
    duration_s: float
    rest_s: float
    current_a: Drawn
    power_w: Drawn
    needed_v: Drawn
    capacitance_f: float = 0.0


@dataclass(frozen=True)
class Stretch:
    """A part of a timetable in which the average load stays the same.

    Attributes:
        duration_s: How long it lasts.
        current_a: (n,) average current that does not depend on the voltage.
        power_w: (n,) average power of what is taken as power.
        pulses: The heaviest moments in it; none for a stretch without load.
        temperature_degc: Of the battery.
        harvested_w: (n,) average power that a harvester puts into the battery, behind its converter.
    """

    duration_s: float
    current_a: Drawn
    power_w: Drawn
    pulses: tuple[Pulse, ...]
    temperature_degc: float
    harvested_w: Drawn


@dataclass(frozen=True)
class Timetable:
    """Stretches one after the other, over and over: a day, or a week that begins on Monday at midnight."""

    stretches: tuple[Stretch, ...]

    @property
    def duration_s(self) -> float:
        """Length of one round."""
        return sum(stretch.duration_s for stretch in self.stretches)
