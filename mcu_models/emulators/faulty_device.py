"""An I2C device that can be made to refuse, to lie and to lose its supply."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from mcu_models.emulators.connections import Disturbance

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from mcu_models.emulators.connections import Connections
    from mcu_models.emulators.fault_plan import I2cBrownOut, I2cData, I2cNack
    from mcu_models.emulators.peripherals.base import Chip
    from mcu_models.emulators.port import I2cDevice

ADDRESS = 0
"""Stands for the address where bytes written count from 1."""
RELEASED_BUS = 0xFF
"""What is read while nobody drives SDA."""


@runtime_checkable
class Supplied(Protocol):
    """A device that knows what a power cycle does to it."""

    def power_off(self, time_s: float) -> None:
        """Cut the supply."""

    def power_on(self, time_s: float) -> None:
        """Restore the supply: everything as after power-on."""


class Refusal:
    """The state of one `I2cNack`."""

    def __init__(self, key: str, sheet: I2cNack) -> None:
        self.key = key
        self._sheet = sheet
        self._left = math.inf if sheet.times is None else sheet.times

    def happens(self, time_s: float, transfer: int, byte: int) -> bool:
        """Tell whether this byte, or address, is not acknowledged."""
        sheet = self._sheet
        meant = byte == (ADDRESS if sheet.byte is None else sheet.byte) and sheet.transfer in (None, transfer)
        if not meant or not sheet.covers(time_s) or self._left <= 0:
            return False
        self._left -= 1
        return True


class Lie:
    """The state of one `I2cData`."""

    def __init__(self, key: str, sheet: I2cData, generator: np.random.Generator) -> None:
        self.key = key
        self._sheet = sheet
        self._generator = generator
        self._left = math.inf if sheet.times is None else sheet.times

    def told(self, time_s: float, transfer: int, offset: int, byte: int) -> int:
        """Return what is sent instead of `byte`."""
        sheet = self._sheet
        meant = sheet.offset in (None, offset) and sheet.transfer in (None, transfer)
        if not meant or not sheet.covers(time_s) or self._left <= 0:
            return byte
        if self._generator.random() >= sheet.probability:
            return byte
        self._left -= 1
        return byte ^ (sheet.flip or 0) if sheet.value is None else sheet.value


class FaultyDevice:
    """Stands between a device and its bus.

    Args:
        device: The device.
        connections: Where what happens is noted.
    """

    def __init__(self, device: I2cDevice, connections: Connections) -> None:
        self.device = device
        self.refusals: list[Refusal] = []
        self.lies: list[Lie] = []
        self._connections = connections
        self._outages = 0
        self._transfer = 0
        self._byte = 0

    @property
    def address(self) -> int:
        """7-bit address."""
        return self.device.address

    def begin(self, time_s: float, *, read: bool) -> bool:
        """Take the address phase; a device that does not acknowledge has not noticed it."""
        self._transfer += 1
        self._byte = 0
        return self._takes(time_s, ADDRESS) and self.device.begin(time_s, read=read)

    def write(self, time_s: float, byte: int) -> bool:
        """Take one byte; one that is not acknowledged does not reach the device."""
        self._byte += 1
        return self._takes(time_s, self._byte) and self.device.write(time_s, byte)

    def read(self, time_s: float) -> int:
        """Give the next byte, true or not."""
        offset = self._byte
        self._byte += 1
        if self._outages:
            return RELEASED_BUS
        byte = self.device.read(time_s)
        for lie in self.lies:
            told = lie.told(time_s, self._transfer, offset, byte)
            if told != byte:
                self._note(time_s, lie.key, f"byte {offset} sent as {told:#04x} instead of {byte:#04x}")
            byte = told
        return byte

    def end(self, time_s: float) -> None:
        """Take the STOP condition."""
        if not self._outages:
            self.device.end(time_s)

    def lose_supply(self, time_s: float) -> None:
        """Be without supply."""
        self._outages += 1
        if self._outages == 1 and isinstance(self.device, Supplied):
            self.device.power_off(time_s)

    def regain_supply(self, time_s: float) -> None:
        """Have the supply back, unless something else still keeps it away."""
        self._outages -= 1
        if self._outages == 0 and isinstance(self.device, Supplied):
            self.device.power_on(time_s)

    def _takes(self, time_s: float, byte: int) -> bool:
        if self._outages:
            return False
        refusal = next((one for one in self.refusals if one.happens(time_s, self._transfer, byte)), None)
        if refusal is not None:
            what = "its address" if byte == ADDRESS else f"byte {byte}"
            self._note(time_s, refusal.key, f"{what} not acknowledged in transfer {self._transfer}")
        return refusal is None

    def _note(self, time_s: float, key: str, what: str) -> None:
        self._connections.disturbed(Disturbance(time_s, key, f"device {self.address:#04x}: {what}"))


class BrownOut:
    """Takes the supply from devices and gives it back."""

    def __init__(self, key: str, sheet: I2cBrownOut, devices: Sequence[FaultyDevice]) -> None:
        self._key = key
        self._marks_s = (sheet.from_s, sheet.end_s, math.inf)
        self._stage = 0
        self._devices = tuple(devices)
        self._chip: Chip | None = None

    def plug_in(self, chip: Chip) -> None:
        """Plan what is still to come; the devices' supply is not the chip's."""
        self._chip = chip
        if not math.isinf(self._marks_s[self._stage]):
            chip.scheduler.at(self._marks_s[self._stage], self, self._act)

    def _act(self) -> None:
        assert self._chip is not None  # noqa: S101 - it has been plugged in
        self._stage += 1
        time_s = self._chip.clock.now_s
        for device in self._devices:
            if self._stage == 1:
                device.lose_supply(time_s)
            else:
                device.regain_supply(time_s)
        names = ", ".join(f"{device.address:#04x}" for device in self._devices)
        what = "without supply" if self._stage == 1 else "supplied again"
        self._chip.connections.disturbed(Disturbance(time_s, self._key, f"device {names}: {what}"))
        self.plug_in(self._chip)
