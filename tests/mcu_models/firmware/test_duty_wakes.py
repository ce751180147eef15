"""How often the people counter wakes its core: as often as frames come, and every two seconds when none do."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from mcu_models.boards.board import find_board
from mcu_models.emulators.unicorn_backend import UnicornEmulator
from mcu_models.firmware.library import find_image
from sensors.amg8833 import Amg8833
from sensors.grid_eye_sheet import load_grid_eye
from sensors.recording import Recording
from twin.duty_policy import RADIO_PIN, SENSOR_SWITCH, OpeningConfig, PolicyConfig, duty_policy
from twin.emulated_node import TIMING_PIN

if TYPE_CHECKING:
    from mcu_models.emulators.port import PinEdge

BOARD, IMAGE = "stm32l4a6zg", "people_counter_stm32l4a6zg"
NAMES = {TIMING_PIN: "count", SENSOR_SWITCH: "power", RADIO_PIN: "radio"}
GATED = {"kind": "gated", "period_s": 30.0, "look_s": 0.2, "report_every_s": 60.0}
HOURS = {"opens_at": "08:00", "closes_at": "08:01", "days": ("mon", "tue"), "power_on_at": "mon 07:59"}


@dataclass
class Bench:
    """A people counter in front of an empty room."""

    emulator: UnicornEmulator
    device: Amg8833
    edges: list[tuple[float, str]] = field(default_factory=list)

    def see(self, edge: PinEdge) -> None:
        name = NAMES[edge.port, edge.pin]
        if name == "power":
            (self.device.power_on if edge.high else self.device.power_off)(edge.time_s)
            self.edges.append((edge.time_s, "on" if edge.high else "off"))
        elif edge.high:
            self.edges.append((edge.time_s, name))

    def named(self, *names: str) -> list[float]:
        return [time_s for time_s, name in self.edges if name in names]

    def wakes(self, seconds: float) -> int:
        """Return how often the core wakes in some time, of which it runs no longer than a wake without work takes."""
        until_s, times, before = self.emulator.now_s + seconds, 0, self._awake_s()
        while self.emulator.now_s < until_s:
            self.emulator.run(until_s=self.emulator.now_s + 0.05)
            awake_s = self._awake_s()
            times += awake_s > before
            before = awake_s
        return times

    def _awake_s(self) -> float:
        return sum(seconds for state, seconds in self.emulator.residency_s().items() if state.mode != "stop2")


def bench(**keys: Any) -> Bench:
    opening = keys.pop("opening", None)
    config = PolicyConfig(**keys, **({} if opening is None else {"opening": OpeningConfig(**opening)}))
    policy = duty_policy(Path("node.toml"), config, load_grid_eye())
    recording = Recording(np.zeros(1), np.full((1, 8, 8), 22.0, np.float32), np.zeros(1, np.int64))
    device = Amg8833(recording, sheet=load_grid_eye())
    emulator = UnicornEmulator(find_board(BOARD), policy.applied_to(find_image(IMAGE)))
    emulator.attach_i2c("I2C1", device)
    found = Bench(emulator, device)
    emulator.on_pin_edge(found.see)
    if policy.has_switch:
        device.power_off(0.0)
    return found


def test_a_gated_node_powers_its_sensor_once_a_period_and_sleeps_between() -> None:
    node = bench(**GATED)
    node.emulator.run(until_s=78.0)
    on, off, count = node.named("on"), node.named("off"), node.named("count")
    assert np.diff(on) == pytest.approx(30.0, abs=1e-3)
    assert count[0] - on[0] == pytest.approx(15.1, abs=0.01)
    assert [end - begin for begin, end in zip(on, off, strict=False)] == pytest.approx([15.2] * len(off), abs=0.01)
    assert len(count) == 2 * len(off)
    assert len(node.named("radio")) == 1
    assert node.wakes(9.9) == 5
    assert node.emulator.problems == ()


def test_a_slow_sensor_is_read_as_often_as_it_has_frames() -> None:
    node = bench(kind="until_motion", idle="1_hz", motion_degc=1.0, hold_s=1.0)
    node.emulator.run(until_s=30.0)
    begun = len(node.named("count"))
    assert node.wakes(10.0) == 10
    assert len(node.named("count")) - begun == 10


def test_a_closed_node_does_nothing_until_it_opens() -> None:
    """Powered on a minute before it opens for a minute, and then asleep for a day."""
    node = bench(report_every_s=10.0, opening=HOURS)
    node.emulator.run(until_s=10.0)
    assert node.wakes(20.0) == 10
    node.emulator.run(until_s=140.0)
    (on,), (off,) = node.named("on"), node.named("off")
    assert off - on == pytest.approx(60.0, abs=0.02)
    assert len(node.named("count")) == 600 - 151
    assert len(node.named("radio")) == 5
    node.emulator.run(until_s=off + 86_400 - 60.5)
    assert len(node.named("on")) == 1
    node.emulator.run(until_s=off + 86_400 - 59.5)
    assert len(node.named("on")) == 2
    assert node.emulator.problems == ()
    assert not node.emulator.resets


def test_a_node_that_is_always_on_drives_the_timing_pin_alone() -> None:
    node = bench()
    node.emulator.run(until_s=20.0)
    assert {name for _, name in node.edges} == {"count"}


def test_a_node_whose_sensor_does_not_come_up_tries_until_it_does() -> None:
    node = bench(**GATED)
    node.emulator.run(until_s=20.0)
    power_on, node.device.power_on = node.device.power_on, lambda _time_s: None  # type: ignore[method-assign]
    node.emulator.run(until_s=45.0)
    assert len(node.named("count")) == 2
    node.device.power_on = power_on  # type: ignore[method-assign]
    node.device.power_on(node.emulator.now_s)
    node.emulator.run(until_s=100.0)
    assert len(node.named("count")) > 2
    assert any(line.text == "sensor does not answer" for line in node.emulator.uart_lines())
