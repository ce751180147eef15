"""How a run with a fault is held beside the golden run: every outcome, at its border."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from twin.campaign.verdict import DEGRADED, HANG, MASKED, RECOVERED, WRONG, Answer, Judge, Watched, counted

FRAMES = 200
PERIOD_S = 0.1
BEGIN_S = 5.0
GOLDEN = [Answer(frame, (frame + 1) * PERIOD_S, str(frame // 50), frame) for frame in range(FRAMES)]


def watched(answers: list[Answer], *, end_s: float = BEGIN_S, noticed_s: float = math.inf) -> Watched:
    since = [answer for answer in answers if answer.time_s >= BEGIN_S]
    return Watched(BEGIN_S, end_s, 15.0, since, noticed_s)


def without(first_s: float, last_s: float) -> list[Answer]:
    return [answer for answer in GOLDEN if not first_s <= answer.time_s < last_s]


def changed(first_s: float, last_s: float, value: str = "9") -> list[Answer]:
    return [
        Answer(one.frame, one.time_s, value if first_s <= one.time_s < last_s else one.value, one.number)
        for one in GOLDEN
    ]


JUDGE = Judge(GOLDEN, recover_s=3.0)


def test_all_as_in_the_golden_run_is_masked() -> None:
    verdict = JUDGE.judge(watched(GOLDEN))
    assert (verdict.outcome, verdict.recovery_s, verdict.lost, verdict.wrong) == (MASKED, 0.0, 0, 0)


def test_something_said_with_nothing_lost_is_recovered_at_once() -> None:
    verdict = JUDGE.judge(watched(GOLDEN, noticed_s=BEGIN_S + 0.2))
    assert (verdict.outcome, verdict.recovery_s) == (RECOVERED, 0.0)


@pytest.mark.parametrize(("back_s", "outcome"), [(7.95, RECOVERED), (8.15, HANG), (math.inf, HANG)])
def test_recovery_counts_from_the_end_of_the_fault(back_s: float, outcome: str) -> None:
    verdict = JUDGE.judge(watched(without(BEGIN_S, back_s)))
    assert verdict.outcome == outcome
    if math.isinf(back_s):
        assert verdict.recovery_s is None
    else:
        assert verdict.recovery_s == pytest.approx(back_s + 0.05 - BEGIN_S)
    later = JUDGE.judge(watched(without(BEGIN_S, back_s), end_s=BEGIN_S + 2.0))
    assert later.outcome == (HANG if math.isinf(back_s) else RECOVERED)


def test_right_answers_with_gaps_for_ever_are_degraded() -> None:
    verdict = JUDGE.judge(watched([one for one in GOLDEN if one.frame % 4]))
    assert verdict.outcome == DEGRADED
    # An answer that is not due yet when watching ends is not lost.
    assert verdict.lost == len([one for one in GOLDEN if one.frame % 4 == 0 and BEGIN_S <= one.time_s <= 14.75])


def test_a_few_right_answers_before_silence_are_a_hang_still() -> None:
    assert JUDGE.judge(watched(without(BEGIN_S, 6.05)[:60])).outcome == HANG


def test_a_wrong_answer_is_silent_unless_something_was_said_in_time() -> None:
    silent = JUDGE.judge(watched(changed(6.05, 7.15)))
    assert (silent.outcome, silent.wrong, silent.is_silent) == (WRONG, 11, True)
    assert silent.wrong_for_s == pytest.approx(1.0)
    assert silent.recovery_s == pytest.approx(7.2 - BEGIN_S)
    assert not JUDGE.judge(watched(changed(6.05, 7.15), noticed_s=7.5)).is_silent
    assert JUDGE.judge(watched(changed(6.05, 7.15), noticed_s=8.5)).is_silent


def test_an_answer_that_follows_from_missed_frames_is_not_wrong() -> None:
    differing = changed(6.05, 7.15)
    known = [replace(one, expected="9" if one.time_s < 7.0 else one.value) for one in differing]
    assert JUDGE.finds_wrong(differing)
    verdict = JUDGE.judge(watched([replace(one, expected=one.value) for one in differing]))
    assert (verdict.outcome, verdict.wrong, verdict.following) == (MASKED, 0, 11)
    verdict = JUDGE.judge(watched([one for one in known if one.time_s < 6.95]))
    assert (verdict.outcome, verdict.following) == (HANG, 9)
    verdict = JUDGE.judge(watched([replace(one, expected="8") for one in differing]))
    assert (verdict.outcome, verdict.wrong, verdict.following) == (WRONG, 11, 0)


def test_harm_that_shows_late_has_a_limit_of_its_own() -> None:
    verdict = JUDGE.judge(watched(without(9.95, 11.05)))
    assert (verdict.outcome, verdict.recovery_s) == (RECOVERED, pytest.approx(11.1 - 10.0))


def test_answers_are_compared_by_frame_and_not_by_the_number_the_firmware_gives() -> None:
    """Restarted: the same answers to the same frames, numbered anew."""
    again = [Answer(one.frame, one.time_s, one.value, max(one.frame - 60, 0)) for one in without(BEGIN_S, 6.05)]
    verdict = JUDGE.judge(watched(again, noticed_s=5.5))
    assert (verdict.outcome, verdict.wrong, verdict.is_renumbered) == (RECOVERED, 0, True)
    gone_on = [Answer(one.frame, one.time_s, one.value, one.frame - 11) for one in without(BEGIN_S, 6.05)]
    assert not JUDGE.judge(watched(gone_on)).is_renumbered


def test_frames_nearby_count_as_the_same_where_that_is_asked_for() -> None:
    shifted = [Answer(one.frame + 1, one.time_s, one.value, one.number) for one in GOLDEN]
    assert JUDGE.judge(watched(shifted)).outcome == WRONG
    assert Judge(GOLDEN, recover_s=3.0, near_frames=1).judge(watched(shifted)).outcome == MASKED


def test_outcomes_are_counted_in_one_order() -> None:
    assert list(counted([HANG, MASKED, HANG]).items())[:2] == [(MASKED, 1), (RECOVERED, 0)]
    assert counted([HANG, MASKED, HANG])[HANG] == 2
