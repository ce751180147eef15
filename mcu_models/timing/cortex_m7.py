"""Cycles of the Cortex-M7 pipeline, block by block, with memory that never waits.

Arm publishes no cycle table of this core. The rules below are those that its users found by measurement:

- [jnk0le] github.com/jnk0le/random, "pipeline cycle test", cortex_m7.md: cycle counter of an STM32H743;
- [LLVM] ARMScheduleM7.td: units and latencies;
- [ST] slides of the STM32F7: six stages, two instructions a cycle, 64-bit fetch, branch target address cache.

The model issues in order, up to two instructions a cycle, an "older" and a "younger" one. Every register knows when
it is ready for each kind of reader: early stage (addresses, operands shifted on the fly, bit fields), late ALU,
multiplier, accumulator, floating point. A block is priced as the time the issue of the block before it grows by
when this block follows; a dual-issue core can end one between two cycles, hence half cycles.

Valid for code and data that wait for nothing; caches, unaligned accesses and wrong guesses of the branch predictor
come on top, in the emulator. Not modelled: the store buffer filling up (byte and half-word stores back to back, four
cycles each), the triple issue of IT, data-dependent times of division and double precision, and effects of
instruction alignment beyond the 64-bit fetch behind a taken branch.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from capstone import arm as cs_arm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcu_models.timing.block import Block
    from mcu_models.timing.decoding import Instruction

MISPREDICT_CYCLES, EARLY_MISPREDICT_CYCLES, EARLY_FLAGS_CYCLES = 8, 6, 3
"""[jnk0le]: 8; 6 when the flags were made at least three cycles before the branch."""
LEARNT_RUN = 10
"""Arm does not describe the predictor. Routines measured 1,024 times in a row (jnk0le/cortexm-AES) leave loops of nine
and ten turns without a wrong guess; whole networks take longer than if longer loops were learnt too."""
UNALIGNED_LOAD_CYCLES = 3
"""[jnk0le]: 3 as the older instruction, 4 as the younger."""
DIVIDE_CYCLES = 7
"""[LLVM]; ends early for small quotients."""
FETCH_BYTES = 8
"""[ST]: 64 bits a cycle; matters behind a taken branch, whose target may lie anywhere in them."""
STARVED_CYCLES, NARROW_NEEDED, NARROW_WINDOW = 1, 2, 14
"""[jnk0le]: a multiple load or store stalls unless two 16-bit instructions come before it, or up to seven cycles
(two instructions each) behind it. The hot loops of published networks on an STM32H7A3 bear this out."""
SYSTEM_CYCLES, BARRIER_CYCLES, TABLE_BRANCH_CYCLES = 2, 4, 3
"""Assumptions; rare in computation."""
UNKNOWN_BANKS_HALF_CYCLES = 1
"""Two loads issue together unless both go to even or both to odd words ([jnk0le]). From different base registers
that is as likely as not, and costs a cycle when it happens: an assumption, in half cycles."""

_MULTIPLY = (
    "mul", "mla", "mls", "smull", "umull", "smlal", "umlal", "umaal", "smmul", "smmla", "smmls", "smuad", "smusd",
    "smlad", "smlsd", "smlald", "smlsld", "smulb", "smult", "smulw", "smlab", "smlat", "smlaw",
)  # fmt: skip
_LONG_ACCUMULATE = ("smlal", "umlal", "umaal", "smlald", "smlsld")
_NO_ACCUMULATE = ("mul", "smul", "smmul", "smuad", "smusd", "umull")
_PLAIN_EARLY = frozenset({"add", "addw", "sub", "subw", "mov", "movw", "adr"})
_SHIFTS = frozenset({"lsl", "lsr", "asr", "ror"})
_REVERSALS = frozenset({"rev", "rev16", "revsh", "rbit"})
_EXTRACTS = frozenset({"sbfx", "ubfx"})
_INSERTS = frozenset({"bfi", "bfc", "pkhbt", "pkhtb"})
_EXTEND_ADD = ("uxta", "sxta")
_OTHER_DSP = (
    "uxt", "sxt", "clz", "sel", "usat", "ssat", "qadd", "qsub", "qdadd", "qdsub", "usad", "uadd", "sadd", "usub8",
    "usub16", "ssub", "uqadd", "uqsub", "uhadd", "uhsub", "shadd", "shsub", "qasx", "qsax", "sasx", "ssax", "uasx",
    "usax",
)  # fmt: skip
_FP_ARITHMETIC = frozenset({"fp", "fp_divide", "fp_multiply_add", "fp_move_two"})
_ALONE = frozenset({"load_many", "store_many", "divide", "table_branch", "system", "barrier", "sync", "fp_move_two"})
_BRANCHES = frozenset({"branch", "branch_register", "table_branch", "load_pc"})
# Cycles until a floating-point result can be an operand, and until it can be accumulated upon [jnk0le].
_FP_LATENCY = {"fp": (3, 3), "fp_divide": (3, 3), "fp_multiply_add": (5, 3), "fp_move_two": (3, 3)}
_FP_DOUBLE_LATENCY = {"fp": (3, 3), "fp_divide": (3, 3), "fp_multiply_add": (8, 3), "fp_move_two": (3, 3)}
_FP_DIVIDE_CYCLES, _FP_SQUARE_ROOT_CYCLES, _FP_DOUBLE_DIVIDE_CYCLES = 16, 14, 30
_FP_DOUBLE_CYCLES = {"vadd": 2, "vsub": 2, "vmul": 5}
_FP_DOUBLE_MULTIPLY_ADD_CYCLES = 7


@dataclass(frozen=True, slots=True)
class _Issue:
    """What the pipeline needs to know of one instruction."""

    kind: str
    mnemonic: str
    early_reads: frozenset[int]
    late_reads: frozenset[int]
    accumulates: frozenset[int]
    writes: frozenset[int]
    base: int
    bank: tuple[int, int] | None
    multiply: bool
    dsp: bool
    shifter: bool
    early: bool
    floating: bool
    load: bool
    store: bool
    word: bool
    alone: bool
    cycles: int
    reads_flags: bool
    writes_flags: bool
    double: bool


@dataclass(slots=True)
class _Ready:
    """The cycle from which a register can be read, by reader."""

    early: int = 0
    late: int = 0
    multiply: int = 0
    accumulate: int = 0
    floating: int = 0
    floating_accumulate: int = 0


def edge_half_cycles(previous: Block | None, block: Block) -> int:
    """Return the half cycles of `block` when it follows `previous` (None: after a start or an exception)."""
    before = previous.instructions if previous else ()
    half_cycles = block_half_cycles((*before, *block.instructions)) - block_half_cycles(before)
    if previous is not None and previous.end != block.address:
        words = (block.end - 1) // FETCH_BYTES - block.address // FETCH_BYTES + 1
        half_cycles = max(half_cycles, 2 * words)
    return max(half_cycles, 0)


def block_half_cycles(instructions: Sequence[Instruction]) -> int:
    """Return the half cycles in which straight-line `instructions` issue, from an empty pipeline."""
    return issue_half_cycles(_issues(instructions))


def mispredict_cycles(block: Block) -> int:
    """Return what a wrong guess of the branch at the end of `block` costs."""
    last = block.instructions[-1] if block.instructions else None
    if last is None or last.kind != "branch" or last.mnemonic in ("cbz", "cbnz"):
        return MISPREDICT_CYCLES
    pipeline = _Pipeline()
    for issue in _issues(block.instructions):
        pipeline.issue(issue)
    return EARLY_MISPREDICT_CYCLES if pipeline.cycles_since_flags >= EARLY_FLAGS_CYCLES else MISPREDICT_CYCLES


def issue_half_cycles(issues: Sequence[_Issue]) -> int:
    """Return the half cycles until the last of `issues` has gone; an odd number leaves a slot free."""
    pipeline = _Pipeline()
    for issue in issues:
        pipeline.issue(issue)
    return pipeline.half_cycles


class _Pipeline:
    """Issues instructions in order, and remembers when their results can be used."""

    def __init__(self) -> None:
        self._now = 0
        self._older: _Issue | None = None
        self._ready: dict[int, _Ready] = defaultdict(_Ready)
        self._flags_ready = -EARLY_FLAGS_CYCLES
        self._lost_half_cycles = 0

    @property
    def half_cycles(self) -> int:
        """Half cycles passed; the younger slot of the last cycle is still free when odd."""
        return 2 * self._now + (self._older is not None) + self._lost_half_cycles

    @property
    def cycles_since_flags(self) -> int:
        """Cycles from the instruction that set the flags to the last one issued."""
        return (self.half_cycles - 1) // 2 - (self._flags_ready - 1)

    def issue(self, this: _Issue) -> None:
        """Let one instruction go, as soon as its operands and a slot are there."""
        operands_ready = self._operands_ready(this)
        older = self._older
        if older is not None and operands_ready <= self._now and _may_pair(older, this):
            self._lost_half_cycles += UNKNOWN_BANKS_HALF_CYCLES if _banks_unknown(older, this) else 0
            self._finish(this, younger=True)
            self._advance(1)
            return
        if older is not None:
            self._advance(1)
        self._now = max(self._now, operands_ready)
        self._finish(this, younger=False)
        if this.alone or this.cycles > 1:
            self._advance(this.cycles)
        else:
            self._older = this

    def _advance(self, cycles: int) -> None:
        self._now += cycles
        self._older = None

    def _operands_ready(self, this: _Issue) -> int:
        ready = self._ready
        times = [ready[r].early for r in this.early_reads]
        if this.multiply:
            times += [ready[r].multiply for r in this.late_reads]
            times += [ready[r].accumulate for r in this.accumulates]
        elif this.floating:
            times += [max(ready[r].floating, ready[r].late) for r in this.late_reads]
            times += [ready[r].floating_accumulate for r in this.accumulates]
        else:
            # A store takes its data a stage after the late ALU has made it.
            times += [ready[r].late - this.store for r in this.late_reads]
        if this.reads_flags and this.kind not in _BRANCHES:
            times.append(self._flags_ready)
        return max(times, default=0)

    def _finish(self, this: _Issue, *, younger: bool) -> None:
        result = self._result(this, younger=younger)
        for register in this.writes:
            self._ready[register] = result
        if this.base and this.base in this.writes:
            self._ready[this.base] = self._after(1, 0 if this.store else 1, 1, 0)
        if this.writes_flags:
            self._flags_ready = self._now + 1

    def _after(self, early: int, late: int, multiply: int, accumulate: int) -> _Ready:
        now = self._now
        return _Ready(now + early, now + late, now + multiply, now + accumulate, now + late, now + late)

    def _result(self, this: _Issue, *, younger: bool) -> _Ready:
        """Return when the result can be read; [jnk0le] throughout."""
        if this.load:
            return self._loaded(this)
        if this.kind in _FP_ARITHMETIC:
            return self._floating_result(this)
        if this.kind == "divide":
            return self._after(this.cycles + 1, this.cycles, this.cycles, this.cycles)
        if this.multiply:
            return self._after(3, 2, 2, 1)
        if self._runs_early(this, younger=younger):
            return self._after(1, 0, 0, 0)
        # A reversed word leaves the early ALU too, but cannot be read there in the next cycle.
        return self._after(2, 0, 0, 0) if this.mnemonic in _REVERSALS else self._after(2, 1, 1, 0)

    def _loaded(self, this: _Issue) -> _Ready:
        if this.kind == "load_many":
            return self._after(this.cycles + 1, this.cycles, this.cycles + 1, this.cycles)
        loaded = self._after(2, 1, 2, 1) if this.word else self._after(3, 2, 3, 1)
        loaded.floating_accumulate = self._now + 3
        return loaded

    def _floating_result(self, this: _Issue) -> _Ready:
        latencies = _FP_DOUBLE_LATENCY if this.double else _FP_LATENCY
        operand, accumulate = latencies[this.kind]
        start = self._now + this.cycles - 1
        late = start + (1 if this.kind == "fp_move_two" else operand)
        return _Ready(late + 1, late, late, late, start + operand, start + accumulate)

    def _runs_early(self, this: _Issue, *, younger: bool) -> bool:
        """Tell whether the early ALU can take it: simple, its operands there in time, in the right slot."""
        if not this.early or this.reads_flags or (younger and this.mnemonic.rstrip("s") in _PLAIN_EARLY):
            return False
        return all(self._ready[r].early <= self._now for r in this.late_reads | this.early_reads)


def _may_pair(older: _Issue, younger: _Issue) -> bool:
    """Tell whether `younger` can go in the same cycle as `older`, its operands aside."""
    if older.alone or younger.alone or (older.multiply and younger.multiply):
        return False
    if (older.multiply and younger.store) or (older.store and (younger.multiply or younger.store)):
        return False
    if younger.dsp or (older.shifter and younger.shifter):
        return False
    if older.load and younger.load:
        return not _same_bank(older, younger)
    return not (older.floating and younger.floating) or _floating_may_pair(older, younger)


def _same_bank(older: _Issue, younger: _Issue) -> bool:
    return older.bank is not None and older.bank == younger.bank


def _banks_unknown(older: _Issue, younger: _Issue) -> bool:
    if not (older.load and younger.load):
        return False
    return older.bank is None or younger.bank is None or older.bank[0] != younger.bank[0]


def _floating_may_pair(older: _Issue, younger: _Issue) -> bool:
    arithmetic = (older.kind in _FP_ARITHMETIC, younger.kind in _FP_ARITHMETIC)
    return not all(arithmetic) and "fp_multiply_add" not in (older.kind, younger.kind)


def _issues(instructions: Sequence[Instruction]) -> tuple[_Issue, ...]:
    issues = [_issue_of(instruction) for instruction in instructions]
    last = -1
    for index, instruction in enumerate(instructions):
        if instruction.kind in ("load_many", "store_many"):
            if _starved(instructions, last, index):
                issues[index] = replace(issues[index], cycles=issues[index].cycles + STARVED_CYCLES)
            last = index
    return tuple(issues)


def _starved(instructions: Sequence[Instruction], last: int, index: int) -> bool:
    """Tell whether a multiple load or store finds only wide instructions around it, so that fetch falls behind."""
    before = sum(i.size == 2 for i in instructions[last + 1 : index])
    behind = instructions[index + 1 : index + 1 + NARROW_WINDOW]
    known = len(behind) == NARROW_WINDOW
    return before < NARROW_NEEDED and known and sum(i.size == 2 for i in behind) < NARROW_NEEDED


@lru_cache(maxsize=1 << 15)
def _issue_of(this: Instruction) -> _Issue:
    multiply = this.mnemonic.startswith(_MULTIPLY)
    dsp = not multiply and _is_dsp(this.mnemonic)
    shifter = _uses_shifter(this, dsp=dsp)
    early_reads = _early_reads(this, dsp=dsp)
    accumulates = _accumulates(this, multiply=multiply)
    memory = this.kind in ("load", "store", "load_pc")
    return _Issue(
        kind=this.kind,
        mnemonic=this.mnemonic,
        early_reads=early_reads,
        late_reads=this.read_registers - early_reads - accumulates,
        accumulates=accumulates,
        writes=this.written_registers - _NOT_DATA,
        base=this.base_register or (min(this.address_registers, default=0) if "many" in this.kind else 0),
        bank=(this.base_register, this.displacement >> 2 & 1) if memory and this.base_register else None,
        multiply=multiply,
        dsp=dsp,
        shifter=shifter,
        early=_is_simple(this, shifter=shifter),
        floating=this.mnemonic.startswith("v"),
        load=this.kind in ("load", "load_pc", "load_many"),
        store=this.kind in ("store", "store_many"),
        word=this.mnemonic in ("ldr", "ldrex", "vldr"),
        alone=this.kind in _ALONE or (memory and this.words > 1),
        cycles=_cycles(this),
        reads_flags=this.reads_flags,
        writes_flags=this.writes_flags,
        double=_is_double(this),
    )


_NOT_DATA = frozenset({cs_arm.ARM_REG_PC, cs_arm.ARM_REG_CPSR, cs_arm.ARM_REG_APSR})


def _is_dsp(mnemonic: str) -> bool:
    """Tell the bit-field and DSP instructions, of which only one goes in a cycle, and only as the older."""
    known = mnemonic in _REVERSALS | _EXTRACTS | _INSERTS
    return known or mnemonic.startswith((*_EXTEND_ADD, *_OTHER_DSP))


def _uses_shifter(this: Instruction, *, dsp: bool) -> bool:
    """Tell what occupies the early shifter, which two instructions of a cycle cannot share."""
    if dsp:
        return this.mnemonic in _REVERSALS | _EXTRACTS | _INSERTS or this.mnemonic.startswith(_EXTEND_ADD)
    return bool(this.shifted_register) or this.shifted_constant


def _early_reads(this: Instruction, *, dsp: bool) -> frozenset[int]:
    """Return the registers wanted a stage before the late ALU."""
    if this.kind in ("load", "store", "load_pc", "load_many", "store_many"):
        stack = {cs_arm.ARM_REG_SP} if this.mnemonic in ("push", "pop", "vpush", "vpop") else set()
        return this.address_registers | stack if not stack else frozenset(stack)
    if dsp and this.mnemonic in _REVERSALS | _EXTRACTS:
        return this.read_registers
    if dsp and (this.mnemonic in _INSERTS or this.mnemonic.startswith(_EXTEND_ADD)):
        return frozenset(this.operand_registers[-1:]) if len(this.operand_registers) > 1 else frozenset()
    return frozenset({this.shifted_register}) if this.shifted_register and not dsp else frozenset()


def _accumulates(this: Instruction, *, multiply: bool) -> frozenset[int]:
    """Return the registers a multiply-accumulate adds to; they are wanted last."""
    registers = this.operand_registers
    if this.kind == "fp_multiply_add":
        return frozenset(registers[:1])
    if not multiply or this.mnemonic.startswith(_NO_ACCUMULATE):
        return frozenset()
    added = registers[:2] if this.mnemonic.startswith(_LONG_ACCUMULATE) and len(registers) == 4 else registers[-1:]
    # A register that is also multiplied has to be there in time for that.
    multiplied = registers[2:] if len(added) == 2 else registers[1:-1]
    return frozenset(added) - frozenset(multiplied)


def _is_simple(this: Instruction, *, shifter: bool) -> bool:
    mnemonic = this.mnemonic.removesuffix("s")
    return this.kind == "alu" and not shifter and mnemonic in _PLAIN_EARLY | _SHIFTS


def _is_double(this: Instruction) -> bool:
    return any(cs_arm.ARM_REG_D0 <= register <= cs_arm.ARM_REG_D31 for register in this.operand_registers)


def _cycles(this: Instruction) -> int:
    """Return the cycles an instruction keeps the issue stage busy."""
    if this.kind in ("load_many", "store_many"):
        return (this.words + 1) // 2
    if this.mnemonic.startswith("v") and this.kind in _FP_ARITHMETIC:
        return _fp_cycles(this)
    fixed = {
        "divide": DIVIDE_CYCLES,
        "table_branch": TABLE_BRANCH_CYCLES,
        "system": SYSTEM_CYCLES,
        "barrier": BARRIER_CYCLES,
        "sync": BARRIER_CYCLES,
    }
    return fixed.get(this.kind, 1)


def _fp_cycles(this: Instruction) -> int:
    double = _is_double(this)
    if this.kind == "fp_divide":
        single = _FP_SQUARE_ROOT_CYCLES if this.mnemonic == "vsqrt" else _FP_DIVIDE_CYCLES
        return _FP_DOUBLE_DIVIDE_CYCLES if double else single
    if double and this.kind == "fp_multiply_add":
        return _FP_DOUBLE_MULTIPLY_ADD_CYCLES
    return _FP_DOUBLE_CYCLES.get(this.mnemonic, 1) if double else 1
