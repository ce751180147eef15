"""What a wake-up threshold gives and takes: energy that is saved while nobody is in view, people who are overlooked.

`mcu_models/compiler/wake_up.py` says what the threshold is. Energy is that of what is computed for a frame, at the
board's run current: front end, window, wake-up and votes at every frame, the network where it is awake. To look for
warm blocks costs too: where the network hardly ever sleeps, a threshold takes more than it saves. How often it does
depends on how empty the place is; published: 37 to 57 % of the energy for less than 2 points of accuracy
(arXiv 2304.06059).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from datasheet.bad_input import BadInputError
from mcu_models.compiler.frontend import frontend_codes, raw_from_degc
from mcu_models.compiler.reader import read_network
from mcu_models.compiler.reference import ReferenceNetwork, classify
from mcu_models.compiler.vote import voted_by_block
from mcu_models.compiler.wake_up import block_sums
from mcu_models.compiler.window import windowed
from mcu_models.networks.counting import counter_of
from twin.host_node import check_frame_shape, power_on_blocks
from twin.metrics import count_accuracy
from twin.network_profile import profile_network
from twin.preparation_profile import preparation_cycles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mcu_models.boards.board import Board
    from mcu_models.compiler.counter import Counter
    from mcu_models.compiler.model import Network
    from mcu_models.firmware.toolchain import Toolchain
    from mcu_models.networks.library import NetworkEntry
    from sensors.recording import Recording

THRESHOLDS_DEGC: Final = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5)
"""0.3 degC lies in the noise of a block, at 1.5 degC many people are overlooked."""
TOLERATED_LOSS: Final = 0.01
"""Of balanced accuracy, for the threshold that is recommended."""


@dataclass(frozen=True)
class WakeUpCosts:
    """What computing one frame takes, with all that is done around the network.

    Attributes:
        always_j: Without a threshold.
        awake_j: With a threshold, where the network runs.
        asleep_j: With a threshold, where it does not.
    """

    always_j: float
    awake_j: float
    asleep_j: float

    def mean_j(self, awake_share: float) -> float:
        """Return what a frame takes on average with a threshold, of the share of frames at which the network runs."""
        return awake_share * self.awake_j + (1 - awake_share) * self.asleep_j


@dataclass(frozen=True)
class WakeUpPoint:
    """One threshold.

    Attributes:
        wake_up_degc: The threshold.
        awake_share: Share of frames at which the network runs.
        balanced_accuracy: With the threshold.
        energy_j: Computing, of a frame on average.
        energy_saved: Share of the energy without a threshold; below zero where the threshold takes more.
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
        """The point that saves most and loses at most `TOLERATED_LOSS`; None where none saves."""
        least = self.balanced_accuracy - TOLERATED_LOSS
        good = [one for one in self.points if one.balanced_accuracy >= least and one.energy_saved > 0]
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

    warmest: NDArray[Any]
    counted: NDArray[np.int64]
    starts: NDArray[np.intp]


def wake_up_costs(network: NetworkEntry, board: Board, *, toolchain: Toolchain) -> WakeUpCosts:
    """Return what a frame takes with and without a threshold; its value does not matter, all are looked for alike.

    Args:
        network: The network; a threshold of its own is left out of account.
        board: Where it runs.
        toolchain: What compiles it.

    Raises:
        BadInputError: It is none but rules, takes no frames of 8 x 8, or its input's scale tells no threshold.
    """
    _refuse_rules(network)
    profile = profile_network(replace(network, wake_up_degc=None), board, toolchain=toolchain)
    if profile.preparation is None:
        raise BadInputError(network.path, "input", None, "takes no frames of 8 x 8, so that there is nothing to wake")
    # The highest, which noise does not reach.
    threshold_degc = max(_counters(network, read_network(network.path), THRESHOLDS_DEGC))
    waking = preparation_cycles(replace(network, wake_up_degc=threshold_degc), board, toolchain=toolchain)
    asleep_cycles = waking.cycles if waking.asleep_cycles is None else waking.asleep_cycles
    per_cycle_j = profile.energy_j / profile.cycles
    return WakeUpCosts(
        always_j=(profile.preparation.cycles + profile.cycles) * per_cycle_j,
        awake_j=(waking.cycles + profile.cycles) * per_cycle_j,
        asleep_j=asleep_cycles * per_cycle_j,
    )


def wake_up_curve(
    network: NetworkEntry,
    recording: Recording,
    costs: WakeUpCosts,
    *,
    asked: NDArray[np.bool_] | None = None,
    thresholds_degc: Sequence[float] = THRESHOLDS_DEGC,
) -> WakeUpCurve:
    """Return what each threshold gives and takes.

    Args:
        network: The network; a threshold of its own is left out of account.
        recording: Frames and their truth; how often it is empty decides what can be saved.
        costs: From `wake_up_costs`.
        asked: (N,) the frames by which accuracy is judged; None for all. Energy is that of all frames.
        thresholds_degc: The thresholds; those that the input's scale cannot tell are left out.

    Raises:
        BadInputError: The network counts no people on such frames, or is none but rules, or no threshold can be told.
    """
    _refuse_rules(network)
    counters = _counters(network, check_frame_shape(network, recording.frames.shape[1:]), thresholds_degc)
    seen = _seen(network, recording)
    judged = np.ones(len(recording.count), bool) if asked is None else asked
    truth = recording.count[judged]

    def balanced(counted: NDArray[np.int64]) -> float:
        answers = voted_by_block(counted, seen.starts, network.votes)
        return count_accuracy(truth, answers[judged]).balanced_accuracy

    points = []
    for threshold_degc, counter in counters.items():
        awake = seen.warmest >= (counter.wake_up_sum or 0)
        share = float(np.mean(awake))
        points.append(
            WakeUpPoint(
                wake_up_degc=threshold_degc,
                awake_share=share,
                balanced_accuracy=balanced(np.where(awake, seen.counted, 0)),
                energy_j=costs.mean_j(share),
                energy_saved=1 - costs.mean_j(share) / costs.always_j,
            )
        )
    return WakeUpCurve(balanced(seen.counted), costs.always_j, tuple(points))


def _refuse_rules(network: NetworkEntry) -> None:
    if network.has_rules:
        raise BadInputError(network.path, "", None, "these are rules, which run at every frame: name a network")


def _counters(network: NetworkEntry, read: Network, thresholds_degc: Sequence[float]) -> dict[float, Counter]:
    """Return what is done around a network with each threshold that its input's scale can tell, at least one."""
    found = {}
    for threshold_degc in thresholds_degc:
        # Refused is a threshold that the network would never reach, or always.
        with suppress(BadInputError):
            found[threshold_degc] = counter_of(replace(network, wake_up_degc=threshold_degc), read)
    if not found:
        raise BadInputError(network.path, "wake_up_degc", None, "its input's scale tells none of the thresholds")
    return found


def _seen(network: NetworkEntry, recording: Recording) -> _Seen:
    read = check_frame_shape(network, recording.frames.shape[1:])
    counter = counter_of(replace(network, wake_up_degc=None), read)
    runs = ReferenceNetwork(network.path)
    warmest, counted, starts = [], [], []
    for block in power_on_blocks(recording):
        codes = frontend_codes(raw_from_degc(block), counter.table)
        warmest.append(block_sums(codes, counter.table).max(axis=(1, 2)))
        counted.append(classify(runs.run(windowed(codes, counter.table.window))))
        starts.append(len(block))
    begins = np.concatenate([[0], np.cumsum(starts)[:-1]]).astype(np.intp)
    return _Seen(np.concatenate(warmest), np.concatenate(counted), begins)
