"""What each activity of a node costs its core in time, and how a policy's activities add up to time per power state."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import nnls

from twin.duty_policy import TICKS_PER_S
from twin.duty_timeline import (
    BEAT_TICKS,
    SENSOR_STATES,
    STARTUP_TICKS,
    Activity,
    Span,
    Timeline,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from mcu_models.emulators.virtual_clock import PowerState
    from twin.duty_policy import DutyPolicy

_TICKS_OF_A_START = 3
"""Wakes between power-up and first frame that only wait: two for the first frames, one as it has settled."""
_STEPS_OF_A_START = 3
_WAIT_FROM = 5
_FRAMES = (Activity.FRAME, Activity.FRAME_ASLEEP)
_RUNNING = tuple(activity for activity in Activity if activity != Activity.DIGIT)
_BATCH_CHARACTERS = len("BATCH ") + len(" ") + len("\n")
_LINE_CHARACTERS = len(" ") + len("\n")


@dataclass(frozen=True)
class ActivityCost:
    """What an activity takes each time.

    Attributes:
        name: Such as "frame, network asleep".
        seconds: By state of the microcontroller, without the deepest, in which it waits.
        times: How often it was seen when this was measured.
    """

    name: str
    seconds: Mapping[PowerState, float]
    times: int


@dataclass(frozen=True)
class ActivityCosts:
    """What a node's activities cost, measured in emulation.

    Attributes:
        activities: One cost for each `Activity`, in its order; one that was never seen costs nothing.
        waits_in: The state in which the microcontroller waits.
    """

    activities: tuple[ActivityCost, ...]
    waits_in: PowerState


@dataclass(frozen=True)
class Tally:
    """How often a node does what, and how long its sensor is in which state.

    Attributes:
        times: By activity and sensor state.
        sensor_s: Seconds by sensor state.
        messages: Handed to the radio.
        power_ups: Of the sensor.
    """

    times: Mapping[tuple[Activity, str], float]
    sensor_s: Mapping[str, float]
    messages: float
    power_ups: float


@dataclass(frozen=True)
class Occupancy:
    """Where the time of a second goes, on average.

    Attributes:
        share: By state of the microcontroller and of the sensor; together 1.
        messages_per_s: Handed to the radio.
        power_ups_per_s: Of the sensor.
    """

    share: Mapping[tuple[PowerState, str], float]
    messages_per_s: float
    power_ups_per_s: float


@dataclass(frozen=True)
class Measured:
    """A run of which the time of each tick is known.

    Attributes:
        counts: (T, activities) how often each activity happened within a tick.
        ticks: (T,) what each tick took, by state of the microcontroller.
    """

    counts: NDArray[np.float64]
    ticks: Sequence[Mapping[PowerState, float]]


def fit_costs(runs: Sequence[Measured]) -> ActivityCosts:
    """Return what each activity costs, such that the costs of what happened within a tick add up to what it took.

    Least squares without negative costs. At its highest clock the core does nothing but count people, and while the
    digits of a report are sent it sleeps.
    """
    total: dict[PowerState, float] = defaultdict(float)
    ticks = [tick for run in runs for tick in run.ticks]
    for tick in ticks:
        for state, seconds in tick.items():
            total[state] += seconds
    waits_in = max(total, key=lambda state: total[state])
    states = sorted(state for state, seconds in total.items() if state != waits_in and seconds > 0)
    fastest = max((state for state in states if state.mode == "run"), key=lambda state: state.clock_hz)
    counts = np.concatenate([run.counts for run in runs])
    costs = {}
    for state in states:
        chosen = _FRAMES if state == fastest else _RUNNING if state.mode == "run" else tuple(Activity)
        costs[state] = _fitted(counts, np.array([tick.get(state, 0.0) for tick in ticks]), chosen)
    times = counts.sum(axis=0)
    activities = tuple(
        ActivityCost(_name(one), {state: float(costs[state][one]) for state in states}, round(float(times[one])))
        for one in Activity
    )
    return ActivityCosts(activities, waits_in)


def _fitted(
    counts: NDArray[np.float64], seconds: NDArray[np.float64], chosen: Sequence[Activity]
) -> NDArray[np.float64]:
    """Return the cost of each activity, 0 for those not chosen."""
    scale = np.maximum(counts[:, chosen].max(axis=0), 1.0)
    found = np.zeros(counts.shape[1])
    found[list(chosen)] = nnls(counts[:, chosen] / scale, seconds)[0] / scale
    return found


def _name(activity: Activity) -> str:
    return activity.name.lower().replace("frame_asleep", "frame, network asleep").replace("_", " ")


def activity_counts(
    timeline: Timeline, policy: DutyPolicy, count: NDArray[np.int64], awake: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return when a node does what: (E,) ticks, codes of activities, and how often.

    Args:
        timeline: What it does when.
        policy: Its policy.
        count: (A,) what it answers.
        awake: (A,) whether the network runs.
    """
    events = timeline.events
    frames = np.where(awake, int(Activity.FRAME), int(Activity.FRAME_ASLEEP))
    parts = [(events.tick, events.activity, np.ones(len(events.tick), np.int64))]
    parts.append((timeline.read, frames, np.ones(len(frames), np.int64)))
    if policy.kind == "until_motion":
        parts.append(_parts(timeline.read, Activity.MOTION_CHECK, np.ones(len(frames), np.int64)))
    if policy.kind != "gated":
        parts.append(_parts(timeline.read, Activity.PACE_CHECK, np.ones(len(frames), np.int64)))
    if policy.opening is not None:
        parts.append(_parts(timeline.read, Activity.HOURS_CHECK, np.ones(len(frames), np.int64)))
    if policy.report_every:
        parts.append(_parts(timeline.report_tick, Activity.REPORT, np.ones(len(timeline.report_tick), np.int64)))
        parts.append(_parts(timeline.report_tick, Activity.DIGIT, _batch_characters(timeline)))
    else:
        parts.append(_parts(timeline.read, Activity.LINE, np.ones(len(frames), np.int64)))
        parts.append(_parts(timeline.read, Activity.CHARACTER, _line_characters(count)))
    tick, code, times = (np.concatenate(one) for one in zip(*parts, strict=True))
    return tick, code, times


def _parts(
    tick: NDArray[np.int64], activity: Activity, times: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    return tick, np.full(len(tick), int(activity)), times


def _line_characters(count: NDArray[np.int64]) -> NDArray[np.int64]:
    return _digits(np.arange(len(count))) + _digits(count) + _LINE_CHARACTERS


def _batch_characters(timeline: Timeline) -> NDArray[np.int64]:
    return _digits(timeline.report_first) + timeline.report_end - timeline.report_first + _BATCH_CHARACTERS


def _digits(number: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.asarray(np.floor(np.log10(np.maximum(number, 1))).astype(np.int64) + 1)


def counts_by_tick(
    timeline: Timeline, policy: DutyPolicy, count: NDArray[np.int64], awake: NDArray[np.bool_], span: Span
) -> NDArray[np.float64]:
    """Return how often each activity happens within each tick of a span, (T, activities)."""
    tick, code, times = activity_counts(timeline, policy, count, awake)
    found = np.zeros((span.last - span.first, len(Activity)))
    within = (tick > span.first) & (tick <= span.last)
    np.add.at(found, (tick[within] - span.first - 1, code[within]), times[within])
    return found


def tally(
    timeline: Timeline, policy: DutyPolicy, count: NDArray[np.int64], awake: NDArray[np.bool_], span: Span
) -> Tally:
    """Return how often a node does what within a span."""
    tick, code, times = activity_counts(timeline, policy, count, awake)
    within = (tick > span.first) & (tick <= span.last)
    tick, code, times = tick[within], code[within], times[within]
    number = np.bincount(code * len(SENSOR_STATES) + timeline.state_at(tick), times)
    found = {
        (Activity(place // len(SENSOR_STATES)), SENSOR_STATES[place % len(SENSOR_STATES)]): float(number[place])
        for place in np.flatnonzero(number).tolist()
    }
    sensor_s = dict(zip(SENSOR_STATES, (timeline.state_ticks(span) / TICKS_PER_S).tolist(), strict=True))
    sent = timeline.report_tick if policy.report_every else timeline.read[: len(timeline.read) * policy.has_radio]
    return Tally(found, sensor_s, _number_within(sent, span), _number_within(timeline.power_up, span))


def _number_within(tick: NDArray[np.int64], span: Span) -> int:
    return int(np.count_nonzero((tick > span.first) & (tick <= span.last)))


def occupancy_s(found: Tally, costs: ActivityCosts) -> dict[tuple[PowerState, str], float]:
    """Return the seconds by state of the microcontroller and of the sensor; what is not spent is waited."""
    spent: dict[tuple[PowerState, str], float] = defaultdict(float)
    waited = dict(found.sensor_s)
    for (activity, sensor), times in found.times.items():
        for state, seconds in costs.activities[activity].seconds.items():
            spent[state, sensor] += times * seconds
            waited[sensor] -= times * seconds
    spent |= {(costs.waits_in, sensor): seconds for sensor, seconds in waited.items() if found.sensor_s[sensor] > 0}
    return dict(spent)


def predicted_occupancy(
    policy: DutyPolicy,
    costs: ActivityCosts,
    *,
    awake_share: float = 1.0,
    full_share: float = 1.0,
    changes_per_s: float = 0.0,
    number_digits: float = 6.0,
) -> Occupancy:
    """Return where the time goes while a node is open, in closed form.

    Args:
        policy: Any policy; of its opening hours only that the node is open counts.
        costs: What its activities cost.
        awake_share: Share of the answers for which the network runs.
        full_share: Until motion: share of the time at full rate.
        changes_per_s: Until motion: how often the rate changes, there and back being two.
        number_digits: Digits, on average, of a frame's number in the text that is sent.
    """
    if policy.kind == "gated":
        found, span_s = _gated_tally(policy, awake_share, number_digits), policy.period_ticks / TICKS_PER_S
    else:
        found, span_s = _followed_tally(policy, awake_share, full_share, changes_per_s, number_digits), 1.0
    return _shares(found, costs, span_s)


def closed_occupancy(costs: ActivityCosts) -> Occupancy:
    """Return where the time goes while a node is closed: it beats, and its sensor is off."""
    beats = {(Activity.BEAT, "off"): TICKS_PER_S / BEAT_TICKS}
    return _shares(Tally(beats, {"off": 1.0}, 0.0, 0.0), costs, 1.0)


def _shares(found: Tally, costs: ActivityCosts, span_s: float) -> Occupancy:
    share = {key: seconds / span_s for key, seconds in occupancy_s(found, costs).items()}
    return Occupancy(share, found.messages / span_s, found.power_ups / span_s)


def _answered(
    policy: DutyPolicy, answers: float, reports: float, awake_share: float, digits: float
) -> dict[int, float]:
    """Return how often something happens for so many answers."""
    times = {Activity.FRAME: answers * awake_share, Activity.FRAME_ASLEEP: answers * (1 - awake_share)}
    if policy.kind == "until_motion":
        times[Activity.MOTION_CHECK] = answers
    if policy.kind != "gated":
        times[Activity.PACE_CHECK] = answers
    if policy.opening is not None:
        times[Activity.HOURS_CHECK] = answers
    if policy.report_every:
        times[Activity.REPORT] = reports
        times[Activity.DIGIT] = reports * (digits + _BATCH_CHARACTERS) + answers
    else:
        times[Activity.LINE] = answers
        times[Activity.CHARACTER] = answers * (digits + 1 + _LINE_CHARACTERS)
    return {int(activity): number for activity, number in times.items()}


def _gated_tally(policy: DutyPolicy, awake_share: float, digits: float) -> Tally:
    """Return a period's tally."""
    reports = 1 / policy.report_every if policy.report_every else 0.0
    on_ticks = policy.settle_ticks + policy.look_frames
    normal = _answered(policy, policy.look_frames, reports, awake_share, digits)
    normal[Activity.TICK] = _TICKS_OF_A_START
    normal[Activity.START_STEP] = _STEPS_OF_A_START
    normal[Activity.LONG_WAIT] = 2
    normal[Activity.BEAT] = (policy.settle_ticks - _WAIT_FROM - 1) // BEAT_TICKS
    off = {int(Activity.TICK): 1.0, int(Activity.BEAT): (policy.period_ticks - on_ticks - 1) // BEAT_TICKS}
    on_s, startup_s = on_ticks / TICKS_PER_S, STARTUP_TICKS / TICKS_PER_S
    sensor_s = {
        "off": policy.period_ticks / TICKS_PER_S - on_s,
        "startup": startup_s,
        "normal": on_s - startup_s,
    }
    messages = reports if policy.report_every else float(policy.look_frames * policy.has_radio)
    return Tally(_in_states([(normal, "normal"), (off, "off")]), sensor_s, messages, 1.0)


def _followed_tally(
    policy: DutyPolicy, awake_share: float, full_share: float, changes_per_s: float, digits: float
) -> Tally:
    """Return a second's tally."""
    idle, slow_share = policy.idle, 1.0 - full_share
    full, slow = full_share * TICKS_PER_S, slow_share * TICKS_PER_S / idle.ticks
    reports = TICKS_PER_S / policy.report_every if policy.report_every else 0.0
    if policy.kind == "until_motion":
        reports = min(reports, full + slow)
    times = _answered(policy, full, reports * full_share, awake_share, digits)
    slow_times = _answered(policy, slow, reports * slow_share, awake_share, digits)
    slow_times[Activity.LONG_WAIT] = slow
    slow_times[Activity.BEAT] = slow * ((idle.ticks - 1) // BEAT_TICKS)
    slow_times[Activity.RATE_CHANGE] = changes_per_s
    slow_state = "normal" if idle.is_mean or slow_share == 0 else "standby"
    sensor_s = {"normal": full_share}
    sensor_s[slow_state] = sensor_s.get(slow_state, 0.0) + slow_share
    messages = reports if policy.report_every else (full + slow) * policy.has_radio
    return Tally(_in_states([(times, "normal"), (slow_times, slow_state)]), sensor_s, messages, 0.0)


def _in_states(parts: Iterable[tuple[Mapping[int, float], str]]) -> dict[tuple[Activity, str], float]:
    times: dict[tuple[Activity, str], float] = defaultdict(float)
    for part, state in parts:
        for activity, number in part.items():
            times[Activity(activity), state] += number
    return dict(times)
