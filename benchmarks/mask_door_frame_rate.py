"""Frame rate of the mask door's firmware on the emulated STM32H743, with the share of each step, and its memory.

Run: python benchmarks/mask_door_frame_rate.py NETWORK.tflite [--frames N] [--compiler gcc|zig]

The frames are of coarse random patches: what is in them changes nothing about the times. Each step is timed at its pin.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Final

import numpy as np

from mcu_models.boards.board import find_board
from mcu_models.compiler.reader import read_network
from mcu_models.emulators.image import read_image
from mcu_models.emulators.unicorn_backend import UnicornEmulator
from mcu_models.firmware.builder import build_firmware
from mcu_models.firmware.toolchain import find_toolchain
from sensors.camera.ov7725_registers import Ov7725, Playback

if TYPE_CHECKING:
    from mcu_models.compiler.model import Network
    from mcu_models.emulators.port import PinEdge
    from mcu_models.firmware.builder import BuildResult

BOARD: Final = "stm32h743vi"
PINS: Final = {"capture": 14, "scale": 13, "inference": 12, "decision": 11}
WARMING_FRAMES: Final = 3


def coarse_frames(count: int) -> np.ndarray:
    """Return frames of 64 patches."""
    patches = np.random.default_rng(1).integers(0, 65536, (count, 8, 8)).astype(np.uint16)
    return np.repeat(np.repeat(patches, 25, axis=1), 25, axis=2)


def high_s(edges: list[PinEdge], pin: int) -> list[tuple[float, float]]:
    """Return when a pin of port B was high: begin and length of each time."""
    own = [edge for edge in edges if (edge.port, edge.pin) == ("GPIOB", pin)]
    return [(rise.time_s, fall.time_s - rise.time_s) for rise, fall in zip(own[::2], own[1::2], strict=False)]


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


def print_times(edges: list[PinEdge]) -> None:
    """Print the frame rate and the share of each step of a frame."""
    begins = [begin_s for begin_s, _ in high_s(edges, PINS["scale"])][WARMING_FRAMES:]
    frame_s = float(np.diff(begins).mean())
    steps = {name: mean(length for _, length in high_s(edges, pin)[WARMING_FRAMES:]) for name, pin in PINS.items()}
    print(f"frames {1 / frame_s:.1f} a second, {frame_s * 1e3:.2f} ms each; capture overlaps the rest")
    print(
        f"one step after the other: {sum(steps.values()) * 1e3:.2f} ms, {1 / sum(steps.values()):.1f} frames a second"
    )
    for name, length_s in steps.items():
        print(f"  {name:10s} {length_s * 1e6:9.1f} us  {length_s / sum(steps.values()):6.1%}")


def main() -> None:
    """Build, run and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("network", type=Path, help="a .tflite file for pictures of 32 x 32 x 3")
    parser.add_argument("--frames", type=int, default=20)
    parser.add_argument("--compiler", choices=("gcc", "zig"))
    arguments = parser.parse_args()
    board, toolchain = find_board(BOARD), find_toolchain(arguments.compiler)
    with tempfile.TemporaryDirectory() as folder:
        out_dir = Path(folder) / "out"
        result = build_firmware(arguments.network, board=board, app="mask_door", out_dir=out_dir, toolchain=toolchain)
        emulator = UnicornEmulator(board, read_image(result.elf))
    camera = Ov7725(Playback(coarse_frames(arguments.frames)))
    edges: list[PinEdge] = []
    emulator.attach_i2c("I2C1", camera)
    emulator.attach_camera("DCMI", camera)
    emulator.on_pin_edge(edges.append)
    emulator.run(until_s=60.0, until_text=f"\n{arguments.frames - 1} ")
    print(
        f"{toolchain.version}\n{arguments.network.name}: {read_network(arguments.network).macs:,} multiply-accumulates"
    )
    print_memory(read_network(arguments.network), result)
    print_times(edges)


if __name__ == "__main__":
    main()
