"""Builds a network alone: C sources to take into a firmware of one's own, and an image to measure them with.

The folder holds a library (`src`), a test on the host against the reference's answers (`test`), a CMake project
for both, and what the library takes on a board: an image, its map and `sizes.txt`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from datasheet.bad_input import BadInputError
from mcu_models.compiler.codegen import generate
from mcu_models.compiler.counter_code import counter_sources
from mcu_models.compiler.operators.family import C_TYPES
from mcu_models.compiler.reader import read_network
from mcu_models.firmware.builder import copy_sources
from mcu_models.firmware.compilation import ELF_FILE, MAP_FILE, OverflowingRegionError, compile_and_link
from mcu_models.firmware.golden_vectors import golden_header, host_test
from mcu_models.firmware.image import MemorySizes, image_sizes
from mcu_models.firmware.written_folder import CMAKE_FILE, MARK, written_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from importlib.resources.abc import Traversable

    from mcu_models.boards.board import Board
    from mcu_models.compiler.codegen import GeneratedNetwork
    from mcu_models.compiler.counter import Counter
    from mcu_models.compiler.model import Network
    from mcu_models.firmware.toolchain import Toolchain

WeightsPlace = Literal["flash", "ram", "tcm"]
WEIGHTS_PLACES: Final[tuple[WeightsPlace, ...]] = ("flash", "ram", "tcm")
SIZES_FILE: Final = "sizes.txt"

_PACKAGE: Final = "mcu_models.firmware"
_INCLUDE: Final = re.compile(r'^#include "(\w+\.h)"', re.MULTILINE)
_SECTION: Final = '-D{macro}=__attribute__((section("{section}")))'
_STACK_RESERVE_BYTES: Final = 8 * 1024
"""Left in tightly coupled data memory for stack and variables."""
_DATA_BASE: Final = 0x20000000
"""Tightly coupled memories from here on hold data, below it code (Armv7-M memory map)."""


@dataclass(frozen=True)
class NetworkBuild:
    """A network built for a board.

    Attributes:
        network: What was compiled.
        generated: Its C, and where its activations lie.
        folder: Holds everything.
        elf: An image with the network and a loop that calls it, or the counter around it.
        map: Its symbols by address.
        compiler: The compiler's version.
        flags: What each file was compiled with.
        sizes: Bytes of flash and RAM.
        placement: Where weights, code and arena lie.
    """

    network: Network
    generated: GeneratedNetwork
    folder: Path
    elf: Path
    map: Path
    compiler: str
    flags: tuple[str, ...]
    sizes: MemorySizes
    placement: dict[str, str]


def build_network(
    network_path: str | Path,
    *,
    board: Board,
    out_dir: str | Path,
    toolchain: Toolchain,
    weights: WeightsPlace = "flash",
    counter: Counter | None = None,
) -> NetworkBuild:
    """Compile a network for a board.

    The folder appears complete or not at all; the same file, board and compiler give the same bytes.

    Args:
        network_path: A .tflite file.
        board: What to build for.
        out_dir: Where to write; a folder that was written by an earlier build is replaced.
        toolchain: From `find_toolchain`.
        weights: Memory of the weights: "flash", "ram", or "tcm" on a board that has it.
        counter: What is done with a frame around the network; its C is built as well, and the image calls it.

    Raises:
        BadInputError: The network cannot be used or does not fit the board, or the folder cannot be written.
    """
    out_dir = Path(out_dir)
    network = read_network(network_path)
    generated = generate(network, counter.table if counter else None)
    placement = _placement(board, network, generated, weights)
    with written_folder(out_dir) as folder:
        _write_library(folder, network, generated.sources | (counter_sources(counter) if counter else {}))
        try:
            flags = compile_and_link(folder, board, toolchain, extra=_section_flags(placement))
        except OverflowingRegionError as error:
            raise _too_large(network, board, error, placement) from None
        sizes = image_sizes(folder / ELF_FILE)
        (folder / SIZES_FILE).write_text(_size_report(network, generated, board, toolchain, sizes, placement, flags))
    return NetworkBuild(
        network=network,
        generated=generated,
        folder=out_dir,
        elf=out_dir / ELF_FILE,
        map=out_dir / MAP_FILE,
        compiler=toolchain.version,
        flags=flags,
        sizes=sizes,
        placement=placement,
    )


def _placement(board: Board, network: Network, generated: GeneratedNetwork, weights: WeightsPlace) -> dict[str, str]:
    """Return where weights, code and arena lie: beside the core, on a core that has such memories and where it fits."""
    tightly = [memory for memory in board.sheet.memories.values() if memory.kind == "tcm"]
    if weights == "tcm" and not tightly:
        raise BadInputError(board.name, "weights", weights, "this board has no tightly coupled memory; flash or ram")
    if not tightly:
        return {"weights": weights, "code": "flash", "arena": "ram"}
    data = max((memory.size for memory in tightly if memory.base >= _DATA_BASE), default=0)
    interface = sum(tensor.size_bytes for tensor in (*network.inputs, *network.outputs))
    taken = interface + _STACK_RESERVE_BYTES + (network.weights_bytes if weights == "tcm" else 0)
    fits = generated.arena.size_bytes + taken <= data
    return {"weights": weights, "code": "itcm", "arena": "dtcm" if fits else "axi_sram"}


def _section_flags(placement: dict[str, str]) -> list[str]:
    flags = []
    if placement["weights"] != "flash":
        is_far = placement["weights"] == "ram" and placement["code"] == "itcm"
        section = ".axi_data.weights" if is_far else ".data.weights"
        flags.append(_SECTION.format(macro="NETWORK_WEIGHTS", section=section))
    if placement["code"] == "itcm":
        flags.append(_SECTION.format(macro="NETWORK_CODE", section=".itcm.network"))
    if placement["arena"] == "axi_sram":
        flags.append(_SECTION.format(macro="NETWORK_ARENA", section=".axi_sram.arena"))
    return flags


def _write_library(folder: Path, network: Network, sources: Mapping[str, str]) -> None:
    package = resources.files(_PACKAGE)
    source, loop, test = folder / "src" / "network", folder / "src" / "loop", folder / "test"
    for made in (source, test, loop):
        made.mkdir(parents=True)
    for name, text in (*sources.items(), *_kernel_headers(package / "kernels", sources).items()):
        (source / name).write_text(text, encoding="utf-8")
    copy_sources(package / "runtime", folder / "src" / "runtime")
    text = _counter_loop() if "counter.c" in sources else _loop(network)
    (loop / "loop.c").write_text(text, encoding="utf-8")
    (test / "golden_vectors.h").write_text(golden_header(network), encoding="utf-8")
    (test / "network_test.c").write_text(host_test(network), encoding="utf-8")
    (folder / CMAKE_FILE).write_text(_cmake(sources), encoding="utf-8")


def _kernel_headers(kernels: Traversable, sources: Mapping[str, str]) -> dict[str, str]:
    """Return the kernels' headers that sources need, and those that these need."""
    found: dict[str, str] = {}
    wanted = [name for text in sources.values() for name in _INCLUDE.findall(text) if name not in sources]
    while wanted:
        name = wanted.pop()
        if name not in found:
            found[name] = (kernels / name).read_text(encoding="utf-8")
            wanted += _INCLUDE.findall(found[name])
    return found


def _loop(network: Network) -> str:
    """Return the C of an image that does nothing but call the network."""
    names = [
        *(("input", position, tensor) for position, tensor in enumerate(network.inputs)),
        *(("output", position, tensor) for position, tensor in enumerate(network.outputs)),
    ]
    variables = "".join(
        f"{C_TYPES[tensor.dtype]} loop_{word}_{position}[{tensor.size}];\n" for word, position, tensor in names
    )
    arguments = ", ".join(f"loop_{word}_{position}" for word, position, _ in names)
    return f"""\
/* An image that does nothing but call the network: for sizes and for cycles. */
#include "network.h"

{variables}
void reset_handler(void);

void reset_handler(void)
{{
    for (;;) {{
        network_run({arguments});
    }}
}}
"""


def _counter_loop() -> str:
    """Return the C of an image that does nothing but count people."""
    return """\
/* An image that does nothing but count people: for sizes and for cycles. */
#include "counter.h"

int16_t loop_raw[COUNTER_PIXELS];
int32_t loop_count;

void reset_handler(void);

void reset_handler(void)
{
    counter_reset();
    for (;;) {
        loop_count = counter_count(loop_raw);
    }
}
"""


def _too_large(
    network: Network, board: Board, error: OverflowingRegionError, placement: dict[str, str]
) -> BadInputError:
    """Return what does not fit, by how much, and the largest thing that could be smaller."""
    region = str(error.key).upper()
    if region == "ITCM":
        return BadInputError(network.path, f"{board.name} {region}", error.value, "bytes too many of code")
    tensors = {
        tensor.index: tensor
        for operator in network.operators
        for tensor in (*operator.inputs, *operator.outputs)
        if tensor is not None and (tensor.is_computed or placement["weights"] != "flash" or region == "FLASH")
    }
    constants = [tensor for tensor in tensors.values() if tensor.data is not None]
    largest = max(constants if region == "FLASH" else tensors.values(), key=lambda tensor: tensor.size_bytes)
    what = "weights" if largest.data is not None else "activations"
    return BadInputError(
        network.path,
        f"{board.name} {region}",
        error.value,
        f"bytes too many; the largest of its {what} is {largest.name!r} with {largest.size_bytes} bytes",
    )


def _size_report(
    network: Network,
    generated: GeneratedNetwork,
    board: Board,
    toolchain: Toolchain,
    sizes: MemorySizes,
    placement: dict[str, str],
    flags: Sequence[str],
) -> str:
    rows = {
        "code and constants of kernels": sizes.flash_code_bytes,
        "weights, biases and scales": sizes.flash_weights_bytes,
        "arena of activations and scratch": generated.arena.size_bytes,
        "least arena for these kernels": generated.arena.lower_bound_bytes,
        "largest live set of activations": generated.largest_live_bytes,
        "RAM in all, without stack": sizes.ram_bytes,
    }
    lines = [
        f"{network.path.name}, sha256 {network.sha256}",
        f"{board.name}, {toolchain.version}",
        "places: " + ", ".join(f"{what} in {where}" for what, where in placement.items()),
        "",
        *(f"{what:36}{size:10d} bytes" for what, size in rows.items()),
        "",
        *(f"section {name:28}{size:10d} bytes" for name, size in sizes.sections_bytes.items()),
        "",
        "The image is for measuring: no start-up code copies its variables or turns the FPU on.",
        f"flags: {' '.join(flags)}",
    ]
    return "\n".join(lines) + "\n"


def _cmake(sources: Iterable[str]) -> str:
    files = " ".join(f"src/network/{name}" for name in sorted(sources) if name.endswith(".c"))
    return f"""\
{MARK}
# The library for your project: add_subdirectory(this folder), target_link_libraries(yours PRIVATE network).
# Its test on the host: cmake -S . -B build && cmake --build build && ctest --test-dir build
cmake_minimum_required(VERSION 3.16)
project(network C)

add_library(network STATIC {files})
target_include_directories(network PUBLIC src/network)
target_compile_features(network PUBLIC c_std_11)
target_compile_options(network PRIVATE -O3 -Wall -Wextra -Wconversion)

if(NOT CMAKE_CROSSCOMPILING AND CMAKE_PROJECT_NAME STREQUAL PROJECT_NAME)
    enable_testing()
    add_executable(network_test test/network_test.c)
    target_link_libraries(network_test PRIVATE network)
    add_test(NAME network COMMAND network_test)
endif()
"""
