"""What a gateway hears of nodes: counts with time stamps, late, lost, or never sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from datasheet.config import Config

if TYPE_CHECKING:
    from numpy.typing import NDArray

UNKNOWN = -1
"""Stands for a count of which nothing is known any more."""


class LinkConfig(Config):
    """How nodes report to a gateway.

    `period_s` lies between two messages of a node; each is lost with `loss_ratio`. Time stamps are the node's own, off
    by a constant, normal with `clock_sd_s`. What is older than `stale_s` is not used any more.
    """

    period_s: Annotated[float, Field(ge=0.1, le=3600)] = 0.1
    loss_ratio: Annotated[float, Field(ge=0, lt=1)] = 0.0
    clock_sd_s: Annotated[float, Field(ge=0, le=60)] = 0.0
    stale_s: Annotated[float, Field(gt=0, le=86_400)] = 5.0


@dataclass(frozen=True)
class Message:
    """One message as it arrives.

    Attributes:
        node: Number of the node.
        time_s: The node's time stamp.
        count: How many people it counted.
    """

    node: int
    time_s: float
    count: int


def send(counts: NDArray[np.int64], time_s: NDArray[np.float64], link: LinkConfig, seed: int) -> list[Message]:
    """Return the messages that arrive, in the order of their time stamps.

    Args:
        counts: (K, N) what the nodes count.
        time_s: (N,) when.
        link: How they report. Every node begins at a moment of its own within the first period.
        seed: Which messages are lost.
    """
    rng = np.random.default_rng(seed)
    sent: list[Message] = []
    for node, counted in enumerate(counts):
        offset_s = link.clock_sd_s * float(rng.standard_normal())
        phase_s = float(rng.uniform(0.0, link.period_s))
        beat = np.floor((time_s - phase_s) / link.period_s + 1e-9)
        reports = np.flatnonzero(np.diff(beat, prepend=beat[0] - 1) > 0)
        arrives = rng.random(len(reports)) >= link.loss_ratio
        sent += [Message(node, float(time_s[frame]) + offset_s, int(counted[frame])) for frame in reports[arrives]]
    return sorted(sent, key=lambda message: (message.time_s, message.node))


def heard(
    messages: list[Message], nodes: int, time_s: NDArray[np.float64], stale_s: float
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return what a gateway knows at given moments.

    Args:
        messages: In the order of their time stamps.
        nodes: How many nodes there are.
        time_s: (N,) the moments.
        stale_s: A count is forgotten after so long.

    Returns:
        (nodes, N) int64 the last count, `UNKNOWN` before the first and when it is stale; and (nodes, N) bool, whether
        it is news since the moment before.
    """
    last = np.full((nodes, len(time_s)), UNKNOWN, np.int64)
    is_news = np.zeros((nodes, len(time_s)), np.bool_)
    for node in range(nodes):
        own = [message for message in messages if message.node == node]
        if not own:
            continue
        stamp_s, count = np.array([m.time_s for m in own]), np.array([m.count for m in own])
        latest = np.searchsorted(stamp_s, time_s + 1e-9, side="right") - 1
        known = (latest >= 0) & (time_s - stamp_s[np.maximum(latest, 0)] <= stale_s)
        last[node, known] = count[latest[known]]
        is_news[node] = known & (np.diff(latest, prepend=-1) > 0)
    return last, is_news
