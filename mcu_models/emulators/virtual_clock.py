"""Virtual time of an emulated microcontroller, and what it spent that time in."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcu_models.emulators.block_hook import BlockHook


@dataclass(frozen=True, order=True)
class PowerState:
    """What the microcontroller draws current for: a mode ("run", "sleep", "stop2") at a core clock."""

    mode: str
    clock_hz: int

    def __str__(self) -> str:
        if self.mode in ("run", "sleep"):
            return f"{self.mode} {self.clock_hz / 1e6:g} MHz"
        return self.mode


@dataclass(frozen=True)
class StateSpan:
    """A stretch of virtual time in one power state."""

    state: PowerState
    begin_s: float
    end_s: float

    def __deepcopy__(self, _memo: object) -> StateSpan:
        """Stay the same in snapshots: nothing of it changes."""
        return self


@dataclass(frozen=True)
class _Base:
    """Where a stretch begins in which time passes evenly with cycles."""

    cycles: int
    time_s: float
    clock_hz: int

    def __deepcopy__(self, _memo: object) -> _Base:
        return self


@dataclass(frozen=True)
class Executed:
    """Instructions, and the core cycles that they took."""

    instructions: int
    cycles: int


RECENT_SPANS = 1024
"""Enough for some seconds of a node that goes through ten states in each tenth of one."""


class VirtualClock:
    """Turns executed cycles and slept spans into seconds.

    While the core runs, time is cycles over the current clock; while it sleeps, time is moved on by hand. What is spent
    in each power state adds up on the way: running in cycles, the rest in seconds with what rounding loses carried on.
    The many short stretches of a long day would not add up otherwise: after twelve hours 1e-9 of the running time was
    missing.

    Attributes:
        passed_cycles: Core cycles that were passed without instructions, while a loop polled or the core woke up.
    """

    def __init__(self, hook: BlockHook, clock_hz: int) -> None:
        self._hook = hook
        self._hz = clock_hz
        self._base_s = 0.0
        self._base_cycles = 0
        self._bases = deque([_Base(0, 0.0, clock_hz)], maxlen=RECENT_SPANS)
        self._booked_s = 0.0
        self._booked_cycles = 0
        self._run_cycles: dict[int, int] = defaultdict(int)
        self._slept_s: dict[PowerState, tuple[float, float]] = {}
        self._recent: deque[StateSpan] = deque(maxlen=RECENT_SPANS)
        self._listeners: list[Callable[[], None]] = []
        self._executed: dict[int, Executed] = {}
        self._executed_until = Executed(0, 0)
        self.passed_cycles = 0

    @property
    def clock_hz(self) -> int:
        """Core clock now."""
        return self._hz

    @property
    def now_s(self) -> float:
        """Virtual time since power-on."""
        return self._base_s + (self._hook.cycles - self._base_cycles) / self._hz

    def cycles_at(self, time_s: float) -> int:
        """Return the first cycle count at which virtual time has reached `time_s`, while the core runs."""
        if math.isinf(time_s):
            return 2**62
        span = (time_s - self._base_s) * self._hz
        # A nanocycle of slack: an event computed from this clock must not be missed by rounding.
        return self._base_cycles + max(0, math.ceil(span - 1e-6))

    def time_at(self, cycles: int) -> float | None:
        """Return the virtual time at which so many cycles had been executed; None if that is too long ago."""
        for base in reversed(self._bases):
            if base.cycles <= cycles:
                return base.time_s + (cycles - base.cycles) / base.clock_hz
        return None

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever the core clock has changed."""
        self._listeners.append(listener)

    def set_clock(self, clock_hz: int) -> None:
        """Let the core run at `clock_hz` from now on."""
        if clock_hz == self._hz:
            return
        self._book_run()
        self._rebase(self.now_s)
        self._book_executed()
        self._hz = clock_hz
        self._bases[-1] = _Base(self._base_cycles, self._base_s, clock_hz)
        for listener in self._listeners:
            listener()

    def spin_until(self, time_s: float) -> None:
        """Pass the time to `time_s` as running cycles: the core polls and nothing else can happen."""
        before = self._hook.cycles
        self._hook.cycles = max(before, self.cycles_at(time_s))
        self.passed_cycles += self._hook.cycles - before

    def sleep_until(self, time_s: float, state: PowerState) -> None:
        """Pass the time to `time_s` in `state`, without executing cycles."""
        self._book_run()
        now_s = self.now_s
        if time_s <= now_s:
            self._rebase(now_s)
            return
        # Not from now_s, whose rounding is the same way in many stretches that are alike.
        slept_s = (time_s - self._base_s) - (self._hook.cycles - self._base_cycles) / self._hz
        self._slept_s[state] = _compensated_sum(*self._slept_s.get(state, (0.0, 0.0)), slept_s)
        self._rebase(time_s)
        self._remember(state, time_s)

    def residency_s(self) -> Mapping[PowerState, float]:
        """Return the seconds spent in each power state until now."""
        self._book_run()
        ran_s = {PowerState("run", hz): cycles / hz for hz, cycles in self._run_cycles.items()}
        return ran_s | {state: slept_s + ran_s.get(state, 0.0) for state, (slept_s, _) in self._slept_s.items()}

    def recent_spans(self) -> tuple[StateSpan, ...]:
        """Return the last stretches of time by power state, until now."""
        self._book_run()
        return tuple(self._recent)

    def executed(self) -> Mapping[int, Executed]:
        """Return what the core has executed at each clock until now; time that was passed while polling is no part."""
        self._book_executed()
        return dict(self._executed)

    def _book_executed(self) -> None:
        until = Executed(self._hook.instructions, self._hook.cycles - self.passed_cycles)
        before, at = self._executed_until, self._executed.get(self._hz, Executed(0, 0))
        self._executed[self._hz] = Executed(
            at.instructions + until.instructions - before.instructions, at.cycles + until.cycles - before.cycles
        )
        self._executed_until = until

    def _rebase(self, now_s: float) -> None:
        self._base_s = now_s
        self._base_cycles = self._hook.cycles
        self._bases.append(_Base(self._base_cycles, now_s, self._hz))

    def _book_run(self) -> None:
        """Book the cycles since the last time as running."""
        cycles = self._hook.cycles - self._booked_cycles
        if cycles > 0:
            self._run_cycles[self._hz] += cycles
            self._booked_cycles += cycles
            self._remember(PowerState("run", self._hz), self.now_s)

    def _remember(self, state: PowerState, now_s: float) -> None:
        """Keep the stretch up to now; what is spent until then is booked."""
        begin_s = self._booked_s
        self._booked_s = now_s
        if self._recent and self._recent[-1].state == state:
            begin_s = self._recent.pop().begin_s
        self._recent.append(StateSpan(state, begin_s, now_s))


def _compensated_sum(total: float, excess: float, more: float) -> tuple[float, float]:
    """Return a sum and by how much rounding has made it too large so far (Kahan, doi:10.1145/363707.363723)."""
    more -= excess
    grown = total + more
    return grown, grown - total - more
