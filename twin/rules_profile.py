"""What people counted by rules cost on a board: a frame in a room with somebody in it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from datasheet.bad_input import BadInputError
from mcu_models.emulators.bare_core import BareCore
from mcu_models.emulators.image import read_image
from mcu_models.firmware.image import image_sizes
from mcu_models.people_detection.detector_image import FRAME_SYMBOL, build_detector
from mcu_models.people_detection.parameters import COLUMNS, ROWS, load_detector
from twin.preparation_profile import example_room

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mcu_models.boards.board import Board
    from mcu_models.emulators.bare_core import FunctionRun
    from mcu_models.firmware.image import MemorySizes
    from mcu_models.firmware.toolchain import Toolchain
    from mcu_models.networks.library import NetworkEntry

_COUNTED_FRAMES: Final = 8


@dataclass(frozen=True)
class RulesRun:
    """Rules alone on a board.

    Attributes:
        sizes: Bytes of flash and RAM.
        warm: Calls with warm caches, one for each frame.
        cold: A call with empty caches.
    """

    sizes: MemorySizes
    warm: tuple[FunctionRun, ...]
    cold: FunctionRun

    @property
    def cycles(self) -> int:
        """Of a frame with warm caches, on average."""
        return round(sum(run.cycles for run in self.warm) / len(self.warm))


def run_rules(entry: NetworkEntry, board: Board, *, toolchain: Toolchain, clock_hz: float | None = None) -> RulesRun:
    """Compile rules for a board and show them a room with somebody in it, after they have a background.

    Args:
        entry: The rules.
        board: Where they are to run.
        toolchain: What compiles them.
        clock_hz: Core clock; None for the board's highest.

    Raises:
        BadInputError: The rules cannot be used, or do not fit the board.
    """
    if entry.counts_passages:
        raise BadInputError(entry.path, "", None, "counts who passes a door; `twin run` says what a frame costs")
    parameters = load_detector(entry.path)
    room = example_room(ROWS, COLUMNS)
    with tempfile.TemporaryDirectory() as scratch:
        elf = build_detector(parameters, board=board, folder=Path(scratch), toolchain=toolchain)
        core = BareCore(board, read_image(elf), clock_hz=clock_hz)
        sizes = image_sizes(elf)
        for frame in range(parameters.smoothed_frames):
            _count(core, room[frame % len(room)])
        warm = tuple(_count(core, frame) for frame in room)
        core.empty_caches()
        cold = _count(core, room[-1])
    return RulesRun(sizes, warm[-_COUNTED_FRAMES:], cold)


def _count(core: BareCore, frame: NDArray[np.int16]) -> FunctionRun:
    place = core.address_of(FRAME_SYMBOL)
    core.write(place, frame.astype("<i2").tobytes())
    return core.call("counter_count", place)
