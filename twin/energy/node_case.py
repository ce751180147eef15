"""A node and how it spends its time, as the case that its battery's life follows from."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from datasheet.bad_input import BadInputError
from twin.energy.case import Case
from twin.energy.harvest import load_harvester
from twin.energy.node_load import rails_of
from twin.energy.node_parts import consumers_of
from twin.energy.rails import current_a
from twin.energy.uncertainty import Typical

if TYPE_CHECKING:
    from collections.abc import Mapping

    from twin.energy.harvest import Harvester
    from twin.energy.rails import RailLoad
    from twin.energy.usage import Usage
    from twin.node import Node

YEARS_LIMIT: Final = 20.0
"""Nothing electronic is promised for longer."""


def node_case(node: Node, usage: Usage, closed: Usage | None = None, *, years_limit: float = YEARS_LIMIT) -> Case:
    """Return the case of a node.

    Args:
        node: The node.
        usage: How it spends its time, while it is open.
        closed: The same while it is closed; needed for a node with opening hours.
        years_limit: Nothing is computed beyond.

    Raises:
        BadInputError: Parts of the node do not fit together.
    """
    config, consumers = node.config, consumers_of(node)
    _check_loads(node, rails_of(consumers, usage.mean()))
    opening = node.policy.opening
    return Case(
        battery=node.battery,
        consumers=consumers,
        usage=usage,
        closed=None if opening is None else closed,
        opening=None if opening is None else opening.hours,
        harvester=harvester_of(node),
        temperature_degc=config.supply.battery_degc,
        capacitance_f=config.supply.capacitance_uf * 1e-6,
        years_limit=years_limit,
    )


def _check_loads(node: Node, rails: Mapping[str, RailLoad]) -> None:
    """Refuse a rail that draws more, by its sheets, than its regulator gives."""
    for name, rail in rails.items():
        regulator, limit = rail.regulator, rail.regulator.highest_load_a
        load_a = float(current_a(rail.flowing(rail.heaviest(Typical())), Typical())[0])
        highest_a = math.inf if limit is None else limit.value if limit.high is None else limit.high
        if load_a > highest_a:
            allowed = f"{regulator.title} gives {highest_a * 1e3:.3g} mA, the rail draws {load_a * 1e3:.3g} mA"
            raise BadInputError(node.path, f"supply.{name}.regulator", regulator.stem, allowed)


def harvester_of(node: Node) -> Harvester | None:
    """Return what charges the battery of a node; None for nothing.

    Raises:
        BadInputError: Its parts are not known or cannot be used.
    """
    config = node.config.harvest
    return None if config is None else load_harvester(node.path, config, node.battery.nominal_v.value)


def check_parts(node: Node) -> None:
    """Make sure that the parts of a node fit together, without the time it takes to watch it.

    Raises:
        BadInputError: They do not.
    """
    consumers_of(node)
    harvester_of(node)
