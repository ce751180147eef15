"""Faults, resets, tail-chaining and snapshots on the emulated core, with programs in machine code."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from mcu_models.emulators.exceptions import ENTRY_CYCLES, FP_FRAME_CYCLES, RETURN_CYCLES, TAIL_CHAIN_CYCLES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mcu_models.emulators.unicorn_backend import UnicornEmulator

    Make = Callable[..., UnicornEmulator]

RAM = 0x20000000
HARD_FAULT, BUS_FAULT, SV_CALL, SYS_TICK, IRQ0, IRQ1 = 3, 5, 11, 15, 16, 17
FORCED = 1 << 30


def thumb(*halfwords: int) -> bytes:
    return struct.pack(f"<{len(halfwords)}H", *halfwords)


def words(machine: UnicornEmulator, address: int, count: int) -> list[int]:
    return list(struct.unpack(f"<{count}I", machine.read_memory(address, 4 * count)))


# ldr r0,=0xE000ED28; ldr r1,[r0]; ldr r2,[r0,#16]; ldr r3,[r0,#4]; mov r0,#0x20000000; stmia r0!,{r1-r3}; mrs r1,I...
NOTE_FAULT = thumb(
    0x4806,
    0x6801,
    0x6902,
    0x6843,
    0xF04F,
    0x5000,
    0xC00E,
    0xF3EF,
    0x8105,
    0x6001,
    0x9906,
    0x3102,
    0x9106,
    0x4770,
    0xED28,
    0xE000,
)
# b .
SPIN = thumb(0xE7FE)
# mov r0,#0x30000000; ldr r1,[r0]; mov r0,#0x20000000; movs r1,#7; str r1,[r0,#32]; bkpt
READ_NOWHERE_THEN_GO_ON = thumb(0xF04F, 0x5040, 0x6801, 0xF04F, 0x5000, 0x2107, 0x6201, 0xBE00)
# ldr r0,=0xE000ED24; mov r1,#0x20000; str r1,[r0]; mov r0,#0x30000000; ldr r1,[r0]; bkpt
READ_NOWHERE_WITH_BUS_FAULTS_ON = thumb(0x4803, 0xF44F, 0x3100, 0x6001, 0xF04F, 0x5040, 0x6801, 0xBE00, 0xED24, 0xE000)
# movs r0,#1; udf #0; mov r0,#0x20000000; movs r1,#7; str r1,[r0,#32]; bkpt
UNDEFINED = thumb(0x2001, 0xDE00, 0xF04F, 0x5000, 0x2107, 0x6201, 0xBE00)
# ldr r0,=0xE000ED14; movs r1,#0x10; str r1,[r0]; dsb; isb; movs r2,#5; movs r3,#0; udiv r4,r2,r3; nop; bkpt
DIVIDE_BY_ZERO_TRAPPED = thumb(
    0x4806,
    0x2110,
    0x6001,
    0xF3BF,
    0x8F4F,
    0xF3BF,
    0x8F6F,
    0x2205,
    0x2300,
    0xFBB2,
    0xF4F3,
    0xBF00,
    0xBE00,
    0xBF00,
    0xED14,
    0xE000,
)
# movs r2,#5; movs r3,#0; udiv r4,r2,r3; mov r0,#0x20000000; str r4,[r0]; movs r4,#9; str r4,[r0,#4]; bkpt
DIVIDE_BY_ZERO = thumb(0x2205, 0x2300, 0xFBB2, 0xF4F3, 0xF04F, 0x5000, 0x6004, 0x2409, 0x6044, 0xBE00)
# ldr r0,=0x20000101; ldrd r2,r3,[r0]; bkpt
LDRD_UNALIGNED = thumb(0x4801, 0xE9D0, 0x2300, 0xBE00, 0x101, 0x2000)
# ldr r0,=0x20000100; ldrd r2,r3,[r0]; ldr r4,[r0,#1]; mov r0,#0x20000000; movs r4,#9; str r4,[r0]; bkpt
LDR_UNALIGNED_BESIDE_LDRD = thumb(
    0x4804, 0xE9D0, 0x2300, 0xF8D0, 0x4001, 0xF04F, 0x5000, 0x2409, 0x6004, 0xBE00, 0x100, 0x2000
)
# movs r5,#5; vmov.f32 s0,#1.0; bkpt
FLOAT_WITHOUT_UNIT = thumb(0x2505, 0xEEB7, 0xA00, 0xBE00)
# ldr r0,=0x08000100; str r0,[r0]; bkpt
WRITE_TO_FLASH = thumb(0x4801, 0x6000, 0xBE00, 0xBF00, 0x100, 0x800)
# ldr r0,=0x30000001; bx r0
JUMP_TO_NOWHERE = thumb(0x4800, 0x4700, 0x1, 0x3000)
# mov r0,#0x20000000; ldr r1,[r0]; adds r1,#1; str r1,[r0]; cmp r1,#3; bge 1f; ldr r0,=0xE000ED0C; ldr r1,=0x05FA00...
RESET_ONCE = thumb(
    0xF04F,
    0x5000,
    0x6801,
    0x3101,
    0x6001,
    0x2903,
    0xDA05,
    0x4803,
    0x4903,
    0x6001,
    0xF3BF,
    0x8F4F,
    0xE7FE,
    0xBE00,
    0xED0C,
    0xE000,
    0x4,
    0x5FA,
)
# ldr r0,=0xE000E010; movw r1,#3999; str r1,[r0,#4]; movs r1,#0; str r1,[r0,#8]; movs r1,#7; str r1,[r0]; mov r0,#0...
COUNT_FOR_EVER = thumb(
    0x4806,
    0xF640,
    0x719F,
    0x6041,
    0x2100,
    0x6081,
    0x2107,
    0x6001,
    0xF04F,
    0x5000,
    0x6841,
    0x3101,
    0x6041,
    0xE7FB,
    0xE010,
    0xE000,
)
# ldr r0,=0xE000EDFC; mov r1,#0x1000000; str r1,[r0]; ldr r0,=0xE0001000; movs r1,#1; str r1,[r0]; ldr r2,=0xE000E1...
PEND_TWO_AND_MEASURE = thumb(
    0x480B,
    0xF04F,
    0x7180,
    0x6001,
    0x480A,
    0x2101,
    0x6001,
    0x4A0A,
    0x2303,
    0x6013,
    0x4A09,
    0xF04F,
    0x5500,
    0xB672,
    0x6013,
    0x6846,
    0xB662,
    0xF3BF,
    0x8F6F,
    0x6847,
    0x1BBF,
    0x602F,
    0xBE00,
    0xBF00,
    0xEDFC,
    0xE000,
    0x1000,
    0xE000,
    0xE100,
    0xE000,
    0xE200,
    0xE000,
)
# bx lr
RETURN = thumb(0x4770)
# svc 0; bx lr
SVC_IN_HANDLER_OF_SAME_PRIORITY = thumb(0xDF00, 0x4770)
# svc 0; bkpt
SVC = thumb(0xDF00, 0xBE00)
# ldr r0,=0xE000ED88; mov r1,#0xF00000; str r1,[r0]; dsb; isb; ldr r0,=0xE000EDFC; mov r1,#0x1000000; str r1,[r0]; ...
SVC_WITH_FLOATS_MEASURED = thumb(
    0x480C,
    0xF44F,
    0x170,
    0x6001,
    0xF3BF,
    0x8F4F,
    0xF3BF,
    0x8F6F,
    0x4809,
    0xF04F,
    0x7180,
    0x6001,
    0x4808,
    0x2101,
    0x6001,
    0xEEB7,
    0xA00,
    0xF04F,
    0x5500,
    0x6846,
    0xDF00,
    0x6847,
    0x1BBF,
    0x602F,
    0xBE00,
    0xBF00,
    0xED88,
    0xE000,
    0xEDFC,
    0xE000,
    0x1000,
    0xE000,
)
# vmov.f32 s0,#3.0; bx lr
USE_A_FLOAT = thumb(0xEEB0, 0xA08, 0x4770)
# movs r0,r0; bx lr
NO_FLOAT = thumb(0x0, 0x4770)


def test_a_bus_error_becomes_a_hard_fault_with_its_address(make_machine: Make) -> None:
    machine = make_machine(READ_NOWHERE_THEN_GO_ON, {HARD_FAULT: NOTE_FAULT})
    outcome = machine.run(until_s=1.0)
    cfsr, bfar, hfsr, exception = words(machine, RAM, 4)
    assert (cfsr, bfar, hfsr, exception) == (0x8200, 0x30000000, FORCED, HARD_FAULT)
    # The handler skipped the access: the program went on behind it.
    assert (outcome.end, words(machine, RAM + 32, 1)) == ("halt", [7])


def test_an_enabled_bus_fault_is_taken_as_itself(make_machine: Make) -> None:
    machine = make_machine(READ_NOWHERE_WITH_BUS_FAULTS_ON, {HARD_FAULT: SPIN, BUS_FAULT: NOTE_FAULT})
    machine.run(until_s=1.0)
    assert words(machine, RAM, 4) == [0x8200, 0x30000000, 0, BUS_FAULT]


# movs r3,#0; blx r3
CALL_THROUGH_NULL = thumb(0x2300, 0x4798)
# movs r3,#0; push {r3}; pop {pc}
RETURN_TO_NULL = thumb(0x2300, 0xB408, 0xBD00)


@pytest.mark.parametrize(
    ("program", "status"),
    [(UNDEFINED, 1 << 16), (DIVIDE_BY_ZERO_TRAPPED, 1 << 25), (LDRD_UNALIGNED, 1 << 24), (FLOAT_WITHOUT_UNIT, 1 << 19),
     (WRITE_TO_FLASH, 0x8200), (JUMP_TO_NOWHERE, 1 << 8), (CALL_THROUGH_NULL, 1 << 17), (RETURN_TO_NULL, 1 << 17)],
)  # fmt: skip
def test_each_fault_says_what_it_is(make_machine: Make, program: bytes, status: int) -> None:
    machine = make_machine(program, {HARD_FAULT: SPIN})
    outcome = machine.run(until_s=1.0)
    (fault,) = machine.faults
    assert (outcome.end, fault.exception, fault.status, fault.hard_status) == ("fault", "HardFault", status, FORCED)


def test_a_fault_tells_where_it_was_and_what_ran_before(make_machine: Make) -> None:
    machine = make_machine(FLOAT_WITHOUT_UNIT, {HARD_FAULT: SPIN})
    machine.run(until_s=1.0)
    (fault,) = machine.faults
    assert fault.pc == 0x08000202
    assert fault.registers["r5"] == 5
    assert fault.last_blocks[-1] == 0x08000200


def test_a_divide_by_zero_is_zero_unless_trapped(make_machine: Make) -> None:
    machine = make_machine(DIVIDE_BY_ZERO)
    machine.run(until_s=1.0)
    assert words(machine, RAM, 2) == [0, 9]


def test_a_plain_load_may_be_unaligned_beside_one_that_must_not(make_machine: Make) -> None:
    machine = make_machine(LDR_UNALIGNED_BESIDE_LDRD, {HARD_FAULT: SPIN})
    assert machine.run(until_s=1.0).end == "halt"
    assert words(machine, RAM, 1) == [9]


def test_a_fault_without_a_handler_ends_the_run(make_machine: Make) -> None:
    machine = make_machine(READ_NOWHERE_THEN_GO_ON)
    outcome = machine.run(until_s=1.0)
    assert outcome.end == "fault"
    assert "no handler for HardFault" in outcome.detail
    assert "0x08000204" in outcome.detail


def test_a_fault_within_the_hard_fault_handler_locks_up(make_machine: Make) -> None:
    machine = make_machine(UNDEFINED, {HARD_FAULT: UNDEFINED})
    outcome = machine.run(until_s=1.0)
    assert outcome.end == "fault"
    assert [fault.exception for fault in machine.faults] == ["HardFault", "lockup"]


def test_svc_from_a_handler_of_its_own_priority_escalates(make_machine: Make) -> None:
    machine = make_machine(SVC, {SV_CALL: SVC_IN_HANDLER_OF_SAME_PRIORITY, HARD_FAULT: SPIN})
    assert machine.run(until_s=1.0).end == "fault"
    assert machine.faults[0].cause == "SVC while its exception is masked"
    assert machine.faults[0].hard_status == FORCED


def test_a_software_reset_begins_anew_and_leaves_the_ram(make_machine: Make) -> None:
    machine = make_machine(RESET_ONCE)
    outcome = machine.run(until_s=1.0)
    assert (outcome.end, machine.resets, words(machine, RAM, 1)) == ("halt", ["software", "software"], [3])


def test_a_handler_behind_another_costs_six_cycles(make_machine: Make) -> None:
    both = make_machine(PEND_TWO_AND_MEASURE, {IRQ0: RETURN, IRQ1: RETURN})
    both.run(until_s=1.0)
    one = make_machine(PEND_TWO_AND_MEASURE.replace(b"\x03\x23", b"\x01\x23"), {IRQ0: RETURN})
    one.run(until_s=1.0)
    ((two_cycles,), (one_cycles,)) = words(both, RAM, 1), words(one, RAM, 1)
    branch_cycles = two_cycles - one_cycles - TAIL_CHAIN_CYCLES
    # The second handler is one BX: one to four cycles of its own.
    assert 1 <= branch_cycles <= 4


def test_the_float_frame_is_charged_only_to_a_handler_that_uses_floats(make_machine: Make) -> None:
    def cycles(handler: bytes) -> int:
        machine = make_machine(SVC_WITH_FLOATS_MEASURED, {SV_CALL: handler})
        machine.run(until_s=1.0)
        return words(machine, RAM, 1)[0]

    idle, busy = cycles(NO_FLOAT), cycles(USE_A_FLOAT)
    # Stacked late at the first VMOV, and taken back at the return.
    assert busy - idle == 2 * FP_FRAME_CYCLES
    assert idle < ENTRY_CYCLES + RETURN_CYCLES + FP_FRAME_CYCLES


def test_a_restored_snapshot_goes_on_as_before(make_machine: Make) -> None:
    machine = make_machine(COUNT_FOR_EVER, {SYS_TICK: NOTE_FAULT})
    machine.run(until_s=0.02)
    snapshot = machine.snapshot()
    first = machine.run(until_s=0.1), words(machine, RAM, 8)
    for _ in range(2):
        machine.restore(snapshot)
        assert machine.now_s == snapshot.time_s
        assert (machine.run(until_s=0.1), words(machine, RAM, 8)) == first
    fresh = make_machine(COUNT_FOR_EVER, {SYS_TICK: NOTE_FAULT})
    assert (fresh.run(until_s=0.1), words(fresh, RAM, 8)) == first


def test_a_snapshot_of_another_emulator_is_refused(make_machine: Make) -> None:
    with pytest.raises(ValueError, match="only by the emulator that made it"):
        make_machine(COUNT_FOR_EVER).restore(make_machine(COUNT_FOR_EVER).snapshot())


def test_a_snapshot_may_be_taken_while_a_trace_runs(make_machine: Make, tmp_path: Path) -> None:
    machine = make_machine(COUNT_FOR_EVER, {SYS_TICK: NOTE_FAULT})
    with (tmp_path / "events").open("w") as sink:
        machine.trace_events(lambda event: sink.write(f"{event}\n") > 0)
        machine.run(until_s=0.01)
        machine.restore(machine.snapshot())
        machine.run(until_s=0.02)
    kinds = [line.split("kind='")[1].split("'")[0] for line in (tmp_path / "events").read_text().splitlines()]
    assert kinds.count("exception_enter") == kinds.count("exception_leave") > 5


# SysTick with RVR 9999 and the core's clock; wait; off; [RAM]=CVR; on; [RAM+4]=CVR; bkpt
STOP_THE_TICK = thumb(
    0x480A,
    0xF242,
    0x710F,
    0x6041,
    0x2100,
    0x6081,
    0x2105,
    0x6001,
    0x2264,
    0x3A01,
    0xD1FD,
    0x2104,
    0x6001,
    0x6883,
    0xF04F,
    0x5400,
    0x6023,
    0x2105,
    0x6001,
    0x6883,
    0x6063,
    0xBE00,
    0xE010,
    0xE000,
)


def test_systick_keeps_its_value_while_it_is_off(make_machine: Make) -> None:
    machine = make_machine(STOP_THE_TICK)
    machine.run(until_s=1.0)
    held, after = words(machine, RAM, 2)
    assert 0 < held < 9999 - 100
    assert held - 20 <= after <= held
