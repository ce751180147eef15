"""Cycles of whole calls, on small programs whose calls are known."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from datasheet.bad_input import BadInputError
from mcu_models.boards.board import find_board
from mcu_models.emulators.image import FirmwareImage, Function, Segment
from mcu_models.emulators.unicorn_backend import UnicornEmulator

if TYPE_CHECKING:
    from mcu_models.emulators.call_times import CallTimes

FLASH = 0x08000000
MAIN, OUTER, INNER = FLASH + 0x200, FLASH + 0x240, FLASH + 0x280
NOP, PUSH_LR, POP_PC, BX_LR, LOOP = 0xBF00, 0xB500, 0xBD00, 0x4770, 0xE7FE
SUBS_R0, BNE = 0x3801, 0xD100


def bl(at: int, target: int) -> list[int]:
    """Return the two halfwords of BL (DDI 0403E, A7.7.18)."""
    offset = target - at - 4
    sign = offset < 0
    j1, j2 = (not (offset >> 23 & 1)) ^ sign, (not (offset >> 22 & 1)) ^ sign
    return [0xF000 | sign << 10 | offset >> 12 & 0x3FF, 0xD000 | j1 << 13 | j2 << 11 | offset >> 1 & 0x7FF]


def branch(at: int, target: int) -> int:
    """Return B of 16 bits (DDI 0403E, A7.7.12)."""
    return 0xE000 | (target - at - 4) >> 1 & 0x7FF


def ran(
    outer: list[int], inner: list[int], *, seconds: float = 1e-3, name_of_inner: str = "inner"
) -> tuple[UnicornEmulator, CallTimes]:
    """Run a main that calls `outer` once and then stays where it is."""
    codes = {MAIN: [*bl(MAIN, OUTER), LOOP], OUTER: outer, INNER: inner}
    vectors = [0x20010000, MAIN | 1] + [0] * 110
    segments = [Segment(at, struct.pack(f"<{len(code)}H", *code)) for at, code in codes.items()]
    segments.append(Segment(FLASH, struct.pack(f"<{len(vectors)}I", *vectors)))
    functions = (
        Function(MAIN, 8, "main"),
        Function(OUTER, 0x40, "outer.constprop.0"),
        Function(INNER, 0x40, name_of_inner),
    )
    image = FirmwareImage("test", "0" * 64, tuple(segments), functions, {"second_name": INNER | 1})
    emulator = UnicornEmulator(find_board("stm32l4a6zg"), image)
    times = emulator.time_calls()
    emulator.run(until_s=seconds)
    return emulator, times


def twice(nops: int) -> tuple[UnicornEmulator, CallTimes]:
    outer = [PUSH_LR, *bl(OUTER + 2, INNER), *bl(OUTER + 6, INNER), POP_PC]
    return ran(outer, [NOP] * nops + [BX_LR])


def test_a_call_includes_what_it_calls() -> None:
    (_, few), (_, more) = twice(2), twice(12)
    assert (few.of("inner").calls, few.of("outer").calls) == (2, 1)
    assert more.of("inner").last - few.of("inner").last == 10
    assert more.of("outer").last - few.of("outer").last == 20
    assert few.of("outer").total > few.of("inner").total


def test_shortest_longest_and_all_belong_together() -> None:
    _, times = twice(4)
    inner = times.of("inner")
    assert inner.shortest <= inner.last <= inner.longest
    assert inner.total == inner.shortest + inner.longest == inner.mean * 2


def test_a_call_under_way_does_not_count() -> None:
    _, times = ran([LOOP], [BX_LR])
    assert times.of("outer").calls == 0
    assert times.of("outer").mean == 0.0


def test_a_function_that_is_jumped_to_returns_with_the_one_that_jumps() -> None:
    _, times = ran([NOP, branch(OUTER + 2, INNER)], [NOP, NOP, BX_LR])
    assert (times.of("outer").calls, times.of("inner").calls) == (1, 1)
    assert times.of("outer").last > times.of("inner").last


def test_a_loop_back_to_the_first_instruction_is_no_call() -> None:
    # movs r0, #9 stands in the caller's place: r0 counts down to 0.
    _, times = ran([PUSH_LR, 0x2009, *bl(OUTER + 4, INNER), POP_PC], [SUBS_R0, BNE | 0xFD, BX_LR])
    assert times.of("inner").calls == 1
    assert times.of("inner").last > 9


def test_recursion_counts_every_level() -> None:
    # inner: push {lr}; subs r0, #1; beq +2; bl inner; pop {pc}
    inner = [PUSH_LR, SUBS_R0, 0xD001, *bl(INNER + 6, INNER), POP_PC]
    _, times = ran([PUSH_LR, 0x2005, *bl(OUTER + 4, INNER), POP_PC], inner)
    assert times.of("inner").calls == 5
    assert times.of("inner").longest > 4 * times.of("inner").shortest


def test_watching_costs_no_cycles() -> None:
    watched, _ = twice(8)
    plain = UnicornEmulator(watched.board, watched.image)
    plain.run(until_s=1e-3)
    assert watched.cycles == plain.cycles


def test_a_snapshot_goes_back_to_the_calls_of_its_time() -> None:
    emulator, times = ran([PUSH_LR, *bl(OUTER + 2, INNER), branch(OUTER + 6, OUTER + 2)], [NOP, BX_LR], seconds=1e-5)
    before, saved = times.of("inner"), emulator.snapshot()
    emulator.run(until_s=2e-5)
    later = times.of("inner")
    assert later.calls > before.calls > 0
    emulator.restore(saved)
    assert times.of("inner") == before
    emulator.run(until_s=2e-5)
    assert times.of("inner") == later


def test_the_last_calls_come_in_order_of_time() -> None:
    emulator, times = twice(3)
    events = [(event.kind, event.name) for event in emulator.call_events(times)]
    inner = [("enter", "inner"), ("leave", "inner")]
    outer = [("enter", "outer.constprop.0"), *inner, *inner, ("leave", "outer.constprop.0")]
    assert events == [("enter", "main"), *outer]
    times_s = [event.time_s for event in emulator.call_events(times)]
    assert times_s == sorted(times_s)


def test_a_function_is_found_by_address_too_and_others_are_refused() -> None:
    _, times = twice(1)
    assert times.of(INNER | 1) == times.of("inner")
    for unknown in ("out", 0x100):
        with pytest.raises(BadInputError, match="no function of the image"):
            times.of(unknown)


def test_a_handler_ends_when_it_returns() -> None:
    # svc #0; svc #0; bx lr: vector 11 is the handler of SVC.
    codes = {MAIN: [*bl(MAIN, OUTER), LOOP], OUTER: [0xDF00, 0xDF00, BX_LR], INNER: [NOP] * 9 + [BX_LR]}
    vectors = [0x20010000, MAIN | 1] + [0] * 110
    vectors[11] = INNER | 1
    segments = [Segment(at, struct.pack(f"<{len(code)}H", *code)) for at, code in codes.items()]
    segments.append(Segment(FLASH, struct.pack(f"<{len(vectors)}I", *vectors)))
    functions = (Function(MAIN, 8, "main"), Function(OUTER, 0x40, "outer"), Function(INNER, 0x40, "svc_handler"))
    emulator = UnicornEmulator(
        find_board("stm32l4a6zg"), FirmwareImage("test", "0" * 64, tuple(segments), functions, {})
    )
    times = emulator.time_calls()
    emulator.run(until_s=1e-4)
    handler, outer = times.of("svc_handler"), times.of("outer")
    assert (handler.calls, outer.calls) == (2, 1)
    assert 10 <= handler.longest < 40
    assert outer.last > handler.total


def test_a_function_has_all_its_names_and_a_name_of_several_is_refused() -> None:
    _, times = ran([PUSH_LR, *bl(OUTER + 2, INNER), POP_PC], [BX_LR])
    assert times.of("second_name") == times.of("inner") == times.of(INNER | 1)
    _, times = ran([PUSH_LR, *bl(OUTER + 2, INNER), POP_PC], [BX_LR], name_of_inner="main")
    with pytest.raises(BadInputError, match="is the name of several, at 0x8000200, 0x8000280"):
        times.of("main")
