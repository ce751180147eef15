"""From which ranges the parameters of a campaign's faults are drawn: a table for each kind of fault."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from datasheet.config import Config
from mcu_models.emulators.fault_plan import Byte, Count, Probability, pin_of
from mcu_models.emulators.fault_sheets import CoreRegister, Oscillator


def _in_order(span: tuple[float, float]) -> tuple[float, float]:
    if span[0] > span[1]:
        raise ValueError("must be [lowest, highest]")
    return span


Duration = Annotated[float, Field(gt=0.0, le=3600.0)]
Durations = Annotated[tuple[Duration, Duration], AfterValidator(_in_order)]
Probabilities = Annotated[tuple[Probability, Probability], AfterValidator(_in_order)]
Counts = Annotated[tuple[Count, Count], AfterValidator(_in_order)]
Ppm = Annotated[float, Field(ge=-500_000.0, le=500_000.0)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Bit = Annotated[int, Field(ge=0, le=7)]
LARGEST_SHARE = 1e6
"""More than anybody means, and nothing that overflows."""


class FaultRange(Config):
    """One kind of fault.

    Attributes:
        count: How many; None: its share of what the others leave of the campaign's total.
        share: Of that total, relative to those of the other kinds.
    """

    count: Annotated[int, Field(ge=0)] | None = None
    share: Annotated[float, Field(ge=0.0, le=LARGEST_SHARE)] = 1.0

    @property
    def longest_s(self) -> float:
        """How long one of them may last; 0 where it is over at once, or never."""
        return 0.0


class LastingFault(FaultRange):
    """A fault that lasts for a time and is gone then.

    Attributes:
        seconds: Shortest and longest; each ratio within is as likely (log-uniform).
    """

    seconds: Durations = (0.02, 2.0)

    @property
    def longest_s(self) -> float:
        """How long one of them may last."""
        return self.seconds[1]


class NackRange(LastingFault):
    """Something is not acknowledged, once or as often as it is sent within a time.

    Attributes:
        bytes: Which byte: 0 the address, from 1 what is written.
        once_share: Share of the faults that happen once.
    """

    bytes: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)] = (0, 1, 2)
    once_share: Share = 0.3


class StuckRange(LastingFault):
    """SDA is held low until it has been clocked or a time has passed.

    Attributes:
        clocks: Fewest and most pulses of SCL that free it, where it is freed by clocks.
        clocked_share: Share of the faults that are; they need `scl`.
        scl: Pin of SCL, such as "PB8".
        sda: Pin of SDA.
    """

    clocks: Counts = (1, 9)
    clocked_share: Share = 0.5
    scl: str | None = None
    sda: str | None = None

    @model_validator(mode="after")
    def _pins_are_pins(self) -> StuckRange:
        for pin in (self.scl, self.sda):
            if pin is not None:
                pin_of(pin)
        return self


class BrownOutRange(LastingFault):
    """The device loses its supply for a time, and its registers with it."""

    seconds: Durations = (0.01, 2.0)


class DataRange(LastingFault):
    """The device sends wrong bytes for a time.

    Attributes:
        probability: Lowest and highest, for each byte; log-uniform.
        bits: Which bits are inverted; one in each fault.
        values: What is sent instead, in the other faults.
        value_share: Share of those.
    """

    seconds: Durations = (0.1, 1.0)
    probability: Probabilities = (0.01, 1.0)
    bits: Annotated[tuple[Bit, ...], Field(min_length=1)] = tuple(range(8))
    values: Annotated[tuple[Byte, ...], Field(min_length=1)] = (0x00, 0xFF)
    value_share: Share = 0.3


class FlipRange(FaultRange):
    """One bit is inverted.

    Attributes:
        awake_share: Share of the faults that begin while the core runs; the others begin at any time, which for most
            firmware is in its sleep.
    """

    awake_share: Share = 0.5


class RamFlipRange(FlipRange):
    """One bit of memory is inverted.

    Attributes:
        symbols: Variables of the image; None with `memories` None: all that it has in RAM, and the stack.
        memories: Memories of the board, such as "sram1".
        stack_bytes: How much below the initial stack pointer counts as stack.
        each: What is as likely as another: a bit, as silicon has it, or a variable, whatever its size, as finds more.
    """

    symbols: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    memories: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    stack_bytes: Annotated[int, Field(ge=0, le=1 << 16)] = 512
    each: Literal["bit", "variable"] = "bit"


class RegisterFlipRange(FlipRange):
    """One bit of a core register is inverted.

    Attributes:
        names: Which registers and flags; a register is as likely as another, and so is a bit of it.
    """

    names: Annotated[tuple[CoreRegister, ...], Field(min_length=1)] = (
        *("r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12"),
        *("sp", "lr", "pc", "n", "z", "c", "v"),
    )


class DriftRange(FaultRange):
    """An oscillator is off from a moment on, for good.

    Attributes:
        oscillators: Which; None: all that the chip has.
        ppm: Lowest and highest.
    """

    oscillators: Annotated[tuple[Oscillator, ...], Field(min_length=1)] | None = None
    ppm: Annotated[tuple[Ppm, Ppm], AfterValidator(_in_order)] = (-20_000.0, 20_000.0)


class UartRange(LastingFault):
    """Characters that the firmware sends are lost or damaged for a time.

    Attributes:
        port: Which UART; None: the one on which answers come.
        effects: What happens to them.
        probability: Lowest and highest, for each character; log-uniform.
    """

    seconds: Durations = (0.1, 2.0)
    port: str | None = None
    effects: Annotated[tuple[Literal["drop", "corrupt"], ...], Field(min_length=1)] = ("drop", "corrupt")
    probability: Probabilities = (0.1, 1.0)


class WatchdogRange(FaultRange):
    """The chip is reset as its independent watchdog would."""
