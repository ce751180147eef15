"""Runs many jobs on many processes, here or on a cluster: the same code for both."""

from __future__ import annotations

import asyncio
import logging
import queue
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module, metadata
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeVar

import joblib

from datasheet.bad_input import BadInputError
from twin.interruption import interrupts_held_back

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from types import ModuleType

LOCAL: Final = "local"
"""Name of the scheduler that is started for the jobs, and ended behind them."""

MOST_WORKERS: Final = 256
"""Of one machine; more are a slip of the finger."""

AHEAD: Final = 2
"""So many jobs are under way for each worker: one that it does, one that waits."""

CONNECT_S: Final = 5.0
"""So long a scheduler may take to answer, and to have a worker."""

DEATHS: Final = 10
"""A job that has ended so many processes in a row is not tried again."""

_PACKAGE: Final = "edge-sensor-twin"
_SCHEMES: Final = ("tcp://", "tls://")

_BEFORE_START: Final = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "DASK_LOGGING__DISTRIBUTED": "critical",
}
"""Environment that a worker starts with: workers share the cores, within one of them libraries must not do so again."""

_AFTER_START: Final = {"NUMBA_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
"""The same for libraries that look later; numba would not bear it in this process, where its threads may run."""

_LOCAL_CONFIG: Final[dict[str, Any]] = {
    "distributed.scheduler.allowed-failures": DEATHS,
    # A job waits at the scheduler, not behind another one at a worker, so that no worker idles while one waits.
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.scheduler.rootish-taskgroup": 0,
    "distributed.scheduler.worker-ttl": None,
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.worker.profile.enabled": False,
    "distributed.nanny.pre-spawn-environ": _BEFORE_START,
    "distributed.nanny.environ": _AFTER_START,
}

JobT = TypeVar("JobT")
ResultT = TypeVar("ResultT")


class RunnerLostError(RuntimeError):
    """The scheduler was lost while jobs were under way, or a job ends every process that does it."""


@dataclass(frozen=True)
class Runner:
    """Does jobs on the workers of a Dask scheduler.

    A job and its result travel between processes: frozen dataclasses, numbers, text, arrays; the function is one of a
    module that workers can import. A worker that dies is replaced and its job done again.

    Attributes:
        client: The connection.
        address: Where the scheduler is, as said to the user.
        limit: No more jobs at the same time; None: as many as there are threads.
    """

    client: Any
    address: str
    limit: int | None = None

    @property
    def workers(self) -> int:
        """How many jobs are done at the same time, by the workers that there are now.

        Raises:
            RunnerLostError: The scheduler was lost.
        """
        try:
            threads = int(sum(self.client.nthreads().values()))
        except (CancelledError, OSError, RuntimeError):
            raise self._lost() from None
        return max(1, threads if self.limit is None else min(self.limit, threads))

    def as_they_finish(
        self, function: Callable[[JobT], ResultT], jobs: Iterable[JobT]
    ) -> Iterator[tuple[JobT, ResultT]]:
        """Yield each job with its result, in the order in which they finish.

        Jobs are drawn as there is room for them, `AHEAD` for each worker: there may be a million, and a generator may
        look at what has come so far. Whoever stops listening ends the jobs that are not begun.

        Raises:
            RunnerLostError: The scheduler was lost, or the job ended `DEATHS` processes in a row.
            Exception: What the function raised.
        """
        finished: queue.SimpleQueue[Any] = queue.SimpleQueue()
        under_way: dict[str, tuple[Any, JobT]] = {}
        waiting = iter(jobs)
        try:
            while self._fill(function, waiting, under_way, finished):
                future, job = under_way.pop(finished.get().key)
                yield job, self._result(future)
        finally:
            self._forget(future for future, _ in under_way.values())

    def in_order(self, function: Callable[[JobT], ResultT], jobs: Sequence[JobT]) -> list[ResultT]:
        """Return the results of jobs, in the order of the jobs.

        Raises:
            RunnerLostError: The scheduler was lost, or the job ended `DEATHS` processes in a row.
            Exception: What the function raised.
        """
        numbered = self.as_they_finish(_Numbered(function), enumerate(jobs))
        found = {number: result for (number, _), result in numbered}
        return [found[number] for number in range(len(jobs))]

    def _fill(
        self,
        function: Callable[[JobT], ResultT],
        waiting: Iterator[JobT],
        under_way: dict[str, tuple[Any, JobT]],
        finished: queue.SimpleQueue[Any],
    ) -> bool:
        """Hand out jobs while there is room; return whether any is under way."""
        room = AHEAD * self.workers - len(under_way)
        for job in islice(waiting, max(0, room)):
            future = self.client.submit(function, job, pure=False)
            under_way[future.key] = (future, job)
            future.add_done_callback(finished.put)
        return bool(under_way)

    def _result(self, future: Any) -> Any:
        """Return what the function returned, or raise what it raised.

        Both are there already, except that a result whose worker has died since is worked out again.
        """
        try:
            return future.result()
        except _dask().KilledWorker as error:
            said = f"a job ended the process that did it {error.allowed_failures + 1} times: is memory short?"
            raise RunnerLostError(said) from None
        except CancelledError:
            raise self._lost() from None
        except OSError:
            if future.status == "error":
                raise  # by the function
            raise self._lost() from None

    def _lost(self) -> RunnerLostError:
        return RunnerLostError(f"the scheduler {self.address} was lost")

    def _forget(self, futures: Iterable[Any]) -> None:
        if self.client.status == "running":
            self.client.cancel(list(futures), force=True)


@dataclass(frozen=True)
class _Numbered:
    """A function of a job that carries its number."""

    function: Callable[[Any], Any]

    def __call__(self, numbered: tuple[int, Any]) -> Any:
        return self.function(numbered[1])


@contextmanager
def open_runner(scheduler: str = LOCAL, workers: int | None = None) -> Iterator[Runner]:
    """Open a runner: on processes of its own, or at a Dask scheduler that is there.

    Processes of its own listen on the loopback interface only, compute in one thread each, do not hear Ctrl-C, and end
    with this process however it ends. They start as `multiprocessing` starts processes: the main module is loaded by
    each, so what a script does stands behind `if __name__ == "__main__":`.

    Args:
        scheduler: "local", or an address such as `tcp://host:8786`. Its workers must be able to import this package.
        workers: How many jobs at the same time; default: one for each core, or for each thread of the cluster.

    Raises:
        BadInputError: No such scheduler answers, it has no workers, or `workers` is out of range.
        RunnerLostError: Raised by the runner when the scheduler is lost.
    """
    if workers is not None and not 1 <= workers <= MOST_WORKERS:
        raise BadInputError("command line", "--workers", workers, f"must be 1 to {MOST_WORKERS}")
    if scheduler == LOCAL:
        with _local(workers or joblib.cpu_count()) as runner:
            yield runner
    else:
        with _remote(scheduler, workers) as runner:
            yield runner


def _dask() -> ModuleType:
    """Return the engine, which says nothing by itself; it is slow to load, and `twin --help` does without."""
    engine = import_module("distributed")
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return engine


@contextmanager
def _local(workers: int) -> Iterator[Runner]:
    dask = _dask()
    with import_module("dask").config.set(_LOCAL_CONFIG):
        with interrupts_held_back():
            cluster = dask.LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                memory_limit=0,
                silence_logs=logging.CRITICAL,
                dashboard_address=None,
                scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
            )
        with cluster, dask.Client(cluster, set_as_default=False) as client:
            yield Runner(client, LOCAL, workers)


@contextmanager
def _remote(address: str, workers: int | None) -> Iterator[Runner]:
    if not address.startswith(_SCHEMES):
        raise BadInputError("command line", "--scheduler", address, "must be local, or such as tcp://host:8786")
    try:
        asyncio.run(asyncio.wait_for(_knock(address), CONNECT_S))
        client = _dask().Client(address, timeout=CONNECT_S, set_as_default=False)
    except Exception as error:  # noqa: BLE001 - whatever listens there may answer anything
        why = " ".join(str(error).split()) or f"no answer within {CONNECT_S:g} s"
        raise BadInputError("command line", "--scheduler", address, f"is no Dask scheduler: {why}") from None
    with client:
        _wait_for_worker(client, address)
        _check_packages(client, address)
        yield Runner(client, address, workers)


async def _knock(address: str) -> None:
    """Shake hands with a scheduler; the client itself waits without an end for one that says nothing."""
    comm = await import_module("distributed.comm").connect(address, timeout=CONNECT_S)
    await comm.close()


def _wait_for_worker(client: Any, address: str) -> None:
    try:
        client.wait_for_workers(1, timeout=CONNECT_S)
    except TimeoutError:
        raise BadInputError("command line", "--scheduler", address, "has no workers") from None


def _check_packages(client: Any, address: str) -> None:
    """Refuse workers without this package: they would try to read a job for ever."""
    said = client.run(metadata.version, _PACKAGE, on_error="return")
    lacking = sorted(worker for worker, version in said.items() if not isinstance(version, str))
    if lacking:
        allowed = f"has a worker without the package {_PACKAGE}: {lacking[0]}"
        raise BadInputError("command line", "--scheduler", address, allowed)
