"""The STM32H743 and the STM32H7A3: clocks, voltage scales, flash, and what start-up code does with them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import pytest

from mcu_models.boards.board import PeripheralSheet, find_board
from mcu_models.emulators.image import FirmwareImage, Segment
from mcu_models.emulators.peripherals.external_memory import Fmc
from mcu_models.emulators.peripherals.rtc_v3 import RtcV3, Tamp
from mcu_models.emulators.peripherals.stm32h7_clocks import RccH7a3, RccH743
from mcu_models.emulators.peripherals.stm32h7_exti import ExtiH7
from mcu_models.emulators.peripherals.stm32h7_flash import FlashH7
from mcu_models.emulators.peripherals.stm32h7_power import SETTLE_S, PwrH7a3, PwrH743
from mcu_models.emulators.peripherals.stm32h7_system import Hsem, SyscfgH7
from mcu_models.emulators.unicorn_backend import UnicornEmulator
from mcu_models.emulators.virtual_clock import PowerState

if TYPE_CHECKING:
    from collections.abc import Callable

CR, CFGR, D1CFGR, D2CFGR, PLLCKSELR, PLLCFGR, PLL1DIVR, PLL1FRACR = 0x00, 0x10, 0x18, 0x1C, 0x28, 0x2C, 0x30, 0x34
D2CCIP2R, D3CCIPR, BDCR, CSR = 0x54, 0x58, 0x70, 0x74
HSEON, HSERDY, PLL1ON, PLL1RDY = 1 << 16, 1 << 17, 1 << 24, 1 << 25
HSE_SOURCE = 2
STARTED_S = 0.01


def sheet(*irqs: int, **options: int) -> PeripheralSheet:
    """Return the sheet of a peripheral with these interrupt lines and options."""
    return PeripheralSheet(type="under_test", base=0x40000000, irqs=irqs, options=dict(options))


@pytest.fixture
def h743(bench: Any) -> Any:
    bench.chip.board = find_board("stm32h743vi").sheet
    return bench


@pytest.fixture
def h7a3(bench: Any) -> Any:
    bench.chip.board = find_board("stm32h7a3zi").sheet
    return bench


@pytest.fixture
def rcc(h743: Any) -> RccH743:
    return RccH743("RCC", h743.chip, sheet())


def start_pll1(rcc: RccH743, bench: Any, *, m: int = 4, n: int = 480, p: int = 2) -> None:
    """Start HSE (8 MHz) and PLL1 with an input of 2-4 MHz and the wide VCO."""
    rcc.write(CR, 4, rcc.read(CR, 4) | HSEON)
    bench.pass_s(STARTED_S)
    rcc.write(PLLCKSELR, 4, HSE_SOURCE | m << 4)
    rcc.write(PLLCFGR, 4, 1 << 2 | 7 << 16)
    rcc.write(PLL1DIVR, 4, (n - 1) | (p - 1) << 9 | 7 << 16 | 1 << 24)
    rcc.write(CR, 4, rcc.read(CR, 4) | PLL1ON)
    bench.pass_s(STARTED_S)


class TestClocks:
    def test_the_core_runs_on_the_hsi_after_reset(self, rcc: RccH743) -> None:
        assert rcc.core_hz == 64_000_000
        assert rcc.bus_divider == 1

    @pytest.mark.parametrize(("divider", "core_hz"), [(1, 32e6), (2, 16e6), (3, 8e6)])
    def test_the_hsi_has_a_divider(self, rcc: RccH743, divider: int, core_hz: float) -> None:
        rcc.write(CR, 4, 1 | divider << 3)
        assert rcc.core_hz == core_hz

    def test_a_pll_becomes_ready_after_its_time(self, rcc: RccH743, h743: Any) -> None:
        start_pll1(rcc, h743)
        assert rcc.read(CR, 4) & PLL1RDY
        assert rcc.source_hz("pll1") == 480e6
        assert rcc.source_hz("pll1_q") == 120e6
        assert rcc.source_hz("pll1_r") == 480e6
        assert not h743.chip.problems

    def test_the_core_follows_the_switch(self, rcc: RccH743, h743: Any) -> None:
        start_pll1(rcc, h743)
        rcc.write(D1CFGR, 4, 8 | 4 << 4)
        rcc.write(CFGR, 4, 3)
        assert rcc.read(CFGR, 4) >> 3 & 7 == 3
        assert (rcc.core_hz, rcc.bus_divider) == (480_000_000, 2)

    def test_the_core_has_a_divider_of_its_own(self, rcc: RccH743) -> None:
        rcc.write(D1CFGR, 4, 9 << 8 | 8)
        assert (rcc.core_hz, rcc.hclk_hz) == (16_000_000, 8e6)

    def test_the_fraction_counts_only_while_it_is_enabled(self, rcc: RccH743, h743: Any) -> None:
        start_pll1(rcc, h743, n=400)
        rcc.write(PLL1FRACR, 4, 4096 << 3)
        assert rcc.source_hz("pll1") == 400e6
        rcc.write(PLLCFGR, 4, rcc.read(PLLCFGR, 4) | 1)
        assert rcc.source_hz("pll1") == 400.5e6
        assert not h743.chip.problems

    def test_an_output_that_is_not_enabled_is_off(self, rcc: RccH743, h743: Any) -> None:
        start_pll1(rcc, h743)
        rcc.write(PLLCFGR, 4, 1 << 2 | 1 << 16)
        assert (rcc.source_hz("pll1_p"), rcc.source_hz("pll1_q")) == (480e6, 0.0)

    @pytest.mark.parametrize(("m", "n", "what"), [(8, 400, "an input of 1 MHz"), (4, 500, "a VCO of 1000 MHz")])
    def test_a_pll_outside_its_ranges_is_reported(self, rcc: RccH743, h743: Any, m: int, n: int, what: str) -> None:
        start_pll1(rcc, h743, m=m, n=n)
        assert any(what in problem for problem in h743.chip.problems)

    def test_a_change_of_a_running_pll_is_reported(self, rcc: RccH743, h743: Any) -> None:
        start_pll1(rcc, h743)
        rcc.write(PLLCKSELR, 4, HSE_SOURCE | 4 << 4 | 2 << 12)
        assert not h743.chip.problems
        rcc.write(PLL1DIVR, 4, 399 | 1 << 9)
        assert list(h743.chip.problems) == ["RCC: set-up of PLL1 changed while it is on"]

    def test_what_clocks_the_core_cannot_be_switched_off(self, rcc: RccH743) -> None:
        rcc.write(CR, 4, 0)
        assert rcc.core_hz == 64_000_000

    def test_what_feeds_the_pll_of_the_core_cannot_be_switched_off(self, rcc: RccH743, h743: Any) -> None:
        start_pll1(rcc, h743)
        rcc.write(CFGR, 4, 3)
        rcc.write(CR, 4, 0)
        assert rcc.core_hz == 480_000_000
        assert rcc.read(CR, 4) & 1 == 0

    def test_the_switch_waits_for_a_source_that_is_starting(self, rcc: RccH743, h743: Any) -> None:
        rcc.write(CR, 4, 1 | HSEON)
        rcc.write(CFGR, 4, 2)
        assert (rcc.read(CFGR, 4), rcc.core_hz) == (2, 64_000_000)
        h743.pass_s(STARTED_S)
        assert (rcc.read(CFGR, 4), rcc.core_hz) == (2 | 2 << 3, 8_000_000)
        assert not h743.chip.problems

    def test_a_switch_to_a_source_that_is_off_is_reported(self, rcc: RccH743, h743: Any) -> None:
        rcc.write(CFGR, 4, 3)
        assert rcc.core_hz == 64_000_000
        assert list(h743.chip.problems) == ["RCC: system clock switched to a source that is off"]

    @pytest.mark.parametrize(("stopwuck", "core_hz"), [(0, 64e6), (1, 4e6)])
    def test_a_stop_mode_ends_the_plls(self, rcc: RccH743, h743: Any, stopwuck: int, core_hz: float) -> None:
        start_pll1(rcc, h743)
        rcc.write(CFGR, 4, 3 | stopwuck << 6)
        rcc.enter_stop()
        assert not rcc.read(CR, 4) & (HSERDY | PLL1RDY)
        assert rcc.core_hz == core_hz


class TestKernelClocks:
    @pytest.mark.parametrize(("choice", "clock_hz"), [(0, 32e6), (3, 64e6), (4, 0.0), (5, 0.0)])
    def test_a_uart_of_apb1(self, rcc: RccH743, choice: int, clock_hz: float) -> None:
        rcc.write(D2CFGR, 4, 4 << 4)
        rcc.write(D2CCIP2R, 4, choice)
        assert rcc.clock_of("USART3") == clock_hz
        assert rcc.clock_of("USART1") == 64e6

    def test_the_lse_needs_the_backup_domain_open(self, rcc: RccH743, h743: Any) -> None:
        PwrH743("PWR", h743.chip, sheet())
        rcc.write(BDCR, 4, 1)
        assert not rcc.read(BDCR, 4)
        h743.chip.power.write(0x00, 4, 1 << 8)
        rcc.write(BDCR, 4, 1 | 1 << 8 | 1 << 15)
        h743.pass_s(3.0)
        rcc.write(D3CCIPR, 4, 5)
        assert rcc.clock_of("LPUART1") == 32768
        assert rcc.clock_of("RTC") == 32768

    @pytest.mark.parametrize(
        ("prescaler", "timpre", "clock_hz"), [(0, 0, 64e6), (4, 0, 64e6), (5, 0, 32e6), (5, 1, 64e6), (6, 1, 32e6)]
    )
    def test_timers_run_faster_than_a_divided_bus(
        self, rcc: RccH743, prescaler: int, timpre: int, clock_hz: float
    ) -> None:
        rcc.write(CFGR, 4, timpre << 15)
        rcc.write(D2CFGR, 4, prescaler << 4)
        assert rcc.clock_of("TIM5") == clock_hz

    def test_enables_of_the_h743_are_seen_at_two_places(self, rcc: RccH743) -> None:
        rcc.write(0x140, 4, 1 << 3)
        assert rcc.read(0xE0, 4) == 1 << 3
        assert rcc.is_enabled(0xE0, 3)

    def test_enables_of_the_h7a3_are_not(self, h7a3: Any) -> None:
        rcc = RccH7a3("RCC", h7a3.chip, sheet())
        rcc.write(0x140, 4, 1 << 3)
        assert rcc.read(0xE0, 4) == 0
        assert rcc.is_enabled(0x140, 3)


class TestReset:
    def test_the_flags_of_power_on_stay_until_they_are_cleared(self, rcc: RccH743) -> None:
        assert rcc.read(0xD0, 4) & 1 << 23
        rcc.write(0xD0, 4, 1 << 16)
        assert rcc.read(0xD0, 4) & ~(1 << 16) == 0

    def test_the_cause_of_a_reset_can_be_read(self, h7a3: Any) -> None:
        RccH7a3("RCC", h7a3.chip, sheet()).write(0x130, 4, 1 << 16)
        h7a3.chip.retained.reset_cause = "software"
        assert RccH7a3("RCC", h7a3.chip, sheet()).read(0x130, 4) == 1 << 24 | 1 << 22

    def test_the_backup_domain_outlives_a_reset(self, rcc: RccH743, h743: Any) -> None:
        rcc.write(BDCR, 4, 1 << 8)
        h743.chip.retained.reset_cause = "pin"
        assert RccH743("RCC", h743.chip, sheet()).read(BDCR, 4) == 1 << 8

    def test_a_bit_resets_its_peripheral(self, rcc: RccH743, h743: Any) -> None:
        board = h743.chip.board
        fmc = Fmc("FMC", h743.chip, board.peripherals["FMC"])
        fmc.write(0x00, 4, 0x30D2)
        rcc.write(0x7C, 4, 1 << 12)
        assert fmc.read(0x00, 4) == 0x30DB


class TestPower:
    def test_scale_1_takes_the_regulator_a_while(self, h743: Any) -> None:
        pwr = PwrH743("PWR", h743.chip, sheet())
        assert (pwr.range_name, pwr.read(0x04, 4) & 1 << 13) == ("vos3", 0)
        pwr.write(0x0C, 4, 2)
        h743.pass_s(2 * SETTLE_S)
        assert pwr.read(0x04, 4) & 1 << 13
        pwr.write(0x18, 4, 3 << 14)
        assert (pwr.range_name, pwr.read(0x18, 4) & 1 << 13) == ("vos3", 0)
        h743.pass_s(2 * SETTLE_S)
        assert (pwr.range_name, pwr.read(0x18, 4) >> 13) == ("vos1", 7)

    def test_over_drive_makes_scale_0_of_scale_1(self, h743: Any) -> None:
        pwr = PwrH743("PWR", h743.chip, sheet())
        syscfg = SyscfgH7("SYSCFG", h743.chip, sheet())
        pwr.write(0x0C, 4, 2)
        pwr.write(0x18, 4, 3 << 14)
        h743.pass_s(2 * SETTLE_S)
        syscfg.write(0x2C, 4, 1)
        assert not pwr.read(0x18, 4) & 1 << 13
        h743.pass_s(2 * SETTLE_S)
        assert pwr.range_name == "vos0"
        assert not h743.chip.problems

    def test_over_drive_in_another_scale_is_reported(self, h743: Any) -> None:
        PwrH743("PWR", h743.chip, sheet())
        SyscfgH7("SYSCFG", h743.chip, sheet()).write(0x2C, 4, 1)
        assert any("scale other than 1" in problem for problem in h743.chip.problems)

    @pytest.mark.parametrize(("code", "name"), [(1, "vos2"), (2, "vos1"), (3, "vos0")])
    def test_the_h7a3_has_scale_0_in_its_register(self, h7a3: Any, code: int, name: str) -> None:
        pwr = PwrH7a3("PWR", h7a3.chip, sheet())
        pwr.write(0x0C, 4, 4)
        pwr.write(0x18, 4, code << 14)
        h7a3.pass_s(2 * SETTLE_S)
        assert pwr.range_name == name

    def test_the_scale_cannot_change_before_the_supply_is_set_up(self, h743: Any) -> None:
        pwr = PwrH743("PWR", h743.chip, sheet())
        pwr.write(0x18, 4, 3 << 14)
        h743.pass_s(2 * SETTLE_S)
        assert pwr.range_name == "vos3"
        assert any("before the supply" in problem for problem in h743.chip.problems)

    def test_the_supply_is_set_up_once(self, h743: Any) -> None:
        pwr = PwrH743("PWR", h743.chip, sheet())
        pwr.write(0x0C, 4, 2)
        pwr.write(0x0C, 4, 1)
        assert pwr.read(0x0C, 4) == 2
        assert any("second time" in problem for problem in h743.chip.problems)

    @pytest.mark.parametrize(
        ("svos", "domains", "mode"), [(3, 0, "stop0"), (2, 0, "stop1"), (1, 3, "stop2"), (3, 7, "standby")]
    )
    def test_the_mode_of_deep_sleep(self, h743: Any, svos: int, domains: int, mode: str) -> None:
        pwr = PwrH743("PWR", h743.chip, sheet())
        pwr.write(0x00, 4, svos << 14)
        pwr.write(0x10, 4, domains)
        assert pwr.deep_mode == mode

    def test_the_flag_of_a_stop_mode_is_cleared_by_cssf(self, h743: Any) -> None:
        pwr = PwrH743("PWR", h743.chip, sheet())
        pwr.before_stop()
        assert pwr.read(0x10, 4) == 1 << 5
        pwr.write(0x10, 4, 1 << 9)
        assert pwr.read(0x10, 4) == 0


class TestFlash:
    def test_wait_states_act_at_once(self, h743: Any) -> None:
        flash = FlashH7("FLASH", h743.chip, sheet())
        assert flash.timing.wait_states == 7
        flash.write(0x00, 4, 0x24)
        assert flash.timing.wait_states == 4
        assert flash.read(0x100, 4) == 0x24

    @pytest.mark.parametrize("bank", [0x000, 0x100])
    def test_two_keys_open_a_bank(self, h743: Any, bank: int) -> None:
        flash = FlashH7("FLASH", h743.chip, sheet())
        for key in (0x45670123, 0xCDEF89AB):
            assert flash.read(bank + 0x0C, 4) & 1
            flash.write(bank + 0x04, 4, key)
        assert not flash.read(bank + 0x0C, 4) & 1
        assert flash.read(0x10C - bank, 4) & 1

    def test_a_wrong_key_jams_the_lock(self, h743: Any) -> None:
        flash = FlashH7("FLASH", h743.chip, sheet())
        for key in (0x45670123, 0x45670123, 0x45670123, 0xCDEF89AB):
            flash.write(0x04, 4, key)
        assert flash.read(0x0C, 4) & 1
        assert any("wrong key" in problem for problem in h743.chip.problems)


class TestSystem:
    def test_a_semaphore_is_taken_by_reading_and_freed_by_its_owner(self, h743: Any) -> None:
        hsem = Hsem("HSEM", h743.chip, sheet(125, core=3, semaphores=32))
        assert hsem.read(0x80 + 4 * 5, 4) == 1 << 31 | 3 << 8
        hsem.write(4 * 5, 4, 1 << 8)
        assert hsem.read(4 * 5, 4) == 1 << 31 | 3 << 8
        hsem.write(4 * 5, 4, 3 << 8)
        assert (hsem.read(4 * 5, 4), hsem.read(0x108, 4)) == (0, 1 << 5)

    def test_a_freed_semaphore_interrupts(self, h743: Any) -> None:
        hsem = Hsem("HSEM", h743.chip, sheet(60))
        hsem.write(0x100, 4, 1)
        hsem.read(0x80, 4)
        assert not h743.is_pending(60)
        hsem.write(0x00, 4, 3 << 8)
        assert h743.is_pending(60)

    def test_the_compensation_cell_becomes_ready(self, h743: Any) -> None:
        syscfg = SyscfgH7("SYSCFG", h743.chip, sheet())
        syscfg.write(0x20, 4, 1)
        assert syscfg.read(0x20, 4) == 0x101

    def test_a_bank_for_external_memory_is_reported_when_it_is_switched_on(self, h743: Any) -> None:
        fmc = Fmc("FMC", h743.chip, sheet())
        fmc.write(0x00, 4, 0x30D2)
        assert not h743.chip.problems
        fmc.write(0x00, 4, 0x30DB)
        assert any("none is modelled" in problem for problem in h743.chip.problems)

    def test_a_line_of_the_rtc_interrupts_by_the_window_of_the_core(self, h743: Any) -> None:
        exti = ExtiH7("EXTI", h743.chip, sheet(6, 7, 8, 9, 10, 23, 40, 1, 41, 2, 3))
        exti.write(0x00, 4, 1 << 19)
        exti.write(0x80, 4, exti.read(0x80, 4) | 1 << 19)
        exti.line_changed(19, high=True)
        assert h743.is_pending(3)
        assert exti.read(0x88, 4) == 1 << 19
        exti.write(0x88, 4, 1 << 19)
        assert exti.read(0x88, 4) == 0

    def test_registers_of_the_third_domain_are_kept_apart(self, h743: Any) -> None:
        exti = ExtiH7("EXTI", h743.chip, sheet())
        exti.write(0x0C, 4, 0xFF)
        assert (exti.read(0x0C, 4), exti.read(0x04, 4), exti.read(0x80, 4)) == (0xFF, 0, 0xFFC00000)


class TestRtcOfTheH7a3:
    WAKEUP_ON, WAKEUP_INTERRUPT = 1 << 10, 1 << 14

    @pytest.fixture
    def rtc(self, make_bench: Callable[..., Any]) -> RtcV3:
        bench = make_bench(32768.0)
        rtc = RtcV3("RTC", bench.chip, sheet(3, 41))
        rtc.clock_changed()
        rtc.write(0x24, 4, 0xCA)
        rtc.write(0x24, 4, 0x53)
        return rtc

    def test_the_wakeup_flag_stands_in_sr_and_is_cleared_by_scr(self, rtc: RtcV3) -> None:
        rtc.write(0x14, 4, 2047)
        rtc.write(0x18, 4, self.WAKEUP_ON | self.WAKEUP_INTERRUPT)
        assert (rtc.read(0x50, 4), rtc.read(0x0C, 4) & 1 << 2) == (0, 0)
        _pass(rtc, 1.01)
        assert (rtc.read(0x50, 4), rtc.read(0x54, 4)) == (4, 4)
        assert 16 + 3 in rtc.chip.nvic.pending
        rtc.write(0x5C, 4, 4)
        assert rtc.read(0x50, 4) == 0

    def test_a_flag_without_its_interrupt_is_not_in_misr(self, rtc: RtcV3) -> None:
        rtc.write(0x14, 4, 2047)
        rtc.write(0x18, 4, self.WAKEUP_ON)
        _pass(rtc, 1.01)
        assert (rtc.read(0x50, 4), rtc.read(0x54, 4)) == (4, 0)

    def test_the_calendar_is_set_in_initialisation_mode(self, rtc: RtcV3) -> None:
        rtc.write(0x0C, 4, 1 << 7)
        _pass(rtc, 0.001)
        assert rtc.read(0x0C, 4) & 1 << 6
        rtc.write(0x00, 4, 0x123456)
        rtc.write(0x0C, 4, 0)
        _pass(rtc, 5.5)
        assert rtc.read(0x00, 4) == 0x123501
        assert rtc.read(0x08, 4) in range(126, 129)
        assert not rtc.chip.problems

    def test_backup_registers_outlive_a_reset(self, h7a3: Any) -> None:
        Tamp("TAMP", h7a3.chip, sheet()).write(0x100, 4, 0xC0FFEE)
        again = Tamp("TAMP", h7a3.chip, sheet())
        again.reset()
        assert again.read(0x100, 4) == 0xC0FFEE

    def test_backup_registers_need_the_backup_domain_open(self, h7a3: Any) -> None:
        PwrH7a3("PWR", h7a3.chip, sheet())
        tamp = Tamp("TAMP", h7a3.chip, sheet())
        tamp.write(0x100, 4, 1)
        assert tamp.read(0x100, 4) == 0
        assert any("DBP" in problem for problem in h7a3.chip.problems)


def _pass(rtc: RtcV3, seconds: float) -> None:
    """Let time pass, events in order."""
    clock, scheduler = rtc.chip.clock, rtc.chip.scheduler
    asleep, end_s = PowerState("sleep", 16_000_000), clock.now_s + seconds
    while scheduler.next_s <= end_s:
        clock.sleep_until(scheduler.next_s, asleep)
        scheduler.run_due(clock.now_s)
    clock.sleep_until(end_s, asleep)


WRITE, WAIT, END = 0, 1, 2
PLAYER = bytes.fromhex("0748 0EC8 0129 02D0 06DC 1360 F9E7 1468 1C40 9C42 FBD1 F4E7 72B6 00BF 00BE 00BF")
"""Takes triples from the address behind it: write a word, or wait for all bits of a mask; then CPSID, NOP, BKPT."""
SLEEPER = PLAYER.replace(bytes.fromhex("72B6 00BF"), bytes.fromhex("72B6 30BF"))
"""The same with a WFI before the breakpoint."""
FLASH, TABLE, STACK = 0x08000000, 0x08000400, 0x20010000


@pytest.fixture
def play() -> Callable[..., UnicornEmulator]:
    """Return a function that runs a list of writes and waits on a board."""

    def run(board: str, steps: list[tuple[int, int, int]], player: bytes = PLAYER) -> UnicornEmulator:
        vectors = struct.pack("<2I", STACK, FLASH + 0x200 + 1)
        table = b"".join(struct.pack("<3I", *step) for step in [*steps, (END, 0, 0)])
        code = player + struct.pack("<I", TABLE)
        segments = (Segment(FLASH, vectors), Segment(FLASH + 0x200, code), Segment(TABLE, table))
        emulator = UnicornEmulator(find_board(board), FirmwareImage("test", "0" * 64, segments, (), {}))
        outcome = emulator.run(until_s=1.0)
        assert outcome.detail.startswith("breakpoint"), outcome
        return emulator

    return run


RCC, PWR, FLASH_R, SYSCFG = 0x58024400, 0x58024800, 0x52002000, 0x58000400


def test_a_core_at_480_mhz(play: Callable[..., UnicornEmulator]) -> None:
    """The whole way to the highest clock of the H743: supply, scale 1, over-drive, HSE, PLL1, dividers, switch."""
    emulator = play(
        "stm32h743vi",
        [
            (WRITE, PWR + 0x0C, 2), (WAIT, PWR + 0x04, 1 << 13), (WRITE, PWR + 0x18, 3 << 14),
            (WAIT, PWR + 0x18, 1 << 13), (WRITE, RCC + 0xF4, 2), (WRITE, SYSCFG + 0x2C, 1), (WAIT, PWR + 0x18, 1 << 13),
            (WRITE, RCC + CR, 1 | HSEON), (WAIT, RCC + CR, HSERDY), (WRITE, RCC + PLLCKSELR, HSE_SOURCE | 4 << 4),
            (WRITE, RCC + PLLCFGR, 1 << 2 | 1 << 16), (WRITE, RCC + PLL1DIVR, 479 | 1 << 9),
            (WRITE, RCC + CR, 1 | HSEON | PLL1ON), (WAIT, RCC + CR, PLL1RDY), (WRITE, FLASH_R, 0x24),
            (WRITE, RCC + D1CFGR, 8 | 4 << 4), (WRITE, RCC + CFGR, 3), (WAIT, RCC + CFGR, 3 << 3),
        ],
    )  # fmt: skip
    assert [state.clock_hz for state in emulator.residency_s() if state.mode == "run"] == [64_000_000, 480_000_000]
    assert not emulator.problems


def test_a_core_too_fast_for_its_voltage_scale_is_reported(play: Callable[..., UnicornEmulator]) -> None:
    emulator = play(
        "stm32h7a3zi",
        [
            (WRITE, RCC + CR, 1 | HSEON), (WAIT, RCC + CR, HSERDY), (WRITE, RCC + PLLCKSELR, HSE_SOURCE | 4 << 4),
            (WRITE, RCC + PLLCFGR, 1 << 2 | 1 << 16), (WRITE, RCC + PLL1DIVR, 279 | 1 << 9),
            (WRITE, RCC + CR, 1 | HSEON | PLL1ON), (WAIT, RCC + CR, PLL1RDY), (WRITE, FLASH_R, 0x36),
            (WRITE, RCC + CFGR, 3), (WAIT, RCC + CFGR, 3 << 3),
        ],
    )  # fmt: skip
    assert emulator.problems == ("core at 280 MHz with 3 flash wait states; the hardware allows 88 MHz",)


def test_a_stop_mode_ends_by_the_low_power_timer(play: Callable[..., UnicornEmulator]) -> None:
    """LPTIM1 counts 320 periods of the LSI while the core is in Stop; the core wakes on the HSI."""
    timer, nvic, deep_sleep = 0x40002400, 0xE000E108, 0xE000ED10
    emulator = play(
        "stm32h743vi",
        [
            (WRITE, RCC + CSR, 1), (WAIT, RCC + CSR, 2), (WRITE, RCC + D2CCIP2R, 4 << 28), (WRITE, RCC + 0xE8, 1 << 9),
            (WRITE, timer + 0x08, 2), (WRITE, timer + 0x10, 1), (WRITE, timer + 0x18, 319), (WAIT, timer, 1 << 4),
            (WRITE, timer + 0x10, 5), (WRITE, nvic, 1 << 93 - 64), (WRITE, deep_sleep, 4),
        ],
        SLEEPER,
    )  # fmt: skip
    spans = emulator.residency_s()
    assert spans[PowerState("stop0", 0)] == pytest.approx(320 / 32e3, rel=1e-3)
    assert emulator.peripheral("PWR").read(0x10, 4) == 1 << 5
    assert not emulator.problems


def test_an_access_to_a_peripheral_known_by_name_is_reported(play: Callable[..., UnicornEmulator]) -> None:
    emulator = play("stm32h743vi", [(WRITE, RCC + 0xD4, 1), (WRITE, 0x52000040, 1)])
    assert any("(MDMA), not modelled" in problem for problem in emulator.problems)
