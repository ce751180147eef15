"""One interface, several emulators: what firmware and the world around it see is the same in each of them."""

from __future__ import annotations

import shutil
import struct
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from datasheet.bad_input import BadInputError
from mcu_models.boards.board import find_board
from mcu_models.emulators.backends import BACKEND_NAMES, open_emulator
from mcu_models.emulators.faults import FAULT_NAMES
from mcu_models.emulators.image import FirmwareImage, Segment, read_image
from mcu_models.emulators.port import GAVE_UP, PinEdge
from mcu_models.emulators.renode.installation import is_renode_there
from mcu_models.emulators.renode.instruction_rates import instruction_rates
from mcu_models.emulators.renode_backend import RenodeEmulator, RenodeError
from mcu_models.emulators.unicorn_backend import UnicornEmulator
from mcu_models.emulators.virtual_clock import PowerState
from mcu_models.firmware.builder import copy_sources
from mcu_models.firmware.compilation import ELF_FILE, compile_and_link
from mcu_models.firmware.library import find_image
from mcu_models.firmware.toolchain import find_toolchain
from scenarios.room import load_scenario
from scenarios.simulation import simulate
from sensors.amg8833 import Amg8833
from sensors.grid_eye_sheet import load_grid_eye
from sensors.mount import Mount
from sensors.sensing import sense

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcu_models.emulators.backends import BackendName
    from mcu_models.emulators.port import RunOutcome, UartLine
    from sensors.recording import Recording

    AnyEmulator = UnicornEmulator | RenodeEmulator

BOARD, UART, BUS = "stm32l4a6zg", "USART2", "I2C1"
APPS = Path(__file__).parent / "apps"
FIRMWARE = Path(__file__).parents[3] / "mcu_models" / "firmware"
UNUSED_DRIVERS = ("ticker", "amg8833", "kept")
CHARACTER_S = 10 * 139 / 16e6
"""Ten bits of the divider that the driver sets, from HSI16."""
I2C_BYTE_S = 9 * (14 * 2 / 16e6 + 750e-9)
"""Of the driver's TIMINGR: SCLL 9 and SCLH 3 at half the clock, and what synchronisation takes."""
QUANTUM_S = 0.01
TIMING_PIN, FREE_PIN = ("GPIOA", 8), ("GPIOB", 5)
FRAMES, SETTLED_S = 30, 18.0
"""Crystal, wake sequence and settling of the sensor take less."""


# -- devices and programs ----------------------------------------------------------------------------------------------


@dataclass
class Device:
    """An I2C device that counts up from the last byte it was told, and keeps a log with times.

    Attributes:
        refused: A byte that it does not acknowledge.
        is_shy: Does not acknowledge its address.
    """

    address: int
    refused: int | None = None
    is_shy: bool = False
    heard: list[str] = field(default_factory=list)
    times_s: list[float] = field(default_factory=list)
    pointer: int = 0

    def begin(self, time_s: float, *, read: bool) -> bool:
        self._note(time_s, "begin read" if read else "begin write")
        return not self.is_shy

    def write(self, time_s: float, byte: int) -> bool:
        self._note(time_s, f"write {byte:#x}")
        self.pointer = byte
        return byte != self.refused

    def read(self, time_s: float) -> int:
        self._note(time_s, f"read {self.pointer:#x}")
        self.pointer = (self.pointer + 1) & 0xFF
        return (self.pointer - 1) & 0xFF

    def end(self, time_s: float) -> None:
        self._note(time_s, "end")

    def _note(self, time_s: float, what: str) -> None:
        self.heard.append(what)
        self.times_s.append(time_s)


def counter() -> Device:
    return Device(0x69)


def shy() -> Device:
    return Device(0x20, is_shy=True)


def picky() -> Device:
    return Device(0x21, refused=2)


def bare_image(code: bytes, *, base: int = 0x08000000, handler: bytes = b"\xfe\xe7") -> FirmwareImage:
    """Return an image with this code, every exception of which leads to one handler: a branch to itself."""
    vectors = struct.pack("<16I", 0x20001000, base + 0x201, *[base + 0x101] * 14)
    segments = (Segment(base, vectors), Segment(base + 0x100, handler), Segment(base + 0x200, code))
    return FirmwareImage("test", "0" * 64, segments, (), {})


# ldr r0, nothing; ldr r1, [r0]; ldr r2, turns; 1: subs r2, #1; bne 1b; udf #0; nothing: .word; turns: .word
TROUBLE = bytes.fromhex("02480168024a013afdd100de008c0040204e0000")

# Counts its starts at 0x20000000, keeps CSR behind it and removes its flags; the first time it starts the IWDG with a
# reload of 63 (8 ms), refreshes it 20 times, 5000 turns of a loop apart, counts that in the third word, and then rests.
WATCHED = bytes.fromhex(
    "0f4810490a680368013303604260012b15d10124e40514430c600b490b4c0c600b4c0c603f248c6014250a4c0c600a4c013cfdd1"
    "846801348460013df5d1fee7000000209410024000300040cccc000055550000aaaa000088130000"
)


class Lab:
    """Runs each program once on each backend, when a test first asks for it."""

    def __init__(self, folder: Path) -> None:
        self.board = find_board(BOARD)
        self._folder = folder
        self.image = cache(self._built)
        self.talk = cache(self._talked)
        self.pace = cache(self._paced)
        self.trouble = cache(self._troubled)
        self.count = cache(self._counted)
        self.recording = cache(_recorded)

    def open(
        self, backend: BackendName, image: FirmwareImage, rates: Mapping[int, float] | None = None
    ) -> Any:  # a context manager of an emulator of either kind
        return open_emulator(backend, self.board, image, rates=rates)

    def _built(self, app: str) -> FirmwareImage:
        """Return one of the tests' programs with the twin's drivers."""
        try:
            toolchain = find_toolchain()
        except BadInputError as missing:
            pytest.skip(str(missing))
        folder = self._folder / app
        for name, part in {"app": APPS / app, "drivers": FIRMWARE / "drivers", "runtime": FIRMWARE / "runtime"}.items():
            copy_sources(part, folder / "src" / name)
        for name in UNUSED_DRIVERS:
            (folder / "src" / "drivers" / f"{name}.c").unlink()
        compile_and_link(folder, self.board, toolchain)
        return read_image(folder / ELF_FILE)

    def _talked(self, backend: BackendName) -> Talk:
        with self.open(backend, self.image("talker")) as emulator:
            return Talk(emulator)

    def _paced(self, backend: BackendName) -> Pace:
        rates = None if backend == "unicorn" else self.pace("unicorn").rates
        with self.open(backend, self.image("pacer"), rates) as emulator:
            return Pace(emulator)

    def _troubled(self, backend: BackendName) -> Trouble:
        with self.open(backend, bare_image(TROUBLE)) as emulator:
            return Trouble(emulator)

    def _counted(self, backend: BackendName) -> Counted:
        rates = None if backend == "unicorn" else self.count("unicorn").rates
        with self.open(backend, find_image("people_counter_stm32l4a6zg"), rates) as emulator:
            return Counted(emulator, self.recording())


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return Lab(tmp_path_factory.mktemp("apps"))


def need(backend: BackendName) -> None:
    if backend == "renode" and not is_renode_there():
        pytest.skip("Renode is neither on PATH nor named by the environment variable RENODE")


@pytest.fixture(params=BACKEND_NAMES)
def backend(request: pytest.FixtureRequest) -> BackendName:
    chosen: BackendName = request.param
    need(chosen)
    return chosen


@pytest.fixture
def both() -> tuple[BackendName, BackendName]:
    need("renode")
    return "unicorn", "renode"


# -- the talker --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Said:
    """What came of a command: the lines before the next "ready", and edges of pins meanwhile."""

    outcome: RunOutcome
    ready_s: float
    lines: list[UartLine]
    edges: list[PinEdge]

    @property
    def texts(self) -> list[str]:
        return [line.text for line in self.lines]


class Talk:
    """Everything that the talker is told in one go."""

    def __init__(self, emulator: AnyEmulator) -> None:
        self.devices = [counter(), shy(), picky()]
        self.edges: list[PinEdge] = []
        self.heard: list[tuple[UartLine, float]] = []
        self._emulator = emulator
        for device in self.devices:
            emulator.attach_i2c(BUS, device)
        with pytest.raises(BadInputError) as refused:
            emulator.attach_i2c("I2C9", counter())
        self.refused_bus = str(refused.value)
        emulator.on_pin_edge(self.edges.append)
        emulator.on_uart_line(lambda line: self.heard.append((line, emulator.now_s)))
        emulator.send_uart("too early", UART)
        self.start = self.tell("")
        self.echo = self.tell("ehallo\n")
        self.dma, self.by_hand = self.tell("d"), self.tell("h")
        self.bus, self.pins = self.tell("i"), self.tell("p")
        self.idle = emulator.run(until_s=emulator.now_s + 0.25)
        self.idle_s = emulator.now_s
        self.past = emulator.run(until_s=emulator.now_s - 0.1)
        self.given_up = emulator.run(until_s=emulator.now_s + 1e4, give_up=lambda: True)
        self.again = self.tell("eand again\n")
        self.vectors = emulator.read_memory(0x08000000, 64)
        self.lines = emulator.uart_lines()
        self.lines_elsewhere = emulator.uart_lines("USART1")
        self.problems = emulator.problems

    def tell(self, command: str) -> Said:
        """Give a command and wait until it has been carried out."""
        emulator = self._emulator
        lines, edges, now_s = len(emulator.uart_lines(UART)), len(self.edges), emulator.now_s
        emulator.send_uart(command, UART)
        outcome = emulator.run(until_s=now_s + 5.0, until_text="ready\n")
        *said, ready = emulator.uart_lines(UART)[lines:]
        return Said(outcome, ready.time_s, said, self.edges[edges:])


def test_an_awaited_text_ends_a_run_soon_after_it(lab: Lab, backend: BackendName) -> None:
    for said in (lab.talk(backend).start, lab.talk(backend).echo, lab.talk(backend).again):
        assert said.outcome.end == "until"
        assert said.outcome.detail == ""
        assert said.ready_s <= said.outcome.virtual_s < said.ready_s + 1.01 * QUANTUM_S


def test_a_time_ends_a_run_and_the_next_goes_on_from_there(lab: Lab, backend: BackendName) -> None:
    talk = lab.talk(backend)
    assert (talk.idle.end, talk.idle.detail, talk.idle.gave_up) == ("seconds", "", False)
    assert talk.idle.virtual_s == talk.idle_s == pytest.approx(talk.pins.outcome.virtual_s + 0.25, abs=1e-4)
    assert talk.past.end == "seconds"
    assert talk.past.virtual_s == pytest.approx(talk.idle_s, abs=1e-4)
    assert talk.again.outcome.instructions > talk.idle.instructions > talk.pins.outcome.instructions > 0


def test_a_run_that_is_given_up_ends_early_and_can_be_continued(lab: Lab, backend: BackendName) -> None:
    talk = lab.talk(backend)
    assert talk.given_up.gave_up
    assert talk.given_up.detail.startswith(GAVE_UP)
    assert talk.given_up.virtual_s < talk.past.virtual_s + 1e4
    assert talk.again.texts == ["and again"]


def test_what_arrives_is_heard_once_the_receiver_is_on(lab: Lab, backend: BackendName) -> None:
    talk = lab.talk(backend)
    assert talk.start.texts == []
    assert talk.echo.texts == ["hallo"]


def test_every_line_is_told_at_its_own_time_and_kept(lab: Lab, backend: BackendName) -> None:
    talk = lab.talk(backend)
    assert [line for line, _ in talk.heard] == talk.lines
    assert [now_s for _, now_s in talk.heard] == pytest.approx([line.time_s for line in talk.lines], abs=3e-3)
    times_s = [line.time_s for line in talk.lines]
    assert times_s == sorted(times_s)
    assert talk.lines_elsewhere == []


@pytest.mark.parametrize("how", ["dma", "by_hand"])
def test_characters_leave_at_the_baud_rate(lab: Lab, backend: BackendName, how: str) -> None:
    """Lines are as far apart as their characters take, and the first as far behind the pin as its own do."""
    said: Said = getattr(lab.talk(backend), how)
    assert said.texts == ["abcdefghijklmnopqrstuvwxyz", "xyz", ""]
    first, second, third = (line.time_s for line in said.lines)
    assert second - first == pytest.approx(4 * CHARACTER_S, rel=1e-3)
    assert third - second == pytest.approx(CHARACTER_S, rel=1e-3)
    rise, fall = said.edges
    assert first - rise.time_s == pytest.approx(27 * CHARACTER_S, abs=0.1 * CHARACTER_S)
    assert 0 <= fall.time_s - third < CHARACTER_S


def test_firmware_sees_who_acknowledges(lab: Lab, backend: BackendName) -> None:
    """A device that is not there, one that refuses its address, one that refuses a byte, and one that takes all."""
    assert lab.talk(backend).bus.texts[:4] == ["nobody 0", "shy 0", "picky 0", "counter 1"]
    assert lab.talk(backend).bus.texts[-1] == "read shy 0"


def test_dma_and_polling_read_what_the_device_gives(lab: Lab, backend: BackendName) -> None:
    assert lab.talk(backend).bus.texts[4:7] == ["read 1", "dma 128 129 130 131 132 133", "hand 254 255 0 1 2 3"]


READS = [f"read {value % 256:#x}" for value in range(0x80, 0x86)]


def test_a_device_hears_each_transfer_from_begin_to_end(lab: Lab, backend: BackendName) -> None:
    """Write; write, repeated start, read by DMA; the same by hand. No end between write and read."""
    heard, wrap = lab.talk(backend).devices[0].heard, ["read 0xfe", "read 0xff", *(f"read {n:#x}" for n in range(4))]
    assert heard[:5] == ["begin write", "write 0x1", "write 0x2", "write 0x3", "end"]
    assert heard[5:15] == ["begin write", "write 0x80", "begin read", *READS, "end"]
    assert heard[15:] == ["begin write", "write 0xfe", "begin read", *wrap, "end"]


def test_a_device_that_refuses_hears_no_more_but_the_end(lab: Lab, backend: BackendName) -> None:
    """One that has not acknowledged its address takes no part in the transfer, and hears no end."""
    _, refusing, picky_one = lab.talk(backend).devices
    assert refusing.heard == ["begin write", "begin write"]
    assert picky_one.heard == ["begin write", "write 0x1", "write 0x2", "end"]


def test_bytes_on_the_bus_are_as_far_apart_as_its_timing_says(lab: Lab, backend: BackendName) -> None:
    """The first byte of a DMA read comes a byte behind the address; the stop follows the last within a bit."""
    times_s = lab.talk(backend).devices[0].times_s[7:15]
    steps_s = [later - earlier for earlier, later in pairwise(times_s)]
    assert steps_s[:-1] == pytest.approx([I2C_BYTE_S] * 6, rel=1e-3)
    assert steps_s[-1] == pytest.approx(I2C_BYTE_S / 9, rel=0.01)


def test_a_pin_shows_edges_only_while_it_is_an_output(lab: Lab, backend: BackendName) -> None:
    edges = [edge for edge in lab.talk(backend).pins.edges if (edge.port, edge.pin) == FREE_PIN]
    assert [edge.high for edge in edges] == [True, False] * 3
    assert len(edges) == len(lab.talk(backend).pins.edges)


def test_edges_of_a_pin_alternate_and_begin_with_a_rise(lab: Lab, backend: BackendName) -> None:
    edges = lab.talk(backend).edges
    assert {(edge.port, edge.pin) for edge in edges} == {TIMING_PIN, FREE_PIN}
    for pin in (TIMING_PIN, FREE_PIN):
        levels = [edge.high for edge in edges if (edge.port, edge.pin) == pin]
        assert levels == [index % 2 == 0 for index in range(len(levels))]
    times_s = [edge.time_s for edge in edges]
    assert times_s == sorted(times_s)


def test_memory_holds_the_image(lab: Lab, backend: BackendName) -> None:
    flash = next(one for one in lab.image("talker").segments if one.address == 0x08000000)
    assert lab.talk(backend).vectors == flash.data[:64]


def test_good_firmware_meets_no_problem(lab: Lab, backend: BackendName) -> None:
    assert lab.talk(backend).problems == ()
    assert lab.pace(backend).problems == ()


def test_a_bus_that_the_board_does_not_have(lab: Lab, backend: BackendName) -> None:
    assert "I2C9" in lab.talk(backend).refused_bus
    assert "one of I2C1, " in lab.talk(backend).refused_bus


def test_devices_hear_the_same_on_both(lab: Lab, both: tuple[BackendName, BackendName]) -> None:
    """Byte by byte, with the same time between one and the next of a transfer."""
    ours, theirs = (lab.talk(name).devices for name in both)
    assert [device.heard for device in ours] == [device.heard for device in theirs]
    for one, other in zip(ours, theirs, strict=True):
        pauses_s = [[b - a for a, b in pairwise(device.times_s)] for device in (one, other)]
        for kind, first_s, second_s in zip(one.heard[1:], *pauses_s, strict=True):
            # Between transfers firmware runs; within one it may come to write the next byte a little later.
            if not kind.startswith("begin"):
                assert first_s == pytest.approx(second_s, abs=0.25 * I2C_BYTE_S)


def test_both_say_the_same_lines(lab: Lab, both: tuple[BackendName, BackendName]) -> None:
    ours, theirs = ([line.text for line in lab.talk(name).lines] for name in both)
    assert ours == theirs
    assert len(ours) > 20


# -- the pacer ---------------------------------------------------------------------------------------------------------

SLOW_TURNS, FAST_TURNS = 400_000, 2_000_000
CYCLES_A_TURN, INSTRUCTIONS_A_TURN = 3, 2
SLOW_HZ, FAST_HZ = 16_000_000, 80_000_000
SLEEP_S, STOP_S = 0.1, 0.2
UNTIL_S = 0.75


class Pace:
    """Loops, a sleep and a stop of known length."""

    def __init__(self, emulator: AnyEmulator) -> None:
        edges: list[PinEdge] = []
        emulator.on_pin_edge(edges.append)
        self.outcome = emulator.run(until_s=UNTIL_S)
        self.pulses_s = [fall.time_s - rise.time_s for rise, fall in zip(edges[::2], edges[1::2], strict=True)]
        self.counted = [int(word) for word in emulator.uart_lines()[0].text.split()]
        self.residency_s = dict(emulator.residency_s())
        self.spans = emulator.recent_spans()
        self.words = struct.unpack("<II", emulator.read_memory(emulator.image.symbols["memory_words"], 8))
        self.problems = emulator.problems
        self.rates = instruction_rates(emulator.executed()) if isinstance(emulator, UnicornEmulator) else {}


def test_a_loop_takes_its_cycles_at_the_clock_of_the_core(lab: Lab, backend: BackendName) -> None:
    slow_s, fast_s, *_ = lab.pace(backend).pulses_s
    assert slow_s == pytest.approx(SLOW_TURNS * CYCLES_A_TURN / SLOW_HZ, rel=0.01)
    assert fast_s == pytest.approx(FAST_TURNS * CYCLES_A_TURN / FAST_HZ, rel=0.01)


def test_the_cycle_counter_counts_cycles_at_either_clock_and_none_asleep(lab: Lab, backend: BackendName) -> None:
    slow, switch, fast, rest = lab.pace(backend).counted
    assert slow == pytest.approx(SLOW_TURNS * CYCLES_A_TURN, rel=0.01)
    assert fast == pytest.approx(FAST_TURNS * CYCLES_A_TURN, rel=0.01)
    assert 0 < switch < 20_000
    # 0.1 s at 16 MHz would be 1.6 million.
    assert 0 < rest < 50_000


def test_instructions_are_those_of_the_loops_and_little_else(lab: Lab, backend: BackendName) -> None:
    outcome, loops = lab.pace(backend).outcome, (SLOW_TURNS + FAST_TURNS) * INSTRUCTIONS_A_TURN
    assert loops < outcome.instructions < 1.01 * loops
    assert outcome.cycles == pytest.approx(loops / INSTRUCTIONS_A_TURN * CYCLES_A_TURN, rel=0.02)


def test_time_is_spent_in_the_power_states_that_firmware_chose(lab: Lab, backend: BackendName) -> None:
    """The last sleep lasts to the end; LSI counts sleep and stop."""
    pace = lab.pace(backend)
    found_s = pace.residency_s
    _, _, sleep_s, stop_s = pace.pulses_s
    assert (sleep_s, stop_s) == pytest.approx((SLEEP_S, STOP_S), rel=2e-3)
    assert found_s[PowerState("stop2", 0)] == pytest.approx(STOP_S, rel=5e-3)
    assert found_s[PowerState("run", FAST_HZ)] == pytest.approx(FAST_TURNS * CYCLES_A_TURN / FAST_HZ, rel=0.01)
    assert found_s[PowerState("run", SLOW_HZ)] == pytest.approx(SLOW_TURNS * CYCLES_A_TURN / SLOW_HZ, rel=0.02)
    assert sum(found_s.values()) == pytest.approx(pace.outcome.virtual_s, rel=1e-6)
    asleep_s = sum(spent_s for state, spent_s in found_s.items() if state.mode != "run")
    assert pace.outcome.sleep_s == pytest.approx(asleep_s, rel=1e-6)
    assert pace.outcome.virtual_s == pytest.approx(UNTIL_S, abs=1e-4)


def test_spans_follow_one_another_in_the_order_of_the_firmware(lab: Lab, backend: BackendName) -> None:
    spans = lab.pace(backend).spans
    assert all(first.end_s == pytest.approx(second.begin_s, abs=1e-9) for first, second in pairwise(spans))
    long_ones = [str(span.state) for span in spans if span.end_s - span.begin_s > 0.05]
    assert long_ones == ["run 16 MHz", "run 80 MHz", "sleep 16 MHz", "stop2", "sleep 16 MHz"]


def test_memory_shows_what_firmware_has_written(lab: Lab, backend: BackendName) -> None:
    assert lab.pace(backend).words == (0x12345678, 0xEDCBA987)


def test_both_spend_the_same_time_in_each_state(lab: Lab, both: tuple[BackendName, BackendName]) -> None:
    """States that last: what is passed through while the clock is set up is a few microseconds."""
    ours, theirs = (lab.pace(name).residency_s for name in both)
    for state, spent_s in ours.items():
        if spent_s > 1e-3:
            assert theirs[state] == pytest.approx(spent_s, rel=0.01)


# -- trouble -----------------------------------------------------------------------------------------------------------


class Trouble:
    """A read from where there is nothing, then a loop, then an undefined instruction."""

    def __init__(self, emulator: AnyEmulator) -> None:
        self.before = emulator.run(until_s=2e-3)
        self.problems = emulator.problems
        self.after = emulator.run(until_s=100.0)
        self.still = emulator.run(until_s=100.0)


def test_an_access_to_nothing_is_a_problem_that_names_its_address(lab: Lab, backend: BackendName) -> None:
    trouble = lab.trouble(backend)
    assert trouble.before.end == "seconds"
    (problem,) = trouble.problems
    assert "40008c00" in problem.lower()


def test_a_fault_without_a_handler_of_its_own_ends_the_run(lab: Lab, backend: BackendName) -> None:
    trouble = lab.trouble(backend)
    assert trouble.after.end == "fault"
    assert any(name in trouble.after.detail for name in FAULT_NAMES.values())
    assert trouble.after.virtual_s < 5.0
    assert trouble.still.end == "fault"


# movs r0, #1; 1: adds r0, #1; b 1b: five cycles or so for two instructions, and no register in sight
LOOP = bytes.fromhex("01200130fde7")


@pytest.mark.parametrize("code", [LOOP, b"\xfe\xe7"], ids=["loop", "branch to itself"])
def test_a_core_that_never_rests_is_awake_all_the_time(lab: Lab, backend: BackendName, code: bytes) -> None:
    """Neither a rate that is no whole million nor a branch to itself, which Renode waits in, is sleep."""
    with lab.open(backend, bare_image(code), {4_000_000: 2_666_668}) as emulator:
        outcome = emulator.run(until_s=0.5)
        assert outcome.virtual_s == pytest.approx(0.5, abs=0.004)
        assert outcome.sleep_s == pytest.approx(0.0, abs=1e-6)
        assert outcome.cycles == pytest.approx(0.5 * 4e6, rel=0.01)


def test_a_watchdog_bites_once_it_is_not_refreshed_and_says_so(lab: Lab, backend: BackendName) -> None:
    """Time and counts go on through the reset, RAM keeps its words, and the second start knows why it is one."""
    with lab.open(backend, bare_image(WATCHED), {4_000_000: 2_666_668}) as emulator:
        outcome = emulator.run(until_s=0.2)
        starts, flags, refreshes = struct.unpack("<3I", emulator.read_memory(0x20000000, 12))
    assert (starts, refreshes) == (2, 20)
    assert flags & 0xFF000000 == 0x24000000  # IWDGRSTF and PINRSTF
    assert outcome.virtual_s == pytest.approx(0.2, abs=0.004)
    assert outcome.cycles == pytest.approx(0.2 * 4e6, rel=0.02)
    assert outcome.instructions >= 20 * 2 * 5000


def test_a_time_between_two_nanoseconds_comes(lab: Lab, backend: BackendName) -> None:
    until_s = 0.1 + 0.2
    with lab.open(backend, bare_image(LOOP)) as emulator:
        assert emulator.run(until_s=until_s).virtual_s >= until_s


def test_long_texts_pass(lab: Lab, backend: BackendName) -> None:
    """A command may be longer than any buffer on its way."""
    with lab.open(backend, bare_image(LOOP)) as emulator:
        emulator.send_uart("x" * 100_000, "USART2")
        assert emulator.run(until_s=0.01, until_text="y" * 5000).end == "seconds"


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (bare_image(b"\xfe\xe7", base=0x30000000), "outside stm32l4a6zg"),
        (bare_image(b"\xfe\xe7" * (1 << 20)), "outside stm32l4a6zg"),
        (bare_image(b"\xfe\xe7", base=0x08001000), "no vector table"),
        (FirmwareImage("test", "0" * 64, (Segment(0x08000000, bytes(64)),), (), {}), "no vector table"),
    ],
)
def test_an_image_that_does_not_fit_the_board_is_refused(
    lab: Lab, backend: BackendName, image: FirmwareImage, expected: str
) -> None:
    with pytest.raises(BadInputError, match=expected), lab.open(backend, image):
        pass


# -- the whole node ----------------------------------------------------------------------------------------------------


def _recorded() -> Recording:
    scenario, sheet = load_scenario("office_doorway"), load_grid_eye()
    place = scenario.sensor_mount
    mount = Mount(place.x_m, place.y_m, place.height_m, place.yaw_deg)
    return sense(simulate(scenario, seconds=4, seed=3), mount, sheet, seed=3)


class Counted:
    """What the people counter does with frames that its sensor shows."""

    def __init__(self, emulator: AnyEmulator, recording: Recording) -> None:
        edges: list[PinEdge] = []
        emulator.on_pin_edge(edges.append)
        emulator.attach_i2c(BUS, Amg8833(recording, sheet=load_grid_eye(), address=0x69))
        self.outcome = emulator.run(until_s=SETTLED_S + 4.0, until_text=f"\n{FRAMES - 1} ")
        self.lines = [line for line in emulator.uart_lines() if line.time_s < self.outcome.virtual_s]
        self.pulses_s = [fall.time_s - rise.time_s for rise, fall in zip(edges[::2], edges[1::2], strict=True)]
        self.residency_s = dict(emulator.residency_s())
        self.problems = emulator.problems
        self.rates = instruction_rates(emulator.executed()) if isinstance(emulator, UnicornEmulator) else {}

    @property
    def run_s(self) -> float:
        return sum(spent_s for state, spent_s in self.residency_s.items() if state.mode == "run")


def test_the_people_counter_answers_alike_on_both(lab: Lab, both: tuple[BackendName, BackendName]) -> None:
    ours, theirs = (lab.count(name) for name in both)
    assert (ours.outcome.end, theirs.outcome.end) == ("until", "until")
    assert [line.text for line in ours.lines][:FRAMES] == [line.text for line in theirs.lines][:FRAMES]
    assert len(ours.lines) >= FRAMES
    assert (ours.problems, theirs.problems) == ((), ())
    times_s = [[line.time_s for line in one.lines[:FRAMES]] for one in (ours, theirs)]
    assert times_s[1] == pytest.approx(times_s[0], abs=2e-3)


def test_the_people_counter_works_as_long_on_both(lab: Lab, both: tuple[BackendName, BackendName]) -> None:
    """Length of an inference, and share of the time that the core runs."""
    ours, theirs = (lab.count(name) for name in both)
    assert len(ours.pulses_s) == len(theirs.pulses_s) >= FRAMES
    assert sum(theirs.pulses_s) == pytest.approx(sum(ours.pulses_s), rel=0.03)
    assert theirs.run_s / theirs.outcome.virtual_s == pytest.approx(ours.run_s / ours.outcome.virtual_s, rel=0.02)


# -- Renode alone ------------------------------------------------------------------------------------------------------


def test_a_board_that_renode_cannot_build_is_told_in_its_words(tmp_path: Path) -> None:
    """A user's own board folder with a line that is wrong."""
    need("renode")
    folder = tmp_path / "board"
    shutil.copytree(find_board(BOARD).folder, folder)
    with (folder / "board.repl").open("a", encoding="utf-8") as platform:
        platform.write("\nthing: Miscellaneous.NoSuchThing @ sysbus 0x50000000\n")
    board = find_board(str(folder))
    with pytest.raises(RenodeError, match="could not build the machine; it says: There was an error") as failed:
        RenodeEmulator(board, bare_image(TROUBLE))
    assert "Could not resolve type: 'Miscellaneous.NoSuchThing'" in str(failed.value)
    assert "thing: Miscellaneous.NoSuchThing @ sysbus 0x50000000" in str(failed.value)
    assert "\n" not in str(failed.value)
