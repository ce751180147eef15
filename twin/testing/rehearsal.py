"""How fast firmware executes, for an emulator that only counts instructions: the same beginning under the cycle model.

Renode knows no cycles; at an instruction a cycle firmware would be too fast by a third or more. So before a machine in
Renode runs for the first time, the same image runs in Unicorn until it has looked at frames for a few seconds, with the
same around it, and the instructions a second that it executes at each core clock are taken over.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Final

from datasheet.bad_input import BadInputError
from mcu_models.emulators.renode.instruction_rates import instruction_rates
from mcu_models.emulators.unicorn_backend import UnicornEmulator
from twin.testing.stimuli import FIRST_LOOK_LIMIT_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcu_models.emulators.port import I2cDevice
    from twin.testing.stimuli import AnyEmulator, Stimulus

REHEARSED_S: Final = 3.0
"""Behind the first frame, or power-on where nothing is played; assumed to be like the rest of the run."""
STEP_S: Final = 0.5
"""The first frame is looked for so often."""


class Rehearsal:
    """What is put around a machine before it runs, to be put around another one as well."""

    def __init__(self) -> None:
        self._play: Callable[[], Stimulus] | None = None
        self._surround: list[Callable[[AnyEmulator], None]] = []

    def played(self, again: Callable[[], Stimulus]) -> None:
        """Note what is played; `again` makes it anew."""
        self._play = again

    def attached(self, bus: str, device: I2cDevice) -> None:
        """Note a device as it is now.

        Raises:
            BadInputError: It cannot be copied.
        """
        try:
            its_twin = copy.deepcopy(device)
        except Exception as error:  # noqa: BLE001 - whatever its __deepcopy__ says
            said = f"must be made for copy.deepcopy, or boot(..., rates=...) be given: {error}"
            raise BadInputError("attach", "device", type(device).__name__, said) from None
        self._surround.append(lambda emulator: emulator.attach_i2c(bus, its_twin))

    def sent(self, text: str, port: str | None) -> None:
        """Note what a UART is sent."""
        self._surround.append(lambda emulator: emulator.send_uart(text, port))

    def rates(self, emulator: AnyEmulator, give_up: Callable[[], bool]) -> dict[int, float]:
        """Return instructions a second by core clock in Hz.

        Args:
            emulator: Has the image and the board.
            give_up: Asked now and then; True ends the rehearsal.
        """
        other = UnicornEmulator(emulator.board, emulator.image)
        for surround in self._surround:
            surround(other)
        until_s = REHEARSED_S
        if self._play is not None:
            stimulus = self._play()
            stimulus.attach(other)
            until_s = min(_first_look_s(other, stimulus, give_up) + REHEARSED_S, stimulus.end_s)
        other.run(until_s=until_s, give_up=give_up)
        return instruction_rates(other.executed())


def _first_look_s(emulator: UnicornEmulator, stimulus: Stimulus, give_up: Callable[[], bool]) -> float:
    """Run until the firmware has looked at a frame, or none is waited for any longer; return when that was."""
    while stimulus.frame_now < 0 and emulator.now_s < FIRST_LOOK_LIMIT_S:
        before_s = emulator.now_s
        emulator.run(until_s=before_s + STEP_S, give_up=give_up)
        if emulator.now_s <= before_s:
            break  # it has stopped, or its time is up
    return emulator.now_s
