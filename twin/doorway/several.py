"""Several arrays at one door: who is seen by two of them is one person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from twin.doorway.pairing import paired

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from twin.doorway.events import DoorEvent

SAME_WITHIN_S: Final = 0.6
"""Two arrays tell of the same person within this time. Chosen on corridor_two_way and lift_lobby (seeds 100 to 102)."""
SAME_WITHIN_M: Final = 0.7
"""And at places no farther apart, as far as a flat image tells them. Two people abreast, 0.65 m apart, of whom each
array sees another one may be taken for one; with 0.5 m, more often one person is taken for two. Chosen likewise."""


def fused(told: Iterable[Sequence[DoorEvent]]) -> list[DoorEvent]:
    """Return the events of all arrays in order of time, each person once: of two tellings the earlier one counts.

    Args:
        told: Events as each array tells them; two of one array are never the same person.
    """
    together: list[DoorEvent] = []
    for events in told:
        pairs = paired(together, events, within_s=SAME_WITHIN_S, within_m=SAME_WITHIN_M)
        for known, new in pairs:
            together[known] = min(together[known], events[new], key=lambda event: event.time_s)
        seen = {new for _, new in pairs}
        together += [event for index, event in enumerate(events) if index not in seen]
    return sorted(together, key=lambda event: event.time_s)
