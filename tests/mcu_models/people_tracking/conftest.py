"""The doorway counter's C, compiled for this machine."""

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

from mcu_models.people_tracking.line import SYMBOL, DoorLine
from mcu_models.people_tracking.parameters import load_tracker
from mcu_models.people_tracking.tracking_code import tracking_sources

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from mcu_models.people_tracking.parameters import TrackingParameters

FLAGS = ["-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-O1", "-shared", "-fPIC"]

# `passages.c` is included, so that its state can be set to that of power-on.
DRIVER = """
#include "passages.c"
void pass_all(const int16_t *raw, int64_t *told, int32_t frames)
{
    passages_state = (struct doorway){0};
    passages_reset();
    for (int32_t i = 0; i < frames; ++i) {
        const struct doorway_answer *answer = passages_next(raw + i * PASSAGES_PIXELS);
        told[3 * i] = answer->in;
        told[3 * i + 1] = answer->out;
        told[3 * i + 2] = answer->at;
    }
}
"""


@pytest.fixture(scope="session")
def parameters() -> TrackingParameters:
    """Return the library's rules."""
    return load_tracker("doorway_rules")


def host_compiler() -> list[str]:
    """Return this machine's C compiler; skip without one."""
    for name in ("cc", "gcc", "clang"):
        if found := shutil.which(name):
            return [found]
    if importlib.util.find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang", "cc", "-fno-sanitize=all"]
    pytest.skip("needs a C compiler for this machine: apt install gcc, or pip install ziglang")


class HostTracker:
    """The generated C on this machine, with a line of its own."""

    def __init__(self, parameters: TrackingParameters, line: DoorLine, folder: Path) -> None:
        (folder / "driver.c").write_text(DRIVER)
        for name, text in tracking_sources(parameters).items():
            (folder / name).write_text(_with_line(text, line))
        kernels = f"-I{resources.files('mcu_models.firmware') / 'kernels'}"
        command = [*host_compiler(), *FLAGS, kernels, "-o", "host.so", "driver.c"]
        subprocess.run(command, cwd=folder, check=True, timeout=120)
        self.library = ctypes.CDLL(str(folder / "host.so"))

    def passages(self, raw: NDArray[np.int16]) -> NDArray[np.int64]:
        told, frames = np.empty((len(raw), 3), np.int64), np.ascontiguousarray(raw)
        self.library.pass_all(ctypes.c_void_p(frames.ctypes.data), ctypes.c_void_p(told.ctypes.data), len(raw))
        return told


def _with_line(text: str, line: DoorLine) -> str:
    begin = f"const struct doorway_line {SYMBOL} = {{"
    head, found, tail = text.partition(begin)
    return head + found + ", ".join(str(value) for value in line) + tail[tail.find("}") :] if found else text


@pytest.fixture(scope="session")
def host_tracker(tmp_path_factory: pytest.TempPathFactory) -> Callable[[TrackingParameters, DoorLine], HostTracker]:
    """Return a function that compiles a tracker for this machine, once for each set of values."""
    made: dict[tuple[TrackingParameters, DoorLine], HostTracker] = {}

    def compiled(parameters: TrackingParameters, line: DoorLine) -> HostTracker:
        key = parameters, line
        if key not in made:
            made[key] = HostTracker(parameters, line, tmp_path_factory.mktemp("tracker"))
        return made[key]

    return compiled
