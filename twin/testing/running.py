"""Lets virtual time pass on a budget of the host's time and memory; firmware that stops is a failure."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from mcu_models.emulators.unicorn_backend import UnicornEmulator
from twin.host_limits import HostLimitError, memory_limited
from twin.post_mortem import post_mortem
from twin.testing.failures import FirmwareFailedError, HostTimeUpError, story
from twin.uart_script import never

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcu_models.emulators.port import RunOutcome
    from twin.testing.rehearsal import Rehearsal
    from twin.testing.stimuli import AnyEmulator


class Runner:
    """Runs one emulator.

    Args:
        emulator: What runs.
        host_seconds: Time it may take on the host, all in all.
        rehearsal: Where the emulator, which is Renode then, learns its pace before it runs for the first time.

    Attributes:
        rehearsal: The same; None once it is over.
    """

    def __init__(self, emulator: AnyEmulator, *, host_seconds: float, rehearsal: Rehearsal | None) -> None:
        self._emulator = emulator
        self.rehearsal = rehearsal
        self._host_seconds = host_seconds
        self._spent_s = 0.0
        self._begun_s = 0.0

    def run(self, until_s: float, until_text: str | None = None, has_come: Callable[[], bool] = never) -> RunOutcome:
        """Run until a virtual time, a text of a UART, or until `has_come` says so.

        Raises:
            FirmwareFailedError: The firmware crashed, locked up or sleeps for ever, or took too much of the host.
        """
        __tracebackhide__ = True
        self._begun_s = time.monotonic()
        try:
            with memory_limited():
                self._rehearse()
                outcome = self._emulator.run(
                    until_s=until_s, until_text=until_text, give_up=lambda: has_come() or self._is_up()
                )
        except HostLimitError as error:
            raise FirmwareFailedError(f"{error}\n{story(self._emulator)}") from None
        finally:
            self._spent_s += time.monotonic() - self._begun_s
        if outcome.gave_up and not has_come():
            told = f"{self._host_seconds:g} s of host time are up"
            raise HostTimeUpError(f"{told}\n{story(self._emulator)}")
        if outcome.end in ("fault", "halt"):
            raise FirmwareFailedError(self._death(outcome))
        return outcome

    def _rehearse(self) -> None:
        rehearsal, self.rehearsal = self.rehearsal, None
        if rehearsal is not None and not isinstance(self._emulator, UnicornEmulator):
            self._emulator.set_rates(rehearsal.rates(self._emulator, self._is_up))

    def _is_up(self) -> bool:
        return self._spent_s + time.monotonic() - self._begun_s > self._host_seconds

    def _death(self, outcome: RunOutcome) -> str:
        told = f"the firmware stopped: {outcome.detail}"
        if isinstance(self._emulator, UnicornEmulator):
            death = post_mortem(self._emulator, outcome)
            told += f"\n{death.text()}" if death is not None else ""
        return f"{told}\n{story(self._emulator)}"
