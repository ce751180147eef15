"""The people counter, from its C sources or as the committed image: the same answers as the host."""

from __future__ import annotations

import os
import tomllib
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mcu_models.boards.board import find_board
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
    from mcu_models.emulators.image import FirmwareImage
    from mcu_models.firmware.toolchain import Toolchain
    from sensors.recording import Recording
    from twin.emulated_node import NodeTrace

NETWORK, BOARD, APP = "people_c8_p_fc", "stm32l4a6zg", "people_counter"
IMAGE = "people_counter_stm32l4a6zg"
SETTLED_S = 18.0
"""Crystal, wake sequence and settling of the sensor take less."""


@pytest.fixture(scope="module")
def recording() -> Recording:
    scenario, sheet = load_scenario("office_doorway"), load_grid_eye()
    place = scenario.sensor_mount
    mount = Mount(place.x_m, place.y_m, place.height_m, place.yaw_deg)
    return sense(simulate(scenario, seconds=40, seed=3), mount, sheet, seed=3)


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
    assert (residency["run 80 MHz"] + residency["run 16 MHz"]) / span_s < 0.01
    assert set(residency) <= {"stop2", "sleep 16 MHz", "run 16 MHz", "run 80 MHz", "run 4 MHz"}


def test_the_last_period_goes_through_the_states_in_order(recording: Recording) -> None:
    """After the answer: stop, wake at 16 MHz, sleep while DMA reads, compute at 80 MHz, sleep while DMA sends."""
    spans = play(find_image(IMAGE), recording).last_period
    long_enough = [str(span.state) for span in spans if span.end_s - span.begin_s > 1e-4]
    assert long_enough == ["stop2", "sleep 16 MHz", "run 80 MHz", "sleep 16 MHz"]
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
    work = ("frontend_", "network_", "int8_")
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
