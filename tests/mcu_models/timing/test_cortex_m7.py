"""The Cortex-M7 cycle model against the rules found by measurement (see the model's module for their sources)."""

from __future__ import annotations

import struct

import pytest

from mcu_models.timing.block import Block
from mcu_models.timing.core_model import CONDITIONAL, INDIRECT, NOT_PREDICTED, core_model
from mcu_models.timing.cortex_m7 import block_half_cycles, edge_half_cycles
from mcu_models.timing.decoding import Decoder

DECODER = Decoder()


def block(*halfwords: int, address: int = 0x08000000) -> Block:
    code = struct.pack(f"<{len(halfwords)}H", *halfwords)
    return Block(address, len(code), tuple(DECODER.decode(code, address)))


def half_cycles(*code: tuple[int, ...]) -> int:
    return block_half_cycles(block(*(halfword for instruction in code for halfword in instruction)).instructions)


ADD_R0_R1, ADD_R2_R3, ADD_R0_R0, EOR_R4_R0, EOR_R5_R4 = (0x4408,), (0x441A,), (0x3001,), (0x4044,), (0x4065,)
LDR_R1_R0, LDR_R2_R0_4, LDR_R2_R0_8, LDR_R2_R3 = (0x6801,), (0x6842,), (0x6882,), (0x681A,)
LDRB_R1_R0, LDR_R2_R1 = (0x7801,), (0x680A,)
STR_R1_R0, STR_R2_R3 = (0x6001,), (0x601A,)
MUL_R0_R1, MUL_R2_R3 = (0x4348,), (0x435A,)
SMLAD_R0, SMLAD_R3 = (0xFB21, 0x0002), (0xFB21, 0x3302)
SXTB16_R4_R1, SXTB16_R5_R2 = (0xFA2F, 0xF481), (0xFA2F, 0xF582)
EOR_R4_R0_ROR, EOR_R5_R1_ROR = (0xEA80, 0x2432), (0xEA81, 0x2532)
VMUL_S0, VADD_S1, VFMA_S0, VLDR_S3 = (0xEE20, 0x0A20), (0xEE71, 0x0A21), (0xEEA0, 0x0A20), (0xEDD0, 0x1A00)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param((ADD_R0_R1,), 1, id="one instruction leaves the other slot free"),
        pytest.param((ADD_R0_R1, ADD_R2_R3), 2, id="two independent instructions go together"),
        pytest.param((ADD_R0_R0, EOR_R4_R0), 2, id="an early result feeds the late ALU in the same cycle"),
        pytest.param((EOR_R4_R0, EOR_R5_R4), 3, id="a late result has to wait for the next cycle"),
        pytest.param((LDR_R1_R0, LDR_R2_R0_4), 2, id="loads of an even and an odd word go together"),
        pytest.param((LDR_R1_R0, LDR_R2_R0_8), 3, id="loads of two even words do not"),
        pytest.param((LDR_R1_R0, LDR_R2_R3), 3, id="unknown banks cost half a cycle on average"),
        pytest.param((LDR_R1_R0, LDR_R2_R1), 5, id="an address just loaded is there two cycles later"),
        pytest.param((LDRB_R1_R0, LDR_R2_R1), 7, id="a byte as an address is there a cycle later still"),
        pytest.param((STR_R1_R0, STR_R2_R3), 3, id="two stores do not go together"),
        pytest.param((LDR_R1_R0, STR_R2_R3), 2, id="a load and a store do"),
        pytest.param((MUL_R0_R1, MUL_R2_R3), 3, id="there is one multiplier"),
        pytest.param((MUL_R0_R1, STR_R2_R3), 3, id="a multiplication does not go with a store"),
        pytest.param((SMLAD_R0,) * 4, 7, id="accumulation chains every cycle"),
        pytest.param((MUL_R0_R1, ADD_R0_R0), 5, id="a product can be used two cycles later"),
        pytest.param((LDR_R1_R0, SMLAD_R3), 5, id="a multiplication takes a loaded word two cycles later"),
        pytest.param((SXTB16_R4_R1, SXTB16_R5_R2), 3, id="DSP instructions go only as the older"),
        pytest.param((SXTB16_R4_R1, ADD_R2_R3), 2, id="and pair with a plain one behind them"),
        pytest.param((ADD_R2_R3, SXTB16_R4_R1), 3, id="but not before them"),
        pytest.param((EOR_R4_R0_ROR, EOR_R5_R1_ROR), 3, id="there is one shifter for operands"),
        pytest.param(((0xB570,),), 4, id="push of four registers takes two cycles, alone"),
        pytest.param(((0xE9D0, 0x4500), ADD_R2_R3), 3, id="LDRD takes a cycle, alone"),
        pytest.param((VMUL_S0, VADD_S1), 3, id="one floating-point operation a cycle"),
        pytest.param((VMUL_S0, ADD_R2_R3), 2, id="beside an integer one"),
        pytest.param((VFMA_S0, VFMA_S0), 7, id="a sum can be added to three cycles later"),
        pytest.param((VFMA_S0, VLDR_S3), 3, id="no load beside a multiply-accumulate"),
        pytest.param(((0xEE80, 0x0A20), ADD_R2_R3), 33, id="a division holds the pipeline for 16 cycles"),
    ],
)
def test_pairs_and_latencies(code: tuple[tuple[int, ...], ...], expected: int) -> None:
    assert half_cycles(*code) == expected


def test_an_edge_costs_what_the_block_adds_to_the_one_before() -> None:
    first = block(*ADD_R0_R1)
    behind = block(*ADD_R2_R3, address=0x08000002)
    assert edge_half_cycles(None, first) == 1
    # The second one takes the slot that the first left free.
    assert edge_half_cycles(first, behind) == 1


def test_a_taken_branch_waits_for_every_fetch_of_its_target() -> None:
    branch = block(0xE7FE)
    wide = (0xF101, 0x0101, 0xF102, 0x0201)
    aligned, straddling = block(*wide, address=0x08000100), block(*wide, address=0x08000104)
    assert edge_half_cycles(branch, straddling) == 4
    assert edge_half_cycles(branch, aligned) < 4


@pytest.mark.parametrize(
    ("halfwords", "kind"),
    [
        pytest.param((0xD1FD,), CONDITIONAL, id="bne"),
        pytest.param((0xB108,), CONDITIONAL, id="cbz"),
        pytest.param((0xE7FE,), NOT_PREDICTED, id="b"),
        pytest.param((0x4770,), INDIRECT, id="bx lr"),
        pytest.param((0xBD10,), INDIRECT, id="pop with pc"),
        pytest.param(ADD_R0_R1, NOT_PREDICTED, id="no branch"),
    ],
)
def test_the_predictor_knows_its_branches(halfwords: tuple[int, ...], kind: int) -> None:
    assert core_model("cortex-m7").branch_kind(block(*halfwords)) == kind
    assert core_model("cortex-m4").branch_kind(block(*halfwords)) == NOT_PREDICTED


@pytest.mark.parametrize(
    ("fillers", "expected"),
    [pytest.param(0, 8, id="flags made just before"), pytest.param(6, 6, id="flags made three cycles before")],
)
def test_a_wrong_guess_costs_less_when_the_flags_are_early(fillers: int, expected: int) -> None:
    subtract, branch = 0x3901, 0xD1FD
    code = block(subtract, *(ADD_R2_R3[0], 0x4626) * (fillers // 2), branch)
    assert core_model("cortex-m7").mispredict_cycles(code) == expected


@pytest.mark.parametrize(
    ("narrow", "expected"), [pytest.param(0, 3, id="only wide ones"), pytest.param(2, 2, id="two narrow ones behind")]
)
def test_a_multiple_load_among_wide_instructions_stalls(narrow: int, expected: int) -> None:
    load_four, wide, short = (0xE8B5, 0x1E00), (0xF101, 0x0101), (0x3001,)
    behind = short * narrow + wide * (14 - narrow)
    alone = block_half_cycles(block(*behind).instructions)
    assert block_half_cycles(block(*load_four, *behind).instructions) - alone == 2 * expected


def test_backward_branches_are_taken_at_first_sight() -> None:
    model = core_model("cortex-m7")
    assert model.initial_history(block(0xD1FD)) == 2
    assert model.initial_history(block(0xD101)) == 1


def test_the_m7_never_needs_more_cycles_than_the_m4_for_plain_arithmetic() -> None:
    code = block(*(ADD_R0_R1 + ADD_R2_R3 + MUL_R0_R1 + EOR_R4_R0) * 4)
    assert edge_half_cycles(None, code) <= core_model("cortex-m4").edge_half_cycles(None, code)
