"""What a people counter answers when some frames never reached it: its network's answers to those that did."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from datasheet.bad_input import BadInputError
from mcu_models.networks.library import find_network
from twin.host_node import host_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from twin.campaign.verdict import Answer


class Replay:
    """A network on the host, to which the frames are shown again that the firmware has answered.

    Args:
        network: Name or path of the network that is in the firmware.
        frames: (N, rows, columns) of what the sensor sees, in degC.
        source: File of the campaign, for messages.

    Raises:
        BadInputError: There is no such network, or it does not take these frames.
    """

    def __init__(self, network: str, frames: NDArray[np.generic], source: str) -> None:
        self._name, self._source = network, source
        self._network = find_network(network)
        self._frames = np.asarray(frames, np.float32)
        host_count(self._network, self._frames[:1])

    def check(self, answers: Sequence[Answer]) -> None:
        """Make sure that this is the network of the firmware.

        Raises:
            BadInputError: It answers differently when nothing has gone wrong.
        """
        differ = sum(one.value != one.expected for one in self.expected(answers, 0))
        if differ:
            allowed = f"must be the firmware's: {differ} of {len(answers)} answers differ without any fault"
            raise BadInputError(self._source, "network", self._name, allowed)

    def expected(self, answers: Sequence[Answer], first: int) -> list[Answer]:
        """Return answers from `first` on, each with what the network says that was shown the same frames.

        Args:
            answers: All of them since power-on: what the network has learnt before counts as well.
            first: The first that is returned.
        """
        counts = host_count(self._network, self._frames[[answer.frame for answer in answers]])
        return [
            replace(answer, expected=str(count)) for answer, count in zip(answers[first:], counts[first:], strict=True)
        ]
