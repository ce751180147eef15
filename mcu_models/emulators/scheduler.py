"""What will happen when, in virtual time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable


def nothing() -> None:
    """What is called when nobody listens."""


class Scheduler:
    """At most one coming event per owner; a new one replaces the old.

    Events at the same time run in the order in which they were scheduled.
    """

    def __init__(self) -> None:
        self._events: dict[Hashable, tuple[float, int, Callable[[], None]]] = {}
        self._sequence = 0
        self.next_s = math.inf
        """When the next event is due; infinity when there is none."""
        self.changed: Callable[[], None] = nothing

    def at(self, time_s: float, owner: Hashable, action: Callable[[], None]) -> None:
        """Do `action` at `time_s`, instead of whatever `owner` had scheduled."""
        self._sequence += 1
        self._events[owner] = (time_s, self._sequence, action)
        self._renew()

    def cancel(self, owner: Hashable) -> None:
        """Forget the event of `owner`, if there is one."""
        if self._events.pop(owner, None) is not None:
            self._renew()

    def time_of(self, owner: Hashable) -> float:
        """Return when the event of `owner` is due; infinity when there is none."""
        event = self._events.get(owner)
        return event[0] if event else math.inf

    def waits_for(self, name: str) -> bool:
        """Tell whether an event of the peripheral of this name is to come."""
        return any(isinstance(owner, tuple) and owner[0] == name for owner in self._events)

    def run_due(self, now_s: float) -> None:
        """Do everything due at `now_s`, in order of time; what an action schedules for now is done too."""
        while self.next_s <= now_s:
            owner = min(self._events, key=lambda key: self._events[key][:2])
            action = self._events.pop(owner)[2]
            self._renew()
            action()

    def _renew(self) -> None:
        next_s = min([event[0] for event in self._events.values()], default=math.inf)
        if next_s != self.next_s:
            self.next_s = next_s
            self.changed()
