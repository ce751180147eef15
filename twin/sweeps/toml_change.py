"""Changes values in the tables of a TOML file by dotted key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from datasheet.bad_input import nearest_name

if TYPE_CHECKING:
    from twin.sweeps.axes import Value

VARIED = {"source": "varied by a sweep", "evidence": "assumed"}
"""What a quantity says of itself whose value is none of its datasheet's; the range of the old value goes with it."""


class NoSuchKeyError(Exception):
    """There is nothing at a key that could be changed; the text says what there is."""


def put(table: dict[str, Any], key: str, value: Value) -> None:
    """Put a value at a dotted key; tables that lead to it are made, entries of lists are counted from 0.

    Raises:
        NoSuchKeyError: The key leads into a value, or to an entry that the list has not.
    """
    *before, last = key.split(".")
    node: Any = table
    for name in before:
        if isinstance(node, dict) and name not in node:
            node[name] = {}
        node = node[_place(node, name)]
    node[_place(node, last)] = value


def put_quantity(table: dict[str, Any], key: str, value: Value) -> None:
    """Put a value in the place of one that is there: of a quantity the number, in the unit that stands there.

    Raises:
        NoSuchKeyError: There is no such single value.
    """
    *before, last = key.split(".")
    node: Any = table
    for name in before:
        node = node[_known(node, name)]
    old = node[_known(node, last)]
    if isinstance(old, dict) and "value" in old:
        node[last] = {"value": value, "unit": old.get("unit", ""), **VARIED}
    elif isinstance(old, dict | list):
        raise NoSuchKeyError("is a table; a sweep varies single values" + _values_within(old))
    else:
        node[_place(node, last)] = value


def _known(node: Any, name: str) -> str | int:
    place = _place(node, name)
    if isinstance(node, dict) and name not in node:
        raise NoSuchKeyError(f"unknown key; {nearest_name(name, node)}")
    return place


def _place(node: Any, name: str) -> str | int:
    if isinstance(node, dict):
        return name
    if not isinstance(node, list):
        raise NoSuchKeyError(f"leads into a single value at {name!r}")
    if not name.isdecimal() or int(name) >= len(node):
        raise NoSuchKeyError(f"has no entry {name!r}; entries are 0 to {len(node) - 1}" if node else "is an empty list")
    return int(name)


def _values_within(old: dict[str, Any] | list[Any]) -> str:
    within = [key for key, value in old.items() if isinstance(value, dict)] if isinstance(old, dict) else []
    return f"; it holds {', '.join(within)}" if within else ""
