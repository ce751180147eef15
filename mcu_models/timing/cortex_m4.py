"""Cycles of the Cortex-M4 pipeline, block by block, with memory that never waits.

Instruction costs are those of the Cortex-M4 Technical Reference Manual (Arm 100166_0001, table 3-1 and section
3.3.2; floating point as repeated in TI SWCU185 tables 3-25 and 3-27). Where the manual gives a range (pipeline
refill 1-3, divide 2-12) the values below are the ones that reproduce published cycle counts of hand-written
routines on an STM32F407 at zero wait states; they are assumptions and stand in `REFILL_CYCLES` and
`DIVIDE_CYCLES`. Wait states, unaligned accesses and changes of memory between pipelined loads come on top, in the
emulator.

Valid for code and data in memory without wait states. Contention with DMA and exceptions inside a block are
outside this model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcu_models.timing.block import Block
    from mcu_models.timing.decoding import Instruction

REFILL_CYCLES = 1
"""Pipeline refill after a taken branch. TRM: 1-3 depending on alignment and width of the target; the
unaligned 32-bit target is charged by `UNALIGNED_TARGET_CYCLES`."""
REFILL_AFTER_LOAD_CYCLES = 2
"""Refill when the target comes out of memory (POP {pc}, LDR pc, TBB)."""
UNALIGNED_TARGET_CYCLES = 1
"""A branch to a 32-bit instruction that straddles a fetch word needs a second fetch."""
DIVIDE_CYCLES = 6
"""SDIV and UDIV end early: 2-12 by operand; a middle value."""
SYSTEM_CYCLES = 2
ADDRESS_FROM_ALU_CYCLES = 1
"""A load or store whose address the preceding ALU instruction has just made waits for it."""

UNALIGNED_CYCLES, UNALIGNED_ODD_CYCLES = 1, 2
"""A word at an even address goes out as two half-words, at an odd one as byte, half-word, byte; a half-word at an
odd address as two bytes (TRM 100166_0001, 3.5.3: unaligned accesses are split into aligned ones)."""

STARVED_CYCLES, STARVED_RUN = 1, 3
"""A multi-cycle instruction followed by three 32-bit ones that straddle fetch words (eprint.iacr.org/2025/523)."""
CROSSING_CYCLES = 1
"""Of a load or store that would hide behind a load, had that gone to the same memory."""

_WITHOUT_BASE = frozenset({"push", "pop", "vpush", "vpop"})
_MEMORY = frozenset({"load", "store", "load_pc", "load_many", "store_many"})
_SLOW = frozenset({"load", "load_many", "store_many", "divide"})
_ARITHMETIC = frozenset({"alu", "divide", "it"})
_FIXED = {
    "alu": 1,
    "nop": 1,
    "branch": 1,
    "branch_register": 1,
    "divide": DIVIDE_CYCLES,
    "table_branch": 3,
    "system": SYSTEM_CYCLES,
    "barrier": 1,
    "sync": 3,
    "fp": 1,
    "fp_divide": 14,
    "fp_multiply_add": 3,
    "fp_move_two": 2,
    "load_pc": 2,
}
_REFILL = {
    "branch": REFILL_CYCLES,
    "branch_register": REFILL_CYCLES,
    "table_branch": REFILL_AFTER_LOAD_CYCLES,
    "load_pc": REFILL_AFTER_LOAD_CYCLES,
    "load_many": REFILL_AFTER_LOAD_CYCLES,
}


def edge_cycles(previous: Block | None, block: Block) -> int:
    """Return the cycles of `block` when it follows `previous` (None: after an exception or a start)."""
    tail = previous.instructions[-1] if previous and previous.instructions else None
    taken = previous is not None and previous.end != block.address
    cycles = block_cycles(block.instructions, None if taken else tail)
    if taken and tail is not None:
        cycles += _REFILL.get(tail.kind, REFILL_CYCLES) + _unaligned_target_cycles(block)
    return cycles


def block_cycles(instructions: Sequence[Instruction], before: Instruction | None) -> int:
    """Return the cycles of straight-line `instructions` that follow the instruction `before`."""
    total = 0
    last = len(instructions) - 1
    for index, instruction in enumerate(instructions):
        previous = instructions[index - 1] if index else before
        following = instructions[index + 1] if index < last else None
        total += _instruction_cycles(instruction, previous, following)
    return total + STARVED_CYCLES * _starved_runs(instructions)


def _starved_runs(instructions: Sequence[Instruction]) -> int:
    """Count the runs of wide instructions across fetch words that a multi-cycle instruction leads into."""
    runs, length, behind_slow = 0, 0, False
    for previous, this in zip((None, *instructions), instructions, strict=False):
        if this.size == 2 or not this.address & 2:
            length = 0
            continue
        if length == 0:
            behind_slow = previous is not None and previous.kind in _SLOW
        length += 1
        runs += behind_slow and length == STARVED_RUN
    return runs


def pipelined_accesses(instructions: Sequence[Instruction]) -> int:
    """Return which data accesses are priced as hidden behind the load before them: bit n for access n.

    They hide only when both go to the same memory (github.com/jnk0le/random, cortex_m3m4.md); one that does not
    costs `CROSSING_CYCLES` more. Which memory an access goes to shows when it runs.
    """
    pipelined, count = 0, 0
    for previous, this in zip((None, *instructions), instructions, strict=False):
        if previous is not None and previous.kind == "load" and this.kind in ("load", "store"):
            pipelined |= _overlaps(previous, this) << count
        count += _accesses(this)
    return pipelined


def _accesses(this: Instruction) -> int:
    """Return how many times an instruction goes to memory, as the emulator sees it: a double goes once."""
    if this.kind in ("load_many", "store_many"):
        listed = len(this.operand_registers) - (0 if this.mnemonic in _WITHOUT_BASE else 1)
        return 2 if this.mnemonic in ("ldrd", "strd") else listed
    return 1 if this.kind in ("load", "store", "load_pc", "table_branch") else 0


def _unaligned_target_cycles(block: Block) -> int:
    first = block.instructions[0] if block.instructions else None
    return UNALIGNED_TARGET_CYCLES if first and first.size == 4 and block.address & 2 else 0


def _instruction_cycles(this: Instruction, previous: Instruction | None, following: Instruction | None) -> int:
    cycles = _own_cycles(this, previous, following)
    if this.kind in _MEMORY and previous is not None and previous.kind in _ARITHMETIC:
        cycles += ADDRESS_FROM_ALU_CYCLES if this.address_registers & previous.written_registers else 0
    return cycles


def _own_cycles(this: Instruction, previous: Instruction | None, following: Instruction | None) -> int:
    if this.kind == "load":
        return _load_cycles(this, previous, following)
    if this.kind == "store":
        return _store_cycles(this, following)
    if this.kind in ("load_many", "store_many"):
        return 1 + this.words
    if this.kind == "it":
        # Folded into the 16-bit instruction before it (TRM 3.3.1).
        return 0 if previous is not None and previous.size == 2 else 1
    return _FIXED[this.kind]


def _load_cycles(this: Instruction, previous: Instruction | None, following: Instruction | None) -> int:
    """2 cycles, 1 when the next access or a NOP overlaps its data phase (TRM 3.3.2)."""
    cycles = 1 + max(1, this.words)
    if following is not None and _overlaps(this, following):
        cycles -= 1
    unaligned_wide = this.size == 4 and this.address & 2
    return cycles + (1 if unaligned_wide and previous is not None and previous.kind == "load" else 0)


def _overlaps(load: Instruction, following: Instruction) -> bool:
    """Tell whether the data phase of `load` hides behind the instruction that follows.

    A base register that the load itself moves may be used again at once: the kernels of measured networks load
    that way, and come out up to 8 % too slow otherwise.
    """
    if following.kind == "nop":
        return True
    if following.address_registers.intersection(load.operand_registers[:1]):
        return False
    return following.kind == "load" or (following.kind == "store" and not following.index_register)


def _store_cycles(this: Instruction, following: Instruction | None) -> int:
    """1 cycle through the store buffer; nothing pipelines behind a register-offset store (TRM 3.3.2)."""
    if this.words > 1 or this.index_register:
        return 1 + (0 if following is not None and following.kind == "nop" else max(1, this.words - 1))
    return 2 if following is not None and following.kind in ("load", "load_many") else 1
