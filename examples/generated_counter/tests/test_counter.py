"""A counter of one's own around generated C: does it count as its network does, and what does that cost?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from mcu_models.networks.library import find_network
from twin.host_node import host_count

if TYPE_CHECKING:
    from twin.testing.bench import Bench
    from twin.testing.machine import Machine


@pytest.fixture
def machine(twin: Bench) -> Machine:
    return twin.boot("build/counter.elf")


def test_says_who_it_is(machine: Machine) -> None:
    machine.expect_uart("own counter", within_s=0.1)


def test_counts_frame_by_frame_as_the_network_does_on_the_host(machine: Machine) -> None:
    shown = machine.play("office_doorway", seconds=5)
    machine.run(0.2)
    expected = host_count(find_network("people_c16_p_c16_fc"), np.asarray(shown.frames))
    assert shown.answers().tolist() == expected.tolist()


def test_answers_before_the_next_frame(machine: Machine) -> None:
    machine.play("office_doorway", seconds=3)
    assert machine.latency_s("frame", "uart /[0-9]+ [0-9]+/") < 0.1


@pytest.mark.parametrize("fault", ["i2c_nack", "i2c_stuck"])
def test_comes_back_after_a_fault(machine: Machine, fault: str) -> None:
    machine.play("office_doorway", seconds=2)
    machine.inject(fault, **({"times": 2} if fault == "i2c_nack" else {"seconds": 0.5}))
    machine.expect_uart("sensor lost", within_s=1.0)
    machine.expect_uart(" ", within_s=2.0)


def test_costs_no_more_than_it_did(twin: Bench, machine: Machine) -> None:
    machine.play("office_doorway", seconds=2)
    twin.assert_budget(
        "count",
        cycles=machine.calls("counter_count").longest,
        ram=machine.ram_bytes,
        flash=machine.flash_bytes,
        energy_uj=machine.energy_j() * 1e6,
    )
