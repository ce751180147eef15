"""What is done around a network for images costs too: a frame is scaled by area, and its answer becomes a decision."""

from __future__ import annotations

import functools
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from datasheet.bad_input import BadInputError
from mcu_models.compiler.image_input import image_input
from mcu_models.emulators.image import read_image
from mcu_models.firmware.builder import build_firmware
from mcu_models.firmware.drivers_of_app import drivers_of
from twin.door.node import WIRING
from twin.door.timing import measure_timing
from twin.memory_verdict import FrameBuffers, memory_verdict
from twin.preparation_profile import PreparationProfile

if TYPE_CHECKING:
    from mcu_models.boards.board import Board
    from mcu_models.compiler.model import Network
    from mcu_models.emulators.bare_core import FunctionRun
    from mcu_models.firmware.builder import BuildResult
    from mcu_models.firmware.network_library import NetworkBuild
    from mcu_models.firmware.toolchain import Toolchain
    from mcu_models.networks.library import NetworkEntry
    from twin.memory_verdict import MemoryVerdict

FRONTEND: Final = "area_rgb565"
APP: Final = "mask_door"
_STEPS: Final = ("scale", "decision")
"""Of the firmware's steps, those beside capture, which takes the core no time, and the network."""


@dataclass(frozen=True)
class AroundNetwork:
    """What is around a network on a board.

    Attributes:
        preparation: What is done with a frame before the network and behind it; None where that is not known.
        memory: What fits.
    """

    preparation: PreparationProfile | None
    memory: MemoryVerdict


def profile_images(
    entry: NetworkEntry,
    board: Board,
    alone: NetworkBuild,
    warm: FunctionRun,
    toolchain: Toolchain,
    clock_hz: float | None,
    frames: FrameBuffers,
) -> AroundNetwork:
    """Build the mask door's firmware where it can run, show it frames, and time its steps; say what fits.

    On other boards, for networks that take another picture, and with weights elsewhere than in flash, the network alone
    is judged with the frames beside it; nothing is known of what is done around it.

    Args:
        entry: The network.
        board: Where it is to run.
        alone: The network built alone for it.
        warm: One inference of that.
        toolchain: What compiles.
        clock_hz: Core clock; None for the board's highest, which is the firmware's.
        frames: Frames of the camera that must be in memory.

    Raises:
        BadInputError: The firmware does not fit the board.
    """
    verdict = functools.partial(
        memory_verdict,
        board=board,
        stack_bytes=warm.stack_bytes,
        frames=frames,
        network_bytes=entry.path.stat().st_size,
        arena_bytes=alone.generated.arena.size_bytes,
    )
    if alone.placement["weights"] != "flash" or not _is_of_the_door(alone.network, board):
        return AroundNetwork(None, verdict(alone.elf))
    with tempfile.TemporaryDirectory() as scratch:
        built = build_firmware(entry, board=board, app=APP, out_dir=Path(scratch) / "build", toolchain=toolchain)
        is_usual = clock_hz in (None, warm.clock_hz) and frames == FrameBuffers()
        preparation = _preparation(board, built, alone, entry) if is_usual else None
        return AroundNetwork(preparation, verdict(built.elf))


def _is_of_the_door(network: Network, board: Board) -> bool:
    """Return whether the mask door's firmware runs on this board, and takes this network."""
    try:
        drivers_of(APP, board)
        image_input(network)
    except BadInputError:
        return False
    return True


def _preparation(board: Board, built: BuildResult, alone: NetworkBuild, entry: NetworkEntry) -> PreparationProfile:
    """Return what the firmware does with a frame besides the network, timed at its pins."""
    clock_hz = board.operating_point().clock_hz
    spent = measure_timing(board, read_image(built.elf), **WIRING).steps_s
    spent_s = sum(spent[name] for name in _STEPS)
    return PreparationProfile(
        frontend=FRONTEND,
        window=1,
        votes=entry.door_policy.frames,
        wake_up_degc=None,
        cycles=round(spent_s * clock_hz),
        asleep_cycles=None,
        clock_hz=clock_hz,
        ram_bytes=built.sizes.ram_bytes - built.sizes.ram_arena_bytes,
        flash_bytes=built.sizes.flash_code_bytes - alone.sizes.flash_code_bytes,
    )
