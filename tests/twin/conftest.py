"""One short prediction for all tests that only look at predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios.room import load_scenario
from twin.node import load_node
from twin.prediction import predict

if TYPE_CHECKING:
    from twin.prediction import Prediction


@pytest.fixture(scope="session")
def prediction() -> Prediction:
    """Return what the library's node does in the library's office in 12 seconds, at host level."""
    return predict(load_scenario("office_doorway"), load_node("ceiling_counter"), seconds=12, seed=1, level="host")
