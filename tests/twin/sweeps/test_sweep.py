"""Sweeps from their TOML to the table of all runs and the page about it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from datasheet.bad_input import BadInputError
from datasheet.config import find_in_library
from twin.cli import run as command
from twin.energy.battery_sheet import LIBRARY
from twin.sweeps import driver
from twin.sweeps.driver import forecast, plan_of, run_sweep
from twin.sweeps.pareto import PRICES, fronts, points_of
from twin.sweeps.play import Outcome, play
from twin.sweeps.runner import RunnerLostError
from twin.sweeps.store import RUNS, read_identity, read_runs
from twin.sweeps.summary import summary_html
from twin.sweeps.sweep_file import load_sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from twin.sweeps.driver import Plan
    from twin.sweeps.play import Job

HEAD = """
title = "Air and seeds"
scenario = "office_doorway"
node = "ceiling_counter"
seconds = 5.0
"""
SMALL = 'seeds = [1, 2]\n[grid]\n"scenario.room.air_degc" = [20.0, 28.0]'
SKIP = "\n[rules]\nskip_impossible = true"


def plan_from(folder: Path, text: str) -> Plan:
    path = folder / "sweep.toml"
    path.write_text(HEAD + text)
    return plan_of(load_sweep(str(path)))


def no_progress(_done: int, _all: int) -> None:
    pass


class Here:
    """A runner that does its jobs in this process, the last first, and is lost after some."""

    address = "here"
    workers = 2

    def __init__(self, lost_after: int) -> None:
        self.lost_after = lost_after

    def as_they_finish(self, function: Callable[[Job], Outcome], jobs: Iterable[Job]) -> Iterator[tuple[Job, Outcome]]:
        for number, job in enumerate(reversed(list(jobs))):
            if number == self.lost_after:
                raise RunnerLostError("here")
            yield job, function(job)

    def in_order(self, function: Callable[[Job], Outcome], jobs: Iterable[Job]) -> list[Outcome]:
        return [function(job) for job in jobs]


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let runs be played here and at once; return the ids of those that are."""
    ids: list[str] = []

    def at_once(job: Job) -> Outcome:
        ids.append(job.run_id)
        digests = {"scenario_sha256": "a", "node_sha256": "b", "versions_sha256": driver.versions_sha256()}
        figures = {
            "balanced_accuracy": int(job.run_id[:4], 16) / 65536,
            **dict.fromkeys(PRICES, 1 + int(job.run_id[4:6], 16)),
            "life_s": 1e6,
            "assumed_count": 3,
        }
        return Outcome({**digests, **figures}, None, 0.5)

    monkeypatch.setattr(driver, "play", at_once)
    lose(monkeypatch, after=-1)
    return ids


def lose(monkeypatch: pytest.MonkeyPatch, *, after: int) -> None:
    @contextmanager
    def opened(*_arguments: object) -> Iterator[Here]:
        yield Here(after)

    monkeypatch.setattr(driver, "open_runner", opened)


def test_a_run_makes_the_row_of_what_it_is_made_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One run, really played: figures, provenance, and no problem."""
    lose(monkeypatch, after=-1)
    plan = plan_from(tmp_path, '[grid]\n"scenario.room.air_degc" = [22.0]')
    run_sweep(plan, tmp_path, progress=no_progress)
    (row,) = read_runs(tmp_path).to_pylist()
    (again,) = [play(plan.job(run_id)).row for run_id in plan.runs]
    assert {key: row[key] for key in again} == again
    assert (row["scenario"], row["seed"], row["scenario.room.air_degc"]) == ("office_doorway", 1, 22.0)
    assert row["problem"] is None
    assert row["inference_p50_s"] <= row["inference_p95_s"] <= row["inference_p99_s"]
    assert row["life_low_s"] < row["life_s"] < row["life_high_s"]
    assert all(len(row[key]) == 64 for key in row if key.endswith("sha256"))


def test_a_sweep_that_is_lost_underway_goes_on_without_doing_anything_twice(
    tmp_path: Path, played: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_from(tmp_path, f"seeds = {list(range(1, 31))}\n[grid]\n'scenario.room.air_degc' = [20, 21]")
    for name in ("whole", "lost"):
        (tmp_path / name).mkdir()
    run_sweep(plan, tmp_path / "whole", progress=no_progress)
    assert sorted(played) == sorted(plan.runs)
    played.clear()
    for after in (1, 20, 0, 7):
        lose(monkeypatch, after=after)
        with pytest.raises(RunnerLostError):
            run_sweep(plan, tmp_path / "lost", progress=no_progress)
    assert read_runs(tmp_path / "lost").num_rows == 28
    lose(monkeypatch, after=-1)
    shown: list[tuple[int, int]] = []
    run_sweep(plan, tmp_path / "lost", progress=lambda done, total: shown.append((done, total)))
    assert (shown[0], shown[-1]) == ((28, 60), (60, 60))
    assert sorted(played) == sorted(plan.runs)
    assert (tmp_path / "lost" / RUNS).read_bytes() == (tmp_path / "whole" / RUNS).read_bytes()


def test_another_sweep_gets_no_row_into_the_folder(tmp_path: Path, played: list[str]) -> None:
    """The title may change, what is played may not."""
    run_sweep(plan_from(tmp_path, SMALL), tmp_path, progress=no_progress)
    played.clear()
    renamed = plan_from(tmp_path, SMALL.replace("Air", "Breath"))
    run_sweep(renamed, tmp_path, progress=no_progress)
    assert played == []
    with pytest.raises(BadInputError, match="holds another sweep, 'Air and seeds'"):
        run_sweep(plan_from(tmp_path, SMALL.replace("28", "29")), tmp_path, progress=no_progress)


def test_the_same_run_has_the_same_id_in_any_sweep(tmp_path: Path) -> None:
    small, large = plan_from(tmp_path, SMALL), plan_from(tmp_path, SMALL.replace("[1, 2]", "[1, 2, 3]"))
    assert set(small.runs) < set(large.runs)
    assert len(large.runs) == 6
    other = plan_from(tmp_path, SMALL.replace("[grid]", 'level = "emulated"\n[grid]', 1))
    assert not set(other.runs) & set(small.runs)


def test_a_file_of_the_users_own_that_changes_makes_other_runs(tmp_path: Path) -> None:
    own = tmp_path / "own_battery.toml"
    text = find_in_library("lipo_1400mah", LIBRARY).read_text()
    ids = []
    for content in (text, text.replace("1400 mAh", "1401 mAh")):
        own.write_text(content)
        ids.append(set(plan_from(tmp_path, f'[grid]\n"node.battery" = ["{own}"]').runs))
    assert ids[0] != ids[1]


def test_workers_with_another_version_are_refused(tmp_path: Path, played: list[str]) -> None:
    plan = plan_from(tmp_path, SMALL)
    assert played == []
    newer = replace(plan, identity=replace(plan.identity, versions_sha256="newer"))
    with pytest.raises(BadInputError, match="has workers with another version of the twin"):
        run_sweep(newer, tmp_path, progress=no_progress)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('"scenario.room.air_degc" = [20.0, 50.0]', "scenario.room.air_degc is 50.0; must be less than or equal to 30"),
        ('"scenario.room.air" = [20.0]', "scenario.room.air is 20.0; unknown key; did you mean 'air_degc'?"),
        ('"scenario.doors.1.width_m" = [1]', "scenario.doors.1.width_m is 1; has no entry '1'; entries are 0 to 0"),
        ('"scenario.doors.0.width_m" = [0.1]', "scenario.doors.0.width_m is 0.1; must be greater than or equal to 0.6"),
        ('"scenario.room.ceiling_height_m" = [2.5]', "must not be above the ceiling at 2.5 m"),
        ('"scenario" = ["office_dorway"]', "scenario is 'office_dorway'; neither a file nor a known scenario"),
        ('"node" = ["ceiling_countr"]', "node is 'ceiling_countr'; neither a file nor a known node"),
        ('"node" = ["mask_camera"]', "makes this a node that guards a door"),
        ('"node.network" = ["people_c8_p_fx"]', "node.network is 'people_c8_p_fx'; no such name"),
        ('"node.board" = ["stm32"]', "node.board is 'stm32'; did you mean"),
        ('"node.battery" = ["aa"]', "node.battery is 'aa'; neither a file nor a known battery"),
        ('"node.mount.height_m" = [2.5, 3.5]', "node.mount.height_m is 3.5; must lie in the room of office_doorway"),
        ('"node.policy.kind" = ["gated"]', "policy.period_s"),
        ('"board.power.run.dynamik" = [1]', "board.power.run.dynamik is 1; unknown key; did you mean 'dynamic'?"),
        ('"board.power.run" = [1]', "is a table; a sweep varies single values; it holds static, dynamic, ranges"),
        ('"battery.capacity.charge" = [1]', "battery.capacity.charge is 1; is a table"),
        ('"battery.capacity.scale" = [0.0]', "battery.capacity.scale is 0.0; must be above 0"),
        ('"network.votes" = [100]', "network.votes is 100; must be a whole number from 1 to 9"),
        ('"network.frontend" = ["none"]', "network.frontend; must be network.votes or network.wake_up_degc"),
    ],
)
def test_what_cannot_be_is_found_before_the_first_run(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BadInputError) as caught:
        plan_from(tmp_path, f"[grid]\n{text}").check(no_progress)
    assert said in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "sweep.toml"))


@pytest.mark.parametrize(
    "text",
    [
        '"network.votes" = [1, 3]\n"network.wake_up_degc" = [0.5]',
        '"board.power.stop2" = [2.0]\n"node.board" = ["stm32l4a6zg", "stm32l4r5zi_dual_bank"]',
        '"sensor.noise.field.centre_noise" = [0.1]\n"battery.capacity.scale" = [0.5]',
        '"node.mount.tilt_deg" = [0.0, 10.0]\n"scenario" = ["office_doorway", "corridor_two_way"]',
    ],
)
def test_any_part_may_be_varied(tmp_path: Path, text: str) -> None:
    plan_from(tmp_path, f"[grid]\n{text}").check(no_progress)


def test_a_varied_quantity_keeps_its_unit_and_says_that_it_is_varied(tmp_path: Path) -> None:
    plan = plan_from(tmp_path, '[grid]\n"board.power.stop2" = [5.0]')
    (run,) = plan.runs.values()
    files = dict(plan.materials.bundle(run).files)
    assert b"[power.stop2]" in files["board/stm32l4a6zg/board.toml"]
    assert b'value = 5.0\nunit = "uA"\nsource = "varied by a sweep"' in files["board/stm32l4a6zg/board.toml"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '"node.mount.height_m" = [3.5]',
            "node/ceiling_counter.toml: mount.height_m is 3.5; must lie in the room of office_doorway: 0 to 2.7",
        ),
        (
            '"scenario.doors.1.width_m" = [1.0]',
            "the sweep: scenario.doors.1.width_m is 1.0; has no entry '1'; entries are 0 to 0",
        ),
    ],
)
def test_what_cannot_be_is_a_row_where_the_sweep_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    """With the reason, the same wherever it is played."""
    lose(monkeypatch, after=-1)
    plan = plan_from(tmp_path, f"[grid]\n{text}{SKIP}")
    plan.check(no_progress)
    run_sweep(plan, tmp_path, progress=no_progress)
    (row,) = read_runs(tmp_path).to_pylist()
    assert row["problem"] == said
    assert row["balanced_accuracy"] is None
    assert b"1 runs that cannot be" in summary_html(read_runs(tmp_path), plan.identity)


def test_a_slip_of_the_pen_is_never_skipped(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="did you mean 'height_m'"):
        plan_from(tmp_path, '[grid]\n"node.mount.hight_m" = [3.5]' + SKIP).check(no_progress)


def test_the_forecast_counts_what_is_done_and_says_what_it_was_measured_on(tmp_path: Path, played: list[str]) -> None:
    plan = plan_from(tmp_path, SMALL)
    before = forecast(plan, None)
    assert (before.runs, before.done, before.left_s) == (4, 0, 0.5 * 4 / 2)
    assert before.measured_on == "measured on 2 runs that were played for it"
    assert len(played) == 3
    run_sweep(plan, tmp_path, progress=no_progress)
    assert forecast(plan, tmp_path).left_s is None


def test_the_forecast_of_runs_that_cannot_be_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check before it does not play, and lets through a node that counts who passes a door."""
    lose(monkeypatch, after=-1)
    plan = plan_from(tmp_path, '[grid]\nnode = ["doorway_counter"]')
    with pytest.raises(BadInputError, match="counts who passes a door"):
        forecast(plan, None)


def test_a_front_is_what_nothing_beats_at_its_price(tmp_path: Path, played: list[str]) -> None:
    """Beside every other combination, by definition; prices within half a percent are the same."""
    plan = plan_from(tmp_path, f'[grid]\n"scenario.room.air_degc" = {[20 + n / 10 for n in range(40)]}')
    run_sweep(plan, tmp_path, progress=no_progress)
    assert len(played) == 40
    points = points_of(read_runs(tmp_path), plan.sweep.keys)
    for price, best in fronts(points).items():
        by_definition = [
            one
            for one in points
            if not any(
                other.figures["balanced_accuracy"] > one.figures["balanced_accuracy"]
                and other.figures[price] <= one.figures[price] * 1.005
                for other in points
            )
        ]
        assert {str(point.values) for point in best} == {str(point.values) for point in by_definition}


def test_seeds_are_one_combination_with_a_range(tmp_path: Path, played: list[str]) -> None:
    plan = plan_from(tmp_path, SMALL)
    run_sweep(plan, tmp_path, progress=no_progress)
    assert len(played) == 4
    rows = read_runs(tmp_path)
    for point in points_of(rows, plan.sweep.keys):
        of_it = [
            row["balanced_accuracy"]
            for row in rows.to_pylist()
            if row["scenario.room.air_degc"] == point.values["scenario.room.air_degc"]
        ]
        assert (point.runs, point.accuracy_low, point.accuracy_high) == (2, min(of_it), max(of_it))
        assert point.figures["balanced_accuracy"] == pytest.approx(sum(of_it) / 2)


def test_the_page_is_the_same_for_the_same_rows(tmp_path: Path, played: list[str]) -> None:
    plan = plan_from(tmp_path, SMALL)
    run_sweep(plan, tmp_path, progress=no_progress)
    assert played
    rows, identity = read_runs(tmp_path), read_identity(tmp_path)
    assert identity == plan.identity
    assert summary_html(rows, plan.identity) == summary_html(rows.sort_by([("seed", "descending")]), plan.identity)


def test_the_command_line_goes_on_where_a_killed_one_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """SIGKILL behind its first rows: table and page are those of a sweep that nobody killed, and of other processes."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    plan = plan_from(tmp_path, SMALL)
    with monkeypatch.context() as patch:
        lose(patch, after=-1)
        run_sweep(plan, whole, progress=no_progress)
    arguments = ["sweep", str(tmp_path / "sweep.toml"), "--workers", "1", "--json", "--out", str(killed)]
    with _driver(arguments) as process:
        while not list(killed.glob("runs/part-*.parquet")):
            assert process.poll() is None
            time.sleep(0.02)
        process.kill()
    assert 0 < read_runs(killed).num_rows < 4
    assert command(arguments) == 0
    answer: dict[str, Any] = json.loads(capfd.readouterr().out)
    assert (answer["runs"], answer["impossible"], len(answer["best"])) == (4, 0, 2)
    assert (killed / RUNS).read_bytes() == (whole / RUNS).read_bytes()
    assert (killed / "summary.html").read_bytes() == summary_html(read_runs(whole), plan.identity)


def _driver(arguments: list[str]) -> subprocess.Popen[bytes]:
    line = [sys.executable, "-m", "twin", *arguments]
    return subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "command line: --out; is missing: a folder for the runs"),
        (["--out", "OUT", "--scheduler", "somewhere"], "--scheduler is 'somewhere'; must be local, or such as tcp://"),
        (["--out", "OUT", "--workers", "0"], "--workers is 0; must be 1 to 256"),
    ],
)
def test_options_that_cannot_be_are_refused(
    tmp_path: Path, options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sweep.toml").write_text(HEAD + SMALL)
    out = [str(tmp_path / "out") if option == "OUT" else option for option in options]
    assert command(["sweep", str(tmp_path / "sweep.toml"), *out]) == 2
    assert said in " ".join(capsys.readouterr().err.split())
