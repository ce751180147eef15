"""The warm-pixel counter, before there is a board: people, faults, budgets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from twin.testing.bench import Bench
    from twin.testing.machine import Machine

ANSWER = re.compile(r"^(\d+) (\d+)$")


@pytest.fixture
def machine(twin: Bench) -> Machine:
    return twin.boot("build/warm_pixels.elf")


def test_says_who_it_is(machine: Machine) -> None:
    machine.expect_uart("warm pixels", within_s=0.1)


def test_sees_a_warm_spot_where_there_is_one(machine: Machine) -> None:
    empty = np.full((10, 8, 8), 22.0)
    warm = empty.copy()
    warm[:, 2:4, 3:6] = 26.0
    shown = machine.play([empty, warm])
    machine.run(0.2)
    assert set(shown.answers(ANSWER)[:9]) == {0}
    assert set(shown.answers(ANSWER)[11:]) == {6}


def test_sleeps_while_dma_moves_the_pixels(machine: Machine) -> None:
    machine.play("office_doorway", seconds=3)
    assert machine.sleep_fraction() > 0.97
    # 128 bytes come without an interrupt each.
    assert 0 < machine.calls("I2C1_EV_IRQHandler").calls < 5 * 3 * 10 * 2


def test_answers_before_the_next_frame(machine: Machine) -> None:
    machine.play("office_doorway", seconds=3)
    assert machine.latency_s("frame", f"uart /{ANSWER.pattern}/") < 0.1


@pytest.mark.parametrize(
    "fault",
    [
        {"fault": "i2c_nack", "times": 3},
        {"fault": "i2c_nack", "byte": 1, "times": 1},
        {"fault": "i2c_brown_out", "until_s": 4.0},
        {"fault": "i2c_stuck", "seconds": 0.5},
    ],
)
def test_comes_back_after_a_fault(machine: Machine, fault: dict[str, object]) -> None:
    machine.play("office_doorway", seconds=2)
    machine.inject(**fault)
    machine.expect_uart("sensor lost", within_s=1.0)
    machine.expect_uart(ANSWER, within_s=3.0)


def test_costs_no_more_than_it_did(twin: Bench, machine: Machine) -> None:
    machine.play("office_doorway", seconds=2)
    twin.assert_budget(
        "warm pixels",
        cycles=machine.calls("warm_pixels").longest,
        ram=machine.ram_bytes,
        flash=machine.flash_bytes,
        energy_uj=machine.energy_j() * 1e6,
    )
