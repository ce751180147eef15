"""RCC of the STM32H742/743/753 and of the STM32H7A3/7B3: oscillators, three PLLs, dividers, kernel clocks.

Source: RM0433 (H743) and RM0455 (H7A3), chapters "Reset and clock control". Modelled: HSI with its divider, CSI,
HSI48, HSE, LSE, LSI; PLLs with their fractions and the ranges of their input and VCO; the dividers of core and buses;
the clocks of the timers; the kernel clocks of communication peripherals, low-power timers, RNG and RTC; reset flags
after power-on. Writes to the set-up of a running PLL are reported, but for its fraction. Not modelled: clock outputs,
the clock recovery system, gating of the SRAM clocks, autonomous mode.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcu_models.emulators.peripherals.clock_control import ClockControl, Oscillator, hclk_divider, pclk_divider

if TYPE_CHECKING:
    from collections.abc import Mapping

_CR, _CFGR, _D1CFGR, _D2CFGR, _D3CFGR = 0x00, 0x10, 0x18, 0x1C, 0x20
_PLLCKSELR, _PLLCFGR, _PLL1DIVR, _PLL1FRACR = 0x28, 0x2C, 0x30, 0x34
_D1CCIPR, _D2CCIP1R, _D2CCIP2R, _D3CCIPR = 0x4C, 0x50, 0x54, 0x58
_BDCR, _CSR = 0x70, 0x74
_HSIDIVF, _CPUCKRDY, _STOPWUCK, _TIMPRE = 1 << 5, 1 << 14, 1 << 6, 1 << 15
CSI_HZ = 4_000_000
"""RM0433, clock sources: the low-power internal oscillator."""
HSI48_HZ = 48_000_000
"""RM0433, clock sources."""
_OSCILLATORS = {
    "hsi": Oscillator(_CR, 0, 2, "hsi"),
    "csi": Oscillator(_CR, 7, 8, "hsi"),
    "hsi48": Oscillator(_CR, 12, 13, "hsi"),
    "hse": Oscillator(_CR, 16, 17, "hse"),
    "pll1": Oscillator(_CR, 24, 25, "pll"),
    "pll2": Oscillator(_CR, 26, 27, "pll"),
    "pll3": Oscillator(_CR, 28, 29, "pll"),
    "lse": Oscillator(_BDCR, 0, 1, "lse"),
    "lsi": Oscillator(_CSR, 0, 1, "lsi"),
}
"""RM0433, registers CR, BDCR and CSR; CSI and HSI48 are taken to start as fast as the HSI."""


@dataclass(frozen=True)
class _Choice:
    """A field that selects a kernel clock: register, lowest bit, width, and the clock by value."""

    register: int
    shift: int
    width: int
    clocks: tuple[str, ...]


_UART_CLOCKS = ("bus", "pll2_q", "pll3_q", "hsi", "csi", "lse")
_I2C_CLOCKS = ("bus", "pll3_r", "hsi", "csi")
_LPTIM_CLOCKS = ("bus", "pll2_p", "pll3_r", "lse", "lsi", "per")
_SPI_CLOCKS = ("pll1_q", "pll2_p", "pll3_p", "", "per")
_SPI_BUS_CLOCKS = ("bus", "pll2_q", "pll3_q", "hsi", "csi", "hse")
_APB1_UARTS = _Choice(_D2CCIP2R, 0, 3, _UART_CLOCKS)
_APB2_UARTS = _Choice(_D2CCIP2R, 3, 3, _UART_CLOCKS)
_I2C123 = _Choice(_D2CCIP2R, 12, 2, _I2C_CLOCKS)
_LPTIM345 = _Choice(_D3CCIPR, 13, 3, _LPTIM_CLOCKS)
_CHOICES: Mapping[str, _Choice] = {
    **dict.fromkeys(("USART2", "USART3", "UART4", "UART5", "UART7", "UART8"), _APB1_UARTS),
    **dict.fromkeys(("USART1", "USART6", "UART9", "USART10"), _APB2_UARTS),
    "LPUART1": _Choice(_D3CCIPR, 0, 3, _UART_CLOCKS),
    **dict.fromkeys(("I2C1", "I2C2", "I2C3"), _I2C123),
    "I2C4": _Choice(_D3CCIPR, 8, 2, _I2C_CLOCKS),
    "LPTIM1": _Choice(_D2CCIP2R, 28, 3, _LPTIM_CLOCKS),
    "LPTIM2": _Choice(_D3CCIPR, 10, 3, _LPTIM_CLOCKS),
    **dict.fromkeys(("LPTIM3", "LPTIM4", "LPTIM5"), _LPTIM345),
    **dict.fromkeys(("SPI1", "SPI2", "SPI3"), _Choice(_D2CCIP1R, 12, 3, _SPI_CLOCKS)),
    **dict.fromkeys(("SPI4", "SPI5"), _Choice(_D2CCIP1R, 16, 3, _SPI_BUS_CLOCKS)),
    "SPI6": _Choice(_D3CCIPR, 28, 3, _SPI_BUS_CLOCKS),
    "RNG": _Choice(_D2CCIP2R, 8, 2, ("hsi48", "pll1_q", "lse", "lsi")),
    **dict.fromkeys(("ADC1", "ADC2", "ADC3"), _Choice(_D3CCIPR, 16, 2, ("pll2_p", "pll3_r", "per"))),
    **dict.fromkeys(("SDMMC1", "SDMMC2"), _Choice(_D1CCIPR, 16, 1, ("pll1_q", "pll2_r"))),
}
"""RM0433, registers D1CCIPR to D3CCIPR; RM0455 has the same fields at the same places."""
_PER = _Choice(_D1CCIPR, 28, 2, ("hsi", "csi", "hse"))
_RTC_CLOCKS = ("", "lse", "lsi", "hse")


class RccH743(ClockControl):
    """The clock tree: SYSCLK, divided by D1CPRE, is the core clock; divided by HPRE, that of AXI and AHB."""

    status_registers = frozenset({_CR, _CFGR, _BDCR, _CSR})
    reset_values = {  # noqa: RUF012 - a class constant by design
        _CR: 1 | 1 << 2 | _HSIDIVF | _CPUCKRDY, 0x04: 0x40000000, 0x0C: 0x20000000, _PLLCKSELR: 0x02020200,
        _PLLCFGR: 0x01FF0000, 0x30: 0x01010280, 0x38: 0x01010280, 0x40: 0x01010280, 0xD0: 0x00FA0000,
    }  # fmt: skip
    oscillators = _OSCILLATORS
    sources = ("hsi", "csi", "hse", "pll1")
    switch_register = _CFGR
    switch_bits = 3
    backup_register = _BDCR
    flags_register = 0xD0
    clear_flags_bit = 16
    reset_flags = {  # noqa: RUF012 - a class constant by design
        "pin": 0x00420000, "software": 0x01420000, "iwdg": 0x04420000, "wwdg": 0x10420000, "low power": 0x40420000,
    }  # fmt: skip
    """RM0433, table of reset sources."""
    first_reset_register = 0x7C
    reset_to_enable = 0x58
    reset_registers = 9
    vco_mhz: tuple[tuple[float, float], tuple[float, float]] = ((192.0, 960.0), (150.0, 420.0))
    """Lowest and highest clock of the wide and of the medium VCO: DS12110, PLL characteristics."""
    _WINDOW, _ALIAS = range(0x130, 0x190), 0x60

    def read_register(self, offset: int) -> int:
        """Return a register; those of the enables can be seen at two places (RM0433, RCC register map)."""
        return super().read_register(self._home(offset))

    def write_register(self, offset: int, value: int) -> None:
        """Take a register."""
        super().write_register(self._home(offset), value)

    def is_enabled(self, register: int, bit: int) -> bool:
        """Tell whether a peripheral's bus clock is on."""
        return super().is_enabled(self._home(register), bit)

    @classmethod
    def _home(cls, offset: int) -> int:
        return offset - cls._ALIAS if offset in cls._WINDOW else offset

    @property
    def core_hz(self) -> int:
        """Core clock."""
        return round(self.system_hz / hclk_divider(self.registers.get(_D1CFGR, 0) >> 8 & 0xF))

    @property
    def bus_divider(self) -> int:
        """HPRE."""
        return hclk_divider(self.registers.get(_D1CFGR, 0) & 0xF)

    @property
    def hclk_hz(self) -> float:
        """Clock of AXI and AHB."""
        return self.core_hz / self.bus_divider

    def clock_of(self, peripheral: str) -> float:
        """Return the clock selected for a peripheral; its bus clock where there is no choice."""
        if peripheral == "RTC":
            return self._rtc_hz()
        if peripheral.startswith("IWDG"):
            return self.chip.oscillator_hz("lsi", self.board.clocks.lsi_hz.value)  # a running watchdog keeps the LSI on
        if peripheral.startswith(("TIM", "HRTIM")):
            return self._timer_hz(peripheral)
        choice = _CHOICES.get(peripheral)
        return self._bus_hz(peripheral) if choice is None else self._chosen_hz(choice, peripheral)

    def source_hz(self, source: str) -> float:
        """Return the clock of an oscillator, of "pll1" for its P output, or of an output such as "pll2_q"."""
        name, _, output = source.partition("_")
        if not self.is_ready(name):
            return 0.0
        if name.startswith("pll"):
            return self._pll_hz(int(name[3]), output or "p")
        if name == "hsi":
            return self.chip.oscillator_hz(name, self.board.clocks.hsi_hz.value / (1 << (self.registers[_CR] >> 3 & 3)))
        if name in {"csi", "hsi48"}:
            return self.chip.oscillator_hz(name, CSI_HZ if name == "csi" else HSI48_HZ)
        return self.chip.oscillator_hz(name, getattr(self.board.clocks, f"{name}_hz").value)

    def enter_stop(self) -> None:
        """Stop the high-speed clocks and wake with HSI or CSI, as STOPWUCK says."""
        self.chip.before_stop()
        self.stop_all_but("csi" if self.registers.get(_CFGR, 0) & _STOPWUCK else "hsi")

    def pll_source(self, name: str) -> str:
        """Return the oscillator that feeds a PLL, the same for all; empty for what is no PLL."""
        return ("hsi", "csi", "hse", "")[self.registers[_PLLCKSELR] & 3] if name.startswith("pll") else ""

    def _pll_input_hz(self, number: int) -> float:
        """Return the clock before the VCO of a PLL: its source over DIVM."""
        divider = self.registers[_PLLCKSELR] >> (4 + 8 * (number - 1)) & 0x3F
        source = self.pll_source(f"pll{number}")
        return self.source_hz(source) / divider if source and divider else 0.0

    def _vco_hz(self, number: int) -> float:
        multiplier = (self.registers[_PLL1DIVR + 8 * (number - 1)] & 0x1FF) + 1.0
        if self.registers[_PLLCFGR] >> (4 * (number - 1)) & 1:
            multiplier += (self.registers.get(_PLL1FRACR + 8 * (number - 1), 0) >> 3 & 0x1FFF) / 8192
        return self._pll_input_hz(number) * multiplier

    def _pll_hz(self, number: int, output: str) -> float:
        """Return an output, "p", "q" or "r": the VCO over its divider; 0 when it is not enabled."""
        index = "pqr".index(output)
        if not self.registers[_PLLCFGR] >> (16 + 3 * (number - 1) + index) & 1:
            return 0.0
        divider = (self.registers[_PLL1DIVR + 8 * (number - 1)] >> (9, 16, 24)[index] & 0x7F) + 1
        return self._vco_hz(number) / divider

    def _starting(self, name: str) -> None:
        """Report a PLL that is switched on outside the ranges of its input or its VCO."""
        if not name.startswith("pll"):
            return
        number = int(name[3])
        setup = self.registers[_PLLCFGR] >> (4 * (number - 1))
        input_mhz, vco_mhz = self._pll_input_hz(number) / 1e6, self._vco_hz(number) / 1e6
        lowest = 1 << (setup >> 2 & 3)
        if not lowest <= input_mhz <= 2 * lowest:
            wanted = f"between {lowest} and {2 * lowest} MHz, as its range says"
            self.chip.report(
                f"{self.name}: {name.upper()} switched on with an input of {input_mhz:g} MHz, not {wanted}"
            )
        low, high = self.vco_mhz[setup >> 1 & 1]
        if not low <= vco_mhz <= high:
            wanted = f"between {low:g} and {high:g} MHz"
            self.chip.report(f"{self.name}: {name.upper()} switched on with a VCO of {vco_mhz:g} MHz, not {wanted}")

    def _check(self, offset: int, value: int) -> None:
        """Report a change in the set-up of a running PLL; its fraction may change."""
        changed = value ^ self.registers.get(offset, 0)
        for number in (1, 2, 3):
            if changed & self._setup_mask(offset, number) and self.is_on(f"pll{number}"):
                self.chip.report(f"{self.name}: set-up of PLL{number} changed while it is on")

    @staticmethod
    def _setup_mask(offset: int, number: int) -> int:
        """Return the bits of a register that must not change while a PLL is on."""
        if offset == _PLLCKSELR:
            return 3 | 0x3F << (4 + 8 * (number - 1))
        if offset == _PLLCFGR:
            return 0xE << (4 * (number - 1))
        return 0x1FF if offset == _PLL1DIVR + 8 * (number - 1) else 0

    def _chosen_hz(self, choice: _Choice, peripheral: str) -> float:
        value = self.registers.get(choice.register, 0) >> choice.shift & ((1 << choice.width) - 1)
        clock = choice.clocks[value] if value < len(choice.clocks) else ""
        if clock == "bus":
            return self._bus_hz(peripheral)
        if clock == "per":
            return self._chosen_hz(_PER, peripheral)
        return self.source_hz(clock) if clock else 0.0

    def _rtc_hz(self) -> float:
        backup = self.registers.get(_BDCR, 0)
        source = _RTC_CLOCKS[backup >> 8 & 3]
        if not source or not backup >> 15 & 1:
            return 0.0
        divider = self.registers.get(_CFGR, 0) >> 8 & 0x3F if source == "hse" else 1
        return self.source_hz(source) / divider if divider else 0.0

    def _bus_divider_of(self, peripheral: str) -> int:
        """Return HCLK over the clock of a peripheral's bus, which its address tells (RM0433, memory map)."""
        sheet = self.board.peripherals.get(peripheral)
        register, shift = _PRESCALERS.get(sheet.base >> 16 if sheet else 0, (0, 0))
        return pclk_divider(self.registers.get(register, 0) >> shift & 7) if register else 1

    def _bus_hz(self, peripheral: str) -> float:
        return self.hclk_hz / self._bus_divider_of(peripheral)

    def _timer_hz(self, peripheral: str) -> float:
        """Return the clock of a timer (RM0433, TIMPRE of CFGR): HCLK, or twice or four times that of its bus."""
        factor = 4 if self.registers.get(_CFGR, 0) & _TIMPRE else 2
        return self.hclk_hz * min(1.0, factor / self._bus_divider_of(peripheral))


_PRESCALERS = {0x4000: (_D2CFGR, 4), 0x4001: (_D2CFGR, 8), 0x5000: (_D1CFGR, 4), 0x5800: (_D3CFGR, 4)}
"""Register and lowest bit of the prescaler of APB1, APB2, APB3 and APB4, by the upper half of their addresses."""


class RccH7a3(RccH743):
    """The same tree in the two domains of the H7A3: CDCPRE for D1CPRE, registers of the enables at one place only."""

    reset_values = {  # noqa: RUF012 - a class constant by design
        **{offset: word for offset, word in RccH743.reset_values.items() if offset != 0xD0},
        _CR: 1 | 1 << 2 | _HSIDIVF | _CPUCKRDY | 1 << 15, 0x130: 0x00E80000,
    }  # fmt: skip
    flags_register = 0x130
    reset_flags = {  # noqa: RUF012 - a class constant by design
        "pin": 0x00400000, "software": 0x01400000, "iwdg": 0x04400000, "wwdg": 0x10400000, "low power": 0x40400000,
    }  # fmt: skip
    reset_to_enable = 0xB8
    vco_mhz = ((128.0, 560.0), (150.0, 420.0))
    """DS13195, PLL characteristics."""
    _WINDOW = range(0)
