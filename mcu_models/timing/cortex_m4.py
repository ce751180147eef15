"""Cycles of the Cortex-M4 pipeline, block by block, with memory that never waits.

Instruction costs are those of the Cortex-M4 Technical Reference Manual (Arm 100166_0001, table 3-1 and section
3.3.2; floating point as repeated in TI SWCU185 tables 3-25 and 3-27). Where the manual gives a range (pipeline
refill 1-3, divide 2-12) the values below are the ones that reproduce published cycle counts of hand-written
routines on an STM32F407 at zero wait states; they are assumptions and stand in `REFILL_CYCLES` and
`DIVIDE_CYCLES`. Wait states come on top: see `flash_art`.

Valid for code and data in memory without wait states. Contention with DMA and exceptions inside a block are
outside this model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

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

_MEMORY = frozenset({"load", "store", "load_pc", "load_many", "store_many"})
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


@dataclass(frozen=True, slots=True)
class Block:
    """A run of instructions with one entry and one exit, as the emulator translates it."""

    address: int
    size: int
    instructions: tuple[Instruction, ...]

    @property
    def end(self) -> int:
        """Address behind the last instruction."""
        return self.address + self.size


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
    return total


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
    if following.kind == "nop":
        return True
    if following.address_registers & load.written_registers:
        return False
    return following.kind == "load" or (following.kind == "store" and not following.index_register)


def _store_cycles(this: Instruction, following: Instruction | None) -> int:
    """1 cycle through the store buffer; nothing pipelines behind a register-offset store (TRM 3.3.2)."""
    if this.words > 1 or this.index_register:
        return 1 + (0 if following is not None and following.kind == "nop" else max(1, this.words - 1))
    return 2 if following is not None and following.kind in ("load", "load_many") else 1
