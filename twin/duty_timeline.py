"""What a node does when, as its duty policy says and its firmware does: the host's play of `main.c`, without its cost.

Time is counted in frames of the sensor's full rate since the recording began, which are ticks of the firmware: tick i
wakes the core half a frame after frame i was measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from twin.duty_motion import follow
from twin.duty_policy import NEVER, TICKS_PER_S
from twin.energy.week import DAY_S, WEEK_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.duty_policy import DutyPolicy

BEAT_TICKS = 20
"""From wake to wake of a core that waits for long (`ticker.c`)."""
PIECE_ANSWERS = 512
"""Answers of a report that are sent at once (`batch.c`)."""
STARTUP_TICKS = 0.5
"""The sensor's 50 ms."""
_WAKE_STEPS = (1, 2, 3)
"""Ticks after power-up at which the wake sequence writes to the sensor."""
_WAKE_TICKS = (4, 5)
"""Those it waits for the first frames."""
_SWITCH_ON, _SWITCH_OFF, _RATE = 0.01, 0.04, 0.05
"""How far into its tick the firmware changes the sensor's state; it wakes before and sleeps again behind."""


class Activity(IntEnum):
    """What takes the core's time."""

    BEAT = 0
    TICK = 1
    START_STEP = 2
    FRAME = 3
    FRAME_ASLEEP = 4
    LONG_WAIT = 5
    RATE_CHANGE = 6
    LINE = 7
    REPORT = 8
    CHARACTER = 9
    DIGIT = 10
    MOTION_CHECK = 11
    HOURS_CHECK = 12
    PACE_CHECK = 13


SENSOR_STATES = ("off", "startup", "normal", "standby")
_OFF, _STARTUP, _NORMAL, _STANDBY = range(4)


@dataclass(frozen=True)
class Span:
    """The stretch of ticks over which time is added up: behind tick `first` until behind tick `last`."""

    first: int
    last: int
    text: str

    @property
    def seconds(self) -> float:
        """Its length."""
        return (self.last - self.first) / TICKS_PER_S


def measured_span(policy: DutyPolicy, frames: int) -> Span:
    """Return the span of a run that stands for all time: whole cycles of the policy, at least one."""
    if policy.opening is not None:
        return _open_span(frames)
    if policy.kind == "gated":
        cycle = policy.report_ticks or policy.period_ticks
        return _cycles(0, cycle, frames, "from power-up to power-up of the sensor")
    if policy.report_every:
        # The first report has left before the span ends, and no part of one before is in it.
        first = -(-policy.report_every // PIECE_ANSWERS) if policy.report_every > PIECE_ANSWERS else 0
        return _cycles(first, policy.report_every, frames - first, "from report to report")
    return Span(0, frames - 1, "from the first frame to the last")


def until_told(policy: DutyPolicy) -> int:
    """Return the ticks after which an answer has been told of."""
    return policy.report_ticks + policy.idle.ticks + policy.period_ticks + TICKS_PER_S


def _cycles(first: int, cycle: int, frames: int, text: str) -> Span:
    number = max(1, frames // cycle)
    return Span(first, first + number * cycle, f"{number} of {cycle / TICKS_PER_S:g} s, {text}")


def _open_span(frames: int) -> Span:
    for length_s, name in ((WEEK_S, "weeks"), (DAY_S, "days")):
        length = round(length_s * TICKS_PER_S)
        number = frames // length
        if number:
            return Span(0, number * length, f"{number} {name} from power-on")
    return Span(0, frames - 1, "from power-on to the last frame, not a whole day")


@dataclass(frozen=True)
class Events:
    """Activities: (E,) ticks and codes."""

    tick: NDArray[np.int64]
    activity: NDArray[np.int64]


@dataclass(frozen=True)
class Timeline:
    """What a node does until some tick.

    Attributes:
        read: (A,) int64, tick at which each answered frame is read.
        frame: (A,) int64, the frame that it is, or the last of ten.
        is_mean: (A,) bool, whether the sensor showed the mean of ten.
        begins: Places in these at which the counter begins anew.
        report_tick: (R,) int64, tick of each report.
        report_first: (R,) int64, the first answer in it.
        report_end: (R,) int64, the answer behind its last.
        events: What else takes the core's time.
        power_up: (P,) int64, ticks at which the sensor is powered.
        state_tick: (S,) float64, ascending, when the sensor's state changes.
        state: (S,) int64, to what, in `SENSOR_STATES`.
    """

    read: NDArray[np.int64]
    frame: NDArray[np.int64]
    is_mean: NDArray[np.bool_]
    begins: tuple[int, ...]
    report_tick: NDArray[np.int64]
    report_first: NDArray[np.int64]
    report_end: NDArray[np.int64]
    events: Events
    power_up: NDArray[np.int64]
    state_tick: NDArray[np.float64]
    state: NDArray[np.int64]

    def state_at(self, tick: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the sensor's state as the core wakes at ticks."""
        return np.asarray(self.state[np.searchsorted(self.state_tick, tick, side="right") - 1])

    def state_ticks(self, span: Span) -> NDArray[np.float64]:
        """Return the ticks of a span in each state."""
        first, last = span.first + 0.9, span.last + 0.9
        edges = np.clip(np.append(self.state_tick, np.inf), first, last)
        return np.asarray(np.bincount(self.state, np.diff(edges), len(SENSOR_STATES)), np.float64)


def play(policy: DutyPolicy, raw: NDArray[np.int16], end: int) -> Timeline:
    """Return what a node does in front of a recording until tick `end`.

    Args:
        policy: The policy.
        raw: (N, 64) int16, the recording in steps of 0.25 degC; its last frame repeats.
        end: Ticks to play since the recording began.
    """
    player = _Player(policy, raw, end)
    player.play()
    return player.timeline()


class _Player:
    """Collects what happens; inside, ticks are those since power-on."""

    def __init__(self, policy: DutyPolicy, raw: NDArray[np.int16], end: int) -> None:
        self._policy, self._raw = policy, raw
        # Without opening hours the recording begins as the firmware first reads.
        self._origin = 0 if policy.opening is not None else policy.first_read
        self._end = end + self._origin
        self._reads: list[NDArray[np.int64]] = []
        self._frames: list[NDArray[np.int64]] = []
        self._means: list[NDArray[np.bool_]] = []
        self._events: list[tuple[NDArray[np.int64], Activity]] = []
        self._states: list[tuple[NDArray[np.float64], int]] = []
        self._power_ups: list[NDArray[np.int64]] = []
        self._reports: list[tuple[int, int]] = []
        self._begins: list[int] = []
        self._answers = self._reported = self._looks = 0

    def play(self) -> None:
        """Play from power-on."""
        opening = self._policy.opening
        self._states.append((np.array([-np.inf]), _OFF if self._policy.has_switch else _NORMAL))
        self._begins.append(0)
        tick = 0
        while tick < self._end:
            if opening is not None and not opening.is_open(tick):
                tick = self._stay_closed(tick, opening.next_open(tick))
                continue
            close = NEVER if opening is None else opening.next_close(tick)
            session = self._glance if self._policy.kind == "gated" else self._follow
            tick = session(tick, close)

    def timeline(self) -> Timeline:
        """Return what was collected."""
        reports = np.array(self._reports, np.int64).reshape(-1, 2)
        times = np.concatenate([time for time, _ in self._states])
        codes = np.concatenate([np.full(len(time), code) for time, code in self._states])
        order = np.argsort(times, kind="stable")
        return Timeline(
            read=_joined(self._reads) - self._origin,
            frame=_joined(self._frames),
            is_mean=np.concatenate([np.zeros(0, np.bool_), *self._means]),
            begins=tuple(self._begins),
            report_tick=reports[:, 0] - self._origin,
            report_first=np.append(0, reports[:-1, 1])[: len(reports)],
            report_end=reports[:, 1],
            events=self._all_events(),
            power_up=_joined(self._power_ups) - self._origin,
            state_tick=times[order] - self._origin,
            state=codes[order],
        )

    def _all_events(self) -> Events:
        ticks = _joined([tick for tick, _ in self._events]) - self._origin
        codes = [np.full(len(tick), int(activity), np.int64) for tick, activity in self._events]
        return Events(ticks, _joined(codes))

    def _note(self, tick: NDArray[np.int64] | int, activity: Activity) -> None:
        self._events.append((np.atleast_1d(np.asarray(tick, np.int64)), activity))

    def _change(self, tick: NDArray[np.int64] | int, fraction: float, state: int) -> None:
        self._states.append((np.atleast_1d(np.asarray(tick, np.float64)) + fraction, state))

    def _wait(self, begin: NDArray[np.int64], end: NDArray[np.int64]) -> None:
        """Wait from ticks to ticks, with a beat every two seconds."""
        begin, end = np.atleast_1d(begin), np.minimum(np.atleast_1d(end), self._end + BEAT_TICKS)
        self._note(begin, Activity.LONG_WAIT)
        beats = np.maximum((end - begin - 1) // BEAT_TICKS, 0)
        number = np.arange(beats.sum()) - np.repeat(np.cumsum(beats) - beats, beats) + 1
        self._note(np.repeat(end, beats) - BEAT_TICKS * number, Activity.BEAT)

    def _start(self, tick: NDArray[np.int64]) -> None:
        """Power the sensor up at ticks and wait until it has settled."""
        settled = tick + self._policy.settle_ticks
        for step in _WAKE_STEPS:
            self._note(tick + step, Activity.START_STEP)
        for step in _WAKE_TICKS:
            self._note(tick + step, Activity.TICK)
        self._wait(tick + _WAKE_TICKS[-1], settled)
        self._note(settled, Activity.TICK)
        if self._policy.has_switch:
            self._power_ups.append(tick)
            self._change(tick, _SWITCH_ON, _STARTUP)
            self._change(tick, _SWITCH_ON + STARTUP_TICKS, _NORMAL)

    def _answer(self, read: NDArray[np.int64], frame: NDArray[np.int64], is_mean: NDArray[np.bool_]) -> None:
        self._reads.append(read)
        self._frames.append(frame)
        self._means.append(is_mean)
        self._answers += len(read)

    def _report(self, tick: int, end: int) -> None:
        if end > self._reported:
            self._reports.append((tick, end))
            self._reported = end

    def _stay_closed(self, tick: int, opens: int) -> int:
        if self._policy.report_every:
            self._report(tick, self._answers)
        self._begins.append(self._answers)
        self._note(tick, Activity.TICK)
        self._wait(np.array([tick]), np.array([opens]))
        self._note(opens, Activity.TICK)
        return opens

    def _glance(self, tick: int, close: int) -> int:
        """Look once a period; return the tick at which the first look behind the closing would begin."""
        policy = self._policy
        begun = np.arange(tick, min(close, self._end), policy.period_ticks)
        self._note(begun[1:], Activity.TICK)
        self._start(begun)
        read = begun[:, np.newaxis] + policy.first_read + np.arange(policy.look_frames)
        is_open = read < close
        self._answer(read[is_open], read[is_open] - self._origin, np.zeros(is_open.sum(), np.bool_))
        last = np.minimum(read[:, -1], np.maximum(close, read[:, 0]))
        self._change(last, _SWITCH_OFF, _OFF)
        self._wait(last, begun + policy.period_ticks)
        self._note(last[~is_open[:, -1]], Activity.TICK)
        self._report_looks(last, is_open.sum(axis=1))
        return int(begun[-1]) + policy.period_ticks

    def _report_looks(self, last: NDArray[np.int64], answers: NDArray[np.int64]) -> None:
        if not self._policy.report_every:
            self._looks += len(last)
            return
        ends = self._answers - answers.sum() + np.cumsum(answers)
        for tick, end in zip(last.tolist(), ends.tolist(), strict=True):
            self._looks += 1
            if self._looks % self._policy.report_every == 0:
                self._report(tick, end)

    def _follow(self, tick: int, close: int) -> int:
        """Look at every frame the sensor has; return the tick at which the node finds that it is closed."""
        policy, origin = self._policy, self._origin
        self._start(np.array([tick]))
        first, end = tick + policy.first_read, min(close, self._end)
        before = self._answers
        if policy.kind == "always_on":
            read = np.arange(first, end)
            self._answer(read, read - origin, np.zeros(len(read), np.bool_))
            after = max(first, end)
        else:
            read, after = self._follow_motion(first, end)
        if policy.report_every:
            self._report_due(read, before, first - 1 + policy.report_every)
        if close <= self._end:
            self._change(after, _SWITCH_ON, _OFF)
        return after

    def _follow_motion(self, first: int, end: int) -> tuple[NDArray[np.int64], int]:
        policy, origin = self._policy, self._origin
        seen = follow(self._raw, policy, first - origin, end - origin)
        read, is_mean = seen.read + origin, policy.idle.is_mean
        self._answer(read, seen.frame, seen.is_slow & is_mean)
        self._note(read[seen.changes], Activity.RATE_CHANGE)
        slower, faster = read[seen.changes & ~seen.is_slow], read[seen.changes & seen.is_slow]
        if not is_mean:
            self._change(slower, _RATE, _STANDBY)
            self._change(faster, _RATE, _NORMAL)
        stays_slow = seen.is_slow != seen.changes
        self._wait(read[stays_slow], np.append(read[1:], seen.next_read + origin)[stays_slow])
        return read, seen.next_read + origin

    def _report_due(self, read: NDArray[np.int64], before: int, due: int) -> None:
        """Report at the first frame at or behind each time that is due."""
        while len(read) and due <= read[-1]:
            place = int(np.searchsorted(read, due))
            self._report(int(read[place]), before + place + 1)
            due += ((int(read[place]) - due) // self._policy.report_every + 1) * self._policy.report_every


def _joined(arrays: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(0, np.int64), *arrays])
