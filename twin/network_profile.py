"""What a network costs on a board, layer by layer: cycles, memory, time and energy, before there is any hardware."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasheet.bad_input import BadInputError
from mcu_models.emulators.bare_core import BareCore
from mcu_models.emulators.image import read_image
from mcu_models.emulators.virtual_clock import PowerState
from mcu_models.firmware.network_library import build_network
from mcu_models.networks.library import NetworkEntry, find_network
from mcu_models.power import state_current
from mcu_models.timing.validated_error import ValidatedError, validated_error
from twin.image_evaluation import looks_at_images
from twin.image_profile import AroundNetwork, profile_images
from twin.memory_verdict import FrameBuffers, MemoryVerdict, memory_verdict, require_frames_fit
from twin.preparation_profile import PreparationProfile, profile_preparation
from twin.rules_profile import run_rules

if TYPE_CHECKING:
    from mcu_models.boards.board import Board
    from mcu_models.compiler.model import Operator
    from mcu_models.emulators.bare_core import FunctionRun
    from mcu_models.firmware.network_library import NetworkBuild, WeightsPlace
    from mcu_models.firmware.toolchain import Toolchain

REST = "call"
"""Name of what runs outside all layers."""


@dataclass(frozen=True)
class LayerProfile:
    """One operator of the network.

    Attributes:
        index: Position in the file's list of operators.
        operator: Name of the builtin operator.
        macs: Multiplications by a weight.
        cycles: Core cycles; 0 for an operator that only renames memory.
        weights_bytes: Its constants as in the file.
        activation_bytes: What it reads and writes.
    """

    index: int
    operator: str
    macs: int
    cycles: int
    weights_bytes: int
    activation_bytes: int


@dataclass(frozen=True)
class NetworkProfile:
    """A network on one board, or rules that count without one: all of their work, frames in and people out.

    Attributes:
        network: The file's name.
        board: The board's name.
        compiler: What compiled the network; cycles depend on it.
        clock_hz: Core clock, the highest of the board unless asked otherwise.
        wait_states: Of the flash at this clock.
        cycles: Of one inference with warm caches, as in a loop; `first_cycles` with cold ones.
        first_cycles: Of the first inference after start-up.
        stall_cycles: Of `cycles`, waiting for memory and for wrongly predicted branches.
        energy_j: Energy of one inference at the board's supply; `energy_low_j` and `energy_high_j` bound it as far as
            the run current is known.
        energy_low_j: See `energy_j`.
        energy_high_j: See `energy_j`.
        layers: In the order of computation; rules have none.
        code_bytes: Flash of the library without weights.
        weights_bytes: Flash of weights, biases and scales.
        arena_bytes: RAM of activations and scratch; of rules, what they keep from frame to frame.
        arena_lower_bound_bytes: The least that these kernels need, their scratch included.
        live_set_bytes: The largest set of activations that is alive at once, without what the caller owns.
        stack_bytes: Depth of the stack, measured in one call.
        placement: Where weights, code and arena lie.
        latency_error: How far predicted times lay from measured ones on this core.
        preparation: What is done around it, which none of the other numbers has in it; None where no frames of a
            thermal array or of a camera go in.
        memory: What fits the board; None for rules.
    """

    network: str
    board: str
    compiler: str
    clock_hz: float
    wait_states: int
    cycles: int
    first_cycles: int
    stall_cycles: int
    energy_j: float
    energy_low_j: float
    energy_high_j: float
    layers: tuple[LayerProfile, ...]
    code_bytes: int
    weights_bytes: int
    arena_bytes: int
    arena_lower_bound_bytes: int
    live_set_bytes: int
    stack_bytes: int
    placement: dict[str, str]
    latency_error: ValidatedError
    preparation: PreparationProfile | None = None
    memory: MemoryVerdict | None = None

    @property
    def latency_s(self) -> float:
        """Time of one inference."""
        return self.cycles / self.clock_hz

    @property
    def macs(self) -> int:
        """Multiplications by a weight of one inference."""
        return sum(layer.macs for layer in self.layers)

    def as_dict(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return {
            "network": self.network,
            "board": self.board,
            "compiler": self.compiler,
            "clock_hz": self.clock_hz,
            "wait_states": self.wait_states,
            "cycles": self.cycles,
            "first_cycles": self.first_cycles,
            "stall_cycles": self.stall_cycles,
            "latency_s": self.latency_s,
            "latency_error": self.latency_error.as_dict(),
            "energy_j": self.energy_j,
            "energy_low_j": self.energy_low_j,
            "energy_high_j": self.energy_high_j,
            "macs": self.macs,
            "layers": [vars(layer) for layer in self.layers],
            "flash_bytes": {"code": self.code_bytes, "weights": self.weights_bytes},
            "ram_bytes": {
                "arena": self.arena_bytes,
                "arena_lower_bound": self.arena_lower_bound_bytes,
                "live_set": self.live_set_bytes,
                "stack": self.stack_bytes,
            },
            "placement": self.placement,
            "preparation": None if self.preparation is None else self.preparation.as_dict(),
            "memory": None if self.memory is None else self.memory.as_list(),
        }


def profile_network(
    network: str | Path | NetworkEntry,
    board: Board,
    *,
    toolchain: Toolchain,
    weights: WeightsPlace = "flash",
    clock_hz: float | None = None,
    frames: FrameBuffers | None = None,
) -> NetworkProfile:
    """Compile a network for a board, run it on the emulated core with a zero input, and count.

    No branch of the kernels depends on much of the data, so one input stands for all. Rules are shown a room instead.

    Args:
        network: A .tflite file, a library name, rules in a .toml file, or what is known of a network.
        board: Where it is to run.
        toolchain: What compiles it.
        weights: Memory of the weights.
        clock_hz: Core clock; None for the board's highest.
        frames: Of a network for images: frames of the camera that must be in memory, where they are others than those
            of the mask door's firmware.

    Raises:
        BadInputError: The network is not supported or does not fit the board, or the frames fit no memory of it.
    """
    entry = network if isinstance(network, NetworkEntry) else find_network(network)
    for_images = looks_at_images(entry)
    if frames is not None:
        _check_frames(entry, frames, board, for_images=for_images)
    if entry.has_rules:
        return _profile_rules(entry, board, toolchain, weights, clock_hz)
    with tempfile.TemporaryDirectory() as scratch:
        build = build_network(
            entry.path, board=board, out_dir=Path(scratch) / "build", toolchain=toolchain, weights=weights
        )
        core = BareCore(board, read_image(build.elf), clock_hz=clock_hz)
        first, warm = (_inference(core, build) for _ in range(2))
        if for_images:
            around = profile_images(entry, board, build, warm, toolchain, clock_hz, frames or FrameBuffers())
        else:
            around = _around_frames(entry, board, build, warm, toolchain, weights, clock_hz)
    energy = _energy(board, warm.cycles, warm.clock_hz)
    sizes, arena = build.sizes, build.generated.arena
    return NetworkProfile(
        network=entry.path.name,
        board=board.name,
        compiler=build.compiler,
        clock_hz=warm.clock_hz,
        wait_states=warm.wait_states,
        cycles=warm.cycles,
        first_cycles=first.cycles,
        stall_cycles=warm.stall_cycles,
        energy_j=energy.typical_j,
        energy_low_j=energy.low_j,
        energy_high_j=energy.high_j,
        layers=_layers(build, warm),
        code_bytes=sizes.flash_code_bytes,
        weights_bytes=sizes.flash_weights_bytes,
        arena_bytes=arena.size_bytes,
        arena_lower_bound_bytes=arena.lower_bound_bytes,
        live_set_bytes=build.generated.largest_live_bytes,
        stack_bytes=warm.stack_bytes,
        placement=build.placement,
        latency_error=validated_error(board.core),
        preparation=around.preparation,
        memory=around.memory,
    )


def _check_frames(entry: NetworkEntry, frames: FrameBuffers, board: Board, *, for_images: bool) -> None:
    if not for_images:
        raise BadInputError("--frame", "", str(frames), f"{entry.path.name} looks at no frames of a camera")
    require_frames_fit(frames, board)


def _around_frames(
    entry: NetworkEntry,
    board: Board,
    build: NetworkBuild,
    warm: FunctionRun,
    toolchain: Toolchain,
    weights: WeightsPlace,
    clock_hz: float | None,
) -> AroundNetwork:
    preparation = profile_preparation(
        entry, board, toolchain=toolchain, weights=weights, clock_hz=clock_hz, alone=build
    )
    return AroundNetwork(preparation, memory_verdict(build.elf, board, stack_bytes=warm.stack_bytes))


def _profile_rules(
    entry: NetworkEntry, board: Board, toolchain: Toolchain, weights: WeightsPlace, clock_hz: float | None
) -> NetworkProfile:
    if weights != "flash":
        raise BadInputError(entry.path, "weights", weights, "rules have none to place: flash")
    run = run_rules(entry, board, toolchain=toolchain, clock_hz=clock_hz)
    warm, sizes = run.warm[-1], run.sizes
    energy = _energy(board, run.cycles, warm.clock_hz)
    return NetworkProfile(
        network=entry.path.name,
        board=board.name,
        compiler=toolchain.version,
        clock_hz=warm.clock_hz,
        wait_states=warm.wait_states,
        cycles=run.cycles,
        first_cycles=run.cold.cycles,
        stall_cycles=warm.stall_cycles,
        energy_j=energy.typical_j,
        energy_low_j=energy.low_j,
        energy_high_j=energy.high_j,
        layers=(),
        code_bytes=sizes.flash_code_bytes,
        weights_bytes=0,
        arena_bytes=sizes.ram_frontend_bytes,
        arena_lower_bound_bytes=sizes.ram_frontend_bytes,
        live_set_bytes=0,
        stack_bytes=max(one.stack_bytes for one in run.warm),
        placement={"weights": "flash", "code": "flash", "arena": "ram"},
        latency_error=validated_error(board.core),
    )


def _inference(core: BareCore, build: NetworkBuild) -> FunctionRun:
    network = build.network
    arguments = [core.address_of(f"loop_input_{position}") for position in range(len(network.inputs))]
    arguments += [core.address_of(f"loop_output_{position}") for position in range(len(network.outputs))]
    return core.call("network_run", *arguments, regions=list(build.generated.functions.values()))


def _layers(build: NetworkBuild, run: FunctionRun) -> tuple[LayerProfile, ...]:
    functions = build.generated.functions
    return tuple(
        LayerProfile(
            index=operator.index,
            operator=operator.name,
            macs=operator.macs,
            cycles=run.cycles_by_region.get(functions.get(operator.index, REST), 0),
            weights_bytes=_constant_bytes(operator),
            activation_bytes=sum(tensor.size_bytes for tensor in (*operator.computed_inputs, *operator.outputs)),
        )
        for operator in build.network.operators
    )


def _constant_bytes(operator: Operator) -> int:
    return sum(tensor.size_bytes for tensor in operator.inputs if tensor is not None and tensor.data is not None)


@dataclass(frozen=True)
class _Energy:
    """Of some cycles at the board's supply, and what bounds it as far as the run current is known."""

    typical_j: float
    low_j: float
    high_j: float


def _energy(board: Board, cycles: int, clock_hz: float) -> _Energy:
    current = state_current(board.sheet.power, PowerState("run", round(clock_hz)))
    charge_s = board.sheet.power.supply_v.value * cycles / clock_hz
    return _Energy(charge_s * current.typical_a, charge_s * current.low_a, charge_s * current.high_a)
