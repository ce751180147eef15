"""A network built alone: a clean library, its test on the host, and an image that fits or says what does not."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import numpy as np
import pytest

from datasheet.bad_input import BadInputError
from mcu_models.boards.board import find_board
from mcu_models.compiler.graph_builder import GraphBuilder
from mcu_models.compiler.model import WindowOptions
from mcu_models.compiler.reader import read_network
from mcu_models.compiler.reference import ReferenceNetwork
from mcu_models.compiler.writer import write_network
from mcu_models.emulators.bare_core import BareCore
from mcu_models.emulators.image import read_image
from mcu_models.firmware.network_library import SIZES_FILE, build_network

if TYPE_CHECKING:
    from pathlib import Path

    from mcu_models.firmware.toolchain import Toolchain

STRICT = ("-std=c11", "-O2", "-Wall", "-Wextra", "-Wconversion", "-Werror")


@pytest.mark.parametrize("name", ["c8_p_fc", "float", "folded_time_lstm"])
def test_the_library_passes_its_own_test_on_the_host_without_a_warning(
    models: Path, toolchain: Toolchain, tmp_path: Path, name: str
) -> None:
    cc = shutil.which("cc") or shutil.which("gcc")
    if cc is None:
        pytest.skip("no C compiler for the host")
    out = tmp_path / "out"
    build_network(models / f"{name}.tflite", board=find_board("stm32l4a6zg"), out_dir=out, toolchain=toolchain)
    sources = [str(out / "src/network/network.c"), str(out / "test/network_test.c")]
    program = str(tmp_path / "network_test")
    subprocess.run([cc, *STRICT, f"-I{out / 'src/network'}", *sources, "-o", program], check=True, timeout=60)
    answer = subprocess.run([program], capture_output=True, text=True, check=False, timeout=60)
    assert answer.returncode == 0
    assert "0 of 8 cases differ" in answer.stdout


@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m7"])
@pytest.mark.parametrize("name", ["c8_p_fc_softmax", "same_depthwise", "every_layer", "folded_time_lstm"])
def test_generated_c_compiles_for_the_board_without_a_warning(
    models: Path, toolchain: Toolchain, tmp_path: Path, name: str, core: str
) -> None:
    out = tmp_path / "out"
    build_network(models / f"{name}.tflite", board=find_board("stm32l4a6zg"), out_dir=out, toolchain=toolchain)
    flags = [*toolchain.compile_flags(core), "-Werror", f"-I{out / 'src/network'}"]
    source, target = str(out / "src/network/network.c"), str(tmp_path / "network.o")
    subprocess.run([*toolchain.command, *flags, "-c", source, "-o", target], check=True, timeout=120)


def test_a_changed_weight_fails_the_host_test(models: Path, toolchain: Toolchain, tmp_path: Path) -> None:
    cc = shutil.which("cc") or shutil.which("gcc")
    if cc is None:
        pytest.skip("no C compiler for the host")
    out = tmp_path / "out"
    build_network(models / "c8_p_fc.tflite", board=find_board("stm32l4a6zg"), out_dir=out, toolchain=toolchain)
    vectors = out / "test/golden_vectors.h"
    text = vectors.read_text()
    at = text.index("golden_output")
    first = text.index("{", text.index("= {", at) + 3) + 1
    end = min(text.index(",", first), text.index("}", first))
    changed = -int(text[first:end]) or 1
    vectors.write_text(f"{text[:first]}{changed}{text[end:]}")
    sources = [str(out / "src/network/network.c"), str(out / "test/network_test.c")]
    program = str(tmp_path / "network_test")
    subprocess.run([cc, *STRICT, f"-I{out / 'src/network'}", *sources, "-o", program], check=True, timeout=60)
    assert subprocess.run([program], capture_output=True, check=False, timeout=60).returncode == 1


@pytest.mark.parametrize("weights", ["flash", "ram"])
def test_weights_lie_where_they_were_asked_to(models: Path, toolchain: Toolchain, tmp_path: Path, weights: str) -> None:
    board = find_board("stm32l4a6zg")
    place = "ram" if weights == "ram" else "flash"
    build = build_network(
        models / "c8_p_fc.tflite", board=board, out_dir=tmp_path / "out", toolchain=toolchain, weights=place
    )
    lines = (build.folder / "firmware.map").read_text().splitlines()
    addresses = [int(line.split()[0], 16) for line in lines if "network_data" in line]
    assert addresses
    base = board.memory(place).base
    assert all(base <= address < base + board.memory(place).size for address in addresses)
    assert f"weights in {place}" in (build.folder / SIZES_FILE).read_text()


def test_what_the_image_itself_needs_counts_before_the_arena_is_placed(tmp_path: Path, toolchain: Toolchain) -> None:
    """An arena of 110 kB fits 128 kB of DTCM, but not beside an input of 36 kB: it goes behind the data cache."""
    builder = GraphBuilder()
    first, middle, last = (builder.tensor((1, 96, 96, depth), 0.05, 0) for depth in (4, 12, 4))
    window = WindowOptions("same", (1, 1), (1, 1), (1, 1), "none")
    for source, target in ((first, middle), (middle, last)):
        shape = (target.shape[3], 1, 1, source.shape[3])
        weights = builder.constant(np.ones(shape, np.int8), (0.01,))
        bias = builder.constant(np.zeros(target.shape[3], np.int32), (0.05 * 0.01,))
        builder.operator("CONV_2D", [source, weights, bias], [target], window)
    path = tmp_path / "wide.tflite"
    path.write_bytes(write_network(builder.network([first], [last])))
    build = build_network(path, board=find_board("stm32h743vi"), out_dir=tmp_path / "out", toolchain=toolchain)
    assert build.generated.arena.size_bytes < 128 * 1024
    assert build.placement["arena"] == "axi_sram"


def test_tightly_coupled_weights_need_a_board_that_has_them(models: Path, toolchain: Toolchain, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no tightly coupled memory"):
        build_network(
            models / "c8_p_fc.tflite",
            board=find_board("stm32l4a6zg"),
            out_dir=tmp_path / "out",
            toolchain=toolchain,
            weights="tcm",
        )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["stm32l4r5zi", "stm32h743vi"])
def test_the_image_computes_what_the_host_computes(
    models: Path, toolchain: Toolchain, tmp_path: Path, name: str
) -> None:
    """The image's answer to a zero input is the reference's."""
    path = models / "c8_p_fc.tflite"
    board = find_board(name)
    build = build_network(path, board=board, out_dir=tmp_path / "out", toolchain=toolchain)
    core = BareCore(board, read_image(build.elf))
    source, target = core.address_of("loop_input_0"), core.address_of("loop_output_0")
    network = read_network(path)
    values = np.arange(network.input.size, dtype=np.int64).astype(np.int8).reshape(network.input.shape)
    core.write(source, values.tobytes())
    core.call("network_run", source, target)
    expected = ReferenceNetwork(path).run(values)
    assert core.read(target, network.output.size) == expected.tobytes()


def test_what_does_not_fit_is_named_with_its_size(models: Path, toolchain: Toolchain, tmp_path: Path) -> None:
    """A board with one kilobyte of RAM has no room for the activations."""
    folder = tmp_path / "tiny"
    shutil.copytree(find_board("stm32l4a6zg").folder, folder)
    script = folder / "memory.ld"
    script.write_text(script.read_text().replace("LENGTH = 256K", "LENGTH = 256"))
    with pytest.raises(BadInputError, match=r"SRAM1.*bytes too many.*activations is '.*' with \d+ bytes") as caught:
        build_network(
            models / "sixteen_by_sixteen.tflite",
            board=find_board(str(folder)),
            out_dir=tmp_path / "out",
            toolchain=toolchain,
        )
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()
