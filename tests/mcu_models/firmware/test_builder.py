"""Firmware is built whole, the same every time, and weighed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from datasheet.bad_input import BadInputError
from mcu_models.compiler.codegen import generate
from mcu_models.compiler.reader import read_network
from mcu_models.firmware.builder import app_names, build_firmware
from mcu_models.firmware.image import image_sizes
from mcu_models.firmware.toolchain import find_toolchain

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcu_models.firmware.builder import BuildResult
    from mcu_models.firmware.compilation import FirmwareBoard
    from mcu_models.firmware.toolchain import Toolchain


def test_two_builds_give_the_same_bytes(
    models: Path,
    toolchain: Toolchain,
    board: FirmwareBoard,
    app: str,
    tmp_path: Path,
    built: Callable[[str], BuildResult],
) -> None:
    """Neither the folder nor the time is in the image."""
    again = build_firmware(
        models / "c8_p_fc.tflite", board=board, app=app, out_dir=tmp_path / "a" / "longer", toolchain=toolchain
    )
    content = again.elf.read_bytes()
    assert content == built("c8_p_fc").elf.read_bytes()
    assert str(tmp_path).encode() not in content
    assert str(Path.home()).encode() + b"/" not in content


def test_a_build_holds_what_it_was_made_of(built: Callable[[str], BuildResult], board: FirmwareBoard) -> None:
    """Sources, linker script, CMake project, ELF and map lie in the folder, and nothing else."""
    result = built("c8_p_fc")
    names = {path.name for path in result.folder.iterdir()}
    assert names == {"src", "memory.ld", "CMakeLists.txt", "firmware.elf", "firmware.map"}
    assert all(source.is_file() for source in result.sources)
    assert {source.parent.name for source in result.sources} >= {"app", "drivers", "network", "runtime"}
    assert [path.name for path in result.folder.parent.iterdir()] == [result.folder.name]
    assert "-DBARE_BOARD=1" in result.flags
    assert result.compiler in (result.folder / "CMakeLists.txt").read_text()
    assert (result.folder / "memory.ld").read_bytes() == board.linker_script.read_bytes()


def test_each_layer_is_a_function_of_the_image(built: Callable[[str], BuildResult]) -> None:
    """A profiler finds every layer by its symbol."""
    result = built("c8_p_c8_fc_fc")
    assert result.layer_functions == {
        0: "network_layer_0_conv_2d",
        1: "network_layer_1_max_pool_2d",
        2: "network_layer_2_conv_2d",
        7: "network_layer_7_fully_connected",
        8: "network_layer_8_fully_connected",
    }
    functions = {line.split()[3] for line in result.map.read_text().splitlines() if line.split()[2] == "function"}
    assert functions >= {*result.layer_functions.values(), "network_run", "frontend_prepare"}


def test_sizes_are_those_of_the_sections(built: Callable[[str], BuildResult]) -> None:
    """Code and weights make up flash; the arena is part of RAM; the weights are at least the file's."""
    sizes = built("c8_p_fc").sizes
    in_flash = sum(length for name, length in sizes.sections_bytes.items() if name != ".bss")
    assert sizes.flash_code_bytes + sizes.flash_weights_bytes == in_flash
    assert sizes.flash_weights_bytes >= 72 + 288
    assert sizes.ram_arena_bytes == built("c8_p_fc").arena.size_bytes >= 6 * 6 * 8 + 3 * 3 * 8
    assert sizes.ram_bytes >= sizes.ram_arena_bytes


def test_an_older_build_is_replaced_and_nothing_else(
    models: Path, toolchain: Toolchain, board: FirmwareBoard, app: str, tmp_path: Path
) -> None:
    """A folder with anything but a build in it is left alone."""
    arguments = {"board": board, "app": app, "toolchain": toolchain}
    target = tmp_path / "out"
    for model in ("c8_p_fc", "c8_p_fc_softmax"):
        build_firmware(models / f"{model}.tflite", out_dir=target, **arguments)
    assert "softmax" in (target / "src" / "network" / "network.c").read_text()
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "letter.txt").write_text("keep me")
    with pytest.raises(BadInputError, match="holds no earlier build"):
        build_firmware(models / "c8_p_fc.tflite", out_dir=foreign, **arguments)
    assert (foreign / "letter.txt").read_text() == "keep me"


def test_sources_that_do_not_compile_leave_nothing(
    models: Path, toolchain: Toolchain, board: FirmwareBoard, tmp_path: Path
) -> None:
    """The compiler's first error is the message, in one line, and no folder appears."""
    app = tmp_path / "app"
    app.mkdir()
    (app / "main.c").write_text("int main(void) { return undeclared; }\n")
    (tmp_path / "build").mkdir()
    with pytest.raises(BadInputError, match=r"does not build: .*undeclared") as refused:
        build_firmware(
            models / "c8_p_fc.tflite",
            board=board,
            app=str(app),
            out_dir=tmp_path / "build" / "out",
            toolchain=toolchain,
        )
    assert "\n" not in str(refused.value)
    assert list((tmp_path / "build").iterdir()) == []


def test_double_precision_still_links(models: Path, toolchain: Toolchain, board: FirmwareBoard, tmp_path: Path) -> None:
    """What the runtime does not hold comes from the compiler's own library."""
    app = tmp_path / "app"
    app.mkdir()
    (app / "main.c").write_text(
        "int main(void);\nvolatile double x = 2.0, y;\nint main(void) { y = x * x / 3.0; return (int)y; }\n"
    )
    result = build_firmware(
        models / "c8_p_fc.tflite", board=board, app=str(app), out_dir=tmp_path / "out", toolchain=toolchain
    )
    assert "__aeabi_dmul" in result.map.read_text()


@pytest.mark.parametrize(("core", "model"), [("cortex-m4", "same_depthwise"), ("cortex-m7", "dilated")])
def test_generated_sources_compile_without_a_warning(
    core: str, model: str, models: Path, toolchain: Toolchain, tmp_path: Path
) -> None:
    """Every layer and the runtime pass -Wall -Wextra -Wconversion with warnings as errors."""
    generated = generate(read_network(models / f"{model}.tflite"), None)
    kernels = Path(__file__).parents[3] / "mcu_models" / "firmware"
    for name, text in generated.sources.items():
        (tmp_path / name).write_text(text)
    flags = [*toolchain.compile_flags(core), "-Werror", f"-I{kernels / 'kernels'}", f"-I{kernels / 'runtime'}"]
    runtime = sorted(str(path) for path in (kernels / "runtime").glob("*.c"))
    for source in ("network.c", *runtime):
        command = [*toolchain.command, *flags, "-c", source, "-o", "out.o"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
        assert (done.returncode, done.stderr) == (0, "")


def test_bad_requests_are_refused(
    models: Path, toolchain: Toolchain, board: FirmwareBoard, app: str, tmp_path: Path
) -> None:
    """An unknown app, a three-channel network and a file in the way each get one line."""
    network = models / "c8_p_fc.tflite"
    out_dir = tmp_path / "out"
    with pytest.raises(BadInputError, match="app 'no_such_app'"):
        build_firmware(network, board=board, app="no_such_app", out_dir=out_dir, toolchain=toolchain)
    with pytest.raises(BadInputError, match="a front end needs"):
        build_firmware(models / "same_depthwise.tflite", board=board, app=app, out_dir=out_dir, toolchain=toolchain)
    out_dir.write_text("a file")
    with pytest.raises(BadInputError, match="is a file"):
        build_firmware(network, board=board, app=app, out_dir=out_dir, toolchain=toolchain)
    with pytest.raises(BadInputError, match="cannot be written"):
        build_firmware(network, board=board, app=app, out_dir=out_dir / "below", toolchain=toolchain)


def test_the_cmake_project_builds_the_same_code(models: Path, board: FirmwareBoard, app: str, tmp_path: Path) -> None:
    """CMake with the same gcc gives sections of the same lengths."""
    cmake = shutil.which("cmake")
    if cmake is None or shutil.which("make") is None or shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("needs CMake, make and gcc: apt install cmake make gcc-arm-none-eabi")
    result = build_firmware(
        models / "c8_p_fc.tflite",
        board=board,
        app=app,
        out_dir=tmp_path / "out",
        toolchain=find_toolchain("gcc"),
    )
    options = ["-DCMAKE_SYSTEM_NAME=Generic", "-DCMAKE_C_COMPILER=arm-none-eabi-gcc"]
    configure = [cmake, "-S", str(result.folder), "-B", str(tmp_path / "cmake"), *options]
    for command in (configure, [cmake, "--build", str(tmp_path / "cmake")]):
        subprocess.run(command, check=True, capture_output=True, timeout=120)
    assert image_sizes(tmp_path / "cmake" / "firmware.elf") == result.sizes


def test_a_file_that_is_no_image_has_no_sizes(tmp_path: Path) -> None:
    (tmp_path / "text.elf").write_text("not an image")
    with pytest.raises(BadInputError, match="expected an ELF image"):
        image_sizes(tmp_path / "text.elf")


def test_the_library_of_apps_is_listed() -> None:
    assert all(not name.startswith("_") for name in app_names())
