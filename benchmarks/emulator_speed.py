"""How many instructions a second the emulated core runs, by what is charged for memory.

Run: python benchmarks/emulator_speed.py --cmsis-nn CHECKOUT [--repetitions N]

The program is CMSIS-NN's int8 convolution, from the user's own checkout, called again and again. Reference: the same
program on the same engine without any of our hooks, in the same run. Beside the speeds stand the cycles of a call: what
reusing the memory's penalties changes is the difference between the last two lines.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import numpy as np
from network_kernels import BOARDS, SHAPES, Workshop, cmsis_core, cmsis_objects, layer_network, loaded
from unicorn import UC_ARCH_ARM, UC_MODE_THUMB, Uc, arm_const

from mcu_models.emulators.bare_core import CPU_MODELS, BareCore, Penalties
from mcu_models.firmware.toolchain import find_toolchain

if TYPE_CHECKING:
    from mcu_models.compiler.model import Network

WARM_UP_CALLS, CALLS = 3, 12
_RETURN, _STACK = 0x1F000000, 0x8000


@dataclass(frozen=True)
class Speed:
    """Calls of one program: how fast, and what one of them costs."""

    instructions_per_s: float
    cycles: float


def charged(core: BareCore) -> Speed:
    """Return the speed of a core with our hooks."""
    for _ in range(WARM_UP_CALLS):
        core.call("reset_handler")
    begin = time.perf_counter()
    runs = [core.call("reset_handler") for _ in range(CALLS)]
    host_s = time.perf_counter() - begin
    return Speed(sum(run.instructions for run in runs) / host_s, float(np.mean([run.cycles for run in runs])))


def plain(core: BareCore, instructions: float) -> float:
    """Return the instructions a second of the engine alone, on the same image."""
    engine = Uc(UC_ARCH_ARM, UC_MODE_THUMB)
    engine.ctl_set_cpu_model(CPU_MODELS[core.board.core])
    for memory in core.board.sheet.memories.values():
        engine.mem_map(memory.base, memory.size)
    for segment in core.image.segments:
        engine.mem_write(segment.address, segment.data)
        engine.mem_write(segment.address if segment.run_address is None else segment.run_address, segment.data)
    engine.mem_map(_RETURN, 0x1000)
    ram = core.board.memory("ram")
    entry = core.image.symbols["reset_handler"]

    def call() -> None:
        engine.reg_write(arm_const.UC_ARM_REG_SP, ram.base + ram.size)
        engine.reg_write(arm_const.UC_ARM_REG_LR, _RETURN | 1)
        engine.emu_start(entry | 1, _RETURN)

    for _ in range(WARM_UP_CALLS):
        call()
    begin = time.perf_counter()
    for _ in range(CALLS):
        call()
    return CALLS * instructions / (time.perf_counter() - begin)


def measure(workshop: Workshop, core_name: str, network: Network, objects: list[str], checkout: Path) -> None:
    """Print a line for each way of charging."""
    core = cmsis_core(workshop, network, objects, checkout)
    instructions = core.call("reset_handler").instructions
    reference = plain(core, instructions)
    print(f"{core_name}  {instructions:,} instructions a call; engine alone {reference / 1e6:.0f} MIPS", flush=True)
    for penalties in reversed(get_args(Penalties)):
        speed = charged(BareCore(core.board, core.image, penalties=penalties))
        share = speed.instructions_per_s / reference
        print(
            f"{core_name}  memory {penalties:7s} {speed.instructions_per_s / 1e6:6.0f} MIPS"
            f"  {share:5.2f} of the engine alone  {speed.cycles:12,.0f} cycles a call",
            flush=True,
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--cmsis-nn", type=Path, required=True, help="a checkout of CMSIS-NN")
    parser.add_argument("--repetitions", type=int, default=3)
    arguments = parser.parse_args()
    toolchain = find_toolchain(None)
    print(toolchain.version)
    for core_name, board in BOARDS.items():
        with tempfile.TemporaryDirectory() as folder:
            workshop = Workshop(toolchain, board, Path(folder))
            network = loaded(layer_network(SHAPES[0]), workshop.folder)
            objects = cmsis_objects(workshop, arguments.cmsis_nn)
            for _ in range(arguments.repetitions):
                measure(workshop, core_name, network, objects, arguments.cmsis_nn)


if __name__ == "__main__":
    main()
