"""RCC of the STM32F74x and F75x: oscillators, three PLLs, dividers, kernel clocks.

Source: RM0385, chapter 5. Modelled: HSI, HSE, LSE, LSI, the main PLL and the two for audio and display with the ranges
of input and VCO, dividers, timer clocks, the kernel clocks of DCKCFGR2, of the RTC and of the RNG, reset flags. Writes
to the set-up of a running PLL are reported. Not modelled: clock outputs, the clocks of audio, display and SDMMC.
"""

from __future__ import annotations

from mcu_models.emulators.peripherals.clock_control import ClockControl, Oscillator, hclk_divider, pclk_divider

_CR, _PLLCFGR, _CFGR, _AHB1ENR, _BDCR, _CSR = 0x00, 0x04, 0x08, 0x30, 0x70, 0x74
_PLLI2SCFGR, _PLLSAICFGR, _DCKCFGR1, _DCKCFGR2 = 0x84, 0x88, 0x8C, 0x90
_DTCMRAMEN, _TIMPRE = 1 << 20, 1 << 24
_SETUPS = {_PLLCFGR: "pll", _PLLI2SCFGR: "plli2s", _PLLSAICFGR: "pllsai"}
_OSCILLATORS = {
    "hsi": Oscillator(_CR, 0, 1, "hsi"),
    "hse": Oscillator(_CR, 16, 17, "hse"),
    "pll": Oscillator(_CR, 24, 25, "pll"),
    "plli2s": Oscillator(_CR, 26, 27, "pll"),
    "pllsai": Oscillator(_CR, 28, 29, "pll"),
    "lse": Oscillator(_BDCR, 0, 1, "lse"),
    "lsi": Oscillator(_CSR, 0, 1, "lsi"),
}
"""RM0385, registers CR, BDCR and CSR."""
_UARTS = ("USART1", "USART2", "USART3", "UART4", "UART5", "USART6", "UART7", "UART8")
_SELECT = {
    **{name: (2 * index, ("bus", "sys", "hsi", "lse")) for index, name in enumerate(_UARTS)},
    **{f"I2C{number}": (14 + 2 * number, ("bus", "sys", "hsi", "")) for number in (1, 2, 3, 4)},
    "LPTIM1": (24, ("bus", "lsi", "hsi", "lse")),
}
"""Lowest bit of the field of DCKCFGR2, and the clock by its value: RM0385."""
INPUT_MHZ, VCO_MHZ = (0.95, 2.1), (100.0, 432.0)
"""DS10916, characteristics of the PLLs."""
_APB2 = 0x4001


class RccF7(ClockControl):
    """The clock tree: the main PLL feeds the core, PLLQ of it or of the display's PLL the 48 MHz domain."""

    status_registers = frozenset({_CR, _CFGR, _BDCR, _CSR})
    reset_values = {  # noqa: RUF012 - a class constant by design
        _CR: 0x83, _PLLCFGR: 0x24003010, _AHB1ENR: _DTCMRAMEN, _CSR: 0x0E000000,
        _PLLI2SCFGR: 0x24003000, _PLLSAICFGR: 0x24003000,
    }  # fmt: skip
    oscillators = _OSCILLATORS
    sources = ("hsi", "hse", "pll")
    switch_register = _CFGR
    switch_bits = 2
    backup_register = _BDCR
    flags_register = _CSR
    clear_flags_bit = 24
    reset_flags = {  # noqa: RUF012 - a class constant by design
        "pin": 0x04000000, "software": 0x14000000, "iwdg": 0x24000000, "wwdg": 0x44000000, "low power": 0x84000000,
    }  # fmt: skip
    first_reset_register = 0x10
    reset_to_enable = 0x20
    reset_registers = 6

    @property
    def core_hz(self) -> int:
        """HCLK."""
        return round(self.system_hz / hclk_divider(self.registers.get(_CFGR, 0) >> 4 & 0xF))

    def clock_of(self, peripheral: str) -> float:
        """Return the clock selected for a peripheral; its bus clock where there is no choice."""
        if peripheral == "RTC":
            return self._rtc_hz()
        if peripheral == "IWDG":
            return self.chip.oscillator_hz("lsi", self.board.clocks.lsi_hz.value)  # a running watchdog keeps the LSI on
        if peripheral == "RNG":
            return self._48_hz()
        if peripheral.startswith("TIM"):
            return self._timer_hz(peripheral)
        shift, clocks = _SELECT.get(peripheral, (0, ("bus",) * 4))
        clock = clocks[self.registers.get(_DCKCFGR2, 0) >> shift & 3]
        if clock == "bus":
            return self.core_hz / self._bus_divider_of(peripheral)
        return self.system_hz if clock == "sys" else self.source_hz(clock)

    def source_hz(self, source: str) -> float:
        """Return the clock of an oscillator, or of the P output of a PLL."""
        if not source or not self.is_ready(source):
            return 0.0
        if source.startswith("pll"):
            setup = next(offset for offset, name in _SETUPS.items() if name == source)
            return self._vco_hz(setup) / (2 * ((self.registers[setup] >> 16 & 3) + 1))
        return self.chip.oscillator_hz(source, getattr(self.board.clocks, f"{source}_hz").value)

    def enter_stop(self) -> None:
        """Stop the high-speed clocks; the core wakes with the HSI."""
        self.chip.before_stop()
        self.stop_all_but("hsi")

    def pll_source(self, name: str) -> str:
        """Return the oscillator that feeds a PLL, the same for all; empty for what is no PLL."""
        return ("hse" if self.registers[_PLLCFGR] >> 22 & 1 else "hsi") if name.startswith("pll") else ""

    @property
    def _input_hz(self) -> float:
        """Clock before the VCOs: the source over PLLM, the same for all three."""
        setup = self.registers[_PLLCFGR]
        return self.source_hz(self.pll_source("pll")) / (setup & 0x3F) if setup & 0x3F else 0.0

    def _vco_hz(self, setup: int) -> float:
        return self._input_hz * (self.registers[setup] >> 6 & 0x1FF)

    def _48_hz(self) -> float:
        if self.registers.get(_DCKCFGR2, 0) >> 27 & 1:
            return self.source_hz("pllsai")
        divider = self.registers[_PLLCFGR] >> 24 & 0xF
        return self._vco_hz(_PLLCFGR) / divider if self.is_ready("pll") and divider else 0.0

    def _starting(self, name: str) -> None:
        """Report a PLL that is switched on outside the ranges of its input or its VCO."""
        setup = next((offset for offset, pll in _SETUPS.items() if pll == name), None)
        if setup is None:
            return
        ranges = (("an input", self._input_hz, INPUT_MHZ), ("a VCO", self._vco_hz(setup), VCO_MHZ))
        for what, clock_hz, (low, high) in ranges:
            if not low <= clock_hz / 1e6 <= high:
                wanted = f"{clock_hz / 1e6:g} MHz, not between {low:g} and {high:g} MHz"
                self.chip.report(f"{self.name}: {name.upper()} switched on with {what} of {wanted}")

    def _check(self, offset: int, value: int) -> None:
        """Report a change in the set-up of a running PLL."""
        name = _SETUPS.get(offset)
        if name and value != self.registers.get(offset, 0) and self.is_on(name):
            self.chip.report(f"{self.name}: set-up of the {name.upper()} changed while it is on")

    def _rtc_hz(self) -> float:
        backup = self.registers.get(_BDCR, 0)
        source = ("", "lse", "lsi", "hse")[backup >> 8 & 3]
        if not source or not backup >> 15 & 1:
            return 0.0
        divider = self.registers.get(_CFGR, 0) >> 16 & 0x1F if source == "hse" else 1
        return self.source_hz(source) / divider if divider else 0.0

    def _bus_divider_of(self, peripheral: str) -> int:
        """Return HCLK over the clock of a peripheral's bus, which its address tells (RM0385, memory map)."""
        sheet = self.board.peripherals.get(peripheral)
        region = sheet.base >> 16 if sheet else 0
        if region not in (_APB2 - 1, _APB2):
            return 1
        return pclk_divider(self.registers.get(_CFGR, 0) >> (13 if region == _APB2 else 10) & 7)

    def _timer_hz(self, peripheral: str) -> float:
        """Return the clock of a timer (RM0385, TIMPRE of DCKCFGR1): HCLK, or twice or four times that of its bus."""
        factor = 4 if self.registers.get(_DCKCFGR1, 0) & _TIMPRE else 2
        return self.core_hz * min(1.0, factor / self._bus_divider_of(peripheral))
