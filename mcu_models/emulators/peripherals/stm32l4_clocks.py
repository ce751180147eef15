"""RCC of the STM32L4 and L4+: the clock tree, the resets of peripherals, the cause of the last reset.

Source: RM0351 and RM0432, chapter 6. Oscillators take their start-up time from the board's TOML. BDCR is closed until
PWR_CR1.DBP is set; source, M, N and dividers of a PLL while that PLL is on (its output enables stay open). The limits
of a PLL's VCO are not checked. Not modelled: clock security, MSI trimmed by LSE, interrupts of ready oscillators.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from mcu_models.emulators.peripherals.base import Chip, Peripheral
from mcu_models.emulators.scheduler import nothing

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcu_models.boards.board import PeripheralSheet

_CR, _CFGR, _PLLCFGR, _PLLSAI1CFGR, _PLLSAI2CFGR = 0x00, 0x08, 0x0C, 0x10, 0x14
_AHB1RSTR, _APB2RSTR, _AHB1ENR, _CCIPR, _BDCR, _CSR, _CRRCR, _CCIPR2 = 0x28, 0x40, 0x48, 0x88, 0x90, 0x94, 0x98, 0x9C
_FLASHEN, _MSIRGSEL, _RMVF, _BDRST, _RTCEN = 1 << 8, 1 << 3, 1 << 23, 1 << 16, 1 << 15
_OUTPUT_ENABLES = 1 << 16 | 1 << 20 | 1 << 24
_RESET_FLAGS = 0xFF << 24
_RESET_CAUSES = {
    "power": 1 << 27, "pin": 1 << 26, "software": 1 << 28, "iwdg": 1 << 29, "wwdg": 1 << 30, "low power": 1 << 31,
}  # fmt: skip
"""CSR flag by cause; every reset of the system pulls the NRST pin as well."""
_MSI_RANGES_HZ = (
    100_000, 200_000, 400_000, 800_000, 1_000_000, 2_000_000,
    4_000_000, 8_000_000, 16_000_000, 24_000_000, 32_000_000, 48_000_000,
)  # fmt: skip
_STOPWUCK = 1 << 15


@dataclass(frozen=True)
class _Oscillator:
    """Where an oscillator is switched on and where it is seen to be ready (RM0432, 6.4)."""

    register: int
    enable: int
    ready: int


_OSCILLATORS = {
    "msi": _Oscillator(_CR, 0, 1),
    "hsi": _Oscillator(_CR, 8, 10),
    "hse": _Oscillator(_CR, 16, 17),
    "pll": _Oscillator(_CR, 24, 25),
    "pllsai1": _Oscillator(_CR, 26, 27),
    "pllsai2": _Oscillator(_CR, 28, 29),
    "lse": _Oscillator(_BDCR, 0, 1),
    "lsi": _Oscillator(_CSR, 0, 1),
    "hsi48": _Oscillator(_CRRCR, 0, 1),
}
_PLLS = {_PLLCFGR: "pll", _PLLSAI1CFGR: "pllsai1", _PLLSAI2CFGR: "pllsai2"}
_PLL_REGISTERS = {name: register for register, name in _PLLS.items()}
_KERNEL_SELECT = {
    "USART1": (_CCIPR, 0), "USART2": (_CCIPR, 2), "USART3": (_CCIPR, 4), "UART4": (_CCIPR, 6), "UART5": (_CCIPR, 8),
    "LPUART1": (_CCIPR, 10), "I2C1": (_CCIPR, 12), "I2C2": (_CCIPR, 14), "I2C3": (_CCIPR, 16), "I2C4": (_CCIPR2, 0),
    "LPTIM1": (_CCIPR, 18), "LPTIM2": (_CCIPR, 20),
}  # fmt: skip
"""Register and lowest bit of each two-bit field that chooses a kernel clock."""
_CLK48 = frozenset({"RNG", "USB", "OTG_FS", "SDMMC1"})
_APB2 = frozenset({"USART1", "SPI1", "SAI1", "SAI2", "DFSDM1", "TIM1", "TIM8", "TIM15", "TIM16", "TIM17"})


class RccL4(Peripheral):
    """The clock tree: which oscillators run, what clocks the core, what clocks each peripheral.

    Options: `own_dividers`, whether each PLL has an M of its own (L4+) instead of one for all (L4).
    """

    gates_clocks = True
    status_registers = frozenset({_CR, _CFGR, _BDCR, _CSR, _CRRCR})
    reset_values = {  # noqa: RUF012 - a class constant by design
        _CR: 0x63, _PLLCFGR: 0x1000, _PLLSAI1CFGR: 0x1000, _PLLSAI2CFGR: 0x1000, _AHB1ENR: _FLASHEN,
        _CSR: 0x0C000600,
    }  # fmt: skip

    def __init__(self, name: str, chip: Chip, sheet: PeripheralSheet) -> None:
        super().__init__(name, chip, sheet)
        assert chip.board is not None  # noqa: S101 - a clock tree belongs to a whole board
        self._clocks = chip.board.clocks
        self.on_clock: Callable[[], None] = nothing
        self.bus_divider = 1
        chip.tree = self
        self.registers[_BDCR] = chip.retained.registers(name).get(_BDCR, 0)
        self._show_reset_cause(chip.retained.reset_cause)
        self._retain()

    def _show_reset_cause(self, cause: str) -> None:
        """Add the flag of the last reset to those that nobody has cleared; power-on starts afresh."""
        if cause == "power":
            return
        flags = self.chip.retained.registers(self.name).get(_CSR, 0) & _RESET_FLAGS
        if cause != "standby":
            flags |= _RESET_CAUSES["pin"] | _RESET_CAUSES.get(cause, 0)
        self.registers[_CSR] = self.registers[_CSR] & ~_RESET_FLAGS | flags

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

    @property
    def oscillator_names(self) -> tuple[str, ...]:
        """Oscillators by name."""
        return tuple(name for name in _OSCILLATORS if not name.startswith("pll"))

    def clock_of(self, peripheral: str) -> float:
        """Return the clock chosen for a peripheral; the clock of its bus or of its timers where there is no choice."""
        if peripheral in _KERNEL_SELECT:
            register, shift = _KERNEL_SELECT[peripheral]
            return self._chosen_hz(peripheral, self.registers.get(register, 0) >> shift & 3)
        if peripheral in _CLK48:
            return self._clk48_hz()
        if peripheral == "RTC":
            return self._rtc_hz()
        if peripheral == "IWDG":
            return self.chip.oscillator_hz("lsi", self._clocks.lsi_hz.value)
        divider = self._bus_divider(peripheral)
        if peripheral.startswith("TIM") and divider > 1:
            divider /= 2  # RM0432, 6.2.15: timers get twice the clock of a divided bus
        return self.core_hz / divider

    def _chosen_hz(self, peripheral: str, choice: int) -> float:
        if choice == 0:
            return self.core_hz / self._bus_divider(peripheral)
        if peripheral.startswith("LPTIM"):
            return self._oscillator_hz(("", "lsi", "hsi", "lse")[choice])
        if choice == 1:
            return float(self.system_hz)
        return self._oscillator_hz("hsi" if choice == 2 or peripheral.startswith("I2C") else "lse")

    def _clk48_hz(self) -> float:
        choice = self.registers.get(_CCIPR, 0) >> 26 & 3
        if choice in (1, 2):
            return self._pll_hz("pllsai1" if choice == 1 else "pll", 20, 21)
        return self._oscillator_hz("msi" if choice else "hsi48")

    def _rtc_hz(self) -> float:
        control = self.registers.get(_BDCR, 0)
        choice = control >> 8 & 3
        if not control & _RTCEN or choice == 0:
            return 0.0
        return self._oscillator_hz("hse") / 32 if choice == 3 else self._oscillator_hz(("lse", "lsi")[choice - 1])

    def enter_stop(self) -> None:
        """Stop the high-speed clocks, as Stop 0-2 do, and choose the one the core wakes with."""
        self.chip.before_stop()
        use_hsi = bool(self.registers.get(_CFGR, 0) & _STOPWUCK)
        for name in ("msi", "hsi", "hse", "pll", "pllsai1", "pllsai2", "hsi48"):
            oscillator = _OSCILLATORS[name]
            kept = self.registers.get(oscillator.register, 0) & ~(1 << oscillator.enable | 1 << oscillator.ready)
            self.registers[oscillator.register] = kept
            self.cancel(name)
        self.registers[_CR] |= 1 << 8 | 1 << 10 if use_hsi else 3
        self.registers[_CFGR] = (self.registers.get(_CFGR, 0) & ~0xF) | (0b0101 if use_hsi else 0)
        self._changed()

    def write_register(self, offset: int, value: int) -> None:
        """Take a register; oscillators become ready after their start-up time."""
        if offset == _CFGR:
            self._switch(value)
        elif offset == _BDCR and not self.chip.backup_writable():
            self.chip.report(f"{self.name}: BDCR written while PWR_CR1.DBP protects it; hardware ignores it")
        elif offset in _PLLS:
            self._set_up_pll(offset, value)
        elif _AHB1RSTR <= offset <= _APB2RSTR:
            self._reset_peripherals(offset, value)
        elif _APB2RSTR < offset < _CCIPR:
            self.registers[offset] = value  # bus clocks on and off: no frequency changes
        else:
            self._take(offset, value)

    def _take(self, offset: int, value: int) -> None:
        before = self.registers.get(offset, 0)
        oscillators = {name: o for name, o in _OSCILLATORS.items() if o.register == offset}
        fixed = sum(1 << oscillator.ready for oscillator in oscillators.values())
        if offset == _CSR:
            fixed |= _RESET_FLAGS
            before &= ~(_RESET_FLAGS if value & _RMVF else 0)
        if offset == _BDCR and value & _BDRST:
            value, before = _BDRST, 0
            self.chip.reset_backup()
        self.registers[offset] = (value & ~fixed) | (before & fixed)
        for name, oscillator in oscillators.items():
            self._turn(name, oscillator)
        self._retain()
        self._changed()

    def _set_up_pll(self, offset: int, value: int) -> None:
        """Take the set-up of a PLL: while it runs, only its outputs may be opened and closed."""
        before = self.registers[offset]
        if self._is_on(_PLLS[offset]) and (value ^ before) & ~_OUTPUT_ENABLES:
            register = _PLLS[offset].upper() + "CFGR"
            self.chip.report(f"{self.name}: {register} written while the PLL is on; hardware ignores it")
            value = before & ~_OUTPUT_ENABLES | value & _OUTPUT_ENABLES
        self.registers[offset] = value
        self._changed()

    def _reset_peripherals(self, offset: int, value: int) -> None:
        """Reset what the bits name: they stand where the bus clocks are enabled, 0x20 bytes below."""
        rising = value & ~self.registers.get(offset, 0)
        self.registers[offset] = value
        for peripheral in self.chip.peripherals.values():
            enable = peripheral.sheet.enable
            if enable and enable.register_offset == offset + _AHB1ENR - _AHB1RSTR and rising >> enable.bit & 1:
                peripheral.reset()

    def _is_on(self, name: str) -> bool:
        oscillator = _OSCILLATORS[name]
        return bool(self.registers.get(oscillator.register, 0) >> oscillator.enable & 1)

    def _is_ready(self, name: str) -> bool:
        oscillator = _OSCILLATORS[name]
        return bool(self.registers.get(oscillator.register, 0) >> oscillator.ready & 1)

    def _turn(self, name: str, oscillator: _Oscillator) -> None:
        if not self._is_on(name):
            self.registers[oscillator.register] &= ~(1 << oscillator.ready)
            self.cancel(name)
        elif not self._is_ready(name) and self.chip.scheduler.time_of((self.name, name)) == float("inf"):
            self.after(self._startup_s(name), partial(self._make_ready, oscillator), name)

    def _startup_s(self, name: str) -> float:
        name = {"pllsai1": "pll", "pllsai2": "pll", "hsi48": "hsi"}.get(name, name)
        startup = getattr(self._clocks, f"{name}_startup_s")
        return float(startup.value) if startup else 0.0

    def _make_ready(self, oscillator: _Oscillator) -> None:
        self.registers[oscillator.register] |= 1 << oscillator.ready
        self._retain()
        self._changed()

    def _retain(self) -> None:
        """Keep what the next reset of the system leaves alone."""
        self.chip.retained.registers(self.name).update({_BDCR: self.registers[_BDCR], _CSR: self.registers[_CSR]})

    def _changed(self) -> None:
        self.on_clock()
        self.chip.clocks_changed()

    def _switch(self, value: int) -> None:
        """Take CFGR; SWS follows SW when the chosen source is ready."""
        wanted = value & 3
        status = self.registers.get(_CFGR, 0) >> 2 & 3
        if self._source_hz(wanted) > 0:
            status = wanted
        else:
            self.chip.report(f"{self.name}: system clock switched to a source that is not ready")
        self.registers[_CFGR] = (value & ~0xC) | status << 2
        self._changed()

    def _source_hz(self, source: int) -> float:
        name = ("msi", "hsi", "hse", "pll")[source]
        return self._pll_hz("pll", 24, 25) if name == "pll" else self._oscillator_hz(name)

    def _oscillator_hz(self, name: str) -> float:
        if not self._is_ready(name):
            return 0.0
        if name == "msi":
            return self.chip.oscillator_hz(name, self._msi_hz())
        nominal = getattr(self._clocks, f"{name}_hz")
        return self.chip.oscillator_hz(name, nominal.value) if nominal else 0.0

    def _msi_hz(self) -> int:
        """MSI: its range stands in CR once MSIRGSEL is set, and in CSR after a reset."""
        control = self.registers[_CR]
        chosen = control >> 4 & 0xF if control & _MSIRGSEL else self.registers[_CSR] >> 8 & 0xF
        return _MSI_RANGES_HZ[min(chosen, 11)]

    def _pll_hz(self, name: str, enable: int, divider: int) -> float:
        """Return an output of a PLL: source / M x N / (2, 4, 6 or 8), when it is open."""
        config = self.registers[_PLL_REGISTERS[name]]
        if not self._is_ready(name) or not config >> enable & 1:
            return 0.0
        return self._pll_input_hz(config) * (config >> 8 & 0x7F) / (2 * ((config >> divider & 3) + 1))

    def _pll_input_hz(self, config: int) -> float:
        """Return what enters a PLL: all three share a source, and M too where they have none of their own."""
        shared = self.registers[_PLLCFGR]
        name = ("", "msi", "hsi", "hse")[shared & 3]
        factor = (config if self.sheet.options.get("own_dividers") else shared) >> 4 & 0xF
        return self._oscillator_hz(name) / (factor + 1) if name else 0.0

    def _bus_divider(self, peripheral: str) -> float:
        shift = 11 if peripheral in _APB2 else 8
        return (1, 1, 1, 1, 2, 4, 8, 16)[self.registers.get(_CFGR, 0) >> shift & 7]
