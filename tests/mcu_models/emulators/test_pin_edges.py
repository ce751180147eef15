"""What the outside sees of pins that firmware drives: edges in virtual time, through resets and snapshots."""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu_models.boards.board import PeripheralSheet
from mcu_models.emulators.connections import Connections
from mcu_models.emulators.peripherals.gpio import Gpio
from mcu_models.emulators.port import PinEdge

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcu_models.emulators.unicorn_backend import UnicornEmulator

    Make = Callable[..., UnicornEmulator]

MODER, OTYPER, PUPDR, ODR, BSRR = 0x00, 0x04, 0x0C, 0x14, 0x18
ALL_OUTPUTS, ALL_INPUTS, ALL_ANALOGUE = 0x55555555, 0, 0xFFFFFFFF
RESET_CLOCK_HZ = 4_000_000


def thumb(*halfwords: int) -> bytes:
    return struct.pack(f"<{len(halfwords)}H", *halfwords)


def pulses(turns: int) -> bytes:
    """Return a program that raises PA8, counts down in a loop, lowers it, and begins again."""
    # ldr r0,=0x4002104c; movs r1,#1; str r1,[r0]; ldr r1,[r0]; mov r0,#0x48000000; ldr r1,=0xabfdffff; str r1,[r0];
    # 1: mov r1,#0x100; str r1,[r0,#24]; movs r2,#turns; 2: subs r2,#1; bne 2b; mov r1,#0x1000000; str r1,[r0,#24]; b 1b
    return thumb(
        0x4808, 0x2101, 0x6001, 0x6801, 0xF04F, 0x4090, 0x4906, 0x6001, 0xF44F, 0x7180, 0x6181, 0x2200 | turns, 0x3A01,
        0xD1FD, 0xF04F, 0x7180, 0x6181, 0xE7F5, 0x104C, 0x4002, 0xFFFF, 0xABFD,
    )  # fmt: skip


# The same up to the end of the loop; ldr r0,=0xe000ed0c; ldr r1,=0x05fa0004; str r1,[r0]; b .
RAISE_THEN_RESET = thumb(
    0x4808, 0x2101, 0x6001, 0x6801, 0xF04F, 0x4090, 0x4906, 0x6001, 0xF44F, 0x7180, 0x6181, 0x2264, 0x3A01, 0xD1FD,
    0x4803, 0x4904, 0x6001, 0xE7FE, 0x104C, 0x4002, 0xFFFF, 0xABFD, 0xED0C, 0xE000, 0x4, 0x5FA,
)  # fmt: skip


@pytest.fixture
def edges() -> list[PinEdge]:
    return []


@pytest.fixture
def port(bench: Any, edges: list[PinEdge]) -> Gpio:
    bench.chip.connections.listeners.on_pin_edge.append(edges.append)
    return Gpio("GPIOC", bench.chip, PeripheralSheet(type="gpio", base=0x48000800))


def seen(edges: list[PinEdge]) -> list[tuple[int, bool]]:
    return [(edge.pin, edge.high) for edge in edges]


def test_an_output_that_is_set_and_reset_gives_two_edges_in_virtual_time(
    bench: Any, port: Gpio, edges: list[PinEdge]
) -> None:
    port.write(MODER, 4, ALL_OUTPUTS)
    bench.pass_s(1.0)
    port.write(BSRR, 4, 1 << 8)
    port.write(BSRR, 4, 1 << 8)
    bench.pass_s(0.25)
    port.write(BSRR, 4, 1 << 24)
    assert edges == [PinEdge(1.0, "GPIOC", 8, high=True), PinEdge(1.25, "GPIOC", 8, high=False)]


def test_one_store_moves_several_pins_lowest_first(port: Gpio, edges: list[PinEdge]) -> None:
    port.write(MODER, 4, ALL_OUTPUTS)
    port.write(ODR, 4, 0b0101)
    port.write(ODR, 4, 0b0110)
    assert seen(edges) == [(0, True), (2, True), (0, False), (1, True)]


def test_the_latch_shows_when_the_pin_becomes_an_output_and_no_longer_when_it_ceases_to_be_one(
    port: Gpio, edges: list[PinEdge]
) -> None:
    port.write(PUPDR, 4, 1 << 10)
    port.write(BSRR, 4, 1 << 5)
    assert edges == []
    port.write(MODER, 4, ALL_OUTPUTS)
    port.write(MODER, 4, ALL_INPUTS)
    assert seen(edges) == [(5, True), (5, False)]


def test_what_the_outside_drives_gives_edges_only_where_it_holds_down_an_open_drain_output(
    port: Gpio, edges: list[PinEdge]
) -> None:
    port.write(MODER, 4, ALL_INPUTS)
    port.drive(3, level=True)
    port.drive(3, level=None)
    assert edges == []
    port.write(OTYPER, 4, 1 << 3)
    port.write(BSRR, 4, 1 << 3)
    port.write(MODER, 4, 1 << 6)
    port.drive(3, level=False)
    port.drive(3, level=None)
    assert seen(edges) == [(3, True), (3, False), (3, True)]


def test_a_port_that_the_reset_register_resets_lets_go_of_its_pins(port: Gpio, edges: list[PinEdge]) -> None:
    port.write(MODER, 4, ALL_OUTPUTS)
    port.write(BSRR, 4, 1 << 1)
    port.reset()
    port.reset()
    assert seen(edges) == [(1, True), (1, False)]


@given(masks=st.lists(st.integers(0, 0xFFFF), max_size=20))
def test_edges_of_a_pin_alternate_and_lead_to_what_is_high_now(masks: list[int]) -> None:
    connections, edges = Connections(), list[PinEdge]()
    connections.listeners.on_pin_edge.append(edges.append)
    for step, high in enumerate(masks):
        connections.outputs("GPIOA", high, float(step))
    for pin in range(16):
        levels = [edge.high for edge in edges if edge.pin == pin]
        assert levels == [index % 2 == 0 for index in range(len(levels))]
        assert bool(levels and levels[-1]) == bool(masks and masks[-1] >> pin & 1)


def pulse_lengths_s(edges: list[PinEdge]) -> list[float]:
    return [fall.time_s - rise.time_s for rise, fall in pairwise(edges) if rise.high]


def test_a_longer_loop_makes_a_longer_pulse_by_the_cycles_of_its_turns(make_machine: Make) -> None:
    """A turn of subs and a taken bne is three cycles."""
    lengths_s = []
    for turns in (100, 200):
        machine, edges = make_machine(pulses(turns)), list[PinEdge]()
        machine.on_pin_edge(edges.append)
        machine.run(until_s=2e-3)
        assert {(edge.port, edge.pin) for edge in edges} == {("GPIOA", 8)}
        assert machine.problems == ()
        lengths_s.append(pulse_lengths_s(edges)[-1])
    assert lengths_s[1] - lengths_s[0] == pytest.approx(300 / RESET_CLOCK_HZ, rel=1e-9)


def test_a_pulse_is_as_long_as_what_ran_meanwhile(make_machine: Make) -> None:
    """200 turns of three cycles, and a few instructions before and behind the loop."""
    machine, edges = make_machine(pulses(200)), list[PinEdge]()
    machine.on_pin_edge(edges.append)
    machine.run(until_s=2e-3)
    assert pulse_lengths_s(edges)[-1] * RESET_CLOCK_HZ == pytest.approx(603, abs=6)


def test_a_reset_of_the_chip_lets_the_pin_fall_when_it_happens(make_machine: Make) -> None:
    machine, edges = make_machine(RAISE_THEN_RESET), list[PinEdge]()
    machine.on_pin_edge(edges.append)
    machine.run(until_s=1e-3)
    assert machine.resets[:2] == ["software", "software"]
    assert [edge.high for edge in edges[:4]] == [True, False, True, False]
    times_s = [edge.time_s for edge in edges]
    assert times_s == sorted(times_s)
    assert times_s[1] - times_s[0] == pytest.approx(300 / RESET_CLOCK_HZ, rel=0.1)


def test_a_restored_machine_tells_the_same_listener_the_same_edges_again(make_machine: Make) -> None:
    """The level at the snapshot is known again: the first edge behind it is told once more, whatever came since."""
    machine, edges = make_machine(pulses(100)), list[PinEdge]()
    machine.on_pin_edge(edges.append)
    machine.run(until_s=3e-4)
    snapshot, before = machine.snapshot(), len(edges)
    machine.run(until_s=6e-4)
    first = edges[before:]
    del edges[:]
    machine.restore(snapshot)
    machine.run(until_s=6e-4)
    assert len(first) > 4
    assert edges == first
