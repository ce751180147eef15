"""Pieces of C source text."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_COLUMNS: Final = 100


def int_array(declaration: str, values: Iterable[int]) -> str:
    """Return the definition of an array of integers, wrapped to readable lines."""
    return braced(declaration, (str(int(value)) for value in values))


def braced(declaration: str, items: Iterable[str]) -> str:
    """Return `declaration = {items};`, wrapped to readable lines."""
    text = textwrap.fill(
        ", ".join(items), _COLUMNS, initial_indent="    ", subsequent_indent="    ", break_long_words=False
    )
    return f"{declaration} = {{\n{text},\n}};\n"


def struct(kind: str, name: str, fields: Mapping[str, object]) -> str:
    """Return the definition of a constant struct with its fields named, indented for a function's body."""
    lines = "".join(f"        .{key} = {_literal(value)},\n" for key, value in fields.items())
    return f"    const {kind} {name} = {{\n{lines}    }};\n"


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def guarded(guard: str, body: str) -> str:
    """Return a header's text within its include guard."""
    return f"#ifndef {guard}\n#define {guard}\n\n{body}\n#endif\n"
