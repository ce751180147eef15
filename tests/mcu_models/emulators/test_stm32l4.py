"""RCC, PWR and FLASH of the STM32L4 and L4+ beyond the clock tree's basics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mcu_models.boards.board import EnableBit, PeripheralSheet, find_board
from mcu_models.emulators.peripherals.base import Chip, Retained
from mcu_models.emulators.peripherals.plain import RegisterBank
from mcu_models.emulators.peripherals.stm32l4_clocks import RccL4
from mcu_models.emulators.peripherals.stm32l4_flash import FlashL4
from mcu_models.emulators.peripherals.stm32l4_power import PwrL4

if TYPE_CHECKING:
    from collections.abc import Callable

CR, CFGR, PLLCFGR, PLLSAI1CFGR, CCIPR, BDCR, CSR, CRRCR = 0x00, 0x08, 0x0C, 0x10, 0x88, 0x90, 0x94, 0x98
RMVF, PINRSTF, SFTRSTF, IWDGRSTF = 1 << 23, 1 << 26, 1 << 28, 1 << 29
SHEET = PeripheralSheet(type="under_test", base=0x40021000)
L4R5 = find_board("stm32l4r5zi").sheet


@pytest.fixture
def chip(bench: Any) -> Chip:
    """The bench's chip, as an STM32L4R5."""
    bench.chip.board = L4R5
    return bench.chip  # type: ignore[no-any-return]


@pytest.fixture
def rcc(chip: Chip) -> RccL4:
    return RccL4("RCC", chip, SHEET)


def start_pll(rcc: RccL4, bench: Any, config: int) -> None:
    rcc.write(CR, 4, rcc.read(CR, 4) | 1 << 8)
    bench.pass_s(1e-3)
    rcc.write(PLLCFGR, 4, config)
    rcc.write(CR, 4, rcc.read(CR, 4) | 1 << 24)
    bench.pass_s(1e-3)


class TestClocks:
    def test_outputs_of_a_running_pll_may_be_opened(self, rcc: RccL4, bench: Any) -> None:
        """As the vendor's set-up code does: PLL on first, output R then. 16 MHz / 2 x 30 / 2 = 120 MHz."""
        config = 2 | 1 << 4 | 30 << 8
        start_pll(rcc, bench, config)
        rcc.write(PLLCFGR, 4, config | 1 << 24)
        rcc.write(CFGR, 4, 3)
        assert rcc.core_hz == 120_000_000
        assert not bench.chip.problems

    def test_msi_takes_its_range_from_cr_once_asked_to(self, rcc: RccL4) -> None:
        rcc.write(CR, 4, 0xB3)
        assert rcc.core_hz == 4_000_000
        rcc.write(CR, 4, 0xBB)
        assert rcc.core_hz == 48_000_000

    @pytest.mark.parametrize(("choice", "hz"), [(0, 48e6), (1, 48e6), (2, 0.0), (3, 4e6)])
    def test_the_48_mhz_clock_is_chosen(self, rcc: RccL4, bench: Any, choice: int, hz: float) -> None:
        """HSI48, PLLSAI1 output Q (16 MHz / 1 x 12 / 4), PLL output Q (closed), MSI."""
        rcc.write(CRRCR, 4, 1)
        start_pll(rcc, bench, 2 | 10 << 8)
        rcc.write(PLLSAI1CFGR, 4, 12 << 8 | 1 << 20 | 1 << 21)
        rcc.write(CR, 4, rcc.read(CR, 4) | 1 << 26)
        bench.pass_s(1e-3)
        assert rcc.read(CRRCR, 4) & 2
        rcc.write(CCIPR, 4, choice << 26)
        assert rcc.clock_of("RNG") == hz

    @pytest.mark.parametrize(("own", "hz"), [(False, 24e6), (True, 48e6)])
    def test_on_l4_plus_every_pll_divides_its_input_itself(
        self, chip: Chip, bench: Any, hz: float, *, own: bool
    ) -> None:
        """PLL with M = 2, PLLSAI1 with M = 1 in its own register: the L4x6 take 2 for both."""
        rcc = RccL4("RCC", chip, SHEET.model_copy(update={"options": {"own_dividers": own}}))
        start_pll(rcc, bench, 2 | 1 << 4 | 10 << 8)
        rcc.write(PLLSAI1CFGR, 4, 12 << 8 | 1 << 20 | 1 << 21)
        rcc.write(CR, 4, rcc.read(CR, 4) | 1 << 26)
        bench.pass_s(1e-3)
        rcc.write(CCIPR, 4, 1 << 26)
        assert rcc.clock_of("RNG") == hz

    def test_timers_get_twice_the_clock_of_a_divided_bus(self, rcc: RccL4) -> None:
        assert rcc.clock_of("TIM2") == 4e6
        rcc.write(CFGR, 4, 4 << 8 | 5 << 11)
        assert (rcc.clock_of("TIM2"), rcc.clock_of("I2C1")) == (4e6, 2e6)
        assert (rcc.clock_of("TIM1"), rcc.clock_of("SPI1")) == (2e6, 1e6)

    def test_the_rtc_is_clocked_as_chosen(self, rcc: RccL4, bench: Any) -> None:
        rcc.write(CSR, 4, rcc.read(CSR, 4) | 1)
        rcc.write(BDCR, 4, 1)
        bench.pass_s(3.0)
        rcc.write(BDCR, 4, 1 | 1 << 8)
        assert rcc.clock_of("RTC") == 0
        rcc.write(BDCR, 4, 1 | 1 << 8 | 1 << 15)
        assert rcc.clock_of("RTC") == 32768
        rcc.write(BDCR, 4, 1 << 16)
        rcc.write(BDCR, 4, 2 << 8 | 1 << 15)
        assert rcc.clock_of("RTC") == 32000

    @pytest.mark.parametrize(("choice", "hz"), [(0, 4e6), (1, 4e6), (2, 16e6), (3, 32768.0)])
    def test_the_low_power_uart_has_four_clocks(self, rcc: RccL4, bench: Any, choice: int, hz: float) -> None:
        rcc.write(CR, 4, rcc.read(CR, 4) | 1 << 8)
        rcc.write(BDCR, 4, 1)
        bench.pass_s(3.0)
        rcc.write(CCIPR, 4, choice << 10)
        assert rcc.clock_of("LPUART1") == hz


class TestResets:
    @pytest.mark.parametrize(
        ("cause", "flags"),
        [("pin", PINRSTF), ("software", PINRSTF | SFTRSTF), ("iwdg", PINRSTF | IWDGRSTF), ("standby", 0)],
    )
    def test_the_cause_is_told_until_it_is_cleared(self, chip: Chip, cause: str, flags: int) -> None:
        chip.retained = Retained(reset_cause=cause)
        rcc = RccL4("RCC", chip, SHEET)
        assert rcc.read(CSR, 4) & 0xFF << 24 == flags
        rcc.write(CSR, 4, rcc.read(CSR, 4) | RMVF)
        assert rcc.read(CSR, 4) & 0xFF << 24 == 0

    def test_flags_add_up_over_resets(self, chip: Chip) -> None:
        RccL4("RCC", chip, SHEET).write(CSR, 4, RMVF)
        for cause in ("iwdg", "software"):
            chip.retained.reset_cause = cause
            rcc = RccL4("RCC", chip, SHEET)
        assert rcc.read(CSR, 4) & 0xFF << 24 == PINRSTF | SFTRSTF | IWDGRSTF

    def test_the_backup_domain_outlives_them(self, rcc: RccL4, bench: Any) -> None:
        rcc.write(BDCR, 4, 1 | 1 << 8 | 1 << 15)
        bench.pass_s(3.0)
        assert RccL4("RCC", bench.chip, SHEET).clock_of("RTC") == 32768

    def test_a_reset_bit_resets_its_peripheral_alone(self, rcc: RccL4, chip: Chip) -> None:
        parts = [
            RegisterBank(name, chip, SHEET.model_copy(update={"enable": EnableBit(register_offset=0x60, bit=bit)}))
            for name, bit in (("SYSCFG", 0), ("SPI1", 12))
        ]
        for part in parts:
            part.write(0x08, 4, 5)
        rcc.write(0x40, 4, 1 << 12)
        rcc.write(0x40, 4, 0)
        assert [part.read(0x08, 4) for part in parts] == [5, 0]


class TestPower:
    def test_boost_is_a_range_of_its_own_on_l4_plus(self, chip: Chip, make_bench: Callable[..., Any]) -> None:
        power = PwrL4("PWR", chip, SHEET)
        assert power.range_name == "range1"
        power.write(0x80, 4, 0)
        assert power.range_name == "boost"
        power.write(0x00, 4, 2 << 9)
        assert power.range_name == "range2"
        plain = PwrL4("PWR", make_bench().chip, SHEET)
        plain.write(0x80, 4, 0)
        assert plain.range_name == "range1"

    def test_a_rising_voltage_takes_its_time(self, chip: Chip, bench: Any) -> None:
        power = PwrL4("PWR", chip, SHEET)
        power.write(0x00, 4, 2 << 9)
        assert not power.read(0x14, 4) & 1 << 10
        power.write(0x00, 4, 1 << 9)
        assert power.read(0x14, 4) & 1 << 10
        bench.pass_s(21e-6)
        assert not power.read(0x14, 4) & 1 << 10

    def test_waking_from_standby_is_remembered_until_cleared(self, chip: Chip) -> None:
        chip.retained.reset_cause = "standby"
        power = PwrL4("PWR", chip, SHEET)
        assert power.read(0x10, 4) == 1 << 8
        power.write(0x18, 4, 1 << 8)
        assert power.read(0x10, 4) == 0


class Ram:
    def __init__(self) -> None:
        self.written: list[tuple[int, int]] = []

    def read(self, address: int, length: int) -> bytes:
        raise NotImplementedError

    def write(self, address: int, data: bytes) -> None:
        assert set(data) == {0xFF}
        self.written.append((address, len(data)))


class TestFlash:
    SHEET = PeripheralSheet(type="flash_l4", base=0x40022000, irqs=(4,), options={"page_bytes": 8192})

    def unlock(self, flash: FlashL4) -> None:
        for key in (0x45670123, 0xCDEF89AB):
            flash.write(0x08, 4, key)

    def test_both_keys_in_order_open_the_control_register(self, chip: Chip) -> None:
        flash = FlashL4("FLASH", chip, self.SHEET)
        flash.write(0x14, 4, 1)
        assert flash.read(0x14, 4) >> 31
        assert any("locked" in problem for problem in chip.problems)
        self.unlock(flash)
        assert flash.read(0x14, 4) == 1 << 30
        flash.write(0x14, 4, 1 << 31)
        assert flash.read(0x14, 4) == 3 << 30

    def test_a_wrong_key_locks_until_reset(self, chip: Chip) -> None:
        flash = FlashL4("FLASH", chip, self.SHEET)
        flash.write(0x08, 4, 0x12345678)
        self.unlock(flash)
        assert flash.read(0x14, 4) >> 31

    def test_a_page_is_erased_after_its_time(self, chip: Chip, bench: Any) -> None:
        chip.memory = Ram()
        flash = FlashL4("FLASH", chip, self.SHEET)
        self.unlock(flash)
        flash.write(0x14, 4, 1 << 16 | 1 << 1 | 3 << 3 | 1 << 24)
        assert flash.read(0x10, 4) >> 16 & 1
        bench.pass_s(0.0225)
        assert chip.memory.written == [(0x08006000, 8192)]
        assert flash.read(0x10, 4) == 1
        assert bench.is_pending(4)

    @pytest.mark.parametrize(("option_bytes", "is_dual"), [(0xFFEFF8AA, True), (0xFFAFF8AA, False)])
    def test_the_option_bytes_say_how_many_banks_there_are(
        self, chip: Chip, option_bytes: int, *, is_dual: bool
    ) -> None:
        sheet = self.SHEET.model_copy(update={"reset": {"0x20": option_bytes}})
        assert FlashL4("FLASH", chip, sheet).is_dual_bank == is_dual

    def test_option_bytes_have_a_lock_of_their_own(self, chip: Chip) -> None:
        flash = FlashL4("FLASH", chip, self.SHEET)
        self.unlock(flash)
        flash.write(0x20, 4, 0)
        assert flash.read(0x20, 4) == 0xFFEFF8AA
        for key in (0x08192A3B, 0x4C5D6E7F):
            flash.write(0x0C, 4, key)
        flash.write(0x20, 4, 0xFFAFF8AA)
        assert not flash.is_dual_bank
