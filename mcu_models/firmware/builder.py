"""Builds firmware: a network as C, an app, drivers, kernels and runtime, compiled and linked for a board."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from datasheet.bad_input import BadInputError, nearest_name
from mcu_models.compiler.codegen import GeneratedNetwork, generate
from mcu_models.compiler.frontend import frontend_table
from mcu_models.compiler.reader import read_network
from mcu_models.firmware.image import MemorySizes, image_sizes, write_map
from mcu_models.networks.library import find_network

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from importlib.resources.abc import Traversable

    from mcu_models.compiler.arena import ArenaPlan
    from mcu_models.firmware.toolchain import Toolchain

_ELF: Final = "firmware.elf"
_MAP: Final = "firmware.map"
_SCRIPT: Final = "memory.ld"
_CMAKE: Final = "CMakeLists.txt"
_MARK: Final = "# Written by the twin's firmware builder."
_PACKAGE: Final = "mcu_models.firmware"
_COMPILE_TIMEOUT_S: Final = 300


class FirmwareBoard(Protocol):
    """What the builder needs to know of a board."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def core(self) -> str:
        """Its core, such as "cortex-m4"."""

    @property
    def linker_script(self) -> Path:
        """Its memory layout."""

    @property
    def defines(self) -> Mapping[str, str]:
        """Preprocessor definitions for its drivers, values by name."""


@dataclass(frozen=True)
class BuildResult:
    """A built firmware.

    Attributes:
        folder: Holds everything: the sources, `CMakeLists.txt`, the ELF and the map.
        elf: The image, with debug information.
        map: Its symbols by address.
        sources: The C and assembly files it was built from.
        compiler: The compiler's version.
        flags: What each file was compiled with.
        sizes: Bytes of flash and RAM.
        arena: Where the network's activations lie.
        layer_functions: The C function of each layer by operator index.
    """

    folder: Path
    elf: Path
    map: Path
    sources: tuple[Path, ...]
    compiler: str
    flags: tuple[str, ...]
    sizes: MemorySizes
    arena: ArenaPlan
    layer_functions: Mapping[int, str]


def build_firmware(
    network_path: str | Path, *, board: FirmwareBoard, app: str, out_dir: str | Path, toolchain: Toolchain
) -> BuildResult:
    """Build a firmware image with a network in it.

    The folder appears complete or not at all. The same sources and the same compiler give the same bytes,
    whatever the folder.

    Args:
        network_path: A library network's name, or a .tflite file.
        board: What to build for.
        app: A folder of `mcu_models/firmware/app`, or a path to a folder of sources of the user's own.
        out_dir: Where to write; a folder this function wrote earlier is replaced.
        toolchain: From `find_toolchain`.

    Returns:
        The image and how it was made.

    Raises:
        BadInputError: The network or the app cannot be used, the folder cannot be written, or the sources
            do not compile.
    """
    out_dir = Path(out_dir)
    entry = find_network(network_path)
    network = read_network(entry.path)
    generated = generate(network, frontend_table(network, entry.frontend))
    _refuse_foreign_folder(out_dir)
    try:
        out_dir.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out_dir.parent, prefix=f".{out_dir.name}-") as temporary:
            folder = Path(temporary).resolve() / "build"
            folder.mkdir()
            _write_sources(folder, generated, board, app)
            flags = _build(folder, board, toolchain)
            _replace(out_dir, folder, Path(temporary) / "old")
    except OSError as error:
        raise BadInputError(out_dir, "", None, f"cannot be written: {error.strerror}") from None
    return BuildResult(
        folder=out_dir,
        elf=out_dir / _ELF,
        map=out_dir / _MAP,
        sources=tuple(out_dir / source for source in _compiled_sources(out_dir)),
        compiler=toolchain.version,
        flags=flags,
        sizes=image_sizes(out_dir / _ELF),
        arena=generated.arena,
        layer_functions=generated.functions,
    )


def app_names() -> tuple[str, ...]:
    """Return the names of the apps that come with the twin."""
    return tuple(sorted(_folders(resources.files(_PACKAGE) / "app")))


def _folders(parent: Traversable) -> dict[str, Traversable]:
    if not parent.is_dir():
        return {}
    return {entry.name: entry for entry in parent.iterdir() if entry.is_dir() and not entry.name.startswith("_")}


def _refuse_foreign_folder(out_dir: Path) -> None:
    """Refuse to replace anything that an earlier build did not write."""
    if not out_dir.exists():
        return
    if not out_dir.is_dir():
        raise BadInputError(out_dir, "", None, "is a file; expected a new folder")
    script = out_dir / _CMAKE
    ours = script.is_file() and script.read_text(encoding="utf-8", errors="replace").startswith(_MARK)
    if any(out_dir.iterdir()) and not ours:
        raise BadInputError(out_dir, "", None, "is not empty and holds no earlier build; expected a new folder")


def _replace(out_dir: Path, folder: Path, old: Path) -> None:
    if out_dir.exists():
        out_dir.rename(old)
    folder.rename(out_dir)


def _write_sources(folder: Path, generated: GeneratedNetwork, board: FirmwareBoard, app: str) -> None:
    package = resources.files(_PACKAGE)
    parts = {"app": _app_folder(app), "drivers": package / "drivers"}
    parts |= {"kernels": package / "kernels", "runtime": package / "runtime"}
    for name, part in parts.items():
        _copy_sources(part, folder / "src" / name)
    network = folder / "src" / "network"
    network.mkdir()
    for name, text in generated.sources.items():
        (network / name).write_text(text, encoding="utf-8")
    if not board.linker_script.is_file():
        raise BadInputError(board.linker_script, "", None, "expected the board's linker script")
    shutil.copyfile(board.linker_script, folder / _SCRIPT)


def _app_folder(app: str) -> Traversable:
    known = _folders(resources.files(_PACKAGE) / "app")
    if app in known:
        return known[app]
    if Path(app).is_dir():
        return Path(app)
    raise BadInputError("app", "", app, nearest_name(app, known))


def _copy_sources(part: Traversable, target: Path) -> None:
    target.mkdir(parents=True)
    for entry in part.iterdir() if part.is_dir() else ():
        if entry.is_file() and Path(entry.name).suffix in (".c", ".h", ".S"):
            (target / entry.name).write_bytes(entry.read_bytes())


def _compiled_sources(folder: Path) -> list[Path]:
    found = [path for path in (folder / "src").rglob("*") if path.suffix in (".c", ".S")]
    return sorted(path.relative_to(folder) for path in found)


def _build(folder: Path, board: FirmwareBoard, toolchain: Toolchain) -> tuple[str, ...]:
    """Compile and link in `folder`; return the flags, without those that depend on the folder."""
    includes = [f"-Isrc/{path.name}" for path in sorted((folder / "src").iterdir())]
    defines = [f"-D{name}={value}" for name, value in sorted(board.defines.items())]
    flags = (*toolchain.compile_flags(board.core), *defines, *includes)
    sources = _compiled_sources(folder)
    (folder / "objects").mkdir()
    objects = []
    for source in sources:
        target = "objects/" + "_".join(source.with_suffix(".o").parts[1:])
        extra = toolchain.runtime_flags() if source.parts[1] == "runtime" else ()
        _run(
            [
                *toolchain.command,
                *flags,
                *extra,
                *toolchain.path_flags(folder),
                "-c",
                str(source),
                "-o",
                target,
            ],
            folder,
        )
        objects.append(target)
    _link(folder, board, toolchain, objects)
    shutil.rmtree(folder / "objects")
    write_map(folder / _ELF, folder / _MAP)
    (folder / _CMAKE).write_text(_cmake(toolchain, board, flags, sources), encoding="utf-8")
    return flags


def _link(folder: Path, board: FirmwareBoard, toolchain: Toolchain, objects: list[str]) -> None:
    link = [*toolchain.link_flags(board.core), *_entry_flags(folder / _SCRIPT), "-T", _SCRIPT]
    *smaller, last = toolchain.helper_libraries()
    for libraries in smaller:
        try:
            _run([*toolchain.command, *link, *objects, *libraries, "-o", _ELF], folder)
        except BadInputError:
            continue
        return
    _run([*toolchain.command, *link, *objects, *last, "-o", _ELF], folder)


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
        raise BadInputError("firmware", "", None, f"does not build: {_first_error(done.stderr)}")


def _first_error(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if "collect2" not in line]
    telling = (line for line in lines if any(word in line for word in ("error", "undefined", "overflowed")))
    return next(telling, lines[-1] if lines else "no message")


def _cmake(toolchain: Toolchain, board: FirmwareBoard, flags: Iterable[str], sources: Iterable[Path]) -> str:
    """Return a CMake project that builds the same image with a toolchain file of the user's own."""
    listed = "".join(f"    {source.as_posix()}\n" for source in sources)
    runtime = "".join(f"    {source.as_posix()}\n" for source in sources if source.parts[1] == "runtime")
    options = " ".join(flag.replace("-Isrc/", "-I${CMAKE_CURRENT_SOURCE_DIR}/src/") for flag in flags)
    link = " ".join((*toolchain.link_flags(board.core), "-T${CMAKE_CURRENT_SOURCE_DIR}/" + _SCRIPT))
    compiler = ";".join((Path(toolchain.command[0]).name, *toolchain.command[1:]))
    return f"""\
{_MARK}
# Compiler used: {toolchain.version}
# cmake -DCMAKE_SYSTEM_NAME=Generic -DCMAKE_C_COMPILER="{compiler}" -S . -B build
cmake_minimum_required(VERSION 3.16)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
project(firmware C ASM)

add_executable(firmware.elf
{listed})
separate_arguments(compile_options UNIX_COMMAND "{options}")
separate_arguments(link_options UNIX_COMMAND "{link}")
target_compile_options(firmware.elf PRIVATE ${{compile_options}})
target_link_options(firmware.elf PRIVATE ${{link_options}})
target_link_libraries(firmware.elf PRIVATE {" ".join(toolchain.helper_libraries()[-1])})
set_source_files_properties(
{runtime}    PROPERTIES COMPILE_OPTIONS "{";".join(toolchain.runtime_flags())}")
"""
