"""The kernels of layers with weights, at every edge of their shapes and numbers, on this machine and on emulated cores.

Each case is one network whose layers all read the same input, so that many shapes are built at once.
"""

from __future__ import annotations

import ctypes
import subprocess
from dataclasses import dataclass
from importlib import resources
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from datasheet.bad_input import BadInputError
from mcu_models.boards.board import find_board
from mcu_models.compiler.codegen import generate
from mcu_models.compiler.graph_builder import GraphBuilder
from mcu_models.compiler.interpreter import ReferenceInterpreter
from mcu_models.compiler.model import DenseOptions, WindowOptions
from mcu_models.compiler.reader import read_network
from mcu_models.compiler.writer import write_network
from mcu_models.emulators.bare_core import BareCore
from mcu_models.emulators.image import read_image
from mcu_models.firmware.toolchain import find_toolchain

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from mcu_models.compiler.model import Activation, Network, Padding, Tensor
    from mcu_models.firmware.toolchain import Toolchain

HOST_FRAMES = 60
EMULATED_FRAMES = 6
INPUT_SCALE = 0.05


@dataclass(frozen=True)
class Window:
    """A convolution to try."""

    channels: int
    window: tuple[int, int] = (3, 3)
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: Padding = "same"
    activation: Activation = "none"
    zero_point: int = 3
    per_channel: bool = True
    # The standard deviation of the outputs, in steps.
    spread: float = 60.0
    lowest_weight: int = -127
    dead: bool = False
    depthwise: bool = False


CONVOLUTIONS = (
    Window(8),
    Window(5, stride=(2, 2), padding="valid", activation="relu6"),
    Window(7, window=(1, 1), zero_point=-128, activation="relu"),
    Window(4, window=(1, 1), stride=(2, 2), activation="relu"),
    Window(2, window=(2, 3), dilation=(2, 1)),
    Window(6, window=(3, 2), dilation=(1, 2), padding="valid", zero_point=127),
    Window(3, window=(5, 1), per_channel=False),
    Window(1),
    Window(4, window=(2, 2), spread=90000.0),
    Window(4, lowest_weight=-128, padding="valid"),
    Window(4, window=(5, 5), stride=(1, 3), dead=True),
    Window(9, window=(1, 1), dead=True, activation="relu6"),
    Window(3, spread=1e-4),
    Window(6, window=(9, 7), padding="valid"),
    Window(2, window=(8, 6), padding="valid", activation="relu_n1_to_1"),
)
DEPTHWISE = (
    Window(1),
    Window(1, stride=(2, 2), activation="relu6"),
    Window(1, padding="valid", zero_point=-128),
    Window(1, stride=(2, 2), padding="valid", per_channel=False),
    Window(2, activation="relu"),
    Window(3, stride=(2, 2), zero_point=127),
    Window(1, window=(5, 3), lowest_weight=-128),
    Window(1, dilation=(2, 2)),
    Window(1, stride=(1, 2), window=(2, 3)),
    Window(1, window=(1, 1)),
    Window(1, spread=40000.0),
    Window(1, dead=True),
    Window(1, stride=(3, 3), window=(2, 2), padding="valid"),
)
# For images so tall and deep that planes of all their rows would be allowed, were they in the instructions' reach.
TALL = (Window(1, depthwise=True), Window(1, depthwise=True, stride=(2, 2)))


class Branches:
    """A network of layers that all read one input."""

    def __init__(self, shape: tuple[int, ...], zero_point: int) -> None:
        self.builder = GraphBuilder()
        self.input = self.builder.tensor(shape, INPUT_SCALE, zero_point)
        self.outputs: list[Tensor] = []
        self.generator = np.random.default_rng(7)

    @property
    def network(self) -> Network:
        return self.builder.network([self.input], self.outputs)

    def _parameters(self, case: Window, shape: tuple[int, ...], axis: int) -> tuple[tuple[Tensor, Tensor], float]:
        """Return weights and biases, and the scale by which the outputs get their spread."""
        weights = self.generator.integers(case.lowest_weight, 128, shape).astype(np.int8)
        weights.reshape(-1)[0] = case.lowest_weight
        channels = shape[axis]
        bias = self.generator.integers(-3000, 3000, channels).astype(np.int32)
        scales = self.generator.uniform(0.004, 0.02, channels if case.per_channel else 1)
        if case.dead:
            np.moveaxis(weights, axis, 0)[channels // 2] = 0
            bias[channels // 2] = -(2**30) + 64
            scales[channels // 2] = 1e-9
        taps = weights.size // channels
        output_scale = float(INPUT_SCALE * scales.max() * 74 * 74 * np.sqrt(taps) / case.spread)
        constant = self.builder.constant(weights, scales.tolist(), 0, axis)
        return (constant, self.builder.constant(bias, (scales * INPUT_SCALE).tolist())), output_scale

    def add_window(self, case: Window) -> None:
        _, rows, columns, depth = self.input.shape
        options = WindowOptions(case.padding, case.stride, case.window, case.dilation, case.activation)
        lengths = (options.output_length(rows, 0), options.output_length(columns, 1))
        if min(lengths) < 1:
            return
        channels = case.channels * depth if case.depthwise else case.channels
        shape = (1, *case.window, channels) if case.depthwise else (channels, *case.window, depth)
        operands, scale = self._parameters(case, shape, 3 if case.depthwise else 0)
        output = self.builder.tensor((1, *lengths, channels), scale, case.zero_point)
        name = "DEPTHWISE_CONV_2D" if case.depthwise else "CONV_2D"
        self.builder.operator(name, [self.input, *operands], [output], options)
        self.outputs.append(output)

    def add_dense(self, inputs: int, outputs: int, case: Window) -> None:
        operands, scale = self._parameters(case, (outputs, inputs), 0)
        output = self.builder.tensor((self.input.size // inputs, outputs), scale, case.zero_point)
        self.builder.operator("FULLY_CONNECTED", [self.input, *operands], [output], DenseOptions(case.activation))
        self.outputs.append(output)


def windows(shape: tuple[int, ...], zero_point: int, cases: tuple[Window, ...]) -> Network:
    branches = Branches(shape, zero_point)
    for case in cases:
        branches.add_window(case)
    return branches.network


def depthwise(shape: tuple[int, ...], zero_point: int) -> Network:
    return windows(shape, zero_point, tuple(Window(**{**vars(case), "depthwise": True}) for case in DEPTHWISE))


def dense(length: int, zero_point: int) -> Network:
    branches = Branches((1, length), zero_point)
    for outputs in (1, 2, 3, 4, 5, 6, 11):
        branches.add_dense(length, outputs, Window(1, activation="relu" if outputs % 2 else "none"))
    branches.add_dense(length, 4, Window(1, spread=50000.0, per_channel=False))
    branches.add_dense(length, 4, Window(1, lowest_weight=-128))
    branches.add_dense(length, 6, Window(1, dead=True))
    return branches.network


def many_rows() -> Network:
    branches = Branches((6, 13), -5)
    branches.add_dense(13, 7, Window(1, activation="relu"))
    branches.add_dense(26, 4, Window(1))
    return branches.network


def far_sums() -> Network:
    """Return pairs of outputs of which the second's sum gets as far as int8 allows, 128 * 128 for each input."""
    branches = Branches((1, 1024), 0)
    branches.add_dense(1024, 5, Window(1))
    for inputs, outputs in ((512, 2), (512, 3), (1024, 4)):
        weights = np.ones((outputs, inputs), np.int8)
        weights[[-1, 1] if outputs == 4 else -1] = -128
        constant = branches.builder.constant(weights, [0.01])
        output = branches.builder.tensor((1024 // inputs, outputs), 100.0)
        branches.builder.operator("FULLY_CONNECTED", [branches.input, constant, None], [output], DenseOptions("none"))
        branches.outputs.append(output)
    return branches.network


NETWORKS: dict[str, Callable[[], Network]] = {
    "depth 1": lambda: windows((1, 9, 7, 1), -128, CONVOLUTIONS),
    "depth 3": lambda: windows((1, 9, 7, 3), 5, CONVOLUTIONS),
    "depth 4": lambda: windows((1, 9, 7, 4), 127, CONVOLUTIONS),
    "depth 10": lambda: windows((1, 5, 6, 10), -7, CONVOLUTIONS),
    "one pixel": lambda: windows((1, 1, 1, 9), 1, CONVOLUTIONS),
    "two columns": lambda: windows((1, 9, 2, 8), 0, CONVOLUTIONS),
    "depthwise 1": lambda: depthwise((1, 9, 7, 1), 127),
    "depthwise 4": lambda: depthwise((1, 9, 7, 4), -128),
    "depthwise 7": lambda: depthwise((1, 6, 8, 7), 11),
    "depthwise 8": lambda: depthwise((1, 3, 3, 8), -1),
    "depthwise tall": lambda: depthwise((1, 40, 5, 8), -1),
    "depthwise thin": lambda: depthwise((1, 12, 1, 4), -1),
    "depthwise far": lambda: windows((1, 2100, 2, 48), -1, TALL),
    "dense 1": lambda: dense(1, -128),
    "dense 6": lambda: dense(6, 3),
    "dense 64": lambda: dense(64, -1),
    "dense 1031": lambda: dense(1031, 127),
    "dense rows": many_rows,
    "dense far": far_sums,
}


def driver(network: Network) -> str:
    """Return C with the network's inputs and outputs as arrays, each at an odd address, and a call."""
    arrays = "".join(f"int8_t out_{k}[{t.size + 1}];\n" for k, t in enumerate(network.outputs))
    names = ", ".join(["in + 1", *(f"out_{k} + 1" for k in range(len(network.outputs)))])
    source = f'#include "network.h"\nint8_t in[NETWORK_INPUT_SIZE + 1];\n{arrays}'
    return f"{source}void reset_handler(void)\n{{\n    network_run({names});\n}}\n"


def written(network: Network, folder: pathlib.Path) -> Network:
    """Write a network's sources; return it as it was read back."""
    path = folder / "network.tflite"
    path.write_bytes(write_network(network))
    read = read_network(path)
    for name, text in generate(read, None).sources.items():
        (folder / name).write_text(text)
    (folder / "driver.c").write_text(driver(read))
    return read


def frames(network: Network, count: int) -> NDArray[np.int8]:
    generator = np.random.default_rng(3)
    noise = generator.integers(-128, 128, (count, *network.input.shape)).astype(np.int8)
    noise[:2] = np.array([-128, 127], np.int8).reshape(2, *(1,) * len(network.input.shape))
    return noise


def expected(network: Network, inputs: NDArray[np.int8]) -> list[list[bytes]]:
    reference = ReferenceInterpreter(network)
    return [[output.tobytes() for output in reference.run([frame])] for frame in inputs]


@pytest.mark.parametrize("case", NETWORKS)
def test_portable_kernels_equal_the_reference(
    case: str, tmp_path: pathlib.Path, compile_host: Callable[[pathlib.Path, list[str]], ctypes.CDLL]
) -> None:
    """No output of the C that any machine runs differs from BUILTIN_REF."""
    network = written(NETWORKS[case](), tmp_path)
    for kernel in (resources.files("mcu_models.firmware") / "kernels").iterdir():
        (tmp_path / kernel.name).write_text(kernel.read_text())
    library = compile_host(tmp_path, ["network.c", "driver.c"])
    inputs = frames(network, HOST_FRAMES)
    place = (ctypes.c_int8 * (network.input.size + 1)).in_dll(library, "in")
    outputs = [(ctypes.c_int8 * (t.size + 1)).in_dll(library, f"out_{k}") for k, t in enumerate(network.outputs)]
    seen = b""
    for frame, results in zip(inputs, expected(network, inputs), strict=True):
        ctypes.memmove(ctypes.addressof(place) + 1, frame.tobytes(), frame.size)
        library.reset_handler()
        assert [bytes(output) for output in outputs] == [b"\0" + result for result in results]
        seen += b"".join(results)
    assert len(set(seen)) > 100, "the outputs hardly differ"


# Of the Cortex-M7, what its assembly does otherwise; of zig, which builds slowly, the C around the assembly.
DUAL_ISSUE = (
    "depth 3",
    "depth 4",
    "depthwise 4",
    "depthwise tall",
    *("dense 64", "dense 1031", "dense rows", "dense far"),
)
FEW = ("depth 3", "depthwise 7", "dense 64")
BUILDS = [
    *(("gcc", "stm32l4r5zi", case) for case in NETWORKS),
    *(("gcc", "stm32h743vi", case) for case in DUAL_ISSUE),
    *(("zig", board, case) for board in ("stm32l4r5zi", "stm32h743vi") for case in FEW),
]


def compiled(toolchain: Toolchain, flags: list[str], source: str, folder: pathlib.Path) -> str:
    """Return the name of an object file compiled from a source."""
    package = resources.files("mcu_models.firmware")
    includes = [f"-I{package / name}" for name in ("kernels", "runtime")]
    name = f"{source.rpartition('/')[2]}.o"
    command = [*toolchain.command, *flags, *includes, "-c", source, "-o", name]
    subprocess.run(command, cwd=folder, check=True, timeout=120)
    return str(folder / name)


@pytest.fixture(scope="session")
def runtime_objects(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Toolchain, str], list[str]]:
    """Return a function that compiles the runtime's memory functions, once for each compiler and core."""
    made: dict[tuple[str, str], list[str]] = {}

    def objects(toolchain: Toolchain, core: str) -> list[str]:
        if (toolchain.kind, core) not in made:
            folder = tmp_path_factory.mktemp("runtime")
            package = resources.files("mcu_models.firmware") / "runtime"
            flags = [*toolchain.compile_flags(core), *toolchain.runtime_flags()]
            sources = [str(package / f"{name}.c") for name in ("memory", "aeabi", "divide")]
            made[toolchain.kind, core] = [compiled(toolchain, flags, source, folder) for source in sources]
        return made[toolchain.kind, core]

    return objects


def linked(toolchain: Toolchain, board: str, folder: pathlib.Path, runtime: list[str]) -> BareCore:
    """Return an emulated core with the network alone."""
    sheet = find_board(board)
    flags = [*toolchain.compile_flags(sheet.core), "-Werror"]
    objects = [compiled(toolchain, flags, name, folder) for name in ("network.c", "driver.c")]
    script = ["-Wl,--entry=reset_handler", "-T", str(sheet.linker_script), "-o", "image.elf"]
    link = [*toolchain.command, *toolchain.link_flags(sheet.core), *script, *objects, *runtime]
    subprocess.run([*link, *toolchain.helper_libraries()[0]], cwd=folder, check=True, timeout=120)
    return BareCore(sheet, read_image(folder / "image.elf"))


def pieces(address: int, length: int) -> Iterator[tuple[int, slice]]:
    """Return an array's pieces, address and place in it, none of which lies in two memories, side by side."""
    borders = [address, *range((address | 0xFFFF) + 1, address + length, 0x10000), address + length]
    for first, last in pairwise(borders):
        yield first, slice(first - address, last - address)


@pytest.mark.parametrize(("compiler", "board", "case"), BUILDS)
def test_assembly_equals_the_reference(
    compiler: str,
    board: str,
    case: str,
    tmp_path: pathlib.Path,
    runtime_objects: Callable[[Toolchain, str], list[str]],
) -> None:
    """No output of the Cortex-M4's and the Cortex-M7's instructions differs from BUILTIN_REF, nor is more written."""
    try:
        toolchain = find_toolchain(compiler)
    except BadInputError as missing:
        pytest.skip(f"{compiler}: {missing}")
    network = written(NETWORKS[case](), tmp_path)
    core = linked(toolchain, board, tmp_path, runtime_objects(toolchain, find_board(board).core))
    inputs = frames(network, EMULATED_FRAMES)
    for frame, results in zip(inputs, expected(network, inputs), strict=True):
        for address, place in pieces(core.address_of("in") + 1, frame.size):
            core.write(address, frame.tobytes()[place])
        core.call("reset_handler")
        for k, result in enumerate(results):
            for address, place in pieces(core.address_of(f"out_{k}"), 1 + len(result)):
                assert core.read(address, place.stop - place.start) == (b"\0" + result)[place]
