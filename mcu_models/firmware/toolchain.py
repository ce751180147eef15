"""Finds a compiler for Cortex-M and knows its flags."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from datasheet.bad_input import BadInputError, nearest_name

Kind = Literal["gcc", "zig"]

_GCC: Final = "arm-none-eabi-gcc"
_INSTALL: Final = "no cross compiler: install the Debian package gcc-arm-none-eabi, or pip install ziglang"

_CORE_FLAGS: Final[dict[Kind, dict[str, tuple[str, ...]]]] = {
    "gcc": {
        "cortex-m4": ("-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"),
        "cortex-m7": ("-mcpu=cortex-m7", "-mthumb", "-mfpu=fpv5-d16", "-mfloat-abi=hard"),
    },
    "zig": {
        "cortex-m4": ("-target", "thumb-freestanding-eabihf", "-mcpu=cortex_m4+vfp4d16sp"),
        "cortex-m7": ("-target", "thumb-freestanding-eabihf", "-mcpu=cortex_m7+fp_armv8d16"),
    },
}
# -fbuiltin gives back what -ffreestanding takes away: a four-byte memcpy becomes one load and one store.
_COMPILE_FLAGS: Final = (
    "-std=c11",
    "-O3",
    "-g",
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-ffreestanding",
    "-fbuiltin",
    "-ffunction-sections",
    "-fdata-sections",
    "-fno-common",
    "-fno-stack-protector",
)
_KIND_FLAGS: Final[dict[Kind, tuple[str, ...]]] = {
    # No exception tables: the firmware is C, and nothing unwinds its stack.
    "gcc": ("-fno-unwind-tables", "-fno-asynchronous-unwind-tables"),
    "zig": ("-fno-unwind-tables", "-fno-asynchronous-unwind-tables", "-fno-sanitize=all"),
}
# Else the loop of memcpy is recognised as a memcpy and replaced by a call of itself.
_RUNTIME_FLAGS: Final[dict[Kind, tuple[str, ...]]] = {
    "gcc": ("-fno-builtin", "-fno-tree-loop-distribute-patterns"),
    "zig": ("-fno-builtin",),
}
_LINK_FLAGS: Final = ("-nostdlib", "-Wl,--gc-sections", "-Wl,--build-id=none")


@dataclass(frozen=True)
class Toolchain:
    """A compiler for Cortex-M.

    Attributes:
        kind: "gcc" or "zig".
        command: How it is called.
        version: What it is, in words fit for a report: the predicted cycles depend on it.
        folder: Where its own headers lie; None when that is not part of what it builds.
    """

    kind: Kind
    command: tuple[str, ...]
    version: str
    folder: Path | None = None

    def core_flags(self, core: str) -> tuple[str, ...]:
        """Return the flags that choose a core, such as "cortex-m4", and its floating-point registers.

        Raises:
            BadInputError: No flags are known for it.
        """
        known = _CORE_FLAGS[self.kind]
        if core not in known:
            raise BadInputError("board", "core", core, nearest_name(core, known))
        return known[core]

    def compile_flags(self, core: str) -> tuple[str, ...]:
        """Return the flags to compile a source file with."""
        return (*self.core_flags(core), *_COMPILE_FLAGS, *_KIND_FLAGS[self.kind])

    def runtime_flags(self) -> tuple[str, ...]:
        """Return the further flags for the files that define memcpy and its kin."""
        return _RUNTIME_FLAGS[self.kind]

    def path_flags(self, folder: Path) -> tuple[str, ...]:
        """Return the flags that keep `folder` and the compiler's own place out of the debug information."""
        own = () if self.folder is None else (f"-ffile-prefix-map={self.folder}=/{self.kind}",)
        return (f"-ffile-prefix-map={folder}=.", *own)

    def link_flags(self, core: str) -> tuple[str, ...]:
        """Return the flags to link with, before the linker script and the objects."""
        return (*self.core_flags(core), "-g", *_LINK_FLAGS)

    def helper_libraries(self) -> tuple[tuple[str, ...], ...]:
        """Return the compiler's helper library, to name after the objects: choices to try in order.

        Zig's comes with a megabyte of debug information, so it is linked only when something, such as
        arithmetic in double precision, needs more than the runtime's own helpers.
        """
        return (("-lgcc",),) if self.kind == "gcc" else ((), ("-Os", "-rtlib=compiler-rt"))


def find_toolchain(prefer: str | None = None) -> Toolchain:
    """Return a compiler: `arm-none-eabi-gcc` when it is on PATH, else zig from the Python package `ziglang`.

    Args:
        prefer: "gcc" or "zig" to take that one or none.

    Raises:
        BadInputError: None is installed, or `prefer` is unknown.
    """
    finders = {"gcc": _find_gcc, "zig": _find_zig}
    if prefer is not None and prefer not in finders:
        raise BadInputError("compiler", "", prefer, nearest_name(prefer, finders))
    for kind in (prefer,) if prefer else finders:
        if found := finders[kind]():
            return found
    raise BadInputError("compiler", prefer or "", None, _INSTALL)


def _find_gcc() -> Toolchain | None:
    path = shutil.which(_GCC)
    if path is None:
        return None
    first_line = _first_line([path, "--version"])
    return Toolchain("gcc", (path,), first_line) if first_line else None


def _find_zig() -> Toolchain | None:
    spec = importlib.util.find_spec("ziglang")
    if spec is None or not spec.submodule_search_locations:
        return None
    command = (sys.executable, "-m", "ziglang", "cc")
    clang = re.search(r"clang version [0-9.]+", _first_line([*command, "--version"]))
    zig = _first_line([sys.executable, "-m", "ziglang", "version"])
    if not zig:
        return None
    version = f"zig {zig}" + (f" ({clang.group()})" if clang else "")
    return Toolchain("zig", command, version, Path(spec.submodule_search_locations[0]))


def _first_line(command: list[str]) -> str:
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.partition("\n")[0].strip()
