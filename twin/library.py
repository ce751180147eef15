"""What the library holds, by kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datasheet.bad_input import BadInputError, nearest_name
from datasheet.config import library_names
from mcu_models.boards.board import board_names
from mcu_models.firmware.library import image_names
from mcu_models.networks.library import network_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_KINDS: dict[str, Callable[[], Iterable[str]]] = {
    "boards": board_names,
    "sensors": lambda: library_names("sensors.parts"),
    "networks": network_names,
    "scenarios": lambda: library_names("scenarios.library"),
    "nodes": lambda: library_names("twin.nodes"),
    "batteries": lambda: library_names("twin.batteries"),
    "radios": lambda: library_names("twin.radios"),
    "regulators": lambda: library_names("twin.regulators"),
    "harvesters": lambda: library_names("twin.harvesters"),
    "loads": lambda: library_names("twin.loads"),
    "images": image_names,
}


def names(kind: str) -> list[str]:
    """Return the names of a kind of thing.

    Raises:
        BadInputError: There is no such kind.
    """
    if kind not in _KINDS:
        raise BadInputError("command line", "list", kind, nearest_name(kind, _KINDS))
    return sorted(_KINDS[kind]())
