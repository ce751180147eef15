"""The Cortex-M4 cycle model against the figures of its Technical Reference Manual (Arm 100166_0001, 3.3)."""

from __future__ import annotations

import struct

import pytest

from mcu_models.timing.cortex_m4 import Block, block_cycles, edge_cycles
from mcu_models.timing.decoding import Decoder

DECODER = Decoder()


def block(*halfwords: int, address: int = 0x08000000) -> Block:
    code = struct.pack(f"<{len(halfwords)}H", *halfwords)
    return Block(address, len(code), tuple(DECODER.decode(code, address)))


def cycles(*halfwords: int) -> int:
    return block_cycles(block(*halfwords).instructions, None)


LDR_R1_R0, LDR_R2_R3, LDR_R2_R1, STR_R2_R3, STR_R1_R0_R2 = 0x6801, 0x681A, 0x680A, 0x601A, 0x5081


@pytest.mark.parametrize(
    ("halfwords", "expected"),
    [
        pytest.param((LDR_R1_R0,), 2, id="a single load"),
        pytest.param((LDR_R1_R0, LDR_R2_R3), 3, id="two loads pipeline"),
        pytest.param((LDR_R1_R0, LDR_R2_R3, LDR_R1_R0), 4, id="three loads pipeline"),
        pytest.param((LDR_R1_R0, STR_R2_R3), 2, id="load and buffered store"),
        pytest.param((LDR_R1_R0, LDR_R2_R1), 4, id="an address from the load before does not pipeline"),
        pytest.param((STR_R2_R3,), 1, id="immediate-offset store"),
        pytest.param((STR_R1_R0_R2,), 2, id="register-offset store"),
        pytest.param((0x4351,), 1, id="multiply"),
        pytest.param((0xFB21, 0x3002), 1, id="dual multiply-accumulate"),
        pytest.param((0xEE00, 0x0A81), 3, id="floating-point multiply-accumulate"),
        pytest.param((0xEE80, 0x0A81), 14, id="floating-point divide"),
        pytest.param((0xB570,), 5, id="push of four registers is 1 + N"),
        pytest.param((0xE9D0, 0x4500), 3, id="LDRD is 1 + N"),
        pytest.param((0xC8F0,), 5, id="load of four registers is 1 + N"),
        pytest.param((0x3004, LDR_R1_R0), 4, id="an address the ALU has just made costs a cycle"),
        pytest.param((0x0000, 0xBF08, 0x2001), 2, id="IT folds into a 16-bit instruction"),
    ],
)
def test_straight_line_code_costs_what_the_manual_says(halfwords: tuple[int, ...], expected: int) -> None:
    assert cycles(*halfwords) == expected


def test_a_taken_branch_refills_the_pipeline() -> None:
    branch = block(0xE7FE)
    assert edge_cycles(branch, block(0x0000)) == 1 + 1
    behind = block(0x0000, address=0x08000002)
    assert edge_cycles(branch, behind) == 1


def test_a_wide_target_across_a_fetch_word_costs_one_more() -> None:
    branch = block(0xE7FE)
    wide = (0xFB21, 0x3002)
    aligned, straddling = block(*wide, address=0x08000100), block(*wide, address=0x08000102)
    assert edge_cycles(branch, straddling) == edge_cycles(branch, aligned) + 1


def test_loads_pipeline_across_the_end_of_a_block() -> None:
    first = block(0x3004)
    load = block(LDR_R1_R0, address=0x08000002)
    assert edge_cycles(first, load) == 3


def test_undecodable_halfwords_do_not_stop_the_model() -> None:
    assert sum(i.size for i in block(0xFFFF, 0xFFFF, 0x0000).instructions) == 6
