"""How firmware took a fault, from its answers: the definitions behind the table of a campaign.

Answers are held beside those of a run without faults, the golden run, frame by frame: an answer belongs to the frame
that the sensor had shown when it came, whatever number the firmware gives it.

- An answer is *lost* when the golden run has one to a frame and this run has none to it.
- It is *wrong* when it differs from that of the golden run to the same frame. Answers to frames that the golden run did
  not answer count neither way.
- An answer that differs *follows* from the frames that were missed, and is right, if the network gives it when it is
  shown the frames that the firmware has taken and no others. That is told where the network is known (`replay.py`).
- Harm is a lost answer or a wrong one. The firmware has *recovered* at the first right answer behind the last harm.
- Frames are *renumbered* when the firmware's number of the last answer is below the last one before the fault plus the
  answers since: it has begun to count anew, or has used numbers twice.
- The *limit* is the time allowed for recovery (`recover_s`) behind the fault's end; harm that shows only later than
  that has a limit of its own, as long behind the first harm.

The outcome is the first of these that fits:

| outcome | when |
|---|---|
| wrong answer | at least one answer is wrong; it is *silent* if nothing was said and nothing reset until the limit |
| masked | nothing is lost, nothing was said and nothing reset |
| recovered | it has recovered within the limit; what was said or reset, and maybe lost, is told beside |
| degraded | it has not, but right answers come before the limit and behind it, with others missing |
| hang | no right answer comes between the fault's end, or the first harm, and the limit, or none any more behind it |

A fault that the emulator itself did not survive is "emulator failed"; that is found elsewhere (`fork.py`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MASKED: Final = "masked"
RECOVERED: Final = "recovered"
DEGRADED: Final = "degraded"
WRONG: Final = "wrong answer"
HANG: Final = "hang"
FAILED: Final = "emulator failed"
OUTCOMES: Final = (MASKED, RECOVERED, DEGRADED, WRONG, HANG, FAILED)
PATIENCE: Final = 2.5
"""Usual pauses between answers for which one is waited at the end, before it counts as lost."""


@dataclass(frozen=True)
class Answer:
    """One answer.

    Attributes:
        frame: Number of the frame that the sensor had shown.
        time_s: When its line was complete.
        value: What is compared.
        number: Which number the firmware gives it; None when it gives none.
        expected: What is right for the frames that were taken so far; None where that is not known.
    """

    frame: int
    time_s: float
    value: str
    number: int | None
    expected: str | None = None


@dataclass(frozen=True)
class Watched:
    """What was seen of a fault.

    Attributes:
        begin_s: When the fault began.
        end_s: When it was over.
        until_s: How far it was watched.
        answers: Answers from its beginning on.
        noticed_s: When something was first said, or reset; infinity for never.
    """

    begin_s: float
    end_s: float
    until_s: float
    answers: Sequence[Answer]
    noticed_s: float = math.inf


@dataclass(frozen=True)
class Verdict:
    """How firmware took a fault.

    Attributes:
        outcome: One of `OUTCOMES`.
        recovery_s: From the fault's end to recovery, or from the first harm where that shows behind the limit; 0 where
            nothing was harmed; None where it did not recover.
        lost: Answers lost.
        wrong: Answers wrong.
        following: Answers that are not those of the golden run, but follow from the frames that were missed.
        wrong_for_s: From the first wrong answer to the last.
        is_silent: Whether answers were wrong and nothing was said.
        is_renumbered: Whether the firmware has numbered frames anew.
        first_harm_s: When the first harm showed; infinity for never.
        recovered_s: When it had recovered; infinity for not.
    """

    outcome: str
    recovery_s: float | None
    lost: int
    wrong: int
    following: int
    wrong_for_s: float
    is_silent: bool
    is_renumbered: bool
    first_harm_s: float
    recovered_s: float


class Judge:
    """Holds runs beside the golden run.

    Args:
        golden: All answers of the run without faults, in order.
        recover_s: Time allowed for recovery.
        near_frames: So many frames before or behind count as the same.
    """

    def __init__(self, golden: Sequence[Answer], *, recover_s: float, near_frames: int = 0) -> None:
        self._golden = tuple(golden)
        self._recover_s = recover_s
        self._near = range(-near_frames, near_frames + 1)
        self._values = {answer.frame: answer.value for answer in golden}
        gaps = [later.time_s - earlier.time_s for earlier, later in pairwise(golden)]
        self._patience_s = PATIENCE * median(gaps) if gaps else 0.0

    def judge(self, watched: Watched) -> Verdict:
        """Return how firmware took a fault."""
        lost_s = self._lost_s(watched)
        wrong_s = [answer.time_s for answer in watched.answers if self._is_right(answer) is False]
        right_s = [answer.time_s for answer in watched.answers if self._is_right(answer)]
        harms_s = [*lost_s, *wrong_s]
        first_s = min(harms_s, default=math.inf)
        recovered_s = min((s for s in right_s if s > max(harms_s)), default=math.inf) if harms_s else watched.begin_s
        is_late = math.inf > first_s > watched.end_s + self._recover_s
        counted_from_s = first_s if is_late else watched.end_s
        limit_s = counted_from_s + self._recover_s
        is_noticed = watched.noticed_s <= limit_s
        if wrong_s:
            outcome = WRONG
        elif not lost_s and not is_noticed:
            outcome = MASKED
        elif recovered_s <= limit_s:
            outcome = RECOVERED
        else:
            since_s = max(counted_from_s, first_s)
            comes_in_time = any(since_s < time_s <= limit_s for time_s in right_s)
            has_stopped = watched.until_s > limit_s + self._patience_s and max(right_s, default=0.0) <= limit_s
            outcome = DEGRADED if comes_in_time and not has_stopped else HANG
        return Verdict(
            outcome=outcome,
            recovery_s=None if math.isinf(recovered_s) else max(recovered_s - counted_from_s, 0.0),
            lost=len(lost_s),
            wrong=len(wrong_s),
            following=sum(self._is_golden(one) is False and bool(self._is_right(one)) for one in watched.answers),
            wrong_for_s=max(wrong_s) - min(wrong_s) if wrong_s else 0.0,
            is_silent=bool(wrong_s) and not is_noticed,
            is_renumbered=self._is_renumbered(watched),
            first_harm_s=first_s,
            recovered_s=recovered_s,
        )

    def _lost_s(self, watched: Watched) -> list[float]:
        """Return when the golden run gave the answers that are lost."""
        until_s = watched.until_s - self._patience_s
        due = [answer for answer in self._golden if watched.begin_s <= answer.time_s <= until_s]
        answered = {answer.frame for answer in watched.answers}
        return [answer.time_s for answer in due if not any(frame in answered for frame in self._around(answer.frame))]

    def finds_wrong(self, answers: Iterable[Answer]) -> bool:
        """Tell whether any answer is wrong."""
        return any(self._is_right(answer) is False for answer in answers)

    def _is_right(self, answer: Answer) -> bool | None:
        """Tell whether an answer is as in the golden run or follows; None where that has none to compare."""
        as_golden = self._is_golden(answer)
        return as_golden if as_golden is None else as_golden or answer.value == answer.expected

    def _is_golden(self, answer: Answer) -> bool | None:
        values = {self._values[frame] for frame in self._around(answer.frame) if frame in self._values}
        return answer.value in values if values else None

    def _around(self, frame: int) -> Iterable[int]:
        return (frame + near for near in self._near)

    def _is_renumbered(self, watched: Watched) -> bool:
        """Tell whether the last number is below what the last one before the fault and the answers since make it."""
        before = [answer.number for answer in self._golden if answer.time_s < watched.begin_s]
        last = watched.answers[-1].number if watched.answers else None
        known = before[-1] if before else None
        return last is not None and known is not None and last < known + len(watched.answers)


def counted(outcomes: Iterable[str]) -> Mapping[str, int]:
    """Return how often each outcome came, in the order of `OUTCOMES`."""
    found = list(outcomes)
    return {outcome: found.count(outcome) for outcome in OUTCOMES}
