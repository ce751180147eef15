"""A node at a door: who it tells, how late, how long it lives, and what all of that comes from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np

from datasheet.bad_input import BadInputError
from datasheet.sheet import assumed_keys
from mcu_models.firmware.library import Firmware, firmware_for
from mcu_models.power import state_current
from mcu_models.timing.validated_error import validated_error
from scenarios.simulation import simulate
from sensors.sensing import sense
from twin.doorway.accuracy import WITHIN_S, EventAccuracy, judged
from twin.doorway.events import DoorEvent, told_events, true_events
from twin.doorway.hanging import Watch, watch
from twin.doorway.pairing import paired
from twin.doorway.watching import event_accuracy
from twin.emulated_node import NodeTrace, Progress, no_progress
from twin.energy.budget import EnergyBudget, energy_budget
from twin.energy.forecast import life_range
from twin.energy.node_case import node_case
from twin.energy.usage import usage_of
from twin.host_node import check_sensor
from twin.prediction import PACKAGES, Level, computing_state, run_node

if TYPE_CHECKING:
    from mcu_models.emulators.backends import BackendName
    from scenarios.room import Scenario
    from scenarios.timeline import Timeline
    from sensors.recording import Recording
    from twin.energy.outlook import LifeRange
    from twin.node import Node


@dataclass(frozen=True)
class DoorwayRequest:
    """What to play.

    Attributes:
        seconds: How long the scenario runs.
        seed: Everything random follows from it.
        level: "host" or "emulated", as for a room.
        backend: What emulates.
        deployments: How many further runs of the scenario, with other people and another unit each, the intervals are
            taken from besides; they are watched on the host.
    """

    seconds: float = 600.0
    seed: int = 1
    level: Level = "emulated"
    backend: BackendName = "unicorn"
    deployments: int = 0


@dataclass(frozen=True)
class DoorwayPrediction:
    """What the twin predicts of a node that counts who passes a door.

    Attributes:
        scenario: The scenario.
        node: The node; its rules hold the line in the image.
        request: What was played.
        seen: What it watched.
        timeline: The people.
        recording: What the sensor saw.
        trace: What the node answered, as numbers, and spent.
        firmware: The firmware that ran.
        truth: Who passed the line.
        told: What the node told.
        accuracy: How well, in this run.
        deployed: How well in this run and in further ones together.
        budget: Average powers.
        inference_j: Energy of following people through one frame, at the microcontroller's supply.
        life: Battery life.
        life_without_sensor: The same if the sensor drew nothing.
    """

    scenario: Scenario
    node: Node
    request: DoorwayRequest
    seen: Watch
    timeline: Timeline
    recording: Recording
    trace: NodeTrace
    firmware: Firmware
    truth: list[DoorEvent]
    told: list[DoorEvent]
    accuracy: EventAccuracy
    deployed: EventAccuracy
    budget: EnergyBudget
    inference_j: float
    life: LifeRange
    life_without_sensor: LifeRange

    @property
    def waits_s(self) -> tuple[float, ...]:
        """From the passage of the line to the end of the text that tells of it, for each event told right.

        Below 0 for those who lean over the line before they pass it.
        """
        frame = np.searchsorted(self.recording.time_s, [event.time_s for event in self.told])
        pairs = paired(self.truth, self.told, within_s=WITHIN_S)
        return tuple(
            self.told[j].time_s - self.truth[i].time_s + float(self.trace.answer_delay_s[frame[j]]) for i, j in pairs
        )

    @property
    def inference_s(self) -> tuple[float, float, float]:
        """Following people through a frame: median, 95th percentile, longest."""
        taken_s = self.trace.inference_s[self.trace.count >= 0]
        p50, p95 = np.percentile(taken_s, [50, 95])
        return float(p50), float(p95), float(taken_s.max())

    @property
    def wait_s(self) -> tuple[float | None, float | None]:
        """Median and 95th percentile of `waits_s`; None when nothing was told right."""
        if not self.waits_s:
            return None, None
        p50, p95 = np.percentile(self.waits_s, [50, 95])
        return float(p50), float(p95)

    def as_result(self) -> dict[str, Any]:
        """Return `result.json`."""
        p50, p95, longest = self.inference_s
        passage_p50, passage_p95 = self.wait_s
        return {
            "doorway": self.accuracy.as_dict(),
            "doorway_over_deployments": self.deployed.as_dict() | {"deployments": self.request.deployments},
            "latency_s": {
                "inference_p50": p50,
                "inference_p95": p95,
                "inference_max": longest,
                "passage_to_answer_p50": passage_p50,
                "passage_to_answer_p95": passage_p95,
            },
            "latency_error": validated_error(self.node.board.core).as_dict(),
            "energy_j": {
                "inference": self.inference_j,
                "frame": self.budget.average_power_w * self.budget.period_s,
                "by_consumer": {name: power_w * self.span_s for name, power_w in self.budget.powers_w.items()},
            },
            "average_power_w": self.budget.average_power_w,
            "battery": {
                "life_s": self.life.life_s,
                "life_s_low": self.life.low_s,
                "life_s_high": self.life.high_s,
                "life_s_without_sensor": self.life_without_sensor.life_s,
            },
            "memory_bytes": {"flash": self.firmware.flash_bytes, "ram": self.firmware.ram_bytes},
            "mount": self._mount(),
            "provenance": self.provenance(),
        }

    @property
    def span_s(self) -> float:
        """Length of the scenario that was played."""
        return len(self.recording.time_s) * self.budget.period_s

    def _mount(self) -> dict[str, Any]:
        mount = self.seen.mount
        place = {key: getattr(mount, key) for key in ("x_m", "y_m", "height_m", "yaw_deg", "tilt_deg")}
        return place | {"door": self.seen.door, "line_m": self.seen.line_m, "line": self.seen.line._asdict()}

    def provenance(self) -> dict[str, Any]:
        """Return what this prediction was made from."""
        node, request = self.node, self.request
        unused = [f"noise.{profile}" for profile in node.sensor.noise if profile != node.config.sensor.noise]
        sheets = (assumed_keys(node.sensor, without=unused), assumed_keys(node.board.sheet), assumed_keys(node.battery))
        return {
            "scenario": self.scenario.name,
            "node": node.name,
            "seed": request.seed,
            "seconds": self.span_s,
            "level": request.level,
            "backend": request.backend,
            "network_sha256": node.network.sha256,
            "firmware_sha256": self.firmware.image.sha256,
            "compiler": self.firmware.compiler,
            "versions": {package: metadata.version(package) for package in PACKAGES},
            "assumed": [key for sheet in sheets for key in sheet],
            "problems": list(self.trace.problems),
        }


def predict_doorway(
    scenario: Scenario, node: Node, request: DoorwayRequest, *, progress: Progress = no_progress
) -> DoorwayPrediction:
    """Play a scenario in front of a node that counts who passes a door.

    Raises:
        BadInputError: The node counts no passages, or does not fit the scenario.
        NodeFailedError: The firmware did not do its work.
        LevelsDisagreeError: Firmware and host answered differently.
    """
    if not node.network.counts_passages:
        raise BadInputError(node.path, "network", node.config.network, "must be rules such as doorway_rules")
    seen = watch(node, scenario)
    node = replace(node, network=replace(node.network, door_line=seen.line))
    check_sensor(node.network, (node.sensor.rows, node.sensor.columns))
    firmware = _with_line(firmware_for(node.network, node.board, node.config.app), node)
    timeline = simulate(
        scenario, seconds=request.seconds, seed=request.seed, frame_rate_hz=node.sensor.fast_frame_rate_hz.value
    )
    recording = sense(timeline, seen.mount, node.sensor, profile=node.config.sensor.noise, seed=request.seed)
    trace = run_node(node, firmware, recording, level=request.level, backend=request.backend, progress=progress)
    truth, told = true_events(timeline, seen), told_events(trace.count, recording.time_s, seen)
    accuracy = judged(truth, told, seconds=request.seconds)
    case = node_case(
        node, usage_of([trace.occupancy_s], [trace.messages / trace.span_s], float(np.nanmax(trace.inference_s)))
    )
    return DoorwayPrediction(
        scenario=scenario,
        node=node,
        request=request,
        seen=seen,
        timeline=timeline,
        recording=recording,
        trace=trace,
        firmware=firmware,
        truth=truth,
        told=told,
        accuracy=accuracy,
        deployed=_deployed(scenario, node, request, accuracy),
        budget=energy_budget(case, period_s=1.0 / node.sensor.fast_frame_rate_hz.value, seed=request.seed),
        inference_j=_inference_j(node, trace),
        life=life_range(case, seed=request.seed),
        life_without_sensor=life_range(case.without_sensor(), seed=request.seed),
    )


def _with_line(firmware: Firmware, node: Node) -> Firmware:
    """Return firmware as an installer leaves it: told where the line lies in the image."""
    return replace(firmware, image=node.network.door_line.applied_to(firmware.image))


def _inference_j(node: Node, trace: NodeTrace) -> float:
    power = node.board.sheet.power
    mean_s = float(trace.inference_s[trace.count >= 0].mean())
    return mean_s * state_current(power, computing_state(trace)).typical_a * power.supply_v.value


def _deployed(scenario: Scenario, node: Node, request: DoorwayRequest, accuracy: EventAccuracy) -> EventAccuracy:
    """Return the accuracy of this run and of further ones together."""
    for further in range(1, request.deployments + 1):
        accuracy += event_accuracy(scenario, [node], seconds=request.seconds, seed=request.seed + further)
    return accuracy
