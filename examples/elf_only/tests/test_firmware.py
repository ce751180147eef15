"""Firmware of which only the ELF is at hand, without a symbol: what comes out of its pins and its UART is enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from twin.testing.bench import Bench


@pytest.mark.twin_backends("unicorn", "renode")
def test_sees_people(twin: Bench) -> None:
    machine = twin.boot("firmware.elf")
    machine.expect_uart("warm pixels", within_s=1.0)
    shown = machine.play("office_doorway", seconds=5)
    assert shown.answers()[shown.truth > 0].max() > 0


def test_answers_in_time_and_sleeps(twin: Bench) -> None:
    machine = twin.boot("firmware.elf")
    machine.play("office_doorway", seconds=3)
    assert machine.latency_s("frame", r"uart /^\d+ \d+$/") < 0.1
    assert machine.sleep_fraction() > 0.95
    twin.assert_budget("3 s of an office", energy_uj=machine.energy_j() * 1e6, flash=machine.flash_bytes)


@pytest.mark.parametrize("seconds", [0.05, 0.5, 2.0])
def test_finds_its_sensor_again(twin: Bench, seconds: float) -> None:
    machine = twin.boot("firmware.elf")
    machine.play("office_doorway", seconds=2)
    machine.inject("i2c_brown_out", until_s=machine.now_s + seconds)
    machine.run(seconds)
    machine.expect_uart(" ", within_s=3.0)
