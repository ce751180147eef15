"""The Cortex-M4 cycle model against the figures of its Technical Reference Manual (Arm 100166_0001, 3.3)."""

from __future__ import annotations

import struct

import pytest

from mcu_models.timing.block import Block
from mcu_models.timing.cortex_m4 import block_cycles, edge_cycles, pipelined_accesses
from mcu_models.timing.decoding import Decoder

DECODER = Decoder()


def block(*halfwords: int, address: int = 0x08000000) -> Block:
    code = struct.pack(f"<{len(halfwords)}H", *halfwords)
    return Block(address, len(code), tuple(DECODER.decode(code, address)))


def cycles(*halfwords: int) -> int:
    return block_cycles(block(*halfwords).instructions, None)


LDR_R1_R0, LDR_R2_R3, LDR_R2_R1, STR_R2_R3, STR_R1_R0_R2 = 0x6801, 0x681A, 0x680A, 0x601A, 0x5081


LDR_R1_POST_R0, LDR_R2_POST_R3, LDR_R2_POST_R0 = (0xF850, 0x1B04), (0xF853, 0x2B04), (0xF850, 0x2B04)
STR_R1_POST_R0, STR_R2_POST_R3, STR_R2_POST_R0 = (0xF840, 0x1B04), (0xF843, 0x2B04), (0xF840, 0x2B04)
SXTB16, SXTB16_ROR, PKHBT, PKHTB = (0xFA2F, 0xF481), (0xFA2F, 0xF591), (0xEAC4, 0x4605), (0xEAC5, 0x4724)
SMLAD, SMLAD_R1 = (0xFB24, 0x0006), (0xFB21, 0x3302)


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
        pytest.param(SXTB16 + SXTB16_ROR + PKHBT + PKHTB + SMLAD, 5, id="unpacking and dual MAC, a cycle each"),
        pytest.param(LDR_R1_POST_R0 + LDR_R2_POST_R3, 3, id="post-indexed loads from two registers pipeline"),
        pytest.param(LDR_R1_POST_R0 + LDR_R2_POST_R0, 3, id="and from one register"),
        pytest.param(STR_R1_POST_R0 + STR_R2_POST_R3, 2, id="post-indexed stores to two registers"),
        pytest.param(STR_R1_POST_R0 + STR_R2_POST_R0, 2, id="and to one register"),
        pytest.param((0xE8F0, 0x4502, 0xE8F3, 0x6702), 6, id="LDRD does not pipeline"),
        pytest.param(LDR_R1_POST_R0 + SMLAD_R1, 3, id="a multiplication can use what was just loaded"),
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


def test_wide_instructions_across_fetch_words_starve_behind_a_load() -> None:
    code = (LDR_R1_R0, *SXTB16 * 3)
    straddling, aligned = block(*code), block(*code, address=0x08000002)
    assert block_cycles(straddling.instructions, None) == block_cycles(aligned.instructions, None) + 1
    two = block(LDR_R1_R0, *SXTB16 * 2)
    assert block_cycles(two.instructions, None) == 4


@pytest.mark.parametrize(
    ("halfwords", "expected"),
    [
        pytest.param((LDR_R1_R0, LDR_R2_R3, STR_R2_R3), 0b110, id="behind a load"),
        pytest.param((LDR_R1_R0, LDR_R2_R1), 0b00, id="not when the address was just loaded"),
        pytest.param((LDR_R1_R0, 0x3004, LDR_R2_R3), 0b00, id="not with something between"),
        pytest.param((0xC8F0, LDR_R1_R0, LDR_R2_R3), 0b100000, id="a multiple load counts every word"),
        pytest.param((0xB5F0, LDR_R1_R0, LDR_R2_R3), 0b1000000, id="and so does a push"),
    ],
)
def test_which_accesses_hide_behind_a_load(halfwords: tuple[int, ...], expected: int) -> None:
    assert pipelined_accesses(block(*halfwords).instructions) == expected
