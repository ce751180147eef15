"""How to leave a function: call frame information out of an image's .debug_frame or .eh_frame.

DWARF 5, section 6.4; register numbers after DWARF for the Arm Architecture (IHI 0040): 0 to 15 are r0 to r15. Read with
pyelftools on the first question; the reads it may make are counted, and a damaged table counts as far as it could be
read. Rules that are expressions are not carried out.
"""

from __future__ import annotations

import bisect
import io
import warnings
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from elftools.dwarf.callframe import FDE, RegisterRule
from elftools.elf.elffile import ELFFile

from mcu_models.emulators.debug_lines import DAMAGED, Meter, MeteredStream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mcu_models.emulators.image_model import FirmwareImage

MAX_SECTION_BYTES = 8 << 20
MAX_READS = 1_000_000
"""Some 5 us each."""
MAX_INSTRUCTIONS = 400
"""Of one function, which hardly needs forty; what they do takes time and memory with the square of their number."""
_SECTION_FLAG_COMPRESSED = 0x800


@dataclass(frozen=True)
class FrameRule:
    """How to get from one instruction of a function back to its caller.

    Attributes:
        base: Register from which the canonical frame address is reckoned.
        offset: What is added to it.
        saved: Where the caller's registers lie, from the canonical frame address, by number.
    """

    base: int
    offset: int
    saved: Mapping[int, int] = field(default_factory=dict)


class FrameRules:
    """The call frame information of one image.

    Args:
        image: An image with or without any.
    """

    def __init__(self, image: FirmwareImage) -> None:
        self._elf = image.elf
        places = [(s.address if s.run_address is None else s.run_address, len(s.data)) for s in image.segments]
        self._loaded = [(first, first + length) for first, length in places]

    def at(self, address: int) -> FrameRule | None:
        """Return the rule that holds at an instruction; None when the image does not say."""
        index = bisect.bisect_right(self._entries, address, key=lambda entry: entry[0]) - 1
        if index < 0 or address >= self._entries[index][1]:
            return None
        try:
            return _rule(_rows(self._entries[index][2]), address)
        except DAMAGED:
            return None

    @cached_property
    def _entries(self) -> list[tuple[int, int, Any]]:
        """First address, end and entry of every function, by ascending address."""
        entries = [
            (fde["initial_location"], fde["initial_location"] + fde["address_range"], fde) for fde in self._all()
        ]
        # Functions that the linker dropped still have entries, at 0 or thereabouts.
        kept = [entry for entry in entries if any(first <= entry[0] < end for first, end in self._loaded)]
        return sorted(kept, key=lambda entry: entry[:2])

    def _all(self) -> Iterator[FDE]:
        try:
            dwarf = _open(self._elf) if self._elf else None
            if dwarf is None:
                return
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                for section in (dwarf.debug_frame_sec, dwarf.eh_frame_sec):
                    if section is not None:
                        entries = dwarf.CFI_entries() if section is dwarf.debug_frame_sec else dwarf.EH_CFI_entries()
                        yield from (entry for entry in entries if isinstance(entry, FDE))
        except DAMAGED:
            return


def _open(elf: bytes) -> Any:
    file = ELFFile(io.BytesIO(elf))
    sections = [s for s in file.iter_sections() if s.name in (".debug_frame", ".eh_frame")]
    total = sum(section["sh_size"] for section in sections)
    if not sections or total > MAX_SECTION_BYTES or any(s["sh_flags"] & _SECTION_FLAG_COMPRESSED for s in sections):
        return None
    dwarf = file.get_dwarf_info(relocate_dwarf_sections=False, follow_links=False)
    meter = Meter(MAX_READS)
    for name in ("debug_frame_sec", "eh_frame_sec"):
        section = getattr(dwarf, name)
        if section is not None:
            setattr(dwarf, name, section._replace(stream=MeteredStream(section.stream.getvalue(), meter)))
    return dwarf


def _rows(entry: FDE) -> list[dict[Any, Any]]:
    if len(entry.instructions) + len(entry.cie.instructions) > MAX_INSTRUCTIONS:
        return []
    rows: list[dict[Any, Any]] = entry.get_decoded().table
    return rows


def _rule(table: list[dict[Any, Any]], address: int) -> FrameRule | None:
    """Return the last row at or before an address, if it is of a kind that can be followed."""
    rows = [row for row in table if row["pc"] <= address]
    if not rows or rows[-1]["cfa"].reg is None:
        return None
    row = rows[-1]
    saved = {
        number: rule.arg
        for number, rule in row.items()
        if isinstance(number, int) and 0 <= number < 16 and rule.type == RegisterRule.OFFSET
    }
    return FrameRule(row["cfa"].reg, row["cfa"].offset, saved)
