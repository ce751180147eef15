"""Flat tables as TOML text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Value = str | bool | int | float | list[float]


def array_of_tables(name: str, rows: Sequence[Mapping[str, Value]]) -> str:
    """Return rows as `[[name]]` tables, a line for each key; keys must be bare, as `left_out` is."""
    tables = ["".join(f"{key} = {_value(value)}\n" for key, value in row.items()) for row in rows]
    return "\n".join(f"[[{name}]]\n{table}" for table in tables)


def _value(value: Value) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    # JSON's escapes are TOML's, but for DEL, which TOML wants escaped, and for pairs of surrogates, not made here.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f") if isinstance(value, str) else repr(value)
