"""IWDG and WWDG: keys, windows, and resets."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import pytest

from mcu_models.boards.board import PeripheralSheet
from mcu_models.emulators.peripherals.watchdogs import Iwdg, Wwdg

if TYPE_CHECKING:
    from collections.abc import Callable

KR, PR, RLR, SR, WINR = 0x00, 0x04, 0x08, 0x0C, 0x10
START, REFRESH, UNLOCK = 0xCCCC, 0xAAAA, 0x5555
# Starts the IWDG, sets a period of 1.25 ms, refreshes once, loops for ever.
STARVE_WATCHDOG = struct.pack(
    "<12H4I", 0x4805, 0x4906, 0x6001, 0x4906, 0x6001, 0x2100, 0x6041, 0x2109, 0x6081, 0x4904, 0x6001, 0xE7FE,
    0x40003000, START, UNLOCK, REFRESH,
)  # fmt: skip


@pytest.fixture
def causes(bench: Any) -> list[str]:
    asked: list[str] = []
    bench.chip.on_reset_request = asked.append
    return asked


def make_iwdg(bench: Any) -> Iwdg:
    return Iwdg("IWDG", bench.chip, PeripheralSheet(type="iwdg", base=0x40003000))


def make_wwdg(bench: Any, prescaler: int = 0) -> Wwdg:
    wwdg = Wwdg("WWDG", bench.chip, PeripheralSheet(type="wwdg", base=0x40002C00, irqs=(0,)))
    wwdg.write(0x04, 4, 0x7F | prescaler << 7)
    return wwdg


class TestIndependent:
    def start(self, bench: Any, window: int | None = None) -> Iwdg:
        """A tick of 1 ms (LSI 32 kHz by 32), 100 ticks."""
        iwdg = make_iwdg(bench)
        iwdg.write(KR, 4, START)
        iwdg.write(KR, 4, UNLOCK)
        iwdg.write(PR, 4, 3)
        iwdg.write(RLR, 4, 99)
        if window is not None:
            iwdg.write(WINR, 4, window)
        while iwdg.read(SR, 4):
            bench.pass_s(1e-3)
        if window is None:  # writing the window has refreshed it
            iwdg.write(KR, 4, REFRESH)
        return iwdg

    def test_it_asks_for_a_reset_after_its_period(self, bench: Any, causes: list[str]) -> None:
        self.start(bench)
        bench.pass_s(0.0995)
        assert causes == []
        bench.pass_s(0.001)
        assert causes == ["iwdg"]

    def test_refreshing_in_time_keeps_it_quiet(self, bench: Any, causes: list[str]) -> None:
        iwdg = self.start(bench)
        for _ in range(10):
            bench.pass_s(0.099)
            iwdg.write(KR, 4, REFRESH)
        assert causes == []

    def test_refreshing_before_the_window_opens_is_too_early(self, bench: Any, causes: list[str]) -> None:
        iwdg = self.start(bench, window=50)
        bench.pass_s(0.060)
        iwdg.write(KR, 4, REFRESH)
        assert causes == []
        bench.pass_s(0.020)
        iwdg.write(KR, 4, REFRESH)
        assert causes == ["iwdg"]

    def test_settings_need_the_key(self, bench: Any) -> None:
        iwdg = make_iwdg(bench)
        iwdg.write(RLR, 4, 10)
        assert iwdg.read(RLR, 4) == 0xFFF
        assert any("without the key" in problem for problem in bench.chip.problems)

    def test_it_is_off_until_started(self, bench: Any, causes: list[str]) -> None:
        iwdg = make_iwdg(bench)
        iwdg.write(KR, 4, REFRESH)
        bench.pass_s(60.0)
        assert causes == []

    def test_without_anyone_to_reset_the_chip_it_is_reported(self, bench: Any) -> None:
        make_iwdg(bench).write(KR, 4, START)
        bench.pass_s(1.0)
        assert list(bench.chip.problems) == ["reset requested by iwdg"]

    def test_firmware_that_starves_it_is_reset(self, make_machine: Callable[..., Any]) -> None:
        """Refreshed once; the reset comes ten ticks of 125 us later, and firmware begins anew."""
        machine = make_machine(STARVE_WATCHDOG)
        machine.run(until_s=0.01)
        assert set(machine.resets) == {"iwdg"}
        assert machine.problems == ()
        assert machine.peripheral("RCC").registers[0x94] >> 26 & 0x3F == 0b001011


class TestWindow:
    """The tick is 256 us: 16 MHz by 4096."""

    def test_it_asks_for_a_reset_when_bit_six_falls(self, bench: Any, causes: list[str]) -> None:
        wwdg = make_wwdg(bench)
        wwdg.write(0x00, 4, 0xFF)
        bench.pass_s(63.9 * 256e-6)
        assert causes == []
        assert wwdg.read(0x00, 4) == 0xC0
        bench.pass_s(0.2 * 256e-6)
        assert causes == ["wwdg"]

    def test_the_early_interrupt_comes_a_tick_before(self, bench: Any, causes: list[str]) -> None:
        wwdg = make_wwdg(bench)
        wwdg.write(0x04, 4, 0x7F | 1 << 9)
        wwdg.write(0x00, 4, 0xFF)
        bench.pass_s(63.1 * 256e-6)
        assert bench.is_pending(0)
        wwdg.write(0x00, 4, 0xFF)
        bench.pass_s(10 * 256e-6)
        assert causes == []

    def test_a_refresh_above_the_window_is_too_early(self, bench: Any, causes: list[str]) -> None:
        wwdg = make_wwdg(bench)
        wwdg.write(0x04, 4, 0x50)
        wwdg.write(0x00, 4, 0xFF)
        bench.pass_s(10.5 * 256e-6)
        wwdg.write(0x00, 4, 0xFF)
        assert causes == ["wwdg"]

    def test_the_prescaler_stretches_the_tick(self, bench: Any, causes: list[str]) -> None:
        make_wwdg(bench, prescaler=3).write(0x00, 4, 0xFF)
        bench.pass_s(8 * 63.9 * 256e-6)
        assert causes == []
        bench.pass_s(8 * 0.2 * 256e-6)
        assert causes == ["wwdg"]
