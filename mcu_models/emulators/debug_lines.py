"""From an address to the line of source it was compiled from, out of an image's DWARF line tables.

Read with pyelftools on the first question, never before: most runs ask none. DWARF 2 to 5; compressed sections are
not opened. What a hostile file can cost is bounded by the bytes its sections may have and by the number of reads the
decoder may make; a damaged table counts as far as it could be read.
"""

from __future__ import annotations

import bisect
import io
from array import array
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from elftools.common.exceptions import DWARFError, ELFError
from elftools.elf.elffile import ELFFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcu_models.emulators.image_model import FirmwareImage

MAX_DEBUG_BYTES = 64 << 20
MAX_READS = 12_000_000
_READS_AT_LEAST, _READS_PER_BYTE = 200_000, 8
"""Reads the decoder may make, each some 3 us: about 2 are needed for a byte of line tables."""
MAX_PROGRAM_BYTES = 1 << 20
"""Of the line table of one compilation unit."""
MAX_NAME_CHARACTERS = 512
_SECTION_FLAG_COMPRESSED = 0x800
DAMAGED = (
    ELFError, DWARFError, ValueError, KeyError, IndexError, AttributeError, TypeError, OverflowError, AssertionError,
    ArithmeticError, NotImplementedError, RecursionError,
)  # fmt: skip
"""What pyelftools raises on damaged files; it documents only the first two."""


@dataclass(frozen=True, order=True)
class SourceLine:
    """A line of a source file, by the path the compiler noted."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class SourceLines:
    """The line tables of one image.

    Args:
        image: An image with or without debugging information.
    """

    def __init__(self, image: FirmwareImage) -> None:
        self._image = image

    def at(self, address: int) -> SourceLine | None:
        """Return the line that the instruction at `address` belongs to; None when the image does not say."""
        table = self._table
        index = bisect.bisect_right(table.starts, address) - 1
        if index < 0 or address >= table.ends[index]:
            return None
        return SourceLine(table.files[table.file_numbers[index]], table.lines[index])

    def __bool__(self) -> bool:
        """Tell whether the image says anything about lines."""
        return bool(self._table.starts)

    @cached_property
    def _table(self) -> _Table:
        table = _Table()
        places = [
            (segment.address if segment.run_address is None else segment.run_address, len(segment.data))
            for segment in self._image.segments
        ]
        loaded = sorted((first, first + length) for first, length in places)
        for row in _rows(self._image.elf):
            # Functions that the linker dropped still have lines, at 0 or thereabouts.
            if any(first <= row.start < end for first, end in loaded):
                table.gather(row)
        table.sort()
        return table


@dataclass(frozen=True)
class _Row:
    start: int
    end: int
    file: str
    line: int


class _Table:
    """Stretches of code by ascending address, in arrays: a large firmware has hundreds of thousands."""

    def __init__(self) -> None:
        self.starts, self.ends, self.file_numbers, self.lines = (array("Q") for _ in range(4))
        self.files: list[str] = []
        self._number_of: dict[str, int] = {}

    def gather(self, row: _Row) -> None:
        """Take a stretch."""
        if row.file not in self._number_of:
            self._number_of[row.file] = len(self.files)
            self.files.append(row.file)
        values = (row.start, row.end, self._number_of[row.file], row.line)
        for column, value in zip(self._columns(), values, strict=True):
            column.append(value)

    def sort(self) -> None:
        """Put the stretches in order of address; of several that begin at one address the last was meant."""
        order = sorted(range(len(self.starts)), key=self.starts.__getitem__)
        for column in self._columns():
            column[:] = array("Q", [column[index] for index in order])

    def _columns(self) -> tuple[array[int], ...]:
        return self.starts, self.ends, self.file_numbers, self.lines


class Meter:
    """Counts the reads of all sections together, and ends them with a `DWARFError`."""

    def __init__(self, reads: int) -> None:
        self._left = reads

    def count(self) -> None:
        """Count one read."""
        self._left -= 1
        if self._left < 0:
            raise DWARFError("more debugging information than is read")


class MeteredStream(io.BytesIO):
    """A section in memory that cannot be read without end."""

    def __init__(self, data: bytes, meter: Meter) -> None:
        super().__init__(data)
        self._meter = meter

    def read(self, size: int | None = -1, /) -> bytes:
        """Return bytes, as any stream."""
        self._meter.count()
        return super().read(size)


def _rows(elf: bytes) -> Iterator[_Row]:
    """Yield what the line tables say, unit by unit, until their end or until something cannot be read."""
    if not elf:
        return
    try:
        dwarf = _open(elf)
        if dwarf is None:
            return
        seen: set[int] = set()
        for unit in dwarf.iter_CUs():
            yield from _unit_rows(dwarf, unit, seen)
    except DAMAGED:
        return


def _open(elf: bytes) -> Any:
    file = ELFFile(io.BytesIO(elf))
    sections = [s for s in file.iter_sections() if s.name.startswith((".debug_", ".zdebug_", ".eh_frame"))]
    if sum(section["sh_size"] for section in sections) > MAX_DEBUG_BYTES:
        return None
    if any(s["sh_flags"] & _SECTION_FLAG_COMPRESSED or s.name.startswith(".z") for s in sections):
        return None
    if not {".debug_info", ".debug_abbrev", ".debug_line"} <= {section.name for section in sections}:
        return None
    # Links lead to other files, which nobody has named to us.
    dwarf = file.get_dwarf_info(relocate_dwarf_sections=False, follow_links=False)
    table_bytes = sum(s["sh_size"] for s in sections if s.name in (".debug_line", ".debug_abbrev"))
    meter = Meter(min(MAX_READS, _READS_AT_LEAST + _READS_PER_BYTE * table_bytes))
    for name, section in list(vars(dwarf).items()):
        if name.endswith("_sec") and section is not None:
            setattr(dwarf, name, section._replace(stream=MeteredStream(section.stream.getvalue(), meter)))
    return dwarf


def _unit_rows(dwarf: Any, unit: Any, seen: set[int]) -> Iterator[_Row]:
    """Yield the rows of a unit; of several units that share a table the first gets it."""
    try:
        program = dwarf.line_program_for_CU(unit)
        if program is None or program["unit_length"] > MAX_PROGRAM_BYTES or program.program_start_offset in seen:
            return
        seen.add(program.program_start_offset)
        files = _Files(unit, program)
        states = [entry.state for entry in program.get_entries() if entry.state is not None]
        # pyelftools keeps what it decoded, which is far larger than what is taken from it here.
        program.__dict__.pop("_decode_line_program", None)
    except DAMAGED:
        return
    for state, after in pairwise(states):
        if not state.end_sequence and state.line > 0 and state.address < after.address <= 1 << 32:
            yield _Row(state.address, after.address, files.path(state.file), min(state.line, 1 << 32))


class _Files:
    """The files of a line table by number."""

    def __init__(self, unit: Any, program: Any) -> None:
        attributes = unit.get_top_DIE().attributes
        home = attributes["DW_AT_comp_dir"].value if "DW_AT_comp_dir" in attributes else b""
        modern = program["version"] >= 5
        # Before DWARF 5 folder 0 is the unit's own and does not stand in the list, and files count from 1.
        self._folders = [*([] if modern else [home]), *program["include_directory"]]
        self._first = 0 if modern else 1
        self._entries = [(entry.dir_index, entry.name) for entry in program["file_entry"]]
        self._known: dict[int, str] = {}

    def path(self, number: int) -> str:
        """Return the path of a file; "?" when the table does not know it."""
        if number not in self._known:
            self._known[number] = self._joined(number - self._first)
        return self._known[number]

    def _joined(self, index: int) -> str:
        if not 0 <= index < len(self._entries):
            return "?"
        folder_number, name = self._entries[index]
        inside = isinstance(folder_number, int) and 0 <= folder_number < len(self._folders)
        folder, file = _text(self._folders[folder_number]) if inside else "", _text(name)
        return file if not folder or file.startswith("/") else f"{folder.rstrip('/')}/{file}"


def _text(name: object) -> str:
    shown = name[:MAX_NAME_CHARACTERS] if isinstance(name, bytes | str) else ""
    return shown.decode("utf-8", errors="backslashreplace") if isinstance(shown, bytes) else shown
