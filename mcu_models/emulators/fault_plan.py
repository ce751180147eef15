"""What shall go wrong around and in an emulated microcontroller, and when: the tables of a fault plan.

One TOML table array for each kind of fault, `[[i2c_nack]]`, `[[clock_drift]]` and so on; times are virtual seconds
since power-on. What draws lots has a generator of its own, made from the plan's seed, its kind and its number: the
same plan does the same again, and a fault more of one kind leaves those of other kinds as they were.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field, field_validator, model_validator

from datasheet.bad_input import BadInputError
from datasheet.config import Config, read_config

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Seconds = Annotated[float, Field(ge=0.0)]
Count = Annotated[int, Field(ge=1)]
Probability = Annotated[float, Field(gt=0.0, le=1.0)]
Byte = Annotated[int, Field(ge=0, le=0xFF)]
Address = Annotated[int, Field(ge=0, lt=1 << 32)]
I2cAddress = Annotated[int, Field(ge=0, le=0x7F)]
Oscillator = Literal["lse", "lsi", "hse", "hsi", "msi", "csi", "hsi48"]
MAX_FAULTS = 1000


class _Timed(Config):
    """Something that goes wrong from one time to another.

    Attributes:
        from_s: Virtual time at which it may begin.
        until_s: Virtual time from which on it does not; None: until the end.
    """

    from_s: Seconds = 0.0
    until_s: Seconds | None = None

    @model_validator(mode="after")
    def _in_order(self) -> _Timed:
        if self.until_s is not None and self.until_s <= self.from_s:
            raise ValueError("until_s must be above from_s")
        return self

    @property
    def end_s(self) -> float:
        """`until_s`, or infinity."""
        return math.inf if self.until_s is None else self.until_s

    def covers(self, time_s: float) -> bool:
        """Tell whether it goes wrong at `time_s`."""
        return self.from_s <= time_s < self.end_s


class _OnDevice(_Timed):
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


class RamBitFlip(Config):
    """One bit of memory is inverted.

    Attributes:
        at_s: Virtual time.
        address: Of a byte in RAM; either this or `symbol`.
        symbol: Of the image; its address is meant.
        offset: Bytes added to either.
        bit: Bit from there, from 0; beyond 7 it lies in the bytes behind.
    """

    at_s: Seconds
    address: Address | None = None
    symbol: str | None = None
    offset: Annotated[int, Field(ge=0, lt=1 << 32)] = 0
    bit: Annotated[int, Field(ge=0, lt=64)]

    @model_validator(mode="after")
    def _one_of_both(self) -> RamBitFlip:
        if (self.address is None) == (self.symbol is None):
            raise ValueError("needs either address or symbol")
        return self


class RamUpsets(_Timed):
    """Bits of memory are inverted by chance: a Poisson process, each bit alike.

    Attributes:
        memory: Name of a memory in `board.toml`; None: all RAM.
        per_bit_hour: Mean number of upsets of one bit in an hour.
    """

    memory: str | None = None
    per_bit_hour: Annotated[float, Field(gt=0.0)]


class ClockDrift(Config):
    """An oscillator is off its nominal frequency, from a time on.

    Attributes:
        oscillator: Which.
        ppm: Millionths too fast; too slow when negative.
        from_s: Virtual time. The last drift that has begun holds.
    """

    oscillator: Oscillator
    ppm: Annotated[float, Field(ge=-500_000.0, le=500_000.0)]
    from_s: Seconds = 0.0


class UartLoss(_Timed):
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


Fault = I2cNack | I2cData | I2cBrownOut | I2cStuck | RamBitFlip | RamUpsets | ClockDrift | UartLoss


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
    clock_drift: tuple[ClockDrift, ...] = ()
    uart_loss: tuple[UartLoss, ...] = ()

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
