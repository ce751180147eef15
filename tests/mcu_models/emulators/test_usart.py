"""USART beyond single characters: idle line, timeout, FIFO, frames, interrupts."""

from __future__ import annotations

from typing import Any

import pytest

from mcu_models.boards.board import PeripheralSheet
from mcu_models.emulators.peripherals.usart import Usart

CR1, CR2, CR3, BRR, RTOR, RQR, ISR, ICR, RDR, TDR, PRESC = (
    0x00, 0x04, 0x08, 0x0C, 0x14, 0x18, 0x1C, 0x20, 0x24, 0x28, 0x2C,
)  # fmt: skip
UE, RE, TE, IDLEIE, FIFOEN = 1, 4, 8, 1 << 4, 1 << 29
IDLE, RXNE, TC, TXE, RTOF, TXFE, RXFF, RXFT, TXFT = (
    1 << 4, 1 << 5, 1 << 6, 1 << 7, 1 << 11, 1 << 23, 1 << 24, 1 << 26, 1 << 27,
)  # fmt: skip
BIT_S = 139 / 16e6
IRQ = 38


def make(bench: Any, control: int, fifo: int = 0, **registers: int) -> Usart:
    sheet = PeripheralSheet(type="usart", base=0x40004400, irqs=(IRQ,), options={"fifo": fifo})
    uart = Usart("USART2", bench.chip, sheet)
    uart.write(BRR, 4, 139)
    for name, value in registers.items():
        uart.write({"cr2": CR2, "cr3": CR3, "rtor": RTOR, "presc": PRESC}[name], 4, value)
    uart.write(CR1, 4, control)
    return uart


def test_an_idle_line_is_told_once_a_character_after_the_last(bench: Any) -> None:
    uart = make(bench, UE | RE | IDLEIE)
    uart.receive("ab")
    bench.pass_s(20 * BIT_S)
    uart.read(RDR, 4)
    assert not uart.read(ISR, 4) & IDLE
    bench.pass_s(10.1 * BIT_S)
    assert uart.read(ISR, 4) & IDLE
    assert bench.is_pending(IRQ)
    uart.write(ICR, 4, IDLE)
    bench.pass_s(1.0)
    assert not uart.read(ISR, 4) & IDLE


def test_the_timeout_counts_bits_of_silence(bench: Any) -> None:
    uart = make(bench, UE | RE | 1 << 26, cr2=1 << 23, rtor=40)
    uart.receive("a")
    bench.pass_s(49.9 * BIT_S)
    assert not uart.read(ISR, 4) & RTOF
    bench.pass_s(0.2 * BIT_S)
    assert uart.read(ISR, 4) & RTOF
    assert bench.is_pending(IRQ)


@pytest.mark.parametrize(
    ("control", "cr2", "bits"),
    [(0, 0, 10), (1 << 12, 0, 11), (1 << 28, 0, 9), (0, 2 << 12, 11), (1 << 12 | 1 << 10, 3 << 12, 11.5)],
)
def test_a_frame_lasts_as_long_as_its_bits(bench: Any, control: int, cr2: int, bits: float) -> None:
    """8, 9 and 7 bits with one stop bit, two stop bits, parity with one and a half."""
    uart = make(bench, UE | TE | control, cr2=cr2)
    bench.pass_s(1.0)
    begin_s = bench.clock.now_s
    uart.write(TDR, 1, ord("\n"))
    bench.pass_s(1.0)
    (line,) = bench.chip.connections.transcript("USART2").lines
    assert line.time_s - begin_s == pytest.approx(bits * BIT_S)


def test_the_prescaler_divides_the_kernel_clock(bench: Any) -> None:
    uart = make(bench, UE | TE, fifo=8, presc=3)
    bench.pass_s(1.0)
    uart.write(TDR, 1, ord("\n"))
    bench.pass_s(1.0)
    assert bench.chip.connections.transcript("USART2").lines[0].time_s == pytest.approx(1 + 10 * 6 * BIT_S)


class TestFifo:
    def test_it_takes_as_many_characters_as_it_is_deep_and_one_to_shift(self, bench: Any) -> None:
        uart = make(bench, UE | TE | FIFOEN, fifo=8)
        for character in b"12345678":
            assert uart.read(ISR, 4) & TXE
            uart.write(TDR, 1, character)
        assert uart.read(ISR, 4) & TXE
        uart.write(TDR, 1, ord("\n"))
        assert not uart.read(ISR, 4) & (TXE | TXFE)
        bench.pass_s(1.0)
        assert bench.chip.connections.transcript("USART2").lines[0].text == "12345678"
        assert uart.read(ISR, 4) & (TXE | TC | TXFE) == TXE | TC | TXFE

    def test_thresholds_are_eighths_of_the_depth(self, bench: Any) -> None:
        uart = make(bench, UE | RE | TE | FIFOEN, fifo=8, cr3=2 << 25 | 1 << 28)
        uart.receive("abcd")
        bench.pass_s(35 * BIT_S)
        assert not uart.read(ISR, 4) & RXFT
        assert not bench.is_pending(IRQ)
        bench.pass_s(6 * BIT_S)
        assert uart.read(ISR, 4) & RXFT
        assert bench.is_pending(IRQ)
        assert [uart.read(RDR, 4) for _ in range(4)] == list(b"abcd")
        assert not uart.read(ISR, 4) & (RXFT | RXNE)

    def test_a_full_one_overruns_and_keeps_the_oldest(self, bench: Any) -> None:
        uart = make(bench, UE | RE | FIFOEN, fifo=8)
        uart.receive("123456789")
        bench.pass_s(1.0)
        assert uart.read(ISR, 4) & (RXFF | 8) == RXFF | 8
        assert [uart.read(RDR, 4) for _ in range(8)] == list(b"12345678")

    def test_parts_without_one_do_not_take_the_bit(self, bench: Any) -> None:
        uart = make(bench, UE | TE | FIFOEN)
        assert not uart.read(CR1, 4) & FIFOEN


def test_both_directions_interrupt(bench: Any) -> None:
    """TXE interrupts at once; RXNE when a character has come; reading it takes the interrupt back."""
    uart = make(bench, UE | RE | TE | 1 << 7)
    assert bench.is_pending(IRQ)
    uart.write(CR1, 4, UE | RE | TE | 1 << 5)
    bench.nvic.unpend(16 + IRQ)
    uart.receive("x")
    bench.pass_s(11 * BIT_S)
    assert bench.is_pending(IRQ)
    bench.nvic.enter(16 + IRQ)
    assert uart.read(RDR, 4) == ord("x")
    bench.nvic.leave()
    assert not bench.is_pending(IRQ)


def test_received_characters_can_be_thrown_away(bench: Any) -> None:
    uart = make(bench, UE | RE)
    uart.receive("x")
    bench.pass_s(11 * BIT_S)
    uart.write(RQR, 4, 1 << 3)
    assert not uart.read(ISR, 4) & RXNE


def test_a_receiver_that_is_off_hears_nothing(bench: Any) -> None:
    uart = make(bench, UE | TE)
    uart.receive("lost")
    bench.pass_s(1.0)
    uart.write(CR1, 4, UE | TE | RE)
    bench.pass_s(1.0)
    assert not uart.read(ISR, 4) & RXNE
    assert not bench.chip.problems


def test_the_character_to_match_is_told(bench: Any) -> None:
    uart = make(bench, UE | RE | 1 << 14, cr2=ord("%") << 24)
    uart.receive("a%")
    bench.pass_s(11 * BIT_S)
    uart.read(RDR, 4)
    assert not bench.is_pending(IRQ)
    bench.pass_s(11 * BIT_S)
    assert bench.is_pending(IRQ)
    assert uart.read(ISR, 4) >> 17 & 1


def test_a_reset_of_the_part_drops_everything(bench: Any) -> None:
    uart = make(bench, UE | RE | TE)
    uart.write(TDR, 1, ord("x"))
    uart.reset()
    bench.pass_s(1.0)
    assert bench.chip.connections.transcript("USART2").text == bytearray()
    assert (uart.read(CR1, 4), uart.read(ISR, 4)) == (0, TC | TXE)


def test_a_character_wakes_from_stop_when_allowed_to(bench: Any) -> None:
    uart = make(bench, UE | RE | 2, cr3=1 << 22)
    bench.chip.before_stop()
    uart.receive("x")
    bench.pass_s(10.1 * BIT_S)
    assert bench.is_pending(IRQ)
    assert uart.read(ISR, 4) >> 20 & 1
    bench.chip.after_stop()
    uart.write(ICR, 4, 1 << 20)
    uart.read(RDR, 4)
    uart.receive("y")
    bench.pass_s(10.1 * BIT_S)
    assert not uart.read(ISR, 4) >> 20 & 1
    assert not bench.chip.problems


def test_any_byte_arrives_as_it_is(bench: Any) -> None:
    """Text as UTF-8, and a bare byte as PEP 383 writes it."""
    uart = make(bench, UE | RE)
    uart.receive("°" + chr(0xDC00 + 0xFE))
    got = []
    for _ in range(3):
        bench.pass_s(10.1 * BIT_S)
        got.append(uart.read(RDR, 4))
    assert got == [0xC2, 0xB0, 0xFE]
