"""Generated C, compiled for the host and called through ctypes."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from mcu_models.boards.board import find_board
from mcu_models.compiler.codegen import generate
from mcu_models.compiler.frontend import frontend_table
from mcu_models.compiler.reader import read_network
from mcu_models.compiler.reference import ReferenceNetwork
from mcu_models.compiler.writer import write_network
from mcu_models.emulators.bare_core import BareCore
from mcu_models.emulators.image import read_image
from mcu_models.firmware.network_library import build_network
from mcu_models.firmware.toolchain import find_toolchain

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from mcu_models.compiler.model import Network, Tensor

MODELS = Path(__file__).parent / "models"

WARNINGS = ["-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Werror"]

PREPARE = """
#include "frontend.h"
void prepare_all(const int16_t *raw, int8_t *in, int32_t count)
{
    frontend_reset();
    for (int32_t i = 0; i < count; ++i) {
        frontend_prepare(raw + i * FRONTEND_PIXELS, in + i * NETWORK_INPUT_SIZE);
    }
}
"""

# How many inputs each operator is compared on; 2,000 for a thorough run.
FRAMES = int(os.environ.get("TWIN_TEST_FRAMES", "150"))

# Boards, separated by commas, on whose emulated cores each operator is compared too, on so many inputs; a thorough run
# names stm32l4r5zi,stm32h743vi.
BOARDS = [name for name in os.environ.get("TWIN_TEST_BOARDS", "").split(",") if name]
EMULATED_FRAMES = 50


def driver(network: Network, *, frontend: bool) -> str:
    """Return C that runs a network on many frames, one behind the other in each array."""
    names = [f"in_{i}" for i in range(len(network.inputs))] + [f"out_{i}" for i in range(len(network.outputs))]
    tensors = (*network.inputs, *network.outputs)
    types = [{"int8": "int8_t", "float32": "float"}[tensor.dtype] for tensor in tensors]
    const = ["const "] * len(network.inputs) + [""] * len(network.outputs)
    parameters = ", ".join(f"{c}{t} *{name}" for c, t, name in zip(const, types, names, strict=True))
    arguments = ", ".join(f"{name} + i * {tensor.size}" for name, tensor in zip(names, tensors, strict=True))
    text = f"""
#include "network.h"
void run_all({parameters}, int32_t count)
{{
    for (int32_t i = 0; i < count; ++i) {{
        network_run({arguments});
    }}
}}
"""
    return text + (PREPARE if frontend else "")


def host_compiler() -> list[str]:
    """Return the command of a C compiler for this machine; skip the test when there is none."""
    for name in ("cc", "gcc", "clang"):
        if found := shutil.which(name):
            return [found]
    if importlib.util.find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang", "cc", "-fno-sanitize=all"]
    pytest.skip("needs a C compiler for this machine: apt install gcc, or pip install ziglang")


def write_sources(network: Network, folder: Path, frontend: str | None) -> list[str]:
    """Write a network's generated sources and the kernels; return the names of the .c files."""
    table = frontend_table(network, frontend) if frontend else None
    generated = generate(network, table)
    for name, text in generated.sources.items():
        (folder / name).write_text(text)
    for kernel in (resources.files("mcu_models.firmware") / "kernels").iterdir():
        (folder / kernel.name).write_text(kernel.read_text())
    return [name for name in generated.sources if name.endswith(".c")]


def host_command_of(*arguments: str) -> list[str]:
    """Return the command that compiles for this machine, any warning being an error."""
    return [*host_compiler(), *WARNINGS, "-O1", *arguments]


def compiled_library(folder: Path, sources: list[str]) -> ctypes.CDLL:
    """Compile sources for this machine, any warning being an error, and load them."""
    command = host_command_of("-shared", "-fPIC", "-o", "host.so", *sources)
    subprocess.run(command, cwd=folder, check=True, timeout=120)
    return ctypes.CDLL(str(folder / "host.so"))


class HostNetwork:
    """A network's generated C on this machine."""

    def __init__(self, path: Path, folder: Path, frontend: str | None) -> None:
        self.network = read_network(path)
        sources = write_sources(self.network, folder, frontend)
        (folder / "driver.c").write_text(driver(self.network, frontend=frontend is not None))
        self.library = compiled_library(folder, ["driver.c", *sources])

    def run_all(self, inputs: list[NDArray[Any]]) -> list[NDArray[Any]]:
        count = len(inputs[0])
        outputs = [np.empty((count, *frame_shape(t)), t.dtype) for t in self.network.outputs]
        self.library.run_all(*(_pointer(array) for array in (*inputs, *outputs)), count)
        return outputs

    def run(self, inputs: NDArray[np.int8]) -> NDArray[np.int8]:
        return self.run_all([inputs])[0]

    def classes(self, outputs: NDArray[np.int8]) -> list[int]:
        return [self.library.network_class(_pointer(row)) for row in outputs]

    def prepare(self, raw: NDArray[np.int16]) -> NDArray[np.int8]:
        inputs = np.empty((len(raw), *self.network.input.shape[1:]), np.int8)
        self.library.prepare_all(_pointer(raw), _pointer(inputs), len(raw))
        return inputs


def frame_shape(tensor: Tensor) -> tuple[int, ...]:
    """Return the shape of one inference's tensor, without a batch of 1."""
    return tensor.shape[1:] if tensor.shape[0] == 1 else tensor.shape


def inputs_for(network: Network, count: int) -> list[NDArray[Any]]:
    """Return inputs of noise, of extremes, of gentle pictures, and the two constant extremes."""
    generator = np.random.default_rng(17)
    return [_input(generator, tensor, count) for tensor in network.inputs]


def _input(generator: np.random.Generator, tensor: Tensor, count: int) -> NDArray[Any]:
    shape = frame_shape(tensor)
    if tensor.dtype == "float32":
        return generator.normal(0, 2, (count, *shape)).astype(np.float32)
    values = generator.integers(-128, 128, (count, *shape), np.int8)
    quarter = count // 4
    values[:quarter] = np.where(generator.random((quarter, *shape)) < 0.5, -128, 127)
    offsets = generator.integers(-100, 100, (quarter,) + (1,) * len(shape))
    values[quarter : 2 * quarter] = np.clip(offsets + generator.normal(0, 8, (quarter, *shape)), -128, 127)
    values[-2:] = np.array([-128, 127]).reshape(2, *([1] * len(shape)))
    return values


def _pointer(array: NDArray[np.generic]) -> ctypes.c_void_p:
    return ctypes.c_void_p(np.ascontiguousarray(array).ctypes.data)


@pytest.fixture(scope="session")
def host_network(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., HostNetwork]:
    """Return a function that compiles a model of the tests for the host."""

    def compiled(model: str, frontend: str | None = None) -> HostNetwork:
        return HostNetwork(MODELS / f"{model}.tflite", tmp_path_factory.mktemp(model), frontend)

    return compiled


@dataclass(frozen=True)
class Comparison:
    """What the reference and the generated C made of the same inputs."""

    expected: list[NDArray[Any]]
    outputs: list[NDArray[Any]]

    @property
    def mismatches(self) -> int:
        return sum(int(np.count_nonzero(a != b)) for a, b in zip(self.expected, self.outputs, strict=True))

    @property
    def largest_error(self) -> float:
        """The largest difference as a part of the largest value of the same output."""
        pairs = zip(self.expected, self.outputs, strict=True)
        return max(float(np.max(np.abs(a - b)) / np.max(np.abs(a))) for a, b in pairs)


@pytest.fixture(scope="session")
def compare(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Comparison]:
    """Return a function that runs a built network by the reference and by its generated C."""

    def compared(network: Network, frames: int = FRAMES) -> Comparison:
        folder = tmp_path_factory.mktemp("built")
        path = folder / "network.tflite"
        path.write_bytes(write_network(network))
        reference = ReferenceNetwork(path)
        inputs = inputs_for(reference.network, frames)
        expected, outputs = reference.run_all(inputs), HostNetwork(path, folder, None).run_all(inputs)
        some = slice(None, None, max(frames // EMULATED_FRAMES, 1))
        answers = [array[some] for array in expected]
        for name in BOARDS:
            expected = [*expected, *answers]
            outputs = [
                *outputs,
                *emulated(path, name, [array[some] for array in inputs], tmp_path_factory.mktemp(name)),
            ]
        return Comparison(expected, outputs)

    return compared


def emulated(path: Path, board_name: str, inputs: list[NDArray[Any]], folder: Path) -> list[NDArray[Any]]:
    """Return what a network built for a board answers on its emulated core."""
    board = find_board(board_name)
    build = build_network(path, board=board, out_dir=folder / "out", toolchain=find_toolchain())
    core = BareCore(board, read_image(build.elf))
    places = [core.address_of(f"loop_input_{position}") for position in range(len(inputs))]
    results = [core.address_of(f"loop_output_{position}") for position in range(len(build.network.outputs))]
    count = len(inputs[0])
    outputs = [np.empty((count, *frame_shape(tensor)), tensor.dtype) for tensor in build.network.outputs]
    for frame in range(count):
        for place, array in zip(places, inputs, strict=True):
            core.write(place, array[frame].tobytes())
        core.call("network_run", *places, *results)
        for place, array in zip(results, outputs, strict=True):
            answer = np.frombuffer(core.read(place, array[frame].nbytes), array.dtype)
            array[frame] = answer.reshape(array.shape[1:])
    return outputs


@pytest.fixture(scope="session")
def models() -> Path:
    """Return the folder of the tests' networks."""
    return MODELS


@pytest.fixture(scope="session")
def compile_host() -> Callable[[Path, list[str]], ctypes.CDLL]:
    """Return a function that compiles and loads C sources on this machine."""
    return compiled_library


@pytest.fixture(scope="session")
def host_command() -> Callable[..., list[str]]:
    """Return a function that returns the command to compile for this machine."""
    return host_command_of


@pytest.fixture(scope="session")
def host_sources() -> Callable[..., list[str]]:
    """Return a function that writes a network's sources to a folder."""

    def written(network: Network, folder: Path) -> list[str]:
        return write_sources(network, folder, None)

    return written
