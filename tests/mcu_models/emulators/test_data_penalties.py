"""Charging data accesses by the mean of their edge, held against watching each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mcu_models.boards.board import find_board
from mcu_models.emulators import data_penalties, native_hook
from mcu_models.emulators.bare_core import BareCore
from mcu_models.firmware.library import find_image

if TYPE_CHECKING:
    from mcu_models.emulators.bare_core import Penalties


@pytest.fixture
def short_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all phases pass within a few inferences of the people counter's network."""
    monkeypatch.setattr(data_penalties, "FIRST_INSTRUCTIONS", 40_000)
    monkeypatch.setattr(data_penalties, "LOOK_INSTRUCTIONS", 20_000)
    monkeypatch.setattr(data_penalties, "MEASURED_INSTRUCTIONS", 20_000)
    monkeypatch.setattr(data_penalties, "WARMING_INSTRUCTIONS", 2_000)
    monkeypatch.setattr(data_penalties, "REUSED_INSTRUCTIONS", (100_000, 200_000))


def inferences(penalties: Penalties, count: int) -> tuple[list[int], set[int]]:
    """Return the cycles of some inferences, and the phases they went through."""
    core = BareCore(find_board("stm32l4a6zg"), find_image("people_counter_stm32l4a6zg"), penalties=penalties)
    cycles, phases = [], set()
    for _ in range(count):
        cycles.append(core.call("network_run", 0x20000000, 0x20001000).cycles)
        phases.add(core._hook.phase)
    return cycles, phases


@pytest.mark.usefixtures("short_windows")
def test_reused_penalties_agree_with_those_of_every_access() -> None:
    reused, phases = inferences("reused", 60)
    exact, _ = inferences("exact", 60)
    assert phases >= {native_hook.MEASURING, native_hook.REUSING}
    assert sum(reused) == pytest.approx(sum(exact), rel=0.002)


@pytest.mark.usefixtures("short_windows")
def test_what_is_reused_is_not_nothing() -> None:
    reused, _ = inferences("reused", 30)
    without, _ = inferences("none", 30)
    assert min(reused) > 1.01 * max(without)


@pytest.mark.usefixtures("short_windows")
def test_two_runs_charge_the_same() -> None:
    assert inferences("reused", 40) == inferences("reused", 40)


def test_few_instructions_are_all_watched() -> None:
    reused, phases = inferences("reused", 3)
    assert phases == {native_hook.MEASURING}
    assert reused == inferences("exact", 3)[0]
