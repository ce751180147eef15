"""What a node that guards a door takes: microcontroller by state, camera, other loads, and how long a battery lasts.

The board's own 3.3 V are taken to come from a linear regulator: its input carries the current that flows behind it, as
the datasheet's single figure for the OpenMV Cam H7 (less than 150 mA, at any input voltage) suggests. The power of a
consumer holds its share of that regulator's heat.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mcu_models.power import state_current, state_draws
from twin.energy.discharge import lives
from twin.energy.draw import Draw
from twin.energy.fixed_load import load_draws, lowest_supply_v
from twin.energy.forecast import LIVES
from twin.energy.outlook import LifeRange
from twin.energy.rails import Part, RailLoad, budget_w, current_a
from twin.energy.timetable import Surroundings, week
from twin.energy.uncertainty import Sampled, Typical
from twin.energy.week import DAY_S

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from mcu_models.emulators.virtual_clock import PowerState
    from twin.door.node import DoorNode
    from twin.door.timing import DoorTiming
    from twin.energy.uncertainty import Draws

INPUT: Final = "board"
"""The rail at the board's input."""
YEARS_LIMIT: Final = 20.0
_SAMPLES: Final = 1000


@dataclass(frozen=True)
class DoorUsage:
    """How the board spends its time.

    Attributes:
        on_share: Share of the time in which it is powered.
        residency: Shares of that time by power state of the microcontroller; together 1. Boots, a third of a second
            each, are taken to be like the rest.
        computing_s: The longest that it computes at a stretch.
    """

    on_share: float
    residency: Mapping[PowerState, float]
    computing_s: float


@dataclass(frozen=True)
class DoorPower:
    """What the node takes, and how long its battery lasts.

    Attributes:
        usage: How the board spends its time.
        powers_w: Average power of each consumer, and of what makes the board's input voltage as heat.
        low_w: In one of ten cases the sum is less, over the ranges of all values.
        high_w: In one of ten it is more.
        on_current_a: Current at the board's input while it is powered: typical, and in one of ten cases less and more.
        inference_j: Energy of one inference in the microcontroller.
        frame_j: Energy of one frame, all of the board, at its input.
        life: How long the battery lasts; None on the mains.
    """

    usage: DoorUsage
    powers_w: Mapping[str, float]
    low_w: float
    high_w: float
    on_current_a: tuple[float, float, float]
    inference_j: float
    frame_j: float
    life: LifeRange | None

    @property
    def average_power_w(self) -> float:
        """Average power from the battery, or at the board's input on the mains."""
        return sum(self.powers_w.values())

    def as_dict(self) -> dict[str, Any]:
        """Return what `result.json` says of it."""
        return {
            "average_power_w": self.average_power_w,
            "average_power_w_low": self.low_w,
            "average_power_w_high": self.high_w,
            "by_consumer_w": dict(self.powers_w),
            "on_share": self.usage.on_share,
            "on_current_a": dict(zip(("typical", "low", "high"), self.on_current_a, strict=True)),
            "energy_j": {
                "inference": self.inference_j,
                "frame": self.frame_j,
                "day": self.average_power_w * DAY_S,
            },
            "mcu": {str(state): share for state, share in sorted(self.usage.residency.items())},
        }


def door_power(node: DoorNode, timing: DoorTiming, *, on_share: float, seed: int) -> DoorPower:
    """Return what a node takes that is powered for a share of the time.

    Raises:
        BadInputError: The battery cannot deliver what the board asks for.
    """
    computing_s = timing.serial_s - timing.steps_s["capture"]
    usage = DoorUsage(on_share, timing.residency, computing_s)
    rail = input_rail(node, usage)
    rails = {INPUT: rail}
    battery_v = node.config.supply.input_v if node.battery is None else node.battery.nominal_v.value
    typical, sampled = Typical(), Sampled(seed, _SAMPLES)
    powers_w = {name: float(value[0]) for name, value in budget_w(rails, typical, battery_v).items()}
    spread_w = np.sum(list(budget_w(rails, sampled, battery_v).values()), axis=0)
    low_w, high_w = np.percentile(spread_w, [10, 90])
    on_a = [_on_current_a(node, usage, draws) for draws in (typical, sampled)]
    low_a, high_a = np.percentile(on_a[1], [10, 90])
    power, fastest = node.board.sheet.power, max(timing.residency, key=lambda state: (state.mode == "run", state))
    run_w = state_current(power, fastest).typical_a * power.supply_v.value
    return DoorPower(
        usage=usage,
        powers_w=powers_w,
        low_w=float(low_w),
        high_w=float(high_w),
        on_current_a=(float(on_a[0][0]), float(low_a), float(high_a)),
        inference_j=timing.steps_s["inference"] * run_w,
        frame_j=float(on_a[0][0]) * node.config.supply.input_v * timing.period_s,
        life=_life(node, rail, seed),
    )


def input_rail(node: DoorNode, usage: DoorUsage) -> RailLoad:
    """Return what flows into the board: by power state while it is powered, the motion sensor always."""
    supply, motion = node.config.supply, node.motion
    beside = tuple(_load_draws(node))
    parts = tuple(
        Part(f"mcu {state}", np.array(usage.on_share * share), usage.computing_s, (*_mcu_draws(node, state), *beside))
        for state, share in usage.residency.items()
    )
    always: tuple[Draw, ...] = ()
    if motion is not None and node.config.presence is not None:
        always = load_draws(motion, node.config.presence.state, rail=INPUT, rail_v=supply.input_v)
    return RailLoad(supply.input_v, _lowest_input_v(node), node.regulator, always, parts)


def _mcu_draws(node: DoorNode, state: PowerState) -> tuple[Draw, ...]:
    return tuple(
        Draw("microcontroller", INPUT, key, quantity, factor)
        for key, quantity, factor in state_draws(node.board.name, node.board.sheet.power, state)
    )


def _load_draws(node: DoorNode) -> list[Draw]:
    input_v = node.config.supply.input_v
    return [
        draw
        for sheet, state, duty in node.loads
        for draw in load_draws(sheet, state, rail=INPUT, rail_v=input_v, duty=duty)
    ]


def _lowest_input_v(node: DoorNode) -> float:
    """Return the lowest input: a linear regulator needs what the camera needs, and a little more."""
    return lowest_supply_v(node.loads[0][0])


def _on_current_a(node: DoorNode, usage: DoorUsage, draws: Draws) -> NDArray[np.float64]:
    """Return the (n,) current at the board's input while it is powered."""
    found = sum(
        (share * current_a(_mcu_draws(node, state), draws) for state, share in usage.residency.items()),
        np.zeros(draws.number),
    )
    return np.asarray(found + current_a(tuple(_load_draws(node)), draws))


def _life(node: DoorNode, rail: RailLoad, seed: int) -> LifeRange | None:
    if node.battery is None:
        return None
    around, draws = Surroundings(node.config.supply.battery_degc, 0.0), Sampled(seed, LIVES)
    rails, none = {INPUT: rail}, np.zeros(draws.number)
    timetable = week(lambda _: rails, lambda _: none, (), around, draws)
    life_s = lives(node.battery, draws, timetable, years_limit=YEARS_LIMIT).life_s
    p10, p50, p90 = np.percentile(life_s, [10, 50, 90])
    return LifeRange(float(p10), float(p50), float(p90))
