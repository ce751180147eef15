"""What the library holds, by kind."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from datasheet.bad_input import BadInputError, nearest_name
from datasheet.config import library_names
from datasheet.toml_file import read_toml
from mcu_models.boards.board import board_names
from mcu_models.firmware.library import image_names
from mcu_models.networks.library import network_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_ROOMS: Final = "scenarios.library"
_DOORS: Final = "scenarios.guarded_doors"
_DOOR_KEYS: Final = frozenset({"wearing", "behaviour", "door"})
"""Tables that a guarded door has and no room."""
_KINDS: dict[str, Callable[[], Iterable[str]]] = {
    "boards": board_names,
    "sensors": lambda: library_names("sensors.parts"),
    "cameras": lambda: library_names("sensors.camera.parts"),
    "networks": network_names,
    "scenarios": lambda: library_names(_ROOMS),
    "doors": lambda: library_names(_DOORS),
    "nodes": lambda: library_names("twin.nodes"),
    "batteries": lambda: library_names("twin.batteries"),
    "radios": lambda: library_names("twin.radios"),
    "regulators": lambda: library_names("twin.regulators"),
    "harvesters": lambda: library_names("twin.harvesters"),
    "loads": lambda: library_names("twin.loads"),
    "sweeps": lambda: library_names("twin.sweeps.library"),
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


def is_guarded_door(name_or_path: str) -> bool:
    """Return whether a scenario is a guarded door and no room: by its name in the library, or by what its file says.

    Raises:
        BadInputError: Neither a file nor a name in the library, for which the nearest of both kinds is suggested; or
            the file cannot be read.
    """
    rooms, doors = library_names(_ROOMS), library_names(_DOORS)
    if name_or_path in (*rooms, *doors):
        return name_or_path in doors
    path = Path(name_or_path)
    try:
        is_file = path.is_file()
    except (OSError, ValueError) as error:
        raise BadInputError("scenario", "", name_or_path, f"cannot be read: {error}") from None
    if not is_file:
        known = nearest_name(name_or_path, (*rooms, *doors))
        raise BadInputError("scenario", "", name_or_path, f"neither a file nor a known scenario; {known}")
    return bool(_DOOR_KEYS & read_toml(path).keys())
