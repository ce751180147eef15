"""GPIO port of STM32L4, F7 and H7: outputs, and inputs that can be driven from outside.

Source: RM0351, section 8.4. Modelled: mode, output type, pulls, ODR, BSRR, BRR, the level of each pin in IDR. The edge
detector hears of every change, the outside of those of outputs. Not modelled: alternate functions (a pin in one reads
the level that the outside gives it), the configuration lock, speeds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcu_models.emulators.peripherals.base import Chip, Peripheral

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcu_models.boards.board import PeripheralSheet

PINS = 16
_MODER, _OTYPER, _PUPDR, _IDR, _ODR, _BSRR, _BRR = 0x00, 0x04, 0x0C, 0x10, 0x14, 0x18, 0x28
_OUTPUT, _ANALOGUE = 1, 3


def _nobody(_latch: int) -> None:
    """Hear an output latch and do nothing."""


class Gpio(Peripheral):
    """A port of sixteen pins. They are analogue after reset, but for the debug pins of ports A and B.

    An open-drain pin that is let go reads high unless something drives it low or pulls it down: such lines have a
    pull-up outside.

    Attributes:
        on_output: Hears the output latch after each change.
    """

    data_registers = frozenset({_BSRR, _BRR})
    _RESET = {  # noqa: RUF012 - a class constant by design
        "GPIOA": {_MODER: 0xABFFFFFF, 0x08: 0x0C000000, _PUPDR: 0x64000000},
        "GPIOB": {_MODER: 0xFFFFFEBF, _PUPDR: 0x00000100},
    }

    def __init__(self, name: str, chip: Chip, sheet: PeripheralSheet) -> None:
        super().__init__(name, chip, sheet)
        self.on_output: Callable[[int], None] = _nobody
        self._driven = chip.retained.levels(name)
        self._levels = self._outputs = 0
        self.reset()

    def reset(self) -> None:
        """Go back to the state after reset; what is driven from outside stays."""
        self.registers = {_MODER: 0xFFFFFFFF, **self._RESET.get(self.name, {}), **self.sheet.reset_values}
        self._outputs, self._levels = self._work_out_outputs(), self._work_out_levels()
        self._tell_outside()

    def drive(self, pin: int, level: bool | None) -> None:  # noqa: FBT001 - a level, or none
        """Let the outside drive a pin high or low; None lets it go."""
        if level is None:
            self._driven.pop(pin, None)
        else:
            self._driven[pin] = level
        self._settle()

    def read_register(self, offset: int) -> int:
        """Return a register; IDR shows the levels of the pins."""
        if offset == _IDR:
            return self._levels
        return 0 if offset in (_BSRR, _BRR) else super().read_register(offset)

    def write_register(self, offset: int, value: int) -> None:
        """Take a register; BSRR and BRR change the output latch."""
        latch = self.registers.get(_ODR, 0)
        if offset == _BSRR:
            self.registers[_ODR] = latch & ~(value >> 16) | value & 0xFFFF
        elif offset == _BRR:
            self.registers[_ODR] = latch & ~value
        elif offset != _IDR:
            self.registers[offset] = value
            self._outputs = self._work_out_outputs() if offset == _MODER else self._outputs
        self._settle()
        if self.registers.get(_ODR, 0) != latch:
            self.on_output(self.registers[_ODR])

    def _settle(self) -> None:
        """Work the levels out anew, and tell the outside and the edge detector what has changed."""
        before, self._levels = self._levels, self._work_out_levels()
        changed = before ^ self._levels
        self._tell_outside()
        if not changed or self.chip.edges is None:
            return
        for pin in range(PINS):
            if changed >> pin & 1:
                self.chip.edges.pin_changed(self.name, pin, high=bool(self._levels >> pin & 1))

    def _tell_outside(self) -> None:
        """Say which pins are outputs at a high level."""
        self.chip.connections.outputs(self.name, self._levels & self._outputs, self.chip.clock.now_s)

    def _work_out_outputs(self) -> int:
        mode = self.registers.get(_MODER, 0)
        return sum((mode >> 2 * pin & 3 == _OUTPUT) << pin for pin in range(PINS))

    def _work_out_levels(self) -> int:
        mode, pulls = self.registers.get(_MODER, 0), self.registers.get(_PUPDR, 0)
        return sum(self._level(pin, mode >> 2 * pin & 3, pulls >> 2 * pin & 3) << pin for pin in range(PINS))

    def _level(self, pin: int, mode: int, pull: int) -> bool:
        if mode == _ANALOGUE:
            return False
        latch = bool(self.registers.get(_ODR, 0) >> pin & 1)
        open_drain = bool(self.registers.get(_OTYPER, 0) >> pin & 1)
        if mode == _OUTPUT and not (open_drain and latch):
            return latch
        if pin in self._driven:
            return self._driven[pin]
        return pull == 1 or (mode == _OUTPUT and pull == 0)
