"""What fits a board, and what firmware that it is sold with refuses, with the numbers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from datasheet.bad_input import BadInputError
from mcu_models.boards.board import find_board
from mcu_models.compiler.graph_builder import GraphBuilder
from mcu_models.compiler.model import DenseOptions
from mcu_models.compiler.writer import write_network
from mcu_models.firmware.toolchain import find_toolchain
from twin.cli import run
from twin.memory_verdict import (
    FrameBuffers,
    MemoryLimit,
    MemoryVerdict,
    board_firmware,
    frames_of,
    limits_of_firmware,
    memory_verdict,
    require_frames_fit,
)

if TYPE_CHECKING:
    from pathlib import Path

CAMERA_BOARD, OTHER_BOARD = "stm32h743vi", "stm32l4a6zg"
OPENMV = "OpenMV Cam H7"


@pytest.fixture(scope="module")
def _compiler() -> None:
    try:
        find_toolchain()
    except BadInputError as missing:
        pytest.skip(str(missing))


def write_dense(path: Path, hidden: int) -> Path:
    """Write a network for the camera's picture with one hidden layer, of 3072 weights a value."""
    builder = GraphBuilder()
    source = builder.tensor((1, 32, 32, 3), 1 / 255, -128)
    flat = builder.tensor((1, 3072), 1 / 255, -128)
    builder.operator("RESHAPE", [source, None], [flat])
    values, size = flat, 3072
    for outputs in (hidden, 1):
        weights = np.random.default_rng(outputs).integers(-99, 100, (outputs, size)).astype(np.int8)
        bias = builder.constant(np.zeros(outputs, np.int32), [0.001 * values.scale])
        seen = builder.tensor((1, outputs), 0.1, 0)
        inputs = [values, builder.constant(weights, [0.001]), bias]
        builder.operator("FULLY_CONNECTED", inputs, [seen], DenseOptions("none"))
        values, size = seen, outputs
    answer = builder.tensor((1, 1), 1 / 256, -128)
    builder.operator("LOGISTIC", [values], [answer])
    path.write_bytes(write_network(builder.network([source], [answer])))
    return path


def profiled(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    assert run(["profile", *map(str, arguments), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert isinstance(answer, dict)
    return answer


def by_limit(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["limit"]: one for one in found["memory"]}


@pytest.mark.usefixtures("_compiler")
def test_a_network_as_large_as_squeezenet_fits_the_chip_and_not_the_openmv(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """786,432 weights: flash of 2 MB takes them, a model's 230 KB do not."""
    path = write_dense(tmp_path / "large.tflite", 256)
    found = profiled(capsys, path, "--board", CAMERA_BOARD)
    limits = by_limit(found)
    assert {one["limit"] for one in found["memory"] if not one["fits"]} == {f"{OPENMV}: model"}
    assert limits[f"{OPENMV}: model"]["needs_bytes"] == path.stat().st_size > 786_432
    assert limits[f"{OPENMV}: model"]["allowed_bytes"] == 230 * 1024
    assert limits[f"{OPENMV}: frame buffer"]["needs_bytes"] == 80_000 + found["ram_bytes"]["arena"]
    assert 786_432 < limits["flash"]["needs_bytes"] < limits["flash"]["allowed_bytes"] == 2 * 2**20
    assert limits["axi sram"]["needs_bytes"] == 160_000
    used = sum(limits[name]["needs_bytes"] for name in ("axi sram", "itcm", "dtcm"))
    assert limits["RAM in all"]["needs_bytes"] == used
    preparation = found["preparation"]
    assert preparation["frontend"] == "area_rgb565"
    # 40,000 pixels and 3,072 sums, some cycles each.
    assert 200_000 < preparation["cycles"] < 2_000_000


@pytest.mark.usefixtures("_compiler")
def test_frames_count_on_a_board_without_the_firmware(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two frames lie in the largest RAM beside what the network needs; nothing is said of other boards' firmware."""
    path = write_dense(tmp_path / "small.tflite", 8)
    assert run(["profile", str(path), "--board", OTHER_BOARD]) == 0
    assert "does not fit" not in capsys.readouterr().out
    found, large = (profiled(capsys, path, "--board", OTHER_BOARD, "--frame", size) for size in ("200x200", "256x256"))
    assert found["preparation"] is None
    assert 160_000 < by_limit(found)["sram1"]["needs_bytes"] < by_limit(found)["sram1"]["allowed_bytes"] == 2**18
    more = by_limit(large)["sram1"]["needs_bytes"] - by_limit(found)["sram1"]["needs_bytes"]
    assert more == 2 * 2 * (256**2 - 200**2)
    assert not by_limit(large)["sram1"]["fits"]
    assert not any(name.startswith(OPENMV) for name in by_limit(found))


def test_frames_that_do_not_fit_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["profile", "mask_cnn", "--board", CAMERA_BOARD, "--frame", "640x480"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "640 x 480" in said
    assert "1228800 bytes; the largest memory of stm32h743vi, axi_sram, has 524288" in said


@pytest.mark.parametrize("size", ["", "640", "0x3", "3x0", "3x-4", "axb", "1x2x3", "99999x9", "٣x٣"])
def test_sizes_that_are_none_are_refused(size: str) -> None:
    with pytest.raises(BadInputError, match="must be columns x rows of pixels"):
        frames_of(size)


def test_a_size_names_columns_first() -> None:
    assert (frames_of("320X240").columns, frames_of("320x240").rows) == (320, 240)
    assert frames_of("320x240").size_bytes == 2 * 2 * 320 * 240


def test_a_counting_network_looks_at_no_frames_of_a_camera(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["profile", "people_c8_p_fc", "--frame", "200x200"]) == 2
    assert "looks at no frames of a camera" in capsys.readouterr().err


def test_frames_must_fit_the_largest_ram() -> None:
    board = find_board(CAMERA_BOARD)
    require_frames_fit(FrameBuffers(512, 256), board)
    with pytest.raises(BadInputError, match="525312 bytes"):
        require_frames_fit(FrameBuffers(513, 256), board)


def test_what_is_sold_with_a_board_is_known_by_its_chip() -> None:
    assert [sheet.title for sheet in board_firmware(CAMERA_BOARD)] == [OPENMV]
    assert not board_firmware(OTHER_BOARD)


def test_a_verdict_refuses_with_what_is_needed_and_what_there_is() -> None:
    board = find_board(CAMERA_BOARD)
    verdict = MemoryVerdict(limits_of_firmware(board.name, 809_000, 20_480, FrameBuffers()))
    with pytest.raises(BadInputError, match=r"squeezenet: OpenMV Cam H7: model is '809000 bytes'; 235520 are allowed"):
        verdict.require("squeezenet")
    verdict.require("squeezenet", of="flash")
    MemoryVerdict(limits_of_firmware(board.name, 143_040, 36_000, FrameBuffers())).require("mask_cnn")


def test_exactly_as_much_as_there_is_fits() -> None:
    assert MemoryLimit("flash", 10, 10, "").fits
    assert not MemoryLimit("flash", 11, 10, "").fits


def test_what_is_no_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "none.elf").write_bytes(b"no ELF")
    with pytest.raises(BadInputError, match="expected an ELF image"):
        memory_verdict(tmp_path / "none.elf", find_board(CAMERA_BOARD))
