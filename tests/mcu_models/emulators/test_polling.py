"""Loops that wait for a flag: turns that change nothing are passed over, those that count are not."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcu_models.emulators.unicorn_backend import UnicornEmulator

CODE = 0x08000200
RCC_CR = 0x40021000
"""Of its flags, that of an oscillator that is off never comes."""
LOAD_R1, LOAD_R2, LOOK, NOP, STAY = 0x4903, 0x4A04, 0x6808, 0xBF00, 0xE7FE
COUNT_DOWN, TURN_UNLESS_ZERO, TURN = 0x3A01, 0xD1FC, 0xE7FC
TURNS = 2000


def program(step: int, turn: int) -> bytes:
    """Return: r1 is the register, r2 the turns; look, step, turn round; behind the loop, stay."""
    code = struct.pack("<8H", LOAD_R1, LOAD_R2, LOOK, step, turn, STAY, NOP, NOP)
    return code + struct.pack("<2I", RCC_CR, TURNS)


def test_a_loop_that_counts_its_turns_takes_as_long_as_they_take(make_machine: Callable[..., UnicornEmulator]) -> None:
    machine = make_machine(program(COUNT_DOWN, TURN_UNLESS_ZERO))
    # Three instructions and a taken branch, at the 4 MHz behind reset: 5 to 12 cycles a turn.
    machine.run(until_s=TURNS * 4 / 4e6)
    assert machine.pc < CODE + 10
    machine.run(until_s=TURNS * 13 / 4e6)
    assert machine.pc == CODE + 10


def test_a_loop_that_changes_nothing_costs_the_host_nothing(make_machine: Callable[..., UnicornEmulator]) -> None:
    machine = make_machine(program(NOP, TURN))
    outcome = machine.run(until_s=100.0)
    assert outcome.virtual_s >= 100.0
    assert outcome.instructions < 10_000


def test_a_loop_that_counts_is_passed_over_while_what_it_waits_for_is_to_come(
    make_machine: Callable[..., UnicornEmulator],
) -> None:
    machine = make_machine(program(COUNT_DOWN, TURN_UNLESS_ZERO))
    machine.peripheral("RCC").after(1.0, lambda: None, "to come")
    outcome = machine.run(until_s=0.5)
    assert machine.pc < CODE + 10
    assert outcome.instructions < 10_000
