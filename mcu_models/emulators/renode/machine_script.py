"""Monitor commands that build a machine in Renode: our models, the board, the image, the pace."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from mcu_models.emulators.renode.platform import PLATFORM_FILE, board_platform

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcu_models.boards.board import Board
    from mcu_models.emulators.image import FirmwareImage

_PERIPHERALS = resources.files("mcu_models.emulators.renode") / "peripherals"
LINK = "TwinLink.cs"


def peripheral_files(*, with_link: bool) -> dict[str, bytes]:
    """Return the C# of our models by name; the link to a leading process only if it is wanted."""
    files = sorted(_PERIPHERALS.iterdir(), key=lambda file: file.name)
    return {
        file.name: file.read_bytes() for file in files if file.name.endswith(".cs") and (with_link or file.name != LINK)
    }


def machine_files(board: Board, image: FirmwareImage) -> dict[str, bytes]:
    """Return what `machine_script` refers to, by name."""
    segments = {_segment_file(index): segment.data for index, segment in enumerate(image.segments)}
    return {**peripheral_files(with_link=True), PLATFORM_FILE: board_platform(board).encode(), **segments}


def machine_script(board: Board, image: FirmwareImage, *, rates: Mapping[int, float], quantum_s: float) -> str:
    """Return commands that build the machine named "machine", ready to run as fast as the host can.

    Args:
        board: The board.
        image: What it is to run.
        rates: Instructions a second by core clock in Hz.
        quantum_s: How often Renode synchronises its time sources.
    """
    loads = [
        f"sysbus LoadBinary $ORIGIN/{_segment_file(index)} {segment.address:#010x}"
        for index, segment in enumerate(image.segments)
    ]
    lines = [
        "include " + " ".join(f"$ORIGIN/{name}" for name in peripheral_files(with_link=True)),
        'mach create "machine"',
        f"machine LoadPlatformDescription $ORIGIN/{PLATFORM_FILE}",
        *loads,
        *start_lines(board),
        *pace_lines(rates, quantum_s),
        "",
    ]
    return "\n".join(lines)


def start_lines(board: Board) -> list[str]:
    """Return the commands that let the core find its vector table, now and behind every reset."""
    vectors = f"sysbus.cpu VectorTableOffset {board.memory('flash').base:#010x}"
    return [vectors, 'macro reset\n"""', f"    {vectors}", '"""']


def pace_lines(rates: Mapping[int, float], quantum_s: float) -> list[str]:
    """Return the commands that set the pace: instructions a second at each clock, no waiting for real time."""
    return [
        "emulation SetGlobalAdvanceImmediately true",
        f'emulation SetGlobalQuantum "{quantum_s:g}"',
        *(f"sysbus.core SetRate {clock_hz} {round(rate)}" for clock_hz, rate in sorted(rates.items())),
    ]


def _segment_file(index: int) -> str:
    return f"segment{index}.bin"
