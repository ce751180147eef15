"""The STM32F746: clocks, voltage scales with over-drive, flash with ART, and its way to 216 MHz."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from mcu_models.boards.board import PeripheralSheet, find_board
from mcu_models.emulators.image import FirmwareImage, Segment
from mcu_models.emulators.peripherals.stm32f7_clocks import RccF7
from mcu_models.emulators.peripherals.stm32f7_flash import FlashF7
from mcu_models.emulators.peripherals.stm32f7_power import SETTLE_S, PwrF7
from mcu_models.emulators.peripherals.stm32h7_exti import ExtiF7
from mcu_models.emulators.unicorn_backend import UnicornEmulator

CR, PLLCFGR, CFGR, APB1ENR, BDCR, CSR = 0x00, 0x04, 0x08, 0x40, 0x70, 0x74
PLLSAICFGR, DCKCFGR1, DCKCFGR2 = 0x88, 0x8C, 0x90
HSEON, HSERDY, PLLON, PLLRDY, HSE_SOURCE = 1 << 16, 1 << 17, 1 << 24, 1 << 25, 1 << 22
FULL_SPEED = 25 | 432 << 6 | HSE_SOURCE | 9 << 24
"""25 MHz / 25 x 432 / 2 = 216 MHz, and 48 MHz for USB."""
STARTED_S = 0.01


def sheet(*irqs: int) -> PeripheralSheet:
    """Return the sheet of a peripheral with these interrupt lines."""
    return PeripheralSheet(type="under_test", base=0x40000000, irqs=irqs)


@pytest.fixture
def f746(bench: Any) -> Any:
    bench.chip.board = find_board("stm32f746zg").sheet
    return bench


@pytest.fixture
def rcc(f746: Any) -> RccF7:
    return RccF7("RCC", f746.chip, sheet())


def start_pll(rcc: RccF7, bench: Any, setup: int = FULL_SPEED) -> None:
    """Start the HSE and the main PLL."""
    rcc.write(CR, 4, rcc.read(CR, 4) | HSEON)
    bench.pass_s(STARTED_S)
    rcc.write(PLLCFGR, 4, setup)
    rcc.write(CR, 4, rcc.read(CR, 4) | PLLON)
    bench.pass_s(STARTED_S)


class TestClocks:
    def test_the_core_runs_on_the_hsi_after_reset(self, rcc: RccF7) -> None:
        assert (rcc.core_hz, rcc.bus_divider) == (16_000_000, 1)

    def test_the_core_follows_the_switch_to_the_pll(self, rcc: RccF7, f746: Any) -> None:
        start_pll(rcc, f746)
        rcc.write(CFGR, 4, 2 | 5 << 10 | 4 << 13)
        assert rcc.read(CFGR, 4) & 0xF == 2 | 2 << 2
        assert rcc.core_hz == 216_000_000
        assert rcc.clock_of("RNG") == 48e6
        assert not f746.chip.problems

    @pytest.mark.parametrize(("code", "divider"), [(7, 1), (8, 2), (11, 16), (12, 64), (15, 512)])
    def test_the_dividers_of_the_core(self, rcc: RccF7, code: int, divider: int) -> None:
        rcc.write(CFGR, 4, code << 4)
        assert rcc.core_hz == 16_000_000 // divider

    def test_uarts_have_the_clock_of_their_bus(self, rcc: RccF7) -> None:
        rcc.write(CFGR, 4, 5 << 10 | 4 << 13)
        assert (rcc.clock_of("USART2"), rcc.clock_of("USART1"), rcc.clock_of("CRC")) == (4e6, 8e6, 16e6)

    def test_uarts_can_have_other_clocks(self, rcc: RccF7, f746: Any) -> None:
        start_pll(rcc, f746)
        rcc.write(CFGR, 4, 2 | 5 << 10)
        rcc.write(DCKCFGR2, 4, 2 << 4 | 1 << 2 | 2 << 22)
        assert (rcc.clock_of("USART3"), rcc.clock_of("USART2"), rcc.clock_of("I2C4")) == (16e6, 216e6, 16e6)

    @pytest.mark.parametrize(("code", "timpre", "clock_hz"), [(4, 0, 16e6), (5, 0, 8e6), (5, 1, 16e6), (6, 1, 8e6)])
    def test_timers_run_faster_than_a_divided_bus(self, rcc: RccF7, code: int, timpre: int, clock_hz: float) -> None:
        rcc.write(CFGR, 4, code << 10)
        rcc.write(DCKCFGR1, 4, timpre << 24)
        assert rcc.clock_of("TIM5") == clock_hz

    def test_the_pll_of_the_display_can_feed_the_48_mhz_domain(self, rcc: RccF7, f746: Any) -> None:
        start_pll(rcc, f746)
        rcc.write(PLLSAICFGR, 4, 384 << 6 | 3 << 16)
        rcc.write(CR, 4, rcc.read(CR, 4) | 1 << 28)
        rcc.write(DCKCFGR2, 4, 1 << 27)
        assert rcc.clock_of("RNG") == 0
        f746.pass_s(STARTED_S)
        assert rcc.clock_of("RNG") == 48e6

    @pytest.mark.parametrize(
        ("setup", "what"),
        [(8 | 200 << 6 | HSE_SOURCE, "an input of 3.125 MHz"), (25 | 99 << 6 | HSE_SOURCE, "a VCO of 99 MHz")],
    )
    def test_a_pll_outside_its_ranges_is_reported(self, rcc: RccF7, f746: Any, setup: int, what: str) -> None:
        start_pll(rcc, f746, setup)
        assert any(what in problem for problem in f746.chip.problems)

    def test_a_change_of_the_running_pll_is_reported(self, rcc: RccF7, f746: Any) -> None:
        start_pll(rcc, f746)
        rcc.write(PLLCFGR, 4, FULL_SPEED)
        assert not f746.chip.problems
        rcc.write(PLLCFGR, 4, FULL_SPEED + (1 << 6))
        assert list(f746.chip.problems) == ["RCC: set-up of the PLL changed while it is on"]

    def test_a_stop_mode_ends_on_the_hsi(self, rcc: RccF7, f746: Any) -> None:
        start_pll(rcc, f746)
        rcc.write(CFGR, 4, 2)
        rcc.enter_stop()
        assert (rcc.core_hz, rcc.read(CR, 4) & (HSERDY | PLLRDY)) == (16_000_000, 0)

    def test_the_lsi_shares_its_register_with_the_reset_flags(self, rcc: RccF7, f746: Any) -> None:
        rcc.write(CSR, 4, 1)
        f746.pass_s(STARTED_S)
        assert rcc.read(CSR, 4) == 0x0E000003
        rcc.write(CSR, 4, 1 | 1 << 24)
        assert rcc.read(CSR, 4) & ~(1 << 24) == 3


class TestPower:
    def test_over_drive_is_switched_on_in_two_steps(self, f746: Any) -> None:
        pwr = PwrF7("PWR", f746.chip, sheet())
        names = []
        for control in (1 << 16, 1 << 16 | 1 << 17):
            pwr.write(0x00, 4, 0xC000 | control)
            f746.pass_s(2 * SETTLE_S)
            names.append((pwr.range_name, pwr.read(0x04, 4) >> 16 & 3))
        assert names == [("scale1", 1), ("overdrive", 3)]
        assert not f746.chip.problems

    def test_over_drive_ends_with_its_bit(self, f746: Any) -> None:
        pwr = PwrF7("PWR", f746.chip, sheet())
        pwr.write(0x00, 4, 0xC000 | 1 << 16)
        f746.pass_s(2 * SETTLE_S)
        pwr.write(0x00, 4, 0xC000 | 3 << 16)
        f746.pass_s(2 * SETTLE_S)
        pwr.write(0x00, 4, 0xC000)
        assert (pwr.range_name, pwr.read(0x04, 4) >> 16 & 3) == ("scale1", 0)

    def test_over_drive_too_early_is_reported(self, f746: Any) -> None:
        PwrF7("PWR", f746.chip, sheet()).write(0x00, 4, 0xC000 | 3 << 16)
        assert any("before it is ready" in problem for problem in f746.chip.problems)

    @pytest.mark.parametrize(("code", "name"), [(1, "scale3"), (2, "scale2"), (3, "scale1")])
    def test_the_scales(self, f746: Any, code: int, name: str) -> None:
        pwr = PwrF7("PWR", f746.chip, sheet())
        pwr.write(0x00, 4, code << 14)
        f746.pass_s(2 * SETTLE_S)
        assert (pwr.range_name, pwr.read(0x04, 4) >> 14 & 1) == (name, 1)

    @pytest.mark.parametrize(("control", "mode"), [(0, "stop0"), (1, "stop1"), (2, "standby"), (3, "standby")])
    def test_the_mode_of_deep_sleep(self, f746: Any, control: int, mode: str) -> None:
        pwr = PwrF7("PWR", f746.chip, sheet())
        pwr.write(0x00, 4, 0xC000 | control)
        assert pwr.deep_mode == mode

    def test_dbp_opens_the_backup_domain(self, rcc: RccF7, f746: Any) -> None:
        pwr = PwrF7("PWR", f746.chip, sheet())
        rcc.write(BDCR, 4, 1)
        assert rcc.read(BDCR, 4) == 0
        pwr.write(0x00, 4, 0xC000 | 1 << 8)
        rcc.write(BDCR, 4, 1)
        assert rcc.read(BDCR, 4) == 1


class TestFlash:
    def test_wait_states_prefetch_and_art(self, f746: Any) -> None:
        flash = FlashF7("FLASH", f746.chip, sheet())
        flash.write(0x00, 4, 7 | 1 << 8)
        assert (flash.timing.wait_states, flash.timing.prefetch, flash.timing.instruction_cache) == (7, True, False)
        flash.write(0x00, 4, 7 | 1 << 9)
        assert (flash.timing.prefetch, flash.timing.instruction_cache) == (False, True)

    def test_two_keys_open_the_control_register(self, f746: Any) -> None:
        flash = FlashF7("FLASH", f746.chip, sheet())
        flash.write(0x10, 4, 0x80000200)
        assert any("locked" in problem for problem in f746.chip.problems)
        flash.write(0x04, 4, 0x45670123)
        flash.write(0x04, 4, 0xCDEF89AB)
        flash.write(0x10, 4, 0x200)
        assert flash.read(0x10, 4) == 0x200


def test_the_wakeup_of_the_rtc_is_line_22(f746: Any) -> None:
    exti = ExtiF7("EXTI", f746.chip, sheet(6, 7, 8, 9, 10, 23, 40, 1, 41, 2, 3))
    exti.write(0x00, 4, 1 << 22)
    exti.write(0x08, 4, 1 << 22)
    exti.line_changed(22, high=True)
    assert f746.is_pending(3)


WRITE, WAIT, END = 0, 1, 2
PLAYER = bytes.fromhex("0648 0EC8 0129 02D0 06DC 1360 F9E7 1468 1C40 9C42 FBD1 F4E7 00BE 00BF")
"""Takes triples from the address behind it: write a word, or wait for all bits of a mask; then a breakpoint."""
FLASH, TABLE, STACK = 0x08000000, 0x08000400, 0x20010000
RCC, PWR, FLASH_R = 0x40023800, 0x40007000, 0x40023C00


def play(steps: list[tuple[int, int, int]]) -> UnicornEmulator:
    """Run a list of writes and waits."""
    table = b"".join(struct.pack("<3I", *step) for step in [*steps, (END, 0, 0)])
    segments = (
        Segment(FLASH, struct.pack("<2I", STACK, FLASH + 0x200 + 1)),
        Segment(FLASH + 0x200, PLAYER + struct.pack("<I", TABLE)),
        Segment(TABLE, table),
    )
    emulator = UnicornEmulator(find_board("stm32f746zg"), FirmwareImage("test", "0" * 64, segments, (), {}))
    outcome = emulator.run(until_s=1.0)
    assert outcome.detail.startswith("breakpoint"), outcome
    return emulator


def test_a_core_at_216_mhz() -> None:
    """The whole way to the highest clock: HSE, PLL, over-drive, wait states, dividers, switch."""
    emulator = play(
        [
            (WRITE, RCC + APB1ENR, 1 << 28), (WRITE, RCC + CR, 0x81 | HSEON), (WAIT, RCC + CR, HSERDY),
            (WRITE, RCC + PLLCFGR, FULL_SPEED), (WRITE, RCC + CR, 0x81 | HSEON | PLLON), (WAIT, RCC + CR, PLLRDY),
            (WRITE, PWR, 0xC000 | 1 << 16), (WAIT, PWR + 4, 1 << 16), (WRITE, PWR, 0xC000 | 3 << 16),
            (WAIT, PWR + 4, 1 << 17), (WRITE, FLASH_R, 7 | 3 << 8), (WRITE, RCC + CFGR, 2 | 5 << 10 | 4 << 13),
            (WAIT, RCC + CFGR, 2 << 2),
        ]
    )  # fmt: skip
    assert [state.clock_hz for state in emulator.residency_s() if state.mode == "run"] == [16_000_000, 216_000_000]
    assert not emulator.problems


def test_the_power_control_needs_its_bus_clock() -> None:
    emulator = play([(WRITE, PWR, 0x4000)])
    assert any("PWR while its bus clock is off" in problem for problem in emulator.problems)


def test_the_flash_is_seen_at_its_alias() -> None:
    emulator = play([])
    assert emulator.read_memory(0x00200200, 4) == emulator.read_memory(0x08000200, 4) == PLAYER[:4]
