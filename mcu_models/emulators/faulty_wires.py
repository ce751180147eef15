"""Wires that do not do what they should: an I2C bus held low, a serial line that loses characters."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mcu_models.emulators.connections import Disturbance
from mcu_models.emulators.fault_plan import pin_of
from mcu_models.emulators.peripherals.gpio import Gpio
from mcu_models.emulators.peripherals.i2c_v2 import I2cV2

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from mcu_models.emulators.connections import Connections
    from mcu_models.emulators.fault_plan import I2cStuck, UartLoss
    from mcu_models.emulators.peripherals.base import Chip

_MODER, _ODR = 0x00, 0x14
_OUTPUT = 1
_NEVER = 1 << 30
"""More pulses of SCL than any firmware makes."""


class StuckBus:
    """Holds SDA low, from a time on until it has seen enough pulses of SCL or enough time has passed."""

    def __init__(self, key: str, sheet: I2cStuck) -> None:
        self._key = key
        self._sheet = sheet
        self._ends_s = math.inf if sheet.seconds is None else sheet.from_s + sheet.seconds
        self._is_over = self._holds = False
        self._left = sheet.clocks or _NEVER
        self._latch = 0
        self._chip: Chip | None = None
        self._pass_on: Callable[[int], None] | None = None

    def plug_in(self, chip: Chip) -> None:
        """Hold the lines of a chip that has been reset, too."""
        self._chip = chip
        if self._is_over:
            return
        self._watch_clocks(chip)
        if self._holds:
            self._pull()
            self._plan_end()
        else:
            chip.scheduler.at(self._sheet.from_s, self, self._hold)

    def _watch_clocks(self, chip: Chip) -> None:
        """Hear of the pulses that firmware makes by hand, beside whoever hears of them already."""
        if self._sheet.scl is not None:
            port = chip.peripherals[pin_of(self._sheet.scl)[0]]
            assert isinstance(port, Gpio)  # noqa: S101 - looked at when it was made
            self._latch = port.registers.get(_ODR, 0)
            self._pass_on, port.on_output = port.on_output, self._hear

    def _hold(self) -> None:
        self._holds = True
        self._note("SDA held low")
        self._pull()
        self._plan_end()

    def _plan_end(self) -> None:
        if self._chip is not None and not math.isinf(self._ends_s):
            self._chip.scheduler.at(self._ends_s, self, self._time_is_up)

    def _pull(self) -> None:
        self._bus.hold_sda(self._left)
        self._drive_sda(low=True)

    def _time_is_up(self) -> None:
        self._let_go(f"SDA let go after {self._sheet.seconds:g} s")

    def _let_go(self, what: str) -> None:
        self._holds, self._is_over = False, True
        self._bus.hold_sda(0)
        self._drive_sda(low=False)
        if self._chip is not None:
            self._chip.scheduler.cancel(self)
        self._note(what)

    def _hear(self, latch: int) -> None:
        assert self._pass_on is not None  # noqa: S101 - set together with this listener
        self._pass_on(latch)
        rising, self._latch = latch & ~self._latch, latch
        if self._holds and rising >> self._scl_pin & 1 and self._scl_is_output():
            self._bus.clock_by_hand()
            self._left -= 1
            if self._left == 0:
                self._let_go(f"SDA let go after {self._sheet.clocks} pulses of SCL")

    @property
    def _scl_pin(self) -> int:
        return pin_of(self._sheet.scl or "")[1]

    def _scl_is_output(self) -> bool:
        assert self._chip is not None  # noqa: S101 - it has been plugged in
        port, pin = pin_of(self._sheet.scl or "")
        return self._chip.peripherals[port].registers.get(_MODER, 0) >> 2 * pin & 3 == _OUTPUT

    @property
    def _bus(self) -> I2cV2:
        assert self._chip is not None  # noqa: S101 - it has been plugged in
        bus = self._chip.peripherals[self._sheet.bus]
        assert isinstance(bus, I2cV2)  # noqa: S101 - looked at when it was made
        return bus

    def _drive_sda(self, *, low: bool) -> None:
        if self._sheet.sda is not None and self._chip is not None:
            port, pin = pin_of(self._sheet.sda)
            gpio = self._chip.peripherals[port]
            assert isinstance(gpio, Gpio)  # noqa: S101 - looked at when it was made
            gpio.drive(pin, False if low else None)

    def _note(self, what: str) -> None:
        if self._chip is not None:
            time_s = self._chip.clock.now_s
            self._chip.connections.disturbed(Disturbance(time_s, self._key, f"{self._sheet.bus}: {what}"))


class LossyWire:
    """Loses or damages characters."""

    def __init__(self, key: str, sheet: UartLoss, generator: np.random.Generator, connections: Connections) -> None:
        self._key = key
        self._sheet = sheet
        self._generator = generator
        self._connections = connections

    def carry(self, byte: int, time_s: float) -> int | None:
        """Return what comes out at the other end; None when nothing does."""
        sheet = self._sheet
        if not sheet.covers(time_s) or self._generator.random() >= sheet.probability:
            return byte
        if sheet.effect == "drop":
            self._note(time_s, f"{byte:#04x} lost")
            return None
        damaged = byte ^ 1 << int(self._generator.integers(8))
        self._note(time_s, f"{byte:#04x} turned into {damaged:#04x}")
        return damaged

    def _note(self, time_s: float, what: str) -> None:
        where = f"{self._sheet.port}, {self._sheet.direction}"
        self._connections.disturbed(Disturbance(time_s, self._key, f"{where}: {what}"))
