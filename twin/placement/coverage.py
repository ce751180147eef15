"""What sensors see of a plan: at every spot, how often one person is detected, and counted right.

Single people of the scenario's population stand, sit or walk at every spot, facing anywhere, and each node's own
network answers. Several nodes detect a person when one of them does, and count right when the largest of their answers
is one: a gateway knows which fields overlap (`twin.fusion`).
"""

from __future__ import annotations

from dataclasses import dataclass
from multiprocessing import util
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
from joblib.externals.loky.backend import resource_tracker
from scipy import stats

from datasheet.bad_input import BadInputError, nearest_name
from twin.interruption import interrupts_held_back
from twin.placement.glimpses import POSTURES, UNITS, Glimpser, Visits, draw_crowd
from twin.placement.spots import Spots, spots_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from scenarios.room import Scenario
    from twin.node import Node
    from twin.placement.glimpses import Crowd

    Progress = Callable[[int, int], None]

COVERAGE_LEVEL = 0.95
"""Of the Wilson intervals."""

BLIND_BELOW = 0.5
"""A spot is blind where a person is detected less often; assumed."""

STEP_M, PEOPLE = 0.1, 200
_EMPTY_GLIMPSES = 2_000
_CHUNK_VISITS = 16_384
"""Worked on at once, to fit the caches of processors and the memory of small ones."""


@dataclass(frozen=True)
class Coverage:
    """How often people are detected and counted right, spot by spot.

    Attributes:
        scenario: The plan.
        nodes: What hangs in it.
        spots: Where people were.
        postures: Names of what they did.
        people: How many were at each spot in each posture.
        detected: (postures, spots) int64, visits in which a node answered one or more.
        right: (postures, spots) int64, visits in which the largest answer was one.
        detected_by: (nodes, postures, spots) int64, the same of each node alone.
        right_by: (nodes, postures, spots) int64.
        false_alarms: (nodes,) share of looks at the empty room that a node answers with somebody.
        seed: Everything random followed from it.
    """

    scenario: Scenario
    nodes: tuple[Node, ...]
    spots: Spots
    postures: tuple[str, ...]
    people: int
    detected: NDArray[np.int64]
    right: NDArray[np.int64]
    detected_by: NDArray[np.int64]
    right_by: NDArray[np.int64]
    false_alarms: NDArray[np.float64]
    seed: int

    def share(self, what: str = "detected", posture: str | None = None, node: int | None = None) -> NDArray[np.float64]:
        """Return (S,) shares of visits.

        Args:
            what: "detected" or "right".
            posture: One of `postures`; None takes all together.
            node: One node alone; None takes all together.
        """
        hits, of = self._hits(what, posture, node)
        return hits / of

    def interval(
        self, what: str = "detected", posture: str | None = None, node: int | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return (S,) lower and (S,) upper ends of the shares' Wilson intervals."""
        hits, of = self._hits(what, posture, node)
        return wilson_interval(hits, of)

    def blind(self, posture: str | None = None) -> NDArray[np.bool_]:
        """Return (S,) in which spots people are detected less often than `BLIND_BELOW`."""
        return self.share("detected", posture) < BLIND_BELOW

    def summary(self) -> dict[str, Any]:
        """Return means over the plan's spots, by posture and over all postures."""
        rows: dict[str, Any] = {}
        for posture in (*self.postures, None):
            detected, right = self.share("detected", posture), self.share("right", posture)
            rows[posture or "all"] = {
                "detected": float(detected.mean()),
                "counted_right": float(right.mean()),
                "blind_share": float((detected < BLIND_BELOW).mean()),
                "blind_area_m2": float((detected < BLIND_BELOW).sum()) * self.spots.step_m**2,
            }
        return rows

    def _hits(self, what: str, posture: str | None, node: int | None) -> tuple[NDArray[np.int64], int]:
        table = {("detected", 0): self.detected, ("right", 0): self.right}
        table |= {("detected", 1): self.detected_by, ("right", 1): self.right_by}
        found = table[what, int(node is not None)]
        if node is not None:
            found = found[node]
        if posture is None:
            return np.asarray(found.sum(axis=0)), self.people * len(self.postures)
        return found[self.postures.index(posture)], self.people


def wilson_interval(hits: NDArray[np.int64], of: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return both ends of the interval of shares; E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209."""
    z = float(stats.norm.ppf((1 + COVERAGE_LEVEL) / 2))
    share = hits / of
    middle = (share + z**2 / (2 * of)) / (1 + z**2 / of)
    half = z / (1 + z**2 / of) * np.sqrt(share * (1 - share) / of + z**2 / (4 * of**2))
    # Held against the share, which rounding would otherwise leave outside at 0 and 1.
    return np.clip(middle - half, 0.0, share), np.clip(middle + half, share, 1.0)


def no_progress(done: int, of: int) -> None:
    """Hear of progress and say nothing."""


def coverage(
    scenario: Scenario,
    nodes: Sequence[Node],
    *,
    step_m: float = STEP_M,
    people: int = PEOPLE,
    postures: Sequence[str] = tuple(POSTURES),
    seed: int = 1,
    units: int = UNITS,
    processes: int = 1,
    progress: Progress = no_progress,
) -> Coverage:
    """Return how often nodes detect and count single people at the spots of a plan.

    Args:
        scenario: The plan, with its population, temperatures and things.
        nodes: What hangs in it, one at least.
        step_m: Side of a spot; people are anywhere within.
        people: At each spot in each posture, shared by the units of the sensor; rounded up to as many for each.
        postures: Names of `POSTURES`.
        seed: Everything random follows from it, whatever `processes` is.
        units: So many units of each sensor look, which differ in axis and pattern.
        processes: How many compute at once.
        progress: Hears how much is done.

    Raises:
        BadInputError: A node hangs outside, its network cannot be used, or there are no spots or too many.
    """
    for posture in postures:
        if posture not in POSTURES:
            raise BadInputError("command line", "posture", posture, nearest_name(posture, POSTURES))
    for node in nodes:
        node.mount_in(scenario)
    spots = spots_of(scenario, step_m)
    each = -(-people // units)
    crowd = draw_crowd(scenario, each * units, seed)
    seen = _seen(scenario, nodes, spots, crowd, postures)
    jobs = [
        _Job(scenario, tuple(nodes), spots, seen, crowd, tuple(postures), each, unit, seed) for unit in range(units)
    ]
    tallies = list(_played(jobs, processes, progress))
    hits = np.sum([tally.hits for tally in tallies], axis=0)
    return Coverage(
        scenario=scenario,
        nodes=tuple(nodes),
        spots=spots,
        postures=tuple(postures),
        people=each * units,
        detected=hits[0, -1],
        right=hits[1, -1],
        detected_by=hits[0, :-1],
        right_by=hits[1, :-1],
        false_alarms=np.mean([tally.false_alarms for tally in tallies], axis=0),
        seed=seed,
    )


@dataclass(frozen=True)
class _Job:
    """One unit of every node's sensor, and its share of the people at all spots."""

    scenario: Scenario
    nodes: tuple[Node, ...]
    spots: Spots
    seen: NDArray[np.bool_]
    crowd: Crowd
    postures: tuple[str, ...]
    each: int
    unit: int
    seed: int


@dataclass(frozen=True)
class _Tally:
    """What a job found.

    Attributes:
        hits: (2, nodes + 1, postures, spots) visits detected and counted right, by each node, last by all together.
        false_alarms: (nodes,) share of looks at the empty room answered with somebody.
    """

    hits: NDArray[np.int64]
    false_alarms: NDArray[np.float64]


def _seen(
    scenario: Scenario, nodes: Sequence[Node], spots: Spots, crowd: Crowd, postures: Sequence[str]
) -> NDArray[np.bool_]:
    """Return (nodes, postures, spots) whether a node can see anybody there, to the accuracy of its axis."""
    looks = [Glimpser(scenario, node, unit_seed=0) for node in nodes]
    return np.stack([[look.seen(spots.position_m, crowd, POSTURES[posture]) for posture in postures] for look in looks])


def _played(jobs: list[_Job], processes: int, progress: Progress) -> Iterable[_Tally]:
    results = map(_play, jobs) if processes == 1 else _played_apart(jobs, processes)
    for done, tally in enumerate(results, start=1):
        progress(done, len(jobs))
        yield tally


def _played_apart(jobs: list[_Job], processes: int) -> Iterable[_Tally]:
    resource_tracker.ensure_running()
    try:
        with interrupts_held_back():
            results = joblib.Parallel(n_jobs=processes, return_as="generator")(
                joblib.delayed(_play)(job) for job in jobs
            )
        yield from results
    except KeyboardInterrupt:
        # The command line leaves without the interpreter's own way out, on which the processes' locks are removed;
        # joblib's tracker would complain of them.
        util._run_finalizers(0)  # type: ignore[attr-defined]  # noqa: SLF001 - what its own way out calls
        raise


def _play(job: _Job) -> _Tally:
    glimpsers = [
        Glimpser(job.scenario, node, unit_seed=_unit_seed(job, number)) for number, node in enumerate(job.nodes)
    ]
    rng = np.random.default_rng([job.seed, 1, job.unit])
    empty = [glimpser.empty_counts(_EMPTY_GLIMPSES, rng) for glimpser in glimpsers]
    answers = np.stack([_visited(job, glimpsers, empty, number, rng) for number in range(len(job.postures))], axis=1)
    by_spot = answers.reshape(*answers.shape[:2], len(job.spots), job.each)
    hits = np.stack([by_spot > 0, by_spot == 1]).sum(axis=4)
    return _Tally(hits, np.array([(counts > 0).mean() for counts in empty]))


def _visited(
    job: _Job, glimpsers: list[Glimpser], empty: list[NDArray[np.int64]], posture: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return (nodes + 1, visits) the answers to everybody at every spot in one posture; last the largest."""
    who = np.tile(np.arange(job.each) + job.unit * job.each, len(job.spots))
    spot = np.repeat(np.arange(len(job.spots)), job.each)
    anywhere_m = job.spots.position_m[spot] + rng.uniform(-0.5, 0.5, (len(spot), 2)) * job.spots.step_m
    visits = Visits(who, anywhere_m, rng.uniform(-np.pi, np.pi, len(spot)), POSTURES[job.postures[posture]])
    answers = np.zeros((len(glimpsers) + 1, len(spot)), np.int64)
    for number, glimpser in enumerate(glimpsers):
        seen = job.seen[number, posture][spot]
        answers[number] = rng.choice(empty[number], len(spot))
        answers[number, seen] = _counted(glimpser, job.crowd, visits[seen], rng)
    answers[-1] = answers[:-1].max(axis=0)
    return answers


def _unit_seed(job: _Job, number: int) -> int:
    return int(np.random.SeedSequence([job.seed, 2, job.unit, number]).generate_state(1)[0])


def _counted(glimpser: Glimpser, crowd: Crowd, visits: Visits, rng: np.random.Generator) -> NDArray[np.int64]:
    starts = range(0, len(visits.who), _CHUNK_VISITS)
    chunks = [glimpser.counts(crowd, visits[first : first + _CHUNK_VISITS], rng) for first in starts]
    return np.concatenate([np.empty(0, np.int64), *chunks])
