"""Exceptions, interrupts, sleep and faults on the emulated core, with programs in machine code."""

from __future__ import annotations

import signal
import struct
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from datasheet.bad_input import BadInputError
from mcu_models.boards.board import find_board
from mcu_models.emulators import native_hook
from mcu_models.emulators.image import FirmwareImage, Segment
from mcu_models.emulators.interrupt_controller import NMI, InterruptController
from mcu_models.emulators.system_control import CycleCounter, SystemControl
from mcu_models.emulators.unicorn_backend import UnicornEmulator

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., UnicornEmulator]

RAM = 0x20000000
SYS_TICK, SV_CALL, IRQ0, IRQ1 = 15, 11, 16, 17


def thumb(*halfwords: int) -> bytes:
    return struct.pack(f"<{len(halfwords)}H", *halfwords)


def word(machine: UnicornEmulator, address: int) -> int:
    return int(struct.unpack("<I", machine.read_memory(address, 4))[0])


# ldr r0,=0xE000E010; movw r1,#15999; str r1,[r0,#4]; movs r1,#0; str r1,[r0,#8]; movs r1,#7; str r1,[r0]; wfi; b .-2
SLEEP_WITH_SYSTICK = thumb(
    0x4804, 0xF643, 0x617F, 0x6041, 0x2100, 0x6081, 0x2107, 0x6001, 0xBF30, 0xE7FD, 0xE010, 0xE000
)  # fmt: skip
# mov r0,#0x20000000; ldr r1,[r0]; adds r1,#1; str r1,[r0]; bx lr
COUNT_IN_RAM = thumb(0xF04F, 0x5000, 0x6801, 0x3101, 0x6001, 0x4770)
# movs r0,#5; svc 3; mov r1,#0x20000000; str r0,[r1]; bkpt
SUPERVISOR_CALL = thumb(0x2005, 0xDF03, 0xF04F, 0x5100, 0x6008, 0xBE00)
# ldr r0,[sp]; adds r0,#37; str r0,[sp]; bx lr
ADD_37_TO_STACKED_R0 = thumb(0x9800, 0x3025, 0x9000, 0x4770)
# CPACR = 0xF00000; dsb; isb; s0=1.5; s15=2.0; svc 0; [RAM]=s0; [RAM+4]=s15; bkpt
CALL_WITH_FLOATS = thumb(
    0x4809, 0xF44F, 0x170, 0x6001, 0xF3BF, 0x8F4F, 0xF3BF, 0x8F6F, 0xEEB7, 0xA08, 0xEEF0, 0x7A00, 0xDF00, 0xF04F,
    0x5100, 0xED81, 0xA00, 0xEDC1, 0x7A01, 0xBE00, 0xED88, 0xE000,
)  # fmt: skip
# vmov s0,#3.0; vmov s15,#3.0; bx lr
DESTROY_FLOATS = thumb(0xEEB0, 0xA08, 0xEEF0, 0x7A08, 0x4770)
# Enable IRQ 0 and 1 with priorities 0x10 and 0x20; cpsid i; pend both; [RAM+8]=1; cpsie i; isb; [RAM+12]=2; bkpt
PEND_TWO_MASKED = thumb(
    0x480A, 0x2103, 0x6001, 0x480A, 0xF242, 0x110, 0x6001, 0xB672, 0x4808, 0x2103, 0x6001, 0xF04F, 0x5200, 0x2301,
    0x6093, 0xB662, 0xF3BF, 0x8F6F, 0x2302, 0x60D3, 0xBE00, 0x0, 0xE100, 0xE000, 0xE400, 0xE000, 0xE200, 0xE000,
)  # fmt: skip
# Appends IPSR to the list at RAM+0x100; the index stands at RAM.
APPEND_IPSR = thumb(0xF3EF, 0x8005, 0xF04F, 0x5100, 0x680A, 0x1D13, 0x600B, 0x31F0, 0x3110, 0x5088, 0x4770)
# mov r0,#0x30000000; ldr r1,[r0]; bkpt
READ_NOWHERE = thumb(0xF04F, 0x5040, 0x6801, 0xBE00)
# Reads SPI3 at 0x40003C00, then USART2 at 0x40004400 with its clock off; bkpt
READ_MISSING_AND_GATED = thumb(0x4802, 0x6801, 0x4802, 0x6801, 0xBE00, 0x0, 0x9C00, 0x4000, 0x4400, 0x4000)
# Sets TRCENA, counts 1000 turns of subs/bne with DWT CYCCNT into [RAM]; bkpt
MEASURE_LOOP = thumb(
    0x4A08, 0xF04F, 0x7380, 0x6013, 0x4A07, 0x2301, 0x6013, 0xF44F, 0x707A, 0x6854, 0x3801, 0xD1FD, 0x6855, 0x1B2D,
    0xF04F, 0x5100, 0x600D, 0xBE00, 0xEDFC, 0xE000, 0x1000, 0xE000,
)  # fmt: skip
# cpsid f; pend NMI in ICSR; [RAM]=FAULTMASK; bkpt
PEND_NMI_WITH_FAULTMASK = thumb(
    0xB671, 0x4807, 0xF04F, 0x4100, 0x6001, 0xF3BF, 0x8F4F, 0xF3BF, 0x8F6F, 0xF3EF, 0x8213, 0xF04F, 0x5300, 0x601A,
    0xBE00, 0xBF00, 0xED04, 0xE000,
)  # fmt: skip


def test_systick_wakes_the_core_once_per_period(make_machine: Make) -> None:
    machine = make_machine(SLEEP_WITH_SYSTICK, {SYS_TICK: COUNT_IN_RAM})
    outcome = machine.run(until_s=0.1)
    # 16,000 cycles of 4 MHz are 4 ms: 24 whole periods fit into 0.1 s after the start-up code.
    assert word(machine, RAM) == 24
    assert outcome.end == "seconds"
    assert outcome.sleep_s == pytest.approx(0.1, rel=0.01)


def test_a_run_in_pieces_is_the_same_run(make_machine: Make) -> None:
    whole = make_machine(SLEEP_WITH_SYSTICK, {SYS_TICK: COUNT_IN_RAM})
    pieces = make_machine(SLEEP_WITH_SYSTICK, {SYS_TICK: COUNT_IN_RAM})
    expected = whole.run(until_s=0.1)
    for k in range(1, 38):
        got = pieces.run(until_s=0.1 * k / 37)
    assert (got.cycles, got.instructions, word(pieces, RAM)) == (expected.cycles, expected.instructions, 24)


def test_residencies_add_up_to_the_time(make_machine: Make) -> None:
    machine = make_machine(SLEEP_WITH_SYSTICK, {SYS_TICK: COUNT_IN_RAM})
    outcome = machine.run(until_s=0.05)
    assert sum(machine.residency_s().values()) == pytest.approx(outcome.virtual_s, rel=1e-12)


def test_svc_handler_changes_the_stacked_register(make_machine: Make) -> None:
    machine = make_machine(SUPERVISOR_CALL, {SV_CALL: ADD_37_TO_STACKED_R0})
    outcome = machine.run(until_s=1.0)
    assert outcome.end == "halt"
    assert word(machine, RAM) == 42


def test_floating_point_registers_survive_a_handler_that_uses_them(make_machine: Make) -> None:
    machine = make_machine(CALL_WITH_FLOATS, {SV_CALL: DESTROY_FLOATS})
    machine.run(until_s=1.0)
    assert struct.unpack("<ff", machine.read_memory(RAM, 8)) == (1.5, 2.0)


def test_masked_interrupts_wait_and_then_run_by_priority(make_machine: Make) -> None:
    machine = make_machine(PEND_TWO_MASKED, {IRQ0: APPEND_IPSR, IRQ1: APPEND_IPSR})
    machine.run(until_s=1.0)
    # Interrupt 0 has byte 0x10 of the priority word, interrupt 1 byte 0x20: 0 is the more urgent.
    assert [word(machine, RAM + 0x100), word(machine, RAM + 0x104)] == [IRQ0, IRQ1]
    assert (word(machine, RAM), word(machine, RAM + 8), word(machine, RAM + 12)) == (8, 1, 2)


def test_faultmask_survives_the_return_from_nmi(make_machine: Make) -> None:
    machine = make_machine(PEND_NMI_WITH_FAULTMASK, {NMI: APPEND_IPSR})
    machine.run(until_s=1.0)
    assert word(machine, RAM + 0x100) == NMI
    assert word(machine, RAM) == 1


def test_the_cycle_counter_stands_still_while_it_is_off() -> None:
    hook: Any = SimpleNamespace(cycles=1000)
    system: Any = SimpleNamespace(trace_enabled=True)
    counter = CycleCounter(hook, system)
    counter.write(0x4, 4, 7)
    hook.cycles = 1500
    assert counter.read(0x4, 4) == 7
    counter.write(0x0, 4, 1)
    hook.cycles = 1600
    assert counter.read(0x4, 4) == 107
    counter.write(0x0, 4, 0)
    hook.cycles = 9999
    assert counter.read(0x4, 4) == 107


@pytest.mark.parametrize(("interrupts", "lines"), [(32, 0), (64, 1), (91, 2), (96, 2)])
def test_system_control_reads_as_after_reset(interrupts: int, lines: int) -> None:
    nvic = InterruptController(interrupts=interrupts, priority_bits=4)
    systick: Any = None
    system = SystemControl(find_board("stm32l4a6zg"), nvic, systick)
    assert system.read(0x004, 4) == lines
    assert system.read(0xD00, 4) == 0x410FC241
    assert (system.read(0xD0C, 4), system.read(0xD14, 4), system.read(0xF34, 4)) == (0xFA050000, 0x200, 0xC0000000)


def test_the_cycle_counter_counts_a_loop_as_the_manual_says(make_machine: Make) -> None:
    machine = make_machine(MEASURE_LOOP)
    machine.run(until_s=1.0)
    # SUBS 1 + taken BNE 1 + refill 1 a turn, the last branch falls through; a few cycles for reading the counter.
    assert 2995 <= word(machine, RAM) <= 3010


def test_the_cycle_counter_needs_trcena(make_machine: Make) -> None:
    without = list(struct.unpack("<22H", MEASURE_LOOP))
    without[1:3] = [0xF04F, 0x0300]  # mov r3,#0 instead of TRCENA
    machine = make_machine(thumb(*without))
    machine.run(until_s=1.0)
    assert word(machine, RAM) == 0


def test_an_access_to_nothing_ends_the_run_with_the_place(make_machine: Make) -> None:
    outcome = make_machine(READ_NOWHERE).run(until_s=1.0)
    assert outcome.end == "fault"
    assert "0x08000204" in outcome.detail


def test_missing_and_unclocked_peripherals_are_reported_once(make_machine: Make) -> None:
    machine = make_machine(READ_MISSING_AND_GATED)
    machine.run(until_s=1.0)
    assert len(machine.problems) == 2
    assert "0x40009c00, not modelled" in machine.problems[0]
    assert "USART2 while its bus clock is off" in machine.problems[1]


def test_sleeping_with_nothing_to_wake_for_is_a_halt(make_machine: Make) -> None:
    machine = make_machine(thumb(0xBF30, 0xE7FD))
    assert machine.run(until_s=float("inf")).end == "halt"


def test_an_image_without_a_vector_table_is_refused() -> None:
    image = FirmwareImage("blank.elf", "", (Segment(0x08000000, bytes(64)),), (), {})
    with pytest.raises(BadInputError, match=r"blank\.elf has no vector table|blank\.elf; has no vector table"):
        UnicornEmulator(find_board("stm32l4a6zg"), image)


def test_an_image_outside_the_memories_is_refused() -> None:
    image = FirmwareImage("far.elf", "", (Segment(0x08100000, b"x"),), (), {})
    with pytest.raises(BadInputError, match="outside stm32l4a6zg"):
        UnicornEmulator(find_board("stm32l4a6zg"), image)


def test_yield_is_skipped(make_machine: Make) -> None:
    # yield; movs r0,#7; mov r1,#0x20000000; str r0,[r1]; bkpt
    machine = make_machine(thumb(0xBF10, 0x2007, 0xF04F, 0x5100, 0x6008, 0xBE00))
    assert machine.run(until_s=1.0).end == "halt"
    assert word(machine, RAM) == 7


def test_wfe_sleeps_until_the_next_exception(make_machine: Make) -> None:
    with_wfe = SLEEP_WITH_SYSTICK.replace(b"\x30\xbf", b"\x20\xbf")
    machine = make_machine(with_wfe, {SYS_TICK: COUNT_IN_RAM})
    outcome = machine.run(until_s=0.1)
    assert word(machine, RAM) == 24
    assert outcome.sleep_s == pytest.approx(0.1, rel=0.01)


def test_full_tables_are_emptied_and_learnt_anew(make_machine: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = make_machine(SLEEP_WITH_SYSTICK, {SYS_TICK: COUNT_IN_RAM})
    expected = whole.run(until_s=0.1)
    monkeypatch.setattr(native_hook, "MAX_BLOCKS", 4)
    small = make_machine(SLEEP_WITH_SYSTICK, {SYS_TICK: COUNT_IN_RAM})
    got = small.run(until_s=0.1)
    assert got.instructions == expected.instructions
    assert word(small, RAM) == word(whole, RAM)


def test_ctrl_c_is_heard_while_firmware_loops_for_ever(make_machine: Make) -> None:
    machine = make_machine(thumb(0xE7FE))
    # A background job of a shell begins with the interrupt ignored, and the loop would never end.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises(KeyboardInterrupt):
            machine.run(until_s=1e6)
    finally:
        signal.signal(signal.SIGINT, handler)
    assert machine.now_s < 1e5
