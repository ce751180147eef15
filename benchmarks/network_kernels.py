"""Core cycles of the network compiler's kernels, and of CMSIS-NN's beside them, on an emulated Cortex-M4 and Cortex-M7.

Run: python benchmarks/network_kernels.py [NETWORK.tflite ...] [--cmsis-nn CHECKOUT]

Four layers are compiled as any network is, with the same flags as firmware; CMSIS-NN, from the user's own checkout of
https://github.com/ARM-software/CMSIS-NN, with the same compiler and flags, and its outputs must be equal. What is
printed are the core's own cycles, at a clock at which the flash needs no wait states, and behind a plus those that a
Cortex-M7 waits for missing cache lines and wrongly predicted branches when the same is run again.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from datasheet.bad_input import BadInputError
from mcu_models.boards.board import find_board
from mcu_models.compiler.codegen import generate
from mcu_models.compiler.graph_builder import GraphBuilder
from mcu_models.compiler.interpreter import ReferenceInterpreter
from mcu_models.compiler.model import DenseOptions, WindowOptions
from mcu_models.compiler.quantise import layer_channels
from mcu_models.compiler.reader import read_network
from mcu_models.compiler.writer import write_network
from mcu_models.emulators.bare_core import BareCore
from mcu_models.emulators.image import read_image
from mcu_models.firmware.toolchain import Toolchain, find_toolchain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcu_models.compiler.model import Network, Operator

BOARDS: Final = {"M4": "stm32l4r5zi", "M7": "stm32h743vi"}
# Slow enough for flash without wait states.
CLOCK_HZ: Final = 16e6
IN_ZERO, OUT_ZERO = -1, 3


@dataclass(frozen=True)
class Shape:
    """A layer to measure."""

    title: str
    operator: str
    rows: int
    depth: int
    channels: int
    window: int


SHAPES: Final = (
    Shape("3x3 convolution, 16x16x32 to 32", "CONV_2D", 16, 32, 32, 3),
    Shape("1x1 convolution, 16x16x64 to 64", "CONV_2D", 16, 64, 64, 1),
    Shape("3x3 depthwise, 16x16x64", "DEPTHWISE_CONV_2D", 16, 64, 64, 3),
    Shape("fully connected, 768 to 64", "FULLY_CONNECTED", 1, 768, 64, 1),
)


def layer_network(shape: Shape) -> Network:
    """Return a network of one layer, with random weights."""
    generator = np.random.default_rng(1)
    builder = GraphBuilder()
    dense = shape.operator == "FULLY_CONNECTED"
    depthwise = shape.operator == "DEPTHWISE_CONV_2D"
    square = () if dense else (shape.rows, shape.rows)
    source = builder.tensor((1, *square, shape.depth), 0.05, IN_ZERO)
    sides = (shape.window, shape.window)
    size = (shape.channels, shape.depth) if dense else (shape.channels, *sides, shape.depth)
    size = (1, *sides, shape.channels) if depthwise else size
    scales = [0.01] if dense else generator.uniform(0.005, 0.01, shape.channels).tolist()
    values = generator.integers(-60, 61, size).astype(np.int8)
    weights = builder.constant(values, scales, 0, 3 if depthwise else 0)
    bias = builder.constant(
        generator.integers(-2000, 2000, shape.channels).astype(np.int32), [0.05 * scale for scale in scales]
    )
    scale = float(0.05 * 0.01 * 74 * 35 * np.sqrt(values.size / shape.channels) / 60)
    output = builder.tensor((1, *square, shape.channels), scale, OUT_ZERO)
    options = DenseOptions("none") if dense else WindowOptions("same", (1, 1), sides, (1, 1), "none")
    builder.operator(shape.operator, [source, weights, bias], [output], options)
    return builder.network([source], [output])


def int_array(name: str, values: Sequence[int], c_type: str = "int32_t") -> str:
    """Return the definition of an array."""
    return f"static const {c_type} {name}[] = {{{', '.join(map(str, values))}}};\n"


def driver(network: Network, call: str) -> str:
    """Return C with buffers for input and output, and a function that makes one call."""
    return (
        f"#include <stdint.h>\n_Alignas(8) int8_t source[{network.input.size}];\n"
        f"_Alignas(8) int8_t result[{network.output.size}];\n{call}"
    )


OURS: Final = '#include "network.h"\nvoid reset_handler(void)\n{\n    network_run(source, result);\n}\n'


def cmsis_call(network: Network) -> str:
    """Return C that makes CMSIS-NN compute a network of one layer."""
    operator = network.operators[0]
    channels = layer_channels(network.path, operator)
    data = (
        '#include "arm_nnfunctions.h"\n'
        + int_array("weights", operator.constant(1).reshape(-1).tolist(), "int8_t")
        + int_array("bias", operator.constant(2).tolist())
        + int_array("multipliers", [c.multiplier for c in channels])
        + int_array("shifts", [c.left - c.right for c in channels])
        + "static _Alignas(8) int8_t buffer[32768];\n"
        + "static const cmsis_nn_context context = {buffer, sizeof buffer};\n"
    )
    return data + "void reset_handler(void)\n{\n" + _cmsis_body(operator) + "}\n"


def _cmsis_body(operator: Operator) -> str:
    offsets = f".input_offset = {-IN_ZERO}, .output_offset = {OUT_ZERO}, .activation = {{-128, 127}}"
    if operator.name == "FULLY_CONNECTED":
        outputs, inputs = operator.constant(1).shape
        return (
            f"    const cmsis_nn_fc_params params = {{{offsets}}};\n"
            "    const cmsis_nn_per_tensor_quant_params scale = {multipliers[0], shifts[0]};\n"
            f"    const cmsis_nn_dims in = {{1, 1, 1, {inputs}}}, filter = {{{inputs}, 1, 1, {outputs}}}, "
            f"out = {{1, 1, 1, {outputs}}};\n"
            "    arm_fully_connected_s8(&context, &params, &scale, &in, source, &filter, weights, &out, bias, &out, "
            "result);\n"
        )
    options = operator.options_as(WindowOptions)
    _, rows, columns, depth = operator.input.shape
    channels = operator.output.shape[3]
    depthwise = operator.name == "DEPTHWISE_CONV_2D"
    side = options.window[0]
    geometry = f".stride = {{1, 1}}, .padding = {{{side // 2}, {side // 2}}}, .dilation = {{1, 1}}, {offsets}"
    kind, name = ("dw_conv", "arm_depthwise_conv_wrapper_s8") if depthwise else ("conv", "arm_convolve_wrapper_s8")
    multiple = ".ch_mult = 1, " if depthwise else ""
    filter_depth = channels if depthwise else depth
    return (
        f"    const cmsis_nn_{kind}_params params = {{{multiple}{geometry}}};\n"
        "    const cmsis_nn_per_channel_quant_params scale = {(int32_t *)multipliers, (int32_t *)shifts};\n"
        f"    const cmsis_nn_dims in = {{1, {rows}, {columns}, {depth}}}, "
        f"filter = {{{1 if depthwise else channels}, {side}, {side}, {filter_depth}}}, "
        f"out = {{1, {rows}, {columns}, {channels}}};\n"
        f"    {name}(&context, &params, &scale, &in, source, &filter, weights, &out, bias, &out, result);\n"
    )


class Workshop:
    """Compiles for one core, in one folder, what both libraries share only once."""

    def __init__(self, toolchain: Toolchain, board: str, folder: Path) -> None:
        self.toolchain = toolchain
        self.board = find_board(board)
        self.folder = folder
        self.package = resources.files("mcu_models.firmware")
        runtime = [str(self.package / "runtime" / f"{name}.c") for name in ("memory", "aeabi", "divide")]
        self.runtime = self.compiled("runtime", runtime, toolchain.runtime_flags())

    def compiled(self, name: str, sources: Sequence[str], flags: Sequence[str] = ()) -> list[str]:
        """Return the object files of some sources."""
        into = self.folder / name
        into.mkdir(exist_ok=True)
        includes = [f"-I{self.package / room}" for room in ("kernels", "runtime")]
        for source in sources:
            object_file = str(into / f"{Path(source).stem}.o")
            command = [*self.toolchain.command, *self.toolchain.compile_flags(self.board.core), "-w", *includes, *flags]
            subprocess.run([*command, "-c", source, "-o", object_file], check=True)  # noqa: S603
        return [str(into / f"{Path(source).stem}.o") for source in sources]

    def core(self, objects: Sequence[str]) -> BareCore:
        """Return a core with these objects linked."""
        image = self.folder / "image.elf"
        script = ["-Wl,--entry=reset_handler", "-T", str(self.board.linker_script), "-o", str(image)]
        link = [*self.toolchain.command, *self.toolchain.link_flags(self.board.core), *script, *objects]
        subprocess.run([*link, *self.runtime, *self.toolchain.helper_libraries()[0]], check=True)  # noqa: S603
        return BareCore(self.board, read_image(image), clock_hz=CLOCK_HZ)


@dataclass(frozen=True)
class Cycles:
    """What one run took: the core's own cycles, and those it waited."""

    core: int
    waiting: int

    def __str__(self) -> str:
        """Return both, aligned."""
        return f"{self.core:>10,} + {self.waiting:>9,} cycles"


def run(core: BareCore, network: Network, source: np.ndarray) -> tuple[bytes, Cycles]:
    """Return a network's output and its cycles, of the second of two equal runs."""
    core.write(core.address_of("source"), source.tobytes())
    core.call("reset_handler")
    spent = core.call("reset_handler")
    taken = Cycles(spent.cycles - spent.stall_cycles, spent.stall_cycles)
    return core.read(core.address_of("result"), network.output.size), taken


def our_core(workshop: Workshop, network: Network) -> BareCore:
    """Return a core with the code that our compiler makes of a network."""
    for name, text in generate(network, None).sources.items():
        (workshop.folder / name).write_text(text)
    (workshop.folder / "driver.c").write_text(driver(network, OURS))
    names = [str(workshop.folder / name) for name in ("network.c", "driver.c")]
    return workshop.core(workshop.compiled("ours", names, [f"-I{workshop.folder}"]))


def cmsis_objects(workshop: Workshop, checkout: Path) -> list[str]:
    """Return CMSIS-NN's int8 functions, compiled."""
    folders = ("ConvolutionFunctions", "FullyConnectedFunctions", "NNSupportFunctions")
    found = [path for folder in folders for path in sorted((checkout / "Source" / folder).glob("*.c"))]
    sources = [str(path) for path in found if "s8" in path.stem or "q7" in path.stem]
    if not sources:
        raise BadInputError(checkout, "", None, "expected a checkout of CMSIS-NN, with a folder Source")
    return workshop.compiled("cmsis", sources, [f"-I{checkout / 'Include'}"])


def cmsis_core(workshop: Workshop, network: Network, objects: Sequence[str], checkout: Path) -> BareCore:
    """Return a core with CMSIS-NN computing a network of one layer."""
    (workshop.folder / "cmsis_driver.c").write_text(driver(network, cmsis_call(network)))
    source = str(workshop.folder / "cmsis_driver.c")
    return workshop.core([*workshop.compiled("cmsis", [source], [f"-I{checkout / 'Include'}"]), *objects])


def checked_run(core: BareCore, network: Network, who: str) -> Cycles:
    """Return the cycles of a network whose output is that of the reference kernels."""
    source = np.random.default_rng(2).integers(-128, 128, network.input.shape).astype(np.int8)
    (expected,) = ReferenceInterpreter(network).run([source])
    result, cycles = run(core, network, source)
    if result != expected.tobytes():
        raise BadInputError(who, "output", None, "differs from the reference kernels")
    return cycles


def loaded(network: Network, folder: Path) -> Network:
    """Return a network as the compiler reads it from a file."""
    path = folder / "layer.tflite"
    path.write_bytes(write_network(network))
    return read_network(path)


def measure_layers(workshop: Workshop, core_name: str, checkout: Path | None) -> None:
    """Print a line for each of the layers."""
    objects = [] if checkout is None else cmsis_objects(workshop, checkout)
    for shape in SHAPES:
        network = loaded(layer_network(shape), workshop.folder)
        ours = checked_run(our_core(workshop, network), network, "our kernels")
        line = f"{core_name}  {shape.title:33s} {ours} {ours.core / network.macs:6.3f} per MAC"
        if checkout is not None:
            theirs = checked_run(cmsis_core(workshop, network, objects, checkout), network, "CMSIS-NN")
            line += f"   CMSIS-NN {theirs}   {theirs.core / ours.core:.2f} times as long"
        print(line, flush=True)


def measure_network(workshop: Workshop, core_name: str, path: Path) -> None:
    """Print a line for a network."""
    network = read_network(path)
    cycles = checked_run(our_core(workshop, network), network, "our kernels")
    arena = generate(network, None).arena
    print(
        f"{core_name}  {path.stem:33s} {cycles} {cycles.core / network.macs:6.3f} per MAC   "
        f"arena {arena.size_bytes:,} bytes",
        flush=True,
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("networks", nargs="*", type=Path, help=".tflite files to measure whole")
    parser.add_argument("--cmsis-nn", type=Path, help="a checkout of CMSIS-NN to measure beside ours")
    parser.add_argument("--compiler", choices=("gcc", "zig"))
    arguments = parser.parse_args()
    toolchain = find_toolchain(arguments.compiler)
    print(toolchain.version)
    for core_name, board in BOARDS.items():
        with tempfile.TemporaryDirectory() as folder:
            workshop = Workshop(toolchain, board, Path(folder))
            measure_layers(workshop, core_name, arguments.cmsis_nn)
            for path in arguments.networks:
                measure_network(workshop, core_name, path)


if __name__ == "__main__":
    main()
