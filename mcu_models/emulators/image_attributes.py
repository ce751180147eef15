"""What an ELF image asks of its core: the build attributes that compilers leave in `.ARM.attributes`.

Layout and values: Addenda to, and Errata in, the ABI for the Arm Architecture (IHI 0045), sections 3.1 and 3.3.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_VERSION, _VENDOR, _WHOLE_FILE = b"A", b"aeabi\0", 1
_CPU_RAW_NAME, _CPU_NAME, _CPU_ARCH, _PROFILE, _ARM_ISA = 4, 5, 6, 7, 8
_FP_ARCH, _HARD_FP_USE = 10, 27
_ALSO_COMPATIBLE_WITH, _COMPATIBILITY, _CONFORMANCE = 65, 32, 67
_TEXTS: Final = frozenset({_CPU_RAW_NAME, _CPU_NAME, _ALSO_COMPATIBLE_WITH, _CONFORMANCE})
_FIRST_BY_PARITY: Final = 32
"""From this tag on, odd tags hold text and even ones numbers."""
_ARCHITECTURES: Final = (
    "before Armv4", "Armv4", "Armv4T", "Armv5T", "Armv5TE", "Armv5TEJ", "Armv6", "Armv6KZ", "Armv6T2", "Armv6K",
    "Armv7", "Armv6-M", "Armv6S-M", "Armv7E-M", "Armv8-A", "Armv8-R", "Armv8-M baseline", "Armv8-M mainline",
    "Armv8.1-A", "Armv8.2-A", "Armv8.3-A", "Armv8.1-M mainline", "Armv9-A",
)  # fmt: skip
_UNKNOWN, _ARMV7, _FIRST_NOT_RUN = 0, 10, 14
_MICROCONTROLLER: Final = frozenset({11, 12, 13})
_DOUBLE_UNITS: Final = {2: "VFPv2", 3: "VFPv3", 4: "VFPv3-D16", 5: "VFPv4", 6: "VFPv4-D16", 7: "FPv5", 8: "FPv5-D16"}
_PROFILES: Final = {ord(letter): letter for letter in "ARMS"}
_FPV5: Final = frozenset({7, 8})
_SINGLE_ONLY: Final = 1
MAX_ATTRIBUTE_BYTES = 1 << 16


@dataclass(frozen=True)
class CoreNeeds:
    """Build attributes of an image, as numbers of the ABI.

    Attributes:
        architecture: Tag_CPU_arch.
        profile: Tag_CPU_arch_profile: "A", "R", "M", "S" (A or R), or empty.
        arm_instructions: Whether it may hold instructions in the 32-bit Arm encoding (Tag_ARM_ISA_use).
        fp_architecture: Tag_FP_arch; 0 when no floating-point instructions are used.
        hard_fp_use: Tag_ABI_HardFP_use: 1 single precision only, else all that the unit has.
    """

    architecture: int = _UNKNOWN
    profile: str = ""
    arm_instructions: bool = False
    fp_architecture: int = 0
    hard_fp_use: int = 0

    @property
    def uses_double_precision(self) -> bool:
        """Whether instructions for 64-bit floating point may occur."""
        return self.fp_architecture in _DOUBLE_UNITS and self.hard_fp_use != _SINGLE_ONLY

    def obstacle(self, core: str, *, double_precision: bool) -> str:
        """Return what keeps an Armv7E-M core from running the image; empty when nothing is known to."""
        wrong = self._wrong_architecture()
        if wrong:
            return wrong
        if self.uses_double_precision and not double_precision:
            return f"a floating-point unit with double precision ({_DOUBLE_UNITS[self.fp_architecture]})"
        if self.fp_architecture in _FPV5 and core == "cortex-m4":
            return "the floating-point unit FPv5 of a Cortex-M7"
        return ""

    def _wrong_architecture(self) -> str:
        name = self._architecture_name()
        if self.profile in ("A", "R"):
            return f"{name}, profile {self.profile}" if self.architecture == _ARMV7 else name
        if self.architecture >= _FIRST_NOT_RUN:
            return name
        if self.arm_instructions and self.architecture not in {_UNKNOWN, *_MICROCONTROLLER}:
            return f"{name} with Arm instructions"
        return ""

    def _architecture_name(self) -> str:
        known = self.architecture < len(_ARCHITECTURES)
        return _ARCHITECTURES[self.architecture] if known else f"architecture {self.architecture} of the Arm ABI"


def read_core_needs(section: bytes) -> CoreNeeds | None:
    """Return what the bytes of `.ARM.attributes` say; None when they say nothing that can be understood.

    The section is advice: one that is damaged does not make the image unusable.
    """
    try:
        tags = dict(_file_tags(section[:MAX_ATTRIBUTE_BYTES]))
    except (IndexError, ValueError, struct.error):
        return None
    if not tags:
        return None
    return CoreNeeds(
        architecture=tags.get(_CPU_ARCH, _UNKNOWN),
        profile=_PROFILES.get(tags.get(_PROFILE, 0), ""),
        arm_instructions=bool(tags.get(_ARM_ISA)),
        fp_architecture=tags.get(_FP_ARCH, 0),
        hard_fp_use=tags.get(_HARD_FP_USE, 0),
    )


def _file_tags(section: bytes) -> Iterator[tuple[int, int]]:
    """Yield tag and number of the attributes of the whole file."""
    if section[:1] != _VERSION:
        return
    place = 1
    while place < len(section):
        (length,) = struct.unpack_from("<I", section, place)
        part = section[place + 4 : place + length]
        if part.startswith(_VENDOR):
            yield from _vendor_tags(part[len(_VENDOR) :])
        place += max(length, 4)


def _vendor_tags(part: bytes) -> Iterator[tuple[int, int]]:
    place = 0
    while place < len(part):
        scope, length = struct.unpack_from("<BI", part, place)
        if scope == _WHOLE_FILE:
            yield from _numbers(part[place + 5 : place + length])
        place += max(length, 5)


def _numbers(part: bytes) -> Iterator[tuple[int, int]]:
    """Yield the tags that hold a number; skip those that hold text."""
    place = 0
    while place < len(part):
        tag, place = _uleb128(part, place)
        if tag == _COMPATIBILITY:
            _, place = _uleb128(part, place)
        if tag in _TEXTS or tag == _COMPATIBILITY or (tag >= _FIRST_BY_PARITY and tag % 2):
            place = part.index(b"\0", place) + 1
            continue
        value, place = _uleb128(part, place)
        yield tag, value


def _uleb128(part: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = part[place]
        place += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return value, place
        if shift > 63:
            raise ValueError("a number without end")
