"""The runner: many jobs on many processes, here or at a scheduler."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

import psutil
import pytest

from datasheet.bad_input import BadInputError
from twin.sweeps.runner import AHEAD, RunnerLostError, open_runner

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType

    from twin.sweeps.runner import Runner

JOBS = """
import os, pathlib, signal

from datasheet.bad_input import BadInputError


def refuse(number):
    raise BadInputError("plan.toml", "key", number, "must be 8")


def die_once(name):
    path = pathlib.Path(name)
    if not path.exists():
        path.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return name
"""
"""A module that workers can import, as they cannot a module of tests."""


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    folder = tmp_path_factory.mktemp("modules")
    (folder / "jobs_of_a_test.py").write_text(JOBS)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield import_module("jobs_of_a_test")


@pytest.fixture(scope="module")
def runner(jobs: ModuleType) -> Iterator[Runner]:
    assert jobs
    with open_runner(workers=2) as opened:
        yield opened


def test_results_come_in_the_order_of_the_jobs(runner: Runner) -> None:
    """Whatever finishes first."""
    assert runner.in_order(abs, [-3, 2, -1]) == [3, 2, 1]
    assert runner.in_order(abs, []) == []


def test_each_job_comes_with_its_result(runner: Runner) -> None:
    assert dict(runner.as_they_finish(abs, iter([-3, 2, -1]))) == {-3: 3, 2: 2, -1: 1}


def test_few_jobs_are_drawn_ahead_of_the_workers(runner: Runner) -> None:
    """A generator of jobs may look at what has come so far, and there may be any number of them."""
    drawn = []

    def numbers() -> Iterator[int]:
        for number in range(1_000_000):
            drawn.append(number)
            yield number

    for done, _ in enumerate(runner.as_they_finish(abs, numbers()), start=1):
        assert len(drawn) <= done + AHEAD * 2
        if done == 20:
            break


def test_bad_input_of_a_job_comes_back_as_it_was_raised(runner: Runner, jobs: ModuleType) -> None:
    with pytest.raises(BadInputError) as caught:
        runner.in_order(jobs.refuse, [7])
    assert str(caught.value) == "plan.toml: key is 7; must be 8"


def test_what_a_job_could_not_open_is_not_taken_for_a_lost_scheduler(runner: Runner) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        runner.in_order(os.stat, ["/nowhere"])


def test_a_job_whose_process_is_killed_is_done_again(runner: Runner, jobs: ModuleType, tmp_path: Path) -> None:
    names = [str(tmp_path / name) for name in "abc"]
    assert runner.in_order(jobs.die_once, names) == names
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "c"]


def test_workers_compute_in_one_thread_each(runner: Runner) -> None:
    names = ["OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"]
    assert runner.in_order(os.getenv, names) == ["1", "1", "1"]


def test_nobody_else_can_reach_the_processes(runner: Runner) -> None:
    """They listen on the loopback interface only."""
    assert runner.client.status == "running"
    me = psutil.Process()
    listening = [
        connection.laddr.ip
        for process in (me, *me.children(recursive=True))
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert set(listening) == {"127.0.0.1"}


@pytest.mark.parametrize("workers", [0, 257, -1])
def test_a_number_of_workers_that_cannot_be_is_refused(workers: int) -> None:
    with pytest.raises(BadInputError, match=r"--workers is .*; must be 1 to 256"), open_runner(workers=workers):
        pass


@pytest.mark.parametrize("address", ["", "somewhere", "http://127.0.0.1:8786", "tcp://127.0.0.1", "tcp://127.0.0.1:x"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(BadInputError, match="--scheduler is"), open_runner(address):
        pass


def test_a_scheduler_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twin.sweeps.runner.CONNECT_S", 0.5)
    with pytest.raises(BadInputError, match=r"--scheduler is 'tcp://127\.0\.0\.1:1'"), open_runner("tcp://127.0.0.1:1"):
        pass


def test_somebody_who_listens_and_says_nothing_is_no_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twin.sweeps.runner.CONNECT_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(BadInputError, match="no answer within"), open_runner(address):
            pass


def test_jobs_go_to_a_scheduler_by_its_address_until_it_dies(tmp_path: Path) -> None:
    """A scheduler without workers is refused; one that is lost underway is told apart from a job that fails."""
    with _process("dask_scheduler", "--port", "0", "--scheduler-file", str(tmp_path / "file")) as scheduler:
        address = _address(tmp_path / "file")
        with pytest.raises(BadInputError, match="has no workers"), open_runner(address):
            pass
        with (
            _process("dask_worker", address, "--nthreads", "1", "--no-nanny", "--local-directory", str(tmp_path)),
            open_runner(address) as runner,
        ):
            assert runner.in_order(abs, [-1]) == [1]
            finished = runner.as_they_finish(abs, iter(range(1_000_000)))
            assert next(finished)[0] in range(AHEAD)
            scheduler.kill()
            with pytest.raises(RunnerLostError, match=f"the scheduler {address} was lost"):
                list(finished)


@contextmanager
def _process(program: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", f"distributed.cli.{program}", "--host", "127.0.0.1", "--no-dashboard", *arguments]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def _address(path: Path) -> str:
    while not path.exists():
        time.sleep(0.05)
    time.sleep(0.1)
    return path.read_text().partition('"address": "')[2].partition('"')[0]


_CHILD = """
import signal, time, psutil
from twin.sweeps.runner import open_runner
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job starts with it ignored
with open_runner(workers=1) as runner:
    print(psutil.Process().children()[-1].pid, flush=True)
    runner.in_order(time.sleep, [60])
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_no_process_outlives_the_one_that_started_it(number: signal.Signals) -> None:
    """Killed or interrupted, while a job is under way."""
    with subprocess.Popen(
        [sys.executable, "-c", _CHILD], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        assert process.stdout is not None
        worker = psutil.Process(int(process.stdout.readline()))
        os.killpg(process.pid, number) if number == signal.SIGINT else process.kill()
        process.wait(timeout=30)
    psutil.wait_procs([worker], timeout=10)
    assert not worker.is_running()
