"""What every modelled peripheral has: registers that store what is written, an interrupt line, a time base."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcu_models.emulators.interrupt_controller import InterruptController
    from mcu_models.emulators.peripherals.dma_l4 import Block
    from mcu_models.emulators.scheduler import Scheduler
    from mcu_models.emulators.virtual_clock import VirtualClock


class ClockTree(Protocol):
    """Tells peripherals at which clock they run."""

    def clock_of(self, peripheral: str) -> float:
        """Return the kernel clock of a peripheral; 0 when its source is off."""


@dataclass
class Chip:
    """What peripherals of one emulated microcontroller share.

    Attributes:
        clock: Virtual time and core clock.
        scheduler: Coming events.
        nvic: Interrupt lines.
        problems: Lines about accesses that the hardware would not honour, each said once.
        tree: The clock tree, once its model is made.
        dma: Returns the DMA block set up for a request such as "I2C1_RX".
        before_stop: What peripherals check when the core enters a Stop mode.
        backup_writable: Tells whether PWR_CR1.DBP has opened the backup domain.
    """

    clock: VirtualClock
    scheduler: Scheduler
    nvic: InterruptController
    problems: dict[str, None]
    tree: ClockTree | None = None
    dma: Callable[[str], Block | None] = field(default=lambda _request: None)
    before_stop: list[Callable[[], None]] = field(default_factory=list)
    backup_writable: Callable[[], bool] = field(default=lambda: True)

    def report(self, problem: str) -> None:
        """Note a problem; the same line is kept once."""
        self.problems.setdefault(problem)


class Peripheral:
    """A bank of 32-bit registers that keep what is written to them.

    Models override `read_register` and `write_register`; narrower accesses are cut out of the word here.
    """

    reset_values: Mapping[int, int] = {}

    def __init__(self, name: str, chip: Chip, *, irq: int | None) -> None:
        self.name = name
        self.chip = chip
        self._irq = irq
        self._line_high = False
        self.registers: dict[int, int] = dict(self.reset_values)
        chip.before_stop.append(self.before_stop)

    def read(self, offset: int, size: int) -> int:
        """Return `size` bytes at `offset`."""
        word = self.read_register(offset & ~3)
        return (word >> (8 * (offset & 3))) & ((1 << (8 * size)) - 1)

    def write(self, offset: int, size: int, value: int) -> None:
        """Take `size` bytes at `offset`; a narrow write to a plain register changes only its own bytes."""
        base, shift = offset & ~3, 8 * (offset & 3)
        if size < 4 and base not in self.data_registers:
            mask = ((1 << (8 * size)) - 1) << shift
            value = (self.registers.get(base, 0) & ~mask) | ((value << shift) & mask)
        self.write_register(base, value)

    data_registers: frozenset[int] = frozenset()
    """Registers whose narrow write is a whole write, such as a transmit register."""
    status_registers: frozenset[int] = frozenset()
    """Registers that change only at events, so that polling them may pass the time to the next event."""

    def read_register(self, offset: int) -> int:
        """Return the word at `offset`; side effects of reading belong here."""
        return self.registers.get(offset, 0)

    def write_register(self, offset: int, value: int) -> None:
        """Take the word at `offset`."""
        self.registers[offset] = value

    def set_interrupt(self, *, high: bool) -> None:
        """Drive the interrupt line, if the peripheral has one."""
        if self._irq is not None and high != self._line_high:
            self._line_high = high
            self.chip.nvic.set_line(self._irq, high=high)

    def before_stop(self) -> None:
        """Look at one's own state when the core enters a Stop mode; the clocks end after this."""

    def dma_ready(self) -> None:
        """Hear that a DMA channel for one of this peripheral's requests has been enabled."""

    def after(self, delay_s: float, action: Callable[[], None], slot: str = "") -> None:
        """Do `action` in `delay_s` of virtual time, instead of what was planned in the same slot."""
        self.chip.scheduler.at(self.chip.clock.now_s + delay_s, (self.name, slot), action)

    def at(self, time_s: float, action: Callable[[], None], slot: str = "") -> None:
        """Do `action` at `time_s`."""
        self.chip.scheduler.at(time_s, (self.name, slot), action)

    def cancel(self, slot: str = "") -> None:
        """Forget what was planned in a slot."""
        self.chip.scheduler.cancel((self.name, slot))

    @property
    def kernel_hz(self) -> float:
        """Kernel clock of this peripheral; 0 when its source is off."""
        tree = self.chip.tree
        return 0.0 if tree is None else tree.clock_of(self.name)
