"""The doorway counter behind a sensor that was silent: behind a second nobody knows who has turned back."""

from __future__ import annotations

import numpy as np
import pytest

from twin.testing.bench import Bench

IMAGE, BOARD = "doorway_counter_stm32l4a6zg", "stm32l4a6zg"
ROOM = 22.0 + np.random.default_rng(1).normal(0.0, 0.3, (100, 8, 8))
PIXELS = 64
AGES_AT = PIXELS * (4 + 2)
"""Of the background's ages, a byte for each pixel, behind its values and means: kernels/hold_zero.h."""


@pytest.mark.parametrize(("silent_s", "is_forgotten"), [(0.5, False), (2.0, True)])
def test_what_was_known_is_forgotten_behind_a_long_silence_alone(silent_s: float, *, is_forgotten: bool) -> None:
    machine = Bench(board=BOARD).boot(IMAGE)
    machine.play(ROOM, run=False)
    machine.run(18.75)
    before = sum(" IN " in line.text for line in machine.uart_lines())
    assert before > 5
    machine.inject("i2c_stuck", seconds=silent_s)
    machine.run(silent_s + 1.0)
    answers = sum(" IN " in line.text for line in machine.uart_lines())
    assert answers > before
    address = machine.emulator.image.symbols["passages_background"] + AGES_AT
    age = answers - before if is_forgotten else answers
    assert bytes(machine.emulator.read_memory(address, PIXELS)) == bytes([age]) * PIXELS
