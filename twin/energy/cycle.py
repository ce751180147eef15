"""One cycle of a node's duty as the battery sees it: what is done when, and what flows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from twin.duty_policy import TICKS_PER_S
from twin.energy.node_load import BOARD, SENSOR, rails_of
from twin.energy.outlook import CycleSpan
from twin.energy.radio_phases import RADIO
from twin.energy.rails import FromBattery, instant
from twin.energy.uncertainty import Typical
from twin.energy.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mcu_models.emulators.virtual_clock import StateSpan
    from twin.duty_policy import DutyPolicy
    from twin.energy.case import Case

_ONE = np.array([1.0])


def cycle_of(policy: DutyPolicy, case: Case, last_period: Sequence[StateSpan]) -> list[CycleSpan]:
    """Return one cycle: the period of a gated node, else one frame; behind it what a message costs, if it sends.

    Args:
        policy: When the node looks.
        case: The node and its battery, all values as their sheets state them.
        last_period: What the microcontroller did from one answer to the next.
    """
    spans = list(_gated(policy, case, last_period) if policy.kind == "gated" else _frame(case, last_period, 0.0))
    return [*spans, *_message(case, spans[-1].end_s)]


def _frame(case: Case, last_period: Sequence[StateSpan], begin_s: float) -> Iterator[CycleSpan]:
    for span in last_period:
        given_a = _given_a(case, _usage(case, span, "normal"))
        yield CycleSpan(begin_s + span.begin_s, begin_s + span.end_s, f"mcu {span.state}, sensor on", given_a)


def _gated(policy: DutyPolicy, case: Case, last_period: Sequence[StateSpan]) -> Iterator[CycleSpan]:
    """Yield the sensor's start, frame by frame what is looked at, and the rest of the period."""
    resting = max(last_period, key=lambda span: span.end_s - span.begin_s)
    settled_s = policy.settle_ticks / TICKS_PER_S
    yield CycleSpan(0.0, settled_s, "the sensor settles", _given_a(case, _usage(case, resting, "normal")))
    now_s = settled_s
    for _ in range(policy.look_frames):
        yield from _frame(case, last_period, now_s)
        now_s += 1 / TICKS_PER_S
    until_s = policy.period_ticks / TICKS_PER_S
    yield CycleSpan(now_s, until_s, "the sensor is off", _given_a(case, _usage(case, resting, "off")))


def _usage(case: Case, span: StateSpan, sensor: str) -> Usage:
    return Usage({span.state: _ONE}, {sensor: _ONE}, 0 * _ONE, case.usage.computing_s)


def _given_a(case: Case, usage: Usage) -> float:
    """Return what the battery gives while the node is in one state, its radio idle."""
    total = FromBattery(0 * _ONE, 0 * _ONE)
    for name, rail in rails_of(case.consumers, usage).items():
        part = rail.parts[0] if name in (BOARD, SENSOR) and rail.parts else None
        total += instant(rail, part, Typical())
    return float((total.current_a + total.power_w / case.battery_v)[0])


def _message(case: Case, begin_s: float) -> Iterator[CycleSpan]:
    """Yield what a message adds, drawn behind the cycle."""
    rail = rails_of(case.consumers, case.usage.mean()).get(RADIO)
    if rail is None or case.usage.messages_per_s.max() == 0:
        return
    for part in rail.parts:
        given = instant(rail, part, Typical())
        given_a = float((given.current_a + given.power_w / case.battery_v)[0])
        yield CycleSpan(begin_s, begin_s + part.longest_s, part.name, given_a)
        begin_s += part.longest_s
