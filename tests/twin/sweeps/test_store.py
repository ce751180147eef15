"""The folder of a sweep: rows are there once and whole, whatever ends the process that writes them."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

from datasheet.bad_input import BadInputError
from twin.sweeps import store as stores
from twin.sweeps.store import PARTS, RUNS, Identity, open_store, read_identity, read_runs

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SCHEMA = pa.schema([("run_id", pa.string()), ("seed", pa.int64())])
IDENTITY = Identity("A sweep", "5eed", "1.0", ("seed",))


def rows_of(numbers: Iterable[int]) -> list[dict[str, Any]]:
    return [{"run_id": f"{number * 7919 % 1000:03d}", "seed": number} for number in numbers]


def write(folder: Path, *groups: Iterable[int], identity: Identity = IDENTITY, finish: bool = True) -> None:
    folder.mkdir(exist_ok=True)
    with open_store(folder, identity, b"title = 1", SCHEMA) as store:
        for numbers in groups:
            store.append([row for row in rows_of(numbers) if row["run_id"] not in store.done])
        if finish:
            store.finish()


def test_the_same_rows_make_the_same_bytes_in_whatever_order_they_came(tmp_path: Path) -> None:
    write(tmp_path / "a", range(10), range(10, 20))
    write(tmp_path / "b", range(19, 12, -1), finish=False)
    write(tmp_path / "b", range(13))
    assert (tmp_path / "a" / RUNS).read_bytes() == (tmp_path / "b" / RUNS).read_bytes()
    table = read_runs(tmp_path / "a")
    assert sorted(table.column("seed").to_pylist()) == list(range(20))
    assert table.column("run_id").to_pylist() == sorted(table.column("run_id").to_pylist())


def test_a_finished_folder_holds_one_table_and_says_whose(tmp_path: Path) -> None:
    write(tmp_path, range(3))
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", RUNS, "sweep.json", "sweep.toml"]
    assert read_identity(tmp_path) == IDENTITY


def test_rows_are_read_while_the_sweep_is_under_way(tmp_path: Path) -> None:
    with open_store(tmp_path, IDENTITY, b"", SCHEMA) as store:
        with pytest.raises(BadInputError, match="none of its runs is done yet"):
            read_runs(tmp_path)
        store.append(rows_of([1]))
        store.append(rows_of([2, 3]))
        assert read_runs(tmp_path).column("seed").to_pylist() == [1, 2, 3]


def test_many_parts_become_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "MOST_PARTS", 3)
    write(tmp_path, *([number] for number in range(9)), finish=False)
    assert len(list((tmp_path / PARTS).iterdir())) <= 3
    assert sorted(read_runs(tmp_path).column("seed").to_pylist()) == list(range(9))


def test_rows_that_a_killed_process_left_twice_are_taken_once(tmp_path: Path) -> None:
    """A kill between the new part and the end of the old ones, or between the whole table and the end of its parts."""
    write(tmp_path, range(4), range(4, 8), finish=False)
    parts = {path.name: path.read_bytes() for path in (tmp_path / PARTS).iterdir()}
    write(tmp_path, [])
    whole = (tmp_path / RUNS).read_bytes()
    (tmp_path / PARTS).mkdir()
    for name, content in parts.items():
        (tmp_path / PARTS / name).write_bytes(content)
    assert read_runs(tmp_path).num_rows == 8
    write(tmp_path, [])
    assert (tmp_path / RUNS).read_bytes() == whole
    assert not (tmp_path / PARTS).exists()


_WRITER = """
import sys
from pathlib import Path
import numpy as np
import pyarrow as pa
from twin.sweeps import store as stores
from twin.sweeps.store import Identity, open_store
stores.MOST_PARTS = 4
identity = Identity("A sweep", "5eed", "1.0", ("seed",))
schema = pa.schema([("run_id", pa.string()), ("seed", pa.int64())])
with open_store(Path(sys.argv[1]), identity, b"title = 1", schema) as store:
    print("open", flush=True)
    for number in range(300):
        row = {"run_id": f"{number * 7919 % 1000:03d}", "seed": number}
        if row["run_id"] not in store.done:
            store.append([row])
    store.finish()
"""


def test_a_table_of_many_kills_is_that_of_none(tmp_path: Path) -> None:
    """SIGKILL at any moment: the next process goes on, and finds no row twice and none missing."""
    write(tmp_path / "whole", range(300))
    killed, moments_s = tmp_path / "killed", np.random.default_rng(1).uniform(0.0, 0.3, size=5)
    killed.mkdir()
    for moment_s in moments_s:
        with subprocess.Popen([sys.executable, "-c", _WRITER, str(killed)], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"open\n"
            time.sleep(moment_s)
            process.kill()
    subprocess.run([sys.executable, "-c", _WRITER, str(killed)], check=True, stdout=subprocess.DEVNULL)
    assert (killed / RUNS).read_bytes() == (tmp_path / "whole" / RUNS).read_bytes()
    assert sorted(path.name for path in killed.iterdir()) == [".lock", RUNS, "sweep.json", "sweep.toml"]


def test_two_sweeps_do_not_write_into_one_folder(tmp_path: Path) -> None:
    with open_store(tmp_path, IDENTITY, b"", SCHEMA), pytest.raises(BadInputError, match="another sweep writes there"):
        write(tmp_path, range(3))
    write(tmp_path, range(3))


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (Identity("B sweep", "0dd", "1.0", ("seed",)), "holds another sweep, 'A sweep'; choose another folder"),
        (Identity("A sweep", "5eed", "1.1", ("seed",)), "holds runs of another version of the twin"),
    ],
)
def test_rows_of_others_are_neither_mixed_with_nor_lost(tmp_path: Path, other: Identity, said: str) -> None:
    write(tmp_path, range(3))
    before = (tmp_path / RUNS).read_bytes()
    with pytest.raises(BadInputError, match=said):
        write(tmp_path, range(5), identity=other)
    assert (tmp_path / RUNS).read_bytes() == before


def test_a_parquet_from_elsewhere_is_refused(tmp_path: Path) -> None:
    """In a folder of no sweep, and among the parts of this one."""
    write(tmp_path / "other", range(3), identity=Identity("B", "0dd", "1.0", ("seed",)))
    (tmp_path / "mine").mkdir()
    foreign = (tmp_path / "other" / RUNS).read_bytes()
    (tmp_path / "mine" / RUNS).write_bytes(foreign)
    with pytest.raises(BadInputError, match="holds a Parquet that is of no sweep"):
        write(tmp_path / "mine", range(3))
    (tmp_path / "mine" / RUNS).unlink()
    write(tmp_path / "mine", range(3), finish=False)
    (tmp_path / "mine" / PARTS / "part-000099.parquet").write_bytes(foreign)
    with pytest.raises(BadInputError, match=r"part-000099\.parquet; is of another sweep"):
        write(tmp_path / "mine", range(3))
    (tmp_path / "mine" / PARTS / "part-000099.parquet").write_bytes(b"no Parquet")
    with pytest.raises(BadInputError, match=r"part-000099\.parquet; is no Parquet of a sweep"):
        write(tmp_path / "mine", range(3))


def test_a_damaged_table_and_a_part_that_is_none_are_told_in_one_line(tmp_path: Path) -> None:
    write(tmp_path, range(200))
    whole = (tmp_path / RUNS).read_bytes()
    footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    (tmp_path / RUNS).write_bytes(whole[:footer] + bytes(len(whole) - 8 - footer) + whole[-8:])
    with pytest.raises(BadInputError, match=r"runs\.parquet; is no Parquet of a sweep"):
        read_runs(tmp_path)
    (tmp_path / RUNS).write_bytes(whole)
    (tmp_path / PARTS).mkdir()
    (tmp_path / PARTS / "part-mine.parquet").write_bytes(whole)
    with pytest.raises(BadInputError, match=r"part-mine\.parquet; is of no sweep"):
        write(tmp_path, range(3))


def test_a_file_of_the_users_own_among_the_parts_stays_there(tmp_path: Path) -> None:
    write(tmp_path, range(3), finish=False)
    (tmp_path / PARTS / "notes.txt").write_text("mine")
    write(tmp_path, range(3))
    assert [path.name for path in (tmp_path / PARTS).iterdir()] == ["notes.txt"]
    assert read_runs(tmp_path).num_rows == 3


def test_a_sweep_of_the_users_own_in_the_folder_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "sweep.toml").write_bytes(b"title = 2")
    with pytest.raises(BadInputError, match=r"sweep\.toml; is another sweep; choose another folder"):
        write(tmp_path, range(3))
    assert (tmp_path / "sweep.toml").read_bytes() == b"title = 2"
    assert not (tmp_path / "sweep.json").exists()


def test_a_sweep_that_fails_before_its_first_run_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    """Also the user's own sweep in it; with a run done, all stays."""
    with pytest.raises(RuntimeError), open_store(tmp_path, IDENTITY, b"title = 1", SCHEMA):
        raise RuntimeError
    assert not list(tmp_path.iterdir())
    (tmp_path / "sweep.toml").write_bytes(b"title = 1")
    with pytest.raises(RuntimeError), open_store(tmp_path, IDENTITY, b"title = 1", SCHEMA):
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["sweep.toml"]
    with pytest.raises(RuntimeError):
        _fail_after_a_run(tmp_path)
    assert read_runs(tmp_path).num_rows == 1


def _fail_after_a_run(folder: Path) -> None:
    with open_store(folder, IDENTITY, b"title = 1", SCHEMA) as store:
        store.append(rows_of([1]))
        raise RuntimeError


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"title": "A"}', b"\xff"])
def test_a_folder_that_says_nonsense_of_itself_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "sweep.json").write_bytes(content)
    with pytest.raises(BadInputError, match=r"sweep\.json; cannot be read as what a sweep says of itself"):
        write(tmp_path, range(3))


def test_a_full_disk_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, no temporary file, and the same command goes on when there is room again."""
    write(tmp_path / "whole", range(20))
    write(tmp_path / "full", range(10), finish=False)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", _no_room)
        with pytest.raises(BadInputError) as caught:
            write(tmp_path / "full", range(20))
        assert "cannot be written: No space left on device; the finished runs are kept" in str(caught.value)
        with pytest.raises(BadInputError, match="No space left on device"):
            write(tmp_path / "full", [])  # the table of all runs
    assert not [path for path in (tmp_path / "full").rglob(".*") if path.name != ".lock"]
    assert read_runs(tmp_path / "full").num_rows == 10
    write(tmp_path / "full", range(20))
    assert (tmp_path / "full" / RUNS).read_bytes() == (tmp_path / "whole" / RUNS).read_bytes()


def _no_room(_descriptor: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_folder_without_a_sweep_has_no_rows(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"holds no sweep: it has no sweep\.json"):
        read_runs(tmp_path)
