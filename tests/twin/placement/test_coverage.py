"""Coverage: single people at spots, as a node's own network sees them."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import psutil
import pytest
import shapely

from datasheet.bad_input import BadInputError
from scenarios.room import Scenario, load_scenario
from scenarios.timeline import STANDING, Timeline
from sensors.sensing import sense
from twin.host_node import count_recording
from twin.intervals import wilson
from twin.placement.coverage import Coverage, coverage, wilson_interval
from twin.placement.coverage_files import coverage_geojson, coverage_json, coverage_npz
from twin.placement.coverage_picture import coverage_png
from twin.placement.glimpses import Glimpser, Visits, draw_crowd
from twin.placement.hanging import load_hung_node
from twin.placement.studies import at_air, at_height, studies

if TYPE_CHECKING:
    from pathlib import Path

FLOOR = load_scenario("office_floor")
MIDDLE = load_hung_node("ceiling_counter@2.5,3.2,2.6")


@pytest.fixture(scope="module")
def covered() -> Coverage:
    return coverage(FLOOR, [MIDDLE], step_m=0.5, people=24, units=2, seed=3)


def _at(found: Coverage, x_m: float, y_m: float, what: str = "detected") -> float:
    nearest = np.argmin(np.hypot(*(found.spots.position_m - (x_m, y_m)).T))
    return float(found.share(what)[nearest])


def test_people_below_are_detected_and_people_in_corners_are_not(covered: Coverage) -> None:
    assert _at(covered, 2.5, 3.2) > 0.9
    assert _at(covered, 0.5, 0.5) < 0.05
    assert _at(covered, 2.5, 3.2, "right") > 0.8
    assert 0 <= covered.false_alarms[0] < 0.02


def test_coverage_is_the_same_for_any_number_of_processes(covered: Coverage) -> None:
    again = coverage(FLOOR, [MIDDLE], step_m=0.5, people=24, units=2, seed=3, processes=2)
    assert np.array_equal(again.detected, covered.detected)
    assert np.array_equal(again.right_by, covered.right_by)


def test_another_seed_gives_other_people(covered: Coverage) -> None:
    other = coverage(FLOOR, [MIDDLE], step_m=0.5, people=24, units=2, seed=4)
    assert not np.array_equal(other.detected, covered.detected)
    assert abs(other.share().mean() - covered.share().mean()) < 0.05


def test_several_sensors_detect_at_least_what_each_does_alone(covered: Coverage) -> None:
    both = coverage(
        FLOOR, [MIDDLE, load_hung_node("ceiling_counter@1.2,1.2,2.6")], step_m=0.5, people=24, units=2, seed=3
    )
    assert (both.detected >= both.detected_by.max(axis=0)).all()
    assert both.share().mean() > covered.share().mean() + 0.03


def test_a_network_that_knows_its_background_counts_as_one_that_has_learnt_it() -> None:
    """Standing people after a minute of empty room, frame by frame, are detected as often as in single glimpses."""
    crowd = draw_crowd(FLOOR, 40, seed=5)
    at_m = np.array([3.4, 3.2])
    lasting = [_watched(crowd.persons[person], at_m, person) for person in range(40)]
    rng = np.random.default_rng(6)
    glimpsed = []
    for person in range(40):
        visits = Visits(np.full(25, person), np.tile(at_m, (25, 1)), np.zeros(25), STANDING)
        glimpsed.append((Glimpser(FLOOR, MIDDLE, unit_seed=person).counts(crowd, visits, rng) > 0).mean())
    assert np.mean(glimpsed) == pytest.approx(np.mean(lasting), abs=0.1)
    assert 0.1 < np.mean(lasting) < 0.95


def _watched(person: object, at_m: np.ndarray, seed: int) -> float:
    """Return how often somebody who stands there from the 600th frame on is detected within 25 frames."""
    frames, empty = 625, 600
    there = np.arange(frames) >= empty
    room = FLOOR.room
    timeline = Timeline(
        time_s=np.arange(frames) / 10,
        person_index=np.where(there, 0, -1).astype(np.int32)[:, np.newaxis],
        position_m=np.where(there[:, np.newaxis], at_m, np.nan)[:, np.newaxis],
        heading_rad=np.where(there, 0.0, np.nan)[:, np.newaxis],
        speed_mps=np.where(there, 0.0, np.nan)[:, np.newaxis],
        persons=(person,),  # type: ignore[arg-type]
        events=(),
        air_degc=room.air_degc,
        floor_degc=room.floor_degc,
        wall_degc=room.wall_degc,
        room_size_m=(room.size_x_m, room.size_y_m),
    )
    recording = sense(timeline, MIDDLE.mount_in(FLOOR), MIDDLE.sensor, seed=seed)
    return float((count_recording(MIDDLE.network, recording)[empty + 3 :] > 0).mean())


def test_rules_have_coverage_too() -> None:
    rules = load_hung_node("ceiling_counter_rules@2.5,3.2,2.6")
    found = coverage(FLOOR, [rules], step_m=1.0, people=6, units=1, postures=["standing"], seed=1)
    assert _at(found, 2.5, 3.5) > 0.8
    assert _at(found, 0.5, 0.5) < 0.2


def test_the_interval_is_wilsons() -> None:
    hits = np.array([0, 7, 40])
    low, high = wilson_interval(hits, 40)
    for count, one, other in zip(hits, low, high, strict=True):
        assert (one, other) == pytest.approx(wilson(int(count), 40, 0.95), abs=1e-9)


def test_warm_rooms_hide_people() -> None:
    cool, warm = (
        coverage(at_air(FLOOR, degc), [MIDDLE], step_m=0.5, people=24, units=2, seed=2).share().mean()
        for degc in (20.0, 30.0)
    )
    assert warm < cool - 0.02


def test_higher_sensors_see_more_floor() -> None:
    low, high = (
        coverage(FLOOR, at_height([MIDDLE], FLOOR, height_m), step_m=0.5, people=16, units=2, seed=2).blind().mean()
        for height_m in (2.0, 2.7)
    )
    assert high < low


def test_studies_say_what_coverage_depends_on() -> None:
    found = studies(load_scenario("empty_room_with_radiator"), [load_hung_node("ceiling_counter")], seed=1)
    assert found.by_height[0].blind > found.by_height[-1].blind
    assert found.by_air[0].detected > found.by_air[-1].detected
    assert [one.value for one in found.things][1] == 0


def test_files_say_the_same_as_the_coverage(covered: Coverage) -> None:
    table = np.load(io.BytesIO(coverage_npz(covered)), allow_pickle=False)
    assert np.array_equal(table["detected_sitting"], covered.share("detected", "sitting"))
    assert np.all(table["right_walking_low"] <= table["right_walking"])
    features = json.loads(coverage_geojson(covered))["features"]
    kinds = [feature["properties"]["kind"] for feature in features]
    assert kinds.count("spot") == len(covered.spots)
    assert kinds.count("pixel") == 3 * 64
    blind = next(f for f in features if f["properties"].get("posture") == "standing" and "area_m2" in f["properties"])
    zone = shapely.from_geojson(json.dumps(blind["geometry"]))
    assert zone.area == pytest.approx(covered.blind("standing").sum() * 0.25)
    assert all(shapely.from_geojson(json.dumps(feature["geometry"])).is_valid for feature in features[:50])
    said = coverage_json(covered, None)
    assert said["postures"]["all"]["detected"] == pytest.approx(covered.share().mean())


def test_the_picture_is_the_same_each_time(covered: Coverage) -> None:
    picture = coverage_png(covered)
    assert picture.startswith(b"\x89PNG")
    assert picture == coverage_png(covered)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"step_m": 0.01}, "step"),
        ({"postures": ["lying"]}, "posture"),
    ],
)
def test_what_cannot_be_covered_is_refused(change: dict[str, object], said: str) -> None:
    with pytest.raises(BadInputError, match=said):
        coverage(FLOOR, [MIDDLE], **{"step_m": 1.0, "people": 8, **change})  # type: ignore[arg-type]


def test_a_sensor_outside_the_plan_is_refused() -> None:
    with pytest.raises(BadInputError, match=r"mount\.x_m"):
        coverage(FLOOR, [load_hung_node("ceiling_counter@9,3,2.6")], step_m=1.0, people=8)


def test_nobody_stands_in_walls_or_furniture() -> None:
    shop: Scenario = load_scenario("shop_entrance")
    found = coverage(shop, [load_hung_node("ceiling_counter")], step_m=0.5, people=2, units=1, postures=["standing"])
    shelf = shapely.box(1.9, 2.7, 2.5, 5.7)
    assert not shapely.contains_xy(shelf, found.spots.position_m).any()


def test_an_interrupt_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    """Ctrl-C goes to every process of a terminal: workers that die of it, or are left, must not say anything."""
    asked = ["coverage", "office_floor", "--node", "ceiling_counter", "--people", "2000", "--out", str(tmp_path / "c")]
    with subprocess.Popen(
        [sys.executable, "-m", "twin", *asked],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
    ) as process:  # fmt: skip
        started: list[psutil.Process] = []
        while len(started) < 3 and process.poll() is None:  # a tracker and two workers
            started = psutil.Process(process.pid).children(recursive=True)
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, b"interrupted; nothing was written\n")
    assert not (tmp_path / "c").exists()
    assert not psutil.wait_procs(started, timeout=10)[1]
