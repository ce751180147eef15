"""A firmware image: what to load where, and which function an address belongs to."""

from __future__ import annotations

import bisect
import hashlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from datasheet.bad_input import BadInputError

if TYPE_CHECKING:
    from pathlib import Path

MAX_IMAGE_BYTES = 64 << 20
_EM_ARM = "EM_ARM"


@dataclass(frozen=True)
class Segment:
    """Bytes to load at a physical address, and where start-up code copies them; None: they stay."""

    address: int
    data: bytes
    run_address: int | None = None


@dataclass(frozen=True)
class Function:
    """A function of the symbol table."""

    address: int
    size: int
    name: str


@dataclass(frozen=True)
class FirmwareImage:
    """An ELF image for a Cortex-M, read into memory.

    Attributes:
        name: File name.
        sha256: Of the whole file.
        segments: What to load.
        functions: Functions by ascending address.
        symbols: Address of every global symbol.
    """

    name: str
    sha256: str
    segments: tuple[Segment, ...]
    functions: tuple[Function, ...]
    symbols: dict[str, int]

    def function_at(self, address: int) -> str:
        """Return the function that holds `address`; its hexadecimal value when none does."""
        index = bisect.bisect_right(self.functions, address, key=lambda f: f.address) - 1
        if index >= 0:
            function = self.functions[index]
            if address < function.address + max(function.size, 2):
                return function.name
        return hex(address)


def parse_image(name: str, data: bytes) -> FirmwareImage:
    """Read an ELF image that is in memory already.

    Raises:
        BadInputError: Not an ELF file for a 32-bit Arm core.
    """
    if len(data) > MAX_IMAGE_BYTES:
        raise BadInputError(name, "size", len(data), f"at most {MAX_IMAGE_BYTES} bytes")
    try:
        return _parse(name, data)
    except (ELFError, ValueError, KeyError, IndexError, AttributeError, TypeError, OverflowError) as error:
        raise BadInputError(name, "", None, "must be an ELF image for a 32-bit Arm Cortex-M") from error


def read_image(path: Path) -> FirmwareImage:
    """Read an ELF image.

    Raises:
        BadInputError: No such file, or not an ELF file for a 32-bit Arm core.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInputError(path, "", None, f"cannot be read: {error.strerror}") from error
    if len(data) > MAX_IMAGE_BYTES:
        raise BadInputError(path, "size", len(data), f"at most {MAX_IMAGE_BYTES} bytes")
    try:
        return _parse(path.name, data)
    except (ELFError, ValueError, KeyError, IndexError, AttributeError, TypeError, OverflowError) as error:
        raise BadInputError(path, "", None, "must be an ELF image for a 32-bit Arm Cortex-M") from error


def _parse(name: str, data: bytes) -> FirmwareImage:
    elf = ELFFile(io.BytesIO(data))
    if elf.header["e_machine"] != _EM_ARM or elf.elfclass != 32:
        raise ValueError("not for Arm")
    segments = tuple(
        Segment(segment["p_paddr"], segment.data(), segment["p_vaddr"])
        for segment in elf.iter_segments()
        if segment["p_type"] == "PT_LOAD" and segment["p_filesz"]
    )
    if not segments:
        raise ValueError("nothing to load")
    functions: dict[int, Function] = {}
    symbols: dict[str, int] = {}
    table = elf.get_section_by_name(".symtab")
    if isinstance(table, SymbolTableSection):
        for symbol in table.iter_symbols():
            symbols[symbol.name] = symbol["st_value"]
            if symbol["st_info"]["type"] == "STT_FUNC":
                address = symbol["st_value"] & ~1
                functions[address] = Function(address, symbol["st_size"], symbol.name)
    ordered = tuple(functions[address] for address in sorted(functions))
    return FirmwareImage(name, hashlib.sha256(data).hexdigest(), segments, ordered, symbols)
