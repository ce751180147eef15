"""From frames to counts: front end, window, wake-up, network and votes, the same on the host and in the firmware."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from mcu_models.compiler.frontend import codes_above, frontend_codes, frontend_table
from mcu_models.compiler.reference import classify
from mcu_models.compiler.vote import most_frequent, voted
from mcu_models.compiler.wake_up import is_awake, wake_up_sum
from mcu_models.compiler.window import as_inputs, windowed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mcu_models.compiler.frontend import FrontendTable
    from mcu_models.compiler.model import Network
    from mcu_models.compiler.reference import ReferenceNetwork

_CHUNK_FRAMES: Final = 4096
"""Inputs that are made at once: a window holds each frame up to nine times."""


@dataclass(frozen=True, eq=False)
class Counter:
    """What is done with a frame around a network whose classes are counts.

    Attributes:
        table: The front end, and the window of frames that the network takes.
        votes: The answer is the most frequent of so many counts.
        wake_up_sum: The least sum of four codes with which the network runs; None where it always runs.
    """

    table: FrontendTable
    votes: int = 1
    wake_up_sum: float | None = None

    @property
    def looks_back(self) -> bool:
        """Whether an answer depends on the frames before."""
        return self.table.frontend.has_history or self.table.window.frames > 1 or self.votes > 1

    @property
    def glance_frames(self) -> int:
        """How many frames in a row an answer is made of, the background set apart."""
        return self.table.window.frames + self.votes - 1


def people_counter(
    network: Network,
    frontend: str,
    *,
    votes: int = 1,
    wake_up_degc: float | None = None,
    span_degc: tuple[float, float] | None = None,
) -> Counter:
    """Return what is done with a frame around `network`.

    Args:
        network: An int8 or float32 network whose classes are counts.
        frontend: Name of its front end.
        votes: How many counts vote.
        wake_up_degc: The network runs if the mean of the newest frame's warmest block of 2 x 2 pixels is at least
            this; None runs it always.
        span_degc: What an input of float32 is held within.

    Raises:
        BadInputError: Front end or wake-up do not fit the network.
    """
    table = frontend_table(network, frontend, span_degc)
    least = None if wake_up_degc is None else wake_up_sum(network, table, wake_up_degc)
    return Counter(table, votes, least)


def count_people(network: ReferenceNetwork, counter: Counter, raw: NDArray[np.int16]) -> NDArray[np.int64]:
    """Return the answer to each of consecutive frames, the first being the first after power-on, (N,) int64.

    Args:
        network: The network that `counter` was made for.
        counter: From `people_counter`.
        raw: (N, P) int16, pixels in steps of 0.25 degC, row by row from the top.
    """
    codes = frontend_codes(raw, counter.table)
    awake = np.ones(len(raw), bool)
    if counter.wake_up_sum is not None:
        awake = is_awake(codes, counter.table, counter.wake_up_sum)
    count = np.zeros(len(raw), np.int64)
    for chosen in _chunks(np.flatnonzero(awake)):
        count[chosen] = classify(network.run(windowed(codes, counter.table.window, chosen)))
    return count if counter.votes == 1 else voted(count, counter.votes)


def count_glances(
    network: ReferenceNetwork, counter: Counter, raw: NDArray[np.int16], background_degc: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return the answers to short stretches of frames that do not follow each other, (N,) int64.

    The sensor has hung in its place for so long that its front end knows the background.

    Args:
        network: The network that `counter` was made for.
        counter: From `people_counter`.
        raw: (N, `counter.glance_frames`, P) int16, pixels in steps of 0.25 degC, the oldest frame first.
        background_degc: (P,) what each pixel shows of the empty room, on average.
    """
    window, pixels = counter.table.window, raw.shape[2]
    codes = codes_above(raw.reshape(-1, pixels), background_degc, counter.table).reshape(raw.shape)
    ballots = np.zeros((len(raw), counter.votes), np.int64)
    for vote in range(counter.votes):
        seen = codes[:, counter.votes - 1 - vote :][:, : window.frames]
        awake = np.ones(len(raw), np.bool_)
        if counter.wake_up_sum is not None:
            awake = is_awake(np.ascontiguousarray(seen[:, -1]), counter.table, counter.wake_up_sum)
        ballots[awake, vote] = classify(network.run(as_inputs(seen[awake], window)))
    return most_frequent(ballots)


def _chunks(index: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    return [index[first : first + _CHUNK_FRAMES] for first in range(0, len(index), _CHUNK_FRAMES)]
