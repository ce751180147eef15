"""Plays a sweep: what is not done yet, on any number of processes, so that a kill at any moment loses nothing."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from datasheet.bad_input import BadInputError
from twin.sweeps.check import Checker, blamed
from twin.sweeps.columns import row_of, schema_of
from twin.sweeps.identity import Identities, versions_sha256
from twin.sweeps.materials import Materials
from twin.sweeps.pace import Pace, read_pace
from twin.sweeps.play import Job, Outcome, play
from twin.sweeps.runner import LOCAL, open_runner
from twin.sweeps.store import Identity, open_store, read_runs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from twin.emulated_node import Progress
    from twin.sweeps.axes import Value
    from twin.sweeps.runner import Runner
    from twin.sweeps.store import Store
    from twin.sweeps.sweep_file import Run, Sweep

APPEND_S: Final = 1.0
"""Rows wait no longer for others to be written with them."""

MOST_WAITING: Final = 500
"""So many rows are written even if they came within that time."""


@dataclass(frozen=True)
class Plan:
    """What a sweep is about to do.

    Attributes:
        sweep: The sweep.
        identity: Whose rows these will be.
        runs: All runs by id, in order; what is the same run is there once.
        materials: Where their files come from.
    """

    sweep: Sweep
    identity: Identity
    runs: Mapping[str, Run]
    materials: Materials

    def job(self, run_id: str) -> Job:
        """Return what a worker needs for a run."""
        run = self.runs[run_id]
        return Job(run_id, self.materials.bundle(run), run.seconds, run.seed, run.level)

    def left(self, done: set[str]) -> list[str]:
        """Return the runs that are not done, in order."""
        return [run_id for run_id in self.runs if run_id not in done]

    def check(self, progress: Progress) -> None:
        """Find out whether what is varied can be.

        Raises:
            BadInputError: It cannot, and the sweep does not skip that.
        """
        Checker(self.sweep, self.materials).check(self.runs.values(), progress)


def plan_of(sweep: Sweep) -> Plan:
    """Return what a sweep is about to do; whether it can be done, `Plan.check` says."""
    materials = Materials(sweep.path)
    identities = Identities(materials)
    sweep_sha256 = identities.sweep_sha256(sweep)
    runs = {identities.run_id(run): run for run in sweep.runs()}
    identity = Identity(sweep.config.title, sweep_sha256, versions_sha256(), sweep.keys)
    return Plan(sweep, identity, runs, materials)


def runs_done(plan: Plan, folder: Path) -> set[str]:
    """Return which runs of a plan a folder holds.

    Raises:
        BadInputError: It holds something else.
    """
    if not plan.identity.check(folder):
        return set()
    try:
        return set(read_runs(folder).column("run_id").to_pylist())
    except BadInputError:
        return set()


def run_sweep(
    plan: Plan, folder: Path, *, scheduler: str = LOCAL, workers: int | None = None, progress: Progress
) -> None:
    """Play what is not done, into a folder that is there; behind it the folder holds one table of all runs.

    Raises:
        BadInputError: A run cannot be and the sweep does not skip it; the folder cannot be written to or is another
            sweep's; the scheduler does not answer. What was done before is kept.
        RunnerLostError: The scheduler was lost. What was done before is kept.
    """
    sweep_toml = plan.sweep.path.read_bytes()
    with open_store(folder, plan.identity, sweep_toml, schema_of(plan.sweep)) as store:
        left = plan.left(store.done)
        progress(len(plan.runs) - len(left), len(plan.runs))
        if left:
            with open_runner(scheduler, workers) as runner:
                _play(plan, store, runner, left, progress)
        store.finish()


@dataclass(frozen=True)
class Forecast:
    """How much a sweep has to do, and how long that will take.

    Attributes:
        runs: All of them.
        done: Those that are done.
        workers: On how many workers.
        run_s: How long a run takes; None when nothing is left to do.
        left_s: How long what is left will take; None when nothing is.
        measured_on: What that was measured on.
    """

    runs: int
    done: int
    workers: int | None = None
    run_s: float | None = None
    left_s: float | None = None
    measured_on: str = ""


def forecast(plan: Plan, folder: Path | None, *, scheduler: str = LOCAL, workers: int | None = None) -> Forecast:
    """Return how long a sweep will take, from the runs that its folder holds or from two that are played for it.

    Nothing is kept of these two, the first run left and one from the middle. The first is played once more before:
    what is loaded and compiled at a first run is none of the others' time.

    Raises:
        BadInputError: The folder holds something else, the scheduler does not answer, or one of the two cannot be and
            the sweep does not skip it.
        RunnerLostError: The scheduler was lost.
    """
    done = set() if folder is None else runs_done(plan, folder)
    left = plan.left(done)
    if not left:
        return Forecast(len(plan.runs), len(plan.runs))
    pace = Pace() if folder is None or not done else read_pace(folder)
    with open_runner(scheduler, workers) as runner:
        at_work, measured_on = runner.workers, f"as {pace.runs} runs before took"
        if not pace.runs:
            pace = _played_pace(plan, left, runner)
            measured_on = f"measured on {pace.runs} runs that were played for it"
    left_s = pace.left_s(len(left), at_work)
    return Forecast(len(plan.runs), len(plan.runs) - len(left), at_work, pace.mean_s, left_s, measured_on)


def _played_pace(plan: Plan, left: Sequence[str], runner: Runner) -> Pace:
    _play_alone(plan, left[0], runner)
    pace = Pace()
    for run_id in dict.fromkeys((left[0], left[len(left) // 2])):
        pace.add(_play_alone(plan, run_id, runner).duration_s)
    return pace


def _play_alone(plan: Plan, run_id: str, runner: Runner) -> Outcome:
    job = plan.job(run_id)
    outcome = runner.in_order(play, [job])[0]
    _check_outcome(plan, job, outcome, runner)
    return outcome


@dataclass
class _Writer:
    """Gathers rows for a second, then appends them."""

    plan: Plan
    store: Store
    pace: Pace
    waiting: list[dict[str, Value | None]] = field(default_factory=list)
    last_s: float = 0.0

    def take(self, run_id: str, outcome: Outcome) -> None:
        run = self.plan.runs[run_id]
        self.waiting.append(row_of(run_id, self.plan.identity.sweep_sha256, run, outcome))
        self.pace.add(outcome.duration_s)
        if len(self.waiting) >= MOST_WAITING or time.monotonic() - self.last_s >= APPEND_S:
            self.flush()

    def flush(self) -> None:
        """Append what is waiting; rows that cannot be written are forgotten, and their runs played again."""
        rows, self.waiting = self.waiting, []
        if rows:
            self.store.append(rows)
            self.pace.write(self.store.folder)
        self.last_s = time.monotonic()


def _play(plan: Plan, store: Store, runner: Runner, left: Sequence[str], progress: Progress) -> None:
    writer = _Writer(plan, store, read_pace(store.folder))
    try:
        for job, outcome in runner.as_they_finish(play, _jobs(plan, left, writer)):
            _check_outcome(plan, job, outcome, runner)
            writer.take(job.run_id, outcome)
            progress(len(store.done) + len(writer.waiting), len(plan.runs))
    except BaseException:
        with suppress(BadInputError):
            writer.flush()
        raise
    writer.flush()


def _jobs(plan: Plan, left: Sequence[str], writer: _Writer) -> Iterator[Job]:
    for run_id in left:
        try:
            yield plan.job(run_id)
        except BadInputError as error:
            if not plan.sweep.config.rules.skip_impossible:
                raise
            row = dict.fromkeys(("scenario_sha256", "node_sha256")) | {"versions_sha256": versions_sha256()}
            problem = BadInputError("the sweep", error.key, error.value, error.allowed)
            writer.take(run_id, Outcome(row, problem, 0.0))


def _check_outcome(plan: Plan, job: Job, outcome: Outcome, runner: Runner) -> None:
    """Refuse what came of a run that cannot be, unless the sweep skips it, or of another version of the twin."""
    if outcome.row["versions_sha256"] != plan.identity.versions_sha256:
        said = "has workers with another version of the twin, of its library or of its packages"
        raise BadInputError("command line", "--scheduler", runner.address, said)
    if outcome.problem is not None and not plan.sweep.config.rules.skip_impossible:
        raise blamed(plan.sweep, plan.runs[job.run_id], outcome.problem)
