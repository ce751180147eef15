"""The Grid-EYE for Renode answers as the Python model does, byte for byte; needs Renode."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mcu_models.emulators.renode.installation import find_renode, is_renode_there
from sensors.amg8833 import Amg8833
from sensors.grid_eye_sheet import load_grid_eye
from sensors.recording import Recording
from sensors.resd import resd_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
SCRIPTS = 48
STEPS = 120
LIMIT_S = 240

PARTS = ("amg8833", "amg8834", "amg8831")
NEVER = -1

REGISTERS = (0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x07, 0x08, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x10, 0x1F, 0x80)
LIKELY = {
    0x00: (0x00, 0x00, 0x00, 0x10, 0x20, 0x21, 0x01),
    0x01: (0x3F, 0x3F, 0x30, 0x00),
    0x02: (0x00, 0x01),
    0x03: (0x00, 0x01, 0x03, 0x03),
    0x05: (0x02, 0x04, 0x06),
    0x07: (0x20, 0x00),
}


@pytest.fixture(scope="module")
def renode() -> str:
    if not is_renode_there():
        pytest.skip("needs Renode 1.16: `renode` on PATH, or its path in the environment variable RENODE")
    return str(find_renode())


@pytest.fixture(scope="module")
def sources() -> Iterator[str]:
    """What `include` compiles: our two files and the bus of these tests."""
    peripherals = files("mcu_models.emulators").joinpath("renode", "peripherals", "IAcknowledging.cs")
    with as_file(peripherals) as acknowledging, as_file(files("sensors") / "renode" / "GridEye.cs") as grid_eye:
        yield f"include @{acknowledging} @{grid_eye} @{HERE / 'renode' / 'I2cScript.cs'}"


def monitor(renode: str, folder: Path, *lines: str) -> str:
    """Run monitor commands, until one of them fails, in a Renode of their own; return what it printed."""
    command = [renode, "--disable-xwt", "--console", "--plain", "--config", str(folder / "renode.config")]
    command += [argument for line in (*lines, "quit") for argument in ("-e", line)]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    return done.stdout + done.stderr


@dataclass
class Scenario:
    """One sensor, what is done to it, and what the Python model answered."""

    seed: int
    plain: bool
    strict: bool
    first_frame_ns: int
    power_on_ns: int
    recording: Recording
    part: str
    lines: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)


class Player:
    """Does things at random to a Python model and notes them down, with its answers, for `I2cScript.cs`.

    A `plain` one calls Write, Read and FinishTransmission only, as Renode's own controllers do, and never hears of a
    missing acknowledge.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.random = Random(scenario.seed)  # noqa: S311 - a script, not a secret
        first_s = None if scenario.first_frame_ns == NEVER else scenario.first_frame_ns / 1e9
        self.sheet = load_grid_eye(scenario.part)
        self.sensor = Amg8833(
            scenario.recording,
            sheet=self.sheet,
            strict=scenario.strict,
            first_frame_s=first_s,
            power_on_s=scenario.power_on_ns / 1e9,
        )
        self.now_ns = 1_000_000
        self.answers_now = False

    def play(self) -> None:
        for _ in range(STEPS):
            self.wait()
            actions = {
                self.use_bus: 60,
                self.wake: 9,
                self.set_levels: 9,
                self.unlock: 5,
                self.stand_by: 5,
                self.cut: 2,
            }
            self.random.choices(list(actions), list(actions.values()))[0]()
            self.look()
        self.finish()

    def wait(self) -> None:
        """Let from microseconds to hours pass, to the nanosecond; at times to the very moment of a frame."""
        steps_ns = ((10**3, 10**7, 10**8, 10**9), (10**6, 10**9, 3 * 10**10), (10**8, 2 * 10**10, 10**11))
        self.now_ns += self.random.randrange(1, self.random.choice(steps_ns[self.scenario.seed // 3 % 3]))
        if self.scenario.first_frame_ns != NEVER and self.random.random() < 0.3:
            self.now_ns += -self.now_ns % 100_000_000 + self.random.choice((-60, 0, 60))
        if self.random.random() < 0.003:
            self.now_ns += 3 * 3_600 * 10**9

    def note(self, operation: str, argument: str, answer: str) -> None:
        level = 0 if self.sensor.int_pin_is_low(self.now_ns / 1e9) else 1
        self.scenario.lines.append(f"{self.now_ns} {operation} {argument}".rstrip())
        self.scenario.answers.append(f"{answer} {level}")

    def look(self) -> None:
        self.now_ns += self.random.randrange(1, 10**8)
        self.note("look", "", "-")

    def start(self, *, read: bool) -> bool:
        self.answers_now = self.sensor.begin(self.now_ns / 1e9, read=read)
        if not self.scenario.plain:
            self.note("start", "r" if read else "w", "ack" if self.answers_now else "nack")
            self.pause()
        return self.answers_now or self.scenario.plain

    def pause(self) -> None:
        self.now_ns += self.random.choice((0, 22_500, 90_001, 7_000_003))

    def write(self, *values: int) -> None:
        """Write after `start`, in one or in several pieces."""
        pieces = [values] if self.random.random() < 0.5 else [(value,) for value in values]
        for piece in pieces:
            for value in piece:
                if self.answers_now:
                    self.sensor.write(self.now_ns / 1e9, value)
            self.note("write", bytes(piece).hex(), "-")
            if not self.scenario.plain:
                self.pause()

    def read(self, count: int) -> None:
        got = bytes(self.sensor.read(self.now_ns / 1e9) if self.answers_now else 0xFF for _ in range(count))
        self.note("read", str(count), got.hex())
        self.pause()

    def stop(self) -> None:
        self.sensor.end(self.now_ns / 1e9)
        self.note("stop", "", "-")

    def transaction(self, *values: int) -> None:
        if self.start(read=False):
            self.write(*values)
        self.stop()
        self.pause()

    def use_bus(self) -> None:
        register = self.random.choice(REGISTERS) if self.random.random() < 0.9 else self.random.randrange(256)
        if self.random.random() < 0.4:
            self.transaction(register, *self.values(register))
            return
        if self.start(read=False):
            self.write(register)
            if self.random.random() < 0.2:
                self.stop()
                self.wait()
            self.burst()
        self.stop()

    def values(self, register: int) -> list[int]:
        count = self.random.choice((1, 1, 1, 2, 3))
        following = [(register + index) & 0xFF for index in range(count)]
        return [
            self.random.choice(LIKELY[one])
            if one in LIKELY and self.random.random() < 0.85
            else self.random.randrange(256)
            for one in following
        ]

    def burst(self) -> None:
        if not self.start(read=True):
            return
        self.read(self.random.choice((1, 2, 16, 128, 130)))
        if self.random.random() < 0.3:
            self.now_ns += 170_000_000
            self.read(self.random.choice((1, 8)))
        if self.random.random() < 0.2 and self.start(read=False):
            self.write(self.random.choice(REGISTERS))

    def wake(self) -> None:
        """Fall asleep and wake up, in the order of the specification or not quite."""
        self.transaction(0x00, 0x10)
        self.wait()
        self.transaction(0x00, 0x00)
        self.now_ns += self.random.choice((1_000_000, 51_000_000))
        if self.random.random() < 0.8:
            self.transaction(0x01, 0x3F)
        self.now_ns += self.random.choice((1_000_000, 3_000_000))
        self.transaction(0x01, 0x30)

    def set_levels(self) -> None:
        middle, width = self.random.choice((0, 80, 90)), self.random.choice((2, 8, 40))
        levels = [middle + width, middle - width, self.random.choice((0, 1, 4))]
        self.transaction(0x08, *(byte for level in levels for byte in (level & 0xFF, level >> 8 & 0x0F)))
        self.transaction(0x03, self.random.choice((0x01, 0x03)))
        self.transaction(0x05, 0x06)

    def stand_by(self) -> None:
        self.transaction(0x00, self.random.choice((0x21, 0x21, 0x20)))
        self.now_ns += self.random.choice((9_999_000_000, 10_001_000_000, 43_000_000_000, 130_000_000_000))
        for register in (0x04, 0x80):
            if self.start(read=False):
                self.write(register)
            if self.start(read=True):
                self.read(128)
            self.stop()

    def unlock(self) -> None:
        for value in (0x50, 0x45, 0x57):
            if self.random.random() < 0.95:
                self.transaction(0x1F, value)
        self.transaction(0x07, 0x20)

    def cut(self) -> None:
        """Cut the supply, at times within a transaction, and restore it."""
        is_within = self.random.random() < 0.5 and self.start(read=True)
        self.sensor.power_off(self.now_ns / 1e9)
        self.note("off", "", "-")
        if is_within:
            self.answers_now = False
            self.read(2)
        self.stop()
        self.wait()
        self.sensor.power_on(self.now_ns / 1e9)
        self.note("on", "", "-")

    def finish(self) -> None:
        """Note down what the sensor knows of itself."""
        sensor, end_s = self.sensor, self.now_ns / 1e9
        first_ns = NEVER if sensor.first_frame_s is None else round(sensor.first_frame_s * 1e9)
        residency = sensor.state_residency_s(end_s)
        states = [round(residency.get(state, 0.0) * 1e9) for state in ("startup", "normal", "standby", "sleep", "off")]
        numbers = [sensor.latched_frame, first_ns, len(sensor.rejected_writes), *states]
        self.scenario.answers.append(" ".join(str(number) for number in numbers))
        self.scenario.answers.append("; ".join(broken.rule for broken in sensor.broken_rules))


def random_recording(random: np.random.Generator, part: str, frames: int) -> Recording:
    """Return frames around 22 degC, some of which are at the limits of the part's range or beyond them."""
    sheet = load_grid_eye(part)
    low, high = round(sheet.object_low_degc.value * 4), round(sheet.object_high_degc.value * 4)
    steps = random.integers(78, 100, (frames, 8, 8))
    for extreme in (-2048, low - 1, low, high, high + 1, 2047):
        steps[random.random((frames, 8, 8)) < 0.0003] = extreme
    return Recording(
        time_s=np.arange(frames) / 10,
        frames=(steps * 0.25).astype(np.float32),
        count=np.zeros(frames, dtype=np.int64),
        thermistor_degc=random.uniform(-15, 60, frames).astype(np.float32),
    )


def make_scenario(seed: int) -> Scenario:
    random, part = np.random.default_rng(seed), PARTS[seed % len(PARTS)]
    scenario = Scenario(
        seed=seed,
        plain=seed % 4 == 3,
        strict=seed % 2 == 0,
        first_frame_ns=(NEVER, 0, NEVER, 2_300_000_000, 300 * 10**9)[seed // 2 % 5],
        power_on_ns=(0, 0, 123_456_789)[seed % 3],
        recording=random_recording(random, part, int(random.choice([1, 2, 7, 40, 400, 6000, 6000]))),
        part=part,
    )
    Player(scenario).play()
    return scenario


BENCH = (
    "logLevel 3",
    "emulation SetGlobalAdvanceImmediately true",
    # No processor shares the time, so that nothing but events needs to end a quantum.
    'emulation SetGlobalQuantum "10"',
    'mach create "bench"',
)


def commands(scenario: Scenario, folder: Path) -> list[str]:
    """Write the files of one scenario; return what sets it up in Renode."""
    number = scenario.seed
    resd = folder / f"{number}.resd"
    resd.write_bytes(resd_bytes(scenario.recording, load_grid_eye(scenario.part)))
    settings = (
        f"strict: {str(scenario.strict).lower()}; firstFrameNs: {scenario.first_frame_ns}; "
        f"powerOnNs: {scenario.power_on_ns}"
    )
    return [
        *connect(number, settings),
        f"{eye(number)} FeedFramesFromRESD @{resd}",
        *play(number, scenario.lines, folder),
    ]


def eye(number: int) -> str:
    return f"sysbus.bus{number}.eye{number}"


def connect(number: int, settings: str = "") -> list[str]:
    bus = f"bus{number}: EdgeSensorTwin.I2cScript @ sysbus 0x{0x40000000 + 0x1000 * number:X}"
    sensor = f"eye{number}: EdgeSensorTwin.GridEye @ bus{number} 0x69 {{ {settings} }}"
    return [f'machine LoadPlatformDescriptionFromString "{text}"' for text in (bus, sensor)]


def play(number: int, lines: list[str], folder: Path, name: str = "") -> list[str]:
    script, answers = folder / f"{number}{name}.txt", folder / f"{number}.answers"
    script.write_text("\n".join(lines) + "\n")
    return [f'sysbus.bus{number} Play @{script} "{answers}"']


def test_random_scripts_are_answered_as_by_the_python_model(renode: str, sources: str, tmp_path: Path) -> None:
    """Every byte, every acknowledge, INT after every step, and what the sensor says of itself at the end."""
    scenarios = [make_scenario(seed) for seed in range(SCRIPTS)]
    end_s = max(int(scenario.lines[-1].split()[0]) for scenario in scenarios) // 10**9 + 1
    printed = monitor(
        renode,
        tmp_path,
        sources,
        *BENCH,
        *(line for scenario in scenarios for line in commands(scenario, tmp_path)),
        f'emulation RunFor "{end_s}"',
    )
    for scenario in scenarios:
        written = tmp_path / f"{scenario.seed}.answers"
        assert written.exists(), f"script {scenario.seed} did not come to its end:\n{printed}"
        answers = written.read_text().splitlines()
        for number, (answer, expected) in enumerate(zip(answers, scenario.answers, strict=True)):
            done = "\n".join(scenario.lines[max(number - 30, 0) : number + 1])
            assert answer == expected, f"script {scenario.seed}, line {number}:\n{done}"


def stepping_recording(frames: int = 20) -> Recording:
    """Return frames of which frame k shows 20 + k degC everywhere."""
    degc = np.arange(20.0, 20.0 + frames, dtype=np.float32)
    return Recording(
        time_s=np.arange(frames) / 10,
        frames=np.repeat(degc, 64).reshape(frames, 8, 8),
        count=np.zeros(frames, dtype=np.int64),
    )


def test_a_controller_that_never_announces_a_stop_sees_new_frames(renode: str, sources: str, tmp_path: Path) -> None:
    """As behind STM32F4_I2C: every write begins a transaction; with a stop announced, the open one stays frozen."""
    lines = [f"{time_ns} {what}" for time_ns in (60_000_000, 1_060_000_001) for what in ("write 80", "read 1")]
    (tmp_path / "steps.resd").write_bytes(resd_bytes(stepping_recording(), load_grid_eye()))
    setup: list[str] = []
    for number, settings in enumerate(("announcesStop: false", "")):
        feed = f"{eye(number)} FeedFramesFromRESD @{tmp_path / 'steps.resd'}"
        setup += [*connect(number, settings), feed, *play(number, lines, tmp_path)]
    printed = monitor(renode, tmp_path, sources, *BENCH, *setup, 'emulation RunFor "2"')
    shown = [[line.split()[0] for line in (tmp_path / f"{n}.answers").read_text().splitlines()[:4]] for n in (0, 1)]
    assert shown == [["-", "50", "-", "78"], ["-", "50", "-", "50"]], printed


def test_a_reset_of_the_machine_is_not_one_of_the_sensor(renode: str, sources: str, tmp_path: Path) -> None:
    """Registers and the place in the recording are kept; only the transaction is gone."""
    (tmp_path / "steps.resd").write_bytes(resd_bytes(stepping_recording(), load_grid_eye()))
    before = ["60000000 start w", "60000000 write 0901", "60000000 start w", "60000000 write 80", "60000000 start r"]
    after = [
        "1160000001 start r",
        "1160000001 read 1",
        "1160000001 start w",
        "1160000001 write 09",
        "1160000001 start r",
    ]
    printed = monitor(
        renode, tmp_path, sources, *BENCH, *connect(0), f"{eye(0)} FeedFramesFromRESD @{tmp_path / 'steps.resd'}",
        *play(0, before, tmp_path, "before"), 'emulation RunFor "1"', "machine Reset",
        *play(0, [*after, "1160000001 read 1"], tmp_path), 'emulation RunFor "1"', f"{eye(0)} FirstFrameNs",
    )  # fmt: skip
    answers = [line.split()[0] for line in (tmp_path / "0.answers").read_text().splitlines()[-8:-2]]
    assert answers == ["ack", "7c", "ack", "-", "ack", "01"], printed
    assert "0x0000000000989680" in printed


def damaged_files(good: bytes) -> dict[str, tuple[bytes, str]]:
    """Return files that cannot be used, with what is to be said of each."""
    at = good.index(b"frames\0\x08") + len(b"frames\0\x08")
    return {
        "empty": (b"", "magic"),
        "magic": (b"RIFF" + good[4:], "magic"),
        "header_only": (good[:8], "holds no Grid-EYE frames on channel 0"),
        "truncated": (good[:-67], "frame 19"),
        "short_by_a_frame": (good[:-134], "20 frames are announced and 19 are there"),
        "announced": (good[:at] + b"\x13" + good[at + 1 :], "19 frames are announced and 20 are there"),
        "content": (good.replace(b"grid-eye-frames", b"grid-eye-movies"), "must hold grid-eye-frames of version 1"),
        "no_metadata": (
            good.replace(b"lowest_steps", b"LOWEST_STEPS"),
            "metadata must have lowest_steps of type Int32",
        ),
        "gap": (good + resd_bytes(stepping_recording(), load_grid_eye(), start_ns=2_000_000_001)[8:], "without a gap"),
        "arbitrary": (good[:8] + b"\x01" + good[9:], "Invalid metadata type"),
    }


def test_files_that_cannot_be_used_are_refused_in_one_line(renode: str, sources: str, tmp_path: Path) -> None:
    """While one in two blocks can be used."""
    good = resd_bytes(stepping_recording(), load_grid_eye())
    damaged = damaged_files(good)
    for name, (content, _) in damaged.items():
        (tmp_path / f"{name}.resd").write_bytes(content)
    following = resd_bytes(stepping_recording(), load_grid_eye(), start_ns=2_000_000_000)
    (tmp_path / "good.resd").write_bytes(good + following[8:])
    feeds = [f"sysbus.bus0 Refusal @{tmp_path / name}.resd" for name in (*damaged, "nothing", "good")]
    printed = monitor(
        renode, tmp_path, sources, *BENCH, *connect(0), *feeds, f"{eye(0)} FrameCount",
        f"{eye(0)} FeedFramesFromRESD @{tmp_path / 'good.resd'} 3",
    )  # fmt: skip
    answers = printed.partition("Including")[2].splitlines()
    sayings = {name: said for name, (_, said) in damaged.items()}
    for name, said in {**sayings, "nothing": "there is no such file"}.items():
        lines = [line for line in answers if f"{name}.resd: " in line]
        assert len(lines) == 1, f"{name}:\n{printed}"
        assert said in lines[0], f"{name}:\n{printed}"
    assert "0x00000028" in answers, "two blocks, one after the other, are 40 frames"
    assert answers[-2].endswith("good.resd: holds no Grid-EYE frames on channel 3"), printed


def test_behind_renode_s_own_stm32f7_i2c(renode: str, sources: str, tmp_path: Path) -> None:
    """Pixel 1 is read through I2C1 of a board of Renode's, and Renode's own tool reads the file."""
    (tmp_path / "steps.resd").write_bytes(resd_bytes(stepping_recording(), load_grid_eye(), start_ns=7_000_000_000))
    cr1, cr2, rxdr, txdr = (0x40005400 + offset for offset in (0x00, 0x04, 0x24, 0x28))
    read_pixel = (
        f"sysbus WriteDoubleWord {cr2} 0x000120D2",  # START, one byte to write to 0x69
        f"sysbus WriteDoubleWord {txdr} 0x80",
        f"sysbus WriteDoubleWord {cr2} 0x020224D2",  # repeated START, two bytes to read, then a STOP
        f"sysbus ReadDoubleWord {rxdr}",
        f"sysbus ReadDoubleWord {rxdr}",
    )
    sensor = "eye: EdgeSensorTwin.GridEye @ i2c1 0x69 { Interrupt -> gpioPortB@5 }"
    printed = monitor(
        renode, tmp_path, sources, *BENCH[:2], 'mach create "node"',
        "machine LoadPlatformDescription @platforms/cpus/stm32h743.repl",
        f'machine LoadPlatformDescriptionFromString "{sensor}"',
        f"sysbus.i2c1.eye FeedFramesFromRESD @{tmp_path / 'steps.resd'}", f"sysbus WriteDoubleWord {cr1} 1",
        *read_pixel, 'emulation RunFor "0.06"', *read_pixel, 'emulation RunFor "0.5"', *read_pixel,
        "sysbus.i2c1.eye LatchedFrame", "sysbus.i2c1.eye RecordingStartNs",
        f"resd load steps @{tmp_path / 'steps.resd'}", "resd list-blocks steps",
    )  # fmt: skip
    numbers = [line for line in printed.splitlines() if line.startswith("0x")]
    assert numbers == [f"0x{n:08X}" for n in (0xFF, 0xFF, 80, 0, 100, 0, 5)] + [f"0x{7 * 10**9:016X}"], printed
    assert "1. [00:00:07.000000000..00:00:09.000000000] BinaryData:0" in printed
