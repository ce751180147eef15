"""The people counter behind faults of its sensor, its bus and itself: right again within 3 s, and no number lost."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from mcu_models.boards.board import find_board
from mcu_models.emulators.fault_injection import inject
from mcu_models.emulators.fault_plan import FaultPlan
from mcu_models.emulators.faulty_device import FaultyDevice
from mcu_models.emulators.unicorn_backend import UnicornEmulator
from mcu_models.firmware.library import find_image
from mcu_models.networks.library import find_network
from scenarios.room import load_scenario
from scenarios.simulation import simulate
from sensors.amg8833 import Amg8833
from sensors.grid_eye_sheet import load_grid_eye
from sensors.mount import Mount
from sensors.recording import PIXEL_STEP_DEGC
from sensors.sensing import sense
from twin.duty_policy import SENSOR_SWITCH, PolicyConfig, duty_policy
from twin.emulated_node import ANSWER, BATCH
from twin.host_node import host_count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcu_models.emulators.image import FirmwareImage
    from mcu_models.emulators.port import PinEdge, UartLine
    from mcu_models.emulators.snapshot import Snapshot
    from sensors.recording import Recording

BOARD, IMAGE, NETWORK = "stm32l4a6zg", "people_counter_stm32l4a6zg", "people_c16_p_c16_fc_w3"
BEGIN_S = 19.0
"""When a fault begins: 13 frames have been answered."""
WITHIN_S = 3.0
SENSOR = {"bus": "I2C1", "address": 0x69}
BUS = {"bus": "I2C1", "scl": "PB8", "sda": "PB9"}
LPTIM_CR = 0x10
BRANCH_TO_SELF = b"\xfe\xe7"


def lasting(kind: str, seconds: float, *, phase_s: float = 0.0, **keys: Any) -> tuple[dict[str, Any], float]:
    """Return a plan with one fault, and when it is over."""
    begin_s = BEGIN_S + phase_s
    return {kind: ({"from_s": begin_s, "until_s": begin_s + seconds, **keys},)}, begin_s + seconds


def stuck(**keys: Any) -> dict[str, Any]:
    return {"i2c_stuck": ({"from_s": BEGIN_S, **BUS, **keys},)}


FAULTS: dict[str, tuple[dict[str, Any], float]] = {
    "address refused once": lasting("i2c_nack", 1.0, **SENSOR, times=1),
    "byte refused once": lasting("i2c_nack", 1.0, **SENSOR, byte=1, times=1),
    "refused for 0.3 s": lasting("i2c_nack", 0.3, **SENSOR),
    "refused for 4 s": lasting("i2c_nack", 4.0, **SENSOR),
    **{f"supply lost for 10 ms at {at_s}": lasting("i2c_brown_out", 0.01, phase_s=at_s, **SENSOR)
       for at_s in (0.0, 0.03, 0.06, 0.0995)},
    "supply lost for 0.3 s": lasting("i2c_brown_out", 0.3, **SENSOR),
    "supply lost for 10 s": lasting("i2c_brown_out", 10.0, **SENSOR),
    "SDA low for 0.5 s": (stuck(seconds=0.5), BEGIN_S + 0.5),
    "SDA low for 5 s": (stuck(seconds=5.0), BEGIN_S + 5.0),
    "SDA low for 9 clocks": (stuck(clocks=9), BEGIN_S),
    "all ones for 1.5 s": lasting("i2c_data", 1.5, **SENSOR, value=0xFF),
    "all zeros for a frame": lasting("i2c_data", 1.0, **SENSOR, value=0, times=128),
    "8 degC flipped once": lasting("i2c_data", 1.0, **SENSOR, flip=0x20, offset=40, times=1),
    "4 degC flipped in 71 % for 0.6 s": lasting("i2c_data", 0.6, **SENSOR, flip=0x10, probability=0.71),
    "8 degC flipped in 10 % for 0.6 s": lasting("i2c_data", 0.6, **SENSOR, flip=0x20, probability=0.1),
    "far out of range once": lasting("i2c_data", 1.0, **SENSOR, flip=0x07, offset=41, times=1),
    "crystal 0.2 % fast": ({"clock_drift": ({"oscillator": "lse", "ppm": 2000.0, "from_s": BEGIN_S},)}, BEGIN_S),
}  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """A line with an answer, and the frame that was shown."""

    time_s: float
    frame: int
    number: int
    people: int


class Bench:
    """A people counter under an office's doorway."""

    def __init__(self, image: FirmwareImage, recording: Recording) -> None:
        self.emulator = UnicornEmulator(find_board(BOARD), image)
        self.emulator.attach_i2c("I2C1", Amg8833(recording, sheet=load_grid_eye()))
        self.emulator.on_pin_edge(self._see)

    def run(self, until_s: float) -> list[Answer]:
        """Run on, and return the answers that came meanwhile."""
        answers, heard = [], len(self.emulator.uart_lines())
        while self.emulator.now_s < until_s:
            self.emulator.run(until_s=min(self.emulator.now_s + 0.03, until_s))
            lines = self.emulator.uart_lines()
            answers += list(self._answers(lines[heard:]))
            heard = len(lines)
        return answers

    def _answers(self, lines: Any) -> Iterator[Answer]:
        for line in lines:
            if found := ANSWER.match(line.text):
                yield Answer(line.time_s, self.device.latched_frame, int(found[1]), int(found[2]))

    @property
    def device(self) -> Amg8833:
        """The sensor, behind whatever disturbs it."""
        attached: Any = self.emulator.connections.devices_on("I2C1")[0x69]
        found = attached.device if isinstance(attached, FaultyDevice) else attached
        assert isinstance(found, Amg8833)
        return found

    def texts(self, from_s: float) -> list[str]:
        return [line.text for line in self.emulator.uart_lines() if line.time_s >= from_s]

    def _see(self, edge: PinEdge) -> None:
        if (edge.port, edge.pin) == SENSOR_SWITCH:
            (self.device.power_on if edge.high else self.device.power_off)(edge.time_s)


@pytest.fixture(scope="module")
def recording() -> Recording:
    scenario, sheet = load_scenario("office_doorway"), load_grid_eye()
    place = scenario.sensor_mount
    mount = Mount(place.x_m, place.y_m, place.height_m, place.yaw_deg)
    return sense(simulate(scenario, seconds=16, seed=1), mount, sheet, seed=1)


@pytest.fixture(scope="module")
def begun(recording: Recording) -> tuple[Bench, Snapshot, list[Answer]]:
    """Return a bench, its state shortly before faults begin, and the answers up to then."""
    bench = Bench(find_image(IMAGE), recording)
    answers = bench.run(BEGIN_S - 0.05)
    assert len(answers) > 10
    return bench, bench.emulator.snapshot(), answers


def assert_right(answers: list[Answer], recording: Recording) -> None:
    """Numbers go on, and people are those of a node to which the frames that are missing were never shown."""
    assert [answer.number for answer in answers] == list(range(len(answers)))
    expected = host_count(find_network(NETWORK), recording.frames[[answer.frame for answer in answers]])
    assert [answer.people for answer in answers] == expected.tolist()


@pytest.mark.parametrize("name", FAULTS)
def test_answers_are_right_again_within_three_seconds(
    name: str, begun: tuple[Bench, Snapshot, list[Answer]], recording: Recording
) -> None:
    bench, snapshot, before = begun
    plan, end_s = FAULTS[name]
    bench.emulator.restore(snapshot)
    inject(bench.emulator, FaultPlan.model_validate(plan))
    answers = before + bench.run(end_s + WITHIN_S + 0.5)
    assert bench.emulator.connections.disturbances.listed
    assert_right(answers, recording)
    later = [answer.time_s for answer in answers if answer.time_s > end_s]
    assert later[0] < end_s + WITHIN_S
    assert all(second - first < 0.2 for first, second in pairwise(later))
    assert not bench.emulator.resets
    assert not bench.emulator.faults


@pytest.mark.parametrize(("bit", "share"), [(0, 0.02), (3, 0.03), (7, 0.02), (4, 0.15)])
def test_no_frame_is_taken_that_the_sensor_has_not_measured(
    bit: int, share: float, begun: tuple[Bench, Snapshot, list[Answer]], recording: Recording
) -> None:
    """However small the error, 0.25 degC as well as 32 degC: what is counted in is what was measured."""
    bench, snapshot, _ = begun
    bench.emulator.restore(snapshot)
    plan, end_s = lasting("i2c_data", 1.5, **SENSOR, flip=1 << bit, probability=share)
    inject(bench.emulator, FaultPlan.model_validate(plan))
    taken = []

    def look(line: UartLine) -> None:
        if ANSWER.match(line.text):
            words = bench.emulator.read_memory(bench.emulator.image.symbols["pixels"], 128)
            measured = recording.frames[bench.device.latched_frame] / PIXEL_STEP_DEGC
            taken.append(np.array_equal(np.frombuffer(words, np.int16), measured.ravel()))

    listeners = bench.emulator.connections.listeners.on_line
    listeners.append(look)
    bench.run(end_s + 0.5)
    listeners.remove(look)
    assert len(taken) > 4
    assert all(taken)


def test_a_lost_line_costs_the_lines_alone(begun: tuple[Bench, Snapshot, list[Answer]]) -> None:
    bench, snapshot, before = begun
    bench.emulator.restore(snapshot)
    loss = {"port": "USART2", "direction": "sent", "from_s": BEGIN_S, "until_s": BEGIN_S + 1.0}
    inject(bench.emulator, FaultPlan.model_validate({"uart_loss": (loss,)}))
    numbers = [answer.number for answer in before + bench.run(BEGIN_S + 2.5)]
    steps = np.diff(numbers)
    assert steps.min() == 1
    assert steps.max() in (10, 11, 12)
    assert (steps > 1).sum() == 1


def test_a_sensor_that_repeats_itself_is_told_once(begun: tuple[Bench, Snapshot, list[Answer]]) -> None:
    """The recording's end stays: two seconds behind it that is said, and answers go on."""
    bench, snapshot, _ = begun
    bench.emulator.restore(snapshot)
    shown_s = (bench.device.first_frame_s or 0.0) + 16.0
    bench.run(shown_s + 6.0)
    told = [line for line in bench.emulator.uart_lines() if line.text == "sensor repeats itself"]
    assert [line.time_s - shown_s for line in told] == pytest.approx([2.0], abs=0.2)
    assert ANSWER.match(bench.texts(0.0)[-1])


def hang(bench: Bench, how: str) -> list[Answer]:
    """Hang until the watchdog bites, as the ticker stops or a function never ends; return the answers."""
    emulator = bench.emulator
    if how == "ticker":
        emulator.peripheral("LPTIM1").write(LPTIM_CR, 4, 0)
        return run_to_reset(bench)
    address = emulator.image.symbols[how] & ~1
    code = bytes(emulator.read_memory(address, len(BRANCH_TO_SELF)))
    _patch(emulator, address, BRANCH_TO_SELF)
    answers = run_to_reset(bench)
    _patch(emulator, address, code)
    return answers


def run_to_reset(bench: Bench) -> list[Answer]:
    answers: list[Answer] = []
    limit_s = bench.emulator.now_s + WITHIN_S
    while not bench.emulator.resets and bench.emulator.now_s < limit_s:
        answers += bench.run(bench.emulator.now_s + 1e-3)
    assert bench.emulator.resets == ["iwdg"]
    return answers


def _patch(emulator: UnicornEmulator, address: int, code: bytes) -> None:
    emulator._engine.mem_write(address, code)
    emulator._engine.ctl_flush_tb()


@pytest.mark.parametrize("how", ["ticker", "people_count", "int8_block_stacked", "i2c_read", "uart_send"])
def test_a_main_loop_that_hangs_is_restarted_and_goes_on(
    how: str, begun: tuple[Bench, Snapshot, list[Answer]], recording: Recording
) -> None:
    """Numbers and what the front end has learnt outlive the reset; the sensor is not waited for again."""
    bench, snapshot, before = begun
    bench.emulator.restore(snapshot)
    begin_s = bench.emulator.now_s
    answers = before + hang(bench, how)
    answers += bench.run(begin_s + 4.0)
    assert bench.texts(begin_s).count("restarted by watchdog") == 1
    assert_right(answers, recording)
    later = [answer.time_s for answer in answers if answer.time_s > begin_s + 0.2]
    assert later[0] < begin_s + WITHIN_S
    assert len(later) > 10


@pytest.mark.parametrize(("symbol", "bit"), [("ticks", 17), ("due", 22), ("first", 2)])
def test_damaged_ticks_let_nobody_sleep_for_long(
    symbol: str, bit: int, begun: tuple[Bench, Snapshot, list[Answer]], recording: Recording
) -> None:
    """Each says when the core wakes next; the firmware has itself reset, and goes on."""
    bench, snapshot, before = begun
    bench.emulator.restore(snapshot)
    flip = {"at_s": BEGIN_S, "symbol": symbol, "bit": bit}
    inject(bench.emulator, FaultPlan.model_validate({"ram_bit_flip": (flip,)}))
    answers = before + bench.run(BEGIN_S + WITHIN_S + 0.5)
    assert bench.emulator.resets == ["iwdg"]
    assert_right(answers, recording)
    later = [answer.time_s for answer in answers if answer.time_s > BEGIN_S]
    assert later[0] < BEGIN_S + 0.5
    assert all(second - first < 0.5 for first, second in pairwise(later))


def test_numbers_that_were_damaged_begin_anew(begun: tuple[Bench, Snapshot, list[Answer]]) -> None:
    """A bit of what is kept is inverted while the firmware hangs: its checksum is wrong then."""
    bench, snapshot, _ = begun
    bench.emulator.restore(snapshot)
    bench.emulator.peripheral("LPTIM1").write(LPTIM_CR, 4, 0)
    flip = {"at_s": BEGIN_S + 0.5, "symbol": "kept", "bit": 3}
    inject(bench.emulator, FaultPlan.model_validate({"ram_bit_flip": (flip,)}))
    answers = bench.run(BEGIN_S + 22.0)
    assert bench.emulator.resets == ["iwdg"]
    assert [answer.number for answer in answers] == list(range(len(answers)))
    assert len(answers) > 10


@pytest.mark.parametrize("offset", [0, 100, 300, 500])
def test_what_was_learnt_has_a_spare(
    offset: int, begun: tuple[Bench, Snapshot, list[Answer]], recording: Recording
) -> None:
    """A bit of what the front end knows is inverted between two frames: no answer differs."""
    bench, snapshot, before = begun
    bench.emulator.restore(snapshot)
    flip = {"at_s": BEGIN_S, "symbol": "knowledge_start", "offset": offset, "bit": 6}
    inject(bench.emulator, FaultPlan.model_validate({"ram_bit_flip": (flip,)}))
    assert_right(before + bench.run(BEGIN_S + WITHIN_S), recording)
    assert not bench.emulator.resets


def with_policy(**keys: Any) -> FirmwareImage:
    policy = duty_policy(Path("node.toml"), PolicyConfig(**keys), load_grid_eye())
    return policy.applied_to(find_image(IMAGE))


def test_answers_that_wait_for_a_report_outlive_the_watchdog(recording: Recording) -> None:
    """They are reported with those that come later, each once."""
    bench = Bench(with_policy(report_every_s=4.0), recording)
    bench.run(BEGIN_S + 0.03)
    hang(bench, "ticker")
    bench.run(BEGIN_S + 12.0)
    reports = [found for text in bench.texts(0.0) if (found := BATCH.match(text))]
    firsts, lengths = [int(found[1]) for found in reports], [len(found[2]) for found in reports]
    assert firsts == np.cumsum([0, *lengths[:-1]]).tolist()
    assert lengths[0] > 40
    expected = host_count(find_network(NETWORK), recording.frames[:10])
    assert [int(digit) for digit in reports[0][2][:10]] == expected.tolist()


@pytest.mark.parametrize("ppm", [-100_000.0, 0.0, 100_000.0])
def test_the_watchdog_lets_the_longest_sleep_be(ppm: float, recording: Recording) -> None:
    """Ten minutes from look to look, with an LSI at its limits and beyond."""
    bench = Bench(with_policy(kind="gated", period_s=600.0, look_s=0.2), recording)
    if ppm:
        inject(bench.emulator, FaultPlan.model_validate({"clock_drift": ({"oscillator": "lsi", "ppm": ppm},)}))
    bench.emulator.run(until_s=2.0 + 600.0 + 20.0)
    assert not bench.emulator.resets
    assert [text.split()[0] for text in bench.texts(3.0)] == ["0", "1", "2", "3"]
