"""Random rooms are scenarios."""

from __future__ import annotations

import numpy as np
import pytest

from scenarios.room import Scenario
from training.random_rooms import random_deployment


@pytest.mark.parametrize("seed", range(30))
def test_every_random_deployment_is_a_valid_scenario(seed: int) -> None:
    deployment = random_deployment(np.random.default_rng(seed))
    assert Scenario.model_validate(deployment.model_dump()) == deployment
