"""The main job for a guarded door: from scenario and node to who gets in, how fast, and what it takes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from joblib import Parallel, delayed

from datasheet.bad_input import BadInputError
from datasheet.sheet import assumed_keys
from mcu_models.compiler.reader import read_network
from mcu_models.emulators.renode.instruction_rates import instruction_rates
from mcu_models.firmware.library import firmware_for
from mcu_models.timing.validated_error import validated_error
from sensors.camera.face_images import FaceImages
from twin.door.energy import door_power
from twin.door.guard import Judge, guard_in_emulator, guard_on_host
from twin.door.measures import joined, measured
from twin.door.node import WIRING, firmware_limits
from twin.door.timing import measure_timing
from twin.door.world import DoorWorld
from twin.emulated_node import no_progress

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mcu_models.emulators.backends import BackendName
    from mcu_models.firmware.library import Firmware
    from scenarios.guarded_door import GuardedDoorScenario
    from twin.door.energy import DoorPower
    from twin.door.guard import GuardLog
    from twin.door.measures import DoorMeasures
    from twin.door.node import DoorNode
    from twin.door.timing import DoorTiming
    from twin.emulated_node import Progress
    from twin.memory_verdict import MemoryLimit
    from twin.prediction import Level

PACKAGES: Final = (
    "edge-sensor-twin", "ai-edge-litert", "capstone", "numpy", "opencv-python-headless", "scipy", "simpy", "unicorn",
)  # fmt: skip
DEFAULT_SECONDS: Final = {"host": 120.0, "emulated": 20.0}
"""A second at the emulated level takes some six seconds, one at the host level with somebody in sight one."""
DEPLOYMENT_S: Final = 120.0
DEPLOYMENTS: Final = 8
FIRST_VISITOR_S: Final = 1.0
"""In the run that is shown somebody comes so soon: an empty door is nothing to look at."""


@dataclass(frozen=True)
class DoorRequest:
    """What is asked for.

    Attributes:
        seconds: How long the scenario runs; None for the level's own.
        seed: Everything random follows from it.
        level: "emulated" sends every frame through the firmware, "host" computes its integers on the host.
        backend: What emulates.
        deployments: Further doors with other people, places and cameras, at the host level, for the measures.
        deployment_s: How long each of them is watched.
        jobs: Processes for them.
        faces: Folder of the user's own images for the people; None draws them.
    """

    seconds: float | None = None
    seed: int = 1
    level: Level = "emulated"
    backend: BackendName = "unicorn"
    deployments: int = DEPLOYMENTS
    deployment_s: float = DEPLOYMENT_S
    jobs: int = 2
    faces: Path | None = None

    @property
    def span_s(self) -> float:
        """How long the scenario runs."""
        return DEFAULT_SECONDS[self.level] if self.seconds is None else self.seconds


@dataclass(frozen=True)
class DoorPrediction:
    """What the twin predicts of a node that guards a door, and what it predicted it from.

    Attributes:
        scenario: The door and its people.
        node: The node.
        request: What was asked for.
        world: The people, the door and the pin of the run that is shown.
        log: Frame by frame, what was seen and answered in it.
        timing: What a frame costs the firmware.
        firmware: The firmware.
        measures: Of that run.
        deployed: Of the further doors together; None if there were none.
        power: What the node takes.
    """

    scenario: GuardedDoorScenario
    node: DoorNode
    request: DoorRequest
    world: DoorWorld
    log: GuardLog
    timing: DoorTiming
    firmware: Firmware
    measures: DoorMeasures
    deployed: DoorMeasures | None
    power: DoorPower

    @cached_property
    def limits(self) -> tuple[MemoryLimit, ...]:
        """What firmware that the board is sold with would allow the network."""
        network = self.node.network
        return firmware_limits(self.node.board.name, network, read_network(network.path))

    @property
    def all_measures(self) -> DoorMeasures:
        """Of the further doors; of the run that is shown, into which somebody comes at once, only without them."""
        return self.measures if self.deployed is None else self.deployed

    def as_result(self) -> dict[str, Any]:
        """Return `result.json`."""
        power, life = self.power, self.power.life
        return {
            "door": self.all_measures.as_dict(),
            "run": {**self.measures.as_dict(), "frames": len(self.log.looks), "decisions": self._decisions()},
            "frames": self.timing.as_dict(),
            "latency_error": validated_error(self.node.board.core).as_dict(),
            "power": power.as_dict(),
            "battery": None
            if life is None
            else {"life_s": life.life_s, "life_s_low": life.low_s, "life_s_high": life.high_s},
            "memory_bytes": {"flash": self.firmware.flash_bytes, "ram": self.firmware.ram_bytes},
            "memory_limits": [limit.as_dict() for limit in self.limits],
            "provenance": self.provenance(),
        }

    def _decisions(self) -> dict[str, int]:
        """Return how often the door was to be open, and how often somebody looked near."""
        looks = self.log.looks
        return {"open": sum(look.opens for look in looks), "near": sum(look.is_near for look in looks)}

    def provenance(self) -> dict[str, Any]:
        """Return where all of this comes from."""
        node, request = self.node, self.request
        sheets = [node.camera, node.board.sheet, node.regulator, *(sheet for sheet, _, _ in node.loads)]
        sheets += [sheet for sheet in (node.battery, node.motion) if sheet is not None]
        return {
            "scenario": self.scenario.name,
            "node": node.name,
            "seed": request.seed,
            "seconds": request.span_s,
            "level": request.level,
            "backend": request.backend,
            "deployments": request.deployments,
            "deployment_s": request.deployment_s,
            "faces": None if request.faces is None else request.faces.name,
            "network_sha256": node.network.sha256,
            "firmware_sha256": self.firmware.image.sha256,
            "compiler": self.firmware.compiler,
            "versions": {package: metadata.version(package) for package in PACKAGES},
            "assumed": [key for sheet in sheets for key in assumed_keys(sheet)],
            "problems": list(self.log.problems),
        }


def predict_door(
    scenario: GuardedDoorScenario,
    node: DoorNode,
    request: DoorRequest,
    *,
    progress: Progress = no_progress,
) -> DoorPrediction:
    """Let a node guard a door and predict who gets in, how fast, and what it takes.

    Args:
        scenario: The door and its people.
        node: What guards it.
        request: How long, at which level, and how many further doors.
        progress: Hears how many seconds of the scenario are over, further doors included.

    Raises:
        BadInputError: Something that the node names cannot be used.
        NodeFailedError: The firmware did not do its work.
        LevelsDisagreeError: Firmware and host answered a frame differently.
    """
    if request.backend == "renode" and node.config.presence is not None:
        raise BadInputError(node.path, "presence", None, "cannot be followed in Renode: the board is never powered off")
    world = _world(scenario, node, request.seed, request.faces, first_s=FIRST_VISITOR_S)
    firmware = firmware_for(node.network, node.board, node.config.app)
    timing = measure_timing(node.board, firmware.image, **WIRING)
    total_s = int(request.span_s + request.deployments * request.deployment_s)

    def hear(done: int, total: int) -> None:  # noqa: ARG001 - the total is of all doors together
        progress(done, total_s)

    log = _guard(world, node, firmware, timing, request, hear)
    others = _deployed(scenario, node, timing, request, progress)
    spans = [(on_s, request.deployment_s) for _, on_s in others] or [(log.on_s, request.span_s)]
    on_share = sum(on_s for on_s, _ in spans) / sum(span_s for _, span_s in spans)
    return DoorPrediction(
        scenario=scenario,
        node=node,
        request=request,
        world=world,
        log=log,
        timing=timing,
        firmware=firmware,
        measures=measured(world, request.span_s),
        deployed=joined([measures for measures, _ in others]) if others else None,
        power=door_power(node, timing, on_share=on_share, seed=request.seed),
    )


def _guard(
    world: DoorWorld,
    node: DoorNode,
    firmware: Firmware,
    timing: DoorTiming,
    request: DoorRequest,
    progress: Progress,
) -> GuardLog:
    judge = Judge(node.network)
    if request.level == "host":
        return guard_on_host(world, judge, node, timing, seconds=request.span_s, progress=progress)
    rates = None if request.backend == "unicorn" else instruction_rates(timing.executed)
    return guard_in_emulator(
        world,
        judge,
        node,
        firmware.image,
        seconds=request.span_s,
        backend=request.backend,
        rates=rates,
        progress=progress,
    )


def _deployed(
    scenario: GuardedDoorScenario,
    node: DoorNode,
    timing: DoorTiming,
    request: DoorRequest,
    progress: Progress,
) -> Sequence[tuple[DoorMeasures, float]]:
    """Return the measures of further doors and how long their boards were powered, in the order of their seeds."""
    seeds = np.random.SeedSequence([request.seed, 3]).generate_state(request.deployments)
    coming = Parallel(n_jobs=request.jobs, return_as="generator")(
        delayed(_watched)(scenario, node, timing, int(seed), request.deployment_s, request.faces) for seed in seeds
    )
    found = []
    for measures in coming:
        found.append(measures)
        done_s = request.span_s + len(found) * request.deployment_s
        progress(int(done_s), int(request.span_s + request.deployments * request.deployment_s))
    return found


def _watched(
    scenario: GuardedDoorScenario,
    node: DoorNode,
    timing: DoorTiming,
    seed: int,
    seconds: float,
    faces: Path | None,
) -> tuple[DoorMeasures, float]:
    world = _world(scenario, node, seed, faces)
    log = guard_on_host(world, Judge(node.network), node, timing, seconds=seconds)
    return measured(world, seconds), log.on_s


def _world(
    scenario: GuardedDoorScenario, node: DoorNode, seed: int, faces: Path | None, *, first_s: float | None = None
) -> DoorWorld:
    return DoorWorld(scenario, node.camera, seed, None if faces is None else FaceImages(faces), first_s=first_s)
