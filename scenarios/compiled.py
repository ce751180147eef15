"""Compiling inner loops, with their types kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba

from datasheet.compile_cache import ensure_compile_cache

if TYPE_CHECKING:
    from collections.abc import Callable

ensure_compile_cache(__file__)

_FunctionT = TypeVar("_FunctionT", bound="Callable[..., Any]")


def compiled(function: _FunctionT) -> _FunctionT:
    """Return `function` compiled by numba on first use; the compiled code is kept for later runs."""
    return cast("_FunctionT", numba.njit(cache=True)(function))
