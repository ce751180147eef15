"""A peripheral of a board as the platform description sees it, and the clocks that Renode's models are given."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from mcu_models.emulators.renode.platform_entry import Wire, bus

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcu_models.boards.board import Board, PeripheralSheet


@dataclass(frozen=True)
class _Family:
    """Clocks of a family at the highest core clock, which models that do not follow the clock tree are given.

    Attributes:
        timer: Core clock over the clock of the timers, on APB1 and on the other buses.
        kernel: Core clock over the clock of APB1 and of the other buses.
    """

    timer: tuple[int, int] = (1, 1)
    kernel: tuple[int, int] = (1, 1)


_FAMILIES = {
    "rcc_f7": _Family((2, 1), (4, 2)),
    "rcc_h743": _Family((2, 2), (4, 4)),
    "rcc_h7a3": _Family((1, 1), (2, 2)),
}
"""Highest clocks of buses: DS10916 (54, 108 MHz), DS12110 (120 MHz), DS13195 (140 MHz); the STM32L4 divides none."""
APB1 = range(0x40000000, 0x40010000)
"""Addresses of the slower bus of peripherals, on the STM32L4, F7 and H7 alike: RM0351, RM0385, RM0433, memory map."""


@dataclass(frozen=True)
class Part:
    """A peripheral, its name in board.toml, and the board it is on."""

    name: str
    sheet: PeripheralSheet
    board: Board

    @property
    def label(self) -> str:
        """Name in the platform: that of board.toml in lower case, "...Controller" where a memory has that name."""
        name = self.name.lower()
        return f"{name}Controller" if name in self.board.sheet.memories else name

    @property
    def place(self) -> str:
        """Registration at its address."""
        return bus(self.sheet.base)

    @cached_property
    def clock_control(self) -> str:
        """Type of the board's RCC; empty when it has none."""
        types = (sheet.type for sheet in self.board.sheet.peripherals.values())
        return next((name for name in types if name.startswith("rcc_")), "")

    @property
    def follows_clocks(self) -> bool:
        """Tell whether the board's clock control says what the clocks of its peripherals are."""
        return self.clock_control == "rcc_l4"

    @property
    def timer_hz(self) -> int:
        """Clock of a timer at the board's highest core clock."""
        return self._fastest_hz(self._family.timer)

    @property
    def kernel_hz(self) -> int:
        """Clock of a peripheral's bus at the board's highest core clock."""
        return self._fastest_hz(self._family.kernel)

    @property
    def irqs(self) -> tuple[Wire, ...]:
        """Its interrupt outputs when they are numbered."""
        return tuple(Wire(str(number), irq) for number, irq in enumerate(self.sheet.irqs))

    @property
    def irq(self) -> tuple[Wire, ...]:
        """Its only interrupt output, where it has a line."""
        return self.named_irqs(("IRQ",))

    def named_irqs(self, pins: Iterable[str]) -> tuple[Wire, ...]:
        """Return its interrupt outputs by name, as far as the board gives lines for them."""
        return tuple(Wire(pin, irq) for pin, irq in zip(pins, self.sheet.irqs, strict=False))

    def first_of(self, *types: str) -> str | None:
        """Return the name in the platform of the board's first peripheral of one of these types."""
        return next(iter(self.all_of(*types)), None)

    def all_of(self, *types: str) -> list[str]:
        """Return the names in the platform of the board's peripherals of these types."""
        sheets = self.board.sheet.peripherals.items()
        return [Part(name, sheet, self.board).label for name, sheet in sheets if sheet.type in types]

    @property
    def _family(self) -> _Family:
        return _FAMILIES.get(self.clock_control, _Family())

    def _fastest_hz(self, dividers: tuple[int, int]) -> int:
        highest_hz = self.board.operating_point().clock_hz
        return round(highest_hz) // dividers[0 if self.sheet.base in APB1 else 1]
