"""What is said to somebody whose input cannot be used."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

LONGEST_VALUE = 80
"""Characters of a value that are shown; the rest of a longer one becomes an ellipsis."""


class BadInputError(ValueError):
    """Input that cannot be used: which file, which key, what it says, and what is allowed.

    Its text is one line without a traceback's help; the command line prints it and exits with status 2.

    Args:
        source: The file, or the command-line argument, that holds the value.
        key: Dotted path of the key within it; empty when the file as a whole is meant.
        value: What stands there; None when something is missing. Shown shortened to `LONGEST_VALUE`.
        allowed: What may stand there.
    """

    def __init__(self, source: str | Path, key: str, value: object, allowed: str) -> None:
        self.source = str(source)
        self.key = key
        self.value = value
        self.allowed = allowed
        super().__init__(" ".join(f"{self._place()}; {allowed}".split()))

    def __reduce__(self) -> tuple[type[BadInputError], tuple[str, str, object, str]]:
        """Return how to make it again: an exception is pickled with the words of its text otherwise."""
        return type(self), (self.source, self.key, self.value, self.allowed)

    def _place(self) -> str:
        found = "" if self.value is None else _shortened(repr(self.value))
        if self.key:
            return f"{self.source}: {self.key} is {found}" if found else f"{self.source}: {self.key}"
        return f"{self.source} {found}".rstrip()


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"


def nearest_name(name: str, known: Iterable[str]) -> str:
    """Return what to say of an unknown `name`: the nearest of the `known` ones, and all of them."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{hint}known: {', '.join(names) or 'none'}"
