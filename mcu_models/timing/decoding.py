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


_SHIFTS = frozenset({"lsl", "lsr", "asr", "ror", "rrx"})
_COMPARES = frozenset({"cmp", "cmn", "tst", "teq"})
_MODIFIED_IMMEDIATE = frozenset(
    {"adc", "add", "and", "bic", "cmn", "cmp", "eor", "mov", "mvn", "orn", "orr", "rsb", "sbc", "sub", "teq", "tst"}
)
_NOT_DATA = frozenset({cs_arm.ARM_REG_PC, cs_arm.ARM_REG_CPSR, cs_arm.ARM_REG_APSR})
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
    mnemonic: str = ""
    read_registers: frozenset[int] = frozenset()
    operand_registers: tuple[int, ...] = ()
    shifted_register: int = 0
    shifted_constant: bool = False
    base_register: int = 0
    displacement: int = 0
    reads_flags: bool = False
    writes_flags: bool = False
    conditional: bool = False
    branch_target: int = -1


class Decoder:
    """Decodes Thumb-2 code of ARMv7E-M cores with capstone."""

    def __init__(self) -> None:
        self._capstone = capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS)
        self._capstone.detail = True

    def register_name(self, register: int) -> str:
        """Return the name of a register that an instruction lists, such as "r0" or "sp"."""
        return str(self._capstone.reg_name(register))

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
    read, written = raw.regs_access()
    memory = next((o.mem for o in raw.operands if o.type == cs_arm.ARM_OP_MEM), None)
    writes_pc = cs_arm.ARM_REG_PC in written
    mnemonic = _bare_mnemonic(raw)
    kind = _kind(mnemonic, raw, writes_pc=writes_pc)
    address_registers = _address_registers(kind, raw, memory)
    conditional = raw.cc not in (cs_arm.ARM_CC_AL, cs_arm.ARM_CC_INVALID) or mnemonic in ("cbz", "cbnz")
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
        mnemonic=mnemonic,
        read_registers=frozenset(read) - _NOT_DATA,
        operand_registers=tuple(_registers(raw)),
        shifted_register=_shifted_register(mnemonic, raw),
        shifted_constant=_has_shifted_constant(mnemonic, kind, raw),
        base_register=memory.base if memory is not None and not memory.index else 0,
        displacement=memory.disp if memory is not None else 0,
        reads_flags=cs_arm.ARM_REG_CPSR in read or conditional,
        writes_flags=bool(raw.update_flags) or mnemonic in _COMPARES,
        conditional=conditional,
        branch_target=_branch_target(kind, raw),
    )


def _branch_target(kind: Kind, raw: Any) -> int:
    immediate = [o.imm for o in raw.operands if o.type == cs_arm.ARM_OP_IMM] if kind == "branch" else []
    return immediate[-1] & 0xFFFFFFFF if immediate else -1


def _shifted_register(mnemonic: str, raw: Any) -> int:
    if mnemonic.rstrip("s") in _SHIFTS or mnemonic in _SHIFTS:
        return 0
    shifted = (o.reg for o in raw.operands if o.type == cs_arm.ARM_OP_REG and o.shift.type and o.shift.value)
    return next(shifted, 0)


def _has_shifted_constant(mnemonic: str, kind: Kind, raw: Any) -> bool:
    """Tell an 8-bit constant moved to an uneven place from a plain one and from a repeated byte (DDI 0403E, A5.3.2)."""
    if kind != "alu" or raw.size != 4 or mnemonic.removesuffix("s") not in _MODIFIED_IMMEDIATE:
        return False
    value = next((o.imm & 0xFFFFFFFF for o in raw.operands if o.type == cs_arm.ARM_OP_IMM), 0)
    low, second = value & 0xFF, value >> 8 & 0xFF
    patterns = (low, low * 0x00010001, second * 0x01000100, low * 0x01010101)
    return value not in patterns


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
