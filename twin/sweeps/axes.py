"""The values of varied keys: all combinations of a grid, and draws at random."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from datasheet.bad_input import BadInputError, nearest_name
from twin.sweeps.keys import check_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

Value = str | int | float | bool

MOST_DRAWS: Final = 100_000
DIGITS: Final = 9
"""Significant digits of a drawn number: the last ones of a logarithm differ from machine to machine."""

_RANGE_KEYS: Final = ("low", "high", "log", "integer", "choice")


@dataclass(frozen=True)
class Axes:
    """The varied keys.

    Attributes:
        grid: Values by key; every combination is played.
        drawn: Values by key, as many for each; the first of all belong together, and so on.
    """

    grid: dict[str, tuple[Value, ...]]
    drawn: dict[str, tuple[Value, ...]]

    @property
    def runs(self) -> int:
        """How many combinations there are."""
        draws = len(next(iter(self.drawn.values()), (None,)))
        return draws * math.prod(len(values) for values in self.grid.values())


def grid_axes(path: Path, table: Mapping[str, Any], seeds: tuple[int, ...]) -> dict[str, tuple[Value, ...]]:
    """Return the axes of the table `[grid]`; seeds are the last one.

    Raises:
        BadInputError: A key is none, or its values are no list of one kind, each once.
    """
    axes = {key: _values(path, f"grid.{key}", values) for key, values in _leaves(path, "grid", table)}
    if seeds and "seed" in axes:
        raise BadInputError(path, "grid.seed", None, "stands beside seeds; keep one of them")
    return {**axes, "seed": _values(path, "seeds", list(seeds))} if seeds else axes


def drawn_axes(path: Path, table: Mapping[str, Any]) -> dict[str, tuple[Value, ...]]:
    """Return the draws of the table `[random]`: the same for the same seed, whatever other keys there are.

    Raises:
        BadInputError: A key is none, or its range cannot be drawn from.
    """
    if not table:
        return {}
    ranges = {key: value for key, value in table.items() if key not in {"runs", "seed"} or isinstance(value, dict)}
    runs = _whole(path, "random.runs", table.get("runs"), 1, MOST_DRAWS)
    seed = _whole(path, "random.seed", table.get("seed", 1), 0, 2**63 - 1)
    axes = {
        key: _draws(path, f"random.{key}", given, runs, _generator(seed, key))
        for key, given in _leaves(path, "random", ranges)
    }
    if not axes:
        raise BadInputError(path, "random", None, 'names no key to draw, such as "node.mount.height_m"')
    return axes


def _leaves(path: Path, table: str, given: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield dotted keys and what they are given, also where TOML made tables of unquoted dots."""
    for name, value in given.items():
        key = f"{before}{name}"
        if isinstance(value, dict) and (table == "grid" or not value.keys() <= set(_RANGE_KEYS)):
            if table == "random" and value.keys() & set(_RANGE_KEYS):
                odd = next(one for one in value if one not in _RANGE_KEYS)
                raise BadInputError(path, f"{table}.{key}.{odd}", None, f"unknown; {nearest_name(odd, _RANGE_KEYS)}")
            yield from _leaves(path, table, value, f"{key}.")
        else:
            check_key(path, table, key)
            yield key, value


def _values(path: Path, key: str, given: Any) -> tuple[Value, ...]:
    """Return a list's values; whole numbers become real ones beside real ones."""
    if not isinstance(given, list) or not given:
        raise BadInputError(path, key, given, "must be a list of values, such as [1.0, 2.0]")
    kinds = {_kind(value) for value in given}
    if len(kinds) > 1 or None in kinds:
        raise BadInputError(path, key, given, "must hold texts, or numbers, or true and false, and only one of these")
    is_real = any(isinstance(value, float) for value in given)
    values = tuple(float(value) for value in given) if is_real else tuple(given)
    if len(set(values)) < len(values):
        twice = next(value for value, times in Counter(values).items() if times > 1)
        raise BadInputError(path, key, twice, "stands there twice")
    return values


def _kind(value: Any) -> str | None:
    if isinstance(value, bool):
        return "truth"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else None


def _generator(seed: int, key: str) -> np.random.Generator:
    """Return a key's own generator, so that a further key leaves the draws of the others as they are."""
    return np.random.default_rng([seed, int.from_bytes(hashlib.sha256(key.encode()).digest()[:8])])


def _draws(path: Path, key: str, given: Any, runs: int, generator: np.random.Generator) -> tuple[Value, ...]:
    if not isinstance(given, dict):
        raise BadInputError(path, key, given, "must be a range such as { low = 1.0, high = 2.0 } or { choice = [...] }")
    if "choice" in given:
        if len(given) > 1:
            raise BadInputError(path, key, None, "has a choice beside a range; keep one of them")
        values = _values(path, f"{key}.choice", given["choice"])
        return tuple(values[index] for index in generator.integers(len(values), size=runs))
    return _numbers(path, key, given, runs, generator)


def _numbers(
    path: Path, key: str, given: Mapping[str, Any], runs: int, generator: np.random.Generator
) -> tuple[Value, ...]:
    low, high = (_number(path, f"{key}.{end}", given.get(end)) for end in ("low", "high"))
    log, integer = (_truth(path, f"{key}.{name}", given.get(name, False)) for name in ("log", "integer"))
    if not low < high:
        raise BadInputError(path, f"{key}.high", high, f"must be above low, {low:g}")
    if log and low <= 0:
        raise BadInputError(path, f"{key}.low", low, "must be above 0 where log = true")
    if integer:
        low, high = (_whole(path, f"{key}.{end}", given[end], -(2**53), 2**53) for end in ("low", "high"))
        if not log:
            return tuple(int(value) for value in generator.integers(low, high, size=runs, endpoint=True))
    shares = generator.random(runs)
    drawn = low * (high / low) ** shares if log else low + (high - low) * shares
    if integer:
        return tuple(min(max(round(value), int(low)), int(high)) for value in drawn.tolist())
    return tuple(float(f"{value:.{DIGITS}g}") for value in drawn.tolist())


def _number(path: Path, key: str, given: Any) -> float:
    if _kind(given) != "number":
        raise BadInputError(path, key, given, "must be a number" if given is not None else "is required and missing")
    return float(given)


def _truth(path: Path, key: str, given: Any) -> bool:
    if not isinstance(given, bool):
        raise BadInputError(path, key, given, "must be true or false")
    return given


def _whole(path: Path, key: str, given: Any, low: int, high: int) -> int:
    if type(given) is not int or not low <= given <= high:
        raise BadInputError(path, key, given, f"must be a whole number from {low} to {high}")
    return given
