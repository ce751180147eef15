"""The search for places: what it proposes, judges and reports."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import shapely

from datasheet.bad_input import BadInputError
from scenarios.room import load_scenario
from sensors.mount import Mount
from twin.cli import run
from twin.node import load_node
from twin.placement.asking import PlaceOptions, place_request
from twin.placement.design import Hanging
from twin.placement.search import FINALISTS, Found, Request, Space, _moved, search
from twin.placement.search_files import node_files, search_json
from twin.placement.starts import at_the_doors, to_the_centimetre, where_people_are
from twin.placement.trials import CHOSEN, SEARCHED, Days, Trial, day_seed, day_timeline, judge

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from twin.sweeps.runner import Runner

FLOOR = load_scenario("office_floor")
SPACE = Space(
    FLOOR, ("ceiling_counter",), (1, 2), (2.2, 2.7), (0.0, 30.0), {"ceiling_counter": 3.0}, {"ceiling_counter": 1e6}
)
REQUEST = Request("count", trials=10, seconds=40.0, days=8)


class Here:
    """Does jobs one after the other, here."""

    def in_order(self, function: Callable[[Any], Any], jobs: Sequence[Any]) -> list[Any]:
        return [function(job) for job in jobs]


HERE: Runner = Here()  # type: ignore[assignment]


@pytest.fixture(scope="module")
def found() -> Found:
    return search(SPACE, REQUEST, HERE)


def test_every_number_of_sensors_is_tried_alike_and_within_the_space(found: Found) -> None:
    assert len(found.tried) == 10
    assert {len(one.design) for one in found.tried} == {1, 2}
    for one in found.tried:
        for hanging in one.design:
            assert 2.2 <= hanging.mount.height_m <= 2.7
            assert hanging.mount.tilt_deg <= 30
            assert 0 <= hanging.mount.x_m <= 5
        assert one.cost == 3.0 * len(one.design)


def test_the_same_seed_finds_the_same(found: Found) -> None:
    again = search(SPACE, REQUEST, HERE)
    assert search_json(again) == search_json(found)


def test_the_best_is_no_worse_than_other_finalists_on_the_days_of_the_search_and_of_the_choice(found: Found) -> None:
    plan = FLOOR.model_dump_json()
    for number, best in found.best.items():
        own = sorted((one for one in found.tried if len(one.design) == number), key=lambda one: one.judged.error)
        again = [judge(Trial(plan, one.design, "count", REQUEST.on(CHOSEN))).error for one in own[:FINALISTS]]
        errors = [one.judged.error + error for one, error in zip(own, again, strict=False)]
        assert best.tried.design == own[int(np.argmin(errors))].design
        assert len(best.days) == 16
        assert found.grids[number].tried.design != best.tried.design or best.tried.origin == "grid"


def test_the_front_holds_what_nothing_beats(found: Found) -> None:
    front = found.front()
    assert min(one.judged.error for one in found.tried) in [one.judged.error for one in front]
    for one in front:
        assert not any(
            other.judged.error < one.judged.error and other.cost <= one.cost and other.life_s >= one.life_s
            for other in found.tried
        )


def test_a_placement_of_ones_own_is_judged_and_reported() -> None:
    mine = (Hanging("ceiling_counter", Mount(2.5, 3.2, 2.6)),)
    found = search(SPACE, replace(REQUEST, trials=8, start=mine), HERE)
    assert found.tried[0].design == mine
    assert found.start is not None
    assert found.start.tried.origin == "yours"
    assert len(node_files(found)) == len(found.recommended.tried.design)


def test_a_placement_of_another_number_of_sensors_is_reported_but_not_recommended() -> None:
    mine = tuple(Hanging("ceiling_counter", Mount(x_m, 3.2, 2.6)) for x_m in (1.0, 2.5, 4.0))
    found = search(replace(SPACE, numbers=(1,)), replace(REQUEST, trials=8, start=mine), HERE)
    assert set(found.best) == {1}
    assert found.start is not None
    assert found.start.tried.design == mine


def test_what_is_proposed_hangs_in_a_room_drawn_in_feet() -> None:
    """To the centimetre, but never above a ceiling of 8 ft, 2.4384 m."""
    low = FLOOR.model_copy(update={"room": FLOOR.room.model_copy(update={"ceiling_height_m": 2.4384})})
    space = replace(SPACE, scenario=low, numbers=(1,), heights_m=(2.437, 2.4384), tilts_deg=(0.0, 0.4))
    found = search(space, replace(REQUEST, trials=12), HERE)
    mounts = [one.design[0].mount for one in found.tried]
    assert all(2.437 <= mount.height_m <= 2.4384 for mount in mounts)
    assert all(mount.tilt_deg <= 0.4 for mount in mounts)
    doors = at_the_doors(low, 2, 2.4384)
    assert [mount.height_m for mount in doors] == [2.4384, 2.4384]


def test_a_node_that_is_moved_stays_in_a_room_drawn_in_feet() -> None:
    size = {"size_x_m": 4.876, "size_y_m": 6.096, "outline_m": (), "ceiling_height_m": 2.4384}
    feet = FLOOR.model_copy(update={"room": FLOOR.room.model_copy(update=size)})
    space = replace(SPACE, scenario=feet, heights_m=(2.2, 2.4384))
    one, rng = Hanging("ceiling_counter", Mount(4.87, 6.09, 2.4384)), np.random.default_rng(1)
    for _ in range(50):
        mount = _moved(one, space, rng).mount
        assert 0 <= mount.x_m <= 4.876
        assert 0 <= mount.y_m <= 6.096
        assert 2.2 <= mount.height_m <= 2.4384


def test_a_place_to_the_centimetre_lies_within_slanted_walls() -> None:
    corners = [[0.0, 0.0], [6.096, 0.0], [3.0, 5.003]]
    size = {"size_x_m": 6.096, "size_y_m": 5.003, "outline_m": tuple(map(tuple, corners))}
    room = FLOOR.room.model_copy(update=size)
    slanted = FLOOR.model_copy(update={"room": room})
    shape = shapely.Polygon(corners)
    for along in np.linspace(0, shape.length, 500):
        x_m, y_m = to_the_centimetre(slanted, *shape.exterior.interpolate(along).coords[0])
        assert shape.covers(shapely.Point(x_m, y_m))
        assert (round(x_m, 2), round(y_m, 2)) == (x_m, y_m)
        assert shape.exterior.distance(shapely.Point(x_m, y_m)) < 0.05


def test_days_of_search_and_report_are_different_people() -> None:
    plan = FLOOR.model_dump_json()
    first, second = (day_timeline(plan, 40.0, day_seed(1, purpose, 0)) for purpose in (1, 3))
    assert first.persons != second.persons


def test_a_sensor_in_a_corner_errs_more_than_one_where_people_are() -> None:
    timeline = day_timeline(FLOOR.model_dump_json(), 60.0, 5)
    sheet = load_node("ceiling_counter").sensor
    crowded = where_people_are(FLOOR, [timeline], sheet, 1, 2.7)[0]
    days = Days(1, SEARCHED, 8, 60.0)
    good, bad = (
        judge(Trial(FLOOR.model_dump_json(), (Hanging("ceiling_counter", mount),), "count", days))
        for mount in (crowded, Mount(4.6, 0.4, 2.7))
    )
    assert good.error < bad.error
    assert good.unseen < bad.unseen
    assert bad.bias < 0


def test_at_doors_the_search_finds_who_comes_and_goes() -> None:
    office = load_scenario("office_doorway")
    types = ("doorway_counter",)
    space = Space(office, types, (1,), (2.4, 2.7), (0.0, 0.0), {types[0]: 1.0}, {types[0]: 1e6}, at_doors=True)
    found = search(space, Request("in_out", trials=8, seconds=60.0, days=10), HERE)
    assert found.best[1].tried.judged.error < 0.3
    assert all(one.design[0].mount.y_m <= 1.3 for one in found.tried)
    assert "of those who pass a door are missed" in found.why.in_words()[0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sensors": "0"}, "sensors"),
        ({"sensors": "4-2"}, "sensors"),
        ({"sensors": "1-99"}, "sensors"),
        ({"sensors": "1-12", "trials": 23}, "trials.*24 at least"),
        ({"objective": "cout"}, "count"),
        ({"types": ("ceiling_conter",)}, "ceiling_counter"),
        ({"types": ("doorway_counter",)}, "comes and goes"),
        ({"types": ("ceiling_counter_gated",)}, "policy gated"),
        ({"highest_m": 9.0}, "ceiling"),
        ({"lowest_m": 2.6, "highest_m": 2.3}, "lowest"),
        ({"prices": ("ceiling_counter=cheap",)}, "price"),
        ({"prices": ("mask_camera=3",)}, "price"),
        ({"start": ("ceiling_counter@50,1,2.5",)}, "mount"),
    ],
)
def test_a_search_that_cannot_be_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInputError, match=said):
        place_request(FLOOR, PlaceOptions(**change))


def test_the_command_writes_what_it_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "found"
    asked = ["place", "office_floor", "--sensors", "1", "--trials", "8", "--seconds", "40", "--workers", "1"]
    assert run([*asked, "--out", str(out), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said == json.loads((out / "place.json").read_text())
    table = pq.read_table(out / "trials.parquet")
    assert table.num_rows == 8
    assert np.min(table["error"].to_numpy()) == pytest.approx(min(one["search"]["error"] for one in said["front"]))
    assert (out / "place.png").read_bytes().startswith(b"\x89PNG")
    assert load_node(str(out / "sensor_1_ceiling_counter.toml")).config.mount is not None


def test_coverage_as_a_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["coverage", "office_floor", "--node", "ceiling_counter@2.5,3.2,2.6", "--step", "0.5", "--people", "8"]
    assert run([*asked, "--no-studies", "--jobs", "1", "--out", str(tmp_path / "c"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert 0.1 < said["postures"]["all"]["detected"] < 0.5
    assert {path.name for path in (tmp_path / "c").iterdir()} == {
        "coverage.json", "coverage.geojson", "coverage.npz", "coverage.png",
    }  # fmt: skip
    assert run(["coverage", "office_floor", "--node", "ceiling_counter", "--height", "5"]) == 2
    assert "ceiling" in capsys.readouterr().err


@pytest.mark.parametrize("asked", [["coverage", "--node"], ["place", "--node"], ["watch", "--node"], ["sweep"]])
def test_no_name_is_no_folder(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    command, *node = asked
    assert run([command, "office_floor", *node, *(["ceiling_counter"] if node else []), "--out", ""]) == 2
    assert "must be the name of a folder" in capsys.readouterr().err
