"""Makes the files of a run: those that the sweep names, with what it varies changed in them."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import tomli_w

from datasheet.bad_input import BadInputError
from datasheet.config import find_in_library
from datasheet.regular_file import read_regular_file
from datasheet.toml_file import read_toml
from mcu_models.boards.board import board_names, find_board
from mcu_models.networks.library import MANIFEST, find_network
from twin.sweeps.bundle import FOLDER, Bundle
from twin.sweeps.keys import NETWORK_KEYS
from twin.sweeps.toml_change import NoSuchKeyError, put, put_quantity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from twin.sweeps.axes import Value
    from twin.sweeps.sweep_file import Run

Files = list[tuple[str, bytes]]

MOST_BYTES: Final = 16 << 20
"""Of one file beside the TOMLs: a plan, a network."""

_PARTS: Final = {
    "sensor.part": "sensors.parts",
    "battery": "twin.batteries",
    "radio.part": "twin.radios",
    "supply.board.regulator": "twin.regulators",
    "supply.sensor.regulator": "twin.regulators",
    "supply.sensor.load_switch": "twin.regulators",
    "supply.radio.regulator": "twin.regulators",
    "harvest.cell": "twin.harvesters",
    "harvest.converter": "twin.harvesters",
}
"""Keys of a node that name a sheet, with the library that it is in."""


@dataclass
class Materials:
    """Reads what runs of a sweep are made from, each file once.

    Attributes:
        path: The sweep's TOML, which is named when something cannot be changed.
    """

    path: Path
    _tables: dict[Path, dict[str, Any]] = field(default_factory=dict)

    def bundle(self, run: Run) -> Bundle:
        """Return the files of a run.

        Raises:
            BadInputError: There is no such file or key.
        """
        place, room, further = self._scenario(run)
        return Bundle(((place, _dumped(room)), *self._node(run, room), *further))

    def _scenario(self, run: Run) -> tuple[str, dict[str, Any], Files]:
        path = find_in_library(run.scenario, "scenarios.library", kind="scenario")
        table = self._table(path)
        self._change(run, "scenario", table, put)
        room, files = table.get("room"), Files()
        if isinstance(room, dict) and isinstance(room.get("plan"), str):
            plan = path.parent / room["plan"]
            room["plan"] = plan.name
            files = [(f"scenario/{plan.name}", read_regular_file(plan, limit_bytes=MOST_BYTES))]
        return f"scenario/{path.name}", table, files

    def _node(self, run: Run, room: Mapping[str, Any]) -> Files:
        path = find_in_library(run.node, "twin.nodes", kind="node")
        table = self._table(path)
        _hang_as_the_scenario_does(run, table, room)
        self._change(run, "node", table, put)
        files = [
            *self._sheet(run, "sensor", table, "sensor.part"),
            *self._sheet(run, "battery", table, "battery"),
            *self._board(run, table),
            *self._network(run, table),
            *self._further(table),
        ]
        return [(f"node/{path.name}", _dumped(table)), *files]

    def _sheet(self, run: Run, part: str, node: dict[str, Any], key: str) -> Files:
        """Return the file of a part whose sheet is changed, which the node then names."""
        named = _at(node, key)
        if not isinstance(named, str) or not _changes(run, part):
            return []
        path = find_in_library(named, _PARTS[key], kind=part)
        table = self._table(path)
        self._change(run, part, table, put_quantity)
        put(node, key, f"{FOLDER}/{part}/{path.name}")
        return [(f"{part}/{path.name}", _dumped(table))]

    def _board(self, run: Run, node: dict[str, Any]) -> Files:
        named = node.get("board")
        if not isinstance(named, str) or not (_changes(run, "board") or named not in board_names()):
            return []
        board = find_board(named)
        table = self._table(board.folder / "board.toml")
        _fill_in(table, self._base_of(table), _changes(run, "board"))
        self._change(run, "board", table, put_quantity)
        place = f"board/{board.name}"
        node["board"] = f"{FOLDER}/{place}"
        script = board.folder / "memory.ld"
        scripts = [(f"{place}/memory.ld", script.read_bytes())] if script.is_file() else []
        if not scripts and "extends" not in table:
            return [(f"{place}/board.toml", _dumped(table))]
        return [(f"{place}/board.toml", _dumped(table)), *scripts]

    def _base_of(self, table: Mapping[str, Any]) -> dict[str, Any]:
        base = table.get("extends")
        return {} if base is None else self._table(find_board(str(base)).folder / "board.toml")

    def _network(self, run: Run, node: dict[str, Any]) -> Files:
        named, changes = node.get("network"), _changes(run, "network")
        if not isinstance(named, str):
            return []
        entry = find_network(named)
        is_own = Path(named).is_file() and Path(named).resolve() == entry.path.resolve()
        if not (changes or is_own):
            return []
        node["network"] = f"{FOLDER}/network/{entry.path.name}"
        if entry.has_rules:
            table = self._table(entry.path)
            self._change(run, "network", table, put_quantity)
            return [(f"network/{entry.path.name}", _dumped(table))]
        for key in changes:
            if key not in NETWORK_KEYS:
                raise BadInputError(
                    self.path, f"network.{key}", None, f"must be network.{' or network.'.join(NETWORK_KEYS)}"
                )
        row = {**entry.row, **changes}
        if not row:
            return [(f"network/{entry.path.name}", entry.path.read_bytes())]
        row.setdefault("file", entry.path.name)
        row.setdefault("sha256", entry.sha256)
        row.setdefault("frontend", entry.frontend)
        row["file"] = entry.path.name
        manifest = tomli_w.dumps({"network": [row]}).encode()
        return [(f"network/{entry.path.name}", entry.path.read_bytes()), (f"network/{MANIFEST}", manifest)]

    def _further(self, node: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
        """Yield files of the user's own that a node names beside those above."""
        loads = node.get("loads", [])
        keys = {
            **_PARTS,
            **{f"loads.{n}.part": "twin.loads" for n in range(len(loads) if isinstance(loads, list) else 0)},
        }
        for number, (key, library) in enumerate(keys.items()):
            named = _at(node, key)
            if not isinstance(named, str) or named.startswith(FOLDER):
                continue
            path = find_in_library(named, library, kind=key)
            if path == Path(named):
                put(node, key, f"{FOLDER}/part{number}/{path.name}")
                yield f"part{number}/{path.name}", _dumped(self._table(path))

    def _change(
        self, run: Run, part: str, table: dict[str, Any], change: Callable[[dict[str, Any], str, Value], None]
    ) -> None:
        for key, value in _changes(run, part).items():
            try:
                change(table, key, value)
            except NoSuchKeyError as error:
                raise BadInputError(self.path, f"{part}.{key}", value, str(error)) from None

    def _table(self, path: Path) -> dict[str, Any]:
        if path not in self._tables:
            self._tables[path] = read_toml(path)
        return copy.deepcopy(self._tables[path])


def _changes(run: Run, part: str) -> dict[str, Value]:
    """Return the changes of a part by key within it."""
    return {key.partition(".")[2]: value for key, value in run.changes if key.startswith(f"{part}.")}


def _hang_as_the_scenario_does(run: Run, node: dict[str, Any], room: Mapping[str, Any]) -> None:
    """Give a node without a place of its own, of which a part is varied, the place that the scenario has for it."""
    place = room.get("sensor_mount")
    if (
        "mount" not in node
        and isinstance(place, dict)
        and any(key.startswith("mount.") for key in _changes(run, "node"))
    ):
        node["mount"] = dict(place)


def _fill_in(table: dict[str, Any], base: dict[str, Any], keys: Mapping[str, Value]) -> None:
    """Copy to a board what it takes over from another one, where that is to be changed."""
    for key in keys:
        if _at(table, key) is None and _at(base, key) is not None:
            put(table, key, _at(base, key))


def _at(table: Mapping[str, Any], key: str) -> Any:
    """Return what is at a dotted key; None where there is nothing."""
    node: Any = table
    for name in key.split("."):
        if isinstance(node, dict):
            node = node.get(name)
        elif isinstance(node, list) and name.isdecimal() and int(name) < len(node):
            node = node[int(name)]
        else:
            return None
    return node


def _dumped(table: Mapping[str, Any]) -> bytes:
    return tomli_w.dumps(table).encode()
