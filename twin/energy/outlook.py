"""What is said of a node's battery: budget, life with its interval, what matters, what to change first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twin.spans_of_time import YEAR_S

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from twin.energy.sensitivity import Influence

SHOWN_INFLUENCES = 12
"""So many values are named in answers; the others move the life less than these."""


@dataclass(frozen=True)
class LifeRange:
    """A battery life: in one of ten cases it is shorter than `p10_s`, in one of ten longer than `p90_s`."""

    p10_s: float
    p50_s: float
    p90_s: float

    @property
    def life_s(self) -> float:
        """The middle one."""
        return self.p50_s

    @property
    def low_s(self) -> float:
        """The lower end of the interval."""
        return self.p10_s

    @property
    def high_s(self) -> float:
        """The upper end of the interval."""
        return self.p90_s


@dataclass(frozen=True)
class Change:
    """Something that could be done about the battery life.

    Attributes:
        what: What to do.
        price: What it costs in return.
        life_s: The life then, all values as their sheets state them.
        times: How many times today's life that is.
    """

    what: str
    price: str
    life_s: float
    times: float


@dataclass(frozen=True)
class CycleSpan:
    """A stretch of one cycle of the node's duty: what it does, and what the battery gives meanwhile."""

    begin_s: float
    end_s: float
    doing: str
    battery_a: float


@dataclass(frozen=True)
class Discharge:
    """One life, all values as their sheets state them.

    Attributes:
        time_s: (k,) since the battery was put in.
        charge_left: (k,) share of its charge.
        pulse_v: (k,) terminal voltage under the worst pulse.
        needed_v: What the node needs under that pulse.
        ends_by: What ends the life.
    """

    time_s: NDArray[np.float64]
    charge_left: NDArray[np.float64]
    pulse_v: NDArray[np.float64]
    needed_v: float
    ends_by: str


@dataclass(frozen=True)
class Bounds:
    """Lives that cannot be exceeded, however good the rest is.

    Attributes:
        sensor_alone_s: The sensor as it is used takes the whole nominal charge; None when it is never on.
        inference_alone_s: Inferences and sleep take the whole nominal energy, without sensor, radio, losses.
        sensor_start_j: Energy of one start of the sensor until its output is stable.
    """

    sensor_alone_s: float | None
    inference_alone_s: float
    sensor_start_j: float


@dataclass(frozen=True)
class BatteryOutlook:
    """What the twin predicts of a node's battery.

    Attributes:
        node: Name of the node.
        title: What it is.
        battery: What powers it.
        battery_name: Name of its file.
        scenario: Where it was watched.
        watched_s: How long, in each of `seeds` runs.
        seeds: How many runs.
        looking: Share of the time in which the node looks at frames.
        life: The life.
        years_limit: Nothing is computed beyond.
        average_power_w: From the battery.
        by_consumer_w: Average power of each consumer and the regulators; together `average_power_w`.
        bounds: What life cannot exceed.
        influences: What matters, greatest first.
        changes: What could be done, best first.
        cycle: One cycle of the duty.
        discharge: One life, drawn out.
        assumed: Keys of values that are assumed.
    """

    node: str
    title: str
    battery: str
    battery_name: str
    scenario: str
    watched_s: float
    seeds: int
    looking: float
    life: LifeRange
    years_limit: float
    average_power_w: float
    by_consumer_w: Mapping[str, float]
    bounds: Bounds
    influences: Sequence[Influence]
    changes: Sequence[Change]
    cycle: Sequence[CycleSpan]
    discharge: Discharge
    assumed: Sequence[str]

    @property
    def years_limit_s(self) -> float:
        """`years_limit` in seconds."""
        return self.years_limit * YEAR_S

    @property
    def typical_s(self) -> float:
        """The life with all values as their sheets state them."""
        return float(self.discharge.time_s[-1])

    def as_dict(self) -> dict[str, Any]:
        """Return what `twin battery --json` prints."""
        return {
            "node": self.node,
            "battery": self.battery_name,
            "scenario": {"name": self.scenario, "seconds": self.watched_s, "seeds": self.seeds},
            "life_s": {"p10": self.life.p10_s, "p50": self.life.p50_s, "p90": self.life.p90_s},
            "ends_by": self.discharge.ends_by,
            "years_limit": self.years_limit,
            "looking": self.looking,
            "average_power_w": self.average_power_w,
            "by_consumer_w": dict(self.by_consumer_w),
            "bounds": {
                "sensor_alone_s": self.bounds.sensor_alone_s,
                "inference_alone_s": self.bounds.inference_alone_s,
                "sensor_start_j": self.bounds.sensor_start_j,
            },
            "tornado": [
                {
                    "key": i.key,
                    "evidence": i.quantity.evidence,
                    "life_s_at_low": i.at_low_s,
                    "life_s_at_high": i.at_high_s,
                }
                for i in self.influences[:SHOWN_INFLUENCES]
            ],
            "changes": [{"what": c.what, "price": c.price, "life_s": c.life_s, "times": c.times} for c in self.changes],
            "assumed": list(self.assumed),
        }
