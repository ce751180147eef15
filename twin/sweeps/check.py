"""Finds out before the first run whether it can be what is varied; says what cannot in the words of the sweep."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from datasheet.bad_input import BadInputError
from twin.sweeps.bundle import Bundle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from scenarios.room import Scenario
    from twin.node import Node
    from twin.sweeps.materials import Materials
    from twin.sweeps.sweep_file import Run, Sweep

MOST_CHECKED: Final = 1000
"""Of more variants, so many are looked at before the first run, from all over the sweep; others as they are played."""

_UNKNOWN: Final = "known: "
"""Stands in what is said of a name or key that does not exist: a slip of the pen, which no sweep skips."""


@dataclass
class Checker:
    """Loads what runs are made from, each file once."""

    sweep: Sweep
    materials: Materials
    _rooms: dict[Bundle, Scenario] = field(default_factory=dict)
    _nodes: dict[Bundle, Node] = field(default_factory=dict)

    def check(self, runs: Iterable[Run], progress: Callable[[int, int], None]) -> None:
        """Look at every variant among the runs, whatever their seeds.

        Raises:
            BadInputError: One cannot be, and the sweep does not skip those; or a key is not known at all.
        """
        variants = {(run.scenario, run.node, run.changes): run for run in runs}
        chosen = list(variants.values())[:: max(1, -(-len(variants) // MOST_CHECKED))]
        for done, run in enumerate(chosen):
            progress(done, len(chosen))
            self._check(run)

    def _check(self, run: Run) -> None:
        try:
            self._load(run)
        except BadInputError as error:
            if _UNKNOWN in error.allowed or not self.sweep.config.rules.skip_impossible:
                raise blamed(self.sweep, run, error) from error

    def _load(self, run: Run) -> None:
        bundle = self.materials.bundle(run)
        self._node(bundle).mount_in(self._room(bundle))

    def _room(self, bundle: Bundle) -> Scenario:
        from scenarios.room import read_scenario  # noqa: PLC0415 - slow to load

        own = Bundle(tuple(file for file in bundle.files if file[0].startswith("scenario/")))
        if own not in self._rooms:
            with bundle.unpacked() as (path, _):
                self._rooms[own] = read_scenario(path)
        return self._rooms[own]

    def _node(self, bundle: Bundle) -> Node:
        """Return a node whose parts fit each other; some are read from its folder only when they are needed."""
        from twin.energy.node_parts import consumers_of  # noqa: PLC0415 - slow to load
        from twin.host_node import check_sensor  # noqa: PLC0415
        from twin.node import load_node  # noqa: PLC0415

        own = Bundle(tuple(file for file in bundle.files if not file[0].startswith("scenario/")))
        if own not in self._nodes:
            with bundle.unpacked() as (_, path):
                node = load_node(str(path))
                check_sensor(node.network, (node.sensor.rows, node.sensor.columns))
                consumers_of(node)
                self._nodes[own] = node
        return self._nodes[own]


def blamed(sweep: Sweep, run: Run, error: BadInputError) -> BadInputError:
    """Return what is wrong with a run as something wrong with its sweep: the key that did it, or all of them."""
    if error.source == str(sweep.path):
        return error
    named = [key for key in dict.fromkeys((*sweep.keys, "scenario", "node")) if key not in {"seed", "seconds", "level"}]
    by_key = [key for key in named if _is_at(key, error)]
    guilty = by_key or [key for key in named if run.value_of(key) == error.value]
    if len(guilty) == 1:
        return BadInputError(sweep.path, guilty[0], run.value_of(guilty[0]), error.allowed)
    found = f"{error.key} is {error.value!r}" if error.value is not None else error.key
    what = f"{found}; {error.allowed}" if found else error.allowed
    return BadInputError(sweep.path, "", None, f"with {run.told(sweep.keys)}: {what}")


def _is_at(key: str, error: BadInputError) -> bool:
    """Return whether an error is about the very value that a key of a sweep changes in some file."""
    place, inner = error.key.replace("[", ".").replace("]", ""), key.partition(".")[2]
    return bool(inner) and (place in {inner, f"network.{inner}"} or place.startswith(f"{inner}."))
