"""The search for better places: Optuna proposes designs, simulated days judge them.

Positions, heights, tilts, turns, types and number of nodes are free within `Space`. Each number of nodes gets as many
trials; proposals are drawn in batches, so that the same seed gives the same designs however many workers there are. The
best designs found for each number are judged anew on other days, since the best of many is partly lucky, and what is
reported comes from days that neither the search nor this choice has seen.
"""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sensors.mount import Mount
from twin.node import load_node
from twin.placement.design import Design, Hanging
from twin.placement.reasons import Why, reasons
from twin.placement.starts import at_the_doors, mount_at, regular_grid, to_the_centimetre, where_people_are
from twin.placement.trials import (
    CHOSEN,
    LEARNT,
    REPORTED,
    SEARCHED,
    Days,
    Trial,
    day_seed,
    day_timeline,
    judge,
    judge_days,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import optuna

    from scenarios.room import Scenario
    from twin.placement.objectives import Judged, Objective
    from twin.sweeps.runner import Runner

BATCH = 8
"""Designs proposed at once, for any number of workers."""

FINALISTS = 6
"""Designs of each number of nodes that are judged anew."""

MOVE_M = 0.3
"""Standard deviation of such a move along x and y."""

_TURNED_SHARE = 0.25

LOWEST_M = 2.2
"""Nobody's head reaches a node that hangs as high; a door's lintel is lower. Assumed."""

GOOD_ENOUGH = 1.1
"""Further nodes that lower the error by less than a tenth are not recommended; assumed."""

_EVENT_DAYS_RATIO = 10
_SEARCHED_UNITS, _CHOSEN_UNITS, _REPORTED_UNITS = 2, 4, 8
"""Two whose axes are off to opposite sides will do for a search; what is reported is of units as they come."""

INSIDE_M = (0.0, 1.2)
"""How far behind its door a node may hang that counts who comes and goes; assumed."""

STEEPEST_TILT_DEG = 45.0
"""A node tilted further looks at walls more than at people; assumed."""


@dataclass(frozen=True)
class Space:
    """What a search may change.

    Attributes:
        scenario: The plan.
        types: Names or paths of the nodes that may be hung.
        numbers: How many of them.
        heights_m: Lowest and highest mount.
        tilts_deg: Least and steepest tilt.
        prices: What a node of each type costs, in any one currency.
        lives_s: How long the battery of each type lasts.
        at_doors: Whether nodes hang at doors, their images turned along them; else anywhere.
    """

    scenario: Scenario
    types: tuple[str, ...]
    numbers: tuple[int, ...]
    heights_m: tuple[float, float]
    tilts_deg: tuple[float, float]
    prices: dict[str, float]
    lives_s: dict[str, float]
    at_doors: bool = False

    def cost(self, design: Design) -> float:
        """Return what a design costs."""
        return sum(self.prices[one.node] for one in design)

    def life_s(self, design: Design) -> float:
        """Return when the first battery is empty."""
        return min(self.lives_s[one.node] for one in design)


@dataclass(frozen=True)
class Tried:
    """A design and how it did.

    Attributes:
        design: The design.
        origin: "search", or which start it was.
        judged: How it did on the days of the search.
        cost: What it costs.
        life_s: When its first battery is empty.
    """

    design: Design
    origin: str
    judged: Judged
    cost: float
    life_s: float


@dataclass(frozen=True)
class Reported:
    """A design of a number of nodes on days that the search has not seen.

    Attributes:
        tried: The design.
        days: How it did on each of the days.
    """

    tried: Tried
    days: tuple[Judged, ...]

    @property
    def error(self) -> float:
        """Mean error over the days."""
        return float(np.mean([day.error for day in self.days]))

    @property
    def error_sd_of_mean(self) -> float:
        """Standard error of that mean."""
        each = [day.error for day in self.days]
        return float(np.std(each, ddof=1) / np.sqrt(len(each))) if len(each) > 1 else float("nan")


@dataclass(frozen=True)
class Found:
    """What a search has found.

    Attributes:
        objective: What designs were judged by.
        space: What was free.
        tried: All designs, in order.
        best: The best of each number of nodes, by number.
        grids: A regular grid of as many nodes of the first type, by number.
        start: The user's own placement; None without one.
        why: What becomes of the recommended design when it is changed.
        importance: How much of the error's spread each kind of change explains, by number of nodes.
        seed: Everything random followed from it.
    """

    objective: Objective
    space: Space
    tried: tuple[Tried, ...]
    best: dict[int, Reported]
    grids: dict[int, Reported]
    start: Reported | None
    why: Why
    importance: dict[int, dict[str, float]]
    seed: int

    @property
    def recommended(self) -> Reported:
        """The fewest nodes whose error is within `GOOD_ENOUGH` of the least."""
        return recommended(self.best)

    def front(self) -> list[Tried]:
        """Return the designs of which no other is at least as good in error, cost and life, and better in one."""
        points = np.array([(one.judged.error, one.cost, -one.life_s) for one in self.tried])
        kept = []
        for index, point in enumerate(points):
            beats = np.all(points <= point, axis=1) & np.any(points < point, axis=1)
            same = np.flatnonzero(np.all(points == point, axis=1))
            if not beats.any() and same[0] == index:
                kept.append(self.tried[index])
        return sorted(kept, key=lambda one: (one.cost, one.judged.error))


@dataclass(frozen=True)
class Request:
    """How long to search, and on what.

    Attributes:
        objective: What designs are judged by.
        trials: How many designs are tried, starts included.
        seconds: Length of each simulated day.
        seed: Everything random follows from it.
        days: Days of the search, and as many of the choice, of the report twice as many.
        start: A placement of the user's to begin with; empty for none.
    """

    objective: Objective
    trials: int = 200
    seconds: float = 120.0
    seed: int = 1
    days: int = 48
    start: Design = ()

    def on(self, purpose: int) -> Days:
        """Return days for a purpose; people who pass a door are followed through whole days, of which fewer will do."""
        number = self.days if self.objective != "in_out" else max(self.days // _EVENT_DAYS_RATIO, 1)
        if purpose == REPORTED:
            return Days(self.seed, purpose, 2 * number, self.seconds, _REPORTED_UNITS)
        return Days(self.seed, purpose, number, self.seconds, _SEARCHED_UNITS if purpose == SEARCHED else _CHOSEN_UNITS)


def no_progress(done: int, of: int) -> None:
    """Hear of progress and say nothing."""


def search(space: Space, request: Request, runner: Runner, progress: Callable[[int, int], None] = no_progress) -> Found:
    """Search a plan for better places.

    Args:
        space: What may be changed.
        request: How long to search, and on what.
        runner: What computes.
        progress: Hears how many trials are done.

    Raises:
        BadInputError: A node cannot be used or a start hangs outside.
        RunnerLostError: The scheduler was lost.
    """
    study = _study(request)
    scenario = space.scenario.model_dump_json()
    waiting = _starts(space, request, scenario)
    tried: list[Tried] = []
    while len(tried) < request.trials:
        size = min(BATCH, request.trials - len(tried))
        batch = [waiting.pop(0) if waiting else None for _ in range(size)]
        asked = [
            _ask(study, space, len(tried) + index, one or _moved_best(space, request, tried, index))
            for index, one in enumerate(batch)
        ]
        jobs = [Trial(scenario, design, request.objective, request.on(SEARCHED)) for _, design, _ in asked]
        for (proposal, design, origin), judged in zip(asked, runner.in_order(judge, jobs), strict=True):
            one = Tried(design, origin, judged, space.cost(design), space.life_s(design))
            if proposal is not None:
                study.tell(proposal, (judged.error, one.cost, one.life_s))
            tried.append(one)
        progress(len(tried), request.trials)
    return _report(space, request, tried, runner, scenario, study)


def _study(request: Request) -> optuna.Study:
    import optuna  # noqa: PLC0415 - takes a second to load

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.TPESampler(
            seed=request.seed, multivariate=True, group=True, constant_liar=True, n_startup_trials=16
        )
    return optuna.create_study(directions=("minimize", "minimize", "maximize"), sampler=sampler)


def _starts(space: Space, request: Request, scenario: str) -> list[tuple[str, Design]]:
    """Return designs to begin with: the user's, and for each number a grid and where people are."""
    mine: list[tuple[str, Design]] = [("yours", request.start)] if request.start else []
    if space.at_doors:
        return mine + [("at the doors", grid_of(space, number)) for number in space.numbers]
    type_name, highest_m = space.types[0], space.heights_m[1]
    sheet = load_node(type_name).sensor
    timelines = [day_timeline(scenario, request.seconds, day_seed(request.seed, LEARNT, day)) for day in range(2)]
    crowded = where_people_are(space.scenario, timelines, sheet, max(space.numbers), highest_m)
    found = mine
    for number in space.numbers:
        found.append(("where people are", tuple(Hanging(type_name, mount) for mount in crowded[:number])))
        found.append(("grid", grid_of(space, number)))
    return found


def grid_of(space: Space, number: int) -> Design:
    """Return nodes of the first type as high as allowed, looking straight down: a regular grid, or at door by door."""
    place = at_the_doors if space.at_doors else regular_grid
    mounts = place(space.scenario, number, space.heights_m[1])
    return tuple(Hanging(space.types[0], mount) for mount in mounts)


def _moved_best(space: Space, request: Request, tried: Sequence[Tried], index: int) -> tuple[str, Design] | None:
    """Return the best design so far of the number whose turn it is, one node moved; None when it is Optuna's turn."""
    turn = len(tried) + index
    number = space.numbers[turn % len(space.numbers)]
    own = [one for one in tried if len(one.design) == number and _is_within(space, one.design)]
    if space.at_doors or not own or (turn // len(space.numbers)) % 2:
        return None
    best = min(own, key=lambda one: one.judged.error).design
    rng = np.random.default_rng([request.seed, turn])
    place = int(rng.integers(number))
    return "search", (*best[:place], _moved(best[place], space, rng), *best[place + 1 :])


def _moved(one: Hanging, space: Space, rng: np.random.Generator) -> Hanging:
    """Return a node moved by `MOVE_M` or so, a little higher or lower, tilted and turned otherwise now and then."""
    mount, room = one.mount, space.scenario.room
    east_m, north_m, up_m = rng.normal(0.0, (MOVE_M, MOVE_M, MOVE_M / 4))
    tilt_deg, yaw_deg = mount.tilt_deg, mount.yaw_deg
    if rng.random() < _TURNED_SHARE:
        tilt_deg, yaw_deg = float(abs(rng.normal(tilt_deg, 8.0))), float(rng.uniform(0.0, 360.0))
    at_m = np.clip((mount.x_m + east_m, mount.y_m + north_m), 0.0, (room.size_x_m, room.size_y_m))
    height_m = _rounded(mount.height_m + up_m, space.heights_m, digits=2)
    tilt_deg = _rounded(tilt_deg, space.tilts_deg, digits=0)
    moved = Mount(*to_the_centimetre(space.scenario, *at_m.tolist()), height_m, round(yaw_deg, 0) % 360, tilt_deg)
    return replace(one, mount=moved)


def _ask(
    study: optuna.Study, space: Space, index: int, start: tuple[str, Design] | None
) -> tuple[optuna.trial.Trial | None, Design, str]:
    """Return a proposal, its design and where it comes from; the numbers of nodes take turns.

    A start that the search could not have proposed is judged all the same, as no proposal.
    """
    if start is not None and (space.at_doors or not _is_within(space, start[1])):
        return None, start[1], start[0]
    number = space.numbers[index % len(space.numbers)] if start is None else len(start[1])
    study.enqueue_trial({"number": number, **({} if start is None else _as_parameters(start[1]))})
    proposal = study.ask()
    proposal.suggest_categorical("number", list(space.numbers))
    design = tuple(_suggest(proposal, space, number, place) for place in range(number))
    return (proposal, design, "search") if start is None else (proposal, start[1], start[0])


def _is_within(space: Space, design: Design) -> bool:
    """Return whether the search could have proposed a design."""
    return len(design) in space.numbers and all(
        one.node in space.types
        and space.heights_m[0] <= one.mount.height_m <= space.heights_m[1]
        and space.tilts_deg[0] <= one.mount.tilt_deg <= space.tilts_deg[1]
        for one in design
    )


def _as_parameters(design: Design) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for place, one in enumerate(design):
        values = {**asdict(one.mount), "node": one.node}
        values["yaw_deg"] %= 360.0
        found |= {f"{len(design)}/{place}/{key}": value for key, value in values.items()}
    return found


def _suggest(proposal: optuna.trial.Trial, space: Space, number: int, place: int) -> Hanging:
    room, key = space.scenario.room, f"{number}/{place}/"
    if space.at_doors:
        return _suggest_at_door(proposal, space, key)
    x_m, y_m = (
        proposal.suggest_float(f"{key}{axis}_m", 0.0, size_m)
        for axis, size_m in (("x", room.size_x_m), ("y", room.size_y_m))
    )
    height_m = _between(proposal, f"{key}height_m", space.heights_m, digits=2)
    tilt_deg = _between(proposal, f"{key}tilt_deg", space.tilts_deg, digits=0)
    yaw_deg = proposal.suggest_float(f"{key}yaw_deg", 0.0, 360.0) if space.tilts_deg[1] > 0 else 0.0
    node = str(proposal.suggest_categorical(f"{key}node", list(space.types)))
    mount = Mount(*to_the_centimetre(space.scenario, x_m, y_m), height_m, round(yaw_deg, 0), tilt_deg)
    return Hanging(node, mount)


def _suggest_at_door(proposal: optuna.trial.Trial, space: Space, key: str) -> Hanging:
    doors = space.scenario.doors
    index = int(proposal.suggest_categorical(f"{key}door", list(range(len(doors)))))
    inside_m = proposal.suggest_float(f"{key}inside_m", *INSIDE_M)
    across = proposal.suggest_float(f"{key}across_ratio", -0.5, 0.5)
    height_m = _between(proposal, f"{key}height_m", space.heights_m, digits=2)
    node = str(proposal.suggest_categorical(f"{key}node", list(space.types)))
    return Hanging(node, mount_at(space.scenario, index, inside_m, across * doors[index].width_m, height_m))


def _between(proposal: optuna.trial.Trial, key: str, ends: tuple[float, float], *, digits: int) -> float:
    """Return a proposed value to so many digits, as somebody hangs it; rounding never leads beyond the ends."""
    low, high = ends
    return _rounded(proposal.suggest_float(key, low, high), ends, digits=digits) if high > low else low


def _rounded(value: float, ends: tuple[float, float], *, digits: int) -> float:
    return min(max(round(value, digits), ends[0]), ends[1])


def _report(
    space: Space, request: Request, tried: list[Tried], runner: Runner, scenario: str, study: optuna.Study
) -> Found:
    numbers = sorted({len(one.design) for one in tried} & set(space.numbers))
    best = {}
    for number in numbers:
        own = sorted((one for one in tried if len(one.design) == number), key=lambda one: one.judged.error)
        best[number] = _chosen(_different(own)[:FINALISTS], request, runner, scenario)
    wanted = [best[number] for number in numbers]
    grids = [_tried_grid(space, number, tried) for number in numbers]
    starts = [one for one in tried if one.origin == "yours"][:1]
    trials = [
        Trial(scenario, one.design, request.objective, request.on(REPORTED)) for one in [*wanted, *grids, *starts]
    ]
    reports = runner.in_order(judge_days, trials)
    told = [Reported(one, tuple(days)) for one, days in zip([*wanted, *grids, *starts], reports, strict=True)]
    by_number = dict(zip(numbers, told, strict=False))
    return Found(
        objective=request.objective,
        space=space,
        tried=tuple(tried),
        best=by_number,
        grids=dict(zip(numbers, told[len(numbers) :], strict=False)),
        start=told[-1] if starts else None,
        why=reasons(recommended(by_number).tried.design, scenario, request.objective, request.on(REPORTED), runner),
        importance=_importance(study, numbers),
        seed=request.seed,
    )


def recommended(best: dict[int, Reported]) -> Reported:
    """Return the report of the fewest nodes whose error is within `GOOD_ENOUGH` of the least."""
    least = min(one.error for one in best.values())
    return next(best[number] for number in sorted(best) if best[number].error <= least * GOOD_ENOUGH)


def _different(designs: Sequence[Tried]) -> list[Tried]:
    found: dict[Design, Tried] = {}
    for one in designs:
        found.setdefault(one.design, one)
    return list(found.values())


def _chosen(finalists: list[Tried], request: Request, runner: Runner, scenario: str) -> Tried:
    """Return the best of the finalists on days of their own."""
    trials = [Trial(scenario, one.design, request.objective, request.on(CHOSEN)) for one in finalists]
    again = runner.in_order(judge, trials)
    together = [(one.judged.error + judged.error) / 2 for one, judged in zip(finalists, again, strict=True)]
    return finalists[int(np.argmin(together))]


def _tried_grid(space: Space, number: int, tried: list[Tried]) -> Tried:
    design = grid_of(space, number)
    known = [one for one in tried if one.design == design]
    if known:
        return known[0]
    blank = replace(tried[0].judged, error=float("nan"))
    return Tried(design, "grid", blank, space.cost(design), space.life_s(design))


def _importance(study: optuna.Study, numbers: Sequence[int]) -> dict[int, dict[str, float]]:
    """Return for each number of nodes the shares of the error's spread that kinds of change explain."""
    import optuna  # noqa: PLC0415

    found: dict[int, dict[str, float]] = {}
    for number in numbers:
        own = [trial for trial in study.trials if trial.params.get("number") == number and trial.values]
        if len(own) < 12:
            continue
        part = optuna.create_study(direction="minimize")
        for trial in own:
            kept = {key: value for key, value in trial.params.items() if key.startswith(f"{number}/")}
            spread = {key: trial.distributions[key] for key in kept}
            part.add_trial(optuna.trial.create_trial(params=kept, distributions=spread, value=trial.values[0]))
        shares = optuna.importance.get_param_importances(
            part, evaluator=optuna.importance.MeanDecreaseImpurityImportanceEvaluator(seed=0)
        )
        kinds: dict[str, float] = {}
        for key, share in shares.items():
            kind = key.rsplit("/", 1)[1]
            kinds[kind] = kinds.get(kind, 0.0) + share
        found[number] = kinds
    return found
