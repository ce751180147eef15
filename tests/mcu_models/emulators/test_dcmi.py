"""The camera interface: words by the core and by DMA, windows, modes, interrupts, and what is refused."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from mcu_models.boards.board import PeripheralSheet, find_board
from mcu_models.emulators.peripherals.dcmi import FIFO_WORDS, IDLE_LOOK_S, Dcmi
from mcu_models.emulators.peripherals.dma_streams import DmaH7
from mcu_models.emulators.peripherals.dmamux import Dmamux

if TYPE_CHECKING:
    from collections.abc import Callable

CR, SR, RIS, IER, MIS, ICR, CWSTRT, CWSIZE, DR = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x14, 0x20, 0x24, 0x28
CAPTURE, SNAPSHOT, CROP, VSYNC_HIGH, ENABLE = 1, 1 << 1, 1 << 2, 1 << 7, 1 << 14
FRAME, OVERRUN, VSYNC, LINE = 1, 1 << 1, 1 << 3, 1 << 4
FNE = 1 << 2
ON = VSYNC_HIGH | ENABLE
IRQ = 78
BUFFER, OTHER = 0x24000000, 0x24001000
LISR, LIFCR, SCR, NDTR, PAR, M0AR, M1AR, FCR = 0x00, 0x08, 0x10, 0x14, 0x18, 0x1C, 0x20, 0x24
WORDS, MINC, EN, TCIE, CIRC, DBM, CT, TCIF = 2 << 11 | 2 << 13, 1 << 10, 1, 1 << 4, 1 << 8, 1 << 18, 1 << 19, 1 << 5


@dataclass(frozen=True)
class SmallFrame:
    """4 rows of 8 bytes, 1 us a byte, 10 us a row, 100 us a frame."""

    index: int = 0
    begin_s: float = 0.0
    rows: int = 4
    row_bytes: int = 8
    first_row_s: float = 20e-6
    row_s: float = 10e-6
    byte_s: float = 1e-6
    vsync_is_high: bool = True
    href_is_high: bool = True


class SmallCamera:
    """Sends frames whose bytes are 32 times their number, and upwards."""

    period_s = 100e-6

    def __init__(self, frame: SmallFrame | None = None) -> None:
        self.frame = frame or SmallFrame()
        self.is_on = True
        self.taken: list[int] = []

    def next_frame(self, time_s: float) -> SmallFrame | None:
        index = max(0, int(np.ceil(time_s / self.period_s - 1e-9)))
        return replace(self.frame, index=index, begin_s=index * self.period_s) if self.is_on else None

    def data(self, frame: SmallFrame) -> bytes:
        self.taken.append(frame.index)
        return frame_bytes(frame.index)


def frame_bytes(index: int) -> bytes:
    return bytes((32 * index + i) % 256 for i in range(32))


class Ram:
    """Memory from BUFFER on."""

    def __init__(self) -> None:
        self.content = bytearray(0x2000)

    def read(self, address: int, length: int) -> bytes:
        return bytes(self.content[address - BUFFER : address - BUFFER + length])

    def write(self, address: int, data: bytes) -> None:
        self.content[address - BUFFER : address - BUFFER + len(data)] = data


class Rig:
    """A camera, its interface, and DMA1 stream 0 set up for it."""

    def __init__(self, bench: Any, camera: SmallCamera) -> None:
        self.bench, self.camera, self.chip = bench, camera, bench.chip
        self.chip.board = find_board("stm32h743vi").sheet
        self.ram = self.chip.memory = Ram()
        self.chip.connections.cameras["DCMI"] = camera
        mux = Dmamux("DMAMUX1", self.chip, sheet(0x40020800, family="h7"))
        mux.write(0, 4, 75)
        self.dma = DmaH7("DMA1", self.chip, sheet(0x40020000, *range(11, 18), 47))
        self.dcmi = Dcmi("DCMI", self.chip, sheet(0x48020000, IRQ))

    def dma_on(self, words: int, *more: int, address: int = BUFFER) -> None:
        """Enable the stream for words into memory."""
        for register, value in ((NDTR, words), (PAR, 0x48020000 + DR), (M0AR, address), (FCR, 7)):
            self.dma.write(register, 4, value)
        control = WORDS | MINC | EN
        for flag in more:
            control |= flag
        self.dma.write(SCR, 4, control)

    def start(self, control: int) -> None:
        self.dcmi.write(CR, 4, ON | control)

    def status(self) -> int:
        return int(self.dcmi.read(RIS, 4))

    def capturing(self) -> bool:
        return bool(self.dcmi.read(CR, 4) & CAPTURE)


def sheet(base: int, *irqs: int, **options: str) -> PeripheralSheet:
    return PeripheralSheet(type="under_test", base=base, irqs=irqs, options=dict(options))


@pytest.fixture
def rig(make_bench: Callable[..., Any]) -> Rig:
    made = Rig(make_bench(), SmallCamera())
    made.bench.pass_s(5e-6)
    return made


def test_a_snapshot_is_the_next_whole_frame_and_no_more(rig: Rig) -> None:
    rig.dma_on(8)
    rig.start(CAPTURE | SNAPSHOT)
    rig.bench.pass_s(140e-6)  # within frame 1: rows begin at 120 us
    assert rig.status() == VSYNC
    rig.bench.pass_s(20e-6)
    assert rig.status() == VSYNC | FRAME
    assert rig.ram.read(BUFFER, 32) == frame_bytes(1)
    assert not rig.capturing()
    rig.bench.pass_s(300e-6)
    assert rig.camera.taken == [1]


def test_the_frame_is_complete_when_its_last_byte_has_come(rig: Rig) -> None:
    rig.dma_on(8)
    rig.start(CAPTURE | SNAPSHOT)
    rig.bench.pass_s(152.9e-6)  # 157.9 us: the last byte ends at 100 + 20 + 30 + 8
    assert not rig.status() & FRAME
    rig.bench.pass_s(0.2e-6)
    assert rig.status() & FRAME


def test_the_stream_counts_down_meanwhile(rig: Rig) -> None:
    rig.dma_on(8)
    rig.start(CAPTURE | SNAPSHOT)
    rig.bench.pass_s(134e-6)
    assert 0 < rig.dma.read(NDTR, 4) < 8
    rig.bench.pass_s(30e-6)
    assert rig.dma.read(NDTR, 4) == 0
    assert rig.dma.read(LISR, 4) & TCIF
    assert not rig.dma.read(SCR, 4) & EN


def test_continuous_capture_goes_on_in_a_circle(rig: Rig) -> None:
    rig.dma_on(8, CIRC)
    rig.start(CAPTURE)
    rig.bench.pass_s(260e-6)
    assert rig.camera.taken == [1, 2]
    assert rig.ram.read(BUFFER, 32) == frame_bytes(2)
    assert rig.dma.read(SCR, 4) & EN


def test_two_buffers_are_filled_in_turn(rig: Rig) -> None:
    rig.dma.write(M1AR, 4, OTHER)
    rig.dma_on(8, DBM)
    rig.start(CAPTURE)
    rig.bench.pass_s(160e-6)
    assert rig.dma.read(SCR, 4) & CT
    assert rig.ram.read(OTHER, 32) == bytes(32)
    rig.bench.pass_s(100e-6)
    assert (rig.ram.read(BUFFER, 32), rig.ram.read(OTHER, 32)) == (frame_bytes(1), frame_bytes(2))
    assert not rig.dma.read(SCR, 4) & CT


def test_a_frame_may_be_longer_or_shorter_than_a_transfer(rig: Rig) -> None:
    """Words of the next frame go on where this one ended; behind the transfer's end they are lost."""
    rig.dma_on(12)
    rig.start(CAPTURE)
    rig.bench.pass_s(260e-6)
    assert not rig.status() & OVERRUN  # the FIFO holds the rest of frame 2
    rig.bench.pass_s(100e-6)
    assert rig.ram.read(BUFFER, 48) == frame_bytes(1) + frame_bytes(2)[:16]
    assert rig.status() & OVERRUN


def test_the_core_reads_words_one_by_one(rig: Rig) -> None:
    rig.start(CAPTURE | SNAPSHOT)
    words = b""
    for _ in range(200):
        rig.bench.pass_s(1e-6)
        if rig.dcmi.read(SR, 4) & FNE:
            words += struct.pack("<I", rig.dcmi.read(DR, 4))
    assert words == frame_bytes(1)
    assert not rig.status() & OVERRUN


def test_words_that_nobody_takes_overrun_the_fifo(rig: Rig) -> None:
    rig.start(CAPTURE | SNAPSHOT)
    rig.bench.pass_s(200e-6)
    assert rig.status() & OVERRUN
    kept = b"".join(struct.pack("<I", rig.dcmi.read(DR, 4)) for _ in range(FIFO_WORDS))
    assert kept == frame_bytes(1)[: 4 * FIFO_WORDS]
    assert not rig.dcmi.read(SR, 4) & FNE


def test_a_stream_that_comes_late_gets_what_the_fifo_holds(rig: Rig) -> None:
    rig.start(CAPTURE | SNAPSHOT)
    rig.bench.pass_s(125e-6)  # two words have come
    rig.dma_on(8)
    rig.bench.pass_s(50e-6)
    assert rig.ram.read(BUFFER, 32) == frame_bytes(1)


def test_a_window_is_cut_out(rig: Rig) -> None:
    """Two rows from the second on, four bytes from the third on."""
    rig.dcmi.write(CWSTRT, 4, 1 << 16 | 2)
    rig.dcmi.write(CWSIZE, 4, 1 << 16 | 3)
    rig.dma_on(2)
    rig.start(CAPTURE | SNAPSHOT | CROP)
    rig.bench.pass_s(131e-6)  # its last byte ends at 100 + 20 + 20 + 6 - 5 later
    assert not rig.status() & FRAME
    rig.bench.pass_s(11e-6)
    assert rig.status() & FRAME
    data = frame_bytes(1)
    assert rig.ram.read(BUFFER, 8) == data[10:14] + data[18:22]


@pytest.mark.parametrize(("rate", "taken"), [(0, [1, 2, 3, 4, 5]), (1, [1, 3, 5]), (2, [1, 5])])
def test_frames_can_be_left_out(rig: Rig, rate: int, taken: list[int]) -> None:
    rig.dma_on(8, CIRC)
    rig.start(CAPTURE | rate << 8)
    rig.bench.pass_s(590e-6)
    assert rig.camera.taken == taken


def test_the_interrupt_comes_with_its_enabled_event_and_goes_with_the_clear_register(rig: Rig) -> None:
    rig.dma_on(8)
    rig.dcmi.write(IER, 4, FRAME)
    rig.start(CAPTURE | SNAPSHOT)
    rig.bench.pass_s(120e-6)
    assert not rig.bench.is_pending(IRQ)
    rig.bench.pass_s(40e-6)
    assert rig.bench.is_pending(IRQ)
    assert rig.dcmi.read(MIS, 4) == FRAME
    rig.dcmi.write(ICR, 4, FRAME)
    assert rig.status() == VSYNC
    assert rig.dcmi.read(MIS, 4) == 0


def test_lines_interrupt_when_they_begin(rig: Rig) -> None:
    rig.dma_on(8)
    rig.dcmi.write(IER, 4, LINE)
    rig.start(CAPTURE | SNAPSHOT)
    seen = []
    for step in range(200):
        rig.bench.pass_s(1e-6)
        if rig.status() & LINE:
            seen.append(step)
            rig.dcmi.write(ICR, 4, LINE)
    assert [later - seen[0] for later in seen] == [0, 10, 20, 30]


def test_the_status_shows_the_pauses(rig: Rig) -> None:
    rig.start(CAPTURE | SNAPSHOT)
    levels = []
    for passed_s in (100e-6, 17e-6, 7e-6, 31e-6):  # VSYNC, in row 0, behind row 0, behind the frame
        rig.bench.pass_s(passed_s)
        levels.append(rig.dcmi.read(SR, 4) & 3)
    assert levels == [3, 0, 1, 3]


def test_capture_that_is_cleared_ends_with_the_frame(rig: Rig) -> None:
    rig.dma_on(8, CIRC)
    rig.start(CAPTURE)
    rig.bench.pass_s(130e-6)
    rig.start(0)
    rig.bench.pass_s(400e-6)
    assert rig.camera.taken == [1]
    assert rig.status() & FRAME


def test_switched_off_nothing_comes_any_more(rig: Rig) -> None:
    rig.dma_on(8)
    rig.start(CAPTURE)
    rig.bench.pass_s(130e-6)
    rig.dcmi.write(CR, 4, 0)
    rig.bench.pass_s(400e-6)
    assert rig.status() == VSYNC
    assert rig.ram.read(BUFFER, 32) == bytes(32)


def test_a_camera_that_wakes_up_is_found(rig: Rig) -> None:
    rig.camera.is_on = False
    rig.dma_on(8)
    rig.start(CAPTURE | SNAPSHOT)
    rig.bench.pass_s(3 * IDLE_LOOK_S)
    assert rig.status() == 0
    rig.camera.is_on = True
    rig.bench.pass_s(2 * IDLE_LOOK_S)
    assert rig.status() & FRAME


def test_wrong_polarities_capture_nothing_and_are_reported(rig: Rig) -> None:
    rig.dcmi.write(CR, 4, ENABLE | CAPTURE)
    rig.bench.pass_s(300e-6)
    assert not rig.camera.taken
    assert any("polarities" in problem for problem in rig.chip.problems)


@pytest.mark.parametrize(
    ("bits", "what"), [(1 << 3, "JPEG"), (1 << 4, "embedded"), (1 << 10, "eight"), (1 << 16, "bytes")]
)
def test_what_is_not_modelled_is_reported(rig: Rig, bits: int, what: str) -> None:
    rig.start(bits)
    assert any(what in problem for problem in rig.chip.problems)


def test_without_a_camera_nothing_happens(rig: Rig) -> None:
    del rig.chip.connections.cameras["DCMI"]
    rig.start(CAPTURE)
    rig.bench.pass_s(0.01)
    assert rig.status() == 0


def test_a_frame_of_the_openmv_is_one_transfer(make_bench: Callable[..., Any]) -> None:
    """200 rows of 400 bytes are 20,000 words, fewer than the 65,535 that a stream can count."""
    camera = SmallCamera(SmallFrame(rows=200, row_bytes=400, row_s=48e-6, byte_s=1 / 24e6))
    camera.period_s = 0.0134
    content = np.random.default_rng(1).bytes(80_000)
    camera.data = lambda _frame: content  # type: ignore[method-assign]
    rig = Rig(make_bench(), camera)
    rig.ram.content = bytearray(80_000)
    rig.dma_on(20_000)
    rig.start(CAPTURE | SNAPSHOT)
    rig.bench.pass_s(0.03)
    assert bytes(rig.ram.content) == content
