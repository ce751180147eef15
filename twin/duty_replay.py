"""A node's duty policy played on the host: the same frames looked at as by the firmware, and the same answers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from mcu_models.compiler.frontend import frontend_codes, raw_from_degc
from mcu_models.compiler.reader import read_network
from mcu_models.compiler.wake_up import is_awake
from mcu_models.networks.counting import counter_of
from twin.duty_costs import Tally, occupancy_s, tally
from twin.duty_motion import images
from twin.duty_policy import TICKS_PER_S
from twin.duty_timeline import SENSOR_STATES, Activity, Span, Timeline, measured_span, play, until_told
from twin.emulated_node import UNANSWERED, NodeFailedError, NodeTrace, Rhythm
from twin.host_node import host_count

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from mcu_models.emulators.virtual_clock import PowerState
    from mcu_models.networks.library import NetworkEntry
    from sensors.recording import Recording
    from twin.duty_costs import ActivityCosts
    from twin.duty_policy import DutyPolicy

_STEP_DEGC = 0.25
_PHASE = 0.5
"""The firmware looks half a frame after a frame was measured."""


@dataclass(frozen=True)
class Replay:
    """What a node did in front of a recording, as the host has it.

    Attributes:
        policy: Its policy.
        frames: N, how many the recording has.
        timeline: What it did when.
        count: (A,) int64, what it answered.
        awake: (A,) bool, for which answers its network ran.
        span: The span over which time is added up.
    """

    policy: DutyPolicy
    frames: int
    timeline: Timeline
    count: NDArray[np.int64]
    awake: NDArray[np.bool_]
    span: Span

    @property
    def is_booked(self) -> NDArray[np.bool_]:
        """(A,) bool, which answers are to frames of the recording; the others were read when it was over."""
        return self.timeline.read < self.frames

    @property
    def looked(self) -> NDArray[np.bool_]:
        """(N,) bool, frames that were provided for an answer."""
        looked = np.zeros(self.frames, np.bool_)
        looked[self.timeline.frame[self.is_booked]] = True
        return looked

    @property
    def answers(self) -> NDArray[np.int64]:
        """(N,) int64, the answer to each frame; -1 where the policy did not look."""
        answers = np.full(self.frames, UNANSWERED, np.int64)
        answers[self.timeline.frame[self.is_booked]] = self.count[self.is_booked]
        return answers

    def by_frame(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (N,) values of frames from (A,) values of answers; nan where the policy did not look."""
        found = np.full(self.frames, np.nan)
        found[self.timeline.frame[self.is_booked]] = values[self.is_booked]
        return found

    def tally(self) -> Tally:
        """Return how often the node did what within the span."""
        return tally(self.timeline, self.policy, self.count, self.awake, self.span)

    def rhythm(self) -> Rhythm:
        """Return what the frames made of the policy."""
        timeline, span = self.timeline, self.span
        within = (timeline.read > span.first) & (timeline.read <= span.last)
        events = timeline.events
        is_change = (events.activity == Activity.RATE_CHANGE) & (events.tick > span.first) & (events.tick <= span.last)
        on_ticks = float(timeline.state_ticks(span)[SENSOR_STATES.index("off") + 1 :].sum())
        return Rhythm(
            awake_share=float(self.awake[within].mean()) if within.any() else 0.0,
            full_share=1.0 - self._slow_ticks() / on_ticks if on_ticks else 0.0,
            changes_per_s=int(np.count_nonzero(is_change)) / on_ticks * TICKS_PER_S if on_ticks else 0.0,
        )

    def _slow_ticks(self) -> int:
        """Return the ticks of the span that pass from a slow frame's wait to its end."""
        read, span = self.timeline.read, self.span
        if self.policy.kind != "until_motion":
            return 0
        begin, end = (np.clip(ticks, span.first, span.last) for ticks in (read[:-1], read[1:]))
        return int((end - begin)[np.diff(read) >= self.policy.idle.ticks].sum())


def replay(network: NetworkEntry, policy: DutyPolicy, recording: Recording) -> Replay:
    """Play a policy in front of a recording.

    Raises:
        BadInputError: The network cannot be used.
        NodeFailedError: The policy looks at no frame of the recording.
    """
    raw = raw_from_degc(recording.frames).reshape(len(recording.frames), -1)
    span = measured_span(policy, len(raw))
    timeline = play(policy, raw, max(len(raw), span.last) + until_told(policy))
    if not np.any(timeline.read < len(raw)):
        raise NodeFailedError(f"the duty policy looks at none of the {len(raw)} frames")
    count, awake = _answers(network, raw, timeline)
    return Replay(policy, len(raw), timeline, count, awake, span)


def _answers(
    network: NetworkEntry, raw: NDArray[np.int16], timeline: Timeline
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    shown = images(raw, timeline.frame, timeline.is_mean)
    blocks = [shown[first:last] for first, last in pairwise([*timeline.begins, len(shown)]) if last > first]
    count = [host_count(network, _degc(block)) for block in blocks]
    awake = [awake_frames(network, block) for block in blocks]
    return np.concatenate(count), np.concatenate(awake)


def _degc(raw: NDArray[np.int16]) -> NDArray[np.float32]:
    return (raw * np.float32(_STEP_DEGC)).reshape(len(raw), 8, 8)


def awake_frames(network: NetworkEntry, raw: NDArray[np.int16]) -> NDArray[np.bool_]:
    """Return for which of consecutive frames, the first being the first after power-on, the network runs, (N,) bool.

    Args:
        network: A network, or rules, which always run.
        raw: (N, 64) int16, pixels in steps of 0.25 degC.

    Raises:
        BadInputError: The network cannot be used.
    """
    if network.has_rules or network.wake_up_degc is None:
        return np.ones(len(raw), np.bool_)
    counter = counter_of(network, read_network(network.path))
    if counter.wake_up_sum is None:
        return np.ones(len(raw), np.bool_)
    return is_awake(frontend_codes(raw, counter.table), counter.table, counter.wake_up_sum)


def host_trace(played: Replay, costs: ActivityCosts, sample: NodeTrace, sample_awake: NDArray[np.bool_]) -> NodeTrace:
    """Return the trace of a long run from what the host played and what an emulated sample cost.

    Args:
        played: The run.
        costs: What its activities cost.
        sample: Trace of frames from all over the recording.
        sample_awake: (n,) for which of the sample's frames the network ran.
    """
    found = played.tally()
    occupancy = occupancy_s(found, costs)
    return NodeTrace(
        count=played.answers,
        looked=played.looked,
        inference_s=played.by_frame(_tiled(sample.inference_s, sample_awake, played.awake)),
        answer_delay_s=played.by_frame(_delays_s(played, costs)),
        residency_s=_of_mcu(occupancy),
        sensor_residency_s=found.sensor_s,
        occupancy_s=occupancy,
        messages=round(found.messages),
        power_ups=round(found.power_ups),
        span_s=played.span.seconds,
        span=played.span.text,
        last_period=sample.last_period,
        problems=sample.problems,
        rhythm=played.rhythm(),
    )


def _tiled(
    sample: NDArray[np.float64], sample_awake: NDArray[np.bool_], awake: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return (A,) values as those of the sample in which the network ran or did not, over and over."""
    values = np.empty(len(awake))
    for state in (True, False):
        known = sample[(sample_awake == state) & np.isfinite(sample)]
        known = known if len(known) else sample[np.isfinite(sample)]
        values[awake == state] = np.resize(known, np.count_nonzero(awake == state))
    return values


def _delays_s(played: Replay, costs: ActivityCosts) -> NDArray[np.float64]:
    """Return (A,) seconds from a frame's measurement to the end of the text that tells of it."""
    timeline = played.timeline
    frame = np.where(played.awake, _cost_s(costs, Activity.FRAME), _cost_s(costs, Activity.FRAME_ASLEEP))
    told, characters = timeline.read, np.full(len(frame), 4.0)
    activity, character = Activity.LINE, Activity.CHARACTER
    if played.policy.report_every:
        report = np.minimum(np.searchsorted(timeline.report_end, np.arange(len(frame)), side="right"), _last(timeline))
        told = timeline.report_tick[report] if len(timeline.report_tick) else told
        characters = (timeline.report_end - timeline.report_first)[report] if len(timeline.report_tick) else characters
        activity, character = Activity.REPORT, Activity.DIGIT
    spoken_s = _cost_s(costs, activity) + characters * _cost_s(costs, character)
    return (told - timeline.frame + _PHASE) / TICKS_PER_S + frame + spoken_s


def _last(timeline: Timeline) -> int:
    return max(len(timeline.report_tick) - 1, 0)


def _cost_s(costs: ActivityCosts, activity: Activity) -> float:
    return sum(costs.activities[activity].seconds.values())


def _of_mcu(occupancy: Mapping[tuple[PowerState, str], float]) -> dict[PowerState, float]:
    residency_s: dict[PowerState, float] = {}
    for (state, _), seconds in occupancy.items():
        residency_s[state] = residency_s.get(state, 0.0) + seconds
    return residency_s
