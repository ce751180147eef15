"""The kernels as a cross compiler builds them, run on an emulated Cortex-M4."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np
import pytest
from elftools.elf.elffile import ELFFile
from unicorn import UC_ARCH_ARM, UC_MODE_THUMB, Uc
from unicorn.arm_const import (
    UC_ARM_REG_LR,
    UC_ARM_REG_R0,
    UC_ARM_REG_R1,
    UC_ARM_REG_R2,
    UC_ARM_REG_R3,
    UC_ARM_REG_SP,
    UC_CPU_ARM_CORTEX_M4,
)

from mcu_models.compiler.codegen import generate
from mcu_models.compiler.frontend import frontend_table, prepare
from mcu_models.compiler.reader import read_network
from mcu_models.compiler.reference import ReferenceNetwork
from mcu_models.firmware.builder import build_firmware
from mcu_models.networks.library import find_network

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mcu_models.compiler.model import Network
    from mcu_models.firmware.builder import BuildResult
    from mcu_models.firmware.compilation import FirmwareBoard
    from mcu_models.firmware.toolchain import Toolchain

RETURN = 0x0800_F000
INPUT = 0x2003_0000
OUTPUT = 0x2003_8000
STACK = 0x2004_0000
BARE_SCRIPT = """SECTIONS {
    . = 0x08000000;
    .text : { *(.text*) *(.rodata*) }
    .ARM.exidx : { *(.ARM.exidx*) }
    . = 0x20000000;
    .bss : { *(.bss*) }
}
"""


class Core:
    """A Cortex-M4 that calls functions of an image one at a time."""

    def __init__(self, elf: Path) -> None:
        self.uc = Uc(UC_ARCH_ARM, UC_MODE_THUMB)
        self.uc.ctl_set_cpu_model(UC_CPU_ARM_CORTEX_M4)
        self.uc.mem_map(0x0800_0000, 0x10_0000)
        self.uc.mem_map(0x2000_0000, 0x4_0000)
        with elf.open("rb") as stream:
            file = ELFFile(stream)
            for segment in file.iter_segments("PT_LOAD"):
                self.uc.mem_write(segment["p_paddr"], segment.data())
            table = file.get_section_by_name(".symtab")
            self.address = {symbol.name: symbol["st_value"] for symbol in table.iter_symbols()}

    def call(self, function: str, *arguments: int) -> int:
        registers = (UC_ARM_REG_R0, UC_ARM_REG_R1, UC_ARM_REG_R2, UC_ARM_REG_R3)
        for register, value in zip(registers, arguments, strict=False):
            self.uc.reg_write(register, value)
        self.uc.reg_write(UC_ARM_REG_SP, STACK)
        self.uc.reg_write(UC_ARM_REG_LR, RETURN | 1)
        self.uc.emu_start(self.address[function] | 1, RETURN)
        return self.uc.reg_read(UC_ARM_REG_R0)


def bare_image(network: Network, toolchain: Toolchain, folder: Path) -> Path:
    """Link a network alone, so that any input shape can be run."""
    package = resources.files("mcu_models.firmware")
    for name, text in generate(network, None).sources.items():
        (folder / name).write_text(text)
    kernels, runtime = str(package / "kernels"), str(package / "runtime")
    sources = ["network.c", *(f"{runtime}/{name}.c" for name in ("memory", "aeabi", "divide"))]
    (folder / "bare.ld").write_text(BARE_SCRIPT)
    place = ["-Wl,--entry=network_run", "-T", "bare.ld"]
    command = [*toolchain.command, *toolchain.compile_flags("cortex-m4"), *toolchain.runtime_flags()]
    command += [f"-I{kernels}", f"-I{runtime}", *toolchain.link_flags("cortex-m4"), *place, *sources]
    command += [*toolchain.helper_libraries()[0], "-o", "network.elf"]
    subprocess.run(command, cwd=folder, check=True, timeout=120)
    return folder / "network.elf"


@pytest.mark.parametrize(
    "model", ["c8_p_fc", "c8_p_c8_fc_fc", "c8_p_fc_softmax", "c8_p_fc_per_tensor", "same_depthwise", "dilated"]
)
def test_emulated_network_equals_the_reference(model: str, models: Path, toolchain: Toolchain, tmp_path: Path) -> None:
    """The kernels' Arm instructions, DSP extension included, give BUILTIN_REF's outputs."""
    reference = ReferenceNetwork(models / f"{model}.tflite")
    core = Core(bare_image(reference.network, toolchain, tmp_path))
    shape = reference.network.input.shape[1:]
    generator = np.random.default_rng(23)
    noise = generator.integers(-128, 128, (100, *shape), np.int8)
    extremes = np.where(generator.random((30, *shape)) < 0.5, -128, 127).astype(np.int8)
    inputs = np.concatenate([noise, extremes])
    expected = reference.run(inputs)
    outputs = np.empty_like(expected)
    for row, frame in zip(outputs, inputs, strict=True):
        core.uc.mem_write(INPUT, frame.tobytes())
        core.call("network_run", INPUT, OUTPUT)
        row[:] = np.frombuffer(core.uc.mem_read(OUTPUT, row.size), np.int8)
    assert np.count_nonzero(outputs != expected) == 0


def test_emulated_frontend_equals_the_host(models: Path, built: Callable[[str], BuildResult]) -> None:
    """The front end's Arm instructions give the host's inputs."""
    core = Core(built("c8_p_fc").elf)
    table = frontend_table(read_network(models / "c8_p_fc.tflite"))
    generator = np.random.default_rng(2)
    wild = generator.choice([-32768, -32767, -1, 0, 32766, 32767], (50, 64))
    raw = np.concatenate([generator.normal(88, 5, (50, 64)).round(), wild]).astype(np.int16)
    prepared = prepare(raw, table)
    for frame, expected in zip(raw, prepared, strict=True):
        core.uc.mem_write(INPUT, frame.tobytes())
        core.call("frontend_prepare", INPUT, OUTPUT)
        assert bytes(core.uc.mem_read(OUTPUT, 64)) == expected.tobytes()


def test_emulated_background_equals_the_host(
    models: Path, toolchain: Toolchain, board: FirmwareBoard, app: str, tmp_path: Path
) -> None:
    """Its Arm instructions give the host's inputs, in a room and at the ends of all ranges, and again after a reset."""
    path = models / "c8_p_fc.tflite"
    entry = replace(find_network(path), frontend="hold_zero")
    build = build_firmware(entry, board=board, app=app, out_dir=tmp_path / "out", toolchain=toolchain)
    assert build.sizes.ram_frontend_bytes == 64 * (4 + 2 + 1)
    generator = np.random.default_rng(2)
    room = generator.normal(88, 2, 64) + generator.normal(0, 1, (400, 64))
    room[100:350, 20:22] += 9
    extremes = generator.choice([-32768, -256, 255, 32767], (200, 64))
    raw = np.concatenate([room.round(), extremes]).astype(np.int16)
    core, table = Core(build.elf), frontend_table(read_network(path), "hold_zero")
    for frames in (raw, raw[50:150]):
        core.call("frontend_reset")
        for frame, expected in zip(frames, prepare(frames, table), strict=True):
            core.uc.mem_write(INPUT, frame.tobytes())
            core.call("frontend_prepare", INPUT, OUTPUT)
            assert bytes(core.uc.mem_read(OUTPUT, 64)) == expected.tobytes()


MEDIAN = """
#include "lower_median.h"
int32_t median_of(const int16_t *values, int32_t length);
int32_t median_of(const int16_t *values, int32_t length)
{
    return lower_median(values, length);
}
"""


def test_the_median_of_any_length_is_the_lower_one(toolchain: Toolchain, tmp_path: Path) -> None:
    """Two values at a time leave none out, whatever the length, and no difference of far values overflows."""
    kernels = resources.files("mcu_models.firmware") / "kernels"
    (tmp_path / "median.c").write_text(MEDIAN)
    (tmp_path / "bare.ld").write_text(BARE_SCRIPT)
    command = [*toolchain.command, *toolchain.compile_flags("cortex-m4"), f"-I{kernels}", "-Werror"]
    command += [*toolchain.link_flags("cortex-m4"), "-Wl,--entry=median_of", "-T", "bare.ld", "median.c"]
    subprocess.run([*command, "-o", "median.elf"], cwd=tmp_path, check=True, timeout=120)
    core, generator = Core(tmp_path / "median.elf"), np.random.default_rng(9)
    for length in range(1, 70):
        for spread in (2, 300, 32768):
            values = generator.integers(-spread, spread, length).astype(np.int16)
            core.uc.mem_write(INPUT, values.tobytes())
            answer = np.uint32(core.call("median_of", INPUT, length)).astype(np.int32)
            assert answer == np.sort(values)[(length - 1) // 2]


class Runtime:
    """The runtime's memory functions, called on the emulated core."""

    def __init__(self, core: Core) -> None:
        self.core = core

    def after(self, before: bytes, function: str, *arguments: int) -> bytes:
        """Return the memory at `INPUT` after a call."""
        self.core.uc.mem_write(INPUT, before)
        self.core.call(function, *arguments)
        return bytes(self.core.uc.mem_read(INPUT, len(before)))


PATTERN = bytes(range(1, 41))


@pytest.fixture
def runtime(built: Callable[[str], BuildResult]) -> Runtime:
    return Runtime(Core(built("c8_p_fc").elf))


def test_runtime_memory_functions_do_what_their_names_say(runtime: Runtime) -> None:
    """Copying, moving and filling reach every byte they should and none beside, at any place and length."""
    for start in range(4):
        for length in range(12):
            copied = PATTERN[: start + 20] + PATTERN[1 : 1 + length] + PATTERN[start + 20 + length :]
            assert runtime.after(PATTERN, "memcpy", INPUT + start + 20, INPUT + 1, length) == copied
            filled = PATTERN[:start] + b"\xa5" * length + PATTERN[start + length :]
            assert runtime.after(PATTERN, "memset", INPUT + start, 0x1A5, length) == filled
            up = PATTERN[: start + 1] + PATTERN[1 : 1 + length] + PATTERN[start + 1 + length :]
            assert runtime.after(PATTERN, "memmove", INPUT + start + 1, INPUT + 1, length) == up
            down = PATTERN[:1] + PATTERN[start + 1 : start + 1 + length] + PATTERN[1 + length :]
            assert runtime.after(PATTERN, "memmove", INPUT + 1, INPUT + start + 1, length) == down


def test_runtime_compares_bytes_as_unsigned(runtime: Runtime) -> None:
    """The first byte that differs decides, 0xFF being more than 0x01."""
    core = runtime.core
    core.uc.mem_write(INPUT, b"\x07\x01\x09")
    core.uc.mem_write(OUTPUT, b"\x07\xff\x00")
    assert core.call("memcmp", INPUT, OUTPUT, 1) == 0
    assert core.call("memcmp", INPUT, OUTPUT, 3) >= 1 << 31
    assert 0 < core.call("memcmp", OUTPUT, INPUT, 3) < 1 << 31


@pytest.mark.parametrize("signed", [False, True])
def test_runtime_divides_64_bits(runtime: Runtime, signed: bool) -> None:  # noqa: FBT001 - a parameter
    """Quotient and remainder are those of C: the quotient is cut towards zero."""
    function = "__aeabi_ldivmod" if signed else "__aeabi_uldivmod"
    numbers = np.random.default_rng(3).integers(-(2**63), 2**63, (60, 2), np.int64)
    numbers[:, 1] >>= np.arange(60)
    for numerator, denominator in numbers.tolist():
        if denominator == 0:
            continue
        n, d = (numerator, denominator) if signed else (numerator % 2**64, denominator % 2**64)
        quotient = abs(n) // abs(d) * (1 if (n < 0) == (d < 0) else -1)
        answer = _divided(runtime.core, function, n, d)
        assert answer == (quotient % 2**64, (n - quotient * d) % 2**64)


def _divided(core: Core, function: str, numerator: int, denominator: int) -> tuple[int, int]:
    words = [value >> shift & 0xFFFF_FFFF for value in (numerator, denominator) for shift in (0, 32)]
    low = core.call(function, *words)
    high, rest_low, rest_high = (core.uc.reg_read(r) for r in (UC_ARM_REG_R1, UC_ARM_REG_R2, UC_ARM_REG_R3))
    return high << 32 | low, rest_high << 32 | rest_low
