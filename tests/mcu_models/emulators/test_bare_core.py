"""Single functions on a core with nothing but its memories: hand-written Thumb, no compiler needed."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from datasheet.bad_input import BadInputError
from mcu_models.boards.board import find_board
from mcu_models.emulators.bare_core import BareCore, FunctionFaultError
from mcu_models.emulators.image import FirmwareImage, Function, Segment

if TYPE_CHECKING:
    from collections.abc import Callable

M4, M7, M7_SMPS = "stm32l4r5zi", "stm32h743vi", "stm32h7a3zi"
FLASH, ITCM = 0x08000000, 0x00000000
DATA = {"stm32l4r5zi": 0x20001000, "stm32h743vi": 0x20001000, "stm32h7a3zi": 0x20001000}
AXI_SRAM = 0x24000000

# sum(r0: words, r1: count): push {r4,lr}; movs r2,#0; 1: ldr r3,[r0],#4; adds r2,r2,r3; subs r1,#1; bne 1b;
# mov r0,r2; pop {r4,pc}
SUM = (0xB510, 0x2200, 0xF850, 0x3B04, 0x18D2, 0x3901, 0xD1FA, 0x4610, 0xBD10)
# twice(r0, r1): push {r4-r6,lr}; mov r4,r0; mov r5,r1; bl sum; mov r6,r0; mov r0,r4; mov r1,r5; bl sum;
# add r0,r6; pop {r4-r6,pc}
TWICE_AT = 0x40
# fifth(r0..r3, stack): ldr r0,[sp]; bx lr
FIFTH = (0x9800, 0x4770)
FIFTH_AT = 0x80
# scale: vadd.f32 s0,s0,s0; vmov r0,s0 after vmov s0,r0; bx lr
SCALE = (0xEE00, 0x0A10, 0xEE30, 0x0A00, 0xEE10, 0x0A10, 0x4770)
SCALE_AT = 0xA0
# fill(r0, r1): movs r2,#0; movs r3,#0; 1: subs r1,#8; it cs; stmiacs r0!,{r2,r3}; bhi 1b; bx lr
FILL = (0x2200, 0x2300, 0x3908, 0xBF28, 0xE8A0, 0x000C, 0xD8FA, 0x4770)
FILL_AT = 0xC0
# forever: b .      breaks: bkpt      outside: ldr r0,[r0] from 0x60000000
FOREVER_AT, BREAKS_AT, OUTSIDE_AT = 0xE0, 0xE4, 0xE8
NAMES = {
    "sum": (0, 18), "twice": (TWICE_AT, 26), "fifth": (FIFTH_AT, 4), "scale": (SCALE_AT, 14), "fill": (FILL_AT, 16),
    "forever": (FOREVER_AT, 2), "breaks": (BREAKS_AT, 2), "outside": (OUTSIDE_AT, 6),
}  # fmt: skip


def branch_with_link(source: int, target: int) -> tuple[int, int]:
    offset = target - source - 4
    return 0xF000 | offset >> 12 & 0x7FF, 0xF800 | offset >> 1 & 0x7FF


def program() -> bytes:
    twice = (
        0xB570, 0x4604, 0x460D, *branch_with_link(TWICE_AT + 6, 0), 0x4606, 0x4620, 0x4629,
        *branch_with_link(TWICE_AT + 16, 0), 0x4430, 0xBD70,
    )  # fmt: skip
    parts = {0: SUM, TWICE_AT: twice, FIFTH_AT: FIFTH, SCALE_AT: SCALE, FILL_AT: FILL}
    parts |= {FOREVER_AT: (0xE7FE,), BREAKS_AT: (0xBE00,), OUTSIDE_AT: (0x6800, 0x4770)}
    code = bytearray(0x100)
    for at, halfwords in parts.items():
        code[at : at + 2 * len(halfwords)] = struct.pack(f"<{len(halfwords)}H", *halfwords)
    return bytes(code)


def image_at(base: int) -> FirmwareImage:
    functions = tuple(Function(base + at, size, name) for name, (at, size) in sorted(NAMES.items(), key=lambda n: n[1]))
    symbols = {f.name: f.address | 1 for f in functions}
    return FirmwareImage("test", "0" * 64, (Segment(base, program()),), functions, symbols)


@pytest.fixture
def make_core() -> Callable[..., BareCore]:
    def make(board: str = M4, base: int = FLASH, **options: float) -> BareCore:
        return BareCore(find_board(board), image_at(base), **options)  # type: ignore[arg-type]

    return make


def add_up(core: BareCore, count: int, address: int = 0x20001000) -> int:
    core.write(address, struct.pack(f"<{count}I", *range(count)))
    return core.call("sum", address, count).cycles


@pytest.mark.parametrize("board", [M4, M7, M7_SMPS])
def test_a_function_gives_its_result_and_its_cost(make_core: Callable[..., BareCore], board: str) -> None:
    core = make_core(board)
    core.write(DATA[board], struct.pack("<10I", *range(10)))
    run = core.call("sum", DATA[board], 10)
    assert run.result == 45
    assert run.instructions == 2 + 10 * 4 + 2
    assert run.cycles > run.instructions / 2
    assert run.clock_hz == find_board(board).operating_point().clock_hz
    assert run.latency_s == run.cycles / run.clock_hz


@pytest.mark.parametrize("board", [M4, M7])
def test_cycles_by_symbol_add_up(make_core: Callable[..., BareCore], board: str) -> None:
    core = make_core(board)
    run = core.call("twice", DATA[board], 100)
    assert set(run.cycles_by_symbol) == {"sum", "twice"}
    assert sum(run.cycles_by_symbol.values()) == run.cycles
    assert run.cycles_by_symbol["sum"] > 10 * run.cycles_by_symbol["twice"]


@pytest.mark.parametrize("board", [M4, M7])
def test_a_region_is_charged_with_what_it_calls(make_core: Callable[..., BareCore], board: str) -> None:
    core = make_core(board)
    alone = core.call("twice", DATA[board], 100, regions=["twice"])
    assert alone.cycles_by_region == {"twice": alone.cycles}
    apart = core.call("twice", DATA[board], 100, regions=["sum", "twice"])
    assert apart.cycles_by_region == {name: apart.cycles_by_symbol[name] for name in ("sum", "twice")}
    called = core.call("twice", DATA[board], 100, regions=["sum"])
    assert set(called.cycles_by_region) == {"", "sum"}
    assert sum(called.cycles_by_region.values()) == called.cycles


@pytest.mark.parametrize("board", [M4, M7])
def test_two_runs_are_equal(make_core: Callable[..., BareCore], board: str) -> None:
    first, second = (make_core(board).call("twice", DATA[board], 50) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("board", [M4, M7])
def test_a_warm_call_is_faster_until_the_caches_are_emptied(make_core: Callable[..., BareCore], board: str) -> None:
    core = make_core(board)
    cold = core.call("sum", DATA[board], 20)
    warm = core.call("sum", DATA[board], 20)
    assert warm.stall_cycles < cold.stall_cycles
    core.empty_caches()
    assert core.call("sum", DATA[board], 20).cycles == cold.cycles


def test_stack_depth_and_arguments_on_the_stack(make_core: Callable[..., BareCore]) -> None:
    core = make_core()
    # twice pushes four words, sum two.
    assert core.call("twice", 0x20001000, 1).stack_bytes == 24
    fifth = core.call("fifth", 1, 2, 3, 4, 55)
    assert fifth.result == 55
    assert core.call("fifth", 1, 2, 3, 4, -1).result == 0xFFFFFFFF


def test_the_floating_point_unit_is_on(make_core: Callable[..., BareCore]) -> None:
    (one_and_a_half,) = struct.unpack("<I", struct.pack("<f", 1.5))
    result = make_core().call("scale", one_and_a_half).result
    assert struct.unpack("<f", struct.pack("<I", result)) == (3.0,)


@pytest.mark.parametrize("board", [M4, M7])
def test_a_conditional_store_does_not_leak_into_the_next_block(make_core: Callable[..., BareCore], board: str) -> None:
    """The emulator forgets to leave an IT block in which a hook saw an access; the loop would never end."""
    core = make_core(board)
    core.write(DATA[board], b"\xff" * 64)
    run = core.call("fill", DATA[board], 36, max_cycles=10_000)
    assert run.result == DATA[board] + 32
    assert core.read(DATA[board], 64) == bytes(32) + b"\xff" * 32


def test_wait_states_follow_the_clock(make_core: Callable[..., BareCore]) -> None:
    slow, fast = make_core(clock_hz=16e6), make_core()
    assert (slow.point.wait_states, fast.point.wait_states) == (0, 5)
    assert slow.call("sum", 0x20001000, 3).stall_cycles == 0
    assert fast.call("sum", 0x20001000, 3).stall_cycles > 0


def test_m4_weights_in_flash_wait_and_do_not_pipeline_with_sram(make_core: Callable[..., BareCore]) -> None:
    core = make_core()
    in_sram = [core.call("sum", 0x20001000, 64) for _ in range(2)][-1]
    in_flash = [core.call("sum", FLASH + 0x10000, 64) for _ in range(2)][-1]
    # 256 bytes are sixteen reads of 128 bits, five wait states each, in eight lines that the data cache holds.
    assert in_sram.stall_cycles == 0
    assert in_flash.stall_cycles == 0
    core.empty_caches()
    cold = core.call("sum", FLASH + 0x10000, 64)
    core.empty_caches()
    assert cold.stall_cycles - core.call("sum", 0x20001000, 64).stall_cycles == 16 * 5


def test_m4_loads_from_two_memories_do_not_pipeline(make_core: Callable[..., BareCore]) -> None:
    core = make_core(clock_hz=16e6)
    # ldr r2,[r0]; ldr r3,[r1]; ldr r2,[r0]; ldr r3,[r1]; bx lr
    core.write(0x20000100, struct.pack("<5H", 0x6802, 0x680B, 0x6802, 0x680B, 0x4770))
    core.image.symbols["four"] = 0x20000101
    together = core.call("four", 0x20001000, 0x20001004).cycles
    assert core.call("four", 0x20001000, FLASH).cycles == together + 3


@pytest.mark.parametrize(("board", "waiting"), [(M7, 2 * (5 + 4)), (M7_SMPS, 5 + 6)])
def test_m7_reads_flash_by_the_line(make_core: Callable[..., BareCore], board: str, waiting: int) -> None:
    core = make_core(board, base=ITCM)
    in_dtcm = [core.call("sum", DATA[board], 64) for _ in range(2)][-1]
    cold, warm = (core.call("sum", FLASH + 0x10000, 64) for _ in range(2))
    assert cold.stall_cycles - in_dtcm.stall_cycles == 8 * waiting
    assert warm.cycles == in_dtcm.cycles


def test_m7_data_beyond_the_cache_misses_every_time(make_core: Callable[..., BareCore]) -> None:
    core = make_core(M7, base=ITCM)
    runs = [core.call("sum", AXI_SRAM, 8192) for _ in range(2)]
    assert runs[1].stall_cycles >= 1024 * 2 * 5
    small = [core.call("sum", AXI_SRAM, 1024) for _ in range(2)]
    assert small[1].stall_cycles < 20


@pytest.mark.parametrize(("board", "extra"), [(M4, 1), (M7, 3)])
def test_unaligned_words_cost_more(make_core: Callable[..., BareCore], board: str, extra: int) -> None:
    core = make_core(board)
    aligned, unaligned = ([core.call("sum", DATA[board] + at, 20) for _ in range(2)][-1].cycles for at in (0, 2))
    assert unaligned - aligned == 20 * extra


def test_the_end_of_a_short_loop_is_learnt_and_of_a_long_one_is_not(make_core: Callable[..., BareCore]) -> None:
    core = make_core(M7, base=ITCM)
    first, *_, last = (core.call("sum", DATA[M7], 8).stall_cycles for _ in range(4))
    assert (first >= 8, last) == (True, 0)
    assert [core.call("sum", DATA[M7], 40) for _ in range(4)][-1].stall_cycles == 8


@pytest.mark.parametrize(
    ("symbol", "what"),
    [
        ("forever", "no end after 1000 cycles"),
        ("breaks", "exception 7"),
        ("outside", "READ_UNMAPPED"),
    ],
)
def test_what_cannot_go_on_is_reported(make_core: Callable[..., BareCore], symbol: str, what: str) -> None:
    with pytest.raises(FunctionFaultError, match=what):
        make_core().call(symbol, 0x60000000, max_cycles=1000)


def test_a_function_that_outgrows_its_stack_is_reported(make_core: Callable[..., BareCore]) -> None:
    with pytest.raises(FunctionFaultError, match="beyond the 16 bytes"):
        make_core(max_stack_bytes=16).call("twice", 0x20001000, 1)


def test_bad_input_is_named(make_core: Callable[..., BareCore]) -> None:
    core = make_core()
    with pytest.raises(BadInputError, match="sum"):
        core.call("summ")
    with pytest.raises(BadInputError, match="address"):
        core.read(0x60000000, 4)
    with pytest.raises(BadInputError, match="is the stack"):
        core.write(core._stack_top - 8, b"1234")
    with pytest.raises(BadInputError, match="at most"):
        make_core(clock_hz=200e6)
    with pytest.raises(BadInputError, match="outside stm32l4r5zi"):
        make_core(base=0x10000000 + 0x0FFF0)


def test_initialised_data_is_put_where_start_up_code_copies_it() -> None:
    image = FirmwareImage("test", "0" * 64, (Segment(FLASH, b"data", 0x20000000),), (), {})
    core = BareCore(find_board(M4), image)
    assert core.read(0x20000000, 4) == core.read(FLASH, 4) == b"data"


@pytest.mark.parametrize("board", [M4, M7])
@pytest.mark.parametrize("before", range(0, 20, 2))
def test_an_it_block_may_cross_a_page(board: str, before: int) -> None:
    """The engine ends its blocks at pages of 1 KiB, and stops there when it sees the next one for the first time."""
    # cmp r0,#5; ite eq; moveq r1,#1; movne r1,#2; ittt ne; three times addne r1; adds r1,#64; mov r0,r1; bx lr
    code = (0x2805, 0xBF0C, 0x2101, 0x2102, 0xBF1E, 0x3101, 0x3110, 0x3120, 0x3140, 0x4608, 0x4770)
    start = FLASH + 0x400 - before
    image = FirmwareImage("test", "0" * 64, (Segment(start, struct.pack("<11H", *code)),), (), {"f": start | 1})
    core = BareCore(find_board(board), image)
    assert [core.call("f", value).result for value in (5, 6, 5)] == [0x41, 0x73, 0x41]
