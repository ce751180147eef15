"""Duty policies at both levels: the same answers frame by frame, and each consumer's time within 1 %."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from mcu_models.firmware.library import firmware_for
from scenarios.room import load_scenario
from scenarios.simulation import simulate
from sensors.recording import Recording
from sensors.sensing import sense
from twin.duty_costs import Occupancy, closed_occupancy, predicted_occupancy
from twin.duty_policy import ALWAYS_ON, DutyPolicy, OpeningConfig, PolicyConfig, duty_policy
from twin.emulated_node import NodeFailedError, NodeTrace
from twin.node import Node, load_node
from twin.prediction import activity_costs, run_node

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcu_models.firmware.library import Firmware
    from twin.duty_costs import ActivityCosts

SECONDS = 90
OPENING = {"opens_at": "10:00", "closes_at": "10:01", "power_on_at": "mon 09:59"}
POLICIES: dict[str, dict[str, Any]] = {
    "always on": {},
    "always on, reports": {"report_every_s": 10.0},
    "gated": {"kind": "gated", "period_s": 20.0, "look_s": 1.5},
    "gated, reports": {"kind": "gated", "period_s": 20.0, "look_s": 0.1, "report_every_s": 40.0},
    "1 Hz": {"kind": "until_motion", "idle": "1_hz", "motion_degc": 1.0, "hold_s": 2.0},
    "stand-by": {
        "kind": "until_motion",
        "idle": "standby_10s",
        "motion_degc": 1.0,
        "hold_s": 0.5,
        "report_every_s": 20.0,
    },
    "opening": {"opening": OPENING},
    "gated, opening": {"kind": "gated", "period_s": 20.0, "look_s": 1.5, "report_every_s": 40.0, "opening": OPENING},
    "motion, opening": {
        "kind": "until_motion",
        "idle": "1_hz",
        "motion_degc": 1.0,
        "hold_s": 2.0,
        "report_every_s": 30.0,
        "opening": OPENING,
    },
}
WITHIN = 0.01


def policy_of(keys: dict[str, Any], *, has_radio: bool = False) -> DutyPolicy:
    config = dict(keys)
    if "opening" in config:
        config["opening"] = OpeningConfig(**config["opening"])
    return duty_policy(
        Path("node.toml"), PolicyConfig(**config), load_node("ceiling_counter").sensor, has_radio=has_radio
    )


@pytest.fixture(scope="module")
def node() -> Node:
    return load_node("ceiling_counter")


@pytest.fixture(scope="module")
def firmware(node: Node) -> Firmware:
    return firmware_for(node.network, node.board, node.config.app)


@pytest.fixture(scope="module")
def recording(node: Node) -> Recording:
    scenario = load_scenario("office_doorway")
    return sense(simulate(scenario, seconds=SECONDS, seed=1), node.mount_in(scenario), node.sensor, seed=1)


@pytest.fixture(scope="module")
def costs(node: Node, firmware: Firmware, recording: Recording) -> ActivityCosts:
    return activity_costs(node, firmware, recording)


def of_mcu(occupancy_s: Mapping[Any, float]) -> dict[Any, float]:
    found: dict[Any, float] = {}
    for (state, _), seconds in occupancy_s.items():
        found[state] = found.get(state, 0.0) + seconds
    return found


def of_sensor(occupancy_s: Mapping[Any, float]) -> dict[str, float]:
    return of_mcu({(sensor, state): seconds for (state, sensor), seconds in occupancy_s.items()})


def assert_alike(first: Mapping[Any, float], second: Mapping[Any, float]) -> None:
    for state in {*first, *second}:
        assert first.get(state, 0.0) == pytest.approx(second.get(state, 0.0), rel=WITHIN, abs=1e-9), state


@pytest.mark.parametrize("name", POLICIES)
def test_both_levels_answer_alike_and_spend_alike(
    name: str, node: Node, firmware: Firmware, recording: Recording
) -> None:
    """`run_node` itself compares firmware and host frame by frame at the emulated level."""
    own = replace(node, policy=policy_of(POLICIES[name]))
    emulated = run_node(own, firmware, recording, level="emulated")
    host = run_node(own, firmware, recording, level="host")
    assert np.array_equal(emulated.count, host.count)
    assert np.array_equal(emulated.looked, host.looked)
    assert (emulated.count[emulated.looked] >= 0).all()
    assert (emulated.count[~emulated.looked] == -1).all()
    assert (emulated.messages, emulated.power_ups) == (host.messages, host.power_ups)
    assert emulated.span_s == pytest.approx(host.span_s, rel=1e-3)
    assert_alike(_shares(emulated.residency_s, emulated), _shares(host.residency_s, host))
    assert_alike(_shares(emulated.sensor_residency_s, emulated), _shares(host.sensor_residency_s, host))
    for trace in (emulated, host):
        assert_alike(of_mcu(trace.occupancy_s), trace.residency_s)
        assert_alike(of_sensor(trace.occupancy_s), trace.sensor_residency_s)
        assert sum(trace.occupancy_s.values()) == pytest.approx(trace.span_s, rel=1e-9)
    told = np.isfinite(emulated.answer_delay_s)
    assert np.array_equal(told, emulated.looked)
    assert np.allclose(emulated.answer_delay_s[told], host.answer_delay_s[told], atol=0.005)
    assert emulated.problems == ()


def _shares(seconds: Mapping[Any, float], trace: NodeTrace) -> dict[Any, float]:
    return {state: one / trace.span_s for state, one in seconds.items()}


@pytest.mark.parametrize("name", ["always on", "always on, reports", "gated", "gated, reports", "1 Hz"])
def test_the_closed_form_agrees_with_the_emulated_run(
    name: str, node: Node, firmware: Firmware, recording: Recording, costs: ActivityCosts
) -> None:
    policy = policy_of(POLICIES[name])
    trace = run_node(replace(node, policy=policy), firmware, recording, level="emulated")
    rhythm = trace.rhythm
    assert rhythm is not None
    found = predicted_occupancy(
        policy,
        costs,
        awake_share=rhythm.awake_share,
        full_share=rhythm.full_share,
        changes_per_s=rhythm.changes_per_s,
        number_digits=_digits(policy, int(trace.looked.sum())),
    )
    assert sum(found.share.values()) == pytest.approx(1)
    assert_alike(of_mcu(found.share), {s: t / trace.span_s for s, t in trace.residency_s.items()})
    assert_alike(of_sensor(found.share), {s: t / trace.span_s for s, t in trace.sensor_residency_s.items()})
    assert found.messages_per_s == pytest.approx(trace.messages / trace.span_s)
    assert found.power_ups_per_s == pytest.approx(trace.power_ups / trace.span_s)


def _digits(policy: DutyPolicy, answers: int) -> float:
    """Return the mean number of digits of what is sent before the counts."""
    told_at_once = max(policy.report_every, 1) * max(policy.look_frames, 1) if policy.report_every else 1
    return float(np.mean([len(str(number)) for number in range(0, answers, told_at_once)]))


def test_a_closed_node_wakes_every_two_seconds_and_no_more(costs: ActivityCosts) -> None:
    closed: Occupancy = closed_occupancy(costs)
    assert {sensor for _, sensor in closed.share} == {"off"}
    assert max(closed.share.values()) > 0.99999
    assert sum(closed.share.values()) == pytest.approx(1)
    assert (closed.messages_per_s, closed.power_ups_per_s) == (0, 0)


def test_a_gated_sensor_is_on_while_it_settles_and_is_looked_at(
    node: Node, firmware: Firmware, recording: Recording
) -> None:
    """Whole cycles: 15 s of settling and 1.5 s of looks in every 20 s, wherever in a cycle the recording ends."""
    trace = run_node(replace(node, policy=policy_of(POLICIES["gated"])), firmware, recording, level="emulated")
    assert trace.span_s == pytest.approx(80, abs=1e-3)
    assert (trace.power_ups, trace.messages) == (4, 0)
    assert trace.sensor_residency_s["off"] == pytest.approx(4 * (20 - 16.5), abs=0.05)
    assert trace.sensor_residency_s["startup"] == pytest.approx(4 * 0.05)
    assert trace.sensor_residency_s["standby"] == trace.sensor_residency_s["sleep"] == 0
    assert np.flatnonzero(trace.looked).tolist() == [
        frame for look in range(0, 10 * SECONDS, 200) for frame in range(look, look + 15)
    ]


def test_a_short_recording_still_gives_a_whole_cycle(node: Node, firmware: Firmware, recording: Recording) -> None:
    short = Recording(recording.time_s[:50], recording.frames[:50], recording.count[:50])
    policy = policy_of({"kind": "gated", "period_s": 300.0, "look_s": 1.0})
    for level in ("emulated", "host"):
        trace = run_node(replace(node, policy=policy), firmware, short, level=level)  # type: ignore[arg-type]
        assert trace.span_s == pytest.approx(300, abs=1e-3)
        assert trace.power_ups == 1


def test_lines_are_messages_for_a_node_with_a_radio_only(node: Node, firmware: Firmware, recording: Recording) -> None:
    short = Recording(recording.time_s[:50], recording.frames[:50], recording.count[:50])
    for has_radio, messages in ((False, 0), (True, 49)):
        own = replace(node, policy=replace(ALWAYS_ON, has_radio=has_radio))
        for level in ("emulated", "host"):
            assert run_node(own, firmware, short, level=level).messages == messages  # type: ignore[arg-type]


def test_a_long_report_leaves_in_pieces_between_frames(node: Node, firmware: Firmware, recording: Recording) -> None:
    """600 digits take 52 ms and leave in two ticks; no frame is missed meanwhile."""
    policy = policy_of({"report_every_s": 60.0})
    trace = run_node(replace(node, policy=policy), firmware, recording, level="emulated")
    assert trace.looked.all()
    assert trace.messages == 1
    assert trace.answer_delay_s[0] == pytest.approx(60.0, abs=0.1)
    assert trace.answer_delay_s[599] == pytest.approx(0.16, abs=0.01)


def test_a_node_that_never_opens_says_so(node: Node, firmware: Firmware, recording: Recording) -> None:
    late = policy_of({"opening": {**OPENING, "power_on_at": "mon 12:00"}})
    with pytest.raises(NodeFailedError, match="looks at none of the 900 frames"):
        run_node(replace(node, policy=late), firmware, recording, level="host")
