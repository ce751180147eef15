"""What a sweep's TOML may say, and what is said of what it may not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from datasheet.bad_input import BadInputError
from datasheet.config import library_names
from twin.sweeps.sweep_file import LIBRARY, MOST_RUNS, Sweep, load_sweep

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """
title = "A sweep"
scenario = "office_doorway"
node = "ceiling_counter"
seconds = 5.0
"""


def sweep_of(folder: Path, text: str, head: str = HEAD) -> Sweep:
    """Return the sweep that a text is."""
    path = folder / "sweep.toml"
    path.write_text(head + text)
    return load_sweep(str(path))


def test_a_grid_is_every_combination_its_last_key_the_fastest(tmp_path: Path) -> None:
    sweep = sweep_of(tmp_path, 'seeds = [1, 2]\n[grid]\n"scenario.room.air_degc" = [20, 22.5]')
    assert [(run.changes, run.seed) for run in sweep.runs()] == [
        ((("scenario.room.air_degc", 20.0),), 1),
        ((("scenario.room.air_degc", 20.0),), 2),
        ((("scenario.room.air_degc", 22.5),), 1),
        ((("scenario.room.air_degc", 22.5),), 2),
    ]


def test_keys_may_be_written_with_or_without_quotes(tmp_path: Path) -> None:
    """TOML makes tables of unquoted dots."""
    quoted = sweep_of(
        tmp_path, '[grid]\n"node.mount.height_m" = [2.5]\n[random]\nruns = 2\n"seconds" = {low=5, high=9}'
    )
    bare = sweep_of(tmp_path, "[grid]\nnode.mount.height_m = [2.5]\n[random]\nruns = 2\nseconds = {low=5, high=9}")
    assert list(quoted.runs()) == list(bare.runs())


def test_draws_are_within_their_ranges_and_the_same_for_the_same_seed(tmp_path: Path) -> None:
    text = """
[random]
runs = 200
seed = 3
"node.mount.height_m" = { low = 2.2, high = 3.0 }
"scenario.arrivals.rate_per_hour" = { low = 1.0, high = 100.0, log = true }
"scenario.arrivals.capacity" = { low = 1, high = 3, integer = true }
"network.votes" = { low = 1, high = 9, integer = true, log = true }
"node.network" = { choice = ["a", "b"] }
"""
    runs = [dict(run.changes) for run in sweep_of(tmp_path, text).runs()]
    heights = [float(run["node.mount.height_m"]) for run in runs]
    rates = sorted(float(run["scenario.arrivals.rate_per_hour"]) for run in runs)
    assert len(runs) == len(set(heights)) == 200
    assert 2.2 <= min(heights) < 2.3
    assert 2.9 < max(heights) <= 3.0
    assert 1.0 <= rates[0] < 2
    assert 50 < rates[-1] <= 100
    assert 5 < rates[100] < 20  # half of the draws below the geometric mean
    assert {run["scenario.arrivals.capacity"] for run in runs} == {1, 2, 3}
    assert {run["network.votes"] for run in runs} == set(range(1, 10))
    assert {run["node.network"] for run in runs} == {"a", "b"}
    assert runs == [dict(run.changes) for run in sweep_of(tmp_path, text).runs()]


def test_a_further_key_leaves_the_draws_of_the_others_as_they_are(tmp_path: Path) -> None:
    one = '[random]\nruns = 3\n"seconds" = { low = 5, high = 9 }\n'
    more = f'{one}"scenario.room.air_degc" = {{ low = 20, high = 30 }}'
    seconds = [[run.seconds for run in sweep_of(tmp_path, text).runs()] for text in (one, more)]
    assert seconds[0] == seconds[1]
    assert len(set(seconds[0])) == 3


def test_draws_and_grid_are_combined(tmp_path: Path) -> None:
    sweep = sweep_of(tmp_path, 'seeds = [1, 2]\n[random]\nruns = 3\n"seconds" = { low = 5, high = 9 }')
    assert [run.seed for run in sweep.runs()] == [1, 2] * 3
    assert len({run.seconds for run in sweep.runs()}) == 3


@pytest.mark.parametrize("name", library_names(LIBRARY))
def test_sweeps_of_the_library_vary_something(name: str) -> None:
    runs = list(load_sweep(name).runs())
    assert 10 < len(runs) == len(set(runs)) < 200


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "sweep.toml; varies nothing: it needs a table grid or random, or seeds"),
        ("seeds = [1, 1]", "seeds is 1; stands there twice"),
        ("seed = 1\nseeds = [1, 2]", "seeds is [1, 2]; stands beside seed; keep one of them"),
        ("seeds = [-1]", "seed is -1; must be a whole number, not negative"),
        ("[grid]\nseed = [1.5]", "seed is 1.5; must be a whole number, not negative"),
        ("seeds = [1]\n[grid]\nseed = [2]", "grid.seed; stands beside seeds; keep one of them"),
        ("[grid]\nlevel = ['half']", "level is 'half'; must be host or emulated"),
        ("[grid]\nseconds = [0.5]", "seconds is 0.5; must be a number from 1 to 86400"),
        ("[grid]\nnodes = ['a']", "grid.nodes; unknown key; did you mean 'node'? known: "),
        ("[grid]\nboard = ['a']", "grid.board; needs a key of the sheet behind it; the part is node.board"),
        ("[grid]\nsensor = ['a']", "the part is node.sensor.part"),
        ("[grid]\n'board.' = [1]", "grid.board.; unknown key"),
        ("[grid]\nseconds = 5", "grid.seconds is 5; must be a list of values, such as [1.0, 2.0]"),
        ("[grid]\nseconds = []", "grid.seconds is []; must be a list of values"),
        ("[grid]\nseconds = [5, 'a']", "must hold texts, or numbers, or true and false, and only one of these"),
        ("[grid]\nseconds = [[5]]", "must hold texts, or numbers, or true and false, and only one of these"),
        ("[random]\nruns = 2", "random; names no key to draw"),
        ("[random]\nseconds = {low=5, high=9}", "random.runs; must be a whole number from 1 to 100000"),
        ("[random]\nruns = 2\nseconds = 5", "random.seconds is 5; must be a range such as"),
        ("[random]\nruns = 2\nseconds = {low=5}", "random.seconds.high; is required and missing"),
        ("[random]\nruns = 2\nseconds = {low=5, high='a'}", "random.seconds.high is 'a'; must be a number"),
        ("[random]\nruns = 2\nseconds = {low=5, high=5}", "random.seconds.high is 5.0; must be above low, 5"),
        ("[random]\nruns = 2\nseconds = {low=0, high=5, log=true}", "must be above 0 where log = true"),
        ("[random]\nruns = 2\nseconds = {low=0, high=5, log=1}", "random.seconds.log is 1; must be true or false"),
        ("[random]\nruns = 2\nseconds = {low=1, high=5, top=1}", "random.seconds.top; unknown; "),
        ("[random]\nruns = 2\nseconds = {low=1.5, high=5, integer=true}", "low is 1.5; must be a whole number"),
        ("[random]\nruns = 2\nseconds = {low=1, choice=[5]}", "has a choice beside a range; keep one of them"),
        ("[random]\nruns = 2\nseconds = {choice=[]}", "random.seconds.choice is []; must be a list of values"),
        ("seeds=[1]\n[grid]\nseconds=[5]\n[random]\nruns=2\nseconds={low=5,high=9}", "is in the grid as well"),
        ("sceds = [1]", "sceds; unknown key; did you mean 'seeds'?"),
        ("[rules]\nskip = true", "rules.skip; unknown key; did you mean 'skip_impossible'?"),
    ],
)
def test_what_a_sweep_may_not_say_is_told_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BadInputError) as caught:
        sweep_of(tmp_path, text)
    assert said in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "sweep.toml"))


def test_too_many_runs_are_refused_before_they_are_counted_out(tmp_path: Path) -> None:
    text = f"seeds = {list(range(400))}\n[grid]\n'scenario.room.air_degc' = {[20 + n / 100 for n in range(400)]}"
    with pytest.raises(BadInputError, match=f"has 160000 runs; {MOST_RUNS} at most"):
        sweep_of(tmp_path, text)


def test_the_nearest_sweep_of_the_library_is_suggested() -> None:
    with pytest.raises(BadInputError, match="did you mean 'height_and_air'"):
        load_sweep("height_and_ear")
