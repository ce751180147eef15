"""Core cycles of a network for images on the STM32H743: our kernels, without DSP instructions, and reference loops.

Run: python benchmarks/mask_door_inference.py NETWORK.tflite [--compiler gcc|zig]

The reference loops are written as those of TensorFlow Lite for Microcontrollers are without CMSIS-NN: a loop for each
axis, an addition of the input's zero point in the innermost, rescaling with two roundings. All three are compiled with
the same compiler and flags, with code in ITCM, activations in DTCM and weights in flash behind the data cache at
480 MHz; their outputs must be equal, and be those of the reference kernels.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from datasheet.bad_input import BadInputError
from mcu_models.boards.board import find_board
from mcu_models.compiler import ctext
from mcu_models.compiler.codegen import generate
from mcu_models.compiler.interpreter import ReferenceInterpreter
from mcu_models.compiler.model import DenseOptions, WindowOptions
from mcu_models.compiler.operators.table import lookup_table
from mcu_models.compiler.quantise import activation_range, layer_channels
from mcu_models.compiler.reader import read_network
from mcu_models.emulators.bare_core import BareCore, FunctionRun
from mcu_models.emulators.image import read_image
from mcu_models.firmware.toolchain import Toolchain, find_toolchain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcu_models.compiler.model import Network, Operator

BOARD: Final = "stm32h743vi"
PLACES: Final = (
    '-DNETWORK_CODE=__attribute__((section(".itcm.network")))',
    '-DNETWORK_HOT=__attribute__((section(".itcm.kernels")))',
)
NO_DSP: Final = ("-U__ARM_FEATURE_DSP", "-U__ARM_FEATURE_SIMD32", "-U__ARM_FEATURE_SAT", "-DINT8_PORTABLE")

LOOPS: Final = """\
#include <stdint.h>

typedef struct {
    int32_t bias, multiplier, shift;
} scale_t;

static int32_t high_product(int32_t a, int32_t b)
{
    const int64_t product = (int64_t)a * b;
    const int64_t nudge = product >= 0 ? (INT64_C(1) << 30) : 1 - (INT64_C(1) << 30);
    return (int32_t)((product + nudge) / (INT64_C(1) << 31));
}

static int32_t divided(int32_t value, int32_t exponent)
{
    const int32_t mask = (int32_t)((UINT32_C(1) << exponent) - 1u), remainder = value & mask;
    const int32_t threshold = (mask >> 1) + (value < 0 ? 1 : 0);
    return (value >> exponent) + (remainder > threshold ? 1 : 0);
}

static int8_t rescaled(int32_t sum, const scale_t *scale, int32_t zero, int32_t lowest, int32_t highest)
{
    const int32_t left = scale->shift > 0 ? scale->shift : 0, right = scale->shift > 0 ? 0 : -scale->shift;
    int32_t value = divided(high_product(sum * (1 << left), scale->multiplier), right) + zero;
    value = value < lowest ? lowest : value;
    return (int8_t)(value > highest ? highest : value);
}

NETWORK_CODE __attribute__((noinline)) static void convolution(
    const int8_t *input, int32_t rows, int32_t columns, int32_t depth, const int8_t *weights, const scale_t *scales,
    int32_t window_rows, int32_t window_columns, int32_t stride, int32_t offset, int8_t *output, int32_t out_rows,
    int32_t out_columns, int32_t channels, int32_t zero, int32_t lowest, int32_t highest)
{
    for (int32_t y = 0; y < out_rows; ++y) {
        for (int32_t x = 0; x < out_columns; ++x) {
            for (int32_t channel = 0; channel < channels; ++channel) {
                int32_t sum = 0;
                for (int32_t wy = 0; wy < window_rows; ++wy) {
                    for (int32_t wx = 0; wx < window_columns; ++wx) {
                        const int32_t in_y = y * stride + wy, in_x = x * stride + wx;
                        if (in_y < 0 || in_y >= rows || in_x < 0 || in_x >= columns) {
                            continue;
                        }
                        for (int32_t i = 0; i < depth; ++i) {
                            const int32_t value = input[(in_y * columns + in_x) * depth + i];
                            const int32_t place = ((channel * window_rows + wy) * window_columns + wx) * depth + i;
                            sum += weights[place] * (value + offset);
                        }
                    }
                }
                sum += scales[channel].bias;
                output[(y * out_columns + x) * channels + channel] =
                    rescaled(sum, &scales[channel], zero, lowest, highest);
            }
        }
    }
}

NETWORK_CODE __attribute__((noinline)) static void largest(
    const int8_t *input, int32_t columns, int32_t depth, int32_t side, int32_t stride, int8_t *output,
    int32_t out_rows, int32_t out_columns)
{
    for (int32_t y = 0; y < out_rows; ++y) {
        for (int32_t x = 0; x < out_columns; ++x) {
            for (int32_t i = 0; i < depth; ++i) {
                int8_t most = INT8_MIN;
                for (int32_t wy = 0; wy < side; ++wy) {
                    for (int32_t wx = 0; wx < side; ++wx) {
                        const int8_t value = input[((y * stride + wy) * columns + x * stride + wx) * depth + i];
                        most = value > most ? value : most;
                    }
                }
                output[(y * out_columns + x) * depth + i] = most;
            }
        }
    }
}

NETWORK_CODE __attribute__((noinline)) static void looked_up(
    const int8_t *input, const int8_t *table, int32_t count, int8_t *output)
{
    for (int32_t i = 0; i < count; ++i) {
        output[i] = table[input[i] + 128];
    }
}
"""


def reference_loops(network: Network) -> str:
    """Return C with `reset_handler` that computes a network of convolutions, pools and dense layers by plain loops."""
    tensors = {tensor.index: tensor for operator in network.operators for tensor in operator.outputs}
    data = "".join(f"static int8_t tensor_{index}[{tensor.size}];\n" for index, tensor in tensors.items())
    data += f"int8_t source[{network.input.size}], result[{network.output.size}];\n"
    names = {index: f"tensor_{index}" for index in tensors}
    names |= {network.input.index: "source", network.output.index: "result"}
    calls = ""
    for operator in network.operators:
        if operator.name == "RESHAPE":
            names[operator.output.index] = names[operator.input.index]
            continue
        more, call = _call(network, operator, names[operator.input.index], names[operator.output.index])
        data, calls = data + more, calls + f"    {call}\n"
    return f"{LOOPS}\n{data}\nNETWORK_CODE void reset_handler(void)\n{{\n{calls}}}\n"


def _call(network: Network, operator: Operator, source: str, target: str) -> tuple[str, str]:
    if operator.name in ("CONV_2D", "FULLY_CONNECTED"):
        return _weighted_call(network, operator, source, target)
    if operator.name == "MAX_POOL_2D":
        options = operator.options_as(WindowOptions)
        _, _, columns, depth = operator.input.shape
        _, out_rows, out_columns, _ = operator.output.shape
        numbers = f"{columns}, {depth}, {options.window[0]}, {options.stride[0]}"
        return "", f"largest({source}, {numbers}, {target}, {out_rows}, {out_columns});"
    if operator.name == "LOGISTIC":
        table = ctext.int_array("static const int8_t codes[256]", lookup_table(network.path, operator).reshape(-1))
        return table, f"looked_up({source}, codes, {operator.output.size}, {target});"
    raise BadInputError(network.path, "operator", operator.name, "is none that the reference loops know")


def _weighted_call(network: Network, operator: Operator, source: str, target: str) -> tuple[str, str]:
    weights = operator.constant(1)
    channels = layer_channels(network.path, operator)
    zero = -operator.input.zero_point
    taps = weights.reshape(len(weights), -1).astype(np.int64).sum(axis=1)
    count = len(channels)
    scales = ", ".join(
        # The folded bias holds the zero point's share, which these loops add one by one.
        f"{{{channel.bias - zero * int(taps[i % len(taps)])}, {channel.multiplier}, {channel.left - channel.right}}}"
        for i, channel in enumerate(channels)
    )
    name = f"{operator.name.lower()}_{operator.index}"
    data = ctext.int_array(f"static const int8_t {name}_weights[{weights.size}]", weights.reshape(-1))
    data += f"static const scale_t {name}_scales[{count}] = {{{scales}}};\n"
    if operator.name == "CONV_2D":
        options = operator.options_as(WindowOptions)
        if options.padding != "valid":
            raise BadInputError(network.path, "padding", options.padding, "the reference loops know 'valid' only")
        (_, rows, columns, depth), (_, out_rows, out_columns, _) = operator.input.shape, operator.output.shape
        window, stride, activation = options.window, options.stride[0], options.activation
    else:
        rows = columns = out_rows = out_columns = stride = 1
        depth, window, activation = int(weights.shape[1]), (1, 1), operator.options_as(DenseOptions).activation
    lowest, highest = activation_range(activation, operator.output)
    shape = f"{rows}, {columns}, {depth}, {name}_weights, {name}_scales, {window[0]}, {window[1]}, {stride}, {zero}"
    numbers = f"{out_rows}, {out_columns}, {count}, {operator.output.zero_point}, {lowest}, {highest}"
    return data, f"convolution({source}, {shape}, {target}, {numbers});"


def compiled_core(toolchain: Toolchain, folder: Path, sources: Sequence[str], flags: Sequence[str]) -> BareCore:
    """Return a core with these sources and the runtime linked."""
    board = find_board(BOARD)
    package = resources.files("mcu_models.firmware")
    objects = []
    runtime = [str(package / "runtime" / f"{name}.c") for name in ("memory", "aeabi", "divide")]
    includes = [f"-I{folder}", *(f"-I{package / room}" for room in ("kernels", "runtime"))]
    for source in (*sources, *runtime):
        own = toolchain.runtime_flags() if source in runtime else ()
        target = str(folder / f"{Path(source).stem}.o")
        command = [*toolchain.command, *toolchain.compile_flags(board.core), "-w", *includes, *PLACES, *own]
        subprocess.run([*command, *flags, "-c", source, "-o", target], check=True)  # noqa: S603
        objects.append(target)
    image = folder / "image.elf"
    script = ["-Wl,--entry=reset_handler", "-T", str(board.linker_script), "-o", str(image)]
    link = [*toolchain.command, *toolchain.link_flags(board.core), *script, *objects]
    subprocess.run([*link, *toolchain.helper_libraries()[0]], check=True)  # noqa: S603
    return BareCore(board, read_image(image))


def our_core(toolchain: Toolchain, folder: Path, network: Network, flags: Sequence[str]) -> BareCore:
    """Return a core with the code that the compiler makes of a network."""
    for name, text in generate(network, None).sources.items():
        (folder / name).write_text(text)
    driver = (
        '#include "network.h"\n'
        f"_Alignas(8) int8_t source[{network.input.size}], result[{network.output.size}];\n"
        "NETWORK_CODE void reset_handler(void)\n{\n    network_run(source, result);\n}\n"
    )
    (folder / "driver.c").write_text(driver)
    return compiled_core(toolchain, folder, [str(folder / "network.c"), str(folder / "driver.c")], flags)


def loops_core(toolchain: Toolchain, folder: Path, network: Network) -> BareCore:
    """Return a core with the reference loops."""
    (folder / "loops.c").write_text(reference_loops(network))
    return compiled_core(toolchain, folder, [str(folder / "loops.c")], NO_DSP)


def measured(core: BareCore, network: Network, who: str) -> FunctionRun:
    """Return what the second of two equal runs takes; the output must be that of the reference kernels."""
    source = np.random.default_rng(2).integers(-128, 128, network.input.shape).astype(np.int8)
    (expected,) = ReferenceInterpreter(network).run([source])
    core.write(core.address_of("source"), source.tobytes())
    core.call("reset_handler")
    spent = core.call("reset_handler")
    if core.read(core.address_of("result"), network.output.size) != expected.tobytes():
        raise BadInputError(who, "output", None, "differs from the reference kernels")
    return spent


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("network", type=Path, help="a .tflite file")
    parser.add_argument("--compiler", choices=("gcc", "zig"))
    arguments = parser.parse_args()
    toolchain = find_toolchain(arguments.compiler)
    network = read_network(arguments.network)
    print(f"{toolchain.version}\n{network.path.name}: {network.macs:,} multiply-accumulates")
    ours = 0
    for who in ("our kernels", "without DSP instructions", "reference loops"):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            if who == "reference loops":
                core = loops_core(toolchain, folder, network)
            else:
                core = our_core(toolchain, folder, network, NO_DSP if who != "our kernels" else ())
            spent = measured(core, network, who)
        ours = ours or spent.cycles
        print(
            f"{who:26s} {spent.cycles:>12,} cycles, {spent.stall_cycles:,} of them waiting, "
            f"{spent.cycles / spent.clock_hz * 1e3:7.2f} ms at {spent.clock_hz / 1e6:g} MHz, "
            f"{spent.cycles / network.macs:5.2f} per MAC, {spent.cycles / ours:5.2f} times as long",
            flush=True,
        )


if __name__ == "__main__":
    main()
