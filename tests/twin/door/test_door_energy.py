"""Power of a camera at a door: the sum of its parts, the published current, and what presence saves."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from twin.door.energy import door_power
from twin.door.node import load_door_node
from twin.energy.regulator import load_regulator

if TYPE_CHECKING:
    from twin.door.node import DoorNode
    from twin.door.timing import DoorTiming

PUBLISHED_A = 0.150
"""OpenMV Cam H7: less than 150 mA while active, openmv-cam-h7.yaml."""


def test_the_board_draws_what_is_published(node: DoorNode, timing: DoorTiming) -> None:
    """Microcontroller by its states and the camera: nothing of it was fitted to the board's figure."""
    typical_a, low_a, high_a = door_power(node, timing, on_share=1.0, seed=1).on_current_a
    assert low_a < PUBLISHED_A < high_a
    assert typical_a == pytest.approx(PUBLISHED_A, rel=0.1)


def test_currents_are_the_sheets(node: DoorNode, timing: DoorTiming) -> None:
    """By hand: (5.4 mA + 0.294 mA/MHz x 480 MHz) while running, (5.4 + 0.070 x 480) asleep, 36.4 mA of camera."""
    shares = {state.mode: share for state, share in timing.residency.items()}
    assert sum(shares.values()) == pytest.approx(1)
    by_hand_a = shares["run"] * 0.14652 + shares["sleep"] * 0.0390 + 0.0364
    assert door_power(node, timing, on_share=1.0, seed=1).on_current_a[0] == pytest.approx(by_hand_a, rel=1e-3)


def test_consumers_add_up_to_what_the_battery_gives(node: DoorNode, timing: DoorTiming) -> None:
    """Through a converter of about 90 %: the board's 5 V times its current over that, and the quiescent current."""
    power = door_power(node, timing, on_share=1.0, seed=1)
    assert power.average_power_w == pytest.approx(sum(power.powers_w.values()))
    assert power.average_power_w == pytest.approx(5.0 * power.on_current_a[0] / 0.905, rel=0.01)
    assert power.low_w < power.average_power_w < power.high_w
    assert power.life is not None
    assert power.life.life_s == pytest.approx(36e3 * 3.7 * 0.95 / power.average_power_w, rel=0.1)


def test_on_the_mains_there_is_no_life(node: DoorNode, timing: DoorTiming) -> None:
    mains = replace(node, battery=None, regulator=load_regulator("direct"))
    power = door_power(mains, timing, on_share=1.0, seed=1)
    assert power.life is None
    assert power.average_power_w == pytest.approx(5.0 * power.on_current_a[0])


def test_presence_saves_the_time_in_which_nobody_is_there(timing: DoorTiming) -> None:
    node = load_door_node("mask_camera_presence")
    always, seldom = (door_power(node, timing, on_share=share, seed=1) for share in (1.0, 0.2))
    assert always.life is not None
    assert seldom.life is not None
    assert seldom.powers_w["microcontroller"] == pytest.approx(0.2 * always.powers_w["microcontroller"])
    motion = next(name for name in seldom.powers_w if "motion" in name)
    assert seldom.powers_w[motion] == pytest.approx(65e-6 * 5.0)
    assert 4 < seldom.life.life_s / always.life.life_s < 5.2


def test_an_inference_and_a_frame_cost_their_time_times_power(node: DoorNode, timing: DoorTiming) -> None:
    power = door_power(node, timing, on_share=1.0, seed=1)
    assert power.inference_j == pytest.approx(timing.steps_s["inference"] * 0.14652 * 3.3, rel=1e-3)
    assert power.frame_j == pytest.approx(power.on_current_a[0] * 5.0 * timing.period_s)
