"""How well networks count the frames that somebody asks for, votes included."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mcu_models.compiler.frontend import find_frontend
from training.protocol import as_json, metrics, voted
from training.windows import FRONTEND, inputs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from training.architectures import Architecture
    from training.windows import Frames

_AT_ONCE: Final = 8192


def judged(network: Any, frames: Frames, asked: NDArray[np.bool_], architecture: Architecture) -> dict[str, object]:
    """Return the figures of a network over the `asked` frames.

    Args:
        network: Its `counts` answers (M, ...) float inputs with (M,) counts.
        frames: All frames.
        asked: (N,) which of them to judge by.
        architecture: What the network is.
    """
    needed = np.flatnonzero(with_voters(asked, frames.start, architecture.votes))
    counted = np.zeros(len(frames.count), dtype=np.int64)
    for begin in range(0, len(needed), _AT_ONCE):
        part = needed[begin : begin + _AT_ONCE]
        counted[part] = network.counts(as_fed(inputs(frames, part, architecture)))
    counted = voted(counted, frames.start, architecture.votes)
    return as_json(metrics(frames.count[asked], counted[asked]))


def as_fed(degc: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return inputs in the steps of the front end, halves upwards, as the firmware feeds them to the network."""
    step_degc = np.float32(find_frontend(FRONTEND).step_degc)
    return np.asarray(np.floor(degc / step_degc + np.float32(0.5)) * step_degc)


def with_voters(asked: NDArray[np.bool_], start: NDArray[np.int64], votes: int) -> NDArray[np.bool_]:
    """Return the frames that have a say in an asked frame's vote, these included."""
    needed = asked.copy()
    number = np.arange(len(asked))
    for back in range(1, votes):
        voters = number[asked] - back
        needed[voters[voters >= start[asked]]] = True
    return needed
