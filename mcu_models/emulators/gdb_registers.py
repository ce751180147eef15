"""The registers of a Cortex-M with floating-point unit, as GDB numbers and describes them.

GDB manual, appendix G, "ARM Features": m-profile, m-system and vfp. Number 25 for xPSR is what GDB expects of Arm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class GdbRegister:
    """A register: name, GDB's number, size, type in GDB's words."""

    name: str
    number: int
    bits: int = 32
    type: str = "int"

    @property
    def hex_digits(self) -> int:
        """Length of its value in a packet."""
        return self.bits // 4


_CORE: Final = (
    *(GdbRegister(f"r{number}", number) for number in range(13)),
    GdbRegister("sp", 13, type="data_ptr"),
    GdbRegister("lr", 14),
    GdbRegister("pc", 15, type="code_ptr"),
    GdbRegister("xpsr", 25),
)
_SYSTEM: Final = (
    GdbRegister("msp", 26, type="data_ptr"),
    GdbRegister("psp", 27, type="data_ptr"),
    *(GdbRegister(name, 28 + index) for index, name in enumerate(("primask", "basepri", "faultmask", "control"))),
)
_FLOATING_POINT: Final = (
    *(GdbRegister(f"d{number}", 32 + number, 64, "ieee_double") for number in range(16)),
    GdbRegister("fpscr", 48),
)
_FEATURES: Final = {"m-profile": _CORE, "m-system": _SYSTEM, "vfp": _FLOATING_POINT}
REGISTERS: Final = (*_CORE, *_SYSTEM, *_FLOATING_POINT)
"""In the order of a `g` packet."""
BY_NUMBER: Final = {register.number: register for register in REGISTERS}


def target_description() -> bytes:
    """Return `target.xml`."""
    features = "".join(_feature(name, registers) for name, registers in _FEATURES.items())
    head = '<?xml version="1.0"?><!DOCTYPE target SYSTEM "gdb-target.dtd">'
    return f'{head}<target version="1.0"><architecture>arm</architecture>{features}</target>'.encode()


def _feature(name: str, registers: tuple[GdbRegister, ...]) -> str:
    lines = "".join(f'<reg name="{r.name}" bitsize="{r.bits}" regnum="{r.number}" type="{r.type}"/>' for r in registers)
    return f'<feature name="org.gnu.gdb.arm.{name}">{lines}</feature>'
