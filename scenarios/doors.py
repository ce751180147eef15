"""Who may pass a door next: queues, directions, and leaves that take their time to open."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Literal

from scenarios.steering import STEP_S

if TYPE_CHECKING:
    from collections.abc import Generator

    import simpy

    from scenarios.geometry import Doorway
    from scenarios.room import Door

Direction = Literal["in", "out"]

CLEARED_M = 0.45
"""Who is so far inside has left the doorway to others."""


class DoorKeeper:
    """Lets people through a door in the order in which they came to it.

    Those of one direction follow each other at once. Where there is no room for both directions, the first of the
    others waits until the doorway is free, and all who came later wait behind.
    """

    def __init__(self, env: simpy.Environment, door: Door, way: Doorway, index: int) -> None:
        self.way = way
        self.index = index
        self._env = env
        self._door = door
        self._queue: deque[tuple[Direction, simpy.Event]] = deque()
        self._passing: dict[Direction, int] = {"in": 0, "out": 0}
        self._is_open = door.kind == "open"
        self._is_opening = False
        self._used_tick = -math.inf

    def request(self, direction: Direction) -> simpy.Event:
        """Return an event that happens when one may pass; `release` afterwards."""
        turn = self._env.event()
        self._queue.append((direction, turn))
        if self._has_closed():
            self._is_open = False
        self._serve()
        return turn

    def release(self, direction: Direction) -> None:
        """Tell that somebody has passed."""
        self._passing[direction] -= 1
        self._used_tick = self._env.now
        self._serve()

    def _has_closed(self) -> bool:
        is_idle = not any(self._passing.values()) and not self._is_opening
        return self._door.kind != "open" and is_idle and self._env.now - self._used_tick > self._stays_ticks

    @property
    def _stays_ticks(self) -> float:
        return self._door.stays_open_s / STEP_S

    def _serve(self) -> None:
        while self._queue and self._is_free_for(self._queue[0][0]):
            if not self._is_open:
                if not self._is_opening:
                    self._env.process(self._open())
                return
            direction, turn = self._queue.popleft()
            self._passing[direction] += 1
            turn.succeed()

    def _is_free_for(self, direction: Direction) -> bool:
        return self.way.is_both_ways or not self._passing["out" if direction == "in" else "in"]

    def _open(self) -> Generator[simpy.Event, object, None]:
        self._is_opening = True
        yield self._env.timeout(math.ceil(self._door.opening_s / STEP_S))
        self._is_opening, self._is_open, self._used_tick = False, True, self._env.now
        self._serve()
