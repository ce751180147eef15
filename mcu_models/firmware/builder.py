"""Builds firmware: a network as C, an app, drivers, kernels and runtime, compiled and linked for a board."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final

from datasheet.bad_input import BadInputError, nearest_name
from mcu_models.compiler.arena import ArenaPlan
from mcu_models.compiler.codegen import generate
from mcu_models.compiler.counter_code import counter_sources
from mcu_models.compiler.door_code import door_sources
from mcu_models.compiler.image_input import image_input
from mcu_models.compiler.reader import read_network
from mcu_models.firmware.compilation import ELF_FILE, MAP_FILE, SCRIPT_FILE, compile_and_link, compiled_sources
from mcu_models.firmware.drivers_of_app import IMAGE_APPS, PASSAGES_APP, drivers_of
from mcu_models.firmware.image import MemorySizes, image_sizes
from mcu_models.firmware.written_folder import CMAKE_FILE, MARK, written_folder
from mcu_models.networks.counting import counter_of
from mcu_models.networks.library import NetworkEntry, find_network
from mcu_models.people_detection.detection_code import detection_sources
from mcu_models.people_detection.parameters import load_detector
from mcu_models.people_tracking.parameters import load_tracker
from mcu_models.people_tracking.tracking_code import tracking_sources

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from importlib.resources.abc import Traversable

    from mcu_models.firmware.compilation import FirmwareBoard
    from mcu_models.firmware.drivers_of_app import Drivers
    from mcu_models.firmware.toolchain import Toolchain

_PACKAGE: Final = "mcu_models.firmware"


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
    network: str | Path | NetworkEntry, *, board: FirmwareBoard, app: str, out_dir: str | Path, toolchain: Toolchain
) -> BuildResult:
    """Build a firmware image with a network in it.

    The folder appears complete or not at all. The same sources and the same compiler give the same bytes,
    whatever the folder.

    Args:
        network: A library name, a .tflite file, rules in a .toml file, or what is known of a network.
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
    entry = network if isinstance(network, NetworkEntry) else find_network(network)
    drivers = drivers_of(app, board)
    check_app(entry, app)
    generated = _generated_images(entry, app) if app in IMAGE_APPS else _generated(entry)
    with written_folder(out_dir) as folder:
        _write_sources(folder, generated.sources, app, drivers)
        flags = compile_and_link(folder, board, toolchain, extra=drivers.flags)
        script = _cmake(toolchain, board, flags, compiled_sources(folder))
        (folder / CMAKE_FILE).write_text(script, encoding="utf-8")
    return BuildResult(
        folder=out_dir,
        elf=out_dir / ELF_FILE,
        map=out_dir / MAP_FILE,
        sources=tuple(out_dir / source for source in compiled_sources(out_dir)),
        compiler=toolchain.version,
        flags=flags,
        sizes=image_sizes(out_dir / ELF_FILE),
        arena=generated.arena,
        layer_functions=generated.functions,
    )


@dataclass(frozen=True)
class _Generated:
    """The C of whatever answers to frames, by file name; `arena` and `functions` as in `BuildResult`."""

    sources: Mapping[str, str]
    arena: ArenaPlan
    functions: Mapping[int, str]


def _generated(entry: NetworkEntry) -> _Generated:
    if entry.counts_passages:
        return _Generated(tracking_sources(load_tracker(entry.path)), ArenaPlan({}, 0, 0), {})
    if entry.has_rules:
        return _Generated(detection_sources(load_detector(entry.path)), ArenaPlan({}, 0, 0), {})
    read = read_network(entry.path)
    counter = counter_of(entry, read)
    generated = generate(read, counter.table)
    return _Generated(generated.sources | counter_sources(counter), generated.arena, generated.functions)


def _generated_images(entry: NetworkEntry, app: str) -> _Generated:
    if entry.has_rules:
        raise BadInputError(entry.path, "", None, f"rules count people; {app!r} needs a network for images")
    read = read_network(entry.path)
    generated = generate(read, None)
    sources = generated.sources | door_sources(image_input(read), entry.door_policy)
    return _Generated(sources, generated.arena, generated.functions)


def check_app(network: NetworkEntry, app: str) -> None:
    """Make sure that an app is written for a network: one that counts who passes a door, or who is there.

    Raises:
        BadInputError: It is not; a folder of the user's own is for the user to know.
    """
    if app in app_names() and network.counts_passages != (app == PASSAGES_APP):
        counted = "who passes a door" if network.counts_passages else "no passages of a door"
        needed = f"; use {PASSAGES_APP}" if network.counts_passages else "; it needs rules such as doorway_rules"
        raise BadInputError("app", "", app, f"{network.path.stem} counts {counted}{needed}")


def app_names() -> tuple[str, ...]:
    """Return the names of the apps that come with the twin."""
    return tuple(sorted(_folders(resources.files(_PACKAGE) / "app")))


def _folders(parent: Traversable) -> dict[str, Traversable]:
    if not parent.is_dir():
        return {}
    return {entry.name: entry for entry in parent.iterdir() if entry.is_dir() and not entry.name.startswith("_")}


def _write_sources(folder: Path, generated: Mapping[str, str], app: str, drivers: Drivers) -> None:
    package = resources.files(_PACKAGE)
    parts = {"app": _app_folder(app), "drivers": package.joinpath(*drivers.folder)}
    parts |= {"kernels": package / "kernels", "runtime": package / "runtime"}
    for name, part in parts.items():
        copy_sources(part, folder / "src" / name)
    network = folder / "src" / "network"
    network.mkdir()
    for name, text in generated.items():
        (network / name).write_text(text, encoding="utf-8")


def _app_folder(app: str) -> Traversable:
    known = _folders(resources.files(_PACKAGE) / "app")
    if app in known:
        return known[app]
    if Path(app).is_dir():
        return Path(app)
    raise BadInputError("app", "", app, nearest_name(app, known))


def copy_sources(part: Traversable, target: Path) -> None:
    """Copy the C and assembly files of a package's folder."""
    target.mkdir(parents=True)
    for entry in part.iterdir() if part.is_dir() else ():
        if entry.is_file() and Path(entry.name).suffix in (".c", ".h", ".S"):
            (target / entry.name).write_bytes(entry.read_bytes())


def _cmake(toolchain: Toolchain, board: FirmwareBoard, flags: Iterable[str], sources: Iterable[Path]) -> str:
    """Return a CMake project that builds the same image with a toolchain file of the user's own."""
    listed = "".join(f"    {source.as_posix()}\n" for source in sources)
    runtime = "".join(f"    {source.as_posix()}\n" for source in sources if source.parts[1] == "runtime")
    options = " ".join(flag.replace("-Isrc/", "-I${CMAKE_CURRENT_SOURCE_DIR}/src/") for flag in flags)
    link = " ".join((*toolchain.link_flags(board.core), "-T${CMAKE_CURRENT_SOURCE_DIR}/" + SCRIPT_FILE))
    compiler = ";".join((Path(toolchain.command[0]).name, *toolchain.command[1:]))
    return f"""\
{MARK}
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
