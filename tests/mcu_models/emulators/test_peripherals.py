"""Peripherals one by one, register by register."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu_models.boards.board import PeripheralSheet, find_board
from mcu_models.emulators.peripherals.dma_l4 import DmaL4
from mcu_models.emulators.peripherals.exti import ExtiL4
from mcu_models.emulators.peripherals.gpio import Gpio
from mcu_models.emulators.peripherals.i2c_v2 import I2cV2
from mcu_models.emulators.peripherals.lptim import Lptim
from mcu_models.emulators.peripherals.stm32l4_clocks import RccL4
from mcu_models.emulators.peripherals.stm32l4_flash import FlashL4
from mcu_models.emulators.peripherals.stm32l4_power import PwrL4
from mcu_models.emulators.peripherals.usart import Lpuart, Usart

if TYPE_CHECKING:
    from collections.abc import Callable

ISR, ICR = 0x18, 0x1C
NACKF, STOPF, TC, RXNE, TXIS, BUSY = 1 << 4, 1 << 5, 1 << 6, 1 << 2, 1 << 1, 1 << 15
START, AUTOEND, READ, RELOAD = 1 << 13, 1 << 25, 1 << 10, 1 << 24
FAST_MODE = 0x10320309
BIT_S = (10 + 4) * 125e-9 + 750e-9


def sheet(*irqs: int) -> PeripheralSheet:
    """Return the sheet of a peripheral with these interrupt lines."""
    return PeripheralSheet(type="under_test", base=0x40000000, irqs=irqs)


@pytest.fixture
def bus(bench: Any, device: Any) -> I2cV2:
    controller = I2cV2("I2C1", bench.chip, sheet(31))
    controller.attach(device)
    controller.write(0x10, 4, FAST_MODE)
    controller.write(0x00, 4, 1)
    return controller


def start(bus: I2cV2, length: int, flags: int, address: int = 0x69) -> None:
    bus.write(0x04, 4, address << 1 | length << 16 | flags | START)


class TestI2c:
    def test_a_bit_takes_2500_ns_at_the_manuals_fast_mode_timing(self) -> None:
        assert pytest.approx(2.5e-6) == BIT_S

    def test_register_read_with_repeated_start(self, bus: I2cV2, bench: Any, device: Any) -> None:
        start(bus, 1, 0)
        bench.pass_s(12 * BIT_S)
        assert bus.read(ISR, 4) & TXIS
        bus.write(0x28, 4, 0x80)
        bench.pass_s(10 * BIT_S)
        assert bus.read(ISR, 4) & TC
        start(bus, 3, READ | AUTOEND)
        got = []
        for _ in range(3):
            bench.pass_s(20 * BIT_S)
            assert bus.read(ISR, 4) & RXNE
            got.append(bus.read(0x24, 4))
        bench.pass_s(2 * BIT_S)
        assert got == [0x80, 0x81, 0x82]
        assert device.heard == ["write", "0x80", "read", "stop"]
        assert bus.read(ISR, 4) & STOPF
        assert not bus.read(ISR, 4) & BUSY

    def test_an_absent_device_gives_nack_and_stop(self, bus: I2cV2, bench: Any) -> None:
        start(bus, 1, AUTOEND, address=0x10)
        bench.pass_s(30 * BIT_S)
        assert bus.read(ISR, 4) & (NACKF | STOPF) == NACKF | STOPF
        bus.write(ICR, 4, NACKF | STOPF)
        assert not bus.read(ISR, 4) & (NACKF | STOPF)

    def test_the_clock_is_stretched_until_the_byte_is_read(self, bus: I2cV2, bench: Any, device: Any) -> None:
        start(bus, 2, READ | AUTOEND)
        bench.pass_s(1.0)
        assert not bus.read(ISR, 4) & STOPF
        assert bus.read(0x24, 4) == 0
        assert bus.read(0x24, 4) == 1
        bench.pass_s(2 * BIT_S)
        assert bus.read(ISR, 4) & STOPF
        assert device.heard == ["read", "stop"]

    def test_dma_moves_the_burst_in_the_time_it_takes_on_the_wire(self, bus: I2cV2, bench: Any, device: Any) -> None:
        memory: dict[int, bytes] = {}
        dma = DmaL4("DMA1", bench.chip, sheet(*range(11, 18)))
        bench.chip.memory = FakeMemory(memory)
        dma.write(0xA8, 4, 3 << 24)
        for offset, value in ((0x84, 128), (0x88, 0), (0x8C, 0x20000100), (0x80, 0x83)):
            dma.write(offset, 4, value)
        bus.write(0x00, 4, 1 | 1 << 15 | 1 << 5)
        start(bus, 128, READ | AUTOEND)
        bench.pass_s((1 + 9 + 128 * 9 + 0.5) * BIT_S)
        assert memory == {0x20000100: bytes(range(128))}
        assert dma.read(0x84, 4) == 0
        assert not bench.is_pending(31)
        bench.pass_s(BIT_S)
        assert bench.is_pending(31)
        assert device.times_s[1] == pytest.approx(19 * BIT_S)
        assert device.times_s[128] == pytest.approx((10 + 128 * 9) * BIT_S)

    def test_a_byte_written_before_the_start_goes_out_first(self, bus: I2cV2, bench: Any, device: Any) -> None:
        """The vendor's drivers preload TXDR; a byte that is flushed again is not sent."""
        bus.write(0x28, 4, 0x11)
        bus.write(ISR, 4, 1)
        bus.write(0x28, 4, 0x80)
        start(bus, 2, AUTOEND)
        bench.pass_s(21 * BIT_S)
        assert bus.read(ISR, 4) & TXIS
        bus.write(0x28, 4, 0x01)
        bench.pass_s(1e-3)
        assert device.heard == ["write", "0x80", "0x1", "stop"]

    def test_switching_off_in_a_transfer_sends_no_stop(self, bus: I2cV2, bench: Any, device: Any) -> None:
        start(bus, 2, 0)
        bench.pass_s(12 * BIT_S)
        bus.write(0x00, 4, 0)
        bench.pass_s(1.0)
        assert device.heard == ["write"]

    def test_no_start_while_a_device_holds_sda(self, bus: I2cV2, bench: Any, device: Any) -> None:
        bus.hold_sda(2)
        start(bus, 1, AUTOEND)
        bench.pass_s(1.0)
        assert bus.read(ISR, 4) & ~BUSY == 1
        bus.write(0x00, 4, 0)
        bus.clock_by_hand()
        bus.clock_by_hand()
        bus.write(0x00, 4, 1)
        start(bus, 0, AUTOEND)
        bench.pass_s(1.0)
        assert bus.read(ISR, 4) & STOPF
        assert device.heard == ["write", "stop"]

    def test_the_timing_is_set_while_off(self, bus: I2cV2, bench: Any) -> None:
        assert not bench.chip.problems
        bus.write(0x10, 4, 0)
        assert any("TIMINGR" in problem for problem in bench.chip.problems)

    def test_switching_off_resets_the_flags(self, bus: I2cV2, bench: Any) -> None:
        start(bus, 1, AUTOEND, address=0x10)
        bench.pass_s(1.0)
        bus.write(0x00, 4, 0)
        assert bus.read(ISR, 4) == 1


class FakeMemory:
    def __init__(self, written: dict[int, bytes]) -> None:
        self.written = written

    def read(self, address: int, length: int) -> bytes:
        return self.written.get(address, bytes(length))[:length]

    def write(self, address: int, data: bytes) -> None:
        self.written[address] = data


class TestUsart:
    def test_an_idle_frame_and_then_characters_of_ten_bits_each(self, bench: Any) -> None:
        uart = Usart("USART2", bench.chip, sheet(38))
        uart.write(0x0C, 4, 139)
        uart.write(0x00, 4, 0b1001)
        for character in b"ok\r\n":
            while not uart.read(0x1C, 4) & 0x80:
                bench.pass_s(1e-6)
            uart.write(0x28, 1, character)
        bench.pass_s(1e-3)
        (line,) = bench.chip.connections.transcript(uart.name).lines
        assert line.text == "ok"
        assert line.time_s == pytest.approx((1 + 4) * 10 * 139 / 16e6, rel=1e-6)
        assert uart.read(0x1C, 4) & 0x40

    def test_lpuart_divides_by_256ths(self, bench: Any) -> None:
        uart = Lpuart("LPUART1", bench.chip, sheet(70))
        uart.write(0x0C, 4, 256 * 139)
        uart.write(0x00, 4, 0b1001)
        bench.pass_s(1e-3)
        uart.write(0x28, 1, ord("\n"))
        bench.pass_s(1e-3)
        assert bench.chip.connections.transcript(uart.name).lines[0].time_s == pytest.approx(1e-3 + 10 * 139 / 16e6)

    def test_received_characters_overrun_when_nobody_reads(self, bench: Any) -> None:
        uart = Usart("USART2", bench.chip, sheet(38))
        uart.write(0x0C, 4, 139)
        uart.write(0x00, 4, 0b100101)
        uart.receive("ab")
        bench.pass_s(1.5 * 1390 / 16e6)
        assert bench.is_pending(38)
        bench.pass_s(1e-3)
        assert uart.read(0x1C, 4) & 0x28 == 0x28
        assert uart.read(0x24, 4) == ord("a")

    def test_dma_sends_a_block_as_a_line(self, bench: Any) -> None:
        dma = DmaL4("DMA1", bench.chip, sheet(*range(11, 18)))
        bench.chip.memory = FakeMemory({0x20000000: b"7 2 900\n"})
        uart = Usart("USART2", bench.chip, sheet(38))
        uart.write(0x0C, 4, 139)
        uart.write(0x08, 4, 0x80)
        uart.write(0x00, 4, 0b1001)
        dma.write(0xA8, 4, 2 << 24)
        for offset, value in ((0x84, 8), (0x8C, 0x20000000), (0x80, 0x91)):
            dma.write(offset, 4, value)
        assert not uart.read(0x1C, 4) & 0x40
        bench.pass_s(9.01 * 1390 / 16e6)
        assert [line.text for line in bench.chip.connections.transcript(uart.name).lines] == ["7 2 900"]
        assert uart.read(0x1C, 4) & 0x40

    def test_switching_off_drops_the_character_being_sent(self, bench: Any) -> None:
        uart = Usart("USART2", bench.chip, sheet(38))
        uart.write(0x0C, 4, 139)
        uart.write(0x00, 4, 0b1001)
        uart.write(0x28, 1, ord("\n"))
        uart.write(0x00, 4, 0b1000)
        bench.pass_s(1.0)
        assert bench.chip.connections.transcript(uart.name).lines == []
        assert any("middle of a character" in problem for problem in bench.chip.problems)

    def test_the_baud_rate_is_set_while_off(self, bench: Any) -> None:
        uart = Usart("USART2", bench.chip, sheet(38))
        uart.write(0x0C, 4, 139)
        uart.write(0x00, 4, 0b1001)
        assert not bench.chip.problems
        uart.write(0x0C, 4, 140)
        assert any("BRR" in problem for problem in bench.chip.problems)


class TestDma:
    def test_a_channel_is_set_up_while_it_is_off(self, bench: Any) -> None:
        dma = DmaL4("DMA1", bench.chip, sheet(*range(11, 18)))
        dma.write(0x84, 4, 8)
        dma.write(0x80, 4, 0x91)
        assert not bench.chip.problems
        dma.write(0x8C, 4, 0x20000000)
        assert list(bench.chip.problems) == ["DMA1: CMAR written while channel 7 is enabled"]


class TestLptim:
    def make(self, bench: Any, arr: int, flags: int = 1 << 22) -> Lptim:
        timer = Lptim("LPTIM1", bench.chip, sheet(65))
        timer.write(0x0C, 4, flags)
        timer.write(0x08, 4, 2)
        timer.write(0x10, 4, 1)
        timer.write(0x18, 4, arr)
        timer.write(0x10, 4, 0b101)
        return timer

    def test_four_long_periods_and_a_short_one_are_half_a_second(self, make_bench: Callable[..., Any]) -> None:
        bench = make_bench(32768.0)
        timer = self.make(bench, 3276)
        ends = []
        for tick in range(1, 11):
            while not timer.read(0x00, 4) & 2:
                bench.pass_s(bench.scheduler.next_s - bench.clock.now_s)
            ends.append(bench.clock.now_s)
            timer.write(0x04, 4, 2)
            timer.write(0x18, 4, 3275 if (tick + 1) % 5 == 4 else 3276)
        assert ends[4] == pytest.approx(0.5, abs=1e-12)
        assert ends[9] == pytest.approx(1.0, abs=1e-12)

    def test_a_write_to_arr_takes_some_ticks_to_arrive(self, make_bench: Callable[..., Any]) -> None:
        bench = make_bench(32768.0)
        timer = Lptim("LPTIM1", bench.chip, sheet(65))
        timer.write(0x10, 4, 1)
        timer.write(0x18, 4, 3276)
        assert not timer.read(0x00, 4) & 0x10
        bench.pass_s(2e-4)
        assert timer.read(0x00, 4) & 0x10
        assert not bench.chip.problems
        timer.write(0x18, 4, 3275)
        timer.write(0x18, 4, 3276)
        assert any("before the last write" in problem for problem in bench.chip.problems)

    def test_set_up_comes_before_enabling_and_enabling_before_starting(self, bench: Any) -> None:
        timer = Lptim("LPTIM1", bench.chip, sheet(65))
        timer.write(0x10, 4, 0b100)
        assert any("started while" in problem for problem in bench.chip.problems)
        timer.write(0x10, 4, 1)
        timer.write(0x08, 4, 2)
        assert any("CFGR or IER" in problem for problem in bench.chip.problems)

    def test_arr_is_ignored_while_disabled(self, bench: Any) -> None:
        timer = Lptim("LPTIM1", bench.chip, sheet(65))
        timer.write(0x18, 4, 99)
        assert timer.read(0x18, 4) == 1
        assert bench.chip.problems

    @pytest.mark.parametrize(("moved_to", "matches_at"), [(2000, 2000), (200, 65536 + 200)])
    def test_a_compare_that_is_moved_does_not_match_where_it_was(
        self, moved_to: int, matches_at: int, make_bench: Callable[..., Any]
    ) -> None:
        """Moved at count 500 from 1000 to a later place, or to one that comes in the next round only."""
        bench = make_bench(32768.0)
        timer = self.make(bench, 0xFFFF, flags=0)
        timer.write(0x14, 4, 1000)
        bench.pass_s(500 / 32768)
        timer.write(0x14, 4, moved_to)
        bench.pass_s((matches_at - 500.5) / 32768)
        assert not timer.read(0x00, 4) & 1
        bench.pass_s(1 / 32768)
        assert timer.read(0x00, 4) & 1

    def test_single_mode_stops_after_one_period(self, make_bench: Callable[..., Any]) -> None:
        bench = make_bench(32768.0)
        timer = Lptim("LPTIM1", bench.chip, sheet(65))
        timer.write(0x10, 4, 1)
        timer.write(0x18, 4, 327)
        timer.write(0x10, 4, 0b011)
        bench.pass_s(1.0)
        assert timer.read(0x00, 4) & 2
        assert bench.scheduler.next_s == float("inf")


class TestClocks:
    @pytest.fixture
    def rcc(self, bench: Any) -> RccL4:
        return RccL4("RCC", bench.chip, sheet())

    def test_reset_clock_is_msi_at_4_mhz(self, rcc: RccL4) -> None:
        assert rcc.core_hz == 4_000_000

    def test_pll_from_hsi_gives_80_mhz(self, rcc: RccL4, bench: Any) -> None:
        rcc.write(0x00, 4, rcc.read(0x00, 4) | 1 << 8)
        bench.pass_s(1e-3)
        rcc.write(0x0C, 4, 2 | 10 << 8 | 1 << 24)
        rcc.write(0x00, 4, rcc.read(0x00, 4) | 1 << 24)
        assert not rcc.read(0x00, 4) >> 25 & 1
        bench.pass_s(1e-3)
        rcc.write(0x08, 4, 3)
        assert rcc.core_hz == 80_000_000
        assert rcc.read(0x08, 4) >> 2 & 3 == 3

    def test_a_source_that_is_not_ready_is_not_taken(self, rcc: RccL4, bench: Any) -> None:
        rcc.write(0x08, 4, 1)
        assert rcc.core_hz == 4_000_000
        assert any("not ready" in problem for problem in bench.chip.problems)

    def test_the_crystal_takes_seconds(self, rcc: RccL4, bench: Any) -> None:
        rcc.write(0x90, 4, 1)
        bench.pass_s(1.9)
        assert not rcc.read(0x90, 4) & 2
        bench.pass_s(0.2)
        assert rcc.read(0x90, 4) & 2

    def test_the_crystal_needs_the_backup_domain_open(self, rcc: RccL4, bench: Any) -> None:
        power = PwrL4("PWR", bench.chip, sheet())
        rcc.write(0x90, 4, 1)
        assert rcc.read(0x90, 4) == 0
        assert any("DBP" in problem for problem in bench.chip.problems)
        power.write(0x00, 4, 0x300)
        rcc.write(0x90, 4, 1)
        assert rcc.read(0x90, 4) == 1

    def test_a_running_pll_is_not_set_up_anew(self, rcc: RccL4, bench: Any) -> None:
        self.test_pll_from_hsi_gives_80_mhz(rcc, bench)
        rcc.write(0x0C, 4, 2 | 8 << 8 | 1 << 24)
        assert rcc.core_hz == 80_000_000
        assert any("PLLCFGR" in problem for problem in bench.chip.problems)

    def test_what_must_be_off_in_stop_is_reported(self, rcc: RccL4, bench: Any, bus: I2cV2) -> None:
        uart = Usart("USART2", bench.chip, sheet(38))
        uart.write(0x00, 4, 0b1001)
        rcc.enter_stop()
        assert set(bench.chip.problems) == {
            "I2C1: still enabled (PE) in a Stop mode",
            "USART2: still enabled (UE) in a Stop mode",
        }
        bench.chip.problems.clear()
        bus.write(0x00, 4, 0)
        uart.write(0x00, 4, 0b1000)
        rcc.enter_stop()
        assert not bench.chip.problems

    def test_stop_ends_the_pll_and_wakes_on_the_chosen_oscillator(self, rcc: RccL4, bench: Any) -> None:
        self.test_pll_from_hsi_gives_80_mhz(rcc, bench)
        rcc.write(0x08, 4, 3 | 1 << 15)
        rcc.enter_stop()
        assert rcc.core_hz == 16_000_000
        assert not rcc.read(0x00, 4) >> 25 & 1

    @given(prescaler=st.integers(0, 15))
    def test_hclk_never_exceeds_sysclk(self, prescaler: int) -> None:
        bench = TestClocks.fresh_bench()
        rcc = RccL4("RCC", bench.chip, sheet())
        rcc.write(0x08, 4, prescaler << 4)
        assert rcc.core_hz <= rcc.system_hz
        assert rcc.core_hz == rcc.system_hz // (1, 2, 4, 8, 16, 64, 128, 256, 512)[max(0, prescaler - 7)]

    @staticmethod
    def fresh_bench() -> Any:
        from types import SimpleNamespace  # noqa: PLC0415

        from mcu_models.emulators.interrupt_controller import InterruptController  # noqa: PLC0415
        from mcu_models.emulators.peripherals.base import Chip  # noqa: PLC0415
        from mcu_models.emulators.scheduler import Scheduler  # noqa: PLC0415
        from mcu_models.emulators.virtual_clock import VirtualClock  # noqa: PLC0415

        hook: Any = SimpleNamespace(cycles=0)
        nvic = InterruptController(interrupts=91, priority_bits=4)
        board = find_board("stm32l4a6zg").sheet
        return SimpleNamespace(chip=Chip(VirtualClock(hook, 4_000_000), Scheduler(), nvic, problems={}, board=board))

    def test_flash_and_power_registers(self, bench: Any) -> None:
        flash, power = FlashL4("FLASH", bench.chip, sheet(4)), PwrL4("PWR", bench.chip, sheet())
        flash.write(0x00, 4, 0x704)
        power.write(0x00, 4, 0x202)
        assert (flash.timing.wait_states, flash.timing.prefetch) == (4, True)
        assert (power.deep_mode, power.range_name) == ("stop2", "range1")


@given(writes=st.lists(st.tuples(st.sampled_from([0x14, 0x18, 0x28]), st.integers(0, 2**32 - 1)), max_size=20))
def test_a_port_follows_its_set_and_reset_registers(writes: list[tuple[int, int]]) -> None:
    """The output latch equals what a bit-by-bit reading of the manual gives."""
    port = Gpio("GPIOA", TestClocks.fresh_bench().chip, sheet())
    port.write(0x00, 4, 0x55555555)
    latch = 0
    for offset, value in writes:
        port.write(offset, 4, value)
        for bit in range(16):
            if offset == 0x14:
                latch = (latch & ~(1 << bit)) | (value & 1 << bit)
            elif offset == 0x28 and value >> bit & 1:
                latch &= ~(1 << bit)
            elif offset == 0x18 and value >> bit & 1:
                latch |= 1 << bit
            elif offset == 0x18 and value >> (bit + 16) & 1:
                latch &= ~(1 << bit)
    assert port.read(0x10, 4) & 0xFFFF == latch


def test_reset_values_are_those_of_the_manual(bench: Any) -> None:
    """Debug pins of ports A and B, analogue pins elsewhere, wake-up lines of EXTI open, flash interface clocked."""
    assert Gpio("GPIOA", bench.chip, sheet()).read(0x00, 4) == 0xABFFFFFF
    assert Gpio("GPIOB", bench.chip, sheet()).read(0x00, 4) == 0xFFFFFEBF
    assert Gpio("GPIOC", bench.chip, sheet()).read(0x00, 4) == 0xFFFFFFFF
    exti = ExtiL4("EXTI", bench.chip, sheet())
    assert (exti.read(0x00, 4), exti.read(0x20, 4)) == (0xFF820000, 0xFFFFFF87)
    rcc = RccL4("RCC", bench.chip, sheet())
    assert [rcc.read(offset, 4) for offset in (0x00, 0x0C, 0x48, 0x94)] == [0x63, 0x1000, 0x100, 0x0C000600]
