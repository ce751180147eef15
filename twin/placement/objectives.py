"""What a placement is judged by: how wrong its answers are, on days that nothing was learnt from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, get_args

import numpy as np

from datasheet.bad_input import BadInputError, nearest_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from twin.fusion.watching import Watched

Objective = Literal["detection", "count", "in_out"]

ERROR_IN_WORDS: Final[dict[str, str]] = {
    "count": "people wrong on average, answered against in the room",
    "detection": "mean of the shares of occupied moments missed and of empty ones answered with somebody",
    "in_out": "1 - F1 of people entering and leaving",
}


def objective_of(name: str) -> Objective:
    """Return the objective of this name.

    Raises:
        BadInputError: There is none.
    """
    for known in get_args(Objective):
        if name == known:
            return known  # type: ignore[no-any-return]
    raise BadInputError("command line", "objective", name, nearest_name(name, get_args(Objective)))


@dataclass(frozen=True)
class Judged:
    """How a placement did on one day.

    Of `in_out`, `unseen` is the share of those who pass a door that was missed, `miscounted` the share of what was told
    for which nobody passed, and `bias` how many people too many are inside in the end.

    Attributes:
        error: What the objective says.
        unseen: Share of people's time that no node has them in view.
        seen_twice: Share of people's time that several have.
        miscounted: People wrong on average, answered against in view of any node.
        bias: People too many on average, answered against in the room.
    """

    error: float
    unseen: float
    seen_twice: float
    miscounted: float
    bias: float


def judge_answers(day: Watched, answered: NDArray[np.int64], objective: Objective) -> Judged:
    """Return how wrong (N,) answers of a gateway were."""
    truth, in_view, people = day.truth, day.in_view, day.seen_by
    present = people[people >= 0]
    views = np.bitwise_count(present)
    wrong = _missed(answered, truth) if objective == "detection" else float(np.abs(answered - truth).mean())
    return Judged(
        error=wrong,
        unseen=_share(views == 0),
        seen_twice=_share(views > 1),
        miscounted=float(np.abs(answered - in_view).mean()),
        bias=float((answered - truth).mean()),
    )


def _missed(answered: NDArray[np.int64], truth: NDArray[np.int64]) -> float:
    shares = [(answered == 0)[truth > 0], (answered > 0)[truth == 0]]
    known = [float(share.mean()) for share in shares if len(share)]
    return float(np.mean(known))


def _share(which: NDArray[np.bool_]) -> float:
    return float(which.mean()) if len(which) else 0.0


def mean_of(days: Sequence[Judged]) -> Judged:
    """Return the mean over days."""
    names = ("error", "unseen", "seen_twice", "miscounted", "bias")
    return Judged(**{name: float(np.mean([getattr(day, name) for day in days])) for name in names})
