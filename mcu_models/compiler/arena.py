"""Plans the memory of a network's activations: which buffer lies where, reused as soon as it is free."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

# Word loads of four activations begin at a word.
_ALIGNMENT_BYTES: Final = 4


@dataclass(frozen=True)
class Buffer:
    """Memory needed from step `first` to step `last`, both included."""

    name: str
    size_bytes: int
    first: int
    last: int

    def meets(self, other: Buffer) -> bool:
        """Return whether both are needed at some step."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True)
class ArenaPlan:
    """Where each buffer lies.

    Attributes:
        offsets_bytes: Offset of each buffer by name.
        size_bytes: Length of the arena.
        lower_bound_bytes: The most that is needed at any one step: no plan can be shorter.
    """

    offsets_bytes: dict[str, int]
    size_bytes: int
    lower_bound_bytes: int


def plan_arena(buffers: Sequence[Buffer]) -> ArenaPlan:
    """Place the buffers, the largest first, each at the lowest offset free during its life."""
    placed: list[tuple[int, Buffer]] = []
    for buffer in sorted(buffers, key=lambda b: (-b.size_bytes, b.name)):
        placed.append((_lowest_free(buffer, placed), buffer))
    size = max((offset + _aligned(b.size_bytes) for offset, b in placed), default=0)
    steps = range(max((b.last for b in buffers), default=-1) + 1)
    needs = [sum(_aligned(b.size_bytes) for b in buffers if b.first <= step <= b.last) for step in steps]
    return ArenaPlan({b.name: offset for offset, b in placed}, size, max(needs, default=0))


def _aligned(size_bytes: int) -> int:
    return -(-size_bytes // _ALIGNMENT_BYTES) * _ALIGNMENT_BYTES


def _lowest_free(buffer: Buffer, placed: Sequence[tuple[int, Buffer]]) -> int:
    offset = 0
    for start, other in sorted(placed, key=lambda entry: entry[0]):
        if other.meets(buffer):
            if offset + buffer.size_bytes <= start:
                break
            offset = max(offset, start + _aligned(other.size_bytes))
    return offset
