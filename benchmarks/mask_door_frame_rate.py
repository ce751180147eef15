"""Frame rate of the mask door's firmware on the emulated STM32H743, with the share of each step, and its memory.

Run: python benchmarks/mask_door_frame_rate.py NETWORK.tflite [--compiler gcc|zig]

The frames are of coarse random patches: what is in them changes nothing about the times. Each step is timed at its pin.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mcu_models.boards.board import find_board
from mcu_models.compiler.reader import read_network
from mcu_models.emulators.image import read_image
from mcu_models.firmware.builder import build_firmware
from mcu_models.firmware.toolchain import find_toolchain
from twin.door.node import WIRING
from twin.door.timing import measure_timing

if TYPE_CHECKING:
    from mcu_models.compiler.model import Network
    from mcu_models.firmware.builder import BuildResult
    from twin.door.timing import DoorTiming

BOARD: Final = "stm32h743vi"


def activation_bytes(network: Network) -> int:
    """Return the bytes of all activations together, as they are without reuse of buffers; the input is no part."""
    return sum(operator.output.size_bytes for operator in network.operators if operator.name != "RESHAPE")


def print_memory(network: Network, result: BuildResult) -> None:
    """Print what the image takes."""
    sizes = result.sizes
    print(
        f"flash {sizes.flash_code_bytes + sizes.flash_weights_bytes:,} bytes, {sizes.flash_weights_bytes:,} of weights"
    )
    print(f"RAM   {sizes.ram_bytes:,} bytes, {sizes.sections_bytes['.axi_sram']:,} of them two frames")
    print(f"arena {result.arena.size_bytes:,} bytes; {activation_bytes(network):,} without reuse of buffers")


def print_times(timing: DoorTiming) -> None:
    """Print the frame rate and the share of each step of a frame."""
    print(f"frames {timing.frame_rate_hz:.1f} a second, {timing.period_s * 1e3:.2f} ms each; capture overlaps the rest")
    print(f"one step after the other: {timing.serial_s * 1e3:.2f} ms, {1 / timing.serial_s:.1f} frames a second")
    for name, length_s in timing.steps_s.items():
        print(f"  {name:10s} {length_s * 1e6:9.1f} us  {length_s / timing.serial_s:6.1%}")


def main() -> None:
    """Build, run and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("network", type=Path, help="a .tflite file for pictures of 32 x 32 x 3")
    parser.add_argument("--compiler", choices=("gcc", "zig"))
    arguments = parser.parse_args()
    board, toolchain = find_board(BOARD), find_toolchain(arguments.compiler)
    with tempfile.TemporaryDirectory() as folder:
        out_dir = Path(folder) / "out"
        result = build_firmware(arguments.network, board=board, app="mask_door", out_dir=out_dir, toolchain=toolchain)
        timing = measure_timing(board, read_image(result.elf), **WIRING)
    network = read_network(arguments.network)
    print(f"{toolchain.version}\n{arguments.network.name}: {network.macs:,} multiply-accumulates")
    print_memory(network, result)
    print_times(timing)


if __name__ == "__main__":
    main()
