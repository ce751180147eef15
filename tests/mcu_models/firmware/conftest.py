"""Compilers for the boards."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from datasheet.bad_input import BadInputError
from mcu_models.compiler.graph_builder import GraphBuilder
from mcu_models.compiler.model import DenseOptions, WindowOptions
from mcu_models.compiler.writer import write_network
from mcu_models.firmware.builder import build_firmware
from mcu_models.firmware.toolchain import Toolchain, find_toolchain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcu_models.compiler.model import Network, Tensor
    from mcu_models.firmware.builder import BuildResult

HERE = Path(__file__).parent


class BareBoard:
    """The least a board must say to be built for."""

    name = "bare"
    core = "cortex-m4"
    family = "l4"

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


@pytest.fixture(scope="session")
def door_network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a network for the camera's picture that is certain of a mask where the picture is blue."""
    path = tmp_path_factory.mktemp("network") / "blue.tflite"
    builder = GraphBuilder()
    source = builder.tensor((1, 32, 32, 3), 1 / 255, -128)
    kernel = np.zeros((2, 4, 4, 3), np.int8)
    kernel[0, ..., 2], kernel[1, ..., 0] = 100, 100
    weights = builder.constant(kernel, [0.001, 0.001], 0, 0)
    bias = builder.constant(np.zeros(2, np.int32), [0.001 / 255] * 2)
    seen = builder.tensor((1, 8, 8, 2), 0.01, -128)
    options = WindowOptions("valid", (4, 4), (4, 4), (1, 1), "relu")
    builder.operator("CONV_2D", [source, weights, bias], [seen], options)
    flat = builder.tensor((1, 128), 0.01, -128)
    builder.operator("RESHAPE", [seen, None], [flat])
    signs = np.tile(np.array([20, -20], np.int8), 64)[np.newaxis]
    weights = builder.constant(signs, [0.01])
    bias = builder.constant(np.zeros(1, np.int32), [0.0001])
    logit = builder.tensor((1, 1), 0.1, 0)
    builder.operator("FULLY_CONNECTED", [flat, weights, bias], [logit], DenseOptions("none"))
    answer = builder.tensor((1, 1), 1 / 256, -128)
    builder.operator("LOGISTIC", [logit], [answer])
    path.write_bytes(write_network(builder.network([source], [answer])))
    return path


class FrameNetworks:
    """Draws the weights of networks whose input is a window of frames, -4 to 8 degC above their background."""

    filters, units = 8, 6

    def __init__(self, seed: int = 1, *, is_real: bool = False) -> None:
        self.builder = GraphBuilder()
        self.is_real = is_real
        self.generator = np.random.default_rng(seed)

    def network(self, kind: str, frames: int) -> Network:
        """Return a network with frames as channels, or one that joins their features, as they are or by times."""
        shape = (1, 8, 8, frames) if kind == "channels" else (1, frames, 8, 8, 1)
        source = image = self.tensor(shape, 12 / 255, -43)
        if kind != "channels":
            image = self.reshaped(source, (frames, 8, 8, 1))
        features = self.features(image)
        if kind == "times":
            features = self.convolved(
                self.reshaped(features, (1, 1, frames, features.size // frames)), (1, 3), self.units
            )
        flat = self.reshaped(features, (1, features.size))
        weights, bias = self.weights((4, flat.size))
        result = self.tensor((1, 4), 0.5, 0)
        self.builder.operator("FULLY_CONNECTED", [flat, weights, bias], [result], DenseOptions("none"))
        return self.builder.network([source], [result])

    def tensor(self, shape: tuple[int, ...], scale: float | None, zero_point: int) -> Tensor:
        """Add a computed tensor; in float32 it has no scale."""
        if self.is_real:
            return self.builder.tensor(shape, None, 0, "float32")
        return self.builder.tensor(shape, scale, zero_point)

    def features(self, image: Tensor) -> Tensor:
        found = self.convolved(image, (3, 3), self.filters)
        pooled = self.tensor((image.shape[0], 3, 3, self.filters), 0.05, -128)
        self.builder.operator("MAX_POOL_2D", [found], [pooled], WindowOptions("valid", (2, 2), (2, 2), (1, 1), "none"))
        return pooled

    def convolved(self, image: Tensor, window: tuple[int, int], channels: int) -> Tensor:
        weights, bias = self.weights((channels, *window, image.shape[3]))
        options = WindowOptions("valid", (1, 1), window, (1, 1), "relu")
        rows, columns = (options.output_length(image.shape[1 + axis], axis) for axis in (0, 1))
        result = self.tensor((image.shape[0], rows, columns, channels), 0.05, -128)
        self.builder.operator("CONV_2D", [image, weights, bias], [result], options)
        return result

    def reshaped(self, tensor: Tensor, shape: tuple[int, ...]) -> Tensor:
        result = self.tensor(shape, *((None, 0) if self.is_real else (tensor.scale, tensor.zero_point)))
        self.builder.operator("RESHAPE", [tensor, None], [result])
        return result

    def weights(self, shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
        values = self.generator.integers(-127, 128, shape).astype(np.int8)
        bias = self.generator.integers(-200, 201, shape[0]).astype(np.int32)
        if self.is_real:
            real = (0.005 * values).astype(np.float32), (0.005 * 12 / 255 * bias).astype(np.float32)
            return self.builder.constant(real[0]), self.builder.constant(real[1])
        return self.builder.constant(values, [0.005]), self.builder.constant(bias, [0.005 * 12 / 255])


@pytest.fixture(scope="session")
def frame_network(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function that returns a network by name, such as "times 5"; "lstm 5" is a file, "real 3" float32."""
    folder = tmp_path_factory.mktemp("networks")

    def written(name: str) -> Path:
        kind, frames = name.split()
        if kind == "lstm":
            return models / "folded_time_lstm.tflite"
        path = folder / f"{kind}_{frames}.tflite"
        drawn = FrameNetworks(is_real=kind == "real")
        path.write_bytes(write_network(drawn.network(kind.replace("real", "channels"), int(frames))))
        return path

    return written
