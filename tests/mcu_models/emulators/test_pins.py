"""GPIO inputs and EXTI: levels from outside become edges, edges become interrupts."""

from __future__ import annotations

from typing import Any

import pytest

from mcu_models.boards.board import PeripheralSheet
from mcu_models.emulators.peripherals.exti import ExtiL4
from mcu_models.emulators.peripherals.gpio import Gpio
from mcu_models.emulators.peripherals.plain import RegisterBank

MODER, OTYPER, PUPDR, IDR, BSRR = 0x00, 0x04, 0x0C, 0x10, 0x18
IMR, RTSR, FTSR, SWIER, PR = 0x00, 0x08, 0x0C, 0x10, 0x14
EXTI_IRQS = (6, 7, 8, 9, 10, 23, 40, 1, 41, 2, 3, 64)
INPUT, OUTPUT, ALTERNATE, ANALOGUE = range(4)


def make_port(bench: Any, name: str = "GPIOC") -> Gpio:
    return Gpio(name, bench.chip, PeripheralSheet(type="gpio", base=0x48000800))


@pytest.fixture
def exti(bench: Any) -> ExtiL4:
    """EXTI with line 13 connected to port C, as on Nucleo boards with their button."""
    syscfg = RegisterBank("SYSCFG", bench.chip, PeripheralSheet(type="register_bank", base=0x40010000))
    syscfg.write(0x14, 4, 2 << 4)
    return ExtiL4("EXTI", bench.chip, PeripheralSheet(type="exti_l4", base=0x40010400, irqs=EXTI_IRQS))


@pytest.mark.parametrize(
    ("mode", "open_drain", "pull", "latch", "driven", "level"),
    [
        (INPUT, 0, 0, 0, None, 0),
        (INPUT, 0, 1, 0, None, 1),
        (INPUT, 0, 2, 0, None, 0),
        (INPUT, 0, 1, 0, False, 0),
        (INPUT, 0, 2, 0, True, 1),
        (ALTERNATE, 0, 0, 0, True, 1),
        (ANALOGUE, 0, 1, 0, True, 0),
        (OUTPUT, 0, 0, 1, False, 1),
        (OUTPUT, 1, 0, 1, None, 1),
        (OUTPUT, 1, 0, 1, False, 0),
        (OUTPUT, 1, 0, 0, True, 0),
    ],
)
def test_the_level_of_a_pin(
    bench: Any, mode: int, open_drain: int, pull: int, latch: int, level: int, *, driven: bool | None
) -> None:
    port = make_port(bench)
    port.write(OTYPER, 4, open_drain << 5)
    port.write(PUPDR, 4, pull << 10)
    port.write(BSRR, 4, 1 << 5 if latch else 1 << 21)
    port.write(MODER, 4, 0xFFFFFFFF & ~(3 << 10) | mode << 10)
    port.drive(5, driven)
    assert port.read(IDR, 4) >> 5 & 1 == level


def test_letting_a_pin_go_leaves_it_to_its_pull(bench: Any) -> None:
    port = make_port(bench)
    port.write(MODER, 4, 0)
    port.write(PUPDR, 4, 1 << 10)
    port.drive(5, level=False)
    assert not port.read(IDR, 4) >> 5 & 1
    port.drive(5, level=None)
    assert port.read(IDR, 4) >> 5 & 1


@pytest.mark.parametrize(("rising", "falling", "edges"), [(1, 0, 1), (0, 1, 1), (1, 1, 2), (0, 0, 0)])
def test_a_button_interrupts_on_the_chosen_edges(
    bench: Any, exti: ExtiL4, rising: int, falling: int, edges: int
) -> None:
    port = make_port(bench)
    port.write(MODER, 4, 0)
    exti.write(IMR, 4, 1 << 13)
    exti.write(RTSR, 4, rising << 13)
    exti.write(FTSR, 4, falling << 13)
    seen = 0
    for level in (True, False):
        port.drive(13, level=level)
        seen += exti.read(PR, 4) >> 13 & 1
        assert bench.is_pending(40) == bool(exti.read(PR, 4))
        exti.write(PR, 4, 1 << 13)
        bench.nvic.unpend(16 + 40)
    assert seen == edges


def test_only_the_port_in_exticr_is_connected(bench: Any, exti: ExtiL4) -> None:
    other = make_port(bench, "GPIOD")
    other.write(MODER, 4, 0)
    exti.write(IMR, 4, 1 << 13)
    exti.write(RTSR, 4, 1 << 13)
    other.drive(13, level=True)
    assert exti.read(PR, 4) == 0


def test_software_makes_an_event_that_clearing_pending_takes_back(bench: Any, exti: ExtiL4) -> None:
    exti.write(IMR, 4, 1 << 3)
    exti.write(SWIER, 4, 1 << 3)
    assert exti.read(PR, 4) == 1 << 3
    assert bench.is_pending(9)
    exti.write(PR, 4, 1 << 3)
    assert (exti.read(PR, 4), exti.read(SWIER, 4)) == (0, 0)


def test_a_masked_line_becomes_pending_without_an_interrupt(bench: Any, exti: ExtiL4) -> None:
    exti.write(RTSR, 4, 1 << 18)
    exti.line_changed(18, high=True)
    assert not bench.is_pending(41)
    exti.write(IMR, 4, 1 << 18)
    assert bench.is_pending(41)


def test_what_drives_a_pin_outlives_a_reset_of_the_part(bench: Any) -> None:
    port = make_port(bench)
    port.drive(2, level=True)
    again = make_port(bench)
    again.write(MODER, 4, 0)
    assert again.read(IDR, 4) == 1 << 2
