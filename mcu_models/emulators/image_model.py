"""What a firmware image is once it has been read, whatever its file format was."""

from __future__ import annotations

import bisect
import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from datasheet.bad_input import BadInputError, nearest_name

if TYPE_CHECKING:
    from mcu_models.emulators.image_attributes import CoreNeeds


@dataclass(frozen=True)
class Segment:
    """Bytes to load at a physical address, and where start-up code copies them; None: they stay.

    `file_offset` is where they stand in an ELF file.
    """

    address: int
    data: bytes
    run_address: int | None = None
    file_offset: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Function:
    """A function of the symbol table."""

    address: int
    size: int
    name: str


@dataclass(frozen=True)
class FirmwareImage:
    """An image for a Cortex-M, read into memory.

    Attributes:
        name: File name.
        sha256: Of the whole file.
        segments: What to load.
        functions: Functions by ascending address; none when the file has no symbols.
        symbols: Address of every symbol that has a name; a global one hides local ones of the same name.
        needs: What its build attributes ask of a core; None when it has none.
        elf: The whole file, when it is an ELF file, for whoever wants its debugging information; else empty.
    """

    name: str
    sha256: str
    segments: tuple[Segment, ...]
    functions: tuple[Function, ...]
    symbols: dict[str, int]
    needs: CoreNeeds | None = None
    elf: bytes = field(default=b"", repr=False)

    def function_at(self, address: int) -> str:
        """Return the name of the function that holds `address`; its hexadecimal value when none does."""
        function = self.function_holding(address)
        return hex(address) if function is None else function.name

    def function_holding(self, address: int) -> Function | None:
        """Return the function that holds `address`."""
        index = bisect.bisect_right(self.functions, address, key=lambda f: f.address) - 1
        if index < 0:
            return None
        function = self.functions[index]
        return function if address < function.address + max(function.size, 2) else None

    def with_symbol(self, symbol: str, data: bytes) -> FirmwareImage:
        """Return the image with other bytes at a symbol, in what is loaded and in its ELF file; the digest is theirs.

        Args:
            symbol: A constant in flash, or a variable with an initial value.
            data: Its new bytes; they may be fewer than it has.

        Raises:
            BadInputError: The image has no such symbol, or nothing is loaded there.
        """
        if symbol not in self.symbols:
            raise BadInputError(self.name, "symbol", symbol, f"not in the image; {nearest_name(symbol, self.symbols)}")
        index, place = self._loaded_at(symbol, len(data))
        segment = self.segments[index]
        patched = replace(segment, data=_patched(segment.data, place, data))
        elf = self.elf and _patched(self.elf, segment.file_offset + place, data)
        segments = (*self.segments[:index], patched, *self.segments[index + 1 :])
        whole = elf or b"".join(one.data for one in segments)
        return replace(self, segments=segments, elf=elf, sha256=hashlib.sha256(whole).hexdigest())

    def _loaded_at(self, symbol: str, length: int) -> tuple[int, int]:
        """Return which segment holds a symbol's bytes, and where in it."""
        for index, segment in enumerate(self.segments):
            begin = segment.address if segment.run_address is None else segment.run_address
            place = self.symbols[symbol] - begin
            if 0 <= place <= len(segment.data) - length:
                return index, place
        raise BadInputError(self.name, "symbol", symbol, f"has no {length} bytes in the image")

    def require_core(self, core: str, *, double_precision: bool) -> None:
        """Make sure that a core can run this image, as far as its build attributes tell.

        Args:
            core: "cortex-m4" or "cortex-m7".
            double_precision: Whether its floating-point unit computes in 64 bits.

        Raises:
            BadInputError: It is built for another core, or for a floating-point unit that this one does not have.
        """
        obstacle = self.needs and self.needs.obstacle(core, double_precision=double_precision)
        if obstacle:
            raise BadInputError(self.name, "", None, f"is built for {obstacle}, which {core} cannot run")


def _patched(whole: bytes, place: int, data: bytes) -> bytes:
    return whole[:place] + data + whole[place + len(data) :]
