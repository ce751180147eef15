"""What could be done about a battery life: each change alone, computed, best first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from datasheet.bad_input import BadInputError
from datasheet.config import library_names
from twin.duty_policy import OpeningConfig, PolicyConfig
from twin.energy.battery_sheet import LIBRARY as BATTERIES
from twin.energy.battery_sheet import load_battery
from twin.energy.forecast import typical_life_s
from twin.energy.outlook import Change

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from twin.energy.case import Case
    from twin.node import Node

WORTHWHILE: Final = 1.02
"""A change that gives less than this many times the life is not named."""
GATE_PERIOD_S, GATE_LOOK_S = 600.0, 5.0
OFFICE_HOURS: Final = ("07:00", "19:00")
WORKING_DAYS: Final = ("mon", "tue", "wed", "thu", "fri")
MOTION_HOLD_S: Final = 30.0
MOTION_DEGC: Final = 1.0
WAKE_UP_DEGC: Final = 1.5
CONVERTER: Final = "tps62840"
"""A buck converter of the library with a quiescent current that suits nodes that mostly sleep."""
SELDOM: Final = 10
LONGER: Final = 4


@dataclass(frozen=True)
class Idea:
    """A change that has not been computed yet.

    Attributes:
        what: What to do.
        price: What it costs in return.
        tables: Tables of the node's TOML, or its battery, as they are then.
    """

    what: str
    price: str
    tables: Mapping[str, Any]


def possible_changes(node: Node, life_s: float, case_of: Callable[[Node], Case]) -> list[Change]:
    """Return the changes that make a battery live longer, best first.

    Args:
        node: The node as it is.
        life_s: Its life now, all values as their sheets state them.
        case_of: What the life of a changed node follows from.
    """
    changes = []
    for idea in ideas(node):
        try:
            then_s = typical_life_s(case_of(node.changed(**idea.tables)))
        except BadInputError:
            continue  # what this node, its firmware or its radio cannot follow is no idea
        if then_s > WORTHWHILE * life_s:
            changes.append(Change(idea.what, idea.price, then_s, then_s / life_s))
    return sorted(changes, key=lambda change: -change.life_s)


def ideas(node: Node) -> Iterator[Idea]:
    """Yield what could be changed about a node, whether or not it fits or helps."""
    yield from _policy_ideas(node)
    yield from _message_ideas(node)
    yield from _part_ideas(node)
    yield from _battery_ideas(node)


def _policy_ideas(node: Node) -> Iterator[Idea]:
    policy = node.config.policy
    kept = {"report_every_s": policy.report_every_s, "opening": policy.opening}
    if policy.kind != "gated":
        reports = node.config.radio is not None or policy.report_every_s is not None
        told = {"opening": policy.opening, "report_every_s": GATE_PERIOD_S if reports else None}
        gated = PolicyConfig(kind="gated", period_s=GATE_PERIOD_S, look_s=GATE_LOOK_S, **_set(told))
        share = GATE_LOOK_S / GATE_PERIOD_S
        yield Idea(
            f"power-gate the sensor, look {GATE_LOOK_S:g} s every {GATE_PERIOD_S / 60:g} min",
            f"it looks {share:.1%} of the time and misses who passes in between",
            {"policy": gated},
        )
    if policy.kind == "gated" and policy.period_s is not None:
        seldom = PolicyConfig(**_set(policy.model_dump(exclude_unset=True) | _stretched(policy)))
        yield Idea(
            f"look every {LONGER * policy.period_s / 60:g} min instead of every {policy.period_s / 60:g}",
            "counts are so much rarer",
            {"policy": seldom},
        )
    if policy.kind == "always_on":
        motion = PolicyConfig(
            kind="until_motion", idle="standby_10s", motion_degc=MOTION_DEGC, hold_s=MOTION_HOLD_S, **_set(kept)
        )
        yield Idea(
            "keep the sensor in stand-by until something moves",
            "up to 10 s pass before somebody who comes is seen",
            {"policy": motion},
        )
        if node.network.wake_up_degc is None and not node.network.has_rules:
            yield Idea(
                f"run the network only when a pixel is {WAKE_UP_DEGC:g} degC above the others",
                "faint people are missed; `twin wake-up` shows how many",
                {"wake_up_degc": WAKE_UP_DEGC},
            )
    if policy.opening is None:
        hours = OpeningConfig(opens_at=OFFICE_HOURS[0], closes_at=OFFICE_HOURS[1], days=WORKING_DAYS)
        yield Idea(
            f"switch it off at night and at weekends, on from {OFFICE_HOURS[0]} to {OFFICE_HOURS[1]}",
            "it sees nothing meanwhile",
            {"policy": PolicyConfig(**_set(policy.model_dump(exclude_unset=True) | {"opening": hours}))},
        )


def _stretched(policy: PolicyConfig) -> dict[str, float | None]:
    """Return the longer period of a gated node, and the reports that go with it."""
    period_s, every_s = policy.period_s or 0.0, policy.report_every_s
    return {"period_s": LONGER * period_s, "report_every_s": None if every_s is None else LONGER * every_s}


def _message_ideas(node: Node) -> Iterator[Idea]:
    every_s = node.config.policy.report_every_s
    if node.config.radio is not None and every_s is not None:
        seldom = PolicyConfig(
            **(node.config.policy.model_dump(exclude_unset=True) | {"report_every_s": SELDOM * every_s})
        )
        yield Idea(
            f"send every {SELDOM * every_s:g} s instead of {every_s:g} s",
            "counts come so much later",
            {"policy": seldom},
        )


def _part_ideas(node: Node) -> Iterator[Idea]:
    supply = node.config.supply
    for rail in ("sensor", "board"):
        config = getattr(supply, rail).model_copy(update={"regulator": CONVERTER})
        yield Idea(
            f"make the {rail}'s supply with a buck converter ({CONVERTER})",
            "an inductor more, and ripple to keep from the sensor",
            {"supply": supply.model_copy(update={rail: config})},
        )


def _battery_ideas(node: Node) -> Iterator[Idea]:
    for name in library_names(BATTERIES):
        battery = load_battery(name)
        if name != node.battery.stem and battery.rechargeable == node.battery.rechargeable:
            yield Idea(f"power it from: {battery.title}", "another size and price", {"battery": battery})


def _set(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
