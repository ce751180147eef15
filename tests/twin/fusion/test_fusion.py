"""Several sensors, one answer: who is seen by whom, what arrives, and what a gateway makes of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from scenarios.room import load_scenario
from twin.cli import run
from twin.fusion.gateway import adding_gateway, learn_gateway
from twin.fusion.messages import UNKNOWN, LinkConfig, Message, heard, send
from twin.fusion.watching import Watched, watch, watch_timelines
from twin.placement.hanging import load_hung_node

if TYPE_CHECKING:
    from pathlib import Path

FLOOR = load_scenario("office_floor")
LEFT, RIGHT = "ceiling_counter@2.1,3.2,2.6", "ceiling_counter@2.9,3.2,2.6"


def _days(names: list[str], first_seed: int, number: int = 2, seconds: float = 120.0) -> list[Watched]:
    nodes = [load_hung_node(name) for name in names]
    return [watch(FLOOR, nodes, seconds=seconds, seed=first_seed + day) for day in range(number)]


@pytest.fixture(scope="module")
def learnt() -> list[Watched]:
    return _days([LEFT, RIGHT], 100)


@pytest.fixture(scope="module")
def judged() -> list[Watched]:
    return _days([LEFT, RIGHT], 200)


def test_people_seen_by_two_sensors_count_once(learnt: list[Watched]) -> None:
    day = learnt[0]
    each = [((np.maximum(day.seen_by, 0) >> node) & 1).sum(axis=1) for node in range(2)]
    assert (day.in_view <= each[0] + each[1]).all()
    assert (day.in_view >= np.maximum(*each)).all()
    assert (day.in_view <= day.truth).all()
    assert np.array_equal(each[0], day.recordings[0].count)
    assert (each[0] + each[1] > day.in_view).any()


def _error(day: Watched, answered: np.ndarray) -> float:
    return float(np.abs(answered - day.in_view).mean())


def test_a_gateway_that_knows_of_the_overlap_errs_less_than_one_that_adds(
    learnt: list[Watched], judged: list[Watched]
) -> None:
    knowing, adding = learn_gateway(learnt), adding_gateway(2)
    fused = np.mean([_error(day, knowing.fuse(day.counts)) for day in judged])
    added = np.mean([_error(day, adding.fuse(day.counts)) for day in judged])
    assert fused < 0.6 * added


def test_two_overlapping_sensors_err_no_more_than_one_that_sees_all(
    learnt: list[Watched], judged: list[Watched]
) -> None:
    fused = np.mean([_error(day, learn_gateway(learnt).fuse(day.counts)) for day in judged])
    alone = np.mean([_error(day, day.counts[0]) for day in _days(["ceiling_counter@2.5,3.2,2.6"], 200)])
    assert fused <= 1.1 * alone


def test_fields_that_do_not_overlap_add_up() -> None:
    days = _days(["ceiling_counter@1.2,1.2,2.4", "ceiling_counter@3.8,4.8,2.4"], 1, number=1, seconds=60)
    gateway = learn_gateway(days)
    assert gateway.groups == ()
    assert np.array_equal(gateway.fuse(days[0].counts), days[0].counts.sum(axis=0))


def test_lost_messages_cost_little_and_silence_is_not_zero(learnt: list[Watched], judged: list[Watched]) -> None:
    gateway, day = learn_gateway(learnt), judged[0]
    time_s = day.timeline.time_s
    link = LinkConfig(period_s=1.0, loss_ratio=0.2)
    patchy = gateway.fuse(*heard(send(day.counts, time_s, link, seed=1), 2, time_s, link.stale_s))
    assert _error(day, patchy) < _error(day, gateway.fuse(day.counts)) + 0.3
    silent = day.counts.copy()
    occupied = int(np.flatnonzero(gateway.fuse(day.counts)[300:])[0]) + 300
    silent[:, occupied + 1 :] = UNKNOWN
    assert gateway.fuse(silent)[occupied + 5] >= 1


def test_a_gateway_has_no_more_than_it_heard_by_then(learnt: list[Watched], judged: list[Watched]) -> None:
    gateway, counts = learn_gateway(learnt), judged[0].counts
    changed = counts.copy()
    changed[:, 700:] = 3
    assert np.array_equal(gateway.fuse(changed)[:700], gateway.fuse(counts)[:700])


def test_messages_come_at_their_period_and_get_lost() -> None:
    time_s = np.arange(6000) / 10
    counts = np.tile(np.arange(6000) % 4, (2, 1))
    all_of_them = send(counts, time_s, LinkConfig(period_s=2.0), seed=1)
    assert len(all_of_them) == pytest.approx(600, abs=2)
    assert [m.time_s for m in all_of_them] == sorted(m.time_s for m in all_of_them)
    some = send(counts, time_s, LinkConfig(period_s=2.0, loss_ratio=0.3), seed=1)
    assert len(some) == pytest.approx(420, abs=50)
    late = send(counts, time_s, LinkConfig(period_s=2.0, clock_sd_s=5.0), seed=1)
    assert {
        round(a.time_s - b.time_s, 6)
        for a, b in zip(sorted(late, key=_key), sorted(all_of_them, key=_key), strict=True)
    } != {0}


def _key(message: Message) -> tuple[int, float]:
    return message.node, message.time_s


def test_zones_add_up_to_the_whole(learnt: list[Watched], judged: list[Watched]) -> None:
    gateway, counts = learn_gateway(learnt), judged[0].counts
    zones = gateway.zones(counts)
    assert list(zones) == [(0, 1)]
    assert np.array_equal(zones[0, 1], gateway.fuse(counts))


def test_sensors_watched_as_a_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["watch", "office_floor", "--node", LEFT, "--node", RIGHT, "--seconds", "60", "--loss", "0.1"]
    assert run([*asked, "--out", str(tmp_path / "w"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["zones"] == [[0, 1]]
    assert said["fused"]["people_wrong"] < said["added"]["people_wrong"]
    table = np.load(tmp_path / "w" / "counts.npz", allow_pickle=False)
    assert table["counts"].shape == (2, 600)
    assert run(["watch", "office_floor", "--node", "doorway_counter"]) == 2
    assert "passes a door" in capsys.readouterr().err


def test_old_counts_are_forgotten() -> None:
    last, news = heard([Message(0, 1.0, 2)], 2, np.array([0.5, 1.0, 2.0, 5.0]), stale_s=3.0)
    assert last.tolist() == [[UNKNOWN, 2, 2, UNKNOWN], [UNKNOWN] * 4]
    assert news.tolist() == [[False, True, False, False], [False] * 4]


def test_days_watched_together_have_the_same_units() -> None:
    nodes = [load_hung_node(LEFT)]
    day = watch(FLOOR, nodes, seconds=20, seed=3)
    together = watch_timelines(FLOOR, [day.timeline, day.timeline], nodes, seed=3)
    assert np.array_equal(together[0].recordings[0].frames, day.recordings[0].frames)
    assert np.array_equal(together[0].counts, day.counts)
