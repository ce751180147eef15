"""What a gateway makes of several nodes' counts: nodes that share a field are one group, and nobody counts twice.

Counts of nodes whose fields do not overlap add up. Where fields overlap, counts alone do not tell whether two nodes
see one person or two. Their history does: who walks into the shared part appears in both. So a group of overlapping
nodes is followed by a hidden Markov model: its state is how many people are in each part of the group's fields (seen by
the first alone, by both, by the second alone ...), its transitions and each node's errors are counted in simulations of
the same plan, and what is answered is the median of the people seen, given all counts heard so far. A count that is
lost leaves the belief to the transitions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse.csgraph import connected_components

from twin.fusion.messages import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from twin.fusion.watching import Watched

LEAST_SHARED = 0.01
"""Fields overlap if more than so much of the time that people are in one of them, they are in both; assumed."""

MOST_STATES = 300
"""The most frequent states are kept; others are taken for the one most like them."""

_TEMPERS = (1.0, 0.5, 0.2, 0.1, 0.05, 0.02)
"""A node that errs, errs for as long as somebody stands where it does: its counts are no independent witnesses, so that
each counts by a power below one; which of these, is chosen on the simulations learnt from."""

_LEAST = 1e-4
"""Added to every transition that did not occur, and share of answers that did not; assumed."""


@dataclass(frozen=True)
class Group:
    """Nodes whose fields overlap, and what is known of the people before them.

    Attributes:
        nodes: (G,) int64, their numbers.
        people: (S,) int64, people seen in each state.
        transitions: (S, S) probability of going from a state (row) to another within a frame.
        start: (S,) how often each state is.
        answers: (G, S, A) probability of each answer of a node in each state.
        temper: The power to which a count's likelihood is taken.
    """

    nodes: NDArray[np.int64]
    people: NDArray[np.int64]
    transitions: NDArray[np.float64]
    start: NDArray[np.float64]
    answers: NDArray[np.float64]
    temper: float

    def follow(self, last: NDArray[np.int64], is_news: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return (N,) people seen by the group; `last` and `is_news` are (G, N), as `messages.heard` gives them."""
        log_answers = self.temper * np.log(self.answers)
        order = np.argsort(self.people, kind="stable")
        belief, ordered = self.start, self.people[order]
        found = np.empty(last.shape[1], np.int64)
        most = self.answers.shape[2] - 1
        for frame in range(last.shape[1]):
            belief = belief @ self.transitions
            for node in np.flatnonzero(is_news[:, frame]):
                belief = belief * np.exp(log_answers[node, :, min(last[node, frame], most)])
            belief /= belief.sum()
            found[frame] = ordered[np.searchsorted(np.cumsum(belief[order]), 0.5)]
        return found

    def at_once(self, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return (N,) people seen by the group at moments that know nothing of each other; `counts` is (G, N)."""
        most = self.answers.shape[2] - 1
        belief = np.tile(self.start, (counts.shape[1], 1))
        for node, told in enumerate(counts):
            belief *= self.answers[node][:, np.minimum(told, most)].T ** self.temper
        order = np.argsort(self.people, kind="stable")
        share = np.cumsum(belief[:, order], axis=1)
        return np.asarray(self.people[order][(share < share[:, -1:] / 2).sum(axis=1)], np.int64)


@dataclass(frozen=True)
class Gateway:
    """What adds up counts of nodes.

    Attributes:
        nodes: How many nodes there are.
        groups: Those whose fields overlap; all others stand for themselves.
    """

    nodes: int
    groups: tuple[Group, ...]

    def fuse(self, last: NDArray[np.int64], is_news: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
        """Return (N,) people that all nodes see together, as far as is known.

        Args:
            last: (K, N) int64, the last count heard of each node, `UNKNOWN` for none.
            is_news: (K, N) whether it came since the moment before; None: every known one did.
        """
        zones = self.zones(last, is_news)
        return np.asarray(sum(zones.values()), np.int64)

    def zones(
        self, last: NDArray[np.int64], is_news: NDArray[np.bool_] | None = None
    ) -> dict[tuple[int, ...], NDArray[np.int64]]:
        """Return (N,) people in each zone, by the numbers of the nodes that share it; arguments as of `fuse`."""
        news = last != UNKNOWN if is_news is None else is_news
        grouped = {int(node) for group in self.groups for node in group.nodes}
        alone = [node for node in range(self.nodes) if node not in grouped]
        zones: dict[tuple[int, ...], NDArray[np.int64]] = {
            (node,): np.asarray(np.maximum(last[node], 0), np.int64) for node in alone
        }
        for group in self.groups:
            zones[tuple(group.nodes.tolist())] = group.follow(last[group.nodes], news[group.nodes])
        return zones

    def fuse_at_once(self, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return (N,) people that all nodes see at moments that know nothing of each other; `counts` is (K, N)."""
        grouped = {int(node) for group in self.groups for node in group.nodes}
        total = np.zeros(counts.shape[1], np.int64)
        for node in range(self.nodes):
            total += 0 if node in grouped else counts[node]
        for group in self.groups:
            total += group.at_once(counts[group.nodes])
        return total


def adding_gateway(nodes: int) -> Gateway:
    """Return a gateway that adds up all counts, as if no fields overlapped."""
    return Gateway(nodes, ())


def learn_gateway(days: Sequence[Watched], *, follows_single_nodes: bool = False, follows: bool = True) -> Gateway:
    """Return the gateway of a placement from simulated days before it.

    Args:
        days: The same nodes at the same places, other people.
        follows_single_nodes: Nodes whose fields no other shares are followed too, not taken by their word.
        follows: Whether frames of a day follow each other; else the gateway is for `fuse_at_once` alone.
    """
    nodes = len(days[0].mounts)
    groups = [group for group in _groups(days, nodes) if len(group) > 1 or follows_single_nodes]
    return Gateway(nodes, tuple(_learn_group(days, group, follows=follows) for group in groups))


def _groups(days: Sequence[Watched], nodes: int) -> list[NDArray[np.int64]]:
    """Return the numbers of nodes that share fields, directly or through others."""
    masks = np.concatenate([day.seen_by[day.seen_by > 0] for day in days])
    sees = (masks[:, np.newaxis] >> np.arange(nodes)) & 1
    together = sees.T @ sees
    alone = np.maximum(np.diagonal(together), 1)
    shared = together / np.minimum(alone[:, np.newaxis], alone)
    _, label = connected_components(shared > LEAST_SHARED, directed=False)
    return [np.flatnonzero(label == number) for number in range(label.max() + 1)]


def _learn_group(days: Sequence[Watched], nodes: NDArray[np.int64], *, follows: bool) -> Group:
    regions = _regions(days, nodes)
    occupied = [_occupation(day, nodes, regions) for day in days]
    states, often = np.unique(np.concatenate(occupied), axis=0, return_counts=True)
    states = states[np.argsort(-often, kind="stable")[:MOST_STATES]]
    numbered = [_nearest(states, found) for found in occupied]
    most = max(int(day.counts.max()) for day in days)
    transitions = np.full((len(states), len(states)), _LEAST)
    start = np.full(len(states), _LEAST)
    for number in numbered:
        np.add.at(transitions, (number[:-1], number[1:]), 1.0)
        np.add.at(start, number, 1.0)
    transitions /= transitions.sum(axis=1, keepdims=True)
    answers = np.stack([_answers(days, node, regions, states, place, most) for place, node in enumerate(nodes)])
    people = np.asarray(states.sum(axis=1), np.int64)
    group = Group(nodes, people, transitions, start / start.sum(), answers, 1.0)
    return _tempered(group, days, occupied) if follows else group


def _regions(days: Sequence[Watched], nodes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (R,) masks of the nodes of a group, each a part of their fields where people were."""
    return np.unique(np.concatenate([[0], *(np.unique(_own_masks(day, nodes)) for day in days)]))[1:]


def _own_masks(day: Watched, nodes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (N, slots) which of a group's nodes see everybody, 0 for nobody there or not seen."""
    seen = np.maximum(day.seen_by, 0)
    return np.asarray(sum(((seen >> node) & 1) << place for place, node in enumerate(nodes)), np.int64)


def _occupation(day: Watched, nodes: NDArray[np.int64], regions: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (N, R) how many people are in each region."""
    masks = _own_masks(day, nodes)
    return np.stack([(masks == region).sum(axis=1) for region in regions], axis=1)


def _nearest(states: NDArray[np.int64], found: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (N,) the number of the state that is most like each row."""
    distinct, which = np.unique(found, axis=0, return_inverse=True)
    apart = np.abs(distinct[:, np.newaxis] - states).sum(axis=2)
    return np.asarray(apart.argmin(axis=1)[which.reshape(-1)], np.int64)


def _answers(
    days: Sequence[Watched],
    node: int,
    regions: NDArray[np.int64],
    states: NDArray[np.int64],
    place: int,
    most: int,
) -> NDArray[np.float64]:
    """Return (S, most + 1) the probability of each answer of a node in each state, from how many it has in view."""
    sees = ((regions >> place) & 1).astype(np.bool_)
    before = [((np.maximum(day.seen_by, 0) >> node) & 1).sum(axis=1) for day in days]
    largest = max(int(states[:, sees].sum(axis=1).max()), *(int(seen.max()) for seen in before))
    table = np.full((largest + 1, most + 1), _LEAST)
    for day, seen in zip(days, before, strict=True):
        np.add.at(table, (seen, day.counts[node]), 1.0)
    _fill_rows_never_seen(table, most)
    table = (table + 0.5 / (most + 1)) / (table.sum(axis=1, keepdims=True) + 0.5)
    return np.asarray(table[states[:, sees].sum(axis=1)])


def _fill_rows_never_seen(table: NDArray[np.float64], most: int) -> None:
    """Let a node that never saw so many people answer as right as it can."""
    for people in np.flatnonzero(table.sum(axis=1) < 1.0).tolist():
        table[people, min(people, most)] += 1.0


def _tempered(group: Group, days: Sequence[Watched], occupied: list[NDArray[np.int64]]) -> Group:
    """Return the group with the power that errs least on the days it was learnt from."""

    def error(temper: float) -> float:
        tried = Group(group.nodes, group.people, group.transitions, group.start, group.answers, temper)
        wrong = 0.0
        for day, found in zip(days, occupied, strict=True):
            counts = day.counts[group.nodes]
            answer = tried.follow(counts, np.ones(counts.shape, np.bool_))
            wrong += float(np.abs(answer - found.sum(axis=1)).sum())
        return wrong

    best = min(_TEMPERS, key=error)
    return Group(group.nodes, group.people, group.transitions, group.start, group.answers, best)
