"""What shall go wrong around and in an emulated microcontroller, and when: the tables of a fault plan.

One TOML table array for each kind of fault, `[[i2c_nack]]`, `[[clock_drift]]` and so on; times are virtual seconds
since power-on. What draws lots has a generator of its own, made from the plan's seed, its kind and its number: the
same plan does the same again, and a fault more of one kind leaves those of other kinds as they were.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field, field_validator, model_validator

from datasheet.bad_input import BadInputError
from datasheet.config import Config, read_config
from mcu_models.emulators.fault_sheets import (
    ClockDrift,
    RamBitFlip,
    RamUpsets,
    RegisterBitFlip,
    Seconds,
    Timed,
    WatchdogReset,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Count = Annotated[int, Field(ge=1)]
Probability = Annotated[float, Field(gt=0.0, le=1.0)]
Byte = Annotated[int, Field(ge=0, le=0xFF)]
I2cAddress = Annotated[int, Field(ge=0, le=0x7F)]
MAX_FAULTS = 1000


class _OnDevice(Timed):
    """Something about a device.

    Attributes:
        bus: Name of its bus, such as "I2C1".
        address: Its 7-bit address; None: every device on that bus.
    """

    bus: str
    address: I2cAddress | None = None


class I2cNack(_OnDevice):
    """A device does not acknowledge.

    Attributes:
        byte: Which byte written to it, from 1; None: its address.
        transfer: Which transfer since the plan was injected, from 1: a START or repeated START with the device's
            address begins one. None: each.
        times: So often at most; None: always.
    """

    byte: Count | None = None
    transfer: Count | None = None
    times: Count | None = None


class I2cData(_OnDevice):
    """A device sends wrong bytes.

    Attributes:
        flip: Bits that are inverted.
        value: What is sent instead; either this or `flip`.
        offset: Which byte of a transfer, from 0; None: any.
        transfer: As for `I2cNack`.
        probability: For each byte that is meant.
        times: So many bytes at most; None: all.
    """

    flip: Annotated[int, Field(ge=1, le=0xFF)] | None = None
    value: Byte | None = None
    offset: Annotated[int, Field(ge=0)] | None = None
    transfer: Count | None = None
    probability: Probability = 1.0
    times: Count | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> I2cData:
        if (self.flip is None) == (self.value is None):
            raise ValueError("needs either flip or value")
        return self


class I2cBrownOut(_OnDevice):
    """A device loses its supply at `from_s` and has it again at `until_s`.

    Meanwhile it does not answer. A device with the methods `power_off` and `power_on` forgets its registers, as the
    hardware does; any other goes on as it was.
    """


class I2cStuck(Config):
    """A device holds SDA low, so that no START is possible.

    Attributes:
        bus: Name of the bus.
        from_s: Virtual time at which it begins.
        seconds: How long at most; None: without end.
        clocks: After so many pulses of SCL the device lets go; needs `scl`. None: it does not care.
        scl: Pin with which firmware makes pulses by hand, such as "PB8".
        sda: Pin on which firmware can see the level of SDA.
    """

    bus: str
    from_s: Seconds = 0.0
    seconds: Annotated[float, Field(gt=0.0)] | None = None
    clocks: Count | None = None
    scl: str | None = None
    sda: str | None = None

    @field_validator("scl", "sda")
    @classmethod
    def _pins(cls, pin: str | None) -> str | None:
        if pin is not None:
            pin_of(pin)
        return pin

    @model_validator(mode="after")
    def _sees_clocks(self) -> I2cStuck:
        if self.clocks is not None and self.scl is None:
            raise ValueError("clocks needs scl, the pin they are made with")
        return self


def pin_of(name: str) -> tuple[str, int]:
    """Return port and number of a pin such as "PB8": "GPIOB", 8.

    Raises:
        ValueError: It is no such name.
    """
    port, number = name[1:2], name[2:]
    if name[:1] != "P" or not "A" <= port <= "K" or number not in {str(n) for n in range(16)}:
        raise ValueError('must be a pin such as "PB8"')
    return f"GPIO{port}", int(number)


class UartLoss(Timed):
    """Characters are lost or damaged on the wire between two UARTs.

    Attributes:
        port: Name of the UART, such as "USART2".
        direction: "sent" by the chip or "received" by it.
        effect: "drop" loses a character, "corrupt" inverts one of its bits. A broken wire drops all.
        probability: For each character.
    """

    port: str
    direction: Literal["sent", "received"]
    effect: Literal["drop", "corrupt"] = "drop"
    probability: Probability = 1.0


Fault = (
    I2cNack
    | I2cData
    | I2cBrownOut
    | I2cStuck
    | RamBitFlip
    | RamUpsets
    | RegisterBitFlip
    | ClockDrift
    | UartLoss
    | WatchdogReset
)


class FaultPlan(Config):
    """Everything that shall go wrong.

    Attributes:
        seed: Of all that is left to chance.
    """

    seed: Annotated[int, Field(ge=0)] = 1
    i2c_nack: tuple[I2cNack, ...] = ()
    i2c_data: tuple[I2cData, ...] = ()
    i2c_brown_out: tuple[I2cBrownOut, ...] = ()
    i2c_stuck: tuple[I2cStuck, ...] = ()
    ram_bit_flip: tuple[RamBitFlip, ...] = ()
    ram_upsets: tuple[RamUpsets, ...] = ()
    register_bit_flip: tuple[RegisterBitFlip, ...] = ()
    clock_drift: tuple[ClockDrift, ...] = ()
    uart_loss: tuple[UartLoss, ...] = ()
    watchdog_reset: tuple[WatchdogReset, ...] = ()

    @model_validator(mode="after")
    def _not_too_many(self) -> FaultPlan:
        if sum(1 for _ in self.faults()) > MAX_FAULTS:
            raise ValueError(f"must hold {MAX_FAULTS} faults at most")
        return self

    def faults(self) -> Iterator[tuple[str, Fault]]:
        """Yield every fault with its key, such as "i2c_nack[0]"."""
        for kind in type(self).model_fields:
            if kind != "seed":
                yield from ((f"{kind}[{index}]", fault) for index, fault in enumerate(getattr(self, kind)))

    def generator(self, key: str) -> np.random.Generator:
        """Return the generator of the fault with this key, as it is at power-on."""
        return np.random.default_rng([self.seed, *key.encode()])


def read_fault_plan(path: Path) -> FaultPlan:
    """Return the fault plan at `path`.

    Raises:
        BadInputError: With the first thing that is wrong: file, key, value, and what is allowed.
    """
    plan = read_config(path, FaultPlan)
    if not any(True for _ in plan.faults()):
        kinds = ", ".join(f"[[{kind}]]" for kind in FaultPlan.model_fields if kind != "seed")
        raise BadInputError(path, "", None, f"holds no fault; tables are {kinds}")
    return plan
