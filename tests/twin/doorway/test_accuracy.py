"""What is told is paired with what was: one to one, as many as can be; and then judged."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu_models.people_tracking.answers import as_numbers
from twin.doorway.accuracy import EDGE_S, Share, judged
from twin.doorway.events import DoorEvent, told_events, true_events
from twin.doorway.hanging import watch
from twin.doorway.pairing import paired
from twin.doorway.several import fused
from twin.intervals import wilson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scenarios.room import Scenario
    from twin.doorway.events import Kind
    from twin.doorway.prediction import DoorwayPrediction
    from twin.node import Node

TIMES = st.lists(st.integers(0, 12).map(lambda tenth: tenth / 4), max_size=5)


def came_in(*times_s: float, across_m: float = 0.0) -> list[DoorEvent]:
    return [event(time_s, "enter", across_m) for time_s in times_s]


def event(time_s: float, kind: Kind = "enter", across_m: float = 0.0) -> DoorEvent:
    return DoorEvent(time_s, kind, "door", across_m)


def test_as_many_pairs_as_can_be_not_the_nearest_first() -> None:
    """1.0 is nearest to 0.9, which would leave two events without a partner."""
    assert paired(came_in(0.0, 1.0), came_in(0.9, 1.9), within_s=1.0) == [(0, 0), (1, 1)]


def test_of_as_many_pairs_the_nearer_ones() -> None:
    assert paired(came_in(0.0, 1.0), came_in(0.1), within_s=2.0) == [(0, 0)]


def test_direction_door_and_place_must_agree() -> None:
    one = [event(1.0)]
    assert paired(one, [event(1.0, "leave")], within_s=1.0) == []
    assert paired(one, [DoorEvent(1.0, "enter", "other", 0.0)], within_s=1.0) == []
    assert paired(one, [event(1.0, across_m=0.6)], within_s=1.0, within_m=0.5) == []
    assert paired(one, [event(1.0, across_m=float("nan"))], within_s=1.0, within_m=0.5) == [(0, 0)]


@given(some=TIMES, others=TIMES)
def test_no_other_pairing_has_more_pairs_or_is_nearer(some: Sequence[float], others: Sequence[float]) -> None:
    """All pairings are tried."""
    pairs = paired(came_in(*some), came_in(*others), within_s=1.0)
    short, long = (some, others) if len(some) <= len(others) else (others, some)
    best = (0, 0.0)
    for chosen in itertools.permutations(range(len(long)), len(short)):
        away = [abs(short[i] - long[j]) for i, j in enumerate(chosen)]
        kept = [one for one in away if one <= 1.0]
        best = max(best, (len(kept), -sum(kept)))
    assert (len(pairs), -sum(abs(some[i] - others[j]) for i, j in pairs)) == pytest.approx(best)


def test_two_arrays_tell_of_one_person_once() -> None:
    """The earlier telling counts."""
    assert fused([came_in(5.2, across_m=0.1), came_in(5.0, across_m=-0.2)]) == came_in(5.0, across_m=-0.2)


def test_two_arrays_tell_of_two_people_when_they_are_apart_in_time_or_place() -> None:
    assert len(fused([came_in(5.0), came_in(6.0)])) == 2
    assert len(fused([came_in(5.0, across_m=-0.6), came_in(5.0, across_m=0.6)])) == 2
    assert len(fused([came_in(5.0), [event(5.0, "leave")]])) == 2


def test_two_tellings_of_one_array_are_two_people() -> None:
    assert len(fused([came_in(5.0, 5.1)])) == 2
    assert len(fused([came_in(5.0, 5.1), came_in(5.0, 5.1)])) == 2


def test_what_is_told_is_judged() -> None:
    """Four passed: one alone, told; two together, of whom one is told; one told in the wrong direction."""
    truth = [event(10.0), event(20.0), event(21.0), event(30.0, "leave")]
    told = [event(10.3), event(20.1), event(30.0)]
    found = judged(truth, told, seconds=60)
    assert (found.right, found.missed, found.false) == (Share(2, 4), Share(2, 4), Share(1, 3))
    assert (found.entering, found.leaving) == (Share(2, 3), Share(0, 1))
    assert (found.one_by_one, found.groups) == (Share(1, 2), Share(1, 2))
    assert found.drift == 1
    assert found.precision == pytest.approx(2 / 3)
    assert found.f1 == pytest.approx(2 * 0.5 * (2 / 3) / (0.5 + 2 / 3))


def test_each_telling_stands_for_one_person() -> None:
    found = judged([event(10.0)], [event(9.9), event(10.1)], seconds=60)
    assert (found.right, found.false) == (Share(1, 1), Share(1, 2))


def test_events_at_the_edge_are_paired_but_not_judged() -> None:
    edge = judged([event(1.0), event(59.0)], [event(1.2), event(2.0)], seconds=60)
    assert (edge.right, edge.false) == (Share(0, 0), Share(0, 0))
    assert edge.right.value is None
    assert edge.f1 is None
    across = judged([event(EDGE_S + 0.1)], [event(EDGE_S - 0.1)], seconds=60)
    assert across.right == Share(1, 1)


def test_two_doors_are_added_up() -> None:
    one = judged([event(10.0)], [event(10.0)], seconds=60)
    both = one + judged([event(10.0)], [], seconds=30)
    assert (both.right, both.seconds, both.drift) == (Share(1, 2), 90, -1)
    assert both.as_dict()["right"] == {
        "count": 1, "of": 2, "share": 0.5, "low": wilson(1, 2, 0.9)[0], "high": wilson(1, 2, 0.9)[1],
    }  # fmt: skip


def test_events_are_read_from_totals_also_past_their_end(office: Scenario, node: Node) -> None:
    """9999 is followed by 0; a frame without an answer tells nothing."""
    where = watch(node, office)
    told = as_numbers(np.array([[9999, 0, 0], [9999, 0, 0], [0, 0, 64], [0, 1, 72]]))
    told[1] = -1
    first, second, *more = told_events(told, np.arange(4) / 10, where)[-2:]
    assert (first.kind, first.time_s, second.kind, second.time_s) == ("enter", 0.2, "leave", 0.3)
    assert first.across_m == pytest.approx(0.0, abs=0.01)
    assert not more


def test_true_events_are_when_the_line_is_passed(prediction: DoorwayPrediction) -> None:
    """Those who come in pass it after they appeared in the doorway; who goes out, before they vanish."""
    truth = true_events(prediction.timeline, prediction.seen)
    listed = prediction.timeline.events
    assert len(truth) == len(listed) > 5
    for kind, sign in (("enter", 1), ("leave", -1)):
        away_s = np.subtract(
            sorted(one.time_s for one in truth if one.kind == kind),
            sorted(one.time_s for one in listed if one.kind == kind),
        )
        assert 0.3 < np.median(sign * away_s) < 1.5
