"""The whole state of an emulated microcontroller at one moment."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mcu_models.emulators.block_hook import HookState


@dataclass(frozen=True)
class Snapshot:
    """What `UnicornEmulator.restore` needs; belongs to the emulator that made it.

    Attributes:
        owner: The emulator that made it.
        time_s: Virtual time.
        context: Core registers, as the engine keeps them.
        memories: Contents, in the order of the board's memories.
        hook: Cycle counters, caches, predictor and priced edges.
        state: Copies of everything else.
    """

    owner: object
    time_s: float
    context: Any
    memories: tuple[bytes, ...]
    hook: HookState
    state: tuple[Any, ...]


def copied(state: Sequence[Any], shared: Iterable[Any]) -> tuple[Any, ...]:
    """Return a deep copy of `state` in which the objects of `shared` stand as they are."""
    memo = {id(one): one for one in shared}
    return copy.deepcopy(tuple(state), memo)
