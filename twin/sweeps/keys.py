"""The dotted keys that a sweep may vary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from datasheet.bad_input import BadInputError, nearest_name

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS: Final = ("scenario", "node", "seconds", "seed", "level")
"""What a run has beside the keys that are changed in its files."""

FILES: Final = ("scenario", "node")
"""A key of their TOML follows."""

SHEETS: Final = ("board", "battery", "sensor", "network")
"""A key of the part's sheet follows: of a quantity, the number in the unit that stands there."""

NETWORK_KEYS: Final = ("votes", "wake_up_degc")
"""What a node may do otherwise around the same network."""


def check_key(path: Path, table: str, key: str) -> None:
    """Refuse what is no key of anything.

    Raises:
        BadInputError: With the nearest of what there is.
    """
    part, _, rest = key.partition(".")
    if key in SETTINGS or (part in (*FILES, *SHEETS) and rest and all(rest.split("."))):
        return
    if key in SHEETS:
        what = "node.sensor.part" if key == "sensor" else f"node.{key}"
        raise BadInputError(path, f"{table}.{key}", None, f"needs a key of the sheet behind it; the part is {what}")
    known = nearest_name(part, (*SETTINGS, *SHEETS))
    raise BadInputError(path, f"{table}.{key}", None, f"unknown key; {known}")
