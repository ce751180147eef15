"""A node and how it spends its time, as the case that its battery's life follows from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from twin.energy.case import Case
from twin.energy.harvest import load_harvester
from twin.energy.node_parts import check_message_interval, consumers_of

if TYPE_CHECKING:
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
    config = node.config
    most_per_s = float(usage.messages_per_s.max())
    if most_per_s > 0:
        check_message_interval(node, 1 / most_per_s)
    battery_v = node.battery.nominal_v.value
    opening = node.policy.opening
    return Case(
        battery=node.battery,
        consumers=consumers_of(node),
        usage=usage,
        closed=None if opening is None else closed,
        opening=None if opening is None else opening.hours,
        harvester=None if config.harvest is None else load_harvester(node.path, config.harvest, battery_v),
        temperature_degc=config.supply.battery_degc,
        capacitance_f=config.supply.capacitance_uf * 1e-6,
        years_limit=years_limit,
    )
