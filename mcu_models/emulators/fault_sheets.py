"""What shall go wrong in the chip itself: bits of memory and of core registers, oscillators, a watchdog that bites.

Tables of a fault plan (`fault_plan.py`), as those of buses and wires are; times are virtual seconds since power-on.
"""

from __future__ import annotations

import math
from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from datasheet.config import Config

Seconds = Annotated[float, Field(ge=0.0)]
Address = Annotated[int, Field(ge=0, lt=1 << 32)]
Oscillator = Literal["lse", "lsi", "hse", "hsi", "msi", "csi", "hsi48"]
CoreRegister = Literal[
    "r0",
    "r1",
    "r2",
    "r3",
    "r4",
    "r5",
    "r6",
    "r7",
    "r8",
    "r9",
    "r10",
    "r11",
    "r12",
    "sp",
    "lr",
    "pc",
    "n",
    "z",
    "c",
    "v",
]
FLAGS: Final = ("n", "z", "c", "v")
"""The condition flags, a bit each."""
FIRST_BITS: Final = {"sp": 2, "pc": 1}
"""Lowest bit there is: those below are always zero (DDI 0403E, B1.4.1)."""


class Timed(Config):
    """Something that goes wrong from one time to another.

    Attributes:
        from_s: Virtual time at which it may begin.
        until_s: Virtual time from which on it does not; None: until the end.
    """

    from_s: Seconds = 0.0
    until_s: Seconds | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Timed:
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


class RamUpsets(Timed):
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


class RegisterBitFlip(Config):
    """One bit of a core register is inverted, before the first block of code that begins at its time or later.

    Attributes:
        at_s: Virtual time.
        name: r0 to r12, sp (the stack pointer in use), lr, pc (of the next instruction), or a condition flag: n, z,
            c or v.
        bit: From 0; sp begins at 2 and pc at 1, for what lies below is always zero. A flag has none.
    """

    at_s: Seconds
    name: CoreRegister
    bit: Annotated[int, Field(ge=0, lt=32)] | None = None

    @model_validator(mode="after")
    def _bit_is_there(self) -> RegisterBitFlip:
        if (self.bit is None) != (self.name in FLAGS):
            raise ValueError("needs bit, unless name is a flag")
        if self.bit is not None and self.bit < FIRST_BITS.get(self.name, 0):
            raise ValueError(f"bit of {self.name} must be {FIRST_BITS[self.name]} or above")
        return self


class WatchdogReset(Config):
    """The chip is reset as its independent watchdog would: RAM keeps its contents, the cause can be read.

    Attributes:
        at_s: Virtual time.
    """

    at_s: Seconds
