"""Reading TOML, with every failure told as bad input."""

from __future__ import annotations

import math
import tomllib
from typing import TYPE_CHECKING

from datasheet.bad_input import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TomlTable = dict[str, object]


def read_toml(path: Path) -> TomlTable:
    """Return the tables of the file at `path`.

    Raises:
        BadInputError: The file is missing, is not TOML in UTF-8, or holds a number that is not finite.
    """
    try:
        table: TomlTable = tomllib.loads(path.read_bytes().decode("utf-8"))
    except FileNotFoundError as error:
        raise BadInputError(path, "", None, "there is no such file") from error
    except OSError as error:
        raise BadInputError(path, "", None, f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadInputError(path, "", None, "must be text in UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise BadInputError(path, "", None, f"is not valid TOML: {error}") from error
    for key, number in _floats(table, ""):
        if not math.isfinite(number):
            raise BadInputError(path, key, number, "must be a finite number")
    return table


def _floats(node: object, key: str) -> Iterator[tuple[str, float]]:
    if isinstance(node, float):
        yield key, node
    elif isinstance(node, dict):
        for name, child in node.items():
            yield from _floats(child, f"{key}.{name}" if key else str(name))
    elif isinstance(node, list):
        for index, child in enumerate(node):
            yield from _floats(child, f"{key}[{index}]")
