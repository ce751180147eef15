"""What is done around a network costs too: front end, window, wake-up and votes of a people counter on a board."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mcu_models.compiler.reader import read_network
from mcu_models.emulators.bare_core import BareCore
from mcu_models.emulators.image import read_image
from mcu_models.firmware.network_library import build_network
from mcu_models.networks.counting import counter_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mcu_models.boards.board import Board
    from mcu_models.compiler.counter import Counter
    from mcu_models.compiler.model import Network
    from mcu_models.firmware.network_library import NetworkBuild, WeightsPlace
    from mcu_models.firmware.toolchain import Toolchain
    from mcu_models.networks.library import NetworkEntry

_GRID = (8, 8)
_FRAMES = 24
_COUNTED_FRAMES = 8
"""The last ones of the room while it is empty, and of the room with somebody in it."""
_ROOM_STEPS = 88.0
"""22 degC in steps of 0.25 degC."""
_PATTERN_STEPS = 3.0
_NOISE_STEPS = 1.4
"""0.35 degC, as a pixel of a Grid-EYE has."""
_PERSON_STEPS = 12.0


@dataclass(frozen=True)
class PreparationCycles:
    """What is done around a network, of one frame with warm caches, without the network.

    Attributes:
        cycles: The mean over frames of a room with somebody in it.
        asleep_cycles: The mean over frames of the same room while it is empty and the network sleeps: all blocks are
            looked at. None where the network runs at each of these, as it always does without a threshold.
    """

    cycles: int
    asleep_cycles: int | None


@dataclass(frozen=True)
class PreparationProfile:
    """What is done around a network, and what it costs.

    Attributes:
        frontend: Name of the front end.
        window: Frames that an input holds.
        votes: Counts that vote.
        wake_up_degc: With which the network runs; None where it always does.
        cycles: Of one frame, see `PreparationCycles`.
        asleep_cycles: Of one frame at which the network sleeps, see `PreparationCycles`.
        clock_hz: Core clock.
        ram_bytes: What is kept from frame to frame.
        flash_bytes: Code and constants that an image with the network grows by.
    """

    frontend: str
    window: int
    votes: int
    wake_up_degc: float | None
    cycles: int
    asleep_cycles: int | None
    clock_hz: float
    ram_bytes: int
    flash_bytes: int

    @property
    def name(self) -> str:
        """What is done, in a few words."""
        words = [self.frontend]
        words += [f"{self.window} frames"] if self.window > 1 else []
        words += [f"{self.votes} votes"] if self.votes > 1 else []
        words += [] if self.wake_up_degc is None else ["wake-up"]
        return ", ".join(words)

    def as_dict(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        latency_s = self.cycles / self.clock_hz
        return {**{key: value for key, value in vars(self).items() if key != "clock_hz"}, "latency_s": latency_s}


def profile_preparation(
    entry: NetworkEntry,
    board: Board,
    *,
    toolchain: Toolchain,
    weights: WeightsPlace = "flash",
    clock_hz: float | None = None,
    alone: NetworkBuild,
) -> PreparationProfile | None:
    """Build a network with what is done around it, show it frames, and count.

    Args:
        entry: The network.
        board: Where it is to run.
        toolchain: What compiles it.
        weights: Memory of the weights.
        clock_hz: Core clock; None for the board's highest.
        alone: The network built alone, for the same board.

    Returns:
        The cost; None for a network of which no manifest says that it counts people, and that takes no frames of 8 x 8.

    Raises:
        BadInputError: Its manifest row does not fit it, or it does not fit the board.
    """
    counter = _counter(entry, read_network(entry.path))
    if counter is None:
        return None
    build, core = _built(entry, counter, board, toolchain, weights, clock_hz)
    spent = _cycles(core, counter)
    return PreparationProfile(
        frontend=entry.frontend,
        window=counter.table.window.frames,
        votes=entry.votes,
        wake_up_degc=entry.wake_up_degc,
        cycles=spent.cycles,
        asleep_cycles=spent.asleep_cycles,
        clock_hz=core.point.clock_hz,
        ram_bytes=build.sizes.ram_frontend_bytes,
        flash_bytes=build.sizes.flash_code_bytes - alone.sizes.flash_code_bytes,
    )


def preparation_cycles(entry: NetworkEntry, board: Board, *, toolchain: Toolchain) -> PreparationCycles:
    """Return what is done around a network that counts people, in cycles at the board's highest clock.

    Args:
        entry: The network.
        board: Where it is to run.
        toolchain: What compiles it.

    Raises:
        BadInputError: It takes no frames, its manifest row does not fit it, or it does not fit the board.
    """
    counter = counter_of(entry, read_network(entry.path))
    return _cycles(_built(entry, counter, board, toolchain)[1], counter)


def _built(
    entry: NetworkEntry,
    counter: Counter,
    board: Board,
    toolchain: Toolchain,
    weights: WeightsPlace = "flash",
    clock_hz: float | None = None,
) -> tuple[NetworkBuild, BareCore]:
    """Return a network with what is done around it, and a core with its image."""
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "build"
        build = build_network(
            entry.path, board=board, out_dir=out, toolchain=toolchain, weights=weights, counter=counter
        )
        return build, BareCore(board, read_image(build.elf), clock_hz=clock_hz)


def _counter(entry: NetworkEntry, network: Network) -> Counter | None:
    ends = (*network.inputs, *network.outputs)
    if [tensor.dtype for tensor in ends] not in (["int8", "int8"], ["float32", "float32"]):
        return None
    if not entry.row and not _takes_frames(network.input.shape):
        return None
    return counter_of(entry, network)


def _takes_frames(shape: tuple[int, ...]) -> bool:
    """Return whether an input may be frames of a Grid-EYE."""
    return shape == (1, *_GRID, shape[-1]) or (len(shape) == 5 and shape[2:] == (*_GRID, 1))


def _cycles(core: BareCore, counter: Counter) -> PreparationCycles:
    place, spent, asleep = core.address_of("loop_raw"), [], []
    for frame in example_room(counter.table.window.rows, counter.table.window.columns):
        core.write(place, frame.astype("<i2").tobytes())
        run = core.call("counter_count", place, regions=["counter_count", "network_run"])
        network = run.cycles_by_region.get("network_run", 0)
        spent.append(run.cycles - network)
        asleep.append(network == 0)
    empty = slice(_FRAMES // 2 - _COUNTED_FRAMES, _FRAMES // 2)
    sleeping = [cycles for cycles, sleeps in zip(spent[empty], asleep[empty], strict=True) if sleeps]
    return PreparationCycles(_mean(spent[-_COUNTED_FRAMES:]), _mean(sleeping) if sleeping else None)


def _mean(cycles: list[int]) -> int:
    return round(sum(cycles) / len(cycles))


def example_room(rows: int, columns: int) -> NDArray[np.int16]:
    """Return (N, P) int16 steps of 0.25 degC: a floor with a pattern and noise, and from the middle on somebody."""
    generator = np.random.default_rng(0)
    steps = _ROOM_STEPS + generator.normal(0, _PATTERN_STEPS, (rows, columns))
    frames = steps + generator.normal(0, _NOISE_STEPS, (_FRAMES, rows, columns))
    frames[_FRAMES // 2 :, rows // 2 :, columns // 2 :][:, :2, :2] += _PERSON_STEPS
    return np.asarray(frames.round().reshape(_FRAMES, -1), np.int16)
