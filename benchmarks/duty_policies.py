"""Duty policies at both levels: what a consumer draws on average by the firmware in emulation and by the host.

Run: python benchmarks/duty_policies.py [MINUTES]
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mcu_models.firmware.library import firmware_for
from mcu_models.power import state_current
from scenarios.room import load_scenario
from scenarios.simulation import simulate
from sensors.recording import Recording
from sensors.sensing import sense
from twin.duty_policy import OpeningConfig, PolicyConfig, duty_policy
from twin.node import load_node
from twin.prediction import run_node

if TYPE_CHECKING:
    from mcu_models.firmware.library import Firmware
    from twin.duty_policy import DutyPolicy
    from twin.emulated_node import NodeTrace
    from twin.node import Node

MINUTES = 10.0
SCENARIO, SEED = "office_doorway", 1
DAY_FRAMES = 864_000
HOURS = {"opens_at": "10:00", "closes_at": "10:05", "power_on_at": "mon 09:59"}
POLICIES: dict[str, dict[str, Any]] = {
    "always on": {},
    "always on, report every 60 s": {"report_every_s": 60.0},
    "gated, 2 s of 60 s, report every 60 s": {"kind": "gated", "period_s": 60.0, "look_s": 2.0, "report_every_s": 60.0},
    "until motion, 1 Hz, 5 s": {"kind": "until_motion", "idle": "1_hz", "motion_degc": 1.0, "hold_s": 5.0},
    "until motion, stand-by 10 s, 5 s": {
        "kind": "until_motion",
        "idle": "standby_10s",
        "motion_degc": 1.0,
        "hold_s": 5.0,
        "report_every_s": 60.0,
    },
    "open 5 min of the run": {"opening": HOURS},
}


def main() -> None:
    """Print both levels and their difference."""
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else MINUTES
    node, scenario = load_node("ceiling_counter"), load_scenario(SCENARIO)
    firmware = firmware_for(node.network, node.board, node.config.app)
    timeline = simulate(scenario, seconds=60 * minutes, seed=SEED)
    recording = sense(timeline, node.mount_in(scenario), node.sensor, seed=SEED)
    print(f"{SCENARIO}, {minutes:g} min, seed {SEED}; average current in uA: emulated, host, difference")
    for name, keys in POLICIES.items():
        _compare(name, replace(node, policy=_policy(node, keys)), firmware, recording)
    _play_a_day(node, firmware, recording)


def _policy(node: Node, keys: dict[str, Any]) -> DutyPolicy:
    config = dict(keys)
    if "opening" in config:
        config["opening"] = OpeningConfig(**config["opening"])
    return duty_policy(Path("node.toml"), PolicyConfig(**config), node.sensor)


def _compare(name: str, node: Node, firmware: Firmware, recording: Recording) -> None:
    began_s = time.perf_counter()
    emulated = run_node(node, firmware, recording, level="emulated")
    between_s = time.perf_counter()
    host = run_node(node, firmware, recording, level="host")
    ended_s = time.perf_counter()
    alike = np.array_equal(emulated.count, host.count)
    print(f"\n{name}: {emulated.span}; {emulated.looked.mean():.1%} of the frames looked at, counts alike: {alike}")
    currents, others = _currents_ua(node, emulated), _currents_ua(node, host)
    for consumer, current_ua in currents.items():
        other_ua = others[consumer]
        print(f"  {consumer:18s}{current_ua:12.4f}{other_ua:12.4f}{other_ua / current_ua - 1:+10.3%}")
    print(f"  computed in {between_s - began_s:.1f} s and {ended_s - between_s:.1f} s")


def _currents_ua(node: Node, trace: NodeTrace) -> dict[str, float]:
    """Return the average current of each consumer."""
    sheet, power = node.sensor, node.board.sheet.power
    draws_a = {"startup": sheet.normal_current_a, "normal": sheet.normal_current_a, "standby": sheet.standby_current_a}
    found = {"sensor": 0.0}
    for (state, sensor), seconds in trace.occupancy_s.items():
        share = seconds / trace.span_s * 1e6
        mcu = f"mcu {state}"
        found[mcu] = found.get(mcu, 0.0) + share * state_current(power, state).typical_a
        found["sensor"] += share * (draws_a[sensor].value if sensor in draws_a else 0.0)
    return {consumer: current_ua for consumer, current_ua in sorted(found.items()) if current_ua > 0}


def _play_a_day(node: Node, firmware: Firmware, recording: Recording) -> None:
    """Print how long the host takes for the frames of a day."""
    chosen = np.arange(DAY_FRAMES) % len(recording.frames)
    day = Recording(np.arange(DAY_FRAMES) / 10, recording.frames[chosen], recording.count[chosen])
    print(f"\na day of {DAY_FRAMES} frames at the host level:")
    for name, keys in POLICIES.items():
        began_s = time.perf_counter()
        run_node(replace(node, policy=_policy(node, keys)), firmware, day, level="host")
        print(f"  {name:40s}{time.perf_counter() - began_s:6.1f} s")


if __name__ == "__main__":
    main()
