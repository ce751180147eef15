"""Compiles the sources of a folder and links them into an image for a board."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Final, Protocol

from datasheet.bad_input import BadInputError
from mcu_models.firmware.image import write_map

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mcu_models.firmware.toolchain import Toolchain

ELF_FILE: Final = "firmware.elf"
MAP_FILE: Final = "firmware.map"
SCRIPT_FILE: Final = "memory.ld"
_COMPILE_TIMEOUT_S: Final = 300
_OVERFLOW: Final = re.compile(r"region [`'](\w+)':? overflowed by (\d+) bytes")  # of GNU ld and of lld


class FirmwareBoard(Protocol):
    """What the builder needs to know of a board."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def core(self) -> str:
        """Its core, such as "cortex-m4"."""

    @property
    def family(self) -> str:
        """Its family, such as "l4" or "h743"."""

    @property
    def linker_script(self) -> Path:
        """Its memory layout."""

    @property
    def defines(self) -> Mapping[str, str]:
        """Preprocessor definitions for its drivers, values by name."""


class OverflowingRegionError(BadInputError):
    """The image does not fit the board: `key` is the region, `value` by how many bytes."""


def compiled_sources(folder: Path) -> list[Path]:
    """Return the C and assembly files below `folder`/src, relative to `folder`."""
    found = [path for path in (folder / "src").rglob("*") if path.suffix in (".c", ".S")]
    return sorted(path.relative_to(folder) for path in found)


def compile_and_link(
    folder: Path, board: FirmwareBoard, toolchain: Toolchain, *, extra: Sequence[str] = ()
) -> tuple[str, ...]:
    """Write the image and its map; return the flags, without those that depend on the folder.

    Args:
        folder: Holds `src`, each of whose folders is searched for headers; gets the linker script, ELF and map.
        board: What to build for.
        toolchain: What builds.
        extra: Further flags for every file.

    Raises:
        OverflowingRegionError: The image does not fit a memory of the board.
        BadInputError: The sources do not compile.
    """
    if not board.linker_script.is_file():
        raise BadInputError(board.linker_script, "", None, "expected the board's linker script")
    shutil.copyfile(board.linker_script, folder / SCRIPT_FILE)
    includes = [f"-Isrc/{path.name}" for path in sorted((folder / "src").iterdir())]
    defines = [f"-D{name}={value}" for name, value in sorted(board.defines.items())]
    flags = (*toolchain.compile_flags(board.core), *defines, *extra, *includes)
    (folder / "objects").mkdir()
    objects = [_compile(folder, source, flags, toolchain) for source in compiled_sources(folder)]
    _link(folder, board, toolchain, objects)
    shutil.rmtree(folder / "objects")
    write_map(folder / ELF_FILE, folder / MAP_FILE)
    return flags


def _compile(folder: Path, source: Path, flags: Sequence[str], toolchain: Toolchain) -> str:
    target = "objects/" + "_".join(source.with_suffix(".o").parts[1:])
    own = toolchain.runtime_flags() if source.parts[1] == "runtime" else ()
    paths = toolchain.path_flags(folder)
    _run([*toolchain.command, *flags, *own, *paths, "-c", str(source), "-o", target], folder)
    return target


def _link(folder: Path, board: FirmwareBoard, toolchain: Toolchain, objects: Sequence[str]) -> None:
    link = [*toolchain.link_flags(board.core), *_entry_flags(folder / SCRIPT_FILE), "-T", SCRIPT_FILE]
    *smaller, last = toolchain.helper_libraries()
    for libraries in smaller:
        try:
            _run([*toolchain.command, *link, *objects, *libraries, "-o", ELF_FILE], folder)
        except OverflowingRegionError:
            raise
        except BadInputError:
            continue
        return
    _run([*toolchain.command, *link, *objects, *last, "-o", ELF_FILE], folder)


def _entry_flags(script: Path) -> tuple[str, ...]:
    """Return the linker script's entry as a flag: zig names one of its own, which would win."""
    entry = re.search(r"\bENTRY\s*\(\s*(\w+)\s*\)", script.read_text(encoding="utf-8"))
    return (f"-Wl,--entry={entry.group(1)}",) if entry else ()


def _run(command: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - a list of arguments, no shell
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=_COMPILE_TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        raise BadInputError(command[-3], "", None, f"not compiled within {_COMPILE_TIMEOUT_S} s") from None
    if done.returncode != 0:
        _refuse_overflow(done.stderr)
        raise BadInputError("firmware", "", None, f"does not build: {_first_error(done.stderr)}")


def _refuse_overflow(text: str) -> None:
    regions: dict[str, int] = {}
    for match in _OVERFLOW.finditer(text):
        regions[match[1]] = max(int(match[2]), regions.get(match[1], 0))
    if regions:
        region = max(regions, key=regions.__getitem__)
        raise OverflowingRegionError("firmware", region, regions[region], "bytes more than this memory has are needed")


def _first_error(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if "collect2" not in line]
    telling = (line for line in lines if any(word in line for word in ("error", "undefined")))
    return next(telling, lines[-1] if lines else "no message")
