"""The mask door's firmware on the emulated STM32H743, with the camera on its buses: every decision as on the host."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from datasheet.bad_input import BadInputError
from mcu_models.boards.board import find_board
from mcu_models.compiler.door_decision import DoorDecision, DoorPolicy
from mcu_models.compiler.image_input import image_input, score_frames
from mcu_models.compiler.reference import ReferenceNetwork
from mcu_models.emulators.image import read_image
from mcu_models.emulators.renode.installation import is_renode_there
from mcu_models.emulators.renode_backend import RenodeEmulator
from mcu_models.emulators.unicorn_backend import UnicornEmulator
from mcu_models.emulators.virtual_clock import PowerState
from mcu_models.firmware.builder import build_firmware
from mcu_models.firmware.library import find_image, firmware_for
from mcu_models.networks.library import find_network
from sensors.camera.ov7725_registers import Ov7725, Playback

if TYPE_CHECKING:
    from mcu_models.emulators.port import PinEdge
    from mcu_models.firmware.builder import BuildResult
    from mcu_models.firmware.compilation import FirmwareBoard
    from mcu_models.firmware.toolchain import Toolchain

BOARD, APP, IMAGE = "stm32h743vi", "mask_door", "mask_door_stm32h743vi"
FRAMES = 10
DOOR, CAPTURE, SCALE, INFERENCE, DECISION = 15, 14, 13, 12, 11
POLICY = DoorPolicy(frames=4, needed=3, least_percent=50)
STEPS = (CAPTURE, SCALE, INFERENCE, DECISION)


def frames_of_a_visit() -> np.ndarray:
    """Return two empty frames, six with something blue in the middle, two with something red."""
    generator = np.random.default_rng(4)
    frames = (generator.integers(0, 3, (FRAMES, 200, 200)) * 0x0821 + 0x4208).astype(np.uint16)
    frames[2:8, 40:160, 50:150] = 0x001F
    frames[8:, 40:160, 50:150] = 0xFB08
    return frames


@dataclass
class Door:
    """A board that runs the firmware with a camera attached."""

    emulator: UnicornEmulator
    camera: Ov7725
    edges: list[PinEdge] = field(default_factory=list)

    def lines(self) -> list[str]:
        return [line.text for line in self.emulator.uart_lines("USART3")]

    def run_frames(self, count: int) -> None:
        while len(self.lines()) < count + 1 and self.emulator.now_s < 5:
            self.emulator.run(until_s=self.emulator.now_s + 0.004)

    def times_s(self, pin: int) -> list[tuple[float, bool]]:
        return [(edge.time_s, edge.high) for edge in self.edges if (edge.port, edge.pin) == ("GPIOB", pin)]


@pytest.fixture(scope="module")
def network(door_network: Path) -> Path:
    return door_network


@pytest.fixture(scope="module")
def build(network: Path, toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> BuildResult:
    out_dir = tmp_path_factory.mktemp("mask_door") / "out"
    entry = replace(find_network(network), door_policy=POLICY)
    return build_firmware(entry, board=find_board(BOARD), app=APP, out_dir=out_dir, toolchain=toolchain)


@pytest.fixture
def door(build: BuildResult) -> Door:
    emulator = UnicornEmulator(find_board(BOARD), read_image(build.elf))
    made = Door(emulator, Ov7725(Playback(frames_of_a_visit())))
    emulator.attach_i2c("I2C1", made.camera)
    emulator.attach_camera("DCMI", made.camera)
    emulator.on_pin_edge(made.edges.append)
    return made


def expected(network: Path) -> list[tuple[int, bool]]:
    """Return score and decision of each frame, as the host computes them."""
    reference = ReferenceNetwork(network)
    taken = image_input(reference.network)
    pictures, codes = score_frames(reference, taken, frames_of_a_visit())
    decision = DoorDecision(POLICY, taken.code_of(POLICY.least_share))
    pairs = zip(pictures, codes.tolist(), strict=True)
    return [(code + 128, decision.next(picture, code)) for picture, code in pairs]


def test_ten_frames_are_decided_as_on_the_host(door: Door, network: Path) -> None:
    """From the camera's bytes over DMA, scaling, network and votes to the line on the UART."""
    door.run_frames(FRAMES)
    answers = expected(network)
    assert door.lines() == ["mask door", *(f"{i} {score} {int(open_)}" for i, (score, open_) in enumerate(answers))]
    assert [open_ for _, open_ in answers] == [False] * 4 + [True] * 5 + [False]
    assert not door.emulator.problems
    assert not door.emulator.faults


def test_no_frame_is_missed(door: Door) -> None:
    door.run_frames(FRAMES)
    first = door.camera.frames_taken[0]
    assert door.camera.frames_taken[:FRAMES] == list(range(first, first + FRAMES))
    assert not door.camera.notes
    assert not door.camera.rejected_writes
    assert 1 / door.camera.mode.frame_s == pytest.approx(75, rel=0.002)


def test_the_doors_pin_is_the_decision(door: Door) -> None:
    """High from the frame that opens to the one that closes, within the step that decides."""
    door.run_frames(FRAMES)
    (opened_s, opens), (closed_s, closes) = door.times_s(DOOR)
    assert (opens, closes) == (True, False)
    decisions = door.times_s(DECISION)
    assert decisions[2 * 4][0] <= opened_s <= decisions[2 * 4 + 1][0]
    assert decisions[2 * 9][0] <= closed_s <= decisions[2 * 9 + 1][0]


def test_each_step_is_seen_at_its_pin_once_a_frame(door: Door) -> None:
    door.run_frames(FRAMES)
    for pin in STEPS:
        levels = [high for _, high in door.times_s(pin)]
        assert levels[: 2 * FRAMES] == [True, False] * FRAMES
    starts = [[time_s for time_s, high in door.times_s(pin) if high][:FRAMES] for pin in STEPS[1:]]
    assert (np.diff(np.array(starts), axis=0) > 0).all()


def test_the_next_frame_comes_while_this_one_is_looked_at(door: Door) -> None:
    """Capture rises before scaling begins, and falls when the inference is long over."""
    door.run_frames(4)
    captures, inferences = door.times_s(CAPTURE), door.times_s(INFERENCE)
    assert captures[2][0] < inferences[0][0] < inferences[1][0] < captures[3][0]


def test_the_core_runs_at_its_highest_clock_and_sleeps_between(door: Door) -> None:
    door.run_frames(FRAMES)
    residency = door.emulator.residency_s()
    assert residency[PowerState("sleep", 480_000_000)] > residency[PowerState("run", 480_000_000)]


def test_it_goes_on_from_a_snapshot_within_a_frame(door: Door) -> None:
    door.run_frames(3)
    snapshot = door.emulator.snapshot()
    door.run_frames(6)
    first = door.lines()
    door.emulator.restore(snapshot)
    assert len(door.lines()) == 4
    door.run_frames(6)
    assert door.lines() == first


def test_without_a_camera_it_says_so_and_tries_again(build: BuildResult) -> None:
    emulator = UnicornEmulator(find_board(BOARD), read_image(build.elf))
    emulator.run(until_s=1.1)
    assert [line.text for line in emulator.uart_lines()] == ["mask door"] + ["camera does not answer"] * 2


@pytest.mark.skipif(not is_renode_there(), reason="needs Renode: `renode` on PATH, or its path in RENODE")
def test_in_renode_the_lines_are_the_same(build: BuildResult, network: Path) -> None:
    """With SCCB, DCMI and DMA of another emulator, and the door's pin twice at the same frames."""
    camera, edges = Ov7725(Playback(frames_of_a_visit())), []
    with RenodeEmulator(find_board(BOARD), read_image(build.elf)) as emulator:
        emulator.attach_i2c("I2C1", camera)
        emulator.attach_camera("DCMI", camera)
        emulator.on_pin_edge(edges.append)
        assert emulator.run(until_s=2, until_text=f"\n{FRAMES - 1} ").end == "until"
        emulator.run(until_s=emulator.now_s + 0.005)
        lines = [line.text for line in emulator.uart_lines("USART3")][: FRAMES + 1]
    answers = expected(network)
    assert lines == ["mask door", *(f"{i} {score} {int(open_)}" for i, (score, open_) in enumerate(answers))]
    assert [edge.high for edge in edges if (edge.port, edge.pin) == ("GPIOB", DOOR)] == [True, False]
    with pytest.raises(BadInputError, match=r"camera interface.*DCMI2.*one of DCMI"):
        emulator.attach_camera("DCMI2", camera)


def test_words_that_were_lost_cost_a_frame_and_no_more(door: Door) -> None:
    """A stream that somebody has stopped in the middle of a frame: that frame is left out, the next one is whole."""
    door.run_frames(2)
    while door.emulator.peripheral("DMA1").read(0x14, 4) in (0, 20_000):
        door.emulator.run(until_s=door.emulator.now_s + 0.001)
    door.emulator.peripheral("DMA1").write(0x10, 4, 0)
    door.run_frames(4)
    assert [line.split()[0] for line in door.lines()[1:5]] == ["0", "1", "2", "3"]
    taken = door.camera.frames_taken
    assert taken[:6] == list(range(taken[0], taken[0] + 6))


def test_memory_holds_two_frames_beside_the_arena(build: BuildResult) -> None:
    sections = build.sizes.sections_bytes
    assert sections[".axi_sram"] == 2 * 80_000
    assert sections[".itcm"] <= 0x10000
    assert build.sizes.ram_arena_bytes == build.arena.size_bytes


def test_the_reference_image_is_what_the_sources_give(toolchain: Toolchain, tmp_path: Path) -> None:
    """The committed ELF was built from the committed sources and network, if the same compiler is at hand."""
    manifest = tomllib.loads(Path(str(resources.files("mcu_models.firmware.images") / "manifest.toml")).read_text())
    if toolchain.version != manifest[IMAGE]["compiler"]:
        pytest.skip(f"the image was built with {manifest[IMAGE]['compiler']}, here is {toolchain.version}")
    entry = find_network("mask_cnn")
    result = build_firmware(entry, board=find_board(BOARD), app=APP, out_dir=tmp_path / "build", toolchain=toolchain)
    assert read_image(result.elf).sha256 == manifest[IMAGE]["sha256"]


def test_it_is_used_for_the_usual_policy_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another policy is another firmware, for which a compiler is needed."""
    entry, board = find_network("mask_cnn"), find_board(BOARD)
    assert firmware_for(entry, board, APP).image.sha256 == find_image(IMAGE).sha256

    def no_compiler() -> Toolchain:
        raise BadInputError("toolchain", "", None, "no compiler")

    monkeypatch.setattr("mcu_models.firmware.library.find_toolchain", no_compiler)
    with pytest.raises(BadInputError, match="no compiler"):
        firmware_for(replace(entry, door_policy=POLICY), board, APP)


def test_a_board_of_another_family_is_refused(
    network: Path, board: FirmwareBoard, toolchain: Toolchain, tmp_path: Path
) -> None:
    with pytest.raises(BadInputError, match=r"bare.*'mask_door' is written for the family 'h743'"):
        build_firmware(network, board=board, app=APP, out_dir=tmp_path / "out", toolchain=toolchain)


def test_a_network_of_another_size_is_refused(models: Path, toolchain: Toolchain, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"1 x 8 x 8 x 1 int8.*1 x 32 x 32 x 3 int8"):
        build_firmware(
            models / "c8_p_fc.tflite",
            board=find_board(BOARD),
            app=APP,
            out_dir=tmp_path / "out",
            toolchain=toolchain,
        )


def test_a_board_without_a_camera_interface_is_told(build: BuildResult) -> None:
    emulator = UnicornEmulator(find_board(BOARD), read_image(build.elf))
    with pytest.raises(BadInputError, match=r"camera interface.*DCMI2.*one of DCMI"):
        emulator.attach_camera("DCMI2", Ov7725(Playback(frames_of_a_visit())))
