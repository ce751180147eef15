"""TIM: counting, update and compare events, one-pulse mode, preloads."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcu_models.boards.board import PeripheralSheet
from mcu_models.emulators.peripherals.tim import Timer

if TYPE_CHECKING:
    from collections.abc import Callable

CR1, DIER, SR, EGR, CCMR1, CCER, CNT, PSC, ARR, RCR, CCR1, CCR2 = (
    0x00, 0x0C, 0x10, 0x14, 0x18, 0x20, 0x24, 0x28, 0x2C, 0x30, 0x34, 0x38,
)  # fmt: skip
CEN, UDIS, URS, OPM, DIR, ARPE = 1, 2, 4, 8, 16, 128
TICK_S = 1e-6


def make(bench: Any, irqs: tuple[int, ...] = (28,), **options: int) -> Timer:
    """Return a timer that counts microseconds: 16 MHz, divided by 16."""
    timer = Timer("TIM2", bench.chip, PeripheralSheet(type="tim", base=0x40000000, irqs=irqs, options=dict(options)))
    timer.write(PSC, 4, 15)
    timer.write(EGR, 4, 1)
    timer.write(SR, 4, 0)
    return timer


def test_it_counts_and_overflows(bench: Any) -> None:
    timer = make(bench)
    timer.write(ARR, 4, 999)
    timer.write(DIER, 4, 1)
    timer.write(CR1, 4, CEN)
    bench.pass_s(500.5 * TICK_S)
    assert timer.read(CNT, 4) == 500
    assert not bench.is_pending(28)
    bench.pass_s(500 * TICK_S)
    assert (timer.read(CNT, 4), timer.read(SR, 4) & 1) == (0, 1)
    assert bench.is_pending(28)


def test_events_come_at_whole_periods_without_drift(bench: Any) -> None:
    timer = make(bench)
    timer.write(ARR, 4, 2)
    timer.write(DIER, 4, 1)
    timer.write(CR1, 4, CEN)
    for _ in range(1000):
        bench.pass_s(bench.scheduler.next_s - bench.clock.now_s)
        timer.write(SR, 4, 0)
    assert bench.clock.now_s == pytest.approx(3000 * TICK_S, abs=1e-12)


def test_nothing_is_planned_when_nobody_waits(bench: Any) -> None:
    """A free-running timer costs nothing, and its flags are there when they are looked at."""
    timer = make(bench)
    timer.write(ARR, 4, 9)
    timer.write(CCR1, 4, 3)
    timer.write(CR1, 4, CEN)
    assert bench.scheduler.next_s == float("inf")
    bench.pass_s(1.0000035)
    assert timer.read(SR, 4) & 3 == 3
    assert timer.read(CNT, 4) == 3


def test_a_loop_that_polls_the_flag_has_an_event_to_wait_for(bench: Any) -> None:
    timer = make(bench)
    timer.write(ARR, 4, 99)
    timer.write(CR1, 4, CEN)
    bench.pass_s(10.5 * TICK_S)
    assert not timer.read(SR, 4) & 1
    bench.pass_s(bench.scheduler.next_s - bench.clock.now_s)
    while not timer.read(SR, 4) & 1:
        bench.pass_s(bench.scheduler.next_s - bench.clock.now_s)
    assert bench.clock.now_s == pytest.approx(100 * TICK_S)


def test_one_pulse_stops_at_the_update(bench: Any) -> None:
    timer = make(bench)
    timer.write(ARR, 4, 99)
    timer.write(CR1, 4, CEN | OPM)
    bench.pass_s(1.0)
    assert timer.read(CR1, 4) == OPM
    assert (timer.read(CNT, 4), timer.read(SR, 4) & 1) == (0, 1)


def test_downwards_it_underflows(bench: Any) -> None:
    timer = make(bench)
    timer.write(ARR, 4, 99)
    timer.write(CR1, 4, DIR)
    timer.write(EGR, 4, 1)
    timer.write(SR, 4, 0)
    timer.write(CR1, 4, CEN | DIR)
    bench.pass_s(30.5 * TICK_S)
    assert timer.read(CNT, 4) == 69
    bench.pass_s(70 * TICK_S)
    assert (timer.read(CNT, 4), timer.read(SR, 4) & 1) == (99, 1)


def test_centred_it_goes_up_and_down_with_an_update_at_each_end(bench: Any) -> None:
    timer = make(bench)
    timer.write(ARR, 4, 100)
    timer.write(CR1, 4, CEN | 3 << 5)
    counts = []
    for _ in range(4):
        bench.pass_s(60.1 * TICK_S)
        counts.append(timer.read(CNT, 4))
    assert counts == [60, 80, 20, 40]


def test_compare_matches_interrupt_at_their_count(bench: Any) -> None:
    timer = make(bench)
    timer.write(ARR, 4, 999)
    timer.write(CCR2, 4, 250)
    timer.write(DIER, 4, 1 << 2)
    timer.write(CR1, 4, CEN)
    times = []
    for _ in range(2):
        while not bench.is_pending(28):
            bench.pass_s(bench.scheduler.next_s - bench.clock.now_s)
        times.append(bench.clock.now_s)
        timer.write(SR, 4, 0)
        bench.nvic.unpend(16 + 28)
    assert times == pytest.approx([250 * TICK_S, 1250 * TICK_S])


def test_preloaded_registers_act_from_the_next_period(bench: Any) -> None:
    timer = make(bench)
    timer.write(ARR, 4, 99)
    timer.write(EGR, 4, 1)
    timer.write(CR1, 4, CEN | ARPE)
    timer.write(ARR, 4, 49)
    timer.write(PSC, 4, 31)
    bench.pass_s(99.5 * TICK_S)
    assert timer.read(CNT, 4) == 99
    bench.pass_s(10 * TICK_S)
    assert timer.read(CNT, 4) == 4
    bench.pass_s(90.6 * TICK_S)
    assert timer.read(CNT, 4) == 0


def test_without_preload_a_passed_arr_lets_the_counter_run_to_the_top(bench: Any) -> None:
    timer = make(bench)
    timer.write(CR1, 4, CEN)
    bench.pass_s(100.5 * TICK_S)
    timer.write(ARR, 4, 50)
    bench.pass_s(1000 * TICK_S)
    assert timer.read(CNT, 4) == 1100
    bench.pass_s((65536 - 1100 + 20) * TICK_S)
    assert timer.read(CNT, 4) == 20


def test_an_update_by_software_flags_unless_only_overflows_may(bench: Any) -> None:
    timer = make(bench)
    timer.write(CR1, 4, CEN | URS)
    bench.pass_s(10.5 * TICK_S)
    timer.write(EGR, 4, 1)
    assert (timer.read(CNT, 4), timer.read(SR, 4) & 1) == (0, 0)
    timer.write(CR1, 4, CEN)
    timer.write(EGR, 4, 1)
    assert timer.read(SR, 4) & 1


def test_updates_come_after_the_repetitions(bench: Any) -> None:
    timer = make(bench, irqs=(24, 25, 26, 27))
    timer.write(ARR, 4, 9)
    timer.write(RCR, 4, 2)
    timer.write(EGR, 4, 1)
    timer.write(SR, 4, 0)
    timer.write(DIER, 4, 1)
    timer.write(CR1, 4, CEN)
    bench.pass_s(29.5 * TICK_S)
    assert not bench.is_pending(25)
    bench.pass_s(1 * TICK_S)
    assert bench.is_pending(25)
    assert not bench.is_pending(24)


def test_a_count_of_thirty_two_bits(bench: Any) -> None:
    timer = make(bench, bits=32)
    assert timer.read(ARR, 4) == 0xFFFFFFFF
    timer.write(CR1, 4, CEN)
    bench.pass_s(0.1000005)
    assert timer.read(CNT, 4) == 100_000


def test_it_counts_on_at_another_clock(bench: Any) -> None:
    timer = make(bench)
    timer.write(CR1, 4, CEN)
    bench.pass_s(100.5 * TICK_S)
    bench.chip.tree = SimpleNamespace(clock_of=lambda _name: 32e6)
    bench.chip.clocks_changed()
    bench.pass_s(50 * TICK_S)
    assert timer.read(CNT, 4) == 200


def test_it_stands_still_in_stop_modes(bench: Any) -> None:
    timer = make(bench)
    timer.write(CR1, 4, CEN)
    bench.pass_s(100.5 * TICK_S)
    bench.chip.before_stop()
    bench.pass_s(1.0)
    bench.chip.after_stop()
    bench.pass_s(10.5 * TICK_S)
    assert timer.read(CNT, 4) == 110


def test_stopped_it_keeps_its_count(bench: Any) -> None:
    timer = make(bench)
    timer.write(CR1, 4, CEN)
    bench.pass_s(42.5 * TICK_S)
    timer.write(CR1, 4, 0)
    bench.pass_s(1.0)
    assert timer.read(CNT, 4) == 42
    timer.write(CNT, 4, 7)
    timer.write(CR1, 4, CEN)
    bench.pass_s(3.5 * TICK_S)
    assert timer.read(CNT, 4) == 10


def test_what_is_not_modelled_is_reported(bench: Any) -> None:
    timer = make(bench)
    timer.write(0x08, 4, 7)
    timer.write(CCMR1, 4, 1)
    timer.write(CCER, 4, 1)
    assert [problem.split(":")[1].split()[0] for problem in bench.chip.problems] == ["slave,", "input"]


@given(
    reload=st.integers(3, 400),
    prescaler=st.integers(0, 9),
    steps=st.lists(st.integers(1, 3000), min_size=1, max_size=12),
    compare=st.integers(0, 400),
    centred=st.booleans(),
    repetitions=st.integers(0, 5),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_lazy_and_watched_timers_agree(
    make_bench: Callable[..., Any],
    *,
    reload: int,
    prescaler: int,
    steps: list[int],
    compare: int,
    centred: bool,
    repetitions: int,
) -> None:
    """The count and the flags are the same whether or not events are planned."""
    seen = []
    for enable in (0, 3):
        bench = make_bench()
        timer = make(bench)
        for offset, value in ((ARR, reload), (PSC, prescaler), (CCR1, compare), (DIER, enable), (RCR, repetitions)):
            timer.write(offset, 4, value)
        timer.write(CR1, 4, 3 << 5 if centred else 0)
        timer.write(EGR, 4, 1)
        timer.write(SR, 4, 0)
        timer.write(CR1, 4, CEN | (3 << 5 if centred else 0))
        seen.append([])
        for clocks in steps:
            bench.pass_s((clocks + 0.25) / 16e6)
            seen[-1].append((timer.read(CNT, 4), timer.read(SR, 4) & 3))
            timer.write(SR, 4, 0)
    assert seen[0] == seen[1]


@given(reload=st.integers(1, 400), clocks=st.integers(0, 100_000))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_count_is_the_clocks_modulo_the_period(make_bench: Callable[..., Any], reload: int, clocks: int) -> None:
    bench = make_bench()
    timer = make(bench)
    timer.write(ARR, 4, reload)
    timer.write(PSC, 4, 0)
    timer.write(EGR, 4, 1)
    timer.write(CR1, 4, CEN)
    bench.pass_s((clocks + 0.5) / 16e6)
    assert timer.read(CNT, 4) == clocks % (reload + 1)
