"""Thumb-2 instructions as the cycle models see them: their kind, what forms an address, what they write."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Literal

import capstone
from capstone import arm as cs_arm

if TYPE_CHECKING:
    from collections.abc import Iterable

Kind = Literal[
    "alu", "load", "store", "load_pc", "load_many", "store_many", "divide", "branch", "branch_register",
    "table_branch", "it", "nop", "system", "barrier", "sync", "fp", "fp_divide", "fp_multiply_add", "fp_move_two",
]  # fmt: skip

_CONDITIONS = ("eq", "ne", "hs", "cs", "lo", "cc", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le")
_LOADS = frozenset({"ldr", "ldrb", "ldrh", "ldrsb", "ldrsh", "ldrex", "ldrexb", "ldrexh", "ldrt", "vldr"})
_STORES = frozenset({"str", "strb", "strh", "strex", "strexb", "strexh", "strt", "vstr"})
_FP_MULTIPLY_ADD = ("vmla", "vmls", "vnmla", "vnmls", "vfma", "vfms", "vfnma", "vfnms")
_BRANCHES = frozenset({"b", "bl"}) | {f"b{c}" for c in _CONDITIONS}
_EXACT: dict[str, Kind] = {
    "sdiv": "divide", "udiv": "divide", "tbb": "table_branch", "tbh": "table_branch", "cbz": "branch", "cbnz": "branch",
    "bx": "branch_register", "blx": "branch_register", "nop": "nop", "mrs": "system", "msr": "system", "cps": "system",
    "cpsie": "system", "cpsid": "system", "dmb": "barrier", "dsb": "barrier", "isb": "sync", "vdiv": "fp_divide",
    "vsqrt": "fp_divide", "ldrd": "load_many", "strd": "store_many",
}  # fmt: skip


_IT = ("it", *("it" + "".join(rest) for n in (1, 2, 3) for rest in product("te", repeat=n)))
_STORE: Kind = "store"
_BRANCH: Kind = "branch"
_IF_THEN: Kind = "it"
_EXACT |= dict.fromkeys(_STORES, _STORE) | dict.fromkeys(_BRANCHES, _BRANCH) | dict.fromkeys(_IT, _IF_THEN)
_BY_PREFIX: tuple[tuple[tuple[str, ...], Kind], ...] = (
    (("ldm", "pop", "vldm", "vpop"), "load_many"),
    (("stm", "push", "vstm", "vpush"), "store_many"),
)


@dataclass(frozen=True, slots=True)
class Instruction:
    """One decoded instruction.

    `words` counts the registers moved by a load or store (a double counts two); `address_registers` are those
    that form its address; `index_register` tells a register offset from an immediate one.
    """

    address: int
    size: int
    kind: Kind
    words: int
    address_registers: frozenset[int]
    written_registers: frozenset[int]
    index_register: bool
    literal: bool
    writes_pc: bool


class Decoder:
    """Decodes Thumb-2 code of ARMv7E-M cores with capstone."""

    def __init__(self) -> None:
        self._capstone = capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS)
        self._capstone.detail = True

    def decode(self, code: bytes, address: int) -> list[Instruction]:
        """Return the instructions of `code`; an undecodable halfword counts as a plain ALU instruction."""
        instructions: list[Instruction] = []
        offset = 0
        while offset < len(code):
            for raw in self._capstone.disasm(code[offset:], address + offset):
                instructions.append(_instruction(raw))
                offset += raw.size
            if offset < len(code):
                instructions.append(_unknown(address + offset))
                offset += 2
        return instructions


def _unknown(address: int) -> Instruction:
    none: frozenset[int] = frozenset()
    return Instruction(address, 2, "alu", 0, none, none, index_register=False, literal=False, writes_pc=False)


def _instruction(raw: Any) -> Instruction:
    _, written = raw.regs_access()
    memory = next((o.mem for o in raw.operands if o.type == cs_arm.ARM_OP_MEM), None)
    writes_pc = cs_arm.ARM_REG_PC in written
    mnemonic = _bare_mnemonic(raw)
    kind = _kind(mnemonic, raw, writes_pc=writes_pc)
    address_registers = _address_registers(kind, raw, memory)
    return Instruction(
        address=raw.address,
        size=raw.size,
        kind=kind,
        words=_words(mnemonic, kind, raw),
        address_registers=address_registers,
        written_registers=frozenset(written),
        index_register=memory is not None and bool(memory.index),
        literal=memory is not None and memory.base == cs_arm.ARM_REG_PC,
        writes_pc=writes_pc,
    )


def _bare_mnemonic(raw: Any) -> str:
    """Return the mnemonic without width suffix, type suffix and condition."""
    mnemonic: str = raw.mnemonic.split(".")[0]
    conditional = raw.cc not in (cs_arm.ARM_CC_AL, cs_arm.ARM_CC_INVALID)
    if conditional and mnemonic[-2:] in _CONDITIONS and not mnemonic.startswith("b"):
        return mnemonic[:-2]
    return mnemonic


def _kind(mnemonic: str, raw: Any, *, writes_pc: bool) -> Kind:
    if mnemonic in _LOADS:
        return "load_pc" if writes_pc else "load"
    if mnemonic in _EXACT:
        return _EXACT[mnemonic]
    for prefixes, kind in _BY_PREFIX:
        if mnemonic.startswith(prefixes):
            return kind
    if mnemonic.startswith("v"):
        return _fp_kind(mnemonic, raw)
    return "branch_register" if writes_pc else "alu"


def _fp_kind(mnemonic: str, raw: Any) -> Kind:
    if mnemonic in _FP_MULTIPLY_ADD:
        return "fp_multiply_add"
    core = sum(1 for o in _registers(raw) if cs_arm.ARM_REG_R0 <= o <= cs_arm.ARM_REG_R12)
    return "fp_move_two" if mnemonic == "vmov" and core > 1 else "fp"


def _registers(raw: Any) -> Iterable[int]:
    return (o.reg for o in raw.operands if o.type == cs_arm.ARM_OP_REG)


def _address_registers(kind: Kind, raw: Any, memory: Any) -> frozenset[int]:
    if memory is not None:
        return frozenset(r for r in (memory.base, memory.index) if r)
    if kind in ("load_many", "store_many"):
        return frozenset(list(_registers(raw))[:1])
    return frozenset()


def _words(mnemonic: str, kind: Kind, raw: Any) -> int:
    if kind not in ("load", "store", "load_pc", "load_many", "store_many"):
        return 0
    registers = list(_registers(raw))
    double = any(cs_arm.ARM_REG_D0 <= r <= cs_arm.ARM_REG_D31 for r in registers)
    if mnemonic in ("ldrd", "strd"):
        return 2
    if kind in ("load_many", "store_many"):
        listed = len(registers) - (0 if mnemonic in ("push", "pop", "vpush", "vpop") else 1)
        return listed * (2 if double else 1)
    return 2 if double else 1
