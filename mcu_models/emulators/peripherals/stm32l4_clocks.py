"""RCC, PWR and FLASH of the STM32L4: the clock tree, the low-power modes, the wait states.

Source: RM0351, chapters 3 (FLASH), 5 (PWR) and 6 (RCC). Oscillators take their start-up time from the board's TOML.
BDCR is closed until PWR_CR1.DBP is set, PLLCFGR while the PLL is on; the limits of the PLL's VCO are not checked.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mcu_models.emulators.peripherals.base import Chip, Peripheral, nothing
from mcu_models.emulators.port import FlashTiming

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcu_models.boards.board import PeripheralSheet

_CR, _CFGR, _PLLCFGR, _AHB1ENR, _CCIPR, _BDCR, _CSR = 0x00, 0x08, 0x0C, 0x48, 0x88, 0x90, 0x94
_PLLON, _FLASHEN, _DBP = 1 << 24, 1 << 8, 1 << 8
_MSI_RANGES_HZ = (
    100_000, 200_000, 400_000, 800_000, 1_000_000, 2_000_000,
    4_000_000, 8_000_000, 16_000_000, 24_000_000, 32_000_000, 48_000_000,
)  # fmt: skip
_STOPWUCK = 1 << 15
_OSCILLATORS = {"msi": (_CR, 0, 1), "hsi": (_CR, 8, 10), "hse": (_CR, 16, 17), "pll": (_CR, 24, 25),
                "lse": (_BDCR, 0, 1), "lsi": (_CSR, 0, 1)}  # fmt: skip
"""Register, enable bit, ready bit (RM0351, 6.4)."""
_KERNEL_SELECT = {
    "USART1": 0, "USART2": 2, "USART3": 4, "UART4": 6, "UART5": 8, "LPUART1": 10,
    "I2C1": 12, "I2C2": 14, "I2C3": 16, "LPTIM1": 18, "LPTIM2": 20,
}  # fmt: skip
"""Lowest bit of each two-bit field of CCIPR."""


class RccL4(Peripheral):
    """The clock tree: which oscillators run, what clocks the core, what clocks each peripheral."""

    status_registers = frozenset({_CR, _CFGR, _BDCR, _CSR})
    reset_values = {_CR: 0x63, _PLLCFGR: 0x1000, _AHB1ENR: _FLASHEN, _CSR: 0x0C000600}  # noqa: RUF012 - a constant

    def __init__(self, name: str, chip: Chip, sheet: PeripheralSheet) -> None:
        super().__init__(name, chip, sheet)
        assert chip.board is not None  # noqa: S101 - a clock tree belongs to a whole board
        self._clocks = chip.board.clocks
        self.on_clock: Callable[[], None] = nothing
        self.bus_divider = 1
        chip.tree = self

    def is_enabled(self, register: int, bit: int) -> bool:
        """Tell whether a peripheral's bus clock is on."""
        return bool(self.registers.get(register, 0) >> bit & 1)

    @property
    def system_hz(self) -> int:
        """SYSCLK."""
        return round(self._source_hz(self.registers.get(_CFGR, 0) >> 2 & 3))

    @property
    def core_hz(self) -> int:
        """HCLK."""
        divider = self.registers.get(_CFGR, 0) >> 4 & 0xF
        shift = (0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 6, 7, 8, 9)[divider]
        return self.system_hz >> shift

    def clock_of(self, peripheral: str) -> float:
        """Return the clock CCIPR selects for a peripheral; its bus clock where there is no choice."""
        shift = _KERNEL_SELECT.get(peripheral)
        if shift is None:
            return self._bus_hz(peripheral)
        choice = self.registers.get(_CCIPR, 0) >> shift & 3
        if choice == 0:
            return self._bus_hz(peripheral)
        if peripheral.startswith("LPTIM"):
            return self._oscillator_hz(("", "lsi", "hsi", "lse")[choice])
        if choice == 1:
            return float(self.system_hz)
        return self._oscillator_hz("hsi" if choice == 2 or peripheral.startswith("I2C") else "lse")

    def enter_stop(self) -> None:
        """Stop the high-speed clocks, as Stop 0-2 do, and choose the one the core wakes with."""
        self.chip.before_stop()
        use_hsi = bool(self.registers.get(_CFGR, 0) & _STOPWUCK)
        control = self.registers[_CR] & ~(1 << 24 | 1 << 25 | 1 << 16 | 1 << 17 | 1 << 8 | 1 << 10 | 1 | 2)
        self.registers[_CR] = control | (1 << 8 | 1 << 10 if use_hsi else 3)
        self.registers[_CFGR] = (self.registers.get(_CFGR, 0) & ~0xF) | (0b0101 if use_hsi else 0)
        for name in ("msi", "hsi", "hse", "pll"):
            self.cancel(name)
        self.on_clock()

    def write_register(self, offset: int, value: int) -> None:
        """Take a register; oscillators become ready after their start-up time."""
        if offset == _CFGR:
            self._switch(value)
            return
        if self._is_locked(offset):
            return
        before = self.registers.get(offset, 0)
        ready_bits = sum(1 << ready for register, _, ready in _OSCILLATORS.values() if register == offset)
        self.registers[offset] = (value & ~ready_bits) | (before & ready_bits)
        for name, (register, enable, ready) in _OSCILLATORS.items():
            if register == offset:
                self._turn(name, register, enable, ready)
        self.on_clock()

    def _is_locked(self, offset: int) -> bool:
        """Tell whether the hardware would ignore a write, and report it."""
        if offset == _BDCR and not self.chip.backup_writable():
            self.chip.report(f"{self.name}: BDCR written while PWR_CR1.DBP protects it; hardware ignores it")
            return True
        if offset == _PLLCFGR and self.registers[_CR] & _PLLON:
            self.chip.report(f"{self.name}: PLLCFGR written while the PLL is on; hardware ignores it")
            return True
        return False

    def _turn(self, name: str, register: int, enable: int, ready: int) -> None:
        word = self.registers[register]
        if not word >> enable & 1:
            self.registers[register] = word & ~(1 << ready)
            self.cancel(name)
        elif not word >> ready & 1 and self.chip.scheduler.time_of((self.name, name)) == float("inf"):
            startup = getattr(self._clocks, f"{name}_startup_s")
            startup_s: float = startup.value if startup else 0.0
            self.after(startup_s, partial(self._make_ready, register, ready), name)

    def _make_ready(self, register: int, ready: int) -> None:
        self.registers[register] |= 1 << ready

    def _switch(self, value: int) -> None:
        """Take CFGR; SWS follows SW when the chosen source is ready."""
        wanted = value & 3
        status = self.registers.get(_CFGR, 0) >> 2 & 3
        if self._source_hz(wanted) > 0:
            status = wanted
        else:
            self.chip.report(f"{self.name}: system clock switched to a source that is not ready")
        self.registers[_CFGR] = (value & ~0xC) | status << 2
        self.on_clock()

    def _source_hz(self, source: int) -> float:
        return (
            self._oscillator_hz("msi"),
            self._oscillator_hz("hsi"),
            self._oscillator_hz("hse"),
            self._pll_hz(),
        )[source]

    def _oscillator_hz(self, name: str) -> float:
        register, _, ready = _OSCILLATORS[name]
        if not self.registers.get(register, 0) >> ready & 1:
            return 0.0
        if name == "msi":
            return float(_MSI_RANGES_HZ[min(self.registers[_CR] >> 4 & 0xF, 11)])
        nominal_hz: float = getattr(self._clocks, f"{name}_hz").value
        return nominal_hz

    def _pll_hz(self) -> float:
        """R output: source / M x N / R."""
        config = self.registers[_PLLCFGR]
        if not self.registers[_CR] >> 25 & 1 or not config >> 24 & 1:
            return 0.0
        name = ("", "msi", "hsi", "hse")[config & 3]
        source_hz = self._oscillator_hz(name) if name else 0.0
        return source_hz / ((config >> 4 & 7) + 1) * (config >> 8 & 0x7F) / (2 * ((config >> 25 & 3) + 1))

    def _bus_hz(self, peripheral: str) -> float:
        shift = 11 if peripheral in ("USART1", "SPI1", "TIM1") else 8
        divider = self.registers.get(_CFGR, 0) >> shift & 7
        return self.core_hz / (1, 1, 1, 1, 2, 4, 8, 16)[divider]


class PwrL4(Peripheral):
    """Which mode WFI with SLEEPDEEP enters, the voltage range, and the lock of the backup domain."""

    reset_values = {0x00: 0x200}  # noqa: RUF012 - a class constant by design
    _MODES = ("stop0", "stop1", "stop2", "standby", "shutdown", "shutdown", "shutdown", "shutdown")

    def __init__(self, name: str, chip: Chip, sheet: PeripheralSheet) -> None:
        super().__init__(name, chip, sheet)
        chip.power = self

    @property
    def deep_mode(self) -> str:
        """PWR_CR1.LPMS as a mode name."""
        return self._MODES[self.registers[0x00] & 7]

    @property
    def backup_writable(self) -> bool:
        """PWR_CR1.DBP."""
        return bool(self.registers[0x00] & _DBP)

    @property
    def range_name(self) -> str:
        """Range 1 (up to 80 MHz) or range 2 (up to 26 MHz)."""
        return "range2" if self.registers[0x00] >> 9 & 3 == 2 else "range1"


class FlashL4(Peripheral):
    """FLASH_ACR: wait states, prefetch and the ART caches; programming is not modelled."""

    reset_values = {0x00: 0x600}  # noqa: RUF012 - a class constant by design

    def __init__(self, name: str, chip: Chip, sheet: PeripheralSheet) -> None:
        super().__init__(name, chip, sheet)
        self.on_timing: Callable[[], None] = nothing
        chip.flash = self

    @property
    def timing(self) -> FlashTiming:
        """Wait states, prefetch and caches as set."""
        acr = self.registers[0x00]
        return FlashTiming(acr & 7, bool(acr >> 8 & 1), bool(acr >> 9 & 1), bool(acr >> 10 & 1))

    def write_register(self, offset: int, value: int) -> None:
        """Take a register; ACR acts at once."""
        self.registers[offset] = value
        if offset == 0x00:
            self.on_timing()
