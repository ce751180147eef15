"""The main job: from scenario and node to accuracy, latency, energy and battery life."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any, Literal

from datasheet.sheet import assumed_keys
from mcu_models.emulators.renode.installation import find_renode
from mcu_models.firmware.library import Firmware, firmware_for
from mcu_models.power import state_current
from mcu_models.timing.validated_error import validated_error
from scenarios.simulation import simulate
from sensors.sensing import sense
from twin.accuracy_prediction import predict_accuracy
from twin.battery import Life, battery_life, charge_bound_s
from twin.emulated_node import NodeTrace, Progress, emulate_node, no_progress, node_rates
from twin.energy import EnergyBudget, energy_budget
from twin.host_node import check_levels, check_sensor, extend_trace, host_count, sample_frames
from twin.latency import Latency, latencies
from twin.metrics import Accuracy, count_accuracy

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mcu_models.emulators.backends import BackendName
    from mcu_models.emulators.virtual_clock import PowerState
    from scenarios.room import Scenario
    from scenarios.timeline import Timeline
    from sensors.mount import Mount
    from sensors.recording import Recording
    from twin.accuracy_prediction import Deployments, PredictedAccuracy
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
        budget: Average currents.
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
    life: Life
    life_without_sensor: Life
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
            "events": {"changes": self.latency.changes, "answered": self.latency.answered},
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
                "mcu": {str(state): seconds for state, seconds in sorted(self.trace.residency_s.items())},
                "sensor": dict(self.trace.sensor_residency_s),
            },
            "memory_bytes": {"flash": self.firmware.flash_bytes, "ram": self.firmware.ram_bytes},
            "provenance": self._provenance(),
        }

    def _energy(self) -> dict[str, Any]:
        powers_w = self.budget.power_by_consumer_w()
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
    mount = node.mount_in(scenario)
    check_sensor(node.network, (node.sensor.rows, node.sensor.columns))
    firmware = firmware_for(node.network, node.board, node.config.app)
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
    """Let the node answer every frame of a recording, at either level."""
    shown = recording if level == "emulated" else sample_frames(recording, node.network)
    bus, address = node.config.sensor.bus, node.config.sensor.address
    rates = None
    if backend == "renode":
        find_renode()  # before the work, not behind it
        rates = node_rates(node.board, firmware.image, shown, node.sensor, bus=bus, address=address)
    trace = emulate_node(
        node.board,
        firmware.image,
        shown,
        node.sensor,
        bus=bus,
        address=address,
        backend=backend,
        rates=rates,
        progress=progress,
    )
    check_levels(trace.count, host_count(node.network, shown.frames))
    return trace if level == "emulated" else extend_trace(trace, host_count(node.network, recording.frames))


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
    budget = energy_budget(node, trace)
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
        accuracy=count_accuracy(recording.count, trace.count),
        deployed=deployed,
        latency=latencies(trace, recording.count, period_s=budget.period_s),
        budget=budget,
        inference_j=inference_s * state_current(power, fastest).typical_a * power.supply_v.value,
        life=battery_life(node.battery, budget.load),
        life_without_sensor=battery_life(node.battery, budget.load_without_sensor),
        sensor_alone_s=charge_bound_s(node.battery, budget.sensor.current.typical_a),
    )


def computing_state(trace: NodeTrace) -> PowerState:
    """Return the state in which the node computes: running at its highest clock."""
    return max((state for state in trace.residency_s if state.mode == "run"), key=lambda state: state.clock_hz)
