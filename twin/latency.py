"""How late the node answers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.emulated_node import NodeTrace


@dataclass(frozen=True)
class Latency:
    """Times in seconds.

    Attributes:
        inference_p50: Front end and network, median over frames.
        inference_p95: The same, 95th percentile.
        inference_max: The same, longest.
        event_to_answer_p50: From a change of the true number of people in view to the end of the first line of text
            that gives the new number, median over the changes that were answered before the next one; None when
            none was. The sensor's frames come half a frame period before the node looks at them, so this holds 50 ms
            of a phase that is arbitrary in reality (0 to 100 ms at 10 frames/s).
        changes: How often the true number changed.
        answered: How many of these changes were answered before the next.
    """

    inference_p50: float
    inference_p95: float
    inference_max: float
    event_to_answer_p50: float | None
    changes: int
    answered: int

    def as_dict(self) -> dict[str, float | None]:
        """Return the keys of `latency_s` in the result schema."""
        times = asdict(self)
        del times["changes"], times["answered"]
        return times


def latencies(trace: NodeTrace, truth: NDArray[np.int64], *, period_s: float) -> Latency:
    """Return the latencies of a run whose frames come every `period_s`."""
    inference_s = trace.inference_s[trace.count >= 0]
    p50, p95 = np.percentile(inference_s, [50, 95])
    waits_s = event_to_answer_s(truth, trace.count, trace.answer_delay_s, period_s=period_s)
    return Latency(
        inference_p50=float(p50),
        inference_p95=float(p95),
        inference_max=float(inference_s.max()),
        event_to_answer_p50=float(np.median(waits_s)) if len(waits_s) else None,
        changes=int(np.count_nonzero(np.diff(truth))),
        answered=len(waits_s),
    )


def event_to_answer_s(
    truth: NDArray[np.int64],
    count: NDArray[np.int64],
    answer_delay_s: NDArray[np.float64],
    *,
    period_s: float,
) -> NDArray[np.float64]:
    """Return the wait for each change of `truth` that was answered in time.

    A change seen first in frame k happened, on average, half a period before it.

    Args:
        truth: (N,) people in view.
        count: (N,) people as answered.
        answer_delay_s: (N,) from a frame's measurement to its answer.
        period_s: Time from frame to frame.
    """
    changes = np.flatnonzero(np.diff(truth)) + 1
    waits: list[float] = []
    for begin, end in pairwise([*changes, len(truth)]):
        right = np.flatnonzero(count[begin:end] == truth[begin])
        if len(right):
            frame = begin + right[0]
            waits.append(period_s / 2 + right[0] * period_s + answer_delay_s[frame])
    return np.array(waits)
