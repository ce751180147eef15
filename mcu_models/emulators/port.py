"""What an emulator offers and what it needs from outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcu_models.emulators.frame_source import FrameSource
    from mcu_models.emulators.virtual_clock import PowerState, StateSpan

End = Literal["until", "seconds", "fault", "halt"]
GAVE_UP = "gave up"
"""How the detail of a run begins that was ended from outside before its time."""


class I2cDevice(Protocol):
    """A device on an I2C bus, byte by byte, in virtual time."""

    @property
    def address(self) -> int:
        """7-bit address the device answers to."""

    def begin(self, time_s: float, *, read: bool) -> bool:
        """Take the address phase (a repeated start calls it again); return whether it is acknowledged."""

    def write(self, time_s: float, byte: int) -> bool:
        """Take one byte; return whether it is acknowledged."""

    def read(self, time_s: float) -> int:
        """Give the next byte."""

    def end(self, time_s: float) -> None:
        """Take the STOP condition."""


@dataclass(frozen=True)
class FlashTiming:
    """How the flash interface is set up: wait states, prefetch and the two caches in front of it."""

    wait_states: int
    prefetch: bool
    instruction_cache: bool
    data_cache: bool


@dataclass(frozen=True)
class UartLine:
    """One line of text, and when its last character had left the transmitter."""

    time_s: float
    text: str


@dataclass(frozen=True)
class PinEdge:
    """A pin that firmware drives has changed its level, as a logic analyser at the board's header sees it.

    A pin counts as high while it is an output and its level is high, else as low; so edges of one pin alternate and
    begin with a rising one. A pin that stops being an output, by firmware or in a reset, falls if it was high: what it
    floats to is not modelled. Pins that a peripheral drives (alternate functions) give no edges.

    Attributes:
        time_s: Virtual time since power-on.
        port: Such as "GPIOA".
        pin: 0 to 15.
        high: Whether it has risen.
    """

    time_s: float
    port: str
    pin: int
    high: bool


@dataclass(frozen=True)
class RunOutcome:
    """How an emulated run ended, and what it took.

    Attributes:
        end: "until" the awaited text came, "seconds" the time was up, "fault" the core cannot go on, "halt" it
            waits for an interrupt that cannot come or met a breakpoint.
        instructions: Instructions executed.
        cycles: Core cycles executed, sleeping excluded.
        virtual_s: Virtual time since power-on.
        sleep_s: Of which the core slept, in any mode.
        detail: One line about a fault, a halt or a run that was given up; empty otherwise.
    """

    end: End
    instructions: int
    cycles: int
    virtual_s: float
    sleep_s: float
    detail: str

    @property
    def gave_up(self) -> bool:
        """Whether the run was ended from outside, before its time."""
        return self.end == "seconds" and self.detail.startswith(GAVE_UP)


class Emulator(Protocol):
    """A microcontroller that runs an image in virtual time."""

    @property
    def now_s(self) -> float:
        """Virtual time since power-on."""

    @property
    def problems(self) -> tuple[str, ...]:
        """Accesses the hardware would not honour or that are not modelled, each once."""

    def attach_i2c(self, bus: str, device: I2cDevice) -> None:
        """Put `device` on the I2C bus named `bus`, such as "I2C1"."""

    def attach_camera(self, port: str, source: FrameSource) -> None:
        """Put a camera on the parallel port named `port`, such as "DCMI"."""

    def run(self, *, until_s: float, until_text: str | None = None) -> RunOutcome:
        """Run until virtual time `until_s`, or until what a UART sends contains `until_text`."""

    def on_uart_line(self, listener: Callable[[UartLine], None]) -> None:
        """Call `listener` with every line, at the virtual time at which it is complete."""

    def on_pin_edge(self, listener: Callable[[PinEdge], None]) -> None:
        """Call `listener` with every edge of a pin that firmware drives, at its virtual time."""

    def uart_lines(self, port: str | None = None) -> list[UartLine]:
        """Return the complete lines sent so far, of one UART or of all."""

    def send_uart(self, text: str, port: str | None = None) -> None:
        """Let `text` arrive at the receiver of a UART."""

    def residency_s(self) -> Mapping[PowerState, float]:
        """Return the seconds spent in each power state."""

    def recent_spans(self) -> tuple[StateSpan, ...]:
        """Return the last few stretches of time by power state."""
