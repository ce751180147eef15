"""Generated C, compiled for the host and called through ctypes."""

from __future__ import annotations

import ctypes
import importlib.util
import shutil
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mcu_models.compiler.codegen import generate
from mcu_models.compiler.frontend import frontend_table
from mcu_models.compiler.reader import read_network

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from mcu_models.compiler.model import Int8Network

MODELS = Path(__file__).parent / "models"

WARNINGS = ["-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Werror"]

DRIVER = """
#include "frontend.h"
#include "network.h"
void run_all(const int8_t *in, int8_t *out, int32_t *classes, int32_t count)
{
    for (int32_t i = 0; i < count; ++i) {
        network_run(in + i * NETWORK_INPUT_SIZE, out + i * NETWORK_OUTPUT_SIZE);
        classes[i] = network_class(out + i * NETWORK_OUTPUT_SIZE);
    }
}
void prepare_all(const int16_t *raw, int8_t *in, int32_t count)
{
    for (int32_t i = 0; i < count; ++i) {
        frontend_prepare(raw + i * FRONTEND_PIXELS, in + i * NETWORK_INPUT_SIZE);
    }
}
"""


def host_compiler() -> list[str]:
    """Return the command of a C compiler for this machine; skip the test when there is none."""
    for name in ("cc", "gcc", "clang"):
        if found := shutil.which(name):
            return [found]
    if importlib.util.find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang", "cc", "-fno-sanitize=all"]
    pytest.skip("needs a C compiler for this machine: apt install gcc, or pip install ziglang")


def write_sources(network: Int8Network, folder: Path, frontend: str | None) -> list[str]:
    """Write a network's generated sources and the kernels; return the names of the .c files."""
    table = frontend_table(network, frontend) if frontend else None
    generated = generate(network, table)
    for name, text in generated.sources.items():
        (folder / name).write_text(text)
    for kernel in (resources.files("mcu_models.firmware") / "kernels").iterdir():
        (folder / kernel.name).write_text(kernel.read_text())
    return [name for name in generated.sources if name.endswith(".c")]


def compiled_library(folder: Path, sources: list[str]) -> ctypes.CDLL:
    """Compile sources for this machine, any warning being an error, and load them."""
    command = [*host_compiler(), *WARNINGS, "-O2", "-shared", "-fPIC", "-o", "host.so", *sources]
    subprocess.run(command, cwd=folder, check=True, timeout=120)
    return ctypes.CDLL(str(folder / "host.so"))


class HostNetwork:
    """A network's generated C on this machine."""

    def __init__(self, model: str, folder: Path, frontend: str | None) -> None:
        self.network = read_network(MODELS / f"{model}.tflite")
        sources = write_sources(self.network, folder, frontend)
        driver = (
            DRIVER if frontend else DRIVER.split("void prepare_all", maxsplit=1)[0].replace('#include "frontend.h"', "")
        )
        (folder / "driver.c").write_text(driver)
        self._library = compiled_library(folder, ["driver.c", *sources])

    def run(self, inputs: NDArray[np.int8]) -> tuple[NDArray[np.int8], NDArray[np.int32]]:
        outputs = np.empty((len(inputs), *self.network.output.shape[1:]), np.int8)
        classes = np.empty(len(inputs), np.int32)
        self._library.run_all(_pointer(inputs), _pointer(outputs), _pointer(classes), len(inputs))
        return outputs, classes

    def prepare(self, raw: NDArray[np.int16]) -> NDArray[np.int8]:
        inputs = np.empty((len(raw), *self.network.input.shape[1:]), np.int8)
        self._library.prepare_all(_pointer(raw), _pointer(inputs), len(raw))
        return inputs


def _pointer(array: NDArray[np.generic]) -> ctypes.c_void_p:
    return ctypes.c_void_p(np.ascontiguousarray(array).ctypes.data)


@pytest.fixture(scope="session")
def host_network(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., HostNetwork]:
    """Return a function that compiles a model of the tests for the host."""

    def compiled(model: str, frontend: str | None = None) -> HostNetwork:
        return HostNetwork(model, tmp_path_factory.mktemp(model), frontend)

    return compiled


@pytest.fixture(scope="session")
def models() -> Path:
    """Return the folder of the tests' networks."""
    return MODELS


@pytest.fixture(scope="session")
def compile_host() -> Callable[[Path, list[str]], ctypes.CDLL]:
    """Return a function that compiles and loads C sources on this machine."""
    return compiled_library
