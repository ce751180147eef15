"""RTC: calendar, wake-up timer, alarms, and what a reset leaves alone."""

from __future__ import annotations

import struct
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcu_models.boards.board import PeripheralSheet
from mcu_models.emulators.peripherals.base import Chip
from mcu_models.emulators.peripherals.exti import ExtiL4
from mcu_models.emulators.peripherals.rtc import Rtc

if TYPE_CHECKING:
    from collections.abc import Callable

TR, DR, CR, ISR, PRER, WUTR, ALRMAR, WPR, SSR, BKP0R = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x14, 0x1C, 0x24, 0x28, 0x50
WUTWF, RSF, INITF, INIT, ALRAF, WUTF = 1 << 2, 1 << 5, 1 << 6, 1 << 7, 1 << 8, 1 << 10
ALRAE, WUTE, ALRAIE, WUTIE = 1 << 8, 1 << 10, 1 << 12, 1 << 14
WAKEUP_LINE, ALARM_LINE = 20, 18
# Sets SLEEPDEEP, enables interrupt 3 (RTC_WKUP), sleeps for ever.
SLEEP_DEEPLY = struct.pack(
    "<8H2I", 0x4803, 0x2104, 0x6001, 0x4803, 0x2108, 0x6001, 0xBF30, 0xE7FD, 0xE000ED10, 0xE000E100
)
# Clears the pending bit of EXTI line 20 and WUTF, adds one to [RAM].
COUNT_WAKE_UPS = struct.pack(
    "<12H5I", 0x4805, 0x4906, 0x6001, 0x4806, 0x4906, 0x6001, 0x4806, 0x6801, 0x3101, 0x6001, 0x4770, 0xBF00,
    0x40010414, 1 << 20, 0x4000280C, 0x3B7F, 0x20000000,
)  # fmt: skip
SHEET = PeripheralSheet(type="rtc", base=0x40002800, options={"wakeup_line": WAKEUP_LINE, "alarm_line": ALARM_LINE})


@pytest.fixture
def bench(make_bench: Callable[..., Any]) -> Any:
    return make_bench(32768.0)


@pytest.fixture
def rtc(bench: Any) -> Rtc:
    return make(bench)


def make(bench: Any) -> Rtc:
    rtc = Rtc("RTC", bench.chip, SHEET)
    rtc.clock_changed()
    unlock(rtc)
    return rtc


def unlock(rtc: Rtc) -> None:
    rtc.write(WPR, 4, 0xCA)
    rtc.write(WPR, 4, 0x53)


def set_calendar(rtc: Rtc, bench: Any, time: int, date: int) -> None:
    rtc.write(ISR, 4, INIT)
    while not rtc.read(ISR, 4) & INITF:
        bench.pass_s(1e-5)
    rtc.write(TR, 4, time)
    rtc.write(DR, 4, date)
    rtc.write(ISR, 4, 0)


class TestCalendar:
    @pytest.mark.parametrize(
        ("time", "date", "seconds", "later"),
        [
            (0x235959, 0x24C228, 1, (0x000000, 0x24E229)),
            (0x235959, 0x240228, 1, (0x000000, 0x248229)),
            (0x235959, 0x236228, 1, (0x000000, 0x238301)),
            (0x235959, 0x99F231, 0, (0x235959, 0x99F231)),
            (0x120000, 0x25C101, 86400 * 30, (0x120000, 0x25E131)),
        ],
    )
    def test_seconds_carry_into_minutes_days_and_leap_years(
        self, rtc: Rtc, bench: Any, time: int, date: int, seconds: int, later: tuple[int, int]
    ) -> None:
        set_calendar(rtc, bench, time, date)
        bench.pass_s(seconds + 0.5)
        assert rtc.read(TR, 4) == later[0]
        assert rtc.read(DR, 4) & 0xFF1FFF == later[1] & 0xFF1FFF

    def test_weekdays_follow_the_date(self, rtc: Rtc, bench: Any) -> None:
        """The second of January 2024 was a Tuesday."""
        set_calendar(rtc, bench, 0x235959, 0x242101)
        bench.pass_s(1.5)
        assert rtc.read(DR, 4) >> 13 & 7 == 2

    def test_twelve_hours(self, rtc: Rtc, bench: Any) -> None:
        rtc.write(CR, 4, 1 << 6)
        set_calendar(rtc, bench, 0x115959, 0x242101)
        bench.pass_s(1.5)
        assert rtc.read(TR, 4) == 1 << 22 | 0x120000

    def test_subseconds_count_down(self, rtc: Rtc, bench: Any) -> None:
        set_calendar(rtc, bench, 0, 0x242101)
        bench.pass_s(0.25)
        assert rtc.read(SSR, 4) == 255 - 64

    def test_the_calendar_is_set_in_initialisation_mode_only(self, rtc: Rtc, bench: Any) -> None:
        rtc.write(TR, 4, 0x111111)
        assert rtc.read(TR, 4) == 0
        assert any("outside initialisation mode" in problem for problem in bench.chip.problems)

    def test_shadow_registers_are_synchronised_after_two_clocks(self, rtc: Rtc, bench: Any) -> None:
        rtc.write(ISR, 4, 0)
        assert not rtc.read(ISR, 4) & RSF
        bench.pass_s(2.1 / 32768)
        assert rtc.read(ISR, 4) & RSF

    @given(seconds=st.integers(0, 3 * 10**7))
    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_time_of_day_is_the_seconds_modulo_a_day(self, make_bench: Callable[..., Any], seconds: int) -> None:
        bench = make_bench(32768.0)
        rtc = make(bench)
        set_calendar(rtc, bench, 0, 0x242101)
        bench.pass_s(seconds + 0.25)
        time = rtc.read(TR, 4)
        hours, minutes, rest = (int(f"{time >> shift & 0xFF:x}") for shift in (16, 8, 0))
        assert hours * 3600 + minutes * 60 + rest == seconds % 86400


class TestProtection:
    def test_registers_are_closed_until_both_keys_have_come(self, bench: Any) -> None:
        rtc = Rtc("RTC", bench.chip, SHEET)
        rtc.write(WPR, 4, 0xCA)
        rtc.write(CR, 4, 1 << 6)
        assert rtc.read(CR, 4) == 0
        assert any("write-protected" in problem for problem in bench.chip.problems)
        unlock(rtc)
        rtc.write(CR, 4, 1 << 6)
        assert rtc.read(CR, 4) == 1 << 6
        rtc.write(WPR, 4, 0xFF)
        rtc.write(CR, 4, 0)
        assert rtc.read(CR, 4) == 1 << 6

    def test_the_backup_domain_is_closed_until_dbp_is_set(self, rtc: Rtc, bench: Any) -> None:
        bench.chip.power = SimpleNamespace(backup_writable=False)
        rtc.write(BKP0R, 4, 0x1234)
        assert rtc.read(BKP0R, 4) == 0
        bench.chip.power = SimpleNamespace(backup_writable=True)
        rtc.write(BKP0R, 4, 0x1234)
        assert rtc.read(BKP0R, 4) == 0x1234


class TestWakeUp:
    @pytest.mark.parametrize(
        ("choice", "reload", "period_s"),
        [(0, 2047, 1.0), (3, 16383, 1.0), (4, 0, 1.0), (4, 9, 10.0), (6, 0, 65537.0)],
    )
    def test_it_comes_every_period(self, rtc: Rtc, bench: Any, choice: int, reload: int, period_s: float) -> None:
        edges = ExtiL4("EXTI", bench.chip, PeripheralSheet(type="exti_l4", base=0x40010400, irqs=tuple(range(11))))
        edges.write(0x00, 4, 1 << WAKEUP_LINE)
        edges.write(0x08, 4, 1 << WAKEUP_LINE)
        rtc.write(WUTR, 4, reload)
        rtc.write(CR, 4, WUTE | WUTIE | choice)
        bench.pass_s(0.999 * period_s)
        assert not bench.is_pending(10)
        bench.pass_s(0.002 * period_s)
        assert bench.is_pending(10)
        assert rtc.read(ISR, 4) & WUTF
        rtc.write(ISR, 4, ~WUTF)
        edges.write(0x14, 4, 1 << WAKEUP_LINE)
        bench.nvic.unpend(16 + 10)
        bench.pass_s(period_s)
        assert bench.is_pending(10)
        assert bench.chip.woken

    def test_the_reload_is_written_while_it_is_off(self, rtc: Rtc, bench: Any) -> None:
        rtc.write(CR, 4, WUTE)
        rtc.write(WUTR, 4, 9)
        assert rtc.read(WUTR, 4) == 0xFFFF
        rtc.write(CR, 4, 0)
        assert not rtc.read(ISR, 4) & WUTWF
        bench.pass_s(1e-3)
        rtc.write(WUTR, 4, 9)
        assert rtc.read(WUTR, 4) == 9


class TestAlarm:
    @pytest.mark.parametrize(
        ("alarm", "after_s"),
        [
            (0x80808080, 1),
            (0x80808010, 10),
            (0x80800500, 300),
            (0x81808080, 1),
            (0x80010000, 3600),
            (0x02000000, 86400),
            (0x43000000, 2 * 86400),
        ],
    )
    def test_it_comes_when_all_that_is_not_masked_matches(self, rtc: Rtc, bench: Any, alarm: int, after_s: int) -> None:
        """From Monday, 1 January 2024, 0:00: each second, second 10, 0:05, an hour, the second, Wednesday."""
        rtc.write(ALRMAR, 4, alarm)
        rtc.write(CR, 4, ALRAE)
        set_calendar(rtc, bench, 0, 0x242101)
        bench.pass_s(after_s - 0.5)
        assert not rtc.read(ISR, 4) & ALRAF
        bench.pass_s(1.0)
        assert rtc.read(ISR, 4) & ALRAF

    def test_without_lines_it_interrupts_by_itself(self, bench: Any) -> None:
        rtc = Rtc("RTC", bench.chip, PeripheralSheet(type="rtc", base=0x40002800, irqs=(3, 41)))
        rtc.clock_changed()
        unlock(rtc)
        rtc.write(ALRMAR, 4, 0x80808080)
        rtc.write(CR, 4, ALRAE | ALRAIE)
        bench.pass_s(1.1)
        assert bench.is_pending(41)
        assert not bench.is_pending(3)


def test_a_reset_of_the_system_leaves_it_running(rtc: Rtc, bench: Any) -> None:
    set_calendar(rtc, bench, 0x100000, 0x242101)
    rtc.write(BKP0R, 4, 0xCAFE)
    bench.pass_s(60.5)
    chip = Chip(bench.clock, bench.scheduler, bench.nvic, {}, tree=bench.chip.tree, retained=bench.chip.retained)
    again = Rtc("RTC", chip, SHEET)
    bench.pass_s(60.0)
    assert (again.read(TR, 4), again.read(BKP0R, 4)) == (0x100200, 0xCAFE)


def test_a_reset_of_the_backup_domain_starts_it_afresh(rtc: Rtc, bench: Any) -> None:
    set_calendar(rtc, bench, 0x100000, 0x242101)
    rtc.write(BKP0R, 4, 0xCAFE)
    rtc.write(CR, 4, WUTE)
    bench.chip.reset_backup()
    assert [rtc.read(offset, 4) for offset in (TR, DR, CR, BKP0R)] == [0, 0x2101, 0, 0]
    bench.pass_s(60.0)
    assert rtc.read(TR, 4) == 0x000100


def test_without_a_clock_nothing_counts(make_bench: Callable[..., Any]) -> None:
    bench = make_bench(0.0)
    rtc = make(bench)
    bench.pass_s(10.0)
    assert rtc.read(TR, 4) == 0
    rtc.write(CR, 4, WUTE)
    assert any("no clock" in problem for problem in bench.chip.problems)


def sleeping_machine(make_machine: Callable[..., Any], mode: int) -> Any:
    """Return a machine asleep in a low-power mode, its RTC set up to wake it every second from 3 s on."""
    machine = make_machine(SLEEP_DEEPLY, {19: COUNT_WAKE_UPS})
    rcc, edges, rtc = (machine.peripheral(name) for name in ("RCC", "EXTI", "RTC"))
    machine.peripheral("PWR").write(0x00, 4, 0x300 | mode)
    rcc.write(0x90, 4, 1)
    machine.run(until_s=2.0)
    rcc.write(0x90, 4, 1)
    machine.run(until_s=3.0)
    rcc.write(0x90, 4, 1 | 1 << 8 | 1 << 15)
    edges.write(0x00, 4, edges.read(0x00, 4) | 1 << WAKEUP_LINE)
    edges.write(0x08, 4, 1 << WAKEUP_LINE)
    unlock(rtc)
    rtc.write(WUTR, 4, 2047)
    rtc.write(CR, 4, WUTE | WUTIE)
    return machine


def test_it_wakes_the_core_from_stop_again_and_again(make_machine: Callable[..., Any]) -> None:
    machine = sleeping_machine(make_machine, mode=2)
    machine.run(until_s=8.5)
    assert machine.read_memory(0x20000000, 4) == (5).to_bytes(4, "little")
    assert machine.problems == ()
    residency = {state.mode: seconds for state, seconds in machine.residency_s().items()}
    assert residency["stop2"] == pytest.approx(8.5, abs=1e-3)


def test_it_wakes_the_chip_from_standby_through_a_reset(make_machine: Callable[..., Any]) -> None:
    """The RTC and its clock go on, and firmware can tell what woke it: SBF stands in PWR_SR1."""
    machine = sleeping_machine(make_machine, mode=3)
    machine.run(until_s=4.5)
    assert machine.resets == ["standby"]
    assert machine.peripheral("PWR").read(0x10, 4) == 1 << 8
    assert machine.peripheral("RCC").clock_of("RTC") == 32768
    assert machine.peripheral("RTC").read(TR, 4) == 1
    residency = {state.mode: seconds for state, seconds in machine.residency_s().items()}
    assert residency["standby"] == pytest.approx(4.0, abs=1e-3)
