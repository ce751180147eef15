"""One short prediction of the library's node at the office's door."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from datasheet.bad_input import BadInputError
from mcu_models.firmware.library import firmware_for
from scenarios.room import load_scenario
from twin.doorway.prediction import DoorwayRequest, predict_doorway
from twin.node import load_node

if TYPE_CHECKING:
    from scenarios.room import Scenario
    from twin.doorway.prediction import DoorwayPrediction
    from twin.node import Node


@pytest.fixture(scope="session")
def office() -> Scenario:
    """Return the office with one door in its south wall."""
    return load_scenario("office_doorway")


@pytest.fixture(scope="session")
def node() -> Node:
    """Return the library's node."""
    return load_node("doorway_counter")


@pytest.fixture(scope="session")
def firmware(node: Node) -> None:
    """Skip where there is neither a reference image nor a compiler."""
    try:
        firmware_for(node.network, node.board, node.config.app)
    except BadInputError as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def prediction(office: Scenario, node: Node, firmware: None) -> DoorwayPrediction:  # noqa: ARG001 - skips
    """Return 60 s of it at host level."""
    return predict_doorway(office, node, DoorwayRequest(seconds=60.0, seed=7, level="host"))
