"""A search as files: what was found, every design tried, and the nodes to hang."""

from __future__ import annotations

import io
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from twin.placement.design import nodes_of
from twin.placement.hanging import node_toml
from twin.placement.objectives import ERROR_IN_WORDS

if TYPE_CHECKING:
    from twin.placement.search import Found, Reported, Tried


def search_json(found: Found) -> dict[str, Any]:
    """Return what a search has found: the best of each number beside a regular grid, the front, and why."""
    return {
        "plan": found.space.scenario.name,
        "objective": found.objective,
        "error": ERROR_IN_WORDS[found.objective],
        "trials": len(found.tried),
        "seed": found.seed,
        "recommended": len(found.recommended.tried.design),
        "by_number": [
            {
                "number": number,
                "best": _reported(found.best[number]),
                "grid": _reported(found.grids[number]),
                "better_than_grid": _better(found.best[number], found.grids[number]),
                "importance": {kind: round(share, 4) for kind, share in found.importance.get(number, {}).items()},
            }
            for number in sorted(found.best)
        ],
        "yours": None if found.start is None else _reported(found.start),
        "why": found.why.in_words(),
        "without_each": list(found.why.without),
        "front": [_tried(one) for one in found.front()],
        "prices_assumed": found.space.prices,
        "simulated": "errors of simulated days; no measured data",
    }


def _better(best: Reported, grid: Reported) -> float | None:
    return 1 - best.error / grid.error if grid.error > 0 else None


def _tried(one: Tried) -> dict[str, Any]:
    return {
        "design": [hanging.as_dict() for hanging in one.design],
        "origin": one.origin,
        "search": asdict(one.judged),
        "cost": one.cost,
        "life_s": one.life_s,
    }


def _reported(one: Reported) -> dict[str, Any]:
    table = _tried(one.tried)
    if one.tried.judged.error != one.tried.judged.error:  # a grid that the search did not try
        table["search"] = None
    return {**table, "error": one.error, "days": [asdict(day) for day in one.days]}


def trials_parquet(found: Found) -> bytes:
    """Return every design tried as Parquet, one row each: error, cost, life, origin, and places as lists."""
    rows = [
        {
            "trial": number,
            "origin": one.origin,
            "nodes": len(one.design),
            **asdict(one.judged),
            "cost": one.cost,
            "life_s": one.life_s,
            "node": [hanging.node for hanging in one.design],
            **{
                key: [getattr(hanging.mount, key) for hanging in one.design]
                for key in ("x_m", "y_m", "height_m", "yaw_deg", "tilt_deg")
            },
        }
        for number, one in enumerate(found.tried)
    ]
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), buffer)
    return buffer.getvalue()


def node_files(found: Found) -> dict[str, bytes]:
    """Return the TOML of each node of the recommended design, hung where it was found, by file name."""
    nodes = nodes_of(found.recommended.tried.design)
    return {f"sensor_{number}_{node.name}.toml": node_toml(node) for number, node in enumerate(nodes, start=1)}
