"""The emulated level: every frame goes through the firmware in the emulator, I2C and all."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from mcu_models.emulators.backends import open_emulator
from mcu_models.emulators.renode.instruction_rates import instruction_rates
from mcu_models.emulators.unicorn_backend import UnicornEmulator
from mcu_models.emulators.virtual_clock import StateSpan
from sensors.amg8833 import Amg8833

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

ANSWER = re.compile(r"^(\d+) (\d+)$")
"""A line of the people counter: frame, people counted."""
TIMING_PIN = ("GPIOA", 8)
"""The pin that firmware holds high while front end and network run (`mcu_models/firmware/drivers/timing_pin.h`): an
inference is timed from outside, with what a logic analyser sees of a real board."""
FIRST_LOOK_LIMIT_S = 60.0
"""Virtual time after which a node that has not read a frame is given up."""
STEP_S = 1.0
UNANSWERED = -1


class NodeFailedError(RuntimeError):
    """The firmware did not do its work; the text says what was seen."""


@dataclass(frozen=True)
class NodeTrace:
    """What an emulated node did with the frames it was shown.

    Attributes:
        count: (N,) int64, people as answered for each frame; -1 where no answer came.
        inference_s: (N,) float64, time of front end and network, for which the timing pin was high; nan where no answer
            came.
        answer_delay_s: (N,) float64, from a frame's measurement to the end of its line of text; nan without one.
        residency_s: Seconds per power state of the microcontroller, over whole periods from the first answer to
            the last.
        sensor_residency_s: Seconds per power state of the sensor over the same span.
        span_s: Length of that span.
        last_period: Power states of the microcontroller from one answer to the next, the last two.
        problems: What the firmware did that the hardware would not honour.
    """

    count: NDArray[np.int64]
    inference_s: NDArray[np.float64]
    answer_delay_s: NDArray[np.float64]
    residency_s: Mapping[PowerState, float]
    sensor_residency_s: Mapping[str, float]
    span_s: float
    last_period: tuple[StateSpan, ...]
    problems: tuple[str, ...]


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
    bus: str = "I2C1",
    address: int = 0x69,
    backend: BackendName = "unicorn",
    rates: Mapping[int, float] | None = None,
    progress: Progress = no_progress,
) -> NodeTrace:
    """Show every frame of `recording` to the firmware and collect its answers.

    The node is powered on with the sensor; the recording begins when the firmware first reads pixels, half a frame
    into frame 0. Sensor and microcontroller keep the same time: clock drift between them is not modelled.

    Args:
        board: The board.
        image: Its firmware.
        recording: What the sensor sees.
        sheet: The sensor.
        bus: I2C bus the sensor is on.
        address: Address of the sensor on it.
        backend: What emulates.
        rates: Instructions a second by core clock, for a backend that only counts instructions (`node_rates`).
        progress: Hears how many frames are done.

    Raises:
        NodeFailedError: The firmware crashed, never read a frame, or answered without a pulse on the timing pin.
    """
    device = Amg8833(recording, sheet=sheet, address=address)
    with open_emulator(backend, board, image, rates=rates) as emulator:
        emulator.attach_i2c(bus, device)
        return _answers(emulator, device, bus, len(recording.frames), sheet, progress)


def node_rates(
    board: Board, image: FirmwareImage, recording: Recording, sheet: GridEyeSheet, *, bus: str, address: int
) -> dict[int, float]:
    """Return how many instructions a second the firmware executes at each core clock, as the cycle model has it.

    Raises:
        NodeFailedError: The firmware did not do its work.
    """
    device = Amg8833(recording, sheet=sheet, address=address)
    emulator = UnicornEmulator(board, image)
    emulator.attach_i2c(bus, device)
    _answers(emulator, device, bus, len(recording.frames), sheet, no_progress)
    return instruction_rates(emulator.executed())


def _answers(
    emulator: Emulator, device: Amg8833, bus: str, frames: int, sheet: GridEyeSheet, progress: Progress
) -> NodeTrace:
    collector = _Collector(device, emulator, frames, 1.0 / sheet.fast_frame_rate_hz.value)
    emulator.on_uart_line(collector.hear)
    emulator.on_pin_edge(collector.see)
    _run(emulator, device, collector, FIRST_LOOK_LIMIT_S, lambda: device.first_frame_s is not None)
    if device.first_frame_s is None:
        place = f"{device.address:#x} of {bus}"
        raise NodeFailedError(
            f"the firmware read no frame within {FIRST_LOOK_LIMIT_S:g} s from the sensor at {place}; "
            f"{_last_words(emulator)}"
        )
    end_s = collector.measured_s(frames) + STEP_S
    _run(emulator, device, collector, end_s, lambda: collector.is_complete, progress)
    return collector.trace(emulator.problems)


def _run(
    emulator: Emulator,
    device: Amg8833,
    collector: _Collector,
    end_s: float,
    done: Callable[[], bool],
    progress: Progress = no_progress,
) -> None:
    while not done() and emulator.now_s < end_s:
        outcome = emulator.run(until_s=min(emulator.now_s + STEP_S, end_s))
        if outcome.end in ("fault", "halt"):
            raise NodeFailedError(f"the firmware stopped after {outcome.virtual_s:.3f} s: {outcome.detail}")
        progress(min(device.latched_frame + 1, collector.frames), collector.frames)


def _last_words(emulator: Emulator) -> str:
    lines = emulator.uart_lines()
    return f"its last line of text: {lines[-1].text!r}" if lines else "it sent no text"


@dataclass(frozen=True)
class _Mark:
    """Residencies at the end of an answer."""

    time_s: float
    board: Mapping[PowerState, float]
    sensor: Mapping[str, float]


class _Stopwatch:
    """Times the pulses of the timing pin."""

    def __init__(self) -> None:
        self._rise_s = math.nan
        self._pulse_s: float | None = None

    def see(self, edge: PinEdge) -> None:
        """Take an edge of any pin."""
        if (edge.port, edge.pin) != TIMING_PIN:
            return
        if edge.high:
            self._rise_s = edge.time_s
        else:
            self._pulse_s = edge.time_s - self._rise_s

    def take(self) -> float:
        """Return the length of the last complete pulse, and forget it.

        Raises:
            NodeFailedError: There was none since the last call.
        """
        pulse_s, self._pulse_s = self._pulse_s, None
        if pulse_s is None:
            pin = f"P{TIMING_PIN[0][-1]}{TIMING_PIN[1]}"
            raise NodeFailedError(
                f"the firmware answered without a pulse on {pin}, by which inferences are timed: "
                f"it has to hold {pin} high while front end and network run"
            )
        return pulse_s


class _Collector:
    """Takes the firmware's lines and pulses, and books each to the frame it was computed from."""

    def __init__(self, device: Amg8833, emulator: Emulator, frames: int, period_s: float) -> None:
        self.frames = frames
        self._device = device
        self._emulator = emulator
        self._period_s = period_s
        self._count = np.full(frames, UNANSWERED, dtype=np.int64)
        self._inference_s = np.full(frames, np.nan)
        self._delay_s = np.full(frames, np.nan)
        self._stopwatch = _Stopwatch()
        self._first: _Mark | None = None
        self._last: _Mark | None = None
        self._spans: tuple[StateSpan, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether the last frame has been answered."""
        return bool(self._count[-1] != UNANSWERED)

    def measured_s(self, frame: int) -> float:
        """Virtual time at which a frame is measured."""
        return (self._device.first_frame_s or 0.0) + frame * self._period_s

    def see(self, edge: PinEdge) -> None:
        """Take one edge of a pin."""
        self._stopwatch.see(edge)

    def hear(self, line: UartLine) -> None:
        """Take one line of text.

        Raises:
            NodeFailedError: It is an answer, and the timing pin made no pulse before it.
        """
        answer = ANSWER.match(line.text)
        if answer is None or self.is_complete:
            return
        frame = self._device.latched_frame
        self._count[frame] = int(answer[2])
        self._inference_s[frame] = self._stopwatch.take()
        self._delay_s[frame] = line.time_s - self.measured_s(frame)
        sensor = {str(state): span_s for state, span_s in self._device.state_residency_s(line.time_s).items()}
        mark = _Mark(line.time_s, self._emulator.residency_s(), sensor)
        if self.is_complete and self._last is not None:
            self._spans = _within(self._emulator.recent_spans(), self._last.time_s, mark.time_s)
        self._first = self._first or mark
        self._last = mark

    def trace(self, problems: tuple[str, ...]) -> NodeTrace:
        """Return what was collected.

        Raises:
            NodeFailedError: Fewer than two answers came, so no period was seen.
        """
        first, last = self._first, self._last
        if first is None or last is None or first is last:
            seen = _last_words(self._emulator)
            raise NodeFailedError(f'the firmware sent fewer than two answers ("FRAME COUNT"); {seen}')
        return NodeTrace(
            count=self._count,
            inference_s=self._inference_s,
            answer_delay_s=self._delay_s,
            residency_s={s: t - first.board.get(s, 0.0) for s, t in last.board.items()},
            sensor_residency_s={s: t - first.sensor.get(s, 0.0) for s, t in last.sensor.items()},
            span_s=last.time_s - first.time_s,
            last_period=self._spans,
            problems=problems,
        )


def _within(spans: tuple[StateSpan, ...], begin_s: float, end_s: float) -> tuple[StateSpan, ...]:
    """Return the parts of `spans` between two times, which then count from 0."""
    cut = ((s.state, max(s.begin_s, begin_s) - begin_s, min(s.end_s, end_s) - begin_s) for s in spans)
    return tuple(StateSpan(state, first_s, last_s) for state, first_s, last_s in cut if last_s > first_s)
