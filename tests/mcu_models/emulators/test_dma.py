"""DMA: channels, streams, the multiplexer, and the peripherals that are served."""

from __future__ import annotations

from typing import Any

import pytest

from mcu_models.boards.board import PeripheralSheet, find_board
from mcu_models.emulators.peripherals.dma_l4 import DmaL4
from mcu_models.emulators.peripherals.dma_streams import DmaF7, DmaH7
from mcu_models.emulators.peripherals.dmamux import DmaBehindMux, Dmamux
from mcu_models.emulators.peripherals.i2c_v2 import I2cV2
from mcu_models.emulators.peripherals.plain import RegisterBank
from mcu_models.emulators.peripherals.usart import Usart

RAM = 0x20000000
CHARACTER_S = 10 * 139 / 16e6
CHANNEL_7, STREAM_5 = 0x80, 0x10 + 0x18 * 5
TCIF, HTIF = 2, 4


def sheet(*irqs: int, base: int = 0x40020000, **options: int | str) -> PeripheralSheet:
    return PeripheralSheet(type="under_test", base=base, irqs=irqs, options=dict(options))


class Ram:
    """Four kilobytes at the beginning of RAM."""

    def __init__(self) -> None:
        self.data = bytearray(4096)

    def read(self, address: int, length: int) -> bytes:
        return bytes(self.data[address - RAM : address - RAM + length])

    def write(self, address: int, data: bytes) -> None:
        self.data[address - RAM : address - RAM + len(data)] = data


@pytest.fixture
def ram(bench: Any) -> Ram:
    bench.chip.memory = Ram()
    return bench.chip.memory  # type: ignore[no-any-return]


@pytest.fixture
def dma(bench: Any, ram: Ram) -> DmaL4:
    assert bench.chip.memory is ram
    return DmaL4("DMA1", bench.chip, sheet(*range(11, 18)))


@pytest.fixture
def uart(bench: Any) -> Usart:
    uart = Usart("USART2", bench.chip, sheet(38, base=0x40004400))
    uart.write(0x0C, 4, 139)
    uart.write(0x08, 4, 0xC0)
    uart.write(0x00, 4, 0b1101)
    return uart


def set_up(dma: DmaL4, channel: int, control: int, count: int, peripheral: int, memory: int) -> None:
    base = 0x08 + 0x14 * (channel - 1)
    for offset, value in ((4, count), (8, peripheral), (12, memory), (0, control | 1)):
        dma.write(base + offset, 4, value)


class TestChannels:
    @pytest.mark.parametrize(
        ("peripheral_width", "memory_width", "stored"),
        [
            (0, 0, "11223344"),
            (0, 1, "1100220033004400"),
            (1, 0, "113355"),
            (1, 2, "112200003344000055660000"),
            (2, 1, "11225566"),
            (2, 2, "1122334455667788"),
        ],
    )
    def test_wider_targets_are_filled_with_zeros_and_narrower_take_the_low_bytes(
        self, bench: Any, dma: DmaL4, ram: Ram, peripheral_width: int, memory_width: int, stored: str
    ) -> None:
        """RM0351, table of programmable data width: memory to memory from CPAR to CMAR."""
        ram.write(RAM, bytes.fromhex("112233445566778899aabbcc"))
        count = len(bytes.fromhex(stored)) >> memory_width
        control = 1 << 14 | 1 << 7 | 1 << 6 | peripheral_width << 8 | memory_width << 10
        set_up(dma, 1, control, count, RAM, RAM + 0x100)
        bench.pass_s(1e-3)
        assert ram.read(RAM + 0x100, len(stored) // 2).hex() == stored
        assert dma.read(0x0C, 4) == 0

    def test_a_copy_takes_its_time_and_then_interrupts(self, bench: Any, dma: DmaL4) -> None:
        set_up(dma, 2, 1 << 14 | 3 << 6 | 2, 100, RAM, RAM + 0x100)
        bench.pass_s(50 * 5 / 16e6)
        assert dma.read(0x08 + 0x14 + 4, 4) == 50
        assert not bench.is_pending(12)
        bench.pass_s(51 * 5 / 16e6)
        assert bench.is_pending(12)
        assert dma.read(0x00, 4) >> 4 == 1 | TCIF | HTIF

    @pytest.mark.usefixtures("uart")
    def test_the_count_goes_down_with_the_characters_that_are_sent(self, bench: Any, dma: DmaL4, ram: Ram) -> None:
        ram.write(RAM, b"0123456789\n")
        dma.write(0xA8, 4, 2 << 24)
        set_up(dma, 7, 0x90, 11, 0x40004428, RAM)
        bench.pass_s((1 + 4.5) * CHARACTER_S)
        assert dma.read(CHANNEL_7 + 4, 4) == 7
        bench.pass_s(7 * CHARACTER_S)
        assert dma.read(CHANNEL_7 + 4, 4) == 0
        assert bench.chip.connections.transcript("USART2").lines[0].text == "0123456789"

    @pytest.mark.usefixtures("uart")
    def test_half_of_a_block_interrupts_once(self, bench: Any, dma: DmaL4) -> None:
        dma.write(0xA8, 4, 2 << 24)
        set_up(dma, 7, 0x90 | 6, 10, 0x40004428, RAM)
        bench.pass_s((1 + 5.01) * CHARACTER_S)
        assert dma.read(0x00, 4) >> 24 == 1 | HTIF
        assert bench.is_pending(17)
        dma.write(0x04, 4, HTIF << 24)
        assert dma.read(0x00, 4) == 0
        bench.pass_s(5 * CHARACTER_S)
        assert dma.read(0x00, 4) >> 24 == 1 | TCIF

    def test_a_ring_is_filled_round_and_round(self, bench: Any, dma: DmaL4, ram: Ram, uart: Usart) -> None:
        """Circular reception: half and complete flags, and the count begins anew."""
        dma.write(0xA8, 4, 2 << 20)
        set_up(dma, 6, 0xA0 | 6, 8, 0x40004424, RAM)
        uart.receive("abcdefghij")
        bench.pass_s(4.5 * CHARACTER_S)
        assert dma.read(0x00, 4) >> 20 & 0xF == 1 | HTIF
        bench.pass_s(6 * CHARACTER_S)
        assert ram.read(RAM, 8) == b"ijcdefgh"
        assert dma.read(0x6C + 4, 4) == 6
        assert dma.read(0x00, 4) >> 20 & TCIF
        assert not uart.read(0x1C, 4) & 0x28

    def test_a_ring_that_reads_elsewhere_is_reported(self, bench: Any, dma: DmaL4, uart: Usart) -> None:
        """Its request stays up for ever, as on the chip, where the channel would run round without end."""
        dma.write(0xA8, 4, 2 << 20 | 2 << 24)
        set_up(dma, 6, 0xA0, 8, RAM + 0x200, RAM)
        set_up(dma, 7, 0xB0, 8, RAM + 0x200, RAM)
        uart.receive("x")
        bench.pass_s(2 * CHARACTER_S)
        assert [problem.split()[-3:] for problem in bench.chip.problems] == [
            ["than", "to", "TDR"],
            ["than", "from", "RDR"],
        ]

    def test_a_channel_that_is_switched_off_keeps_what_is_left(
        self, dma: DmaL4, ram: Ram, uart: Usart, bench: Any
    ) -> None:
        dma.write(0xA8, 4, 2 << 20)
        set_up(dma, 6, 0x80, 8, 0x40004424, RAM)
        uart.receive("abc")
        bench.pass_s(4 * CHARACTER_S)
        dma.write(0x6C, 4, 0)
        assert dma.read(0x6C + 4, 4) == 5
        uart.receive("d")
        bench.pass_s(2 * CHARACTER_S)
        assert ram.read(RAM, 4) == b"abc\0"
        assert uart.read(0x24, 4) == ord("d")

    def test_requests_are_chosen_in_cselr(self, dma: DmaL4) -> None:
        dma.write(0xA8, 4, 4 << 20 | 2 << 8)
        assert dma.requests_of(6) == ("TIM16_CH1", "TIM16_UP")
        assert dma.requests_of(3) == ("USART3_RX",)
        assert dma.requests_of(1) == ("ADC1",)

    def test_one_controller_hears_the_requests_of_both_i2c_directions(
        self, bench: Any, dma: DmaL4, ram: Ram, device: Any
    ) -> None:
        """I2C transmission by DMA: the bytes come from memory, and STOP follows by itself."""
        bus = I2cV2("I2C1", bench.chip, sheet(31, 32, base=0x40005400))
        bus.attach(device)
        bus.write(0x10, 4, 0x10320309)
        bus.write(0x00, 4, 1 | 1 << 14)
        ram.write(RAM, b"\x80\x01\x02")
        dma.write(0xA8, 4, 3 << 20)
        set_up(dma, 6, 0x92, 3, 0x40005428, RAM)
        bus.write(0x04, 4, 0x69 << 1 | 3 << 16 | 1 << 25 | 1 << 13)
        bench.pass_s(1e-3)
        assert device.heard == ["write", "0x80", "0x1", "0x2", "stop"]
        assert bench.is_pending(16)

    @pytest.mark.parametrize(("source", "target"), [(0x60000000, RAM), (RAM, 0x08000000), (0x4FFF0000, RAM)])
    def test_where_nothing_answers_a_transfer_error_ends_the_channel(
        self, bench: Any, dma: DmaL4, source: int, target: int
    ) -> None:
        """External memory that is not there, a write to flash, a hole between the peripherals."""
        set_up(dma, 1, 1 << 14 | 3 << 6 | 1 << 3, 4, source, target)
        bench.pass_s(1e-3)
        assert dma.read(0x00, 4) == 0b1001
        assert not dma.read(0x08, 4) & 1
        assert bench.is_pending(11)
        assert any("transfer error" in problem for problem in bench.chip.problems)

    def test_a_block_for_no_memory_is_an_error_too(self, dma: DmaL4, uart: Usart) -> None:
        dma.write(0xA8, 4, 2 << 24)
        set_up(dma, 7, 0x90, 8, 0x40004428, 0x70000000)
        assert dma.read(0x00, 4) >> 24 == 0b1001
        assert uart.read(0x1C, 4) >> 6 & 1

    def test_set_up_registers_are_closed_while_a_channel_is_on(self, bench: Any, dma: DmaL4) -> None:
        set_up(dma, 7, 0x90, 8, 0x40004428, RAM)
        dma.write(CHANNEL_7 + 12, 4, RAM + 64)
        assert dma.read(CHANNEL_7 + 12, 4) == RAM
        assert list(bench.chip.problems) == ["DMA1: CMAR written while channel 7 is enabled"]


class TestMultiplexer:
    @pytest.mark.parametrize(
        ("family", "number", "request_name"),
        [
            ("l4plus", 5, "ADC1"), ("l4plus", 16, "I2C1_RX"), ("l4plus", 35, "LPUART1_TX"), ("l4plus", 60, "TIM2_UP"),
            ("h7", 9, "ADC1"), ("h7", 33, "I2C1_RX"), ("h7", 46, "USART3_TX"), ("h7", 59, "TIM5_UP"),
            ("h7", 69, "TIM6_UP"), ("h7", 115, "ADC3"),
        ],
    )  # fmt: skip
    def test_request_numbers_are_those_of_the_manual(
        self, bench: Any, family: str, number: int, request_name: str
    ) -> None:
        mux = Dmamux("DMAMUX1", bench.chip, sheet(family=family))
        mux.write(0x0C, 4, number)
        assert mux.request_of(3) == request_name
        assert mux.request_of(2) is None

    def test_a_channel_serves_what_its_output_carries(self, bench: Any, ram: Ram, uart: Usart) -> None:
        mux = Dmamux("DMAMUX1", bench.chip, sheet(base=0x40020800, family="l4plus"))
        dma = DmaBehindMux("DMA2", bench.chip, sheet(*range(56, 63), mux_first=7))
        mux.write(4 * 9, 4, 26)
        base = 0x08 + 0x14 * 2
        for offset, value in ((4, 2), (8, 0x40004424), (12, RAM), (0, 0x81)):
            dma.write(base + offset, 4, value)
        uart.receive("ok")
        bench.pass_s(3 * CHARACTER_S)
        assert ram.read(RAM, 2) == b"ok"


class TestStreams:
    def stream(self, dma: DmaF7, number: int, control: int, count: int, peripheral: int, memory: int) -> None:
        base = 0x10 + 0x18 * number
        for offset, value in ((4, count), (8, peripheral), (12, memory), (0, control | 1)):
            dma.write(base + offset, 4, value)

    @pytest.mark.usefixtures("uart")
    def test_a_stream_sends_a_line_and_switches_itself_off(self, bench: Any, ram: Ram) -> None:
        dma = DmaF7("DMA1", bench.chip, sheet(11, 12, 13, 14, 15, 16, 17, 47))
        ram.write(RAM, b"ready\n")
        self.stream(dma, 6, 4 << 25 | 1 << 6 | 1 << 10 | 1 << 4, 6, 0x40004428, RAM)
        bench.pass_s(7.01 * CHARACTER_S)
        assert bench.chip.connections.transcript("USART2").lines[0].text == "ready"
        assert dma.read(0x04, 4) >> 16 & 0x3F == 0x30
        assert not dma.read(0x10 + 0x18 * 6, 4) & 1
        assert bench.is_pending(17)
        dma.write(0x0C, 4, 0x3D << 16)
        assert dma.read(0x04, 4) == 0

    def test_double_buffers_take_turns(self, bench: Any, ram: Ram, uart: Usart) -> None:
        dma = DmaF7("DMA1", bench.chip, sheet(11, 12, 13, 14, 15, 16, 17, 47))
        dma.write(STREAM_5 + 0x10, 4, RAM + 0x80)
        self.stream(dma, 5, 4 << 25 | 1 << 10 | 1 << 18 | 1 << 4, 4, 0x40004424, RAM)
        uart.receive("abcdefgh")
        bench.pass_s(5 * CHARACTER_S)
        assert dma.read(STREAM_5, 4) >> 19 & 1
        bench.pass_s(5 * CHARACTER_S)
        assert (ram.read(RAM, 4), ram.read(RAM + 0x80, 4)) == (b"abcd", b"efgh")
        assert not dma.read(STREAM_5, 4) >> 19 & 1

    def test_a_copy_of_words(self, bench: Any, ram: Ram) -> None:
        dma = DmaF7("DMA2", bench.chip, sheet(56, 57, 58, 59, 60, 68, 69, 70))
        ram.write(RAM, bytes(range(64)))
        self.stream(dma, 0, 2 << 6 | 3 << 9 | 2 << 11 | 2 << 13, 16, RAM, RAM + 0x200)
        bench.pass_s(1e-3)
        assert ram.read(RAM + 0x200, 64) == bytes(range(64))

    def test_requests_come_from_the_multiplexer_on_h7(self, bench: Any) -> None:
        mux = Dmamux("DMAMUX1", bench.chip, sheet(base=0x40020800, family="h7"))
        dma = DmaH7("DMA2", bench.chip, sheet(56, 57, 58, 59, 60, 68, 69, 70, mux_first=8))
        mux.write(4 * 10, 4, 41)
        assert dma.requests_of(2) == ("USART1_RX",)

    def test_a_stream_ends_where_nothing_answers(self, bench: Any) -> None:
        dma = DmaF7("DMA2", bench.chip, sheet(56, 57, 58, 59, 60, 68, 69, 70))
        self.stream(dma, 0, 2 << 6 | 3 << 9 | 1 << 2, 16, 0x70000000, RAM)
        bench.pass_s(1e-3)
        assert dma.read(0x00, 4) & 0x3D == 1 << 3
        assert not dma.read(0x10, 4) & 1
        assert bench.is_pending(56)

    @pytest.mark.usefixtures("ram")
    def test_a_stream_disabled_by_software_says_that_it_is_done(self, bench: Any) -> None:
        dma = DmaF7("DMA1", bench.chip, sheet(11, 12, 13, 14, 15, 16, 17, 47))
        self.stream(dma, 5, 4 << 25 | 1 << 10, 4, 0x40004424, RAM)
        dma.write(STREAM_5, 4, 4 << 25 | 1 << 10)
        assert dma.read(0x04, 4) >> 6 & 0x20
        assert dma.read(STREAM_5 + 4, 4) == 4


def test_what_is_no_memory_is_reached_as_a_peripheral(bench: Any, dma: DmaL4, ram: Ram) -> None:
    """A timer's DMA may write any register, for example a port's."""
    target = RegisterBank("GPIOA", bench.chip, sheet(base=0x48000000))
    ram.write(RAM, bytes.fromhex("78563412"))
    dma.write(0xA8, 4, 4 << 4)
    set_up(dma, 2, 0x90 | 2 << 8 | 2 << 10, 1, 0x48000014, RAM)
    assert bench.chip.request_dma("TIM2_UP")
    assert target.registers[0x14] == 0x12345678
    assert not bench.chip.request_dma("TIM2_UP")


def test_boards_name_requests_that_exist() -> None:
    """Every multiplexer and every controller behind one is set up with options its model knows."""
    for name in ("stm32l4r5zi",):
        parts = find_board(name).sheet.peripherals
        assert parts["DMAMUX1"].options["family"] == "l4plus"
        assert [parts[dma].options["mux_first"] for dma in ("DMA1", "DMA2")] == [0, 7]
