"""What the clock controllers (RCC) of the STM32F7 and H7 share: oscillators that start and the system clock switch.

Source: RM0385, RM0433 and RM0455, chapters RCC. An oscillator becomes ready after its start-up time. One that feeds
the system clock, or the PLL that does, cannot be switched off. The system clock switch follows as soon as the chosen
source is ready. Writes to BDCR need the backup domain open. BDCR and the flags that tell the causes of resets outlive
a reset. Not modelled: the clock security system, calibration, the clock outputs, interrupts of the controller.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from mcu_models.emulators.peripherals.base import Chip, Peripheral
from mcu_models.emulators.scheduler import nothing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcu_models.boards.board import PeripheralSheet


_BDRST = 1 << 16


@dataclass(frozen=True)
class Oscillator:
    """Where an oscillator or a PLL is switched on and tells that it is ready.

    Attributes:
        register: Offset of the register.
        enable: Bit that switches it on.
        ready: Bit that tells it is ready.
        startup: Oscillator whose start-up time in `board.toml` it takes.
    """

    register: int
    enable: int
    ready: int
    startup: str


class ClockControl(Peripheral):
    """Oscillators and the system clock switch; what a family adds are its PLLs, dividers and selections.

    Attributes:
        on_clock: Called after every change that may alter a clock.
    """

    gates_clocks = True
    oscillators: Mapping[str, Oscillator] = {}
    sources: tuple[str, ...] = ()
    """Source of the system clock by the value of SW."""
    switch_register = 0
    switch_bits = 2
    """Width of SW at bit 0, and of SWS right above it."""
    backup_register = 0x70
    flags_register = 0
    clear_flags_bit = 0
    """RMVF: clears the reset flags, which are the bits above it."""
    reset_flags: Mapping[str, int] = {}
    """What each cause of a reset sets."""
    first_reset_register = 0
    """The first of the registers that reset peripherals."""
    reset_to_enable = 0
    """From such a register to the one with the enables of the same peripherals."""
    reset_registers = 0
    """How many there are."""

    def __init__(self, name: str, chip: Chip, sheet: PeripheralSheet) -> None:
        super().__init__(name, chip, sheet)
        assert chip.board is not None  # noqa: S101 - a clock tree belongs to a whole board
        self.board = chip.board
        self.on_clock: Callable[[], None] = nothing
        chip.tree = self
        self.registers[self.backup_register] = chip.retained.registers(name).get(self.backup_register, 0)
        self._show_reset_cause(chip.retained.reset_cause)

    def _show_reset_cause(self, cause: str) -> None:
        """Add the flags of the last reset to those that nobody has cleared; power-on starts afresh."""
        if cause != "power":
            kept = self.chip.retained.registers(self.name).get(self.flags_register, 0) & self._all_flags
            self.registers[self.flags_register] = kept | self.reset_flags.get(cause, 0)
        self._retain()

    @property
    def _all_flags(self) -> int:
        return 0xFFFFFFFF & ~((2 << self.clear_flags_bit) - 1)

    def _retain(self) -> None:
        """Keep what the next reset leaves alone."""
        kept = {offset: self.registers.get(offset, 0) for offset in (self.backup_register, self.flags_register)}
        self.chip.retained.registers(self.name).update(kept)

    def _changed(self) -> None:
        self._retain()
        self.on_clock()
        self.chip.clocks_changed()

    @property
    def core_hz(self) -> int:
        """Core clock."""
        raise NotImplementedError

    @property
    def bus_divider(self) -> int:
        """Core clocks per clock of the bus to flash and cached memories."""
        return 1

    @property
    def oscillator_names(self) -> tuple[str, ...]:
        """Oscillators by name."""
        return tuple(name for name in self.oscillators if not name.startswith("pll"))

    def clock_of(self, peripheral: str) -> float:
        """Return the kernel clock of a peripheral; 0 when its source is off."""
        raise NotImplementedError

    def source_hz(self, source: str) -> float:
        """Return the clock of an oscillator or a PLL; 0 while it is not ready."""
        raise NotImplementedError

    def enter_stop(self) -> None:
        """Switch off what a Stop mode switches off, and choose the clock to wake with."""
        raise NotImplementedError

    @property
    def system_hz(self) -> float:
        """SYSCLK."""
        return self.source_hz(self.system_source)

    def is_enabled(self, register: int, bit: int) -> bool:
        """Tell whether a peripheral's bus clock is on."""
        return bool(self.registers.get(register, 0) >> bit & 1)

    def is_ready(self, name: str) -> bool:
        """Tell whether an oscillator or a PLL is on and stable."""
        oscillator = self.oscillators[name]
        return bool(self.registers.get(oscillator.register, 0) >> oscillator.ready & 1)

    def is_on(self, name: str) -> bool:
        """Tell whether an oscillator or a PLL is switched on."""
        oscillator = self.oscillators[name]
        return bool(self.registers.get(oscillator.register, 0) >> oscillator.enable & 1)

    def stop_all_but(self, kept: str) -> None:
        """Switch off every high-speed clock but one, and let that one feed the system, as a Stop mode does."""
        for name, oscillator in self.oscillators.items():
            if name not in {kept, "lse", "lsi"}:
                self.registers[oscillator.register] &= ~(1 << oscillator.enable | 1 << oscillator.ready)
                self.cancel(name)
        oscillator = self.oscillators[kept]
        self.registers[oscillator.register] |= 1 << oscillator.enable | 1 << oscillator.ready
        self._set_switch(self.sources.index(kept), self.sources.index(kept))
        self._changed()

    def write_register(self, offset: int, value: int) -> None:
        """Take a register; a clock may change by it."""
        if offset == self.backup_register and not self.chip.backup_writable():
            self.chip.report(f"{self.name}: BDCR written while DBP of the PWR protects it; hardware ignores it")
            return
        if offset == self.switch_register:
            self._choose(value)
        elif offset == self.flags_register:
            self._write_flags(value)
        else:
            self._reset_peripherals(offset, value)
            self._check(offset, value)
            self.registers[offset] = self._with_ready_bits(offset, self._after_backup_reset(offset, value))
            self._turn_all(offset)
        self._follow_switch()
        self._changed()

    def _after_backup_reset(self, offset: int, value: int) -> int:
        """Return what is left of a write to BDCR when it resets the backup domain."""
        return _BDRST if offset == self.backup_register and value & _BDRST else value

    def _reset_peripherals(self, offset: int, value: int) -> None:
        """Reset the peripherals whose bits rise; they stand as in the registers of the enables."""
        if offset - self.first_reset_register not in range(0, 4 * self.reset_registers, 4):
            return
        rising = value & ~self.registers.get(offset, 0)
        for peripheral in self.chip.peripherals.values():
            enable = peripheral.sheet.enable
            if enable and enable.register_offset == offset + self.reset_to_enable and rising >> enable.bit & 1:
                peripheral.reset()

    def _check(self, offset: int, value: int) -> None:
        """Report a write that the manual forbids; a family says which."""

    def _write_flags(self, value: int) -> None:
        """Take the register of the reset flags, which may hold the switch of the LSI too."""
        before = self.registers.get(self.flags_register, 0)
        flags = 0 if value >> self.clear_flags_bit & 1 else before & self._all_flags
        low = self._with_ready_bits(self.flags_register, value & ((1 << self.clear_flags_bit) - 1))
        self.registers[self.flags_register] = low & ~self._all_flags | flags
        self._turn_all(self.flags_register)

    def _with_ready_bits(self, offset: int, value: int) -> int:
        """Return what a write leaves in a register: ready bits are read-only, and what runs the core stays on."""
        ready_bits = sum(1 << o.ready for o in self.oscillators.values() if o.register == offset)
        word = (value & ~ready_bits) | (self.registers.get(offset, 0) & ready_bits)
        for name in (self.system_source, self.pll_source(self.system_source)):
            oscillator = self.oscillators.get(name)
            if oscillator is not None and oscillator.register == offset:
                word |= 1 << oscillator.enable
        return word

    def pll_source(self, name: str) -> str:  # noqa: ARG002 - for a family to override
        """Return the oscillator that feeds a PLL; empty for what is no PLL."""
        return ""

    def _turn_all(self, offset: int) -> None:
        for name, oscillator in self.oscillators.items():
            if oscillator.register == offset:
                self._turn(name, oscillator)

    def _turn(self, name: str, oscillator: Oscillator) -> None:
        word = self.registers[oscillator.register]
        if not word >> oscillator.enable & 1:
            self.registers[oscillator.register] = word & ~(1 << oscillator.ready)
            self.cancel(name)
        elif not word >> oscillator.ready & 1 and math.isinf(self.chip.scheduler.time_of((self.name, name))):
            self._starting(name)
            self.after(self._startup_s(oscillator.startup), partial(self._make_ready, name), name)

    def _starting(self, name: str) -> None:
        """Look at the set-up of what has been switched on; a family checks its PLLs."""

    def _startup_s(self, name: str) -> float:
        startup = getattr(self.board.clocks, f"{name}_startup_s")
        return float(startup.value)

    def _make_ready(self, name: str) -> None:
        oscillator = self.oscillators[name]
        self.registers[oscillator.register] |= 1 << oscillator.ready
        self._follow_switch()
        self._changed()

    @property
    def system_source(self) -> str:
        """What feeds the system clock now."""
        status = self.registers.get(self.switch_register, 0) >> self.switch_bits
        return self.sources[status & ((1 << self.switch_bits) - 1)]

    def _choose(self, value: int) -> None:
        mask = (1 << self.switch_bits) - 1
        status = self.registers.get(self.switch_register, 0) & mask << self.switch_bits
        self.registers[self.switch_register] = (value & ~(mask << self.switch_bits)) | status
        wanted = value & mask
        if wanted >= len(self.sources) or not self.is_on(self.sources[wanted]):
            self.chip.report(f"{self.name}: system clock switched to a source that is off")

    def _follow_switch(self) -> None:
        """Let SWS follow SW when the chosen source is ready."""
        wanted = self.registers.get(self.switch_register, 0) & ((1 << self.switch_bits) - 1)
        if wanted < len(self.sources) and self.is_ready(self.sources[wanted]):
            self._set_switch(wanted, wanted)

    def _set_switch(self, wanted: int, status: int) -> None:
        mask = (1 << 2 * self.switch_bits) - 1
        word = self.registers.get(self.switch_register, 0) & ~mask
        self.registers[self.switch_register] = word | status << self.switch_bits | wanted


def hclk_divider(code: int) -> int:
    """Return the divider that a four-bit field such as HPRE stands for."""
    return 1 if code < 8 else (2, 4, 8, 16, 64, 128, 256, 512)[code - 8]


def pclk_divider(code: int) -> int:
    """Return the divider that a three-bit field such as PPRE1 stands for."""
    return (1, 1, 1, 1, 2, 4, 8, 16)[code]
