"""What a user asks of a search, checked and made into a space and a request."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datasheet.bad_input import BadInputError
from twin.duty_policy import ALWAYS_ON
from twin.node import load_node
from twin.placement.design import Design, design_of
from twin.placement.hanging import load_hung_node
from twin.placement.objectives import Objective, objective_of
from twin.placement.search import LOWEST_M, STEEPEST_TILT_DEG, Request, Space
from twin.prediction import predict

if TYPE_CHECKING:
    from scenarios.room import Scenario
    from twin.node import Node

MOST_SENSORS = 12
"""A search over more has too many dimensions for some hundred trials; plan room by room."""

_LIFE_SECONDS = 60.0
_RANGE = re.compile(r"(\d{1,3})(?:-(\d{1,3}))?")


@dataclass(frozen=True)
class PlaceOptions:
    """The options of a search, as the command line and the app take them; see `twin place --help`."""

    sensors: str = "1-3"
    objective: str = "count"
    types: tuple[str, ...] = ()
    start: tuple[str, ...] = ()
    trials: int = 200
    seconds: float = 120.0
    lowest_m: float | None = None
    highest_m: float | None = None
    tilt_deg: float = STEEPEST_TILT_DEG
    prices: tuple[str, ...] = ()
    seed: int = 1


def place_request(scenario: Scenario, options: PlaceOptions) -> tuple[Space, Request]:
    """Return the space and the request that options mean.

    Battery lives are those of each type at the scenario's own place for a sensor, watched for a minute.

    Raises:
        BadInputError: An option cannot be, or a node cannot be used or is not made for the objective.
    """
    objective = objective_of(options.objective)
    at_doors = objective == "in_out"
    types = options.types or (("doorway_counter",) if at_doors else ("ceiling_counter",))
    nodes = {name: _fitting(name, objective) for name in types}
    start = _start(options.start, scenario, objective)
    numbers = _numbers(options.sensors)
    _check_trials(options.trials, len(numbers) * (1 if at_doors else 2) + (1 if start else 0))
    prices = _prices(options.prices, (*types, *(one.node for one in start)))
    lives_s = {name: _life_s(scenario, node, options.seed) for name, node in nodes.items()}
    for one in start:
        if one.node not in lives_s:
            lives_s[one.node] = _life_s(scenario, load_node(one.node), options.seed)
    space = Space(
        scenario=scenario,
        types=tuple(types),
        numbers=numbers,
        heights_m=_heights_m(scenario, options),
        tilts_deg=(0.0, 0.0 if at_doors else options.tilt_deg),
        prices=prices,
        lives_s=lives_s,
        at_doors=at_doors,
    )
    return space, Request(
        objective=objective, trials=options.trials, seconds=options.seconds, seed=options.seed, start=start
    )


def _numbers(text: str) -> tuple[int, ...]:
    found = _RANGE.fullmatch(text.strip())
    first, last = (0, 0) if found is None else (int(found[1]), int(found[2] or found[1]))
    if not 1 <= first <= last <= MOST_SENSORS:
        raise BadInputError(
            "command line", "sensors", text, f"must be a number or a range such as 1-4, up to {MOST_SENSORS}"
        )
    return tuple(range(first, last + 1))


def _check_trials(trials: int, starts: int) -> None:
    """Refuse fewer trials than there are designs to begin with: some numbers of nodes would not be tried at all."""
    if trials < starts:
        allowed = f"must be {starts} at least: so many designs a search over these numbers of sensors begins with"
        raise BadInputError("command line", "trials", trials, allowed)


def _fitting(name: str, objective: Objective) -> Node:
    node = load_node(name)
    counts_passages = node.network.counts_passages
    if counts_passages != (objective == "in_out"):
        does = "who comes and goes at a door" if counts_passages else "who is in view"
        raise BadInputError("command line", "node", name, f"counts {does}, which {objective} is not about")
    if node.policy != ALWAYS_ON:
        # Its battery would live as the policy lets it, and its answers be as good as without.
        allowed = f"looks by the policy {node.config.policy.kind}; a search judges nodes that look at every frame"
        raise BadInputError("command line", "node", name, allowed)
    return node


def _start(texts: tuple[str, ...], scenario: Scenario, objective: Objective) -> Design:
    nodes = [load_hung_node(text) for text in texts]
    names = [text.rpartition("@")[0] or text for text in texts]
    for name in names:
        _fitting(name, objective)
    return design_of(names, nodes, scenario)


def _heights_m(scenario: Scenario, options: PlaceOptions) -> tuple[float, float]:
    ceiling_m = scenario.room.ceiling_height_m
    high_m = ceiling_m if options.highest_m is None else options.highest_m
    low_m = min(LOWEST_M, high_m) if options.lowest_m is None else options.lowest_m
    if high_m > ceiling_m:
        raise BadInputError("command line", "highest", high_m, f"must not be above the ceiling at {ceiling_m:g} m")
    if low_m > high_m:
        raise BadInputError("command line", "lowest", low_m, f"must not be above the highest, {high_m:g} m")
    return low_m, high_m


def _prices(texts: tuple[str, ...], types: tuple[str, ...]) -> dict[str, float]:
    prices = dict.fromkeys(types, 1.0)
    for text in texts:
        name, is_given, value = text.rpartition("=")
        try:
            price = float(value)
        except ValueError:
            price = math.nan
        if not is_given or name not in prices or not 0 <= price <= 1e9:
            raise BadInputError("command line", "price", text, f"must be NODE=price, NODE one of {', '.join(prices)}")
        prices[name] = price
    return prices


def _life_s(scenario: Scenario, node: Node, seed: int) -> float:
    if node.network.counts_passages:
        from twin.doorway.prediction import DoorwayRequest, predict_doorway  # noqa: PLC0415 - few searches need it

        return predict_doorway(scenario, node, DoorwayRequest(_LIFE_SECONDS, seed, "host")).life.life_s
    return predict(scenario, node, seconds=_LIFE_SECONDS, seed=seed, level="host").life.life_s
