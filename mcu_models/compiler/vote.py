"""An answer is the most frequent of the last counts: a count that is wrong for a frame or two is outvoted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LARGEST_VOTES: Final = 9
"""About a second of a Grid-EYE's ten frames a second."""
_NONE: Final = -1
"""No count: stands where there is no frame."""


def voted(count: NDArray[np.int64], votes: int) -> NDArray[np.int64]:
    """Return the most frequent of the last `votes` counts at each frame; of equally frequent ones the latest.

    Args:
        count: (N,) counts of consecutive frames, the first as the first since power-on.
        votes: How many are looked at; fewer at the beginning.
    """
    place = np.arange(len(count))[:, np.newaxis] - np.arange(votes)
    return most_frequent(count[np.maximum(place, 0)], place >= 0)


def most_frequent(ballots: NDArray[np.int64], is_cast: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
    """Return (N,) the most frequent count of each row, of equally frequent ones the first.

    Args:
        ballots: (N, votes) counts, the latest first.
        is_cast: (N, votes) which of them count; None: all.
    """
    cast = np.ones(ballots.shape, np.bool_) if is_cast is None else is_cast
    often = (ballots[:, :, np.newaxis] == np.where(cast, ballots, _NONE)[:, np.newaxis]).sum(axis=2)
    latest = np.argmax(np.where(cast, often, 0), axis=1)
    return np.asarray(ballots[np.arange(len(ballots)), latest], np.int64)


def voted_by_block(count: NDArray[np.int64], begins: NDArray[np.intp], votes: int) -> NDArray[np.int64]:
    """Return the same for blocks behind each other, between which the node was off.

    Args:
        count: (N,) counts.
        begins: (B,) the frames with which blocks begin, the first 0.
        votes: How many are looked at.
    """
    if votes == 1:
        return count
    return np.concatenate([voted(block, votes) for block in np.split(count, begins[1:])])
