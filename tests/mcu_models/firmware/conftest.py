"""Compilers for the boards."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from datasheet.bad_input import BadInputError
from mcu_models.firmware.builder import build_firmware
from mcu_models.firmware.toolchain import Toolchain, find_toolchain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcu_models.firmware.builder import BuildResult

HERE = Path(__file__).parent


class BareBoard:
    """The least a board must say to be built for."""

    name = "bare"
    core = "cortex-m4"

    @property
    def linker_script(self) -> Path:
        return Path(str(resources.files("mcu_models.boards") / "stm32l4a6zg" / "memory.ld"))

    @property
    def defines(self) -> Mapping[str, str]:
        return {"BARE_BOARD": "1"}


@pytest.fixture(scope="session")
def board() -> BareBoard:
    return BareBoard()


@pytest.fixture(scope="session", params=["gcc", "zig"])
def toolchain(request: pytest.FixtureRequest) -> Toolchain:
    """Return each compiler that is installed; skip the others."""
    try:
        return find_toolchain(request.param)
    except BadInputError as missing:
        pytest.skip(f"{request.param}: {missing}")


@pytest.fixture(scope="session")
def app() -> str:
    """Return the smallest app."""
    return str(HERE / "blink_app")


@pytest.fixture(scope="session")
def models() -> Path:
    """Return the folder of the tests' networks."""
    return HERE.parent / "compiler" / "models"


@pytest.fixture(scope="session")
def built(
    toolchain: Toolchain, board: BareBoard, app: str, models: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], BuildResult]:
    """Return a function that builds the smallest app with a network of the tests, once each."""
    images: dict[str, BuildResult] = {}

    def image(model: str) -> BuildResult:
        if model not in images:
            out_dir = tmp_path_factory.mktemp(model) / "out"
            path = models / f"{model}.tflite"
            images[model] = build_firmware(path, board=board, app=app, out_dir=out_dir, toolchain=toolchain)
        return images[model]

    return image
