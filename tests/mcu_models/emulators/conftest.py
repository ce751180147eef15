"""Small Thumb programs on an emulated STM32L4, and single peripherals, without a compiler."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from mcu_models.boards.board import find_board
from mcu_models.emulators.image import FirmwareImage, Segment
from mcu_models.emulators.interrupt_controller import InterruptController
from mcu_models.emulators.peripherals.base import Chip
from mcu_models.emulators.scheduler import Scheduler
from mcu_models.emulators.unicorn_backend import UnicornEmulator
from mcu_models.emulators.virtual_clock import PowerState, VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable

FLASH = 0x08000000
CODE = FLASH + 0x200
HANDLERS = FLASH + 0x400
STACK_TOP = 0x20010000


@pytest.fixture
def make_machine() -> Callable[..., UnicornEmulator]:
    """Return a function that makes an emulator from code and from handlers by exception number."""

    def make(code: bytes, handlers: dict[int, bytes] | None = None) -> UnicornEmulator:
        vectors = [STACK_TOP, CODE | 1] + [0] * 110
        segments = [Segment(CODE, code)]
        for index, (number, body) in enumerate((handlers or {}).items()):
            address = HANDLERS + 0x80 * index
            vectors[number] = address | 1
            segments.append(Segment(address, body))
        segments.append(Segment(FLASH, struct.pack(f"<{len(vectors)}I", *vectors)))
        image = FirmwareImage("test", "0" * 64, tuple(segments), (), {})
        return UnicornEmulator(find_board("stm32l4a6zg"), image)

    return make


class Bench:
    """A chip without a core: peripherals are driven by hand and time passes on demand."""

    def __init__(self, kernel_hz: float = 16e6) -> None:
        hook: Any = SimpleNamespace(cycles=0)
        self.clock = VirtualClock(hook, 16_000_000)
        self.scheduler = Scheduler()
        self.nvic = InterruptController(interrupts=91, priority_bits=4)
        self.chip = Chip(self.clock, self.scheduler, self.nvic, problems={}, board=find_board("stm32l4a6zg").sheet)
        self.chip.tree = SimpleNamespace(clock_of=lambda _name: kernel_hz)

    def pass_s(self, seconds: float) -> None:
        """Let time pass, events in order."""
        end_s = self.clock.now_s + seconds
        while self.scheduler.next_s <= end_s:
            self.clock.sleep_until(self.scheduler.next_s, PowerState("sleep", 16_000_000))
            self.scheduler.run_due(self.clock.now_s)
        self.clock.sleep_until(end_s, PowerState("sleep", 16_000_000))

    def is_pending(self, irq: int) -> bool:
        """Tell whether an interrupt is pending."""
        return 16 + irq in self.nvic.pending


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def make_bench() -> Callable[..., Bench]:
    return Bench


@dataclass
class FakeDevice:
    """An I2C device that counts up from the register it was last pointed at, and notes what it hears."""

    address: int = 0x69
    heard: list[str] = field(default_factory=list)
    times_s: list[float] = field(default_factory=list)
    pointer: int = 0
    acknowledges: bool = True

    def begin(self, time_s: float, *, read: bool) -> bool:
        self.heard.append("read" if read else "write")
        self.times_s.append(time_s)
        return self.acknowledges

    def write(self, time_s: float, byte: int) -> bool:
        self.heard.append(hex(byte))
        self.times_s.append(time_s)
        self.pointer = byte
        return True

    def read(self, time_s: float) -> int:
        self.times_s.append(time_s)
        self.pointer += 1
        return (self.pointer - 1) & 0xFF

    def end(self, time_s: float) -> None:
        self.heard.append("stop")
        self.times_s.append(time_s)


@dataclass
class FakeThermalArray(FakeDevice):
    """One that keeps what is written to a register; its frames, ten a second, are 22 degC and a step more in turn."""

    kept: dict[int, int] = field(default_factory=dict)
    is_pointed: bool = False
    frame: int = 0

    def begin(self, time_s: float, *, read: bool) -> bool:
        self.is_pointed = False
        self.frame = math.floor(time_s * 10)
        return super().begin(time_s, read=read)

    def write(self, time_s: float, byte: int) -> bool:
        self.heard.append(hex(byte))
        self.times_s.append(time_s)
        if self.is_pointed:
            self.kept[self.pointer] = byte
        else:
            self.pointer, self.is_pointed = byte, True
        return True

    def read(self, time_s: float) -> int:
        register = super().read(time_s)
        return self.kept.get(register, 0) if register < 0x80 else (88 + self.frame % 2, 0)[register % 2]


@pytest.fixture
def device() -> FakeDevice:
    return FakeDevice()


@pytest.fixture
def thermal_array() -> FakeThermalArray:
    return FakeThermalArray()
