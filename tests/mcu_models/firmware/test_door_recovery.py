"""The mask door behind faults of its camera, its bus and itself: right again within 3 s, closed meanwhile."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from mcu_models.boards.board import find_board
from mcu_models.emulators.fault_injection import inject
from mcu_models.emulators.fault_plan import FaultPlan
from mcu_models.emulators.image import read_image
from mcu_models.emulators.unicorn_backend import UnicornEmulator
from mcu_models.firmware.builder import build_firmware
from mcu_models.firmware.toolchain import find_toolchain
from sensors.camera.ov7725_registers import Ov7725

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from mcu_models.emulators.image import FirmwareImage
    from mcu_models.emulators.port import PinEdge
    from mcu_models.emulators.snapshot import Snapshot

BOARD, APP = "stm32h743vi", "mask_door"
BEGIN_S = 0.9
"""When a fault begins: some 40 frames have been looked at, and the door is open."""
WITHIN_S = 3.0
ANSWER = re.compile(r"^(\d+) (\d+) ([01])$")
CAMERA = {"bus": "I2C1", "address": 0x21}
BUS = {"bus": "I2C1", "scl": "PB8", "sda": "PB9"}
DOOR = ("GPIOB", 15)
SLEEP_FOR_EVER = b"\x30\xbf\xfd\xe7"
"""1: wfi; b 1b"""


class Visitor:
    """A blue visitor from frame 40 on, for whom the door opens; every frame with noise of its own."""

    def __init__(self) -> None:
        self.is_frozen = False

    def picture(self, index: int, time_s: float) -> NDArray[np.uint16]:  # noqa: ARG002
        generator = np.random.default_rng(0 if self.is_frozen else index)
        frame = (generator.integers(0, 3, (200, 200)) * 0x0821 + 0x4208).astype(np.uint16)
        if index > 40:
            frame[40:160, 50:150] = generator.integers(0x18, 0x1F, (120, 100))
        return frame


class Bench:
    """A board with its camera."""

    def __init__(self, image: FirmwareImage) -> None:
        self.emulator = UnicornEmulator(find_board(BOARD), image)
        camera = Ov7725(Visitor())
        self.emulator.attach_i2c("I2C1", camera)
        self.emulator.attach_camera("DCMI", camera)
        self.edges: list[PinEdge] = []
        self.emulator.on_pin_edge(self.edges.append)

    def answers(self, from_s: float = 0.0) -> list[tuple[float, int, bool]]:
        """Return time, number and decision of each answer."""
        lines = [(line.time_s, ANSWER.match(line.text)) for line in self.emulator.uart_lines() if line.time_s > from_s]
        return [(time_s, int(found[1]), found[3] == "1") for time_s, found in lines if found]

    def texts(self) -> list[str]:
        return [line.text for line in self.emulator.uart_lines() if not ANSWER.match(line.text)]

    def closed_at_s(self) -> list[float]:
        return [edge.time_s for edge in self.edges if (edge.port, edge.pin) == DOOR and not edge.high]


@pytest.fixture(scope="module")
def begun(door_network: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Bench, Snapshot]:
    """Return a bench, and its state shortly before faults begin."""
    out_dir = tmp_path_factory.mktemp("door") / "out"
    toolchain = find_toolchain()
    result = build_firmware(door_network, board=find_board(BOARD), app=APP, out_dir=out_dir, toolchain=toolchain)
    bench = Bench(read_image(result.elf))
    bench.emulator.run(until_s=BEGIN_S - 0.005)
    assert bench.answers()[-1][2]
    assert not bench.emulator.problems
    return bench, bench.emulator.snapshot()


def lasting(kind: str, seconds: float, *, phase_s: float = 0.0, **keys: Any) -> tuple[dict[str, Any], float]:
    """Return a plan with one fault, and when it is over."""
    begin_s = BEGIN_S + phase_s
    return {kind: ({"from_s": begin_s, "until_s": begin_s + seconds, **CAMERA, **keys},)}, begin_s + seconds


FAULTS: dict[str, tuple[dict[str, Any], float]] = {
    "refused for 0.4 s": lasting("i2c_nack", 0.4),
    **{f"supply lost for 10 ms at {at_s}": lasting("i2c_brown_out", 0.01, phase_s=at_s)
       for at_s in (0.0, 0.004, 0.008, 0.012)},
    "supply lost for 0.1 s": lasting("i2c_brown_out", 0.1),
    "supply lost for 10 s": lasting("i2c_brown_out", 10.0),
    "SDA low for 0.4 s": ({"i2c_stuck": ({"from_s": BEGIN_S, "seconds": 0.4, **BUS},)}, BEGIN_S + 0.4),
    "SDA low, supply lost": (
        {"i2c_stuck": ({"from_s": BEGIN_S, "clocks": 5, **BUS},), **lasting("i2c_brown_out", 0.05)[0]},
        BEGIN_S + 0.05,
    ),
    "registers all ones, supply lost": (
        lasting("i2c_data", 0.4, value=0xFF)[0] | lasting("i2c_brown_out", 0.02)[0],
        BEGIN_S + 0.4,
    ),
    "camera's clock 1 % fast": (
        {"clock_drift": ({"oscillator": "hsi48", "ppm": 10_000.0, "from_s": BEGIN_S},)},
        BEGIN_S,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_the_door_works_again_within_three_seconds(name: str, begun: tuple[Bench, Snapshot]) -> None:
    """Numbers go on, every frame is answered again, and the door opens for the visitor."""
    bench, snapshot = begun
    plan, end_s = FAULTS[name]
    bench.emulator.restore(snapshot)
    inject(bench.emulator, FaultPlan.model_validate(plan))
    bench.emulator.run(until_s=end_s + 1.0)
    assert bench.emulator.connections.disturbances.listed
    answers = bench.answers()
    assert [number for _, number, _ in answers] == list(range(len(answers)))
    later = [time_s for time_s, _, _ in answers if time_s > end_s]
    assert later[0] < end_s + WITHIN_S
    settled = [time_s for time_s in later if time_s > end_s + 0.8]
    assert all(second - first < 0.03 for first, second in pairwise([end_s + 0.8, *settled]))
    assert answers[-1][2]
    assert not bench.emulator.resets
    assert not bench.emulator.faults


def test_a_camera_that_goes_dark_closes_the_door(begun: tuple[Bench, Snapshot]) -> None:
    bench, snapshot = begun
    bench.emulator.restore(snapshot)
    bench.edges.clear()
    inject(bench.emulator, FaultPlan.model_validate(lasting("i2c_brown_out", 5.0)[0]))
    bench.emulator.run(until_s=BEGIN_S + 1.0)
    assert bench.closed_at_s() == pytest.approx([BEGIN_S + 0.1], abs=0.05)
    assert bench.texts() == ["mask door", "camera sends no frames", "camera does not answer"]


def test_a_picture_that_stands_still_opens_no_door(begun: tuple[Bench, Snapshot]) -> None:
    """A second of the same frame: it is told and the door closes; with live frames it opens again."""
    bench, snapshot = begun
    bench.emulator.restore(snapshot)
    bench.edges.clear()
    camera: Any = bench.emulator.connections.cameras["DCMI"]
    camera.pictures.is_frozen = True
    bench.emulator.run(until_s=BEGIN_S + 1.5)
    assert bench.closed_at_s()[0] == pytest.approx(BEGIN_S + 1.0, abs=0.05)
    assert not bench.answers(BEGIN_S + 1.05)
    assert set(bench.texts()) == {"mask door", "camera repeats itself"}
    camera.pictures.is_frozen = False
    bench.emulator.run(until_s=BEGIN_S + 2.3)
    assert bench.answers()[-1][2]


def test_a_main_loop_that_hangs_is_restarted_and_goes_on(begun: tuple[Bench, Snapshot]) -> None:
    """Numbers and the usual picture outlive the reset: a visitor who stands there all the time is near at once."""
    bench, snapshot = begun
    emulator = bench.emulator
    emulator.restore(snapshot)
    before = len(bench.answers())
    address = emulator.image.symbols["network_run"] & ~1
    code = bytes(emulator.read_memory(address, len(SLEEP_FOR_EVER)))
    emulator._engine.mem_write(address, SLEEP_FOR_EVER)
    emulator._engine.ctl_flush_tb()
    while not emulator.resets and emulator.now_s < BEGIN_S + WITHIN_S:
        emulator.run(until_s=emulator.now_s + 1e-4)
    assert emulator.resets == ["iwdg"]
    emulator._engine.mem_write(address, code)
    emulator._engine.ctl_flush_tb()
    emulator.run(until_s=BEGIN_S + 2.0)
    answers = bench.answers()
    assert [number for _, number, _ in answers] == list(range(len(answers)))
    assert answers[before][0] < BEGIN_S + WITHIN_S
    assert bench.texts() == ["mask door", "mask door", "restarted by watchdog"]
    assert answers[-1][2]


def test_without_a_camera_the_watchdog_lets_it_be(begun: tuple[Bench, Snapshot]) -> None:
    """Whoever looks for a camera makes progress, with an LSI at its limit and beyond."""
    bench = UnicornEmulator(find_board(BOARD), begun[0].emulator.image)
    drift = {"oscillator": "lsi", "ppm": 100_000.0}
    inject(bench, FaultPlan.model_validate({"clock_drift": (drift,)}))
    bench.run(until_s=5.0)
    assert not bench.resets
    assert [line.text for line in bench.uart_lines()] == ["mask door"] + ["camera does not answer"] * 5
