"""Networks are judged on the frames that are asked for, with the votes that lead to each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from training.architectures import read_architecture
from training.judging import judged, with_voters
from training.windows import Frames

if TYPE_CHECKING:
    from numpy.typing import NDArray

VOTING = read_architecture("majority_voting", "C8-P-FC", 3)


@dataclass
class BrightestPixel:
    """Counts as many people as the warmest pixel is degC above the background; remembers what it was asked."""

    asked: list[int] = field(default_factory=list)

    def counts(self, inputs: NDArray[np.float32]) -> NDArray[np.int64]:
        found = inputs.max(axis=(1, 2, 3)).astype(np.int64)
        self.asked += found.tolist()
        return found


def frames(seen: list[int], true: list[int], start: list[int]) -> Frames:
    above = np.zeros((len(seen), 8, 8), np.int16)
    above[:, 3, 3] = 256 * np.array(seen)
    number = len(seen)
    return Frames(above, np.array(true), np.ones(number, bool), np.zeros(number, np.int64), np.array(start))


def test_voters_of_asked_frames_are_counted_too_but_not_of_another_block() -> None:
    asked = np.array([False, False, True, False, True, False])
    start = np.array([0, 0, 0, 0, 4, 4])
    assert with_voters(asked, start, VOTING.votes).tolist() == [True, True, True, False, True, False]


def test_an_answer_is_a_vote_of_the_frames_before_and_only_asked_frames_are_judged() -> None:
    network: Any = BrightestPixel()
    asked = np.array([False, False, True, True, False])
    found = judged(network, frames([1, 1, 2, 2, 3], [0, 0, 1, 1, 0], [0] * 5), asked, VOTING)
    assert network.asked == [1, 1, 2, 2]
    # Frame 2 is voted 1 by 1, 1, 2; frame 3 is voted 2 by 1, 2, 2.
    assert found["frames"] == 2
    assert found["accuracy"] == 0.5
