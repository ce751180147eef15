"""Machines with the people counter of the library, three seconds of frames behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from twin.testing.bench import Bench
from twin.testing.budgets import Budgets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from twin.testing.machine import Machine

COUNTER = "people_counter_stm32l4a6zg"
BOARD = "stm32l4a6zg"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(board=BOARD, budgets=Budgets(tmp_path / "baseline.toml"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def counted() -> Iterator[Machine]:
    """A counter that has seen three seconds of an office; tests that go on restore it."""
    made = Bench(board=BOARD)
    machine = made.boot(COUNTER)
    machine.play("office_doorway", seconds=3.0)
    machine.run(0.3)
    yield machine
    made.close()
