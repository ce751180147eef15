"""The main job: from scenario and node to accuracy, latency, energy and battery life."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from datasheet.bad_input import BadInputError
from datasheet.sheet import assumed_keys
from mcu_models.emulators.renode.installation import find_renode
from mcu_models.firmware.library import Firmware, firmware_for
from mcu_models.power import state_current
from mcu_models.timing.validated_error import validated_error
from scenarios.simulation import simulate
from sensors.sensing import sense
from twin.accuracy_prediction import predict_accuracy
from twin.duty_costs import closed_occupancy, predicted_occupancy
from twin.duty_replay import host_trace, replay
from twin.duty_sample import sample_costs
from twin.emulated_node import NodeTrace, Progress, emulate_node, no_progress, node_rates
from twin.energy.budget import EnergyBudget, energy_budget
from twin.energy.forecast import life_range
from twin.energy.node_case import node_case
from twin.energy.usage import usage_of
from twin.host_node import check_levels, check_sensor
from twin.latency import Latency, latencies
from twin.metrics import Accuracy, count_accuracy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from mcu_models.emulators.backends import BackendName
    from mcu_models.emulators.virtual_clock import PowerState
    from scenarios.room import Scenario
    from scenarios.timeline import Timeline
    from sensors.mount import Mount
    from sensors.recording import Recording
    from twin.accuracy_prediction import Deployments, PredictedAccuracy
    from twin.duty_costs import ActivityCosts
    from twin.duty_policy import DutyPolicy
    from twin.duty_sample import Emulate
    from twin.energy.case import Case
    from twin.energy.outlook import LifeRange
    from twin.node import Node

Level = Literal["host", "emulated"]
PACKAGES = ("edge-sensor-twin", "ai-edge-litert", "capstone", "numba", "numpy", "scipy", "simpy", "unicorn")


@dataclass(frozen=True)
class Prediction:
    """What the twin predicts of one node in one scenario, and what it predicted it from.

    Attributes:
        scenario: The scenario.
        node: The node.
        seed: Seed of people, sensor unit and noise.
        level: "host" or "emulated".
        backend: What emulated.
        mount: Where the sensor hung.
        timeline: The people.
        recording: What the sensor saw, with the true counts.
        trace: What the node answered and spent.
        firmware: The firmware that ran.
        accuracy: How well it counted.
        deployed: How well it would count in other deployments of the scenario; None if that was not asked.
        latency: How late it answered.
        budget: Average powers.
        inference_j: Energy of one inference, at the microcontroller's supply.
        life: Battery life.
        life_without_sensor: The same if the sensor drew nothing.
        sensor_alone_s: Time in which the sensor alone would take the whole nominal charge.
    """

    scenario: Scenario
    node: Node
    seed: int
    level: Level
    backend: BackendName
    mount: Mount
    timeline: Timeline
    recording: Recording
    trace: NodeTrace
    firmware: Firmware
    accuracy: Accuracy
    deployed: PredictedAccuracy | None
    latency: Latency
    budget: EnergyBudget
    inference_j: float
    life: LifeRange
    life_without_sensor: LifeRange
    sensor_alone_s: float

    @property
    def count(self) -> NDArray[np.int64]:
        """(N,) people as the node answered; -1 where no answer came."""
        return self.trace.count

    @property
    def span_s(self) -> float:
        """Length of the scenario that was played."""
        return len(self.recording.time_s) * self.budget.period_s

    def as_result(self) -> dict[str, Any]:
        """Return `result.json`."""
        return {
            "accuracy": self.accuracy.as_dict(),
            "accuracy_over_deployments": None if self.deployed is None else self.deployed.as_dict(),
            "latency_s": self.latency.as_dict(),
            "latency_error": validated_error(self.node.board.core).as_dict(),
            "events": self._events(),
            "energy_j": self._energy(),
            "average_power_w": self.budget.average_power_w,
            "battery": {
                "life_s": self.life.life_s,
                "life_s_low": self.life.low_s,
                "life_s_high": self.life.high_s,
                "life_s_without_sensor": self.life_without_sensor.life_s,
                "sensor_alone_empties_s": self.sensor_alone_s,
            },
            "power_states_s": {
                "span": self.trace.span_s,
                "of": self.trace.span,
                "mcu": {str(state): seconds for state, seconds in sorted(self.trace.residency_s.items())},
                "sensor": dict(self.trace.sensor_residency_s),
            },
            "memory_bytes": {"flash": self.firmware.flash_bytes, "ram": self.firmware.ram_bytes},
            "provenance": self._provenance(),
        }

    def _events(self) -> dict[str, float]:
        """Return how often the number of people changed and was answered, and the share of frames looked at."""
        changes, answered = self.latency.changes, self.latency.answered
        return {"changes": changes, "answered": answered, "looked_share": float(self.trace.looked.mean())}

    def _energy(self) -> dict[str, Any]:
        powers_w = self.budget.powers_w
        return {
            "inference": self.inference_j,
            "frame": self.budget.average_power_w * self.budget.period_s,
            "by_consumer": {name: power_w * self.span_s for name, power_w in powers_w.items()},
        }

    def _provenance(self) -> dict[str, Any]:
        node = self.node
        unused = [f"noise.{profile}" for profile in node.sensor.noise if profile != node.config.sensor.noise]
        assumed = [
            *assumed_keys(node.sensor, without=unused),
            *assumed_keys(node.board.sheet),
            *assumed_keys(node.battery),
        ]
        return {
            "scenario": self.scenario.name,
            "node": node.name,
            "seed": self.seed,
            "seconds": self.span_s,
            "level": self.level,
            "backend": self.backend,
            "network_sha256": node.network.sha256,
            "firmware_sha256": self.firmware.image.sha256,
            "compiler": self.firmware.compiler,
            "versions": {package: metadata.version(package) for package in PACKAGES},
            "assumed": assumed,
            "problems": list(self.trace.problems),
        }


def predict(
    scenario: Scenario,
    node: Node,
    *,
    seconds: float,
    seed: int,
    level: Level = "emulated",
    backend: BackendName = "unicorn",
    deployments: Deployments | None = None,
    progress: Progress = no_progress,
) -> Prediction:
    """Play a scenario in front of a node and predict accuracy, latency, energy and battery life.

    Args:
        scenario: The room and its people.
        node: What hangs in it.
        seconds: How long the scenario runs.
        seed: Everything random follows from it.
        level: "emulated" sends every frame through the firmware and checks each answer against the host;
            "host" computes the answers on the host and charges what an emulated sample of the frames cost.
        backend: What emulates.
        deployments: Further deployments of the scenario that the accuracy's interval is taken from; None takes none.
        progress: Hears how many frames are done.

    Raises:
        BadInputError: Scenario and node do not fit, or something they name cannot be used.
        NodeFailedError: The firmware did not do its work.
        LevelsDisagreeError: Firmware and host answered differently.
    """
    if node.network.counts_passages:
        allowed = "counts who passes a door, not who is there; `twin run` and twin.doorway predict it"
        raise BadInputError(node.path, "network", node.config.network, allowed)
    mount = node.mount_in(scenario)
    check_sensor(node.network, (node.sensor.rows, node.sensor.columns))
    firmware = firmware_for(node.network, node.board, node.config.app)
    firmware = replace(firmware, image=node.policy.applied_to(firmware.image))
    timeline = simulate(scenario, seconds=seconds, seed=seed, frame_rate_hz=node.sensor.fast_frame_rate_hz.value)
    recording = sense(timeline, mount, node.sensor, profile=node.config.sensor.noise, seed=seed)
    trace = run_node(node, firmware, recording, level=level, backend=backend, progress=progress)
    deployed = None
    if deployments is not None:
        deployed = predict_accuracy(node.network, [(scenario, mount)], node.sensor, deployments)
    return _evaluate(scenario, node, seed, level, backend, mount, timeline, recording, trace, firmware, deployed)


def run_node(
    node: Node,
    firmware: Firmware,
    recording: Recording,
    *,
    level: Level,
    backend: BackendName = "unicorn",
    progress: Progress = no_progress,
) -> NodeTrace:
    """Let the node follow its duty policy in front of a recording, at either level."""
    if backend == "renode":
        find_renode()  # before the work, not behind it
    emulate = _emulation(node, firmware, backend, progress)
    if level == "host":
        sampled = sample_costs(node.network, node.policy, recording, emulate)
        played = replay(node.network, node.policy, recording)
        return host_trace(played, sampled.costs, sampled.trace, sampled.awake)
    trace = emulate(recording, node.policy, None)
    played = replay(node.network, node.policy, recording)
    check_levels(trace.count, played.answers)
    return replace(trace, looked=played.looked, rhythm=played.rhythm())


def activity_costs(node: Node, firmware: Firmware, recording: Recording) -> ActivityCosts:
    """Return what each activity costs the node, also those that its own policy never asks for.

    Raises:
        BadInputError: The node's firmware follows no policies.
    """
    if node.network.counts_passages:
        allowed = "counts who passes a door, by no policy; `twin run` says how long the battery lasts"
        raise BadInputError(node.path, "network", node.config.network, allowed)
    emulate = _emulation(node, firmware, "unicorn", no_progress)
    return sample_costs(node.network, node.policy, recording, emulate, everything=True).costs


def _emulation(node: Node, firmware: Firmware, backend: BackendName, progress: Progress) -> Emulate:
    bus, address = node.config.sensor.bus, node.config.sensor.address

    def emulate(shown: Recording, policy: DutyPolicy, tick_ends: list[Mapping[PowerState, float]] | None) -> NodeTrace:
        rates = None
        if backend == "renode":
            rates = node_rates(node.board, firmware.image, shown, node.sensor, bus=bus, address=address, policy=policy)
        return emulate_node(
            node.board,
            firmware.image,
            shown,
            node.sensor,
            policy=policy,
            bus=bus,
            address=address,
            backend=backend,
            rates=rates,
            progress=progress,
            tick_ends=tick_ends,
        )

    return emulate


def _evaluate(
    scenario: Scenario,
    node: Node,
    seed: int,
    level: Level,
    backend: BackendName,
    mount: Mount,
    timeline: Timeline,
    recording: Recording,
    trace: NodeTrace,
    firmware: Firmware,
    deployed: PredictedAccuracy | None,
) -> Prediction:
    case = _case(node, firmware, recording, trace)
    budget = energy_budget(case, period_s=1.0 / node.sensor.fast_frame_rate_hz.value, seed=seed)
    fastest = computing_state(trace)
    power = node.board.sheet.power
    inference_s = float(trace.inference_s[trace.count >= 0].mean())
    return Prediction(
        scenario=scenario,
        node=node,
        seed=seed,
        level=level,
        backend=backend,
        mount=mount,
        timeline=timeline,
        recording=recording,
        trace=trace,
        firmware=firmware,
        accuracy=count_accuracy(recording.count[trace.looked], trace.count[trace.looked]),
        deployed=deployed,
        latency=latencies(trace, recording.count, period_s=budget.period_s),
        budget=budget,
        inference_j=inference_s * state_current(power, fastest).typical_a * power.supply_v.value,
        life=life_range(case, seed=seed),
        life_without_sensor=life_range(case.without_sensor(), seed=seed),
        sensor_alone_s=node.battery.rated_charge_c / budget.sensor_a if budget.sensor_a > 0 else math.inf,
    )


def _case(node: Node, firmware: Firmware, recording: Recording, trace: NodeTrace) -> Case:
    """Return what the battery's life follows from, if the node goes on as in this run."""
    computing_s = float(np.nanmax(trace.inference_s))
    usage, closed = usage_of([trace.occupancy_s], [trace.messages / trace.span_s], computing_s), None
    if node.policy.opening is not None:
        costs, rhythm = activity_costs(node, firmware, recording), trace.rhythm
        found = predicted_occupancy(node.policy, costs, **({} if rhythm is None else asdict(rhythm)))
        usage = usage_of([found.share], [found.messages_per_s], computing_s)
        closed = usage_of([closed_occupancy(costs).share], [0.0], 0.0)
    return node_case(node, usage, closed)


def computing_state(trace: NodeTrace) -> PowerState:
    """Return the state in which the node computes: running at its highest clock."""
    return max((state for state in trace.residency_s if state.mode == "run"), key=lambda state: state.clock_hz)
