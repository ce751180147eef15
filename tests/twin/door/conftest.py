"""A camera that guards a busy door, with firmware built once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mcu_models.firmware.library import firmware_for
from scenarios.guarded_door import load_guarded_door
from twin.door.node import WIRING, load_door_node
from twin.door.timing import measure_timing

if TYPE_CHECKING:
    from mcu_models.firmware.library import Firmware
    from scenarios.guarded_door import GuardedDoorScenario
    from twin.door.node import DoorNode
    from twin.door.timing import DoorTiming

NODE, DOOR = "mask_camera", "mask_door"


@pytest.fixture(scope="session")
def busy_door() -> GuardedDoorScenario:
    """Return the library's door with people from the first second on."""
    door = load_guarded_door(DOOR)
    return door.model_copy(update={"arrivals": door.arrivals.model_copy(update={"per_hour": 1800.0})})


@pytest.fixture(scope="session")
def node() -> DoorNode:
    return load_door_node(NODE)


@pytest.fixture(scope="session")
def firmware(node: DoorNode) -> Firmware:
    return firmware_for(node.network, node.board, node.config.app)


@pytest.fixture(scope="session")
def timing(node: DoorNode, firmware: Firmware) -> DoorTiming:
    return measure_timing(node.board, firmware.image, **WIRING)
