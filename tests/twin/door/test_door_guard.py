"""The closed loop of people, camera, firmware and door: both levels agree, and the door obeys the pin alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from twin.door.guard import Judge, guard_in_emulator, guard_on_host
from twin.door.node import PresenceConfig
from twin.door.world import DoorWorld
from twin.emulated_node import NodeFailedError
from twin.host_node import LevelsDisagreeError

if TYPE_CHECKING:
    from mcu_models.firmware.library import Firmware
    from scenarios.guarded_door import GuardedDoorScenario
    from twin.door.guard import GuardLog, Look
    from twin.door.node import DoorNode
    from twin.door.timing import DoorTiming
    from twin.door.world import Sight

SECONDS, SEED = 3.0, 3


def answers(log: GuardLog) -> list[tuple[int, bool, bool]]:
    return [(look.score, look.is_near, look.opens) for look in log.looks]


@pytest.fixture(scope="module")
def emulated(busy_door: GuardedDoorScenario, node: DoorNode, firmware: Firmware) -> tuple[DoorWorld, GuardLog]:
    world = DoorWorld(busy_door, node.camera, SEED)
    return world, guard_in_emulator(world, Judge(node.network), node, firmware.image, seconds=SECONDS)


def test_host_and_emulator_guard_alike(
    emulated: tuple[DoorWorld, GuardLog], busy_door: GuardedDoorScenario, node: DoorNode, timing: DoorTiming
) -> None:
    """Two worlds, each with its own guard: the same frames, scores, decisions and events; pins to 0.1 ms."""
    world, log = emulated
    other = DoorWorld(busy_door, node.camera, SEED)
    host = guard_on_host(other, Judge(node.network), node, timing, seconds=SECONDS, skips_idle=False)
    assert len(log.looks) > 180
    assert answers(host)[: len(log.looks)] == answers(log)
    assert [look.sight.first for look in log.looks] == [look.sight.first for look in host.looks[: len(log.looks)]]
    times_s = [[look.sight.time_s for look in one.looks[: len(log.looks)]] for one in (host, log)]
    assert np.allclose(*times_s, atol=1e-6)
    assert [event.kind for event in world.door.events] == [event.kind for event in other.door.events]
    assert [move.high for move in world.moves] == [move.high for move in other.moves]
    assert np.allclose([move.time_s for move in world.moves], [move.time_s for move in other.moves], atol=1e-4)


def test_somebody_is_looked_at_and_answers_differ(emulated: tuple[DoorWorld, GuardLog]) -> None:
    """Else agreement would say little."""
    _, log = emulated
    assert any(look.sight.queue for look in log.looks)
    assert len({look.score for look in log.looks}) > 10
    assert not log.problems


def test_the_pin_is_the_decision_and_the_door_moves_when_the_pin_does(emulated: tuple[DoorWorld, GuardLog]) -> None:
    world, log = emulated
    opens = [look.opens for look in log.looks]
    turns = [now for before, now in zip([False, *opens], opens, strict=False) if before != now]
    assert [move.high for move in world.moves][: len(turns)] == turns
    opened = [event.time_s for event in world.door.events if event.kind == "opened"]
    assert opened == [move.time_s for move in world.moves if move.high]
    first_s = world.moves[0].time_s if world.moves else SECONDS
    assert all(look.sight.openness == 0 for look in log.looks if look.sight.time_s <= first_s)


class WrongJudge(Judge):
    """A host that takes the network's answer for another one."""

    def look(self, sight: Sight, frame: np.ndarray) -> tuple[Look, np.ndarray]:
        look, picture = super().look(sight, frame)
        return replace(look, score=look.score ^ 1), picture


def test_an_answer_of_the_firmware_that_is_not_the_hosts_is_told(
    busy_door: GuardedDoorScenario, node: DoorNode, firmware: Firmware
) -> None:
    world = DoorWorld(busy_door, node.camera, SEED)
    with pytest.raises(LevelsDisagreeError, match=r"frame 0: firmware \(\d+, 0\), host \(\d+, 0\)"):
        guard_in_emulator(world, WrongJudge(node.network), node, firmware.image, seconds=0.4)


def test_a_board_that_takes_no_frames_is_told(
    busy_door: GuardedDoorScenario, node: DoorNode, firmware: Firmware
) -> None:
    """The camera on the other bus does not answer, so that no frame is ever looked at."""
    camera = node.config.camera.model_copy(update={"bus": "I2C2"})
    other = replace(node, config=node.config.model_copy(update={"camera": camera}))
    with pytest.raises(NodeFailedError, match="looked at no frame"):
        guard_in_emulator(
            DoorWorld(busy_door, node.camera, SEED), Judge(node.network), other, firmware.image, seconds=0.6
        )


def test_idle_frames_are_left_out_on_the_host_and_nobody_is_missed(
    busy_door: GuardedDoorScenario, node: DoorNode, timing: DoorTiming
) -> None:
    quiet = busy_door.model_copy(update={"arrivals": busy_door.arrivals.model_copy(update={"per_hour": 240.0})})
    logs = {}
    for skips in (False, True):
        world = DoorWorld(quiet, node.camera, 1)
        logs[skips] = guard_on_host(world, Judge(node.network), node, timing, seconds=12, skips_idle=skips)
    assert len(logs[True].looks) < len(logs[False].looks)
    seen = [{round(look.sight.time_s, 6) for look in log.looks if look.sight.queue} for log in logs.values()]
    assert seen[0] == seen[1]


def test_a_motion_sensor_powers_the_board_while_people_are_there(
    busy_door: GuardedDoorScenario, node: DoorNode, firmware: Firmware, timing: DoorTiming
) -> None:
    """It looks from a boot after somebody came into sight, at both levels, and its pin falls with its supply."""
    presence = PresenceConfig(hold_s=0.5, load="motion_sensor")
    other = replace(node, config=node.config.model_copy(update={"presence": presence}))
    worlds = [DoorWorld(busy_door, node.camera, SEED) for _ in range(2)]
    host = guard_on_host(worlds[0], Judge(node.network), other, timing, seconds=SECONDS, skips_idle=False)
    board = guard_in_emulator(worlds[1], Judge(node.network), other, firmware.image, seconds=SECONDS)
    came_s = worlds[0].door.events[0].time_s
    assert answers(host)[: len(board.looks)] == answers(board)
    assert board.looks[0].sight.time_s == pytest.approx(came_s + timing.first_frame_s, abs=0.051)
    assert host.on_s == pytest.approx(board.on_s)
    assert 0 < board.on_s < SECONDS


def test_a_motion_sensor_that_holds_shorter_than_a_boot_keeps_the_board_on_while_people_are_there(
    busy_door: GuardedDoorScenario, node: DoorNode, firmware: Firmware, timing: DoorTiming
) -> None:
    """People are seen by the motion sensor also while the camera takes no frames yet."""
    presence = PresenceConfig(hold_s=0.1, load="motion_sensor")
    other = replace(node, config=node.config.model_copy(update={"presence": presence}))
    worlds = [DoorWorld(busy_door, node.camera, SEED) for _ in range(2)]
    host = guard_on_host(worlds[0], Judge(node.network), other, timing, seconds=1.5, skips_idle=False)
    board = guard_in_emulator(worlds[1], Judge(node.network), other, firmware.image, seconds=1.5)
    came_s = worlds[0].door.events[0].time_s
    assert timing.first_frame_s > presence.hold_s
    assert host.on_s == pytest.approx(board.on_s)
    assert host.on_s == pytest.approx(1.5 - came_s, abs=0.051)
    assert len(board.looks) > 10
    assert answers(host)[: len(board.looks)] == answers(board)


def test_the_board_is_off_as_long_after_the_last_has_gone_as_its_motion_sensor_holds(
    busy_door: GuardedDoorScenario, node: DoorNode, timing: DoorTiming
) -> None:
    """At any time it is on if somebody is there, or was within the last half second."""
    few = busy_door.model_copy(
        update={
            "arrivals": busy_door.arrivals.model_copy(update={"per_hour": 600.0, "group_share": 0.0}),
            "behaviour": busy_door.behaviour.model_copy(update={"patience_s": 0.5, "corrects_share": 0.0}),
        }
    )
    presence, seconds = PresenceConfig(hold_s=0.5, load="motion_sensor"), 14.0
    other = replace(node, config=node.config.model_copy(update={"presence": presence}))
    world = DoorWorld(few, node.camera, SEED)
    log = guard_on_host(world, Judge(node.network), other, timing, seconds=seconds)
    left_s = {event.visitor: event.time_s for event in world.door.events if event.kind in ("entered", "gave up")}
    ticks_s = np.arange(0, seconds, 0.01)
    is_on = np.zeros(len(ticks_s), dtype=np.bool_)
    for visitor in world.door.visitors:
        is_on |= (ticks_s >= visitor.came_s) & (ticks_s < left_s.get(visitor.number, seconds) + presence.hold_s)
    turns = int((np.diff(is_on.astype(int)) == 1).sum())
    assert turns > 1
    # Somebody who comes is noticed within a twentieth of a second.
    assert log.on_s == pytest.approx(0.01 * is_on.sum(), abs=0.06 * turns)
