"""Wait states, prefetch and the caches in front of the flash, seen in the cycles of small programs."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from mcu_models.emulators.port import FlashTiming

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcu_models.emulators.unicorn_backend import UnicornEmulator

    Make = Callable[..., UnicornEmulator]

NOP, BREAKPOINT = 0xBF00, 0xBE00
# movw r0,#1000; subs r0,#1; bne .-2; bkpt
LOOP = (0xF240, 0x30E8, 0x3801, 0xD1FD, BREAKPOINT)
NO_WAIT = FlashTiming(0, prefetch=False, instruction_cache=False, data_cache=False)


def spent(make_machine: Make, halfwords: tuple[int, ...], timing: FlashTiming) -> int:
    machine = make_machine(struct.pack(f"<{len(halfwords)}H", *halfwords))
    machine._hook.set_flash_timing(timing)
    return machine.run(until_s=10.0).cycles


def waiting(**options: bool) -> FlashTiming:
    switches = {"prefetch": False, "instruction_cache": False, "data_cache": False} | options
    return FlashTiming(4, **switches)


def test_straight_code_waits_once_per_64_bits(make_machine: Make) -> None:
    code = (NOP,) * 400 + (BREAKPOINT,)
    extra = spent(make_machine, code, waiting()) - spent(make_machine, code, NO_WAIT)
    # 101 reads of 8 bytes, 4 cycles each; blocks may begin within one and read it again.
    assert extra == pytest.approx(404, rel=0.2)


def test_prefetch_hides_what_execution_covers(make_machine: Make) -> None:
    code = (NOP,) * 400 + (BREAKPOINT,)
    base = spent(make_machine, code, NO_WAIT)
    fetched = spent(make_machine, code, waiting(prefetch=True)) - base
    # Four one-cycle instructions cover four of the five cycles of the next read.
    assert fetched == pytest.approx(101, rel=0.2)


def test_a_loop_in_the_instruction_cache_does_not_wait(make_machine: Make) -> None:
    base = spent(make_machine, LOOP, NO_WAIT)
    assert spent(make_machine, LOOP, waiting(instruction_cache=True)) - base <= 12
    assert spent(make_machine, LOOP, waiting()) - base >= 4 * 999


def test_data_reads_wait_unless_cached(make_machine: Make) -> None:
    # ldr r2,=table; movw r0,#100; 1: ldr r1,[r2]; ldr r1,[r2,#16]; subs r0,#1; bne 1b; bkpt; pool
    code = (0x4A05, 0xF240, 0x0064, 0x6811, 0x6911, 0x3801, 0xD1FB, BREAKPOINT, NOP, NOP, NOP, NOP, 0x0100, 0x0800)
    base = spent(make_machine, code, waiting(instruction_cache=True, data_cache=True))
    uncached = spent(make_machine, code, waiting(instruction_cache=True))
    assert uncached - base == pytest.approx(4 * 2 * 100, rel=0.05)


def test_ram_code_never_waits(make_machine: Make) -> None:
    # Copies "subs r0,#1; bne .-2; bx lr" to RAM and calls it: only the caller waits for flash.
    code = (
        0xF04F, 0x5400, 0x4B05, 0x6023, 0x4B05, 0x6063, 0xF240, 0x30E8, 0x1C62, 0x4790, BREAKPOINT, NOP,
        NOP, NOP, 0x3801, 0xD1FD, 0x4770, 0x4770,
    )  # fmt: skip
    base = spent(make_machine, code, NO_WAIT)
    assert base > 2990
    assert spent(make_machine, code, waiting()) - base <= 60


def test_a_conditional_read_of_flash_does_not_leak_into_the_next_block(make_machine: Make) -> None:
    """The emulator forgets to leave an IT block in which a hook saw an access; the loop would never end."""
    # movw r4,#0; movt r4,#0x800; movs r1,#36; 1: subs r1,#8; it cs; ldrcs r0,[r4]; bhi 1b; bkpt
    code = (0xF240, 0x0400, 0xF6C0, 0x0400, 0x2124, 0x3908, 0xBF28, 0x6820, 0xD8FB, BREAKPOINT)
    machine = make_machine(struct.pack(f"<{len(code)}H", *code))
    machine._hook.set_flash_timing(waiting())
    outcome = machine.run(until_s=0.01)
    assert outcome.end == "halt"
    # Three, five turns of four, and the breakpoint.
    assert outcome.instructions == 3 + 5 * 4 + 1
