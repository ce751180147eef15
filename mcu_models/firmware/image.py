"""What an ELF image takes of flash and RAM, and its symbols by address."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from elftools.common.exceptions import ELFError
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

from datasheet.bad_input import BadInputError

if TYPE_CHECKING:
    from pathlib import Path

    from mcu_models.emulators.image_model import FirmwareImage

WEIGHTS_PREFIX: Final = "network_data_"
_ARENA: Final = "network_arena"
_KEPT: Final = ("frontend_state", "frontend_window", "counter_votes", "counter_state")


@dataclass(frozen=True)
class MemorySizes:
    """Bytes an image takes.

    Attributes:
        flash_code_bytes: Everything in flash that is not weights, initial values of variables included.
        flash_weights_bytes: The network's weights, biases and scales.
        ram_bytes: Variables, arena and whatever the linker script sets aside in RAM.
        ram_arena_bytes: The network's activations.
        ram_frontend_bytes: What is kept from frame to frame: by the front end, for a window of frames, for
            votes, or by rules.
        sections_bytes: Length of each section that takes memory, by name.
    """

    flash_code_bytes: int
    flash_weights_bytes: int
    ram_bytes: int
    ram_arena_bytes: int
    ram_frontend_bytes: int
    sections_bytes: dict[str, int]


def image_sizes(elf: Path) -> MemorySizes:
    """Return what an image takes of flash and RAM.

    Raises:
        BadInputError: The file is no ELF image.
    """
    try:
        with elf.open("rb") as stream:
            return _sizes_in(ELFFile(stream))
    except (OSError, ELFError) as error:
        raise BadInputError(elf, "", None, f"expected an ELF image ({error})") from None


def sizes_of(image: FirmwareImage) -> MemorySizes:
    """Return what an image that has been read takes of flash and RAM.

    Raises:
        BadInputError: It was no ELF file: others do not tell what they need of RAM.
    """
    if not image.elf:
        raise BadInputError(image.name, "", None, "only an ELF file tells what it needs of flash and RAM")
    return _sizes_in(ELFFile(io.BytesIO(image.elf)))


def _sizes_in(file: Any) -> MemorySizes:
    sections = [s for s in file.iter_sections() if s["sh_flags"] & SH_FLAGS.SHF_ALLOC and s["sh_size"]]
    return _sizes(sections, _symbols(file))


def _sizes(sections: list[Any], symbols: list[Any]) -> MemorySizes:
    flash = sum(s["sh_size"] for s in sections if s["sh_type"] != "SHT_NOBITS")
    ram = sum(s["sh_size"] for s in sections if s["sh_flags"] & SH_FLAGS.SHF_WRITE)
    weights = sum(s["st_size"] for s in symbols if s.name.startswith(WEIGHTS_PREFIX))
    arena, kept = (sum(s["st_size"] for s in symbols if s.name in names) for names in ((_ARENA,), _KEPT))
    return MemorySizes(flash - weights, weights, ram, arena, kept, {s.name: s["sh_size"] for s in sections})


def _symbols(file: Any) -> list[Any]:
    table = file.get_section_by_name(".symtab")
    return [] if table is None else list(table.iter_symbols())


def write_map(elf: Path, target: Path) -> None:
    """Write the image's functions and variables by address: address, size, kind, name."""
    with elf.open("rb") as stream:
        symbols = _symbols(ELFFile(stream))
    kinds = {"STT_FUNC": "function", "STT_OBJECT": "variable"}
    rows = sorted(
        (s["st_value"], s["st_size"], kinds[s["st_info"]["type"]], s.name)
        for s in symbols
        if s["st_info"]["type"] in kinds and s["st_shndx"] != "SHN_UNDEF"
    )
    lines = [f"0x{address:08x} {size:8d} {kind:8s} {name}\n" for address, size, kind, name in rows]
    target.write_text("".join(lines), encoding="utf-8")
