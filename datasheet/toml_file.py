"""Reading TOML, with every failure told as bad input."""

from __future__ import annotations

import math
import re
import tomllib
from typing import TYPE_CHECKING

from datasheet.bad_input import BadInputError
from datasheet.regular_file import read_regular_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TomlTable = dict[str, object]

DEEPEST_NESTING = 32
"""Tables and lists within each other; far more than any file of this project needs."""

MAX_TOML_BYTES = 1 << 20
"""Far more than any file of this project needs."""

INTEGER_LIMIT = 2**63
"""TOML 1.0 asks for integers of 64 bits; larger ones are refused."""

_LONG_KEY = re.compile(rf"""(?<![\w-])(?:(?>[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*){{{DEEPEST_NESTING + 1}}}""")
"""A dotted key with more parts than tables may nest: the parser's time grows with their cube."""

_TOO_DEEP = f"must not nest tables and lists deeper than {DEEPEST_NESTING} levels"


def read_toml(path: Path) -> TomlTable:
    """Return the tables of the file at `path`.

    Raises:
        BadInputError: The file is missing, is no regular file of `MAX_TOML_BYTES` at most, is not TOML in UTF-8, is
            nested too deeply, or holds a number that is not finite or an integer beyond 64 bits.
    """
    data = read_regular_file(path, limit_bytes=MAX_TOML_BYTES)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInputError(path, "", None, "must be text in UTF-8") from error
    if _LONG_KEY.search(text):
        raise BadInputError(path, "", None, _TOO_DEEP)
    try:
        table: TomlTable = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInputError(path, "", None, f"is not valid TOML: {error}") from error
    except RecursionError as error:
        raise BadInputError(path, "", None, _TOO_DEEP) from error
    except ValueError as error:  # of an integer with more digits than Python converts
        raise BadInputError(path, "", None, "must not hold an integer beyond 64 bits") from error
    for key, number in _numbers(path, table, "", 0):
        if isinstance(number, float) and not math.isfinite(number):
            raise BadInputError(path, key, number, "must be a finite number")
        if isinstance(number, int) and not -INTEGER_LIMIT <= number < INTEGER_LIMIT:
            raise BadInputError(path, key, None, "must be an integer of 64 bits at most")
    return table


def _numbers(path: Path, node: object, key: str, depth: int) -> Iterator[tuple[str, float | int]]:
    """Yield the dotted key and the value of every number in `node`."""
    if depth > DEEPEST_NESTING:
        raise BadInputError(path, "", None, _TOO_DEEP)
    if isinstance(node, float | int):
        yield key, node
    elif isinstance(node, dict):
        for name, child in node.items():
            yield from _numbers(path, child, f"{key}.{name}" if key else str(name), depth + 1)
    elif isinstance(node, list):
        for index, child in enumerate(node):
            yield from _numbers(path, child, f"{key}[{index}]", depth + 1)
