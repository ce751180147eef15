"""Chooses the cycle model of a core by its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from datasheet.bad_input import BadInputError, nearest_name
from mcu_models.timing import cortex_m4, cortex_m7

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mcu_models.timing.block import Block
    from mcu_models.timing.decoding import Instruction

NOT_PREDICTED, CONDITIONAL, INDIRECT = range(3)


@dataclass(frozen=True)
class CoreModel:
    """What a core costs, beside its memories.

    Attributes:
        edge_half_cycles: Half cycles of a block that follows another (None: after a start or an exception).
        has_predictor: Whether branches are guessed.
        mispredict_cycles: Cycles lost when the branch at the end of a block was guessed wrong.
        unaligned_cycles: Cycles that a half-word across a boundary, or a word at an even one, costs more.
        unaligned_odd_cycles: Cycles that a word at an odd address costs more.
        unaligned_stores: Whether stores pay them too; else the store buffer hides them.
        crossing_cycles: Cycles that an access priced as hidden behind the load before it costs after all when it
            goes to another memory.
        pipelined_accesses: Which accesses of a block are priced so: bit n for the n-th.
        learnt_run: Longest run of equal outcomes of one branch that the predictor learns, and with it the end of a
            loop that is always as short.
    """

    edge_half_cycles: Callable[[Block | None, Block], int]
    has_predictor: bool
    mispredict_cycles: Callable[[Block], int]
    unaligned_cycles: int
    unaligned_odd_cycles: int
    unaligned_stores: bool
    crossing_cycles: int
    pipelined_accesses: Callable[[Sequence[Instruction]], int]
    learnt_run: int = 0

    def branch_kind(self, block: Block) -> int:
        """Return how the predictor guesses the end of `block`: not at all, taken or not, or its target."""
        last = block.instructions[-1] if block.instructions else None
        if not self.has_predictor or last is None:
            return NOT_PREDICTED
        if last.kind == "branch":
            return CONDITIONAL if last.conditional else NOT_PREDICTED
        leaves = last.kind in ("branch_register", "table_branch", "load_pc") or last.writes_pc
        return INDIRECT if leaves else NOT_PREDICTED

    def initial_history(self, block: Block) -> int:
        """Return the predictor's first guess: branches backwards are taken, forwards not, targets unknown."""
        if self.branch_kind(block) != CONDITIONAL:
            return 0
        return 2 if block.instructions[-1].branch_target <= block.address else 1


def _cortex_m4_half_cycles(previous: Block | None, block: Block) -> int:
    return 2 * cortex_m4.edge_cycles(previous, block)


_MODELS = {
    "cortex-m4": CoreModel(
        _cortex_m4_half_cycles,
        has_predictor=False,
        mispredict_cycles=lambda _block: 0,
        unaligned_cycles=cortex_m4.UNALIGNED_CYCLES,
        unaligned_odd_cycles=cortex_m4.UNALIGNED_ODD_CYCLES,
        unaligned_stores=True,
        crossing_cycles=cortex_m4.CROSSING_CYCLES,
        pipelined_accesses=cortex_m4.pipelined_accesses,
    ),
    "cortex-m7": CoreModel(
        cortex_m7.edge_half_cycles,
        has_predictor=True,
        mispredict_cycles=cortex_m7.mispredict_cycles,
        unaligned_cycles=cortex_m7.UNALIGNED_LOAD_CYCLES,
        unaligned_odd_cycles=cortex_m7.UNALIGNED_LOAD_CYCLES,
        unaligned_stores=False,
        crossing_cycles=0,
        pipelined_accesses=lambda _instructions: 0,
        learnt_run=cortex_m7.LEARNT_RUN,
    ),
}


def core_model(core: str) -> CoreModel:
    """Return the cycle model of a core such as "cortex-m4".

    Raises:
        BadInputError: There is no model of it.
    """
    if core not in _MODELS:
        raise BadInputError("board", "core", core, nearest_name(core, _MODELS))
    return _MODELS[core]
