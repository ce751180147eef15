"""Runs the cases of a suite, each in a process of its own: what one does to its process, the others do not feel."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections import deque
from dataclasses import dataclass, replace
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any, Final

from twin.host_limits import HostLimitError, limited
from twin.testing.suite_case import CaseResult, run_case

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.connection import Connection
    from pathlib import Path

    from twin.testing.suite import Case

GRACE_S: Final = 15.0
"""A case gives up by itself when its time is up; behind that and this, it is killed."""


@dataclass(frozen=True)
class RunnerOptions:
    """How cases are run.

    Attributes:
        suite: The suite's file.
        jobs: So many at once.
        host_seconds: Time that each may take on the host.
        retries: So often a case that did not pass is run again.
        artefacts: Folder for what failed cases leave behind; None: nothing is left.
    """

    suite: Path
    jobs: int = 2
    host_seconds: float = 60.0
    retries: int = 0
    artefacts: Path | None = None


@dataclass
class _Running:
    """A case in its process."""

    case: Case
    process: Any
    results: Connection
    begun_s: float
    tries: int


def run_cases(cases: Sequence[Case], options: RunnerOptions, heard: Callable[[CaseResult], None]) -> list[CaseResult]:
    """Return one result for each case, in the order of the cases.

    Args:
        cases: What to run.
        options: How.
        heard: Hears each result as it comes.
    """
    by_name: dict[str, CaseResult] = {}
    for result in _results(cases, options):
        by_name[result.name] = result
        heard(result)
    return [by_name[case.name] for case in cases]


def _results(cases: Sequence[Case], options: RunnerOptions) -> Iterator[CaseResult]:
    context = multiprocessing.get_context("forkserver" if os.name == "posix" else "spawn")
    if os.name == "posix":
        context.set_forkserver_preload(["twin.testing.suite_case"])
    waiting = deque((case, 1) for case in cases)
    running: list[_Running] = []
    try:
        while waiting or running:
            while waiting and len(running) < options.jobs:
                case, tries = waiting.popleft()
                running.append(_start(context, case, tries, options))
            wait([one.results for one in running], timeout=1.0)
            for one in list(running):
                result = _ended(one, options)
                if result is None:
                    continue
                running.remove(one)
                if result.outcome in ("failed", "error", "timed out") and one.tries <= options.retries:
                    waiting.append((one.case, one.tries + 1))
                else:
                    yield replace(result, tries=one.tries)
    finally:
        for one in running:
            one.process.kill()
            one.process.join()


def _start(context: Any, case: Case, tries: int, options: RunnerOptions) -> _Running:
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_in_child, args=(theirs, case, options), daemon=True)
    process.start()
    theirs.close()
    return _Running(case, process, ours, time.monotonic(), tries)


def _in_child(results: Connection, case: Case, options: RunnerOptions) -> None:
    """Run a case in its own process, and send what came of it."""
    try:
        with limited(host_seconds=options.host_seconds):
            result = run_case(case, suite=options.suite, host_seconds=options.host_seconds, artefacts=options.artefacts)
    except HostLimitError as error:
        result = CaseResult(case.name, "timed out", told=str(error), is_quarantined=case.is_quarantined)
    results.send(result)
    results.close()


def _ended(one: _Running, options: RunnerOptions) -> CaseResult | None:
    """Return what came of a case, or None while it runs; kill it when it does not end."""
    spent_s = time.monotonic() - one.begun_s
    made_up = CaseResult(one.case.name, "error", host_s=spent_s, is_quarantined=one.case.is_quarantined)
    if one.results.poll():
        try:
            result: CaseResult = one.results.recv()
        except EOFError:
            one.process.join()
            return replace(made_up, told=f"the emulator's process ended with status {one.process.exitcode}")
        one.process.join()
        return result
    if spent_s > options.host_seconds + GRACE_S:
        one.process.kill()
        one.process.join()
        told = f"{options.host_seconds:g} s of host time are up, and the emulator did not end by itself"
        return replace(made_up, outcome="timed out", told=told)
    return None
