"""What several nodes in a plan count, each alone and together through a gateway."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.table import Table
from rich.text import Text

from datasheet.bad_input import BadInputError
from twin.fusion.gateway import Gateway, learn_gateway
from twin.fusion.messages import heard, send
from twin.fusion.watching import Watched, watch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from scenarios.room import Scenario
    from twin.fusion.messages import LinkConfig
    from twin.node import Node

LEARNT_DAYS = 3
"""Simulated days with other people, from which the gateway learns."""

MOST_NODES = 16
"""In one plan; more are planned room by room."""


@dataclass(frozen=True)
class Together:
    """What nodes and their gateway counted in one run of a scenario.

    Attributes:
        scenario: The plan.
        nodes: What hung in it.
        link: How they reported.
        watched: What they saw and counted.
        gateway: What fused it.
        fused: (N,) int64, people that the gateway said are seen.
        seed: Everything random followed from it.
    """

    scenario: Scenario
    nodes: tuple[Node, ...]
    link: LinkConfig
    watched: Watched
    gateway: Gateway
    fused: NDArray[np.int64]
    seed: int

    def as_dict(self) -> dict[str, Any]:
        """Return errors of each node and of all together, as JSON holds them."""
        day = self.watched
        rows = [
            {
                "node": node.name,
                "x_m": mount.x_m,
                "y_m": mount.y_m,
                "height_m": mount.height_m,
                **_errors(day.counts[number], day.recordings[number].count),
            }
            for number, (node, mount) in enumerate(zip(self.nodes, day.mounts, strict=True))
        ]
        return {
            "plan": self.scenario.name,
            "nodes": rows,
            "zones": [group.nodes.tolist() for group in self.gateway.groups],
            "added": _errors(day.counts.sum(axis=0), day.in_view),
            "fused": _errors(self.fused, day.in_view),
            "fused_against_room": _errors(self.fused, day.truth),
            "link": self.link.model_dump(),
            "seconds": len(day.timeline.time_s) / self.nodes[0].sensor.fast_frame_rate_hz.value,
            "seed": self.seed,
            "simulated": "people, sensors and messages; no measured data",
        }

    def npz(self) -> bytes:
        """Return times, counts of each node, the fused count, people in view of any, and in the room, as npz."""
        buffer = io.BytesIO()
        day = self.watched
        np.savez_compressed(
            buffer,
            time_s=day.timeline.time_s,
            counts=day.counts,
            fused=self.fused,
            in_view=day.in_view,
            in_room=day.truth,
        )
        return buffer.getvalue()


def _errors(answered: NDArray[np.int64], truth: NDArray[np.int64]) -> dict[str, float]:
    off = answered - truth
    return {
        "people_wrong": float(np.abs(off).mean()),
        "bias": float(off.mean()),
        "right_share": float((off == 0).mean()),
    }


def count_together(
    scenario: Scenario, nodes: Sequence[Node], link: LinkConfig, *, seconds: float, seed: int
) -> Together:
    """Return what nodes count in a scenario and what a gateway makes of it, learnt from other days.

    Raises:
        BadInputError: There are too many nodes, one hangs outside, or counts who passes a door.
    """
    if not 1 <= len(nodes) <= MOST_NODES:
        raise BadInputError("command line", "node", len(nodes), f"must be 1 to {MOST_NODES} nodes")
    seeds = np.random.SeedSequence([seed, 1]).generate_state(LEARNT_DAYS)
    gateway = learn_gateway([watch(scenario, nodes, seconds=seconds, seed=int(day)) for day in seeds])
    watched = watch(scenario, nodes, seconds=seconds, seed=seed)
    time_s = watched.timeline.time_s
    fused = gateway.fuse(*heard(send(watched.counts, time_s, link, seed), len(nodes), time_s, link.stale_s))
    return Together(scenario, tuple(nodes), link, watched, gateway, fused, seed)


def together_table(found: Together) -> Table:
    """Return the errors as they are shown on a terminal."""
    said = found.as_dict()
    title = f"{said['plan']}: {len(found.nodes)} nodes for {said['seconds']:g} s (simulated)"
    table = Table(title=Text(title), title_justify="left")
    for name in ("who", "people wrong", "too many", "right"):
        table.add_column(name, justify="left" if name == "who" else "right")
    for row in said["nodes"]:
        table.add_row(f"{row['node']} at {row['x_m']:g}, {row['y_m']:g}: its view", *_cells(row))
    table.add_row("all added up: in view", *_cells(said["added"]))
    table.add_row("gateway: in view", *_cells(said["fused"]))
    table.add_row("gateway: in the room", *_cells(said["fused_against_room"]))
    return table


def _cells(row: dict[str, float]) -> tuple[str, str, str]:
    return f"{row['people_wrong']:.3f}", f"{row['bias']:+.3f}", f"{row['right_share']:.1%}"
