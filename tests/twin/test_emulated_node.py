"""How the emulated level books answers and times inferences: by the timing pin, from outside."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from mcu_models.boards.board import find_board
from mcu_models.emulators.port import PinEdge, UartLine
from mcu_models.emulators.virtual_clock import PowerState
from mcu_models.firmware.library import find_image
from scenarios.room import load_scenario
from scenarios.simulation import simulate
from sensors.grid_eye_sheet import load_grid_eye
from sensors.mount import Mount
from sensors.sensing import sense
from twin import emulated_node
from twin.emulated_node import TIMING_PIN, NodeFailedError, _Collector, emulate_node

if TYPE_CHECKING:
    from sensors.recording import Recording

IMAGE = "people_counter_stm32l4a6zg"
PERIOD_S = 0.1
RUN = PowerState("run", 80_000_000)


@dataclass
class FakeDevice:
    """A sensor whose frames are latched by hand."""

    latched_frame: int = 0
    first_frame_s: float = 0.0

    def state_residency_s(self, time_s: float) -> dict[str, float]:
        return {"normal": time_s}


@dataclass
class FakeEmulator:
    """An emulator that only says what it has spent."""

    now_s: float = 0.0
    lines: list[UartLine] = field(default_factory=list)

    def residency_s(self) -> dict[PowerState, float]:
        return {RUN: self.now_s}

    def recent_spans(self) -> tuple[()]:
        return ()

    def uart_lines(self) -> list[UartLine]:
        return self.lines


class Node:
    """A collector, and what it sees and hears."""

    def __init__(self, frames: int) -> None:
        self.device, self.emulator = FakeDevice(), FakeEmulator()
        device: Any = self.device
        emulator: Any = self.emulator
        self.collector = _Collector(device, emulator, frames, PERIOD_S)

    def pulse(self, begin_s: float, length_s: float, pin: tuple[str, int] = TIMING_PIN) -> None:
        self.collector.see(PinEdge(begin_s, *pin, high=True))
        self.collector.see(PinEdge(begin_s + length_s, *pin, high=False))

    def say(self, time_s: float, text: str) -> None:
        self.emulator.now_s = time_s
        self.emulator.lines.append(UartLine(time_s, text))
        self.collector.hear(self.emulator.lines[-1])

    def answer(self, frame: int, people: int, inference_s: float) -> None:
        self.device.latched_frame = frame
        self.pulse(frame * PERIOD_S + 0.05, inference_s)
        self.say(frame * PERIOD_S + 0.06, f"{frame} {people}")


def test_an_inference_takes_as_long_as_the_pulse_before_its_line() -> None:
    node = Node(3)
    for frame, (people, inference_s) in enumerate([(1, 2e-4), (2, 3e-4), (0, 4e-4)]):
        node.answer(frame, people, inference_s)
    trace = node.collector.trace(())
    assert trace.count.tolist() == [1, 2, 0]
    assert trace.inference_s.tolist() == pytest.approx([2e-4, 3e-4, 4e-4])
    assert trace.answer_delay_s.tolist() == pytest.approx([0.06] * 3)


def test_a_frame_without_an_answer_has_no_time() -> None:
    node = Node(3)
    node.answer(0, 1, 2e-4)
    node.answer(2, 1, 2e-4)
    trace = node.collector.trace(())
    assert trace.count.tolist() == [1, -1, 1]
    assert np.isnan(trace.inference_s).tolist() == [False, True, False]


def test_other_pins_and_pulses_without_an_answer_do_not_count() -> None:
    """An inference that a reset has cut short gave no line; the pulse behind it is the one."""
    node = Node(2)
    node.pulse(0.01, 7e-4)
    node.pulse(0.02, 2e-4)
    node.pulse(0.03, 9e-4, ("GPIOA", 5))
    node.pulse(0.04, 9e-4, ("GPIOB", 8))
    node.say(0.06, "people counter")
    node.say(0.07, "0 3")
    node.answer(1, 3, 5e-4)
    assert node.collector.trace(()).inference_s.tolist() == pytest.approx([2e-4, 5e-4])


def test_an_answer_without_a_pulse_of_its_own_fails() -> None:
    node = Node(3)
    node.answer(0, 1, 2e-4)
    node.device.latched_frame = 1
    with pytest.raises(NodeFailedError, match="without a pulse on PA8"):
        node.say(0.16, "1 1")


def test_an_answer_while_the_pin_is_still_high_fails() -> None:
    node = Node(2)
    node.collector.see(PinEdge(0.01, *TIMING_PIN, high=True))
    with pytest.raises(NodeFailedError, match="has to hold PA8 high"):
        node.say(0.06, "0 1")


@pytest.mark.parametrize("text", ["0 1 15563", "0", "0 -1", "0 1 ", "frame 0 1"])
def test_other_lines_are_no_answers(text: str) -> None:
    node = Node(2)
    node.pulse(0.01, 2e-4)
    node.say(0.06, text)
    with pytest.raises(NodeFailedError, match="fewer than two answers") as failed:
        node.collector.trace(())
    assert repr(text) in str(failed.value)


@pytest.fixture(scope="module")
def recording() -> Recording:
    scenario = load_scenario("office_doorway")
    place = scenario.sensor_mount
    mount = Mount(place.x_m, place.y_m, place.height_m, place.yaw_deg)
    return sense(simulate(scenario, seconds=5, seed=3), mount, load_grid_eye(), seed=3)


def test_the_reference_image_times_every_inference(recording: Recording) -> None:
    trace = emulate_node(find_board("stm32l4a6zg"), find_image(IMAGE), recording, load_grid_eye())
    assert np.isfinite(trace.inference_s).all()
    computing_s = next(seconds for state, seconds in trace.residency_s.items() if state == RUN)
    # At 80 MHz it computes, and besides only switches its clock.
    assert 0.95 * computing_s < trace.inference_s[1:].sum() < computing_s


def test_firmware_that_holds_another_pin_high_fails_in_one_line(
    recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emulated_node, "TIMING_PIN", ("GPIOC", 9))
    with pytest.raises(NodeFailedError, match="without a pulse on PC9") as failed:
        emulate_node(find_board("stm32l4a6zg"), find_image(IMAGE), recording, load_grid_eye())
    assert "\n" not in str(failed.value)
