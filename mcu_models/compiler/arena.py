"""Plans the memory of a network's activations: which buffer lies where, reused as soon as it is free."""

from __future__ import annotations

import random
from bisect import insort
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Word loads of four activations begin at a word.
_ALIGNMENT_BYTES: Final = 4
_RANDOM_ORDERS: Final = 200
# Beyond so many buffers the search would take seconds, so the first order is taken.
_MOST_FOR_SEARCH: Final = 200


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
    """Place the buffers in several orders, each at the lowest offset free during its life; return the shortest plan.

    Placing is NP-hard in general (it is dynamic storage allocation), but one of a few orders is nearly always within
    some percent of the lower bound. Where none reaches it, orders drawn from a fixed seed are tried too.
    """
    bound = lower_bound_bytes(buffers)
    best: list[tuple[int, Buffer]] = []
    for count, order in enumerate(_orders(buffers)):
        placed = _placed(order)
        if count == 0 or _length(placed) < _length(best):
            best = placed
        if _length(best) <= bound:
            break
    return ArenaPlan({b.name: offset for offset, b in best}, _length(best), bound)


def lower_bound_bytes(buffers: Sequence[Buffer]) -> int:
    """Return the most that is needed at any one step."""
    return max(_needs_bytes(buffers).values(), default=0)


def _needs_bytes(buffers: Sequence[Buffer]) -> dict[int, int]:
    """Return what is needed at each step at which a buffer begins; the most is reached at one of them."""
    begins = {buffer.first for buffer in buffers}
    return {step: sum(_aligned(b.size_bytes) for b in buffers if b.first <= step <= b.last) for step in begins}


def _orders(buffers: Sequence[Buffer]) -> Iterator[list[Buffer]]:
    def area(buffer: Buffer) -> int:
        return buffer.size_bytes * (buffer.last - buffer.first + 1)

    yield sorted(buffers, key=lambda b: (-b.size_bytes, b.name))
    if len(buffers) > _MOST_FOR_SEARCH:
        return
    yield sorted(buffers, key=lambda b: (b.first - b.last, -b.size_bytes, b.name))
    yield sorted(buffers, key=lambda b: (-area(b), b.name))
    yield sorted(buffers, key=lambda b: (b.first, -b.size_bytes, b.name))
    yield _by_need(buffers)
    generator = random.Random(0)  # noqa: S311 - no secret; the same plan for the same network
    for _ in range(_RANDOM_ORDERS):
        weights = {b.name: b.size_bytes * generator.uniform(0.3, 1.0) for b in buffers}
        yield sorted(buffers, key=lambda b: (-weights[b.name], b.name))


def _by_need(buffers: Sequence[Buffer]) -> list[Buffer]:
    """Return the buffers of the steps that need most first, the largest of each first."""
    needs = _needs_bytes(buffers)
    most = {b.name: max(need for step, need in needs.items() if b.first <= step <= b.last) for b in buffers}
    return sorted(buffers, key=lambda b: (-most[b.name], -b.size_bytes, b.name))


def _placed(order: Sequence[Buffer]) -> list[tuple[int, Buffer]]:
    """Return the buffers with their offsets, in the order of the offsets."""
    placed: list[tuple[int, Buffer]] = []
    for buffer in order:
        insort(placed, (_lowest_free(buffer, placed), buffer), key=_offset)
    return placed


def _offset(entry: tuple[int, Buffer]) -> int:
    return entry[0]


def _length(placed: Sequence[tuple[int, Buffer]]) -> int:
    return max((offset + _aligned(buffer.size_bytes) for offset, buffer in placed), default=0)


def _aligned(size_bytes: int) -> int:
    return -(-size_bytes // _ALIGNMENT_BYTES) * _ALIGNMENT_BYTES


def _lowest_free(buffer: Buffer, placed: Sequence[tuple[int, Buffer]]) -> int:
    """Return the lowest offset at which a buffer meets none of those placed, which are sorted by their offsets."""
    offset = 0
    for start, other in placed:
        if other.meets(buffer):
            if offset + buffer.size_bytes <= start:
                break
            offset = max(offset, start + _aligned(other.size_bytes))
    return offset
