"""The part of an ELF file that an emulator needs: what to load, what it is built for, names of addresses.

System V ABI, chapters 4 and 5; ELF for the Arm Architecture (IHI 0044). The headers are read here and not with
pyelftools, which trusts every count and length it meets: a file of a few bytes could ask it for hours or for all
memory. Here no field of the file makes the work or the memory larger than the file itself, within the limits below.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from datasheet.bad_input import BadInputError
from mcu_models.emulators.image_attributes import read_core_needs
from mcu_models.emulators.image_model import Function, Segment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcu_models.emulators.image_attributes import CoreNeeds

MAGIC = b"\x7fELF"
MAX_LOADED_BYTES = 64 << 20
MAX_PROGRAM_HEADERS = 256
MAX_SECTIONS = 20_000
MAX_SYMBOLS = 500_000
MAX_NAME_BYTES = 4096
MAX_ALL_NAMES_BYTES = 64 << 20
_HEADER = struct.Struct("<16sHHIIIIIHHHHHH")
_PROGRAM_HEADER = struct.Struct("<8I")
_SECTION_HEADER = struct.Struct("<10I")
_SYMBOL = struct.Struct("<IIIBBH")
_CLASS_32, _LITTLE_ENDIAN = 1, 1
_TYPES: Final = {0: "no type", 1: "object", 3: "shared library", 4: "core dump"}
_EXECUTABLE = 2
_ARM: Final = 40
_MACHINES: Final = {
    2: "SPARC", 3: "x86", 8: "MIPS", 20: "PowerPC", 62: "x86-64", 83: "AVR", 94: "Xtensa", 105: "MSP430",
    183: "64-bit Arm", 243: "RISC-V",
}  # fmt: skip
_LOAD = 1
_SYMBOL_TABLE, _NO_BITS, _ARM_ATTRIBUTES = 2, 8, 0x70000003
_OBJECT_FUNCTION = 2
_UNDEFINED, _LOCAL, _WEAK = 0, 0, 2


@dataclass(frozen=True)
class ElfContents:
    """What an ELF file holds: see `FirmwareImage`."""

    segments: tuple[Segment, ...]
    functions: tuple[Function, ...]
    symbols: dict[str, int]
    needs: CoreNeeds | None


def read_elf(name: str, data: bytes) -> ElfContents:
    """Read an ELF file.

    Raises:
        BadInputError: It is not an executable for a little-endian 32-bit Arm core, is truncated or contradicts itself.
    """
    return _ElfFile(name, data).contents()


@dataclass(frozen=True)
class _Section:
    kind: int
    offset: int
    size: int
    link: int
    item_bytes: int


@dataclass(frozen=True)
class _Symbol:
    name: str
    value: int
    size: int
    is_function: bool
    rank: int
    """0 weak, 1 local, 2 global: of several names for one address the highest is shown."""


class _ElfFile:
    """An ELF file whose header has been checked."""

    def __init__(self, name: str, data: bytes) -> None:
        self._name = name
        self._data = data
        if len(data) < _HEADER.size:
            raise self._bad("is truncated: shorter than an ELF header")
        (
            identity, self._type, self._machine, _, _, self._programs_at, self._sections_at, _, _, self._program_bytes,
            self._programs, self._section_bytes, self._section_count, _,
        ) = _HEADER.unpack_from(data)  # fmt: skip
        self._check(identity)

    def contents(self) -> ElfContents:
        """Read everything."""
        segments = tuple(self._segments())
        if not segments:
            raise self._bad("has nothing to load")
        sections = list(self._section_headers())
        # The ABI allows one symbol table.
        table = next((section for section in sections if section.kind == _SYMBOL_TABLE), None)
        symbols = [] if table is None else list(self._symbols(table))
        return ElfContents(segments, _functions(symbols, segments), _addresses(symbols), self._needs(sections))

    def _bad(self, what: str) -> BadInputError:
        return BadInputError(self._name, "", None, what)

    def _check(self, identity: bytes) -> None:
        if self._machine != _ARM or identity[4] != _CLASS_32:
            found = _MACHINES.get(self._machine, f"machine {self._machine}")
            what = "64-bit Arm" if self._machine == _ARM else found
            raise self._bad(f"is an ELF file for {what}; must be for a 32-bit Arm Cortex-M")
        if identity[5] != _LITTLE_ENDIAN:
            raise self._bad("is big-endian; must be an ELF image for a little-endian Arm Cortex-M")
        if self._type != _EXECUTABLE:
            found = _TYPES.get(self._type, f"type {self._type}")
            raise self._bad(f"is an ELF file of another kind ({found}); must be a linked executable")
        if self._programs > MAX_PROGRAM_HEADERS:
            raise BadInputError(self._name, "e_phnum", self._programs, f"at most {MAX_PROGRAM_HEADERS}")

    def _slice(self, offset: int, size: int, what: str) -> bytes:
        if offset + size > len(self._data):
            raise self._bad(f"is truncated: {what} ends at byte {offset + size} of {len(self._data)}")
        return self._data[offset : offset + size]

    def _segments(self) -> Iterator[Segment]:
        if self._programs and self._program_bytes != _PROGRAM_HEADER.size:
            raise BadInputError(self._name, "e_phentsize", self._program_bytes, f"must be {_PROGRAM_HEADER.size}")
        table = self._slice(self._programs_at, self._programs * _PROGRAM_HEADER.size, "the program header table")
        loaded = 0
        for kind, offset, run_address, address, in_file, in_memory, _, _ in _PROGRAM_HEADER.iter_unpack(table):
            if kind != _LOAD or not in_file:
                continue
            if in_file > in_memory:
                raise BadInputError(self._name, "p_filesz", in_file, f"must not exceed p_memsz, {in_memory}")
            body = self._slice(offset, in_file, f"the segment for {address:#010x}")
            loaded += in_file
            if loaded > MAX_LOADED_BYTES:
                raise BadInputError(self._name, "bytes to load", loaded, f"at most {MAX_LOADED_BYTES}")
            yield Segment(address, body, run_address, offset)

    def _section_headers(self) -> Iterator[_Section]:
        """Yield the sections, none when there is no table: an image can be loaded without."""
        if not self._sections_at or not self._section_count:
            return
        if self._section_count > MAX_SECTIONS:
            raise BadInputError(self._name, "e_shnum", self._section_count, f"at most {MAX_SECTIONS}")
        if self._section_bytes != _SECTION_HEADER.size:
            raise BadInputError(self._name, "e_shentsize", self._section_bytes, f"must be {_SECTION_HEADER.size}")
        size = self._section_count * _SECTION_HEADER.size
        table = self._slice(self._sections_at, size, "the section header table")
        for _, kind, _, _, offset, length, link, _, _, item_bytes in _SECTION_HEADER.iter_unpack(table):
            yield _Section(kind, offset, length, link, item_bytes)

    def _needs(self, sections: list[_Section]) -> CoreNeeds | None:
        section = next((s for s in sections if s.kind == _ARM_ATTRIBUTES), None)
        if section is None:
            return None
        return read_core_needs(self._slice(section.offset, section.size, "the section of build attributes"))

    def _symbols(self, section: _Section) -> Iterator[_Symbol]:
        count = section.size // _SYMBOL.size
        if count > MAX_SYMBOLS:
            raise BadInputError(self._name, "symbols", count, f"at most {MAX_SYMBOLS}")
        table = self._slice(section.offset, count * _SYMBOL.size, "the symbol table")
        names = self._names(section.link)
        budget = MAX_ALL_NAMES_BYTES
        for at, value, size, info, _, home in _SYMBOL.iter_unpack(table):
            if home == _UNDEFINED or not at:
                continue
            name = names[at : at + MAX_NAME_BYTES].partition(b"\0")[0]
            budget -= len(name)
            if budget < 0:
                raise BadInputError(self._name, "symbol names", None, f"at most {MAX_ALL_NAMES_BYTES} bytes in all")
            binding, kind = info >> 4, info & 15
            rank = {_WEAK: 0, _LOCAL: 1}.get(binding, 2)
            if name:
                text = name.decode("utf-8", errors="backslashreplace")
                yield _Symbol(text, value, size, kind == _OBJECT_FUNCTION, rank)

    def _names(self, link: int) -> bytes:
        if link >= self._section_count:
            raise BadInputError(self._name, "sh_link of the symbol table", link, f"below {self._section_count}")
        at = self._sections_at + link * _SECTION_HEADER.size
        _, kind, _, _, offset, size, *_ = _SECTION_HEADER.unpack_from(self._data, at)
        return b"" if kind == _NO_BITS else self._slice(offset, size, "the table of names")


def _addresses(symbols: list[_Symbol]) -> dict[str, int]:
    """Return the address of every name; local ones first, so that a global one of the same name replaces them."""
    in_order = [s for s in symbols if not s.name.startswith("$")]
    in_order.sort(key=lambda symbol: symbol.rank == 2)
    return {symbol.name: symbol.value for symbol in in_order}


def _functions(symbols: list[_Symbol], segments: tuple[Segment, ...]) -> tuple[Function, ...]:
    best: dict[int, _Symbol] = {}
    for symbol in symbols:
        address = symbol.value & ~1
        if symbol.is_function and (address not in best or symbol.rank >= best[address].rank):
            best[address] = symbol
    starts = sorted(best)
    following = [*starts[1:], 1 << 32]
    return tuple(
        Function(start, best[start].size or _room(start, after, segments), best[start].name)
        for start, after in zip(starts, following, strict=False)
    )


def _room(start: int, after: int, segments: tuple[Segment, ...]) -> int:
    """Return how far a function reaches that does not say so, as hand-written assembly may not: to the next one."""
    for segment in segments:
        first = segment.address if segment.run_address is None else segment.run_address
        if first <= start < first + len(segment.data):
            return min(after, first + len(segment.data)) - start
    return 0
