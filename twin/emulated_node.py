"""The emulated level: every frame goes through the firmware in the emulator, I2C and all."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

import numpy as np

from mcu_models.emulators.backends import open_emulator
from mcu_models.emulators.renode.instruction_rates import instruction_rates
from mcu_models.emulators.unicorn_backend import UnicornEmulator
from mcu_models.emulators.virtual_clock import StateSpan
from mcu_models.people_tracking.answers import number_in
from sensors.amg8833 import Amg8833
from twin.duty_policy import ALWAYS_ON, RADIO_PIN, SENSOR_SWITCH
from twin.duty_timeline import STARTUP_TICKS, measured_span, until_told

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from mcu_models.boards.board import Board
    from mcu_models.emulators.backends import BackendName
    from mcu_models.emulators.image import FirmwareImage
    from mcu_models.emulators.port import Emulator, PinEdge, UartLine
    from mcu_models.emulators.virtual_clock import PowerState
    from sensors.grid_eye_sheet import GridEyeSheet
    from sensors.recording import Recording
    from twin.duty_policy import DutyPolicy

ANSWER = re.compile(r"^(\d+) (\d+)$")
"""A line of the people counter: answers before, people counted."""
BATCH = re.compile(r"^BATCH (\d+) (\d+)$")
"""A report of it: answers before the first in it, and a digit for each."""
TIMING_PIN = ("GPIOA", 8)
"""The pin that firmware holds high while front end and network run (`mcu_models/firmware/drivers/timing_pin.h`): an
inference is timed from outside, with what a logic analyser sees of a real board."""
FIRST_LOOK_LIMIT_S = 60.0
"""Virtual time after which a node that has not read a frame is given up."""
STEP_S = 1.0
SHORT_STEP_S = 0.04
"""While the first frame is waited for, so that the span after it begins in time."""
UNANSWERED = -1
BEHIND_TICK_S = 0.09
"""How long after a tick of the firmware what it does in it is over, and the next has not come."""


def answer_in(line: str) -> int | None:
    """Return the answer in a line of text: people, or who passed a door (`number_in`); None if there is none."""
    people = ANSWER.match(line)
    return number_in(line) if people is None else int(people[2])


class NodeFailedError(RuntimeError):
    """The firmware did not do its work; the text says what was seen."""


@dataclass(frozen=True)
class Rhythm:
    """What frames make of a policy that goes by them.

    Attributes:
        awake_share: Share of the answers for which the network runs.
        full_share: Share of the time at the sensor's full rate, of the time in which it is on.
        changes_per_s: How often the sensor's rate changes in that time, there and back being two.
    """

    awake_share: float
    full_share: float
    changes_per_s: float


@dataclass(frozen=True)
class NodeTrace:
    """What an emulated node did with the frames it was shown.

    Attributes:
        count: (N,) int64, people as answered for each frame; -1 where no answer came.
        looked: (N,) bool, frames that the duty policy provided for an answer.
        inference_s: (N,) float64, time of front end and network, for which the timing pin was high; nan where no answer
            came.
        answer_delay_s: (N,) float64, from a frame's measurement to the end of its line of text; nan without one.
        residency_s: Seconds per power state of the microcontroller, over a span of whole periods or cycles.
        sensor_residency_s: Seconds per power state of the sensor over the same span.
        occupancy_s: Seconds by power state of the microcontroller and of the sensor, both at once, over that span.
        messages: How often something was handed to the radio in that span.
        power_ups: How often the sensor was powered up in it.
        span_s: Length of that span.
        span: Which span it is.
        last_period: Power states of the microcontroller from one answer to the next, the last two; the last few of the
            span for a policy that does not answer each frame at once.
        problems: What the firmware did that the hardware would not honour.
        rhythm: What the frames made of the policy; None where nobody has worked it out.
    """

    count: NDArray[np.int64]
    looked: NDArray[np.bool_]
    inference_s: NDArray[np.float64]
    answer_delay_s: NDArray[np.float64]
    residency_s: Mapping[PowerState, float]
    sensor_residency_s: Mapping[str, float]
    occupancy_s: Mapping[tuple[PowerState, str], float]
    messages: int
    power_ups: int
    span_s: float
    span: str
    last_period: tuple[StateSpan, ...]
    problems: tuple[str, ...]
    rhythm: Rhythm | None = None


class Progress(Protocol):
    """Hears how far a run has come."""

    def __call__(self, done: int, total: int) -> None:
        """`done` of `total` frames."""


def no_progress(done: int, total: int) -> None:
    """Say nothing."""


def emulate_node(
    board: Board,
    image: FirmwareImage,
    recording: Recording,
    sheet: GridEyeSheet,
    *,
    policy: DutyPolicy = ALWAYS_ON,
    bus: str = "I2C1",
    address: int = 0x69,
    backend: BackendName = "unicorn",
    rates: Mapping[int, float] | None = None,
    progress: Progress = no_progress,
    tick_ends: list[Mapping[PowerState, float]] | None = None,
) -> NodeTrace:
    """Show every frame of `recording` to the firmware and collect its answers.

    The node is powered on with the sensor; the recording begins when the firmware first reads pixels, half a frame
    into frame 0, and with opening hours when the firmware's clock does. It goes on while the sensor is off. A cycle of
    the policy that is longer than the recording is played to its end, in front of the last frame. Sensor and
    microcontroller keep the same time: clock drift between them is not modelled.

    Args:
        board: The board.
        image: Its firmware.
        recording: What the sensor sees.
        sheet: The sensor.
        policy: When it looks; put into the image.
        bus: I2C bus the sensor is on.
        address: Address of the sensor on it.
        backend: What emulates.
        rates: Instructions a second by core clock, for a backend that only counts instructions (`node_rates`).
        progress: Hears how many frames are done.
        tick_ends: Is filled with the seconds per power state until the end of each tick of the span, and of the tick
            before it.

    Raises:
        NodeFailedError: The firmware crashed, never read a frame, or answered without a pulse on the timing pin.
        BadInputError: The firmware knows no policies.
    """
    device = Amg8833(recording, sheet=sheet, address=address)
    with open_emulator(backend, board, policy.applied_to(image), rates=rates) as emulator:
        emulator.attach_i2c(bus, device)
        player = _Player(emulator, device, bus, len(recording.frames), sheet, policy, progress)
        return player.play(tick_ends)


def node_rates(
    board: Board,
    image: FirmwareImage,
    recording: Recording,
    sheet: GridEyeSheet,
    *,
    bus: str,
    address: int,
    policy: DutyPolicy = ALWAYS_ON,
) -> dict[int, float]:
    """Return how many instructions a second the firmware executes at each core clock, as the cycle model has it.

    Raises:
        NodeFailedError: The firmware did not do its work.
    """
    device = Amg8833(recording, sheet=sheet, address=address)
    emulator = UnicornEmulator(board, policy.applied_to(image))
    emulator.attach_i2c(bus, device)
    _Player(emulator, device, bus, len(recording.frames), sheet, policy, no_progress).play(None)
    return instruction_rates(emulator.executed())


class _Player:
    """Lets an emulator run until everything has been answered and seen."""

    def __init__(
        self,
        emulator: Emulator,
        device: Amg8833,
        bus: str,
        frames: int,
        sheet: GridEyeSheet,
        policy: DutyPolicy,
        progress: Progress,
    ) -> None:
        self._emulator, self._device, self._policy, self._progress = emulator, device, policy, progress
        self._place = f"{device.address:#x} of {bus}"
        self._period_s = 1.0 / sheet.fast_frame_rate_hz.value
        self._collector = _Collector(device, emulator, frames, self._period_s, policy)
        emulator.on_uart_line(self._collector.hear)
        emulator.on_pin_edge(self._collector.see)
        device.on_power_state(self._collector.sensor_changed)
        if policy.has_switch:
            device.power_off(0.0)

    def play(self, tick_ends: list[Mapping[PowerState, float]] | None) -> NodeTrace:
        """Play the recording."""
        device, collector = self._device, self._collector
        collector.is_marked_from_outside = not self._policy.is_plain or tick_ends is not None
        step_s = SHORT_STEP_S if collector.is_marked_from_outside else STEP_S
        self._run(FIRST_LOOK_LIMIT_S, lambda: device.first_frame_s is not None, no_progress, step_s)
        if device.first_frame_s is None:
            raise NodeFailedError(
                f"the firmware read no frame within {FIRST_LOOK_LIMIT_S:g} s from the sensor at {self._place}; "
                f"{_last_words(self._emulator)}"
            )
        if not collector.is_marked_from_outside:
            self._run(collector.measured_s(collector.frames) + STEP_S, lambda: collector.is_complete, self._progress)
        else:
            self._play_span(tick_ends)
        return collector.trace(self._emulator.problems)

    def _play_span(self, tick_ends: list[Mapping[PowerState, float]] | None) -> None:
        policy, collector = self._policy, self._collector
        span = measured_span(policy, collector.frames)
        collector.span = span.text
        self._run_behind(span.first)
        collector.mark_now()
        if tick_ends is not None:
            tick_ends.append(self._emulator.residency_s())
            for tick in range(span.first + 1, span.last):
                self._run_behind(tick)
                tick_ends.append(self._emulator.residency_s())
        self._run_behind(span.last)
        collector.mark_now()
        if tick_ends is not None:
            tick_ends.append(self._emulator.residency_s())
        self._run_behind(collector.frames)
        last = collector.frames + until_told(policy)
        self._run(self._behind_s(last), lambda: collector.has_booked_all, self._progress)

    def _behind_s(self, tick: int) -> float:
        """Return the time behind what the firmware does when frame `tick` is new."""
        return self._collector.measured_s(tick) + self._period_s / 2 + BEHIND_TICK_S

    def _run_behind(self, tick: int) -> None:
        self._run(self._behind_s(tick), lambda: False, self._progress)

    def _run(self, end_s: float, done: Callable[[], bool], progress: Progress, step_s: float = STEP_S) -> None:
        emulator, collector = self._emulator, self._collector
        while not done() and emulator.now_s < end_s:
            outcome = emulator.run(until_s=min(emulator.now_s + step_s, end_s))
            if outcome.end in ("fault", "halt"):
                raise NodeFailedError(f"the firmware stopped after {outcome.virtual_s:.3f} s: {outcome.detail}")
            progress(collector.frames_done(emulator.now_s), collector.frames)


def _last_words(emulator: Emulator) -> str:
    lines = emulator.uart_lines()
    return f"its last line of text: {lines[-1].text!r}" if lines else "it sent no text"


@dataclass(frozen=True)
class _Mark:
    """Residencies at some time, and the sensor's state from then on."""

    time_s: float
    board: Mapping[PowerState, float]
    sensor_state: str


@dataclass(frozen=True)
class _Pulse:
    """A pulse of the timing pin: a frame's inference. Frame -1: it came after the recording."""

    frame: int
    seconds: float


class _Collector:
    """Takes the firmware's lines and pulses, and books each to the frame it was computed from."""

    def __init__(
        self, device: Amg8833, emulator: Emulator, frames: int, period_s: float, policy: DutyPolicy = ALWAYS_ON
    ) -> None:
        self.frames = frames
        self.span = "from the first answer to the last"
        self.is_marked_from_outside = False
        self._policy = policy
        self._device = device
        self._emulator = emulator
        self._period_s = period_s
        self._count = np.full(frames, UNANSWERED, dtype=np.int64)
        self._inference_s = np.full(frames, np.nan)
        self._delay_s = np.full(frames, np.nan)
        self._rise_s = math.nan
        self._pulses: list[_Pulse] = []
        self._messages_s: list[float] = []
        self._power_ups_s: list[float] = []
        self._sensor_state = "off" if policy.has_switch else "normal"
        self._changes: list[_Mark] = []
        self._first: _Mark | None = None
        self._last: _Mark | None = None
        self._sensor_at: list[Mapping[str, float]] = []
        self._spans: tuple[StateSpan, ...] = ()
        self._answered_s: float | None = None

    @property
    def is_complete(self) -> bool:
        """Whether the last frame has been answered."""
        return bool(self._count[-1] != UNANSWERED)

    @property
    def has_booked_all(self) -> bool:
        """Whether every frame that was looked at has been answered."""
        return not any(pulse.frame != UNANSWERED for pulse in self._pulses)

    def measured_s(self, frame: int) -> float:
        """Virtual time at which a frame is measured."""
        return (self._device.first_frame_s or 0.0) + frame * self._period_s

    def frames_done(self, time_s: float) -> int:
        """Return how many frames have been measured."""
        return max(0, min(math.floor((time_s - self.measured_s(0)) / self._period_s) + 1, self.frames))

    def see(self, edge: PinEdge) -> None:
        """Take one edge of a pin."""
        pin = edge.port, edge.pin
        if pin == TIMING_PIN:
            self._time(edge)
        elif pin == SENSOR_SWITCH and self._policy.has_switch:
            if edge.high:
                self._power_ups_s.append(edge.time_s)
            (self._device.power_on if edge.high else self._device.power_off)(edge.time_s)
        elif pin == RADIO_PIN and edge.high:
            self._messages_s.append(edge.time_s)

    def _time(self, edge: PinEdge) -> None:
        if edge.high:
            self._rise_s = edge.time_s
            return
        is_shown = self.measured_s(self.frames) > edge.time_s
        frame = self._device.latched_frame if is_shown else UNANSWERED
        self._pulses.append(_Pulse(frame, edge.time_s - self._rise_s))

    def sensor_changed(self, time_s: float, state: str) -> None:
        """Take a change of the sensor's power state."""
        self._sensor_state = state
        self._changes.append(self._mark(time_s))

    def _mark(self, time_s: float) -> _Mark:
        return _Mark(time_s, self._emulator.residency_s(), self._sensor_state)

    def mark_now(self) -> None:
        """Begin or end the span."""
        before = self._last
        self._bound(self._emulator.now_s)
        if before is not None and self._last is not None and not self._policy.is_plain:
            self._spans = _within(self._emulator.recent_spans(), before.time_s, self._last.time_s)

    def _bound(self, time_s: float) -> None:
        self._last = self._mark(time_s)
        self._first = self._first or self._last
        sensor = {str(state): span_s for state, span_s in self._device.state_residency_s(time_s).items()}
        self._sensor_at = [*self._sensor_at[:1], sensor]

    def hear(self, line: UartLine) -> None:
        """Take one line of text.

        Raises:
            NodeFailedError: It is an answer, and the timing pin made no pulse before it.
        """
        if self._policy.opening is not None:
            self._device.begin_recording(line.time_s - self._period_s / 2)
        answer, batch = answer_in(line.text), BATCH.match(line.text)
        if batch is not None:
            self._book_all(batch[2], line.time_s)
        elif answer is not None and not (self._policy.is_plain and self.is_complete):
            self._book_last(answer, line.time_s)

    def _book_last(self, people: int, time_s: float) -> None:
        """Book an answer to the last pulse; one before it may have been cut short by a reset."""
        self._check_pulses(1)
        self._book(self._pulses[-1], people, time_s)
        self._pulses.clear()
        if self._policy.is_plain:
            self._end_period(time_s)

    def _end_period(self, time_s: float) -> None:
        before_s, self._answered_s = self._answered_s, time_s
        if self.is_complete and before_s is not None:
            self._spans = _within(self._emulator.recent_spans(), before_s, time_s)
        if not self.is_marked_from_outside:
            self._bound(time_s)

    def _book_all(self, digits: str, time_s: float) -> None:
        """Book a report's answers to the pulses since the last; those that came while it was sent are left."""
        self._check_pulses(len(digits))
        for pulse, digit in zip(self._pulses, digits, strict=False):
            self._book(pulse, int(digit), time_s)
        del self._pulses[: len(digits)]

    def _book(self, pulse: _Pulse, people: int, time_s: float) -> None:
        if pulse.frame == UNANSWERED:
            return
        self._count[pulse.frame] = people
        self._inference_s[pulse.frame] = pulse.seconds
        self._delay_s[pulse.frame] = time_s - self.measured_s(pulse.frame)

    def _check_pulses(self, answers: int) -> None:
        if len(self._pulses) < answers:
            pin = f"P{TIMING_PIN[0][-1]}{TIMING_PIN[1]}"
            raise NodeFailedError(
                f"the firmware answered without a pulse on {pin}, by which inferences are timed: "
                f"it has to hold {pin} high while front end and network run"
            )

    def trace(self, problems: tuple[str, ...]) -> NodeTrace:
        """Return what was collected.

        Raises:
            NodeFailedError: Fewer than two answers came, so no period was seen.
        """
        first, last = self._first, self._last
        if first is None or last is None or first is last:
            seen = _last_words(self._emulator)
            raise NodeFailedError(f'the firmware sent fewer than two answers ("FRAME COUNT"); {seen}')
        sensor = self._sensor_at
        return NodeTrace(
            count=self._count,
            looked=np.ones(self.frames, np.bool_) if self._policy.is_plain else self._count != UNANSWERED,
            inference_s=self._inference_s,
            answer_delay_s=self._delay_s,
            residency_s={s: t - first.board.get(s, 0.0) for s, t in last.board.items()},
            sensor_residency_s={s: t - sensor[0].get(s, 0.0) for s, t in sensor[-1].items()},
            occupancy_s=_occupancy_s(first, self._changes, last, STARTUP_TICKS * self._period_s),
            messages=sum(first.time_s < time_s <= last.time_s for time_s in self._messages_s),
            power_ups=sum(first.time_s < time_s <= last.time_s for time_s in self._power_ups_s),
            span_s=last.time_s - first.time_s,
            span=self.span,
            last_period=self._spans,
            problems=problems,
        )


def _occupancy_s(
    first: _Mark, changes: list[_Mark], last: _Mark, startup_s: float
) -> dict[tuple[PowerState, str], float]:
    """Return the seconds by state of the microcontroller and of the sensor between two marks."""
    within = [change for change in changes if first.time_s < change.time_s < last.time_s]
    occupancy: dict[tuple[PowerState, str], float] = {}
    for begin, end in pairwise([first, *within, last]):
        spent = {state: seconds - begin.board.get(state, 0.0) for state, seconds in end.board.items()}
        state = begin.sensor_state
        if state == "startup":
            # Nobody says when these 50 ms are over; the microcontroller sleeps through them.
            deepest = max(spent, key=lambda one: spent[one])
            asleep_s = min(startup_s, spent[deepest])
            spent[deepest] -= asleep_s
            _add(occupancy, (deepest, state), asleep_s)
            state = "normal"
        for mcu, seconds in spent.items():
            _add(occupancy, (mcu, state), seconds)
    return occupancy


def _add(occupancy: dict[tuple[PowerState, str], float], key: tuple[PowerState, str], seconds: float) -> None:
    if seconds > 0:
        occupancy[key] = occupancy.get(key, 0.0) + seconds


def _within(spans: tuple[StateSpan, ...], begin_s: float, end_s: float) -> tuple[StateSpan, ...]:
    """Return the parts of `spans` between two times, which then count from 0."""
    cut = ((s.state, max(s.begin_s, begin_s) - begin_s, min(s.end_s, end_s) - begin_s) for s in spans)
    return tuple(StateSpan(state, first_s, last_s) for state, first_s, last_s in cut if last_s > first_s)
