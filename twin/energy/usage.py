"""How a node spends its time: in which power states, and how often it sends."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from mcu_models.emulators.virtual_clock import PowerState

    Drawn = NDArray[np.float64]
    Shares = Mapping[tuple[PowerState, str], float]


@dataclass(frozen=True)
class Usage:
    """Shares of the time by power state, one or several of them.

    Attributes:
        mcu: (n,) shares by power state of the microcontroller; together 1.
        sensor: (n,) shares by power state of the sensor, "off" among them; together 1.
        messages_per_s: (n,) messages handed to the radio.
        computing_s: The longest that the microcontroller computes at a stretch.
    """

    mcu: Mapping[PowerState, Drawn]
    sensor: Mapping[str, Drawn]
    messages_per_s: Drawn
    computing_s: float

    def of_runs(self, run: NDArray[np.int64]) -> Usage:
        """Return the usage with (n,) shares, each being that of the run of that index."""
        return Usage(
            mcu={state: share[run] for state, share in self.mcu.items()},
            sensor={state: share[run] for state, share in self.sensor.items()},
            messages_per_s=self.messages_per_s[run],
            computing_s=self.computing_s,
        )

    def mean(self) -> Usage:
        """Return the usage of all runs taken together."""
        return Usage(
            mcu={state: np.array([share.mean()]) for state, share in self.mcu.items()},
            sensor={state: np.array([share.mean()]) for state, share in self.sensor.items()},
            messages_per_s=np.array([self.messages_per_s.mean()]),
            computing_s=self.computing_s,
        )


def usage_of(shares: Sequence[Shares], messages_per_s: Sequence[float], computing_s: float) -> Usage:
    """Return the usage of several runs.

    Args:
        shares: Shares of the time, or seconds, by power state of microcontroller and sensor, of each run.
        messages_per_s: Messages handed to the radio, in each run.
        computing_s: The longest that the microcontroller computes at a stretch.
    """
    mcu: dict[PowerState, Drawn] = defaultdict(lambda: np.zeros(len(shares)))
    sensor: dict[str, Drawn] = defaultdict(lambda: np.zeros(len(shares)))
    for run, by_state in enumerate(shares):
        whole = sum(by_state.values())
        for (state, mode), share in by_state.items():
            mcu[state][run] += share / whole
            sensor[mode][run] += share / whole
    ordered = {state: mcu[state] for state in sorted(mcu, key=lambda state: (state.mode, -state.clock_hz))}
    return Usage(ordered, dict(sensor), np.array(messages_per_s, dtype=np.float64), computing_s)
