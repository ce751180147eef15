"""The people counter, from its C sources or as the committed image: the same answers as the host."""

from __future__ import annotations

import os
import tomllib
from dataclasses import replace
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from datasheet.bad_input import BadInputError
from mcu_models.boards.board import find_board
from mcu_models.emulators.fault_injection import inject
from mcu_models.emulators.fault_plan import FaultPlan, I2cNack
from mcu_models.emulators.image import read_image
from mcu_models.emulators.port import PinEdge
from mcu_models.emulators.unicorn_backend import UnicornEmulator
from mcu_models.firmware.builder import build_firmware
from mcu_models.firmware.library import find_image, firmware_for
from mcu_models.networks.library import find_network
from scenarios.room import load_scenario
from scenarios.simulation import simulate
from sensors.amg8833 import Amg8833
from sensors.grid_eye_sheet import load_grid_eye
from sensors.mount import Mount
from sensors.recording import read_recording
from sensors.sensing import sense
from twin.emulated_node import ANSWER, TIMING_PIN, emulate_node
from twin.host_node import host_count

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcu_models.emulators.image import FirmwareImage
    from mcu_models.emulators.port import UartLine
    from mcu_models.firmware.toolchain import Toolchain
    from mcu_models.networks.library import NetworkEntry
    from sensors.recording import Recording
    from twin.emulated_node import NodeTrace

NETWORK, BOARD, APP = "people_c16_p_c16_fc_w3", "stm32l4a6zg", "people_counter"
IMAGE = "people_counter_stm32l4a6zg"
SETTLED_S = 18.0
"""Crystal, wake sequence and settling of the sensor take less."""
FAILED_S = SETTLED_S + 10.3
"""When a sensor that fails in a test answers again."""


@pytest.fixture(scope="module")
def recording() -> Recording:
    return sensed("office_doorway", seconds=40, seed=3)


def sensed(name: str, *, seconds: float, seed: int) -> Recording:
    """Return what a Grid-EYE sees of a scenario."""
    scenario, sheet = load_scenario(name), load_grid_eye()
    place = scenario.sensor_mount
    mount = Mount(place.x_m, place.y_m, place.height_m, place.yaw_deg)
    return sense(simulate(scenario, seconds=seconds, seed=seed), mount, sheet, seed=seed)


def play(image: FirmwareImage, recording: Recording) -> NodeTrace:
    return emulate_node(find_board(BOARD), image, recording, load_grid_eye())


def mismatches(trace: NodeTrace, recording: Recording) -> int:
    return int((trace.count != host_count(find_network(NETWORK), recording.frames)).sum())


def test_the_reference_image_answers_as_the_host(recording: Recording) -> None:
    trace = play(find_image(IMAGE), recording)
    assert mismatches(trace, recording) == 0
    assert trace.problems == ()
    assert len(set(trace.count.tolist())) > 2


def test_the_node_sleeps_between_frames(recording: Recording) -> None:
    """Stop 2 takes most of the time, and the core never idles at a running clock."""
    residency = {str(state): seconds for state, seconds in play(find_image(IMAGE), recording).residency_s.items()}
    span_s = sum(residency.values())
    assert residency["stop2"] / span_s > 0.9
    assert (residency["run 80 MHz"] + residency["run 16 MHz"]) / span_s < 0.015
    assert set(residency) <= {"stop2", "sleep 16 MHz", "run 16 MHz", "run 80 MHz", "run 4 MHz"}


def test_the_last_period_goes_through_the_states_in_order(recording: Recording) -> None:
    """After the answer: stop, wake at 16 MHz, sleep while DMA reads twice, compute at 80 MHz, sleep while DMA sends.

    Shorter than 0.25 ms are the spans in which the frame is looked over and transfers are set up, at 16 MHz.
    """
    spans = play(find_image(IMAGE), recording).last_period
    long_enough = [str(span.state) for span in spans if span.end_s - span.begin_s > 2.5e-4]
    assert long_enough == ["stop2", "sleep 16 MHz", "sleep 16 MHz", "run 80 MHz", "sleep 16 MHz"]
    assert all(first.end_s == second.begin_s for first, second in pairwise(spans))
    assert spans[-1].end_s - spans[0].begin_s == pytest.approx(0.1, abs=1e-4)


def test_every_frame_is_answered_well_within_its_period(recording: Recording) -> None:
    trace = play(find_image(IMAGE), recording)
    assert np.isfinite(trace.answer_delay_s).all()
    assert trace.answer_delay_s.max() < 0.1


def test_the_pulse_on_the_timing_pin_is_as_long_as_its_functions_run(recording: Recording) -> None:
    """Measured from outside and counted inside: the cycles of front end and network over the 80 MHz they run at."""
    emulator, edges = UnicornEmulator(find_board(BOARD), find_image(IMAGE)), list[PinEdge]()
    emulator.attach_i2c("I2C1", Amg8833(recording, sheet=load_grid_eye(), address=0x69))
    emulator.on_pin_edge(edges.append)
    emulator.run(until_s=SETTLED_S + 3.0)
    pulses_s = [fall.time_s - rise.time_s for rise, fall in zip(edges[::2], edges[1::2], strict=True)]
    answers = [line for line in emulator.uart_lines() if ANSWER.match(line.text)]
    assert len(pulses_s) == len(answers) > 20
    assert {(edge.port, edge.pin) for edge in edges} == {TIMING_PIN}
    work = ("counter_", "frontend_", "network_", "int8_")
    cycles = sum(spent for name, spent in emulator.function_cycles().items() if name.startswith(work))
    assert sum(pulses_s) == pytest.approx(cycles / 80e6, rel=0.02)


def test_a_fresh_build_with_either_compiler_answers_as_the_host(
    toolchain: Toolchain, recording: Recording, tmp_path: Path
) -> None:
    result = build_firmware(
        find_network(NETWORK).path, board=find_board(BOARD), app=APP, out_dir=tmp_path / "build", toolchain=toolchain
    )
    trace = play(read_image(result.elf), recording)
    assert mismatches(trace, recording) == 0
    assert np.isfinite(trace.inference_s).all()
    assert trace.problems == ()


@pytest.mark.parametrize(("scenario", "seed", "begins_with"), [("office_doorway", 1, 2), ("meeting_room", 3, 0)])
def test_a_firmware_with_a_background_answers_as_the_host(
    scenario: str, seed: int, begins_with: int, toolchain: Toolchain, tmp_path: Path
) -> None:
    """People in view at power-on or not, who walk, or who come and stay: 600 frames, each told by all before it."""
    recording = sensed(scenario, seconds=60, seed=seed)
    assert recording.count[0] == begins_with
    assert recording.count.max() > 0
    entry = find_network("people_c8_p_fc")
    result = build_firmware(entry, board=find_board(BOARD), app=APP, out_dir=tmp_path / "build", toolchain=toolchain)
    trace, expected = play(read_image(result.elf), recording), host_count(entry, recording.frames)
    assert np.array_equal(trace.count, expected)
    assert trace.problems == ()
    assert len(set(expected.tolist())) > 1
    assert np.any(expected != host_count(replace(entry, frontend="minus_median"), recording.frames))


@pytest.fixture
def watcher(frame_network: Callable[[str], Path]) -> NetworkEntry:
    """Return a network that sees three frames, sleeps and votes."""
    entry = find_network(frame_network("channels 3"))
    return replace(entry, frontend="hold_zero", votes=5, wake_up_degc=1.5)


def test_windows_wake_up_and_votes_answer_as_the_host(
    watcher: NetworkEntry, toolchain: Toolchain, tmp_path: Path
) -> None:
    """Through sensor, bus and sleep: frames in which the network runs, and faster ones in which it does not."""
    result = build_firmware(watcher, board=find_board(BOARD), app=APP, out_dir=tmp_path / "build", toolchain=toolchain)
    recording = sensed("meeting_room", seconds=60, seed=3)
    trace, expected = play(read_image(result.elf), recording), host_count(watcher, recording.frames)
    assert np.array_equal(trace.count, expected)
    assert trace.problems == ()
    assert len(set(expected.tolist())) > 1
    assert trace.inference_s.min() < 0.5 * trace.inference_s.max()


@pytest.mark.parametrize("looks_back_by", ["background", "window and votes"])
def test_what_was_learnt_stays_when_readings_fail(
    looks_back_by: str, frame_network: Callable[[str], Path], toolchain: Toolchain, tmp_path: Path
) -> None:
    """The answers are those of a node to which the frames that could not be read were never shown."""
    entry = find_network("people_c8_p_fc")
    if looks_back_by == "window and votes":
        entry = replace(find_network(frame_network("lstm 5")), votes=9)
    result = build_firmware(entry, board=find_board(BOARD), app=APP, out_dir=tmp_path / "build", toolchain=toolchain)
    recording = sensed("office_doorway", seconds=60, seed=1)
    device = Amg8833(recording, sheet=load_grid_eye(), address=0x69)
    emulator = UnicornEmulator(find_board(BOARD), read_image(result.elf))
    emulator.attach_i2c("I2C1", device)
    nack = I2cNack(bus="I2C1", address=0x69, from_s=FAILED_S - 1.3, until_s=FAILED_S)
    inject(emulator, FaultPlan(i2c_nack=(nack,)))
    answers: dict[int, int] = {}

    def hear(line: UartLine) -> None:
        if found := ANSWER.match(line.text):
            answers[device.latched_frame] = int(found[2])

    emulator.on_uart_line(hear)
    emulator.run(until_s=SETTLED_S + 55.0)
    seen = list(answers)
    missed = sorted({*range(len(seen))} - {*seen})
    assert 13 <= len(missed) <= 18
    assert missed == list(range(missed[0], missed[-1] + 1))
    expected = host_count(entry, recording.frames[seen])
    assert list(answers.values()) == expected.tolist()
    anew = host_count(entry, recording.frames[missed[-1] + 1 : seen[-1] + 1])
    assert expected[missed[0] :].tolist() != anew.tolist()


@pytest.mark.parametrize("other", [{"frontend": "minus_median"}, {"votes": 3}, {"wake_up_degc": 1.0}])
def test_no_image_of_another_preparation_is_taken_for_a_network(
    other: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reference image has in it what is done around its network; with anything else a network is built afresh."""
    monkeypatch.setattr("mcu_models.firmware.library.find_toolchain", _no_compiler)
    with pytest.raises(BadInputError, match="no compiler"):
        firmware_for(replace(find_network(NETWORK), **other), find_board(BOARD), APP)


def _no_compiler() -> Toolchain:
    raise BadInputError("toolchain", "", None, "no compiler")


def test_the_reference_image_is_what_the_sources_give(toolchain: Toolchain, tmp_path: Path) -> None:
    """The committed ELF was built from the committed sources, if the same compiler is at hand."""
    manifest = tomllib.loads(Path(str(resources.files("mcu_models.firmware.images") / "manifest.toml")).read_text())
    if toolchain.version != manifest[IMAGE]["compiler"]:
        pytest.skip(f"the image was built with {manifest[IMAGE]['compiler']}, here is {toolchain.version}")
    result = build_firmware(
        find_network(NETWORK).path, board=find_board(BOARD), app=APP, out_dir=tmp_path / "build", toolchain=toolchain
    )
    assert read_image(result.elf).sha256 == manifest[IMAGE]["sha256"]


def test_the_node_of_the_library_needs_no_compiler() -> None:
    firmware = firmware_for(find_network(NETWORK), find_board(BOARD), APP)
    assert firmware.image.sha256 == find_image(IMAGE).sha256


def test_recorded_frames_are_counted_as_on_the_host() -> None:
    """3,520 frames of a real Grid-EYE through the firmware, I2C and all."""
    folder = os.environ.get("TWIN_SHARED")
    if folder is None:
        pytest.skip("set TWIN_SHARED to the folder with data/linaige_s2_s3.npz")
    recording = read_recording(Path(folder) / "data" / "linaige_s2_s3.npz")
    assert mismatches(play(find_image(IMAGE), recording), recording) == 0


@pytest.mark.parametrize("name", ["stm32l476rg", "stm32l4r5zi"])
@pytest.mark.parametrize("network", [NETWORK, "doorway_rules"])
def test_counters_start_on_every_board_of_the_family(
    name: str, network: str, tmp_path: Path, toolchain: Toolchain
) -> None:
    """Each board has a linker script of its own, which has to place what outlives a reset."""
    entry = find_network(network)
    app = "doorway_counter" if entry.counts_passages else APP
    built = build_firmware(entry, board=find_board(name), app=app, out_dir=tmp_path / "build", toolchain=toolchain)
    emulator = UnicornEmulator(find_board(name), read_image(built.elf))
    outcome = emulator.run(until_s=0.01)
    assert (outcome.end, emulator.faults) == ("seconds", [])
