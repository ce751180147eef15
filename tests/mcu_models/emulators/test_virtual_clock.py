"""Time spent in power states, over more stretches than seconds in floating point can add up."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

from mcu_models.emulators.virtual_clock import PowerState, VirtualClock

RUN_HZ = 80_000_000
RUN, SLEEP = PowerState("run", RUN_HZ), PowerState("sleep", RUN_HZ)
LOCKED_UP = RUN  # draws what a running core draws


def test_running_time_is_the_cycles_however_short_and_late_the_stretches() -> None:
    hook: Any = SimpleNamespace(cycles=0, instructions=0)
    clock = VirtualClock(hook, RUN_HZ)
    clock.sleep_until(40_000.0, SLEEP)
    for number in range(50_000):
        hook.cycles += 37
        clock.sleep_until(40_000.0 + (number + 1) * 1e-3, SLEEP)
    spent_s = clock.residency_s()
    assert math.isclose(spent_s[RUN] * RUN_HZ, hook.cycles, rel_tol=1e-12)
    assert math.isclose(math.fsum(spent_s.values()), clock.now_s, rel_tol=1e-12)


def test_each_clock_has_its_own_cycles_and_a_core_that_is_locked_up_runs_without() -> None:
    hook: Any = SimpleNamespace(cycles=0, instructions=0)
    clock = VirtualClock(hook, RUN_HZ)
    hook.cycles += 800
    clock.set_clock(4_000_000)
    hook.cycles += 400
    clock.sleep_until(1.0, LOCKED_UP)
    spent_s = clock.residency_s()
    assert math.isclose(spent_s[PowerState("run", 4_000_000)], 100e-6)
    assert math.isclose(spent_s[RUN], 10e-6 + 1.0 - 110e-6)
    assert [span.state for span in clock.recent_spans()] == [RUN, PowerState("run", 4_000_000), RUN]
