"""What a wake-up threshold gives and takes: energy that is saved while nobody is in view, people who are overlooked.

`mcu_models/compiler/wake_up.py` says what the threshold is. Energy is that of what is computed for a frame, at the
board's run current: front end, window, wake-up and votes at every frame, the network where it is awake. How often that
is depends on how empty the place is; published: 37 to 57 % of the energy for less than 2 points of accuracy
(arXiv 2304.06059).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from datasheet.bad_input import BadInputError
from mcu_models.compiler.counter import people_counter
from mcu_models.compiler.frontend import frontend_codes, raw_from_degc
from mcu_models.compiler.reference import ReferenceNetwork, classify
from mcu_models.compiler.vote import voted
from mcu_models.compiler.wake_up import block_sums
from mcu_models.compiler.window import windowed
from twin.host_node import check_frame_shape, power_on_blocks
from twin.metrics import count_accuracy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mcu_models.networks.library import NetworkEntry
    from sensors.recording import Recording
    from twin.network_profile import NetworkProfile

THRESHOLDS_DEGC: Final = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5)
"""0.3 degC lies in the noise of a block, at 1.5 degC many people are overlooked."""
TOLERATED_LOSS: Final = 0.01
"""Of balanced accuracy, for the threshold that is recommended."""


@dataclass(frozen=True)
class WakeUpPoint:
    """One threshold.

    Attributes:
        wake_up_degc: The threshold.
        awake_share: Share of frames at which the network runs.
        balanced_accuracy: With the threshold.
        energy_j: Computing, of a frame on average.
        energy_saved: Share of the energy without a threshold.
    """

    wake_up_degc: float
    awake_share: float
    balanced_accuracy: float
    energy_j: float
    energy_saved: float


@dataclass(frozen=True)
class WakeUpCurve:
    """What thresholds do for a network, in one place.

    Attributes:
        balanced_accuracy: Without a threshold.
        energy_j: Computing, of a frame, without a threshold.
        points: By growing threshold.
    """

    balanced_accuracy: float
    energy_j: float
    points: tuple[WakeUpPoint, ...]

    @property
    def recommended(self) -> WakeUpPoint | None:
        """The point that saves most and loses at most `TOLERATED_LOSS`; None where none does."""
        good = [one for one in self.points if one.balanced_accuracy >= self.balanced_accuracy - TOLERATED_LOSS]
        return max(good, key=lambda one: one.energy_saved, default=None)

    def as_dict(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        best = self.recommended
        return {
            "balanced_accuracy": self.balanced_accuracy,
            "energy_j": self.energy_j,
            "points": [vars(point) for point in self.points],
            "recommended": None if best is None else vars(best),
        }


@dataclass(frozen=True, eq=False)
class _Seen:
    """A recording as the node sees it, without a threshold: N frames, power-on behind power-on."""

    warmest: NDArray[np.int64]
    counted: NDArray[np.int64]
    starts: NDArray[np.intp]


def wake_up_curve(
    network: NetworkEntry,
    recording: Recording,
    profile: NetworkProfile,
    *,
    asked: NDArray[np.bool_] | None = None,
    thresholds_degc: Sequence[float] = THRESHOLDS_DEGC,
) -> WakeUpCurve:
    """Return what each threshold gives and takes.

    Args:
        network: The network; a threshold of its own is left out of account.
        recording: Frames and their truth; how often it is empty decides what can be saved.
        profile: What the network costs, with its preparation.
        asked: (N,) the frames by which accuracy is judged; None for all. Energy is that of all frames.
        thresholds_degc: The thresholds; those that the input's scale cannot tell are left out.

    Raises:
        BadInputError: The network counts no people on such frames, or no threshold can be told.
    """
    read = check_frame_shape(network, recording.frames.shape[1:])
    if profile.preparation is None:
        raise BadInputError(network.path, "input", None, "takes no frames of 8 x 8, so that there is nothing to wake")
    seen = _seen(network, recording)
    judged = np.ones(len(recording.count), bool) if asked is None else asked
    truth = recording.count[judged]
    per_cycle_j = profile.energy_j / profile.cycles
    around_j, network_j = profile.preparation.cycles * per_cycle_j, profile.energy_j
    points = []
    for threshold_degc in thresholds_degc:
        try:
            counter = people_counter(read, network.frontend, wake_up_degc=threshold_degc)
        except BadInputError:
            continue
        awake = seen.warmest >= (counter.wake_up_sum or 0)
        answers = _voted(np.where(awake, seen.counted, 0), seen.starts, network.votes)
        share = float(np.mean(awake))
        energy_j = around_j + share * network_j
        points.append(
            WakeUpPoint(
                wake_up_degc=threshold_degc,
                awake_share=share,
                balanced_accuracy=count_accuracy(truth, answers[judged]).balanced_accuracy,
                energy_j=energy_j,
                energy_saved=1 - energy_j / (around_j + network_j),
            )
        )
    if not points:
        raise BadInputError(network.path, "wake_up_degc", None, "its input's scale tells none of the thresholds")
    always = _voted(seen.counted, seen.starts, network.votes)[judged]
    return WakeUpCurve(count_accuracy(truth, always).balanced_accuracy, around_j + network_j, tuple(points))


def _seen(network: NetworkEntry, recording: Recording) -> _Seen:
    counter = people_counter(check_frame_shape(network, recording.frames.shape[1:]), network.frontend)
    runs = ReferenceNetwork(network.path)
    warmest, counted, starts = [], [], []
    for block in power_on_blocks(recording):
        codes = frontend_codes(raw_from_degc(block), counter.table)
        warmest.append(block_sums(codes, counter.table).max(axis=(1, 2)).astype(np.int64))
        counted.append(classify(runs.run(windowed(codes, counter.table.window))))
        starts.append(len(block))
    begins = np.concatenate([[0], np.cumsum(starts)[:-1]]).astype(np.intp)
    return _Seen(np.concatenate(warmest), np.concatenate(counted), begins)


def _voted(counted: NDArray[np.int64], starts: NDArray[np.intp], votes: int) -> NDArray[np.int64]:
    if votes == 1:
        return counted
    return np.concatenate([voted(block, votes) for block in np.split(counted, starts[1:])])
