"""What every modelled peripheral has: registers that store what is written, an interrupt line, a time base."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from mcu_models.emulators.connections import Connections

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcu_models.boards.board import BoardSheet, PeripheralSheet
    from mcu_models.emulators.interrupt_controller import InterruptController
    from mcu_models.emulators.peripherals.dma import Block
    from mcu_models.emulators.port import FlashTiming
    from mcu_models.emulators.scheduler import Scheduler
    from mcu_models.emulators.virtual_clock import VirtualClock


MAX_PROBLEMS = 1000
"""So many different lines are listed: firmware can make new ones without end."""
_WORD_BYTES = 4


class ClockTree(Protocol):
    """What clocks the core and its peripherals: a family's RCC.

    Attributes:
        on_clock: Called after every change that may alter a clock.
    """

    on_clock: Callable[[], None]

    @property
    def core_hz(self) -> int:
        """Core clock; 0 while its source is off."""

    @property
    def bus_divider(self) -> int:
        """Core clocks per clock of the bus to flash and cached memories."""

    @property
    def oscillator_names(self) -> tuple[str, ...]:
        """Oscillators by name, PLLs excluded."""

    def clock_of(self, peripheral: str) -> float:
        """Return the kernel clock of a peripheral; 0 when its source is off."""

    def is_enabled(self, register: int, bit: int) -> bool:
        """Tell whether the bus clock behind a bit of the RCC is on."""

    def enter_stop(self) -> None:
        """Switch off what a Stop mode switches off, and choose the clock to wake with."""


class PowerControl(Protocol):
    """What WFI with SLEEPDEEP does, and which supply range the core is in: a family's PWR."""

    @property
    def deep_mode(self) -> str:
        """Mode name such as "stop2" or "standby"."""

    @property
    def range_name(self) -> str:
        """Supply range, as the ranges of the flash are named in `board.toml`."""

    @property
    def backup_writable(self) -> bool:
        """Whether the backup domain (RTC, LSE) is open to writes."""


class FlashInterface(Protocol):
    """The flash as firmware set it up: a family's FLASH.

    Attributes:
        on_timing: Called after every change of the timing.
    """

    on_timing: Callable[[], None]

    @property
    def timing(self) -> FlashTiming:
        """Wait states, prefetch and caches."""


class DmaController(Protocol):
    """A controller that moves blocks between memory and peripherals."""

    def block(self, request: str, item_bytes: int = 1) -> Block | None:
        """Return what the enabled channel with `request`, such as "I2C1_RX", is to move, if it may go as one block.

        Its items must have `item_bytes`.
        """

    def serve(self, request: str) -> bool:
        """Let the enabled channel with `request` move one item; tell whether there is such a channel."""


class EdgeDetector(Protocol):
    """What turns the levels of pins and of internal lines into interrupts: a family's EXTI."""

    def pin_changed(self, port: str, pin: int, *, high: bool) -> None:
        """Hear that a pin of a port such as "GPIOA" has changed its level."""

    def line_changed(self, line: int, *, high: bool) -> None:
        """Hear that an internal line, such as the RTC's wake-up, has changed its level."""


class Memory(Protocol):
    """The memories of the chip, as a DMA controller reaches them."""

    def read(self, address: int, length: int) -> bytes:
        """Return bytes."""

    def write(self, address: int, data: bytes) -> None:
        """Store bytes."""


@dataclass
class Retained:
    """What a reset of the chip leaves alone.

    Attributes:
        reset_cause: "power", "pin", "software", "iwdg", "wwdg", "low power" or "standby".
        words: Registers of the backup domain, by peripheral and offset.
        epochs_s: Since when something counts in the backup domain, by peripheral and what it is.
        driven: Levels at which pins are driven from outside, by port and pin.
    """

    reset_cause: str = "power"
    words: dict[str, dict[int, int]] = field(default_factory=dict)
    epochs_s: dict[str, dict[str, float]] = field(default_factory=dict)
    driven: dict[str, dict[int, bool]] = field(default_factory=dict)

    def registers(self, peripheral: str) -> dict[int, int]:
        """Return the retained registers of a peripheral; what is changed in it is kept."""
        return self.words.setdefault(peripheral, {})

    def epochs(self, peripheral: str) -> dict[str, float]:
        """Return the retained times of a peripheral; what is changed in it is kept."""
        return self.epochs_s.setdefault(peripheral, {})

    def levels(self, port: str) -> dict[int, bool]:
        """Return the levels at which the outside drives the pins of a port; what is changed in it is kept."""
        return self.driven.setdefault(port, {})


@dataclass
class Chip:
    """What peripherals of one emulated microcontroller share.

    Attributes:
        clock: Virtual time and core clock.
        scheduler: Coming events.
        nvic: Interrupt lines.
        problems: Lines about accesses that the hardware would not honour, each said once.
        connections: What is attached from outside.
        board: Datasheet of the board; None where a peripheral stands alone.
        memory: The memories, for DMA.
        tree: The clock tree, once its model is made.
        power: The power control, once its model is made.
        flash: The flash interface, once its model is made.
        peripherals: By name.
        clocked: Those that listen to changes of the clocks.
        answering: Banks of 1 KiB found to answer without a report, by number, until the clock tree is written again.
        dma_controllers: Asked in turn for the block of a request.
        edges: The edge detector, once its model is made.
        retained: What a reset leaves alone; handed from one chip to the one after the reset.
        on_reset_request: Called with the cause when a watchdog asks for a reset; without it, that is reported.
        woken: Whether something that runs in Standby asks to leave it.
        drift_ppm: How far oscillators are off their nominal frequency, by name such as "lse"; the others are exact.
    """

    clock: VirtualClock
    scheduler: Scheduler
    nvic: InterruptController
    problems: dict[str, None]
    connections: Connections = field(default_factory=Connections)
    board: BoardSheet | None = None
    memory: Memory | None = None
    tree: ClockTree | None = None
    power: PowerControl | None = None
    flash: FlashInterface | None = None
    peripherals: dict[str, Peripheral] = field(default_factory=dict)
    clocked: list[Peripheral] = field(default_factory=list)
    answering: dict[int, Peripheral] = field(default_factory=dict)
    dma_controllers: list[DmaController] = field(default_factory=list)
    edges: EdgeDetector | None = None
    retained: Retained = field(default_factory=Retained)
    on_reset_request: Callable[[str], None] | None = None
    woken: bool = False
    drift_ppm: dict[str, float] = field(default_factory=dict)

    def oscillator_hz(self, name: str, nominal_hz: float) -> float:
        """Return the frequency of an oscillator as it really is."""
        return nominal_hz * (1.0 + self.drift_ppm.get(name, 0.0) * 1e-6)

    def report(self, problem: str) -> None:
        """Note a problem; the same line is kept once, and `MAX_PROBLEMS` of them at most."""
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.setdefault(problem)
        else:
            self.problems.setdefault(f"more than {MAX_PROBLEMS} problems; further ones are not listed")

    def dma(self, request: str, item_bytes: int = 1) -> Block | None:
        """Return the DMA block set up for a request such as "I2C1_RX", of items of so many bytes."""
        found = (controller.block(request, item_bytes) for controller in self.dma_controllers)
        return next((block for block in found if block is not None), None)

    def wake_for_dma(self, request: str) -> None:
        """Tell the peripheral behind a request that a channel for it has been enabled."""
        peripheral = self.peripherals.get(request.partition("_")[0])
        if peripheral is not None:
            peripheral.dma_ready()

    def request_dma(self, request: str) -> bool:
        """Let the channel set up for a request move one item; tell whether there is one."""
        return any(controller.serve(request) for controller in self.dma_controllers)

    def request_reset(self, cause: str) -> None:
        """Ask for a reset of the chip: a watchdog has not been refreshed."""
        if self.on_reset_request is None:
            self.report(f"reset requested by {cause}")
        else:
            self.on_reset_request(cause)

    def wake_from_standby(self) -> None:
        """Ask to leave Standby or Shutdown; without effect in other modes."""
        self.woken = True

    def clocks_changed(self) -> None:
        """Let every peripheral that counts hear that a clock has changed."""
        for peripheral in self.clocked:
            peripheral.clock_changed()

    def after_stop(self) -> None:
        """Let every peripheral go on after a Stop mode."""
        for peripheral in self.peripherals.values():
            peripheral.after_stop()

    def reset_backup(self) -> None:
        """Reset everything in the backup domain."""
        for peripheral in self.peripherals.values():
            peripheral.reset_backup()

    def backup_writable(self) -> bool:
        """Tell whether the power control has opened the backup domain; without one, it is open."""
        return self.power is None or self.power.backup_writable

    def before_stop(self) -> None:
        """Let every peripheral look at its own state before a Stop mode ends the clocks."""
        for peripheral in self.peripherals.values():
            peripheral.before_stop()


class Peripheral:
    """A bank of 32-bit registers that keep what is written to them.

    Models override `read_register` and `write_register`; narrower accesses are cut out of the word here.
    """

    reset_values: Mapping[int, int] = {}

    def __init__(self, name: str, chip: Chip, sheet: PeripheralSheet) -> None:
        self.name = name
        self.chip = chip
        self.sheet = sheet
        self._high_lines: set[int] = set()
        self.registers: dict[int, int] = {**self.reset_values, **sheet.reset_values}
        chip.peripherals[name] = self
        if type(self).clock_changed is not Peripheral.clock_changed:
            chip.clocked.append(self)

    def read(self, offset: int, size: int) -> int:
        """Return `size` bytes at `offset`."""
        if size == _WORD_BYTES:
            return self.read_register(offset & ~3)
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
    consumed_registers: frozenset[int] = frozenset()
    """Registers whose reading takes something away, such as a received character."""
    gates_clocks = False
    """Whether a write may switch the bus clocks of others."""
    modelled = True
    """Whether the hardware's behaviour is modelled; accesses are reported otherwise."""
    status_registers: frozenset[int] = frozenset()
    """Registers that change only at events, so that polling them may pass the time to the next event."""

    def read_register(self, offset: int) -> int:
        """Return the word at `offset`; side effects of reading belong here."""
        return self.registers.get(offset, 0)

    def write_register(self, offset: int, value: int) -> None:
        """Take the word at `offset`."""
        self.registers[offset] = value

    def set_interrupt(self, *, high: bool, line: int = 0) -> None:
        """Drive an interrupt line, if the peripheral has one; peripherals that share it are ored."""
        if high != (line in self._high_lines) and line < len(self.sheet.irqs):
            (self._high_lines.add if high else self._high_lines.discard)(line)
            self.chip.nvic.set_line(self.sheet.irqs[line], high=high, source=f"{self.name} {line}")

    def before_stop(self) -> None:
        """Look at one's own state when the core enters a Stop mode; the clocks end after this."""

    def after_stop(self) -> None:
        """Go on after a Stop mode, where the clocks of this peripheral have stood still."""

    def clock_changed(self) -> None:
        """Hear that a clock of the chip may have changed."""

    def reset(self) -> None:
        """Go back to the state after reset, as RCC's reset bits ask."""
        self.registers = {**self.reset_values, **self.sheet.reset_values}
        for line in range(len(self.sheet.irqs)):
            self.set_interrupt(high=False, line=line)

    def reset_backup(self) -> None:
        """Go back to the state after power-on, as a reset of the backup domain asks of its members."""

    def dma_ready(self) -> None:
        """Hear that a DMA channel for one of this peripheral's requests has been enabled."""

    def after(self, delay_s: float, action: Callable[[], None], slot: str = "") -> None:
        """Do `action` in `delay_s` of virtual time, instead of what was planned in the same slot.

        An action is a method or a partial of one, never a lambda: snapshots copy what is planned.
        """
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
