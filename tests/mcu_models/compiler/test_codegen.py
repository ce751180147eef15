"""What the generated C offers besides its answers: places for its parts, numbers of its interface."""

from __future__ import annotations

import re
import shutil
import subprocess
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mcu_models.compiler.codegen import generate
from mcu_models.compiler.frontend import frontend_table
from mcu_models.compiler.reader import read_network
from mcu_models.compiler.reference import ReferenceNetwork
from mcu_models.compiler.writer import write_network

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any


def test_sections_take_weights_arena_and_code(
    models: Path, tmp_path: Path, host_command: Callable[..., list[str]], host_sources: Callable[..., list[str]]
) -> None:
    """Each macro places its part, so that a linker script may put it into RAM or tightly coupled memory."""
    sources = host_sources(read_network(models / "c8_p_c8_fc_fc.tflite"), tmp_path)
    places = {"WEIGHTS": ".tcm_weights", "ARENA": ".tcm_arena", "CODE": ".tcm_code"}
    defines = [f'-DNETWORK_{part}=__attribute__((section("{place}")))' for part, place in places.items()]
    command = host_command("-c", *defines, "-o", "network.o", *sources)
    subprocess.run(command, cwd=tmp_path, check=True, timeout=120)
    content = (tmp_path / "network.o").read_bytes()
    assert all(place.encode() in content for place in places.values())


def test_the_header_tells_what_codes_stand_for(models: Path) -> None:
    network = read_network(models / "c8_p_fc_softmax.tflite")
    header = generate(network, None).sources["network.h"]
    assert "#define NETWORK_INPUT_SIZE 64" in header
    assert "#define NETWORK_OUTPUT_SCALE 0x1.0000000000000p-8f" in header
    assert "#define NETWORK_OUTPUT_ZERO_POINT (-128)" in header
    assert f"#define NETWORK_INPUT_SCALE {network.input.scale.hex()}f" in header


CALLER = """
#include "frontend.h"
#include "network.h"

int main()
{
    static int16_t raw[FRONTEND_PIXELS];
    int8_t input[NETWORK_INPUT_SIZE];
    int8_t output[NETWORK_OUTPUT_SIZE];
    frontend_prepare(raw, input);
    network_run(input, output);
    const float value = network_value(output[network_class(output)]);
    return 0.0f < value && value <= 1.0f ? 0 : 1;
}
"""


def test_a_cpp_program_calls_the_network(models: Path, tmp_path: Path, host_command: Callable[..., list[str]]) -> None:
    """The headers are C++ too, and their functions are found by the names that C gives them."""
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        pytest.skip("needs a C++ compiler for this machine: apt install g++")
    network = read_network(models / "c8_p_fc_softmax.tflite")
    for name, text in generate(network, frontend_table(network, "minus_median")).sources.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "caller.cpp").write_text(CALLER)
    kernels = str(resources.files("mcu_models.firmware") / "kernels")
    for command in (
        host_command("-c", f"-I{kernels}", "network.c", "frontend.c"),
        [
            compiler,
            "-std=c++11",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-o",
            "caller",
            "caller.cpp",
            "network.o",
            "frontend.o",
        ],
        [str(tmp_path / "caller")],
    ):
        subprocess.run(command, cwd=tmp_path, check=True, timeout=120)


@pytest.mark.parametrize("model", ["every_layer", "folded_time_lstm", "float"])
def test_every_constant_is_placed_with_the_weights(model: str, models: Path) -> None:
    source = generate(read_network(models / f"{model}.tflite"), None).sources["network.c"]
    constants = re.findall(r"^static .*const .* = \{$", source, re.MULTILINE)
    assert constants
    assert all("NETWORK_WEIGHTS" in line for line in constants)


def test_a_code_becomes_the_number_it_stands_for(host_network: Callable[..., Any]) -> None:
    host = host_network("c8_p_fc_softmax")
    host.library.network_value.restype = np.ctypeslib.ctypes.c_float
    assert host.library.network_value(-128) == 0.0
    assert host.library.network_value(127) == pytest.approx(255 / 256)


def test_no_layer_allocates_or_calls_itself(models: Path) -> None:
    """Every function of the generated file is called after its definition, and none is the heap's."""
    source = generate(read_network(models / "same_depthwise.tflite"), None).sources["network.c"]
    assert "malloc" not in source
    calls = source.partition("void network_run")[2]
    assert source.count("NETWORK_LAYER void") == calls.count("network_layer_")


@pytest.mark.parametrize("model", ["c8_p_fc", "same_depthwise", "float"])
def test_a_network_survives_being_written_and_read(model: str, models: Path, tmp_path: Path) -> None:
    """A written network has the operators, shapes and scales of the one that was read, and the same C."""
    first = read_network(models / f"{model}.tflite")
    path = tmp_path / "again.tflite"
    path.write_bytes(write_network(first))
    second = read_network(path)
    assert [o.name for o in second.operators] == [o.name for o in first.operators]
    assert [o.options for o in second.operators] == [o.options for o in first.operators]
    assert [o.output.shape for o in second.operators] == [o.output.shape for o in first.operators]
    assert [o.output.quantisation for o in second.operators] == [o.output.quantisation for o in first.operators]
    assert second.macs == first.macs
    assert ReferenceNetwork(path).network.weights_bytes == first.weights_bytes
