"""A design: which nodes hang where in a plan, as it travels between processes and files."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from twin.node import load_node
from twin.placement.hanging import hung

if TYPE_CHECKING:
    from scenarios.room import Scenario
    from sensors.mount import Mount
    from twin.node import Node


@dataclass(frozen=True)
class Hanging:
    """One node at one place.

    Attributes:
        node: Name in the library, or path of a file.
        mount: Where it hangs.
    """

    node: str
    mount: Mount

    def as_dict(self) -> dict[str, Any]:
        """Return it as it stands in a file."""
        return {"node": self.node, **{key: round(value, 4) for key, value in asdict(self.mount).items()}}


Design = tuple[Hanging, ...]


def nodes_of(design: Design) -> list[Node]:
    """Return the nodes of a design at their places.

    Raises:
        BadInputError: A node does not exist or cannot be used.
    """
    loaded = {name: load_node(name) for name in {one.node for one in design}}
    return [hung(loaded[one.node], one.mount) for one in design]


def design_of(names: list[str], nodes: list[Node], scenario: Scenario) -> Design:
    """Return the design that nodes make; each hangs at its own place, or the scenario's.

    Raises:
        BadInputError: A node hangs outside.
    """
    return tuple(Hanging(name, node.mount_in(scenario)) for name, node in zip(names, nodes, strict=True))
