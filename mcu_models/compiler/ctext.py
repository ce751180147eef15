"""Pieces of C source text."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

_COLUMNS: Final = 100


def int_array(declaration: str, values: Iterable[int]) -> str:
    """Return the definition of an array of integers, wrapped to readable lines."""
    return braced(declaration, (str(int(value)) for value in values))


def constants(c_type: str, name: str, values: NDArray[np.generic]) -> str:
    """Return the definition of a network's constant array, which NETWORK_WEIGHTS may place in a section."""
    write = _WRITERS.get(c_type, str)
    items = (write(value) for value in values.reshape(-1).tolist())
    return braced(f"static NETWORK_WEIGHTS const {c_type} {name}[{values.size}]", items)


def real(value: float) -> str:
    """Return a float32 as C, exactly."""
    if math.isinf(value):
        return "__builtin_inff()" if value > 0 else "-__builtin_inff()"
    return f"{float(np.float32(value)).hex()}f"


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


def listed(values: Iterable[int]) -> str:
    """Return an initialiser of integers for a field of a struct."""
    return f"{{{', '.join(str(int(value)) for value in values)}}}"


def guarded(guard: str, body: str) -> str:
    """Return a header's text within its include guard."""
    return f"#ifndef {guard}\n#define {guard}\n\n{body}\n#endif\n"


def c_linkage(declarations: str) -> str:
    """Return a header's functions, declared so that C++ finds them by the names that C gives them."""
    return f"""\
#ifdef __cplusplus
extern "C" {{
#endif

{declarations}
#ifdef __cplusplus
}}
#endif
"""


_WRITERS: Final[dict[str, Any]] = {"float": real, "uint32_t": "{:#010x}u".format}
