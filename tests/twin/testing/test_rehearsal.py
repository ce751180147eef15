"""How fast firmware executes, learnt from its beginning under the cycle model."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

import pytest

from datasheet.bad_input import BadInputError
from mcu_models.emulators.renode.installation import is_renode_there
from mcu_models.emulators.renode.instruction_rates import instruction_rates
from mcu_models.emulators.unicorn_backend import UnicornEmulator
from twin.testing.bench import Bench
from twin.testing.rehearsal import Rehearsal
from twin.testing.stimuli import stimulus_of
from twin.uart_script import never

if TYPE_CHECKING:
    from twin.testing.machine import Machine

COUNTER, BOARD = "people_counter_stm32l4a6zg", "stm32l4a6zg"
RUN_HZ = 80_000_000


def test_the_pace_is_that_of_the_run_which_follows(counted: Machine) -> None:
    assert isinstance(counted.emulator, UnicornEmulator)
    rehearsal = Rehearsal()
    rehearsal.played(partial(stimulus_of, "office_doorway", seconds=3.0))
    learnt = rehearsal.rates(counted.emulator, never)
    executed = instruction_rates(counted.emulator.executed())
    assert learnt[RUN_HZ] == pytest.approx(executed[RUN_HZ], rel=1e-3)
    assert 0.3 < learnt[RUN_HZ] / RUN_HZ < 0.9


class Silent:
    """A device that acknowledges nothing, and counts how often it was asked; all of a kind together, too."""

    address = 0x69
    asked_of_all = 0

    def __init__(self) -> None:
        self.asked = 0

    def begin(self, _time_s: float, *, read: bool) -> bool:
        del read
        self.asked += 1
        type(self).asked_of_all += 1
        return False

    def write(self, _time_s: float, _byte: int) -> bool:
        return False

    def read(self, _time_s: float) -> int:
        return 0

    def end(self, _time_s: float) -> None:
        pass


def test_a_device_is_rehearsed_with_but_not_changed(counted: Machine) -> None:
    device, rehearsal = Silent(), Rehearsal()
    rehearsal.attached("I2C1", device)
    rehearsal.rates(counted.emulator, never)
    assert Silent.asked_of_all > 0
    assert device.asked == 0


def test_a_device_that_cannot_be_copied_is_refused() -> None:
    class Locked(Silent):
        def __init__(self) -> None:
            super().__init__()
            self.lock = threading.Lock()

    with pytest.raises(BadInputError, match=r"device.*Locked.*copy\.deepcopy"):
        Rehearsal().attached("I2C1", Locked())


@pytest.mark.skipif(not is_renode_there(), reason="needs Renode: `renode` on PATH, or its path in RENODE")
def test_a_machine_in_renode_takes_as_long_as_one_with_a_cycle_model(counted: Machine) -> None:
    bench = Bench(board=BOARD, backend="renode")
    try:
        machine = bench.boot(COUNTER)
        machine.play("office_doorway", seconds=3.0)
        machine.run(0.3)
        assert [line.text for line in machine.uart_lines()] == [line.text for line in counted.uart_lines()]
        inference = ("pin PA8 rises", "pin PA8 falls")
        # The rate is the mean over all that runs at this clock: sums and copies take fewer cycles an instruction.
        assert machine.latency_s(*inference) == pytest.approx(counted.latency_s(*inference), rel=0.03)
        assert machine.energy_j() == pytest.approx(counted.energy_j(), rel=1e-3)
    finally:
        bench.close()
