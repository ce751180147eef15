"""What is predicted of a node's battery: the node is watched in a scenario, then its battery is lived through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from datasheet.sheet import assumed_keys, quantities
from mcu_models.firmware.library import firmware_for
from mcu_models.power import state_current
from scenarios.room import load_scenario
from scenarios.simulation import simulate
from sensors.sensing import sense
from twin.duty_costs import closed_occupancy, predicted_occupancy
from twin.duty_policy import TICKS_PER_S
from twin.emulated_node import no_progress
from twin.energy.case import lives_of
from twin.energy.changes import possible_changes
from twin.energy.cycle import cycle_of
from twin.energy.forecast import influences, life_range, typical_budget_w
from twin.energy.node_case import YEARS_LIMIT, check_parts, harvester_of, node_case
from twin.energy.node_parts import consumers_of, radio_of
from twin.energy.outlook import BatteryOutlook, Bounds, Discharge
from twin.energy.uncertainty import Typical
from twin.energy.usage import usage_of
from twin.host_node import check_sensor
from twin.node import load_node
from twin.prediction import activity_costs, computing_state, run_node

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datasheet.sheet import Sheet
    from scenarios.room import Scenario
    from twin.duty_costs import ActivityCosts
    from twin.emulated_node import NodeTrace, Progress
    from twin.energy.case import Case
    from twin.energy.node_load import Consumers
    from twin.energy.usage import Usage
    from twin.node import Node

WATCHED_S = 60.0
SEEDS = 3


@dataclass(frozen=True)
class Watched:
    """A node that was watched in a scenario, several times with other people and noise.

    Attributes:
        node: The node.
        scenario: Name of the scenario.
        seconds: How long each time.
        traces: What it did, each time.
        presences: How people came and went, each time.
        costs: What each of its activities costs, also those that its policy never asks for.
    """

    node: Node
    scenario: str
    seconds: float
    traces: tuple[NodeTrace, ...]
    presences: tuple[Presence, ...]
    costs: ActivityCosts


@dataclass(frozen=True)
class Presence:
    """How people came and went under a sensor.

    Attributes:
        share: Share of the time with somebody in view.
        arrivals_per_s: How often somebody came after nobody was there.
    """

    share: float
    arrivals_per_s: float

    def kept_up(self, hold_s: float) -> float:
        """Return the share of the time at full rate if it is held for so long after each visit."""
        return min(self.share + self.arrivals_per_s * hold_s, 1.0)


def watch(
    node: Node,
    scenario: Scenario,
    *,
    seconds: float = WATCHED_S,
    seeds: int = SEEDS,
    seed: int = 1,
    progress: Progress = no_progress,
) -> Watched:
    """Let a node work in a scenario at the host level, once for each seed from `seed` on.

    Raises:
        BadInputError: Scenario and node do not fit.
        NodeFailedError: The firmware did not do its work.
        LevelsDisagreeError: Firmware and host answered differently.
    """
    check_parts(node)
    mount = node.mount_in(scenario)
    check_sensor(node.network, (node.sensor.rows, node.sensor.columns))
    firmware = firmware_for(node.network, node.board, node.config.app)
    rate_hz = node.sensor.fast_frame_rate_hz.value
    recordings = []
    for index in range(seeds):
        timeline = simulate(scenario, seconds=seconds, seed=seed + index, frame_rate_hz=rate_hz)
        recordings.append(sense(timeline, mount, node.sensor, profile=node.config.sensor.noise, seed=seed + index))
    traces = []
    for index, recording in enumerate(recordings):
        progress(index, seeds + 1)
        traces.append(run_node(node, firmware, recording, level="host"))
    progress(seeds, seeds + 1)
    return Watched(
        node=node,
        scenario=scenario.name,
        seconds=seconds,
        traces=tuple(traces),
        presences=tuple(_presence(recording.count, 1 / rate_hz) for recording in recordings),
        costs=activity_costs(node, firmware, recordings[0]),
    )


def _presence(truth: NDArray[np.int64], period_s: float) -> Presence:
    there = truth > 0
    arrivals = np.count_nonzero(there[1:] & ~there[:-1])
    return Presence(float(there.mean()), arrivals / (len(truth) * period_s))


def case_of(node: Node, watched: Watched, years_limit: float = YEARS_LIMIT) -> Case:
    """Return what the battery life of a node follows from, the one that was watched or one with a change.

    A node with another policy is computed in closed form from what its activities cost; how often people come is that
    of the node that was watched.

    Raises:
        BadInputError: Parts of the node do not fit together.
    """
    number = len(watched.traces)
    closed = usage_of([closed_occupancy(watched.costs).share] * number, [0.0] * number, 0.0)
    return node_case(node, _usage(node, watched), closed, years_limit=years_limit)


def _usage(node: Node, watched: Watched) -> Usage:
    """Return how the node spends its time while it is open."""
    computing_s = max(float(np.nanmax(trace.inference_s)) for trace in watched.traces)
    if node is watched.node and node.policy.opening is None:
        shares = [trace.occupancy_s for trace in watched.traces]
        return usage_of(shares, [trace.messages / trace.span_s for trace in watched.traces], computing_s)
    found = [
        predicted_occupancy(
            node.policy,
            watched.costs,
            awake_share=_awake_share(node, watched, trace, presence),
            full_share=_full_share(node, watched, trace, presence),
            changes_per_s=2 * presence.arrivals_per_s,
        )
        for trace, presence in zip(watched.traces, watched.presences, strict=True)
    ]
    return usage_of([one.share for one in found], [one.messages_per_s for one in found], computing_s)


def _awake_share(node: Node, watched: Watched, trace: NodeTrace, presence: Presence) -> float:
    """Return the share of the answers for which the network runs: as seen, or while somebody is in view."""
    if node.config.wake_up_degc != watched.node.config.wake_up_degc:
        return 1.0 if node.config.wake_up_degc is None else presence.share
    return 1.0 if trace.rhythm is None else trace.rhythm.awake_share


def _full_share(node: Node, watched: Watched, trace: NodeTrace, presence: Presence) -> float:
    """Return the share of the time at the sensor's full rate."""
    if node.policy.kind != "until_motion":
        return 1.0
    if node.policy == watched.node.policy and trace.rhythm is not None:
        return trace.rhythm.full_share
    return presence.kept_up(node.policy.hold_ticks / TICKS_PER_S)


def watch_by_name(node: str, scenario: str) -> Watched:
    """Watch a node in a scenario; each is a name of the library or the path of a file.

    Raises:
        BadInputError: One of them does not exist or cannot be used, or they do not fit.
        NodeFailedError: The firmware did not do its work.
        LevelsDisagreeError: Firmware and host answered differently.
    """
    return watch(load_node(node), load_scenario(scenario))


def outlook_of(
    watched: Watched, *, node: Node | None = None, years_limit: float = YEARS_LIMIT, seed: int = 1
) -> BatteryOutlook:
    """Return what is predicted of the battery of a node that has been watched, or of the same node with a change.

    Raises:
        BadInputError: Parts of the node do not fit together, or its battery cannot deliver its pulses.
    """
    node = node or watched.node
    case = case_of(node, watched, years_limit)
    discharge = _discharge(case)
    budget_w = typical_budget_w(case)
    return BatteryOutlook(
        node=node.name,
        title=node.config.title,
        battery=node.battery.title,
        battery_name=node.battery.stem,
        scenario=watched.scenario,
        watched_s=watched.seconds,
        seeds=len(watched.traces),
        looking=_looking(node, watched) * case.open_share,
        life=life_range(case, seed=seed),
        years_limit=years_limit,
        average_power_w=sum(budget_w.values()),
        by_consumer_w=budget_w,
        bounds=bounds_of(case, watched.traces),
        influences=influences(case),
        changes=possible_changes(
            node, float(discharge.time_s[-1]), lambda changed: case_of(changed, watched, years_limit)
        ),
        cycle=cycle_of(node.policy, case.mean(), watched.traces[0].last_period),
        discharge=discharge,
        assumed=assumed_of(node),
    )


def _looking(node: Node, watched: Watched) -> float:
    """Return the share of the frames that the node looks at while it is open."""
    policy = node.policy
    if policy.kind == "gated":
        return policy.look_frames / policy.period_ticks
    if policy.opening is not None or policy != watched.node.policy:
        return 1.0
    return float(np.mean([trace.looked.mean() for trace in watched.traces]))


def bounds_of(case: Case, traces: tuple[NodeTrace, ...]) -> Bounds:
    """Return what no life exceeds, by nominal charge and voltage."""
    battery, board, sensor = case.battery, case.consumers.board, case.consumers.sensor
    mean, trace = case.mean(), traces[0]
    power = board.sheet.power
    inference_s = float(np.nanmean(trace.inference_s))
    per_s = float(np.mean([np.sum(~np.isnan(t.inference_s)) / t.span_s for t in traces])) * case.open_share
    computing_w = state_current(power, computing_state(trace)).typical_a * power.supply_v.value
    resting_w = power.stop2_a.value * power.supply_v.value
    sensor_w = typical_budget_w(mean).get("sensor", 0.0)
    rail_v = case.consumers.rails["sensor"].supply_v
    start_s = sensor.startup_stable_s.value
    return Bounds(
        sensor_alone_s=None if sensor_w == 0 else battery.rated_charge_c * rail_v / sensor_w,
        inference_alone_s=battery.rated_charge_c
        * battery.nominal_v.value
        / (computing_w * inference_s * per_s + resting_w),
        sensor_start_j=sensor.normal_current_a.value * rail_v * start_s,
    )


def assumed_of(node: Node) -> list[str]:
    """Return the keys of all values behind a battery's life that are assumed."""
    consumers = consumers_of(node)
    regulators = {rail.regulator.stem: rail.regulator for rail in consumers.rails.values()}
    sheets: list[Sheet] = [node.sensor, node.board.sheet, node.battery, *regulators.values()]
    if consumers.switch is not None:
        sheets.append(consumers.switch)
    harvester = harvester_of(node)
    if harvester is not None:
        sheets += [harvester.cell, harvester.converter]
    unused = [f"noise.{profile}" for profile in node.sensor.noise]
    keys = [_as_drawn(node, sheet, key) for sheet in sheets for key in assumed_keys(sheet, without=unused)]
    drawn = [draw for draws in consumers.others.values() for draw in draws]
    keys += [draw.key for draw in drawn if draw.quantity.evidence == "assumed"]
    return list(dict.fromkeys([*keys, *_assumed_of_radio(node, consumers)]))


def _assumed_of_radio(node: Node, consumers: Consumers) -> list[str]:
    """Return the assumed times of a radio, which are not drawn from their ranges, and its currents that flow."""
    sheet, parts = radio_of(node), consumers.radio
    if sheet is None or parts is None:
        return []
    phases = (*parts.message, *parts.events)
    flowing = {draw.key for draw in (*parts.idle, *(draw for phase in phases for draw in phase.draws))}
    currents = {f"{sheet.stem}.{key}" for key, quantity in quantities(sheet) if quantity.unit == "A"}
    return [key for key in assumed_keys(sheet) if key not in currents or key in flowing]


def _as_drawn(node: Node, sheet: Sheet, key: str) -> str:
    """Return a key as draws name it: every board's file is called board.toml, so theirs begin with the board's name."""
    return f"{node.board.name}.{key.partition('.')[2]}" if sheet is node.board.sheet else key


def _discharge(case: Case) -> Discharge:
    lives = lives_of(case.mean(), Typical(), history_of=0)
    history = lives.history
    if history is None:
        raise RuntimeError("no history was kept")
    return Discharge(
        time_s=history.time_s,
        charge_left=history.charge_left,
        pulse_v=history.pulse_v,
        needed_v=float(history.needed_v[-1]),
        ends_by=lives.ends_by(),
    )
