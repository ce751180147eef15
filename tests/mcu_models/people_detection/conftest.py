"""The detector's C, compiled for this machine and for a Cortex-M4."""

from __future__ import annotations

import ctypes
import importlib.util
import shutil
import subprocess
import sys
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np
import pytest

from datasheet.bad_input import BadInputError
from mcu_models.boards.board import find_board
from mcu_models.emulators.bare_core import BareCore
from mcu_models.emulators.image import read_image
from mcu_models.firmware.toolchain import find_toolchain
from mcu_models.people_detection.detection import PIXELS
from mcu_models.people_detection.detection_code import detection_sources
from mcu_models.people_detection.detector_image import FRAME_SYMBOL, build_detector
from mcu_models.people_detection.parameters import IMAGE_ROWS, load_detector

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from mcu_models.people_detection.parameters import DetectionParameters

BOARD = "stm32l4a6zg"
FLAGS = ["-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-O1", "-shared", "-fPIC"]

# `counter.c` is included, so that what it includes can be called too.
DRIVER = """
#include "counter.c"
void count_all(const int16_t *raw, int64_t *count, int32_t frames)
{
    counter_reset();
    for (int32_t i = 0; i < frames; ++i) {
        count[i] = counter_count(raw + i * COUNTER_PIXELS);
    }
}
int32_t humans(uint32_t rows[PEOPLE_DETECTION_HEIGHT])
{
    struct people_detection_mask mask = {{0u}};
    for (int32_t row = 0; row < PEOPLE_DETECTION_HEIGHT; ++row) {
        mask.row[row + 1] = rows[row];
    }
    const int32_t found = people_detection_humans(&mask);
    for (int32_t row = 0; row < PEOPLE_DETECTION_HEIGHT; ++row) {
        rows[row] = mask.row[row + 1];
    }
    return found;
}
"""


@pytest.fixture(scope="session")
def parameters() -> DetectionParameters:
    """Return the values of the API's sample program."""
    return load_detector("panasonic_grid_eye_api")


def host_compiler() -> list[str]:
    """Return this machine's C compiler; skip without one."""
    for name in ("cc", "gcc", "clang"):
        if found := shutil.which(name):
            return [found]
    if importlib.util.find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang", "cc", "-fno-sanitize=all"]
    pytest.skip("needs a C compiler for this machine: apt install gcc, or pip install ziglang")


class HostDetector:
    """The generated C on this machine."""

    def __init__(self, parameters: DetectionParameters, folder: Path) -> None:
        (folder / "driver.c").write_text(DRIVER)
        for name, text in detection_sources(parameters).items():
            (folder / name).write_text(text)
        kernels = f"-I{resources.files('mcu_models.firmware') / 'kernels'}"
        command = [*host_compiler(), *FLAGS, kernels, "-o", "host.so", "driver.c"]
        subprocess.run(command, cwd=folder, check=True, timeout=120)
        self.library = ctypes.CDLL(str(folder / "host.so"))

    def counts(self, raw: NDArray[np.int16]) -> NDArray[np.int64]:
        count = np.empty(len(raw), np.int64)
        frames = np.ascontiguousarray(raw)
        self.library.count_all(ctypes.c_void_p(frames.ctypes.data), ctypes.c_void_p(count.ctypes.data), len(raw))
        return count

    def humans(self, detected: NDArray[np.bool_]) -> tuple[int, NDArray[np.bool_]]:
        """Return the humans among the regions of (15, 15) pixels, and the pixels that are left."""
        bits = 1 << np.arange(IMAGE_ROWS)
        rows = (detected * bits).sum(axis=1).astype(np.uint32)
        found = self.library.humans(ctypes.c_void_p(rows.ctypes.data))
        return found, rows[:, np.newaxis] & bits > 0


@pytest.fixture(scope="session")
def host_detector(tmp_path_factory: pytest.TempPathFactory) -> Callable[[DetectionParameters], HostDetector]:
    """Return a function that compiles a detector for this machine, once for each set of values."""
    made: dict[DetectionParameters, HostDetector] = {}

    def compiled(parameters: DetectionParameters) -> HostDetector:
        if parameters not in made:
            made[parameters] = HostDetector(parameters, tmp_path_factory.mktemp("detector"))
        return made[parameters]

    return compiled


class CoreDetector:
    """The generated C on an emulated core."""

    def __init__(self, image: Path) -> None:
        self.core = BareCore(find_board(BOARD), read_image(image), penalties="none")
        self.frame = self.core.address_of(FRAME_SYMBOL)

    def counts(self, raw: NDArray[np.int16]) -> list[int]:
        self.core.call("counter_reset")
        return [self.count(frame) for frame in raw]

    def count(self, frame: NDArray[np.int16]) -> int:
        self.core.write(self.frame, frame.tobytes())
        return self.core.call("counter_count", self.frame).result


@pytest.fixture(scope="session", params=["gcc", "zig"])
def core_detector(
    request: pytest.FixtureRequest, parameters: DetectionParameters, tmp_path_factory: pytest.TempPathFactory
) -> CoreDetector:
    """Return the detector as each compiler that is installed builds it; skip the others."""
    try:
        toolchain = find_toolchain(request.param)
    except BadInputError as missing:
        pytest.skip(f"{request.param}: {missing}")
    folder = tmp_path_factory.mktemp("image")
    return CoreDetector(build_detector(parameters, board=find_board(BOARD), folder=folder, toolchain=toolchain))


def spiral() -> NDArray[np.bool_]:
    """Return the longest way that touches itself nowhere, winding inwards through 8 x 8 pixels."""
    rows = ["########", ".......#", "######.#", "#....#.#", "#.##.#.#", "#.####.#", "#......#", "########"]
    return np.array([[pixel == "#" for pixel in row] for row in rows])


@pytest.fixture(scope="session")
def hard_frames() -> NDArray[np.int16]:
    """Return (N, 64) frames: noise, all hot and all cold, chequers, spirals, and values beyond every range."""
    generator = np.random.default_rng(8)
    room = np.full((60, PIXELS), 88) + generator.normal(0, 1, (60, PIXELS))
    row, column = np.indices((8, 8))
    chequers = [(row + column) % 2 == 0, (row % 2 == 0) & (column % 2 == 0), (row // 2 + column // 2) % 2 == 0]
    patterns = [*chequers, spiral(), spiral().T, spiral()[::-1], generator.random((8, 8)) < 0.3]
    shown = [np.tile(88 + rise * pattern.reshape(-1), (40, 1)) for pattern in patterns for rise in (2, 3, 40)]
    held = np.repeat(generator.integers(60, 140, (20, PIXELS)), 20, axis=0)
    level = np.repeat([[-512], [511], [-32768], [32767], [88]], 30, axis=0) * np.ones(PIXELS)
    extreme = generator.choice([-32768, -513, -512, -1, 0, 511, 512, 32767], (300, PIXELS))
    between = [np.tile(np.full(PIXELS, 88), (30, 1))] * len(shown)
    alternating = [part for pair in zip(shown, between, strict=True) for part in pair]
    frames = np.concatenate([room, *alternating, held, level, extreme, room])
    return frames.round().clip(-32768, 32767).astype(np.int16)
