"""Short emulated runs in which a node does all that its duty policy may ask for, to learn what each activity costs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from sensors.recording import Recording
from twin.duty_costs import Measured, counts_by_tick, fit_costs
from twin.duty_policy import ALWAYS_ON, DutyPolicy, Idle, Opening
from twin.duty_replay import Replay, replay
from twin.energy.week import DAY_S, WeekHours
from twin.host_node import check_levels, sample_frames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from mcu_models.emulators.virtual_clock import PowerState
    from mcu_models.networks.library import NetworkEntry
    from twin.duty_costs import ActivityCosts
    from twin.emulated_node import NodeTrace

    Emulate = Callable[[Recording, DutyPolicy, list[Mapping[PowerState, float]] | None], NodeTrace]

_REPORT_FRAMES = 30
_LOOKS, _LOOK_FRAMES, _OFF_TICKS = 4, 25, 65
_HOLD_TICKS, _IDLE_READS = 30, 3
_HOT_STEPS_DEGC: Final = 60.0
"""Warmer than anything in a room: motion for certain, and nothing else is."""
_HOT_SUM: Final = 4 * 4 * 50
_OPEN: Final = DutyPolicy(opening=Opening(WeekHours(0.0, DAY_S, tuple(range(7))), 0.0))
ONE_HZ: Final = Idle(1, 10, is_mean=True)


@dataclass(frozen=True)
class Sampled:
    """What the emulated samples gave.

    Attributes:
        costs: Of each activity.
        trace: Of the sample of frames, each answered at once.
        awake: (n,) for which of its frames the network ran.
    """

    costs: ActivityCosts
    trace: NodeTrace
    awake: NDArray[np.bool_]


def sample_costs(
    network: NetworkEntry, policy: DutyPolicy, recording: Recording, emulate: Emulate, *, everything: bool = False
) -> Sampled:
    """Return what the activities of a node cost, learnt from frames all over a recording.

    Args:
        network: What the node counts with.
        policy: Its policy.
        recording: What it sees.
        emulate: Plays a recording under a policy, and fills in the time per power state until each tick.
        everything: Learn also what this policy never does.

    Raises:
        LevelsDisagreeError: Firmware and host answered differently.
    """
    frames = sample_frames(recording, network)
    plain = _Run(network, ALWAYS_ON, frames, emulate)
    others = [_Run(network, other, shown, emulate) for other, shown in _other_runs(policy, frames, everything)]
    costs = fit_costs([run.measured() for run in (plain, *others)])
    return Sampled(costs, plain.trace, plain.played.awake[: len(frames.frames)])


def _other_runs(policy: DutyPolicy, frames: Recording, everything: bool) -> Iterator[tuple[DutyPolicy, Recording]]:  # noqa: FBT001
    """Yield policies like the node's with short times, and what they are shown."""
    if everything or policy.opening is not None:
        yield _OPEN, _shown_late(frames, _OPEN.first_read)
    if everything or policy.has_switch:
        yield from _looks(frames, policy.settle_ticks, reports=2 if policy.report_every else 0)
        if everything:
            yield from _looks(frames, policy.settle_ticks, reports=0 if policy.report_every else 2)
    if everything or (policy.report_every and policy.kind != "gated"):
        yield DutyPolicy(report_every=_REPORT_FRAMES), frames
    if everything or policy.kind == "until_motion":
        idle = policy.idle if policy.kind == "until_motion" else ONE_HZ
        yield _moved(idle), _with_something_hot(frames, idle)


class _Run:
    """One emulated run, checked against the host."""

    def __init__(self, network: NetworkEntry, policy: DutyPolicy, recording: Recording, emulate: Emulate) -> None:
        self._ends: list[Mapping[PowerState, float]] = []
        self.trace: NodeTrace = emulate(recording, policy, self._ends)
        self.played: Replay = replay(network, policy, recording)
        check_levels(self.trace.count, self.played.answers)

    def measured(self) -> Measured:
        """Return what happened within each tick, and what it took."""
        played, ends = self.played, self._ends
        counts = counts_by_tick(played.timeline, played.policy, played.count, played.awake, played.span)
        spent = [
            {state: seconds - begin.get(state, 0.0) for state, seconds in end.items()} for begin, end in pairwise(ends)
        ]
        return Measured(counts, spent)


def _shown_late(frames: Recording, late: int) -> Recording:
    """Return frames behind others that nobody looks at."""
    return _recording(frames.frames[np.maximum(np.arange(late + len(frames.frames)) - late, 0)])


def _looks(frames: Recording, settle_ticks: int, *, reports: int) -> Iterator[tuple[DutyPolicy, Recording]]:
    period_ticks = settle_ticks + 1 + _LOOK_FRAMES + _OFF_TICKS
    gated = DutyPolicy("gated", settle_ticks, period_ticks, _LOOK_FRAMES, report_every=reports)
    yield gated, _shown_in_looks(frames, gated)


def _shown_in_looks(frames: Recording, policy: DutyPolicy) -> Recording:
    """Return frames where the policy looks, each look's last one until the next."""
    tick = np.arange(_LOOKS * policy.period_ticks)
    look, within = np.divmod(tick, policy.period_ticks)
    chosen = (look * policy.look_frames + np.minimum(within, policy.look_frames - 1)) % len(frames.frames)
    return _recording(frames.frames[chosen])


def _moved(idle: Idle) -> DutyPolicy:
    return DutyPolicy("until_motion", idle=idle, motion_sum=_HOT_SUM, hold_ticks=_HOLD_TICKS)


def _with_something_hot(frames: Recording, idle: Idle) -> Recording:
    """Return frames over and over, of which later ones have something hot in them."""
    calm = _HOLD_TICKS + _IDLE_READS * idle.ticks
    number = calm + idle.ticks + _HOLD_TICKS + _IDLE_READS * idle.ticks
    shown = frames.frames[np.arange(number) % len(frames.frames)].copy()
    shown[calm:, :2, :2] += np.float32(_HOT_STEPS_DEGC)
    return _recording(shown)


def _recording(frames: NDArray[np.float32]) -> Recording:
    number = len(frames)
    return Recording(np.arange(number) / 10, frames, np.zeros(number, np.int64))
