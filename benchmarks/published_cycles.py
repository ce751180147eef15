"""Cycles of the emulated Cortex-M4 and Cortex-M7 beside cycle counts and run times that others published.

Run: python benchmarks/published_cycles.py [--aes-ko DIR] [--aes-jnk0le DIR] [--coremark DIR] [--cmsis-5 DIR]

Each DIR is the user's own checkout, of which at least one is needed:

- https://github.com/Ko-/aes-armcortexm and https://github.com/jnk0le/cortexm-AES, AES in assembly: the very
  instructions that were measured, so this tests the model of the core alone. Results are held against FIPS-197.
- https://github.com/eembc/coremark: another compiler, or another build of the same one, makes other code of it, and
  the difference is the sum of both. The checksums of the run must be CoreMark's.
- https://github.com/ARM-software/CMSIS_5, a commit before 561f936e3333, which removed the kernels for q7: the network
  for CIFAR-10 of arXiv 1801.06601, with random weights and input. Compiler and memories of the measurement are unknown.

What was published stands with its source in published_cycles.toml. Needs arm-none-eabi-gcc, for CMSIS with a C library.
Errors are the model's above what was published: cycles and milliseconds too many for AES and CIFAR-10, a score too high
for CoreMark.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from network_kernels import Workshop

from datasheet.bad_input import BadInputError
from mcu_models.emulators.bare_core import BareCore
from mcu_models.emulators.image import read_image
from mcu_models.firmware.toolchain import Toolchain, find_toolchain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mcu_models.emulators.bare_core import FunctionRun

HERE: Final = Path(__file__).parent
"""A script is no package: importlib.resources does not reach what lies beside it."""
AES_BOARDS: Final[dict[str, tuple[str, float | None]]] = {
    "cortex-m4": ("stm32l4a6zg", 16e6),  # slow enough for flash without wait states
    "cortex-m7": ("stm32h743vi", None),
}
PLAIN: Final = bytes.fromhex("00112233445566778899aabbccddeeff")
CIPHERS: Final = {  # FIPS-197, appendix C: keys are the bytes 0, 1, 2 ...
    128: bytes.fromhex("69c4e0d86a7b0430d8cdb78070b4c55a"),
    192: bytes.fromhex("dda97ca4864cdfe06eaf70a0ec0d7191"),
    256: bytes.fromhex("8ea2b7ca516745bfeafc49904b496089"),
}
AES_BUFFERS: Final = """#include <stdint.h>
_Alignas(16) uint8_t schedule[512], key[32], source[4096], result[4096];
"""
AES_REPEATS: Final = 4
"""The last is taken: code is in the cache, and the predictor has seen its branches."""
COREMARK_CHECKSUMS: Final = (0xE9F5, 0xE714, 0x1FD7, 0x8E3A)
"""Seeds, list, matrix, state machine: core_main.c, 2K performance run."""
COREMARK_ITERATIONS: Final = 10


@dataclass(frozen=True)
class Row:
    """Something published, and what the model says.

    Attributes:
        core: What it is summed up with.
        title: What was measured.
        published: Cycles, or CoreMark/MHz.
        model: The same.
    """

    core: str
    title: str
    published: float
    model: float

    @property
    def error_percent(self) -> float:
        """How far the model is above what was published."""
        return 100 * (self.model / self.published - 1)


@dataclass
class Bench:
    """Builds images from checkouts and makes cores of them, in one temporary folder."""

    toolchain: Toolchain
    folder: Path
    workshops: dict[str, Workshop] = field(default_factory=dict)

    def workshop(self, board: str) -> Workshop:
        """Return where things are compiled for a board."""
        if board not in self.workshops:
            place = self.folder / board
            place.mkdir()
            self.workshops[board] = Workshop(self.toolchain, board, place)
        return self.workshops[board]

    def written(self, name: str, text: str) -> str:
        """Write a file and return its path."""
        (self.folder / name).write_text(text)
        return str(self.folder / name)

    def core(
        self,
        board: str,
        sources: Sequence[str],
        flags: Sequence[str],
        clock_hz: float | None,
        moves: Mapping[str, str] | None = None,
    ) -> BareCore:
        """Return a core with these sources compiled and linked.

        Args:
            board: Board by name.
            sources: C or assembly.
            flags: Further flags to compile with.
            clock_hz: Core clock; the board's highest when None.
            moves: Changes to the text of the board's linker script.
        """
        workshop = self.workshop(board)
        script = workshop.board.linker_script.read_text()
        for old, new in (moves or {}).items():
            script = script.replace(old, new)
        objects = workshop.compiled("foreign", sources, flags)
        image = workshop.folder / "foreign.elf"
        # The functions are called by name: nothing refers to them.
        options = ["-Wl,--no-gc-sections", "-Wl,--entry=0", "-T", self.written("script.ld", script), "-o", str(image)]
        link = [*self.toolchain.command, *self.toolchain.link_flags(workshop.board.core), *options, *objects]
        subprocess.run([*link, *workshop.runtime, "-lgcc"], check=True)  # noqa: S603
        return BareCore(workshop.board, read_image(image), clock_hz=clock_hz)


def found(checkout: Path, patterns: Sequence[str]) -> list[str]:
    """Return the files of a checkout that match.

    Raises:
        BadInputError: Nothing matches one of the patterns.
    """
    paths = []
    for pattern in patterns:
        matching = sorted(checkout.glob(pattern))
        if not matching:
            raise BadInputError(
                checkout, "", None, f"no {pattern} there: not the checkout expected, or another version"
            )
        paths += [str(path) for path in matching]
    return paths


# -- AES ---------------------------------------------------------------------------------------------------


def aes_rows(bench: Bench, published: Mapping[str, Any], checkouts: Mapping[str, Path | None]) -> Iterator[Row]:
    """Print and give a row for every AES routine whose checkout is there."""
    for name, checkout in checkouts.items():
        if checkout is not None:
            print(published["sources"][name]["title"])
            for group in published["aes"]:
                if group["checkout"] == name:
                    yield from group_rows(bench, group, checkout)


def group_rows(bench: Bench, group: Mapping[str, Any], checkout: Path) -> Iterator[Row]:
    """Print and give the rows of routines that share a key schedule."""
    board, clock_hz = AES_BOARDS[group["core"]]
    sources = [bench.written("aes_buffers.c", AES_BUFFERS), *found(checkout, group["sources"])]
    core = bench.core(board, sources, [f"-I{checkout}"], clock_hz)
    key = bytes(range(group["key_bits"] // 8))
    core.write(core.address_of("key"), key)
    core.write(core.address_of("schedule") + group.get("key_at", 0), key)
    kind = " ".join((group.get("title", ""), str(group["key_bits"]))).strip()
    for routine in group["routines"]:
        run = aes_run(core, group, routine)
        if "cycles" in routine:
            blocks = routine.get("blocks", 1)
            name = f"{routine['call'][0]} ({kind})"
            row = Row(group["core"], name, routine["cycles"], run.cycles / blocks)
            print(
                f"    {row.core}  {row.title:47s} {run.instructions / blocks:7.1f} instructions  published "
                f"{row.published:7.1f}  model {row.model:7.1f}  {row.error_percent:+5.1f} %"
            )
            yield row


def aes_run(core: BareCore, group: Mapping[str, Any], routine: Mapping[str, Any]) -> FunctionRun:
    """Return the last of several equal runs of a routine, the first of which is checked."""
    name, *arguments = routine["call"]
    values = [argument if isinstance(argument, int) else place(core, argument) for argument in arguments]
    schedule, source = core.address_of("schedule"), core.address_of("source")
    check = routine.get("check")
    cipher = CIPHERS[group["key_bits"]]
    if check == "counter":
        core.write(schedule, PLAIN)
        core.write(source, bytes(4096))
    elif check:
        core.write(source, PLAIN if check == "encrypt" else cipher)
    before = core.read(schedule, 512)
    for turn in range(AES_REPEATS):
        core.write(schedule, before)
        run = core.call(name, *values)
        if turn == 0 and check:
            expected = PLAIN if check == "decrypt" else cipher
            require_equal(name, core.read(core.address_of("result"), 16), expected)
    return run


def place(core: BareCore, text: str) -> int:
    """Return the address that "buffer" or "buffer+offset" stands for."""
    name, _, offset = text.partition("+")
    return core.address_of(name) + int(offset or 0)


def require_equal(name: str, computed: object, expected: object) -> None:
    """Raise when something computed is not what it should be.

    Raises:
        BadInputError: It is not.
    """
    if computed != expected:
        raise BadInputError(name, "result", str(computed), f"must be {expected}")


def summarise(rows: Sequence[Row]) -> None:
    """Print mean and worst error, by core."""
    for core in sorted({row.core for row in rows}):
        errors = [row.error_percent for row in rows if row.core == core]
        size = statistics.mean(map(abs, errors))
        print(
            f"{core}: {len(errors)} rows, mean {statistics.mean(errors):+.1f} %, mean size {size:.1f} %, "
            f"worst {max(errors, key=abs):+.1f} %"
        )


# -- CoreMark ----------------------------------------------------------------------------------------------


def coremark_rows(bench: Bench, published: Mapping[str, Any], checkout: Path) -> list[Row]:
    """Print published scores beside those of the model; return those with the same make of compiler and flags."""
    rows = []
    for entry in published["coremark"]:
        other = entry.get("other_code", False)
        code = "other code: its compiler or flags are not ours" if other else "gcc, the same level of optimisation"
        print(f"CoreMark/MHz of {entry['part']} at {entry['clock']} MHz ({code})")
        print(f"    {published['sources'][entry['source']]['title']}")
        for flags, score in entry["scores"].items():
            for code_place, clock_mhz in entry["runs"]:
                model = coremark_per_mhz(bench, entry["board"], (code_place, clock_mhz), flags.split(), checkout)
                title = f"CoreMark, {entry['part']}" + (", without optimisation" if flags == "-O0" else "")
                row = Row(title, flags, score / entry["clock"], model)
                where = f"{entry['board']}, {code_place}, {clock_mhz} MHz"
                print(
                    f"    {where:47s} {flags:24s} published "
                    f"{row.published:5.3f}  model {model:5.3f}  {row.error_percent:+5.1f} %"
                )
                rows += [] if other else [row]
    return rows


def coremark_per_mhz(bench: Bench, board: str, run: tuple[str, float], flags: Sequence[str], checkout: Path) -> float:
    """Return the iterations that one million cycles are enough for."""
    sources = found(checkout, ["core_list_join.c", "core_main.c", "core_matrix.c", "core_state.c", "core_util.c"])
    port = HERE / "coremark_port"
    code_place, clock_mhz = run
    moves = {"*(.itcm .itcm.*)": "*(.itcm .itcm.* .text .text.*)"} if code_place == "ITCM" else {}
    sources.append(str(port / "core_portme.c"))
    options = [f"-I{checkout}", f"-I{port}", "-DTOTAL_DATA_SIZE=2000", *flags]
    core = bench.core(board, sources, options, 1e6 * clock_mhz, moves)
    few = coremark_run(core, 1)
    many = coremark_run(core, 1 + COREMARK_ITERATIONS)
    return 1e6 * COREMARK_ITERATIONS / (many.cycles - few.cycles)


def coremark_run(core: BareCore, iterations: int) -> FunctionRun:
    """Return what so many iterations take, preparation and report included."""
    core.write(core.address_of("seed4_volatile"), iterations.to_bytes(4, "little"))
    run = core.call("main")
    checksums = np.frombuffer(core.read(core.address_of("checksums"), 8), "<u2")
    require_equal("CoreMark", tuple(map(hex, checksums.tolist())), tuple(map(hex, COREMARK_CHECKSUMS)))
    return run


# -- CIFAR-10 ----------------------------------------------------------------------------------------------

CIFAR_KERNELS: Final = (
    "CMSIS/NN/Source/ConvolutionFunctions/arm_convolve_HWC_q7_RGB.c",
    "CMSIS/NN/Source/ConvolutionFunctions/arm_convolve_HWC_q7_fast.c",
    "CMSIS/NN/Source/ConvolutionFunctions/arm_nn_mat_mult_kernel_q7_q15*.c",
    "CMSIS/NN/Source/ActivationFunctions/arm_relu_q7.c",
    "CMSIS/NN/Source/PoolingFunctions/arm_pool_q7_HWC.c",
    "CMSIS/NN/Source/FullyConnectedFunctions/arm_fully_connected_q7_opt.c",
    "CMSIS/NN/Source/NNSupportFunctions/arm_q7_to_q15_*no_shift.c",
)
CIFAR_WEIGHTS: Final = {"weights1": 5 * 5 * 3 * 32, "weights2": 5 * 5 * 32 * 32, "weights3": 5 * 5 * 32 * 64}
CIFAR_MORE: Final = {"weights4": 1024 * 10, "biases": 64}
CIFAR_DRIVER: Final = """#include "arm_nnfunctions.h"
#define PLACED __attribute__((section(SECTION)))
#define BUFFER __attribute__((section(".axi_sram"), aligned(32)))
BUFFER q7_t image[32 * 32 * 3], left[32 * 32 * 32], right[16 * 16 * 32], result[10];
BUFFER q15_t columns[2 * 5 * 5 * 32], vector[1024];
PLACED q7_t weights1[5 * 5 * 3 * 32] = {1}, weights2[5 * 5 * 32 * 32] = {1}, weights3[5 * 5 * 32 * 64] = {1};
PLACED q7_t weights4[1024 * 10] = {1}, biases[64] = {1};

void layer1(void)
{
    arm_convolve_HWC_q7_RGB(image, 32, 3, weights1, 32, 5, 2, 1, biases, 0, 9, left, 32, columns, 0);
    arm_relu_q7(left, 32 * 32 * 32);
}

void layer2(void)
{
    arm_maxpool_q7_HWC(left, 32, 32, 3, 0, 2, 16, 0, right);
}

void layer3(void)
{
    arm_convolve_HWC_q7_fast(right, 16, 32, weights2, 32, 5, 2, 1, biases, 0, 11, left, 16, columns, 0);
    arm_relu_q7(left, 16 * 16 * 32);
}

void layer4(void)
{
    arm_maxpool_q7_HWC(left, 16, 32, 3, 0, 2, 8, 0, right);
}

void layer5(void)
{
    arm_convolve_HWC_q7_fast(right, 8, 32, weights3, 64, 5, 2, 1, biases, 0, 11, left, 8, columns, 0);
    arm_relu_q7(left, 8 * 8 * 64);
}

void layer6(void)
{
    arm_maxpool_q7_HWC(left, 8, 64, 3, 0, 2, 4, 0, right);
}

void layer7(void)
{
    arm_fully_connected_q7_opt(right, weights4, 1024, 10, 0, 9, biases, result, vector);
}
"""


def measure_cifar(bench: Bench, published: Mapping[str, Any], checkout: Path) -> None:
    """Print each layer's published and predicted time, for weights in RAM and in flash, at two levels."""
    network = published["cifar"]
    print(f"CIFAR-10, {network['board']} at {network['clock']} MHz: {published['sources']['cifar']['title']}")
    print(f"    {network['note']}")
    variants = [("-O2", ".axi_data", "RAM"), ("-O3", ".axi_data", "RAM"), ("-O3", ".rodata.weights", "flash")]
    columns = [cifar_milliseconds(bench, network, checkout, level, section) for level, section, _ in variants]
    heads = "".join(f"  {f'{level}, {memory}':>16s}" for level, _, memory in variants)
    print(f"    {'layer':28s} {'operations':>10s}  published ms{heads}")
    for layer, times in zip(network["layers"], zip(*columns, strict=True), strict=True):
        print(cifar_line(layer["name"], layer["operations"], layer["milliseconds"], times))
    operations = sum(layer["operations"] for layer in network["layers"])
    print(cifar_line("whole network", operations, network["total"], [sum(column) for column in columns]))


def cifar_line(name: str, operations: float, published_ms: float, model_ms: Sequence[float]) -> str:
    """Return a line of the table."""
    cells = "".join(f"  {time:7.2f} {f'({100 * (time / published_ms - 1):+.0f} %)':>8s}" for time in model_ms)
    return f"    {name:28s} {operations:10,.0f}  {published_ms:12.1f}{cells}"


def cifar_milliseconds(
    bench: Bench, network: Mapping[str, Any], checkout: Path, level: str, section: str
) -> list[float]:
    """Return the predicted time of each layer, in a second inference."""
    includes = [f"-I{checkout / 'CMSIS' / room / 'Include'}" for room in ("NN", "DSP", "Core")]
    sources = [bench.written("cifar_driver.c", CIFAR_DRIVER), *found(checkout, CIFAR_KERNELS)]
    core = bench.core(network["board"], sources, [*includes, f'-DSECTION="{section}"', level], 1e6 * network["clock"])
    generator = np.random.default_rng(1)
    for name, size in {"image": 32 * 32 * 3, **CIFAR_WEIGHTS, **CIFAR_MORE}.items():
        values = generator.integers(-60, 61, size).astype(np.int8)
        core.write(core.address_of(name), values.tobytes())
    names = [f"layer{number + 1}" for number in range(len(network["layers"]))]
    for name in names:
        core.call(name)
    check_first_convolution(core)
    return [1e3 * core.call(name).latency_s for name in names]


def check_first_convolution(core: BareCore) -> None:
    """Hold the first convolution against the same in numpy."""
    core.call("layer1")
    image, weights, biases = (
        np.frombuffer(core.read(core.address_of(name), size), np.int8).astype(np.int32)
        for name, size in (("image", 32 * 32 * 3), ("weights1", 5 * 5 * 3 * 32), ("biases", 32))
    )
    padded = np.pad(image.reshape(32, 32, 3), ((2, 2), (2, 2), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (5, 5), axis=(0, 1))
    sums = np.einsum("yxckl,oklc->yxo", windows, weights.reshape(32, 5, 5, 3)) + biases
    expected = np.clip(sums + (1 << 8) >> 9, 0, 127).astype(np.int8)
    computed = np.frombuffer(core.read(core.address_of("left"), 32 * 32 * 32), np.int8)
    require_equal("convolution", bool(np.array_equal(computed, expected.reshape(-1))), expected=True)


def compare(arguments: argparse.Namespace) -> None:
    """Build, run and print what there is a checkout of."""
    published = tomllib.loads((HERE / "published_cycles.toml").read_text())
    toolchain = find_toolchain("gcc")
    print(toolchain.version)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(toolchain, Path(folder))
        summarise(list(aes_rows(bench, published, {"ko": arguments.aes_ko, "jnk0le": arguments.aes_jnk0le})))
        if arguments.coremark:
            summarise(coremark_rows(bench, published, arguments.coremark))
        if arguments.cmsis_5:
            measure_cifar(bench, published, arguments.cmsis_5)


def main() -> None:
    """Read the command line and compare."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    for name in ("--aes-ko", "--aes-jnk0le", "--coremark", "--cmsis-5"):
        parser.add_argument(name, type=Path, metavar="CHECKOUT")
    arguments = parser.parse_args()
    if not any(vars(arguments).values()):
        parser.error("name at least one checkout")
    try:
        compare(arguments)
    except BadInputError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
