"""What a test can ask of firmware on a board."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from datasheet.bad_input import BadInputError
from mcu_models.power import state_current
from sensors.recording import Recording, write_recording
from twin.testing.bench import Bench
from twin.testing.failures import FirmwareFailedError, HostTimeUpError
from twin.testing.stimuli import stimulus_of

if TYPE_CHECKING:
    from pathlib import Path

    from twin.testing.machine import Machine

COUNTER, BOARD = "people_counter_stm32l4a6zg", "stm32l4a6zg"
ANSWER = re.compile(r"^(\d+) (\d+)$")


def test_every_frame_has_its_answer(counted: Machine) -> None:
    assert counted.playback is not None
    answers = counted.playback.answers()
    assert len(answers) == len(counted.playback.truth) == 30
    lines = [ANSWER.match(line.text) for line in counted.uart_lines()]
    said = [int(found[2]) for found in lines if found]
    assert answers.tolist() == said[:30]
    right = (answers == counted.playback.truth).mean()
    assert counted.playback.accuracy() == pytest.approx(right)


def test_texts_are_expected_one_behind_the_other(bench: Bench) -> None:
    machine = bench.boot(COUNTER)
    assert machine.now_s == 0.0
    assert machine.expect_uart("counter").text == "people counter"
    with pytest.raises(FirmwareFailedError, match=r"'people' did not come within 0\.5 s") as failed:
        machine.expect_uart("people", within_s=0.5)
    assert "people counter" in str(failed.value)
    assert re.search(r"in \w+ at 0x08", str(failed.value))


def test_a_regular_expression_gives_its_groups_and_the_time_of_its_line(counted: Machine) -> None:
    saved = counted.snapshot()
    heard = counted.expect_uart(ANSWER, within_s=1.0)
    again = counted.expect_uart(ANSWER, within_s=1.0)
    counted.restore(saved)
    assert int(again.groups[0]) == int(heard.groups[0]) + 1
    assert heard.time_s in [line.time_s for line in counted.uart_lines()]


def test_going_back_and_on_gives_the_same_again(counted: Machine) -> None:
    saved, lines = counted.snapshot(), len(counted.uart_lines())
    runs = []
    for _ in range(2):
        counted.restore(saved)
        assert len(counted.uart_lines()) == lines
        assert not counted.pin("PA8").edges or counted.pin("PA8").edges[-1].time_s <= saved.time_s
        counted.run(0.5)
        runs.append(([line.text for line in counted.uart_lines()], counted.pin("PA8").edges, counted.energy_j()))
    counted.restore(saved)
    assert runs[0] == runs[1]


def test_pins_and_cycles_time_the_same_inference(counted: Machine) -> None:
    pulses_s = counted.pin("PA8").pulses_s
    longest_s = max(fall_s - rise_s for rise_s, fall_s in pulses_s)
    assert counted.latency_s("pin PA8 rises", "pin PA8 falls") == pytest.approx(longest_s)
    calls = counted.calls("counter_count")
    assert calls.calls == len(pulses_s) >= 30
    # The pin is high a few stores longer than the call, at 80 MHz.
    assert calls.longest < longest_s * 80e6 < calls.longest + 200


def test_latency_from_frame_to_answer_is_less_than_the_time_between_frames(counted: Machine) -> None:
    every_s = counted.latencies_s("frame", r"uart /^\d+ \d+$/")
    assert len(every_s) == 30
    assert 0.0 < min(every_s) <= counted.latency_s("frame", r"uart /^\d+ \d+$/") < 0.1
    assert counted.latency_s("call network_run", "return network_run") < max(every_s)


@pytest.mark.parametrize("marker", ["", "frames", "pin PA8", "pin PX8 rises", "uart", "uart /(/", "call"])
def test_what_is_no_marker_is_refused(counted: Machine, marker: str) -> None:
    with pytest.raises(BadInputError, match=r"must be|no regular expression"):
        counted.latency_s(marker, "frame")


@pytest.mark.parametrize("markers", [("frame", "uart no such text"), ("uart no such text", "frame")])
def test_a_latency_that_never_was_is_a_failure(counted: Machine, markers: tuple[str, str]) -> None:
    with pytest.raises(FirmwareFailedError, match="never came"):
        counted.latency_s(*markers)


def test_energy_is_the_power_of_each_state_over_its_time(counted: Machine) -> None:
    saved, before = counted.snapshot(), counted.moment()
    counted.run(1.0)
    power = counted.emulator.board.sheet.power
    residency = counted.emulator.residency_s()
    spent = {state: seconds - before.residency_s.get(state, 0.0) for state, seconds in residency.items()}
    wanted_j = sum(state_current(power, state).typical_a * power.supply_v.value * s for state, s in spent.items())
    assert counted.energy_j(before) == pytest.approx(wanted_j)
    assert counted.energy_j() > counted.energy_j(before) > 0
    asleep_s = sum(seconds for state, seconds in spent.items() if state.mode != "run")
    assert counted.sleep_fraction(before) == pytest.approx(asleep_s / 1.0, abs=1e-6)
    counted.restore(saved)


def test_a_fault_comes_now_and_on_the_only_bus(counted: Machine) -> None:
    saved = counted.snapshot()
    counted.inject("i2c_nack", until_s=saved.time_s + 0.5)
    counted.expect_uart("sensor does not answer", within_s=0.5)
    listed = counted.emulator.connections.disturbances.listed
    assert {one.cause for one in listed} == {"i2c_nack[0]"}
    assert listed[0].time_s >= saved.time_s
    counted.restore(saved)
    counted.run(0.5)
    assert not any("does not answer" in line.text for line in counted.uart_lines())


@pytest.mark.parametrize(
    ("kind", "fields", "told"),
    [
        ("i2c_nak", {}, "one of i2c_nack"),
        ("i2c_nack", {"times": 0}, "times"),
        ("i2c_nack", {"bus": "I2C9"}, "I2C9"),
        ("i2c_nack", {"tims": 1}, "tims"),
    ],
)
def test_what_is_no_fault_is_refused(counted: Machine, kind: str, fields: dict[str, object], told: str) -> None:
    with pytest.raises(BadInputError, match=told):
        counted.inject(kind, **fields)


def test_frames_of_ones_own_are_played(bench: Bench) -> None:
    frames = np.full((5, 8, 8), 22.0)
    frames[3:, 3:5, 3:5] = 30.0
    machine = bench.boot(COUNTER)
    shown = machine.play([frames[:3], frames[3:]])
    machine.run(0.3)
    assert shown.frames.shape == (5, 8, 8)
    assert (shown.answers() >= 0).all()


def test_a_recording_in_a_file_is_played_as_far_as_wanted(bench: Bench, tmp_path: Path) -> None:
    degc = np.random.default_rng(3).normal(22.0, 0.3, (8, 8, 8)).astype(np.float32)
    degc = (degc * 4).round() / 4
    write_recording(tmp_path / "seen.npz", Recording(np.arange(8) / 10, degc, np.array([0, 1, 2, 3] * 2)))
    stimulus = stimulus_of(tmp_path / "seen.npz", seconds=0.5)
    assert np.array_equal(stimulus.frames, degc[:5])
    assert stimulus.truth.tolist() == [0, 1, 2, 3, 0]
    machine = bench.boot(COUNTER)
    shown = machine.play(str(tmp_path / "seen.npz"), run=False)
    assert machine.now_s == 0.0
    assert shown.frames.shape == (8, 8, 8)


@pytest.mark.parametrize(
    "frames", [np.zeros((0, 8, 8)), np.zeros((3, 8, 7)), np.full((1, 8, 8), np.nan), np.full((1, 8, 8), 500.0), []]
)
def test_what_is_no_frame_is_refused(bench: Bench, frames: np.ndarray) -> None:
    machine = bench.boot(COUNTER)
    with pytest.raises(BadInputError, match="must be"):
        machine.play(frames)


def test_a_second_play_is_refused(counted: Machine) -> None:
    with pytest.raises(BadInputError, match="plays once"):
        counted.play("office_doorway")


def test_a_pin_is_waited_for_to_the_edge(counted: Machine) -> None:
    saved = counted.snapshot()
    rose_s = counted.pin("PA8").wait(high=True, within_s=0.5)
    assert saved.time_s < rose_s <= counted.now_s < rose_s + 1e-4
    with pytest.raises(FirmwareFailedError, match="PA7 did not go high"):
        counted.pin("PA7").wait(high=True, within_s=0.2)
    counted.restore(saved)


def test_host_time_is_limited() -> None:
    bench = Bench(board=BOARD, host_seconds=0.01)
    machine = bench.boot(COUNTER)
    with pytest.raises(HostTimeUpError, match=r"0\.01 s of host time are up"):
        machine.run(10_000.0)


def test_memory_of_an_image_is_what_its_sections_take(counted: Machine) -> None:
    assert 1_000 < counted.ram_bytes < 20_000
    assert 10_000 < counted.flash_bytes < 60_000


@pytest.mark.parametrize("address", [-1, 1 << 32, "0x08000130", True])
def test_what_is_no_address_of_a_function_is_refused(bench: Bench, address: Any) -> None:
    with pytest.raises(BadInputError, match=r"functions\['work'\].*must be an address, 0 to 0xffffffff"):
        bench.boot(COUNTER, functions={"work": address})


def test_a_board_has_to_be_named() -> None:
    with pytest.raises(BadInputError, match="needs a board"):
        Bench().boot(COUNTER)


def test_an_image_that_is_not_there_is_told(bench: Bench) -> None:
    with pytest.raises(BadInputError, match=r"stm32l4a6zg\.elf.*no such file"):
        bench.boot("{board}.elf")


def test_frames_of_a_camera_are_played_and_went_back_over(bench: Bench) -> None:
    frames = np.random.default_rng(1).integers(0, 1 << 16, (6, 200, 200), np.uint16)
    machine = bench.boot("mask_door_stm32h743vi", board="stm32h743vi")
    shown = machine.play(frames, seconds=0.03)
    saved, answered = machine.snapshot(), shown.stimulus.frame_now
    assert answered >= 1
    runs = []
    for _ in range(2):
        machine.restore(saved)
        assert shown.stimulus.frame_now == answered
        machine.run(0.03)
        runs.append(shown.answers(r"^(\d+) (\d+) [01]$", number_group=1).tolist())
    assert shown.stimulus.frame_now > answered
    assert runs[0] == runs[1]
    assert min(runs[0][:answered]) >= 0


def test_people_before_a_door_cannot_go_back(bench: Bench) -> None:
    machine = bench.boot("mask_door_stm32h743vi", board="stm32h743vi")
    machine.play("mask_door", seconds=0.02)
    with pytest.raises(BadInputError, match="cannot go back"):
        machine.snapshot()


@pytest.mark.parametrize("span_s", [-1.0, float("nan"), "1", None, True])
def test_what_is_no_span_of_time_is_refused(counted: Machine, span_s: object) -> None:
    now_s = counted.now_s
    for ask in (
        lambda: counted.run(span_s),  # type: ignore[arg-type]
        lambda: counted.expect_uart("no such text", within_s=span_s),  # type: ignore[arg-type]
        lambda: counted.pin("PA7").wait(high=True, within_s=span_s),  # type: ignore[arg-type]
    ):
        with pytest.raises(BadInputError, match="must be a number of 0 or more"):
            ask()
    assert counted.now_s == now_s


def test_a_uart_or_a_port_that_the_board_does_not_have_is_refused(counted: Machine) -> None:
    with pytest.raises(BadInputError, match=r"'USART9'.*USART1, .*LPUART1"):
        counted.send_uart("x", port="USART9")
    with pytest.raises(BadInputError, match="USART9"):
        counted.expect_uart("x", port="USART9")
    with pytest.raises(BadInputError, match="USART9"):
        counted.uart_lines("USART9")
    with pytest.raises(BadInputError, match="stm32l4a6zg has no GPIOK"):
        counted.pin("PK3")


@pytest.mark.parametrize("wanted", ["", b"x", None, re.compile(b"x")])
def test_what_cannot_be_looked_for_is_refused(counted: Machine, wanted: object) -> None:
    with pytest.raises(BadInputError, match="must be a text"):
        counted.expect_uart(wanted)  # type: ignore[arg-type]


def test_a_latency_from_what_never_was_is_a_failure_and_from_no_function_is_refused(counted: Machine) -> None:
    assert counted.latencies_s("uart no such text", "frame") == []
    with pytest.raises(FirmwareFailedError, match="never came"):
        counted.latency_s("uart no such text", "frame")
    with pytest.raises(BadInputError, match="no function of the image"):
        counted.latency_s("call no_such_function", "frame")
    with pytest.raises(BadInputError, match="no regular expression"):
        counted.latency_s("uart /(/", "frame")


@pytest.mark.parametrize(("pattern", "group"), [("(", None), (r"\d( )\d", None), (r"(\d+)", 7), (r"(\d+) .", -1)])
def test_a_pattern_without_numbers_is_refused(counted: Machine, pattern: str, group: int | None) -> None:
    assert counted.playback is not None
    with pytest.raises(BadInputError, match="must find numbers"):
        counted.playback.answers(pattern, number_group=group)


@pytest.mark.parametrize("what", [5, None, {}, {"a": 1}])
def test_what_cannot_be_played_is_refused(what: object) -> None:
    with pytest.raises(BadInputError, match="must be a scenario"):
        stimulus_of(what)  # type: ignore[arg-type]


@pytest.mark.parametrize("asked", [{"seconds": 1e300}, {"seconds": float("inf")}, {"seed": -1}, {"seed": "x"}])
def test_a_play_without_end_or_without_a_seed_is_refused(asked: dict[str, Any]) -> None:
    with pytest.raises(BadInputError, match="must be"):
        stimulus_of("office_doorway", **asked)


def test_what_belongs_to_another_machine_or_a_later_time_is_refused(bench: Bench, counted: Machine) -> None:
    other = bench.boot(COUNTER)
    with pytest.raises(BadInputError, match="restored only by"):
        other.restore(counted.snapshot())
    with pytest.raises(BadInputError, match="later than now"):
        other.energy_j(counted.moment())


def test_a_fault_of_no_bus_yet_says_so(bench: Bench) -> None:
    with pytest.raises(BadInputError, match=r"bus; must be given; devices are on no bus yet"):
        bench.boot(COUNTER).inject("i2c_nack")


def test_an_emulator_that_there_is_not_is_refused(bench: Bench) -> None:
    with pytest.raises(BadInputError, match="one of unicorn, renode"):
        bench.boot(COUNTER, backend="qemu")  # type: ignore[arg-type]
